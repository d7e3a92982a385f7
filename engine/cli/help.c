/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tables of commands and options say, as text.
 */
#include "cli/cli.h"

#include <string.h>

/* "-o, --output FILE", padded to a column. */
static void print_option(FILE *out, const nr_option *option)
{
    enum { COLUMN = 30 };
    char left[64];
    char letter[8] = "    ";
    if (option->letter != 0)
        (void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
    (void)snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name,
                   option->value == NULL ? "" : " ",
                   option->value == NULL ? "" : option->value);
    if (strlen(left) <= COLUMN)
        fprintf(out, "  %-*s  %s\n", COLUMN, left, option->help);
    else
        fprintf(out, "  %s\n  %-*s  %s\n", left, COLUMN, "", option->help);
}

/* A command in a list, by the first sentence of its summary; the rest is for its own
 * help. */
static void print_command(FILE *out, const nr_command *group, const nr_command *command)
{
    fprintf(out, "  nrbac %s%s%-11s %.*s\n", group == NULL ? "" : group->name,
            group == NULL ? "" : " ", command->name,
            (int)strcspn(command->summary, ".\n"), command->summary);
}

void nr_help_command(FILE *out, const nr_command *command)
{
    static const nr_option help = { "help", 'h', NULL, "print this" };
    fprintf(out, "nrbac %s\n\n%s\n\n", command->synopsis, command->summary);
    if (command->group != NULL) {
        for (const nr_command *const *at = command->group; *at != NULL; at++)
            print_command(out, command, *at);
        return;
    }
    for (const nr_option *option = command->options; option->name != NULL; option++)
        print_option(out, option);
    print_option(out, &help);
    fputs("\nExit status: 0 yes or done, 1 no, 2 wrong usage, 3 the system failed.\n",
          out);
}

void nr_help_overview(FILE *out)
{
    fputs("nrbac: may this user do that? Decisions on National RBAC.\n\n", out);
    for (const nr_command *const *at = nr_commands; *at != NULL; at++)
        print_command(out, NULL, *at);
    fputs(
        "\nnrbac help COMMAND says more of a command, nrbac help P012 of a mistake in "
        "a policy,\nnrbac help not-granted of a reason.\n",
        out);
}
