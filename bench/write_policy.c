/* SPDX-License-Identifier: Apache-2.0 */
/* A workload as a policy folder's one file, as anybody would write it. */
#include "write.h"

#include <string.h>

void bench_write_codes(FILE *file, const bench_workload *w, const uint64_t *row,
                       const char *quote)
{
    const char *between = "";
    for (uint32_t a = 0; a < w->activity_count; a++) {
        if (!bench_has(row, a))
            continue;
        (void)fprintf(file, "%s%s%s%s", between, quote, w->activities[a].code, quote);
        between = ", ";
    }
}

static void write_activities(FILE *file, const bench_workload *w)
{
    if (bench_plain_count(w) > 0)
        (void)fputs("\nactivities:\n", file);
    for (uint32_t a = 0; a < bench_plain_count(w); a++) {
        const bench_activity *activity = &w->activities[a];
        (void)fprintf(file, "  %s: { name: Activity %u", activity->code, a + 1);
        for (uint32_t i = 0; i < activity->include_count; i++)
            (void)fprintf(file, "%s%s", i == 0 ? ", includes: [" : ", ",
                          w->activities[activity->includes[i]].code);
        (void)fputs(activity->include_count == 0 ? " }\n" : "] }\n", file);
    }
}

static bool is_empty(const bench_workload *w, const uint64_t *row)
{
    for (uint32_t i = 0; i < w->words; i++)
        if (row[i] != 0)
            return false;
    return true;
}

static void write_grants(FILE *file, const bench_workload *w, const bench_role *role)
{
    if (is_empty(w, role->grants))
        return;
    (void)fprintf(file, "  - { roles: [%s], activities: [", role->code);
    bench_write_codes(file, w, role->grants, "");
    (void)fputs("] }\n", file);
    if (is_empty(w, role->grants_in_area))
        return;
    (void)fprintf(file, "  - { roles: [%s], areas_of_work: [\"%s\"], activities: [",
                  role->code, role->area);
    bench_write_codes(file, w, role->grants_in_area, "");
    (void)fputs("] }\n", file);
}

/* Roles share areas of work in turn, so the first that has one is the first role
 * with a new number. */
static void write_areas(FILE *file, const bench_workload *w)
{
    for (uint32_t r = 0; r < w->role_count; r++) {
        if (w->roles[r].area[0] == '\0' ||
            (r > 0 && strcmp(w->roles[r].area, w->roles[0].area) == 0))
            break;
        (void)fprintf(file, "%s  \"%s\": { name: Area %u }\n",
                      r == 0 ? "\nareas_of_work:\n" : "", w->roles[r].area, r + 1);
    }
}

static void write_workgroups(FILE *file, const bench_workload *w,
                             const bench_function *function)
{
    const char *between = function->count > 1 ? "{ any: [" : "";
    for (uint32_t g = 0; g < function->count; g++) {
        (void)fprintf(file, "%s{ workgroup: %s }", between,
                      w->workgroups[function->first + g]);
        between = ", ";
    }
    (void)fputs(function->count > 1 ? "] }" : "", file);
}

static void write_requirement(FILE *file, const bench_workload *w,
                              const bench_function *function)
{
    if (function->role != BENCH_NONE)
        (void)fprintf(file, "{ any: [{ role: %s }, ", w->roles[function->role].code);
    if (function->activity != BENCH_NONE)
        (void)fprintf(file, "{ all: [%s, ", w->activities[function->activity].code);
    write_workgroups(file, w, function);
    (void)fputs(function->activity != BENCH_NONE ? "] }" : "", file);
    (void)fputs(function->role != BENCH_NONE ? "] }" : "", file);
}

static void write_own_functions(FILE *file, const bench_workload *w)
{
    if (w->function_count > 0)
        (void)fputs("\nfunctions:\n", file);
    for (uint32_t f = 0; f < w->function_count; f++) {
        (void)fprintf(
            file, "  %s: { require: ", w->activities[bench_plain_count(w) + f].code);
        write_requirement(file, w, &w->functions[f]);
        (void)fputs(" }\n", file);
    }
}

void bench_function_of(const bench_workload *w, uint32_t number,
                       uint32_t atoms[BENCH_ATOMS])
{
    bench_random random = { number };
    for (uint32_t i = 0; i < BENCH_ATOMS; i++)
        atoms[i] = bench_random_below(&random, w->activity_count);
}

static void write_functions(FILE *file, const bench_workload *w, uint32_t count)
{
    uint32_t atoms[BENCH_ATOMS];
    if (count > 0)
        (void)fputs("\nfunctions:\n", file);
    for (uint32_t f = 0; f < count; f++) {
        bench_function_of(w, f, atoms);
        (void)fprintf(file, "  f.%u: { require: { all: [%s, { any: [", f,
                      w->activities[atoms[0]].code);
        for (uint32_t i = 1; i < BENCH_ATOMS; i++)
            (void)fprintf(file, "%s%s", i == 1 ? "" : ", ",
                          w->activities[atoms[i]].code);
        (void)fputs("] }] } }\n", file);
    }
}

void bench_write_policy(FILE *file, const bench_workload *w, uint32_t functions)
{
    (void)fprintf(file,
                  "nrbac: 1\n\npolicy:\n  name: bench-%s\n  version: \"%d\"\n"
                  "  provenance: local\n",
                  w->name, BENCH_SEED);
    write_activities(file, w);
    (void)fputs("\njob_roles:\n", file);
    for (uint32_t r = 0; r < w->role_count; r++)
        (void)fprintf(file, "  %s: { name: Role %u }\n", w->roles[r].code, r + 1);
    write_areas(file, w);
    if (bench_plain_count(w) > 0)
        (void)fputs("\nbaseline:\n", file);
    for (uint32_t r = 0; r < w->role_count; r++)
        write_grants(file, w, &w->roles[r]);
    write_own_functions(file, w);
    write_functions(file, w, functions);
}
