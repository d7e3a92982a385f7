/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import-nrd: a national RBAC database, exported as CSV, becomes policy files.
 */
#include "cli/commands.h"
#include "cli/nrd.h"

static nr_exit run(const nr_arguments *arguments)
{
    const char *folder = arguments->operands[0];
    const char *output = nr_option_value(arguments, "output");
    if (output == NULL)
        return nr_say_usage(arguments->command, "`import-nrd` needs --output");
    nr_exit end = nr_need_folder(folder);
    if (end != NR_EXIT_OK)
        return end;

    nr_arena arena = { 0 };
    nr_nrd nrd = { .arena = &arena, .folder = folder };
    end = nr_nrd_read(&nrd);
    if (end == NR_EXIT_OK)
        end = nr_nrd_write(&nrd, output);
    (void)fflush(stdout); /* the files stand before their count, also in a log */
    if (end == NR_EXIT_OK) {
        fprintf(stderr,
                "%zu job roles, %zu activities, %zu areas of work, %zu baseline rows, "
                "%zu inclusions\n",
                nrd.roles.count, nrd.activities.count, nrd.areas.count,
                nrd.baseline.count, nrd.includes.count);
    }
    nr_arena_finish(&arena);
    return end;
}

static const nr_option options[] = {
    { "output", 'o', "DIR", "where the policy files go; made if it is missing" },
    { 0 },
};

const nr_command nr_cmd_import_nrd = {
    .name = "import-nrd",
    .synopsis = "import-nrd DIR -o DIR",
    .summary =
        "Imports a national RBAC database from CSV files.\n\n"
        "Reads roles.csv, activities.csv and, where they are, areas_of_work.csv,\n"
        "baseline.csv and includes.csv; writes job_roles.yaml, activities.yaml,\n"
        "areas_of_work.yaml and baseline.yaml, and into a new folder a policy.yaml\n"
        "that is yours from then on. The rows' order does not matter; a\n"
        "mistake in any file is told, and then nothing is written.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
