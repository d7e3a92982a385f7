/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ask.h"
#include "cli/commands.h"

static bool print_piece(void *context, const char *text, size_t size)
{
    FILE *out = context;
    return fwrite(text, 1, size, out) == size;
}

static nr_exit run(const nr_arguments *arguments)
{
    nrbac_engine *engine;
    nr_exit end = nr_policy_open(arguments->operands[0], &engine);
    if (end != NR_EXIT_OK)
        return end;
    nrbac_status status = nrbac_dump(engine, print_piece, stdout);
    nrbac_engine_destroy(engine);
    /* What stdout refused, main tells. */
    if (status != NRBAC_OK && !ferror(stdout))
        end = nr_say_system("cannot dump: %s", nrbac_status_text(status));
    return end;
}

static const nr_option options[] = { { 0 } };

const nr_command nr_cmd_dump = {
    .name = "dump",
    .synopsis = "dump POLICY",
    .summary =
        "Prints the compiled table as stable text, for golden files.\n\n"
        "The text depends on nothing but the policy, so a difference between two\n"
        "dumps is a change of what somebody may do.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
