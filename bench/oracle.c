/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what, computed slowly from what the policy says: what the profile in
 * force is granted, and whatever that includes, until nothing new is found; then the
 * functions, one by one.
 * Nothing of the engine is used here.
 */
#include "workload.h"

#include <stdlib.h>

/* Activities whose inclusions are still to be looked at; each is put there once. */
typedef struct agenda {
    uint32_t *activities;
    uint32_t count;
} agenda;

static void find(agenda *todo, uint64_t *row, uint32_t activity)
{
    if (bench_has(row, activity))
        return;
    bench_add(row, activity);
    todo->activities[todo->count++] = activity;
}

void bench_close(const bench_workload *w, const uint64_t *granted, uint64_t *row)
{
    agenda todo = { bench_new(w->activity_count, sizeof(uint32_t)), 0 };
    for (uint32_t a = 0; a < w->activity_count; a++)
        if (bench_has(granted, a))
            find(&todo, row, a);
    while (todo.count > 0) {
        const bench_activity *held = &w->activities[todo.activities[--todo.count]];
        for (uint32_t i = 0; i < held->include_count; i++)
            find(&todo, row, held->includes[i]);
    }
    free(todo.activities);
}

static void grant(const bench_workload *w, const bench_profile *profile,
                  uint64_t *granted)
{
    const bench_role *role = &w->roles[profile->role];
    for (uint32_t i = 0; i < w->words; i++)
        granted[i] = role->grants[i] | (profile->in_area ? role->grants_in_area[i] : 0);
    for (uint32_t e = 0; e < profile->extra_count; e++)
        bench_add(granted, profile->extras[e]);
}

static bool belongs(const bench_profile *profile, const bench_function *function)
{
    for (uint32_t i = 0; i < profile->workgroup_count; i++)
        if (profile->workgroups[i] >= function->first &&
            profile->workgroups[i] < function->first + function->count)
            return true;
    return false;
}

static bool holds(const bench_profile *profile, const bench_function *function,
                  const uint64_t *row)
{
    if (profile->role == function->role)
        return true;
    if (function->activity != BENCH_NONE && !bench_has(row, function->activity))
        return false;
    return belongs(profile, function);
}

void bench_oracle(bench_workload *w)
{
    uint64_t *granted = bench_new(w->words, sizeof(uint64_t));
    for (uint32_t u = 0; u < w->user_count; u++) {
        const bench_user *user = &w->users[u];
        const bench_profile *profile = &user->profiles[user->in_force];
        uint64_t *row = w->rows + (size_t)u * w->words;
        grant(w, profile, granted);
        bench_close(w, granted, row);
        for (uint32_t f = 0; f < w->function_count; f++)
            if (holds(profile, &w->functions[f], row))
                bench_add(row, bench_plain_count(w) + f);
    }
    free(granted);
}
