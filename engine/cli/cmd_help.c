/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help: of the commands, of a mistake in a policy (P012), of a reason.
 */
#include "cli/commands.h"
#include "text/diag.h"

#include <string.h>
#include <strings.h>

/* Every reason there is, as numbers. */
static const nrbac_reason reasons[] = {
#define NRBAC_REASON(number, name, slug, effect, message, doc) NRBAC_REASON_##name,
#include <nrbac/reason.def>
#undef NRBAC_REASON
};
enum { REASON_COUNT = sizeof reasons / sizeof reasons[0] };

static bool print_reason(const char *slug)
{
    for (size_t i = 0; i < REASON_COUNT; i++) {
        if (strcmp(nrbac_reason_slug(reasons[i]), slug) != 0)
            continue;
        printf("%s (%s)\n\n%s\n", slug,
               nrbac_effect_slug(nrbac_reason_effect(reasons[i])),
               nrbac_reason_doc(reasons[i]));
        return true;
    }
    return false;
}

static const nrbac_diagnostic_help *find_diagnostic(const char *name)
{
    char code[8];
    size_t size = strlen(name);
    if (size != 4 || (name[0] != 'p' && name[0] != 'P'))
        return nrbac_diagnostic_help_find(name);
    (void)snprintf(code, sizeof code, "P%s", name + 1);
    return nrbac_diagnostic_help_find(code);
}

static bool print_diagnostic(const char *name)
{
    const nrbac_diagnostic_help *help = find_diagnostic(name);
    if (help == NULL)
        return false;
    bool warning = help->severity == NRBAC_SEVERITY_WARNING;
    printf("%s: %s (%s%s)\n", help->code, help->summary, help->slug,
           warning ? ", a warning; an error under --strict" : ", an error");
    size_t size = strlen(help->page);
    if (size > 0)
        printf("\n%s%s", help->page, help->page[size - 1] == '\n' ? "" : "\n");
    return true;
}

static nr_exit refuse(const nr_arguments *arguments, const char *name)
{
    const char *slugs[REASON_COUNT];
    for (size_t i = 0; i < REASON_COUNT; i++)
        slugs[i] = nrbac_reason_slug(reasons[i]);
    const char *nearest = nr_command_nearest(nr_commands, name);
    if (nearest == NULL)
        nearest = nr_nearest_name(name, slugs, REASON_COUNT);
    nr_exit end = nr_say_usage(arguments->command,
                               "`%s` is no command, mistake or reason", name);
    if (nearest != NULL)
        nr_say_help("did you mean `%s`?", nearest);
    return end;
}

static nr_exit run(const nr_arguments *arguments)
{
    const char *name = nr_operand(arguments, 0);
    if (name == NULL) {
        nr_help_overview(stdout);
        return NR_EXIT_OK;
    }
    const nr_command *command = nr_command_find(nr_commands, name);
    const char *member = nr_operand(arguments, 1);
    if (member != NULL) {
        command = command == NULL || command->group == NULL
                      ? NULL
                      : nr_command_find(command->group, member);
        if (command == NULL)
            return nr_say_usage(arguments->command, "`%s` has no command `%s`", name,
                                member);
    }
    if (command != NULL)
        nr_help_command(stdout, command);
    else if (!print_reason(name) && !print_diagnostic(name))
        return refuse(arguments, name);
    return NR_EXIT_OK;
}

static const nr_option options[] = { { 0 } };

const nr_command nr_cmd_help = {
    .name = "help",
    .synopsis = "help [COMMAND [COMMAND]|CODE|REASON]",
    .summary = "Explains a command, a mistake in a policy (P012), or a reason.",
    .options = options,
    .operands_max = 2,
    .run = run,
};
