/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate: every mistake of a policy at once.
 */
#include "cli/commands.h"
#include "cli/reports.h"

static nr_exit print(const nr_arguments *arguments, const nr_report *report)
{
    if (nr_format_is(arguments, "json"))
        return nr_report_json(report);
    if (nr_format_is(arguments, "sarif"))
        return nr_report_sarif(report);
    nr_report_print(report, stderr);
    nr_report_summary(report, stdout);
    return NR_EXIT_OK;
}

static nr_exit run(const nr_arguments *arguments)
{
    const char *folder = arguments->operands[0];
    bool strict = nr_option_given(arguments, "strict");
    nrbac_compile_options options = {
        .flags = NRBAC_COMPILE_VALIDATE | (strict ? NRBAC_COMPILE_STRICT : 0),
        .policy_root = nr_option_value(arguments, "policy-root"),
    };
    nrbac_build *build = NULL;
    nr_exit end = nr_need_folder(folder);
    if (end != NR_EXIT_OK)
        return end;
    nrbac_status status = nrbac_compile(folder, &options, &build);
    nr_report report = { build, strict };

    if (status == NRBAC_OK || status == NRBAC_E_POLICY)
        end = print(arguments, &report);
    else if (build != NULL)
        nr_report_print(&report, stderr);
    if (end == NR_EXIT_OK && status == NRBAC_E_POLICY)
        end = NR_EXIT_NO;
    else if (end == NR_EXIT_OK && status != NRBAC_OK)
        end = nr_say_system("cannot validate `%s`: %s", folder,
                            nrbac_status_text(status));
    nrbac_build_destroy(build);
    return end;
}

static const nr_option options[] = {
    { "strict", 0, NULL, "warnings are mistakes" },
    { "policy-root", 0, "DIR", "`extends` may not leave this folder" },
    { "format", 0, "text|json|sarif", "text for people, sarif for code review tools" },
    { 0 },
};

const nr_command nr_cmd_validate = {
    .name = "validate",
    .synopsis = "validate DIR [--strict] [--format text|json|sarif]",
    .summary =
        "Reports every mistake in a policy folder.\n\n"
        "Mistakes are told on stderr as compilers do, with the place and what would\n"
        "be right; the count, or JSON, on stdout. nrbac help P012 explains one.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
