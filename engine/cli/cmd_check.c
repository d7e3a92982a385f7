/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check and explain: one question, or a stream of them, asked of a policy here.
 */
#include "cli/asking.h"
#include "cli/commands.h"

static nr_exit ask_policy(const nr_arguments *arguments, const nr_manner *manner)
{
    nr_judge judge = { 0 };
    nr_exit end = nr_judge_open(arguments, &judge);
    if (end == NR_EXIT_OK)
        end = nr_ask(arguments, 1, nr_judge_oracle(&judge), manner);
    nr_judge_close(&judge);
    return end;
}

static nr_exit run_check(const nr_arguments *arguments)
{
    return ask_policy(arguments,
                      &(nr_manner){ NRBAC_ASK_REQUEST_TIME, nr_answer_line });
}

static nr_exit run_explain(const nr_arguments *arguments)
{
    return ask_policy(
        arguments,
        &(nr_manner){ NRBAC_ASK_REQUEST_TIME | NRBAC_ASK_EXPLAIN, nr_answer_story });
}

static const nr_option options[] = {
    NR_REQUEST_OPTIONS,
    NR_EVIDENCE_OPTION,
    { "stream", 0, NULL, "a line of answer for each line of request (JSON lines)" },
    { "quiet", 'q', NULL, "print nothing; the exit status answers" },
    { "format", 0, "text|json", "text for people, json for programs" },
    { 0 },
};

const nr_command nr_cmd_check = {
    .name = "check",
    .synopsis = "check POLICY [REQUEST.json|-] [OPTIONS]",
    .summary =
        "Decides one request.\n\n"
        "POLICY is a policy folder or a compiled file. The request comes from a\n"
        "file, from stdin (-), or is put together by the options, which override\n"
        "members of the request. Exit status 0 is a permit, and nothing else is.",
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .run = run_check,
};

const nr_command nr_cmd_explain = {
    .name = "explain",
    .synopsis = "explain POLICY [REQUEST.json|-] [OPTIONS]",
    .summary =
        "Decides as check does, and tells everything that led to it.\n\n"
        "For a permit the path, with the file and line of each step; for a denial\n"
        "what a Registration Authority could add.",
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .run = run_explain,
};
