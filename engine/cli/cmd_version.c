/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

static nr_exit run(const nr_arguments *arguments)
{
    if (!nr_format_is(arguments, "json")) {
        printf("nrbac %s\n", nrbac_version());
        return NR_EXIT_OK;
    }
    nrbac_document *document = nrbac_document_create();
    if (document == NULL)
        return nr_say_memory();
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "version", nrbac_new_text(document, nrbac_version()));
    nr_exit end = nr_print_json(map, NRBAC_JSON_INDENT);
    nrbac_document_destroy(document);
    return end;
}

static const nr_option options[] = {
    { "format", 0, "text|json", "text for people, json for programs" },
    { 0 },
};

const nr_command nr_cmd_version = {
    .name = "version",
    .synopsis = "version [--format text|json]",
    .summary = "Prints the release.",
    .options = options,
    .run = run,
};
