/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "text/diag.h"

#include <string.h>

const nr_command *const nr_commands[] = {
    &nr_cmd_validate, &nr_cmd_compile,    &nr_cmd_check,   &nr_cmd_explain,
    &nr_cmd_what_can, &nr_cmd_who_can,    &nr_cmd_test,    &nr_cmd_assure,
    &nr_cmd_dump,     &nr_cmd_import_nrd, &nr_cmd_query,   &nr_cmd_audit,
    &nr_cmd_hash_key, &nr_cmd_help,       &nr_cmd_version, NULL, /* the end */
};

const nr_command *nr_command_find(const nr_command *const *among, const char *name)
{
    for (const nr_command *const *at = among; *at != NULL; at++)
        if (strcmp((*at)->name, name) == 0)
            return *at;
    return NULL;
}

const char *nr_command_nearest(const nr_command *const *among, const char *name)
{
    /* No group has more than there are commands. */
    const char *names[sizeof nr_commands / sizeof nr_commands[0]];
    size_t count = 0;
    for (const nr_command *const *at = among; *at != NULL; at++)
        names[count++] = (*at)->name;
    return nr_nearest_name(name, names, count);
}
