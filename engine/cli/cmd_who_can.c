/* SPDX-License-Identifier: Apache-2.0 */
/*
 * who-can: the roles that may do something, and what could be added to others.
 */
#include "cli/ask.h"
#include "cli/commands.h"

static void print_roles(const nrbac_value *roles)
{
    printf("by baseline (%zu)\n", nrbac_value_count(roles));
    for (size_t i = 0; i < nrbac_value_count(roles); i++) {
        const nrbac_value *one = nrbac_value_at(roles, i);
        const char *area = nr_text_at(one, "area_of_work");
        printf("  %-12s %s", nr_text_at(one, "role"), nr_text_at(one, "name"));
        if (area[0] != '\0')
            printf(", in %s %s", area, nr_text_at(one, "area_name"));
        putchar('\n');
    }
}

static void print_additions(const nrbac_value *sets)
{
    puts("\na Registration Authority could add");
    if (nrbac_value_count(sets) == 0)
        puts("  nothing that would be enough");
    for (size_t i = 0; i < nrbac_value_count(sets); i++) {
        const nrbac_value *codes = nrbac_value_at(sets, i);
        fputs("  ", stdout);
        for (size_t k = 0; k < nrbac_value_count(codes); k++)
            printf("%s%s", k == 0 ? "" : " and ",
                   nrbac_value_text(nrbac_value_at(codes, k)));
        putchar('\n');
    }
}

static nr_exit tell(const nr_arguments *arguments, nrbac_document *document,
                    const nrbac_value *answer)
{
    nr_exit end = NR_EXIT_OK;
    const char *name = arguments->operands[1];
    if (answer == NULL)
        return nr_say_memory();
    bool unknown = nrbac_value_find(answer, "reason") != NULL;
    if (nr_format_is(arguments, "json")) {
        end = nr_print_json(answer, NRBAC_JSON_INDENT);
    } else if (unknown) {
        nr_say_no("`%s` is not in the policy (%s)", name, nr_text_at(answer, "reason"));
    } else {
        const nrbac_value *shown = nr_shown(document, answer);
        print_roles(nrbac_value_find(shown, "roles"));
        print_additions(nrbac_value_find(shown, "add"));
    }
    return end == NR_EXIT_OK && unknown ? NR_EXIT_NO : end;
}

static nr_exit run(const nr_arguments *arguments)
{
    nrbac_engine *engine;
    nr_exit end = nr_policy_open(arguments->operands[0], &engine);
    if (end != NR_EXIT_OK)
        return end;
    nrbac_document *document = nrbac_document_create();
    end = document == NULL
              ? nr_say_memory()
              : tell(arguments, document,
                     nrbac_who_can(engine, arguments->operands[1], document));
    nrbac_document_destroy(document);
    nrbac_engine_destroy(engine);
    return end;
}

static const nr_option options[] = {
    { "format", 0, "text|json", "text for people, json for programs" },
    { 0 },
};

const nr_command nr_cmd_who_can = {
    .name = "who-can",
    .synopsis = "who-can POLICY NAME [--format text|json]",
    .summary =
        "Lists the job roles whose baseline reaches an activity or function.\n\n"
        "With the areas of work that it takes, and the codes that a Registration\n"
        "Authority could add to a profile that lacks it.",
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run,
};
