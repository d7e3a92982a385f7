/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: what a policy is expected to decide, tried on it.
 */
#include "cli/commands.h"
#include "cli/suite.h"

/* Reads the tests and chooses among them; NR_EXIT_OK: there are some to run. */
static nr_exit read_tests(nr_suite *suite, const nr_arguments *arguments)
{
    const char *folder = arguments->operands[0];
    const char *pattern = nr_option_value(arguments, "run");
    nr_exit end = nr_suite_read(suite, folder);
    if (end == NR_EXIT_OK)
        end = nr_suite_tell_mistakes(suite);
    if (end != NR_EXIT_OK)
        return end;
    if (suite->tests.count == 0 && suite->file_count == 0)
        return nr_say_no("`%s` has no tests: no file ends in _test.yaml", folder);
    if (suite->tests.count == 0)
        return nr_say_no("`%s` has no tests: its test files are empty", folder);
    if (pattern != NULL)
        nr_suite_choose(suite, pattern);
    if (suite->tests.count == 0)
        return nr_say_no("no test is called like `%s`", pattern);
    return NR_EXIT_OK;
}

static nr_exit run(const nr_arguments *arguments)
{
    const char *folder = arguments->operands[0];
    nr_suite suite = { .file_count = 0 };
    nrbac_engine *engine;
    nr_exit end = nr_need_folder(folder);
    if (end == NR_EXIT_OK)
        end = nr_policy_open(folder, &engine);
    if (end != NR_EXIT_OK)
        return end;
    end = read_tests(&suite, arguments);
    if (end == NR_EXIT_OK)
        end = nr_suite_run(&suite, engine);
    if (end == NR_EXIT_OK)
        end = nr_suite_report(&suite, nr_option_value(arguments, "format"));
    if (end == NR_EXIT_OK && suite.failed > 0)
        end = NR_EXIT_NO;
    nr_suite_finish(&suite);
    nrbac_engine_destroy(engine);
    return end;
}

static const nr_option options[] = {
    { "run", 0, "PATTERN", "only tests whose name holds or matches it" },
    { "format", 0, "pretty|tap|junit|json", "how the outcome is told" },
    { 0 },
};

const nr_command nr_cmd_test = {
    .name = "test",
    .synopsis = "test DIR [--format pretty|tap|junit|json] [--run PATTERN]",
    .summary =
        "Runs the tests of a policy.\n\n"
        "Tests stand beside the policy in files ending in _test.yaml. What fails is\n"
        "told with its place and with what explain says.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
