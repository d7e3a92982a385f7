/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes for which others publish figures, as policies of ours.
 *
 *   casbin-small     1,000 users, 100 groups, 10 data; -medium has ten times of each,
 *                    -large a hundred times. Ten users are in a group, ten groups may
 *                    read a datum. A group is a workgroup here, a datum a function.
 *   hospital-N       SAPL's, with N departments of five staff. What a role may do to a
 *                    type of record is an activity; to do it in a department is a
 *                    function, which takes the activity and the department's workgroup.
 *                    In an emergency one role needs neither. Left out: SAPL compares
 *                    the record's sensitivity too, which no National RBAC policy knows.
 *
 * Requests: of Casbin's half are allowed. The hospital's have the published weights,
 * but what nobody could ever be granted is not asked for.
 */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bench_workload *start(const char *name, uint32_t plain, uint32_t functions,
                             uint32_t roles)
{
    bench_workload *w = bench_workload_new(name, plain + functions, roles);
    w->function_count = functions;
    w->functions = bench_new(functions, sizeof(*w->functions));
    for (uint32_t a = 0; a < plain; a++)
        (void)snprintf(w->activities[a].code, BENCH_CODE_SIZE, "B%04u",
                       (a + 1) % 10000);
    for (uint32_t f = 0; f < functions; f++)
        (void)snprintf(w->activities[plain + f].code, BENCH_CODE_SIZE, "f.%05u",
                       f % 100000);
    for (uint32_t r = 0; r < roles; r++)
        (void)snprintf(w->roles[r].code, BENCH_CODE_SIZE, "R%04u", (r + 1) % 10000);
    return w;
}

static void make_workgroups(bench_workload *w, uint32_t count)
{
    w->workgroup_count = count;
    w->workgroups = bench_new(count, sizeof(*w->workgroups));
    for (uint32_t g = 0; g < count; g++)
        (void)snprintf(w->workgroups[g], BENCH_CODE_SIZE, "W%05u", g % 100000);
}

static void make_user(bench_workload *w, uint32_t number, uint32_t role,
                      const uint32_t *workgroups, uint32_t workgroup_count)
{
    bench_user *user = &w->users[number];
    (void)snprintf(user->id, BENCH_ID_SIZE, "%012u", 900000000u + number);
    user->profile_count = 1;
    bench_profile *profile = &user->profiles[0];
    (void)snprintf(profile->id, BENCH_ID_SIZE, "%012u", 500000000u + number);
    profile->role = role;
    profile->workgroups = workgroups;
    profile->workgroup_count = workgroup_count;
}

static void judge(bench_workload *w)
{
    for (uint32_t i = 0; i < w->request_count; i++)
        w->expected[i] = bench_has(bench_row(w, w->requests[i].user),
                                   w->requests[i].activity);
}

/* ---- Casbin --------------------------------------------------------------------------- */

enum { OF_EACH = 10 }; /* users of a group, groups of a datum */

static bench_workload *make_casbin(const char *name, uint32_t data)
{
    bench_random random = { BENCH_SEED };
    uint32_t groups = data * OF_EACH;
    uint32_t users = groups * OF_EACH;
    bench_workload *w = start(name, 0, data, 1);
    make_workgroups(w, groups);
    for (uint32_t d = 0; d < data; d++)
        w->functions[d] = (bench_function){ BENCH_NONE, d * OF_EACH, OF_EACH,
                                            BENCH_NONE };
    bench_workload_room(w, users, BENCH_REQUESTS);
    w->memberships = bench_new(users, sizeof(*w->memberships));
    for (uint32_t u = 0; u < users; u++) {
        w->memberships[u] = u / OF_EACH;
        make_user(w, u, 0, &w->memberships[u], 1);
    }
    bench_oracle(w);
    for (uint32_t i = 0; i < w->request_count; i++) {
        uint32_t user = bench_random_below(&random, users);
        uint32_t own = user / OF_EACH / OF_EACH;
        uint32_t other = (own + 1 + bench_random_below(&random, data - 1)) % data;
        w->requests[i] = (bench_request){ user, bench_random_below(&random, 2) == 1
                                                    ? own
                                                    : other };
    }
    judge(w);
    return w;
}

/* ---- SAPL's hospital ------------------------------------------------------------------- */

enum {
    DEPARTMENTS_MAX = 390, /* a policy has room for the functions of so many */
    STAFF = 5,             /* of a department */
    ELSEWHERE = 20,        /* one in so many belongs to another department too */
    STAFF_ROLES = 9,
    EMERGENCY = STAFF_ROLES,
    AT_HOME = 80, /* of 100 requests; the others are about any department */
};

/* A letter is a type of record, small ones are actions. A letter that stands more
 * than once is asked for so much more often. */
static const char types[] = "PPPLLNNDISBAF";
static const char actions[] = "rrrrrrrwwwccopabud";

static const struct {
    uint32_t role;
    char type;
    const char *actions;
} grants[] = {
    /* attending */
    { 0, 'P', "rwc" },
    { 0, 'L', "ro" },
    { 0, 'D', "rwp" },
    { 0, 'I', "ro" },
    { 0, 'N', "rwc" },
    { 0, 'F', "rwc" },
    /* resident */
    { 1, 'P', "rw" },
    { 1, 'L', "r" },
    { 1, 'D', "r" },
    { 1, 'I', "ro" },
    { 1, 'N', "rwc" },
    { 1, 'F', "rc" },
    /* nurse */
    { 2, 'P', "rw" },
    { 2, 'L', "r" },
    { 2, 'D', "r" },
    { 2, 'N', "rwc" },
    { 2, 'S', "rw" },
    /* laboratory */
    { 3, 'L', "rwc" },
    { 3, 'I', "rwc" },
    /* pharmacist */
    { 4, 'D', "rwa" },
    { 4, 'P', "r" },
    /* administration */
    { 5, 'S', "rwcd" },
    { 5, 'B', "rw" },
    { 5, 'A', "r" },
    /* billing */
    { 6, 'B', "rwcb" },
    { 6, 'P', "r" },
    /* auditor */
    { 7, 'A', "rwcu" },
    { 7, 'P', "r" },
    { 7, 'B', "r" },
    /* researcher */
    { 8, 'P', "r" },
    { 8, 'L', "r" },
    { 8, 'I', "r" },
    { EMERGENCY, 'P', "rwpx" },
    { EMERGENCY, 'L', "rwpx" },
    { EMERGENCY, 'D', "rwpx" },
    { EMERGENCY, 'I', "rwpx" },
    { EMERGENCY, 'N', "rwpx" },
};

/* An action on a type of record that somebody may be granted. */
typedef struct pair {
    char type, action;
    bool emergency;
} pair;

typedef struct hospital {
    uint32_t departments, count;
    pair pairs[sizeof(types) * sizeof(actions)];
} hospital;

static uint32_t find_pair(const hospital *h, char type, char action)
{
    for (uint32_t p = 0; p < h->count; p++)
        if (h->pairs[p].type == type && h->pairs[p].action == action)
            return p;
    return BENCH_NONE;
}

static void find_pairs(hospital *h)
{
    for (size_t g = 0; g < sizeof(grants) / sizeof(grants[0]); g++) {
        for (const char *action = grants[g].actions; *action != '\0'; action++) {
            uint32_t p = find_pair(h, grants[g].type, *action);
            if (p == BENCH_NONE)
                h->pairs[p = h->count++] = (pair){ grants[g].type, *action, false };
            h->pairs[p].emergency |= grants[g].role == EMERGENCY;
        }
    }
}

static void make_policy(bench_workload *w, const hospital *h)
{
    make_workgroups(w, h->departments);
    for (size_t g = 0; g < sizeof(grants) / sizeof(grants[0]); g++) {
        if (grants[g].role == EMERGENCY)
            continue;
        uint64_t *row = w->roles[grants[g].role].grants;
        for (const char *action = grants[g].actions; *action != '\0'; action++)
            bench_add(row, find_pair(h, grants[g].type, *action));
    }
    for (uint32_t f = 0; f < w->function_count; f++) {
        bool emergency = h->pairs[f % h->count].emergency;
        w->functions[f] = (bench_function){ .activity = f % h->count,
                                            .first = f / h->count,
                                            .count = 1,
                                            .role = emergency ? EMERGENCY
                                                              : BENCH_NONE };
    }
}

static void make_staff(bench_workload *w, const hospital *h, bench_random *random)
{
    w->memberships = bench_new((size_t)w->user_count * BENCH_WORKGROUPS_MAX,
                               sizeof(*w->memberships));
    for (uint32_t u = 0; u < w->user_count; u++) {
        uint32_t *departments = w->memberships + (size_t)u * BENCH_WORKGROUPS_MAX;
        uint32_t count = 0;
        departments[count++] = u / STAFF;
        for (uint32_t d = 0; d < h->departments && count < BENCH_WORKGROUPS_MAX; d++)
            if (d != u / STAFF && bench_random_below(random, ELSEWHERE) == 0)
                departments[count++] = d;
        make_user(w, u, bench_random_below(random, STAFF_ROLES), departments, count);
    }
}

static bench_request request_of(const bench_workload *w, const hospital *h,
                                bench_random *random)
{
    uint32_t user = bench_random_below(random, w->user_count);
    uint32_t department = bench_random_below(random, 100) < AT_HOME
                              ? user / STAFF
                              : bench_random_below(random, h->departments);
    uint32_t found = BENCH_NONE;
    while (found == BENCH_NONE)
        found = find_pair(h, types[bench_random_below(random, sizeof(types) - 1)],
                          actions[bench_random_below(random, sizeof(actions) - 1)]);
    return (bench_request){ user,
                            bench_plain_count(w) + department * h->count + found };
}

static bench_workload *make_hospital(const char *name, uint32_t departments)
{
    if (departments == 0 || departments > DEPARTMENTS_MAX)
        bench_fail("%s: 1 to %d departments", name, DEPARTMENTS_MAX);
    bench_random random = { BENCH_SEED };
    hospital h = { .departments = departments };
    find_pairs(&h);
    bench_workload *w = start(name, h.count, h.count * departments, STAFF_ROLES + 1);
    make_policy(w, &h);
    bench_workload_room(w, departments * STAFF, BENCH_REQUESTS);
    make_staff(w, &h, &random);
    bench_oracle(w);
    for (uint32_t i = 0; i < w->request_count; i++)
        w->requests[i] = request_of(w, &h, &random);
    judge(w);
    return w;
}

bench_workload *bench_published_make(const char *name)
{
    if (strcmp(name, "casbin-small") == 0)
        return make_casbin(name, 10);
    if (strcmp(name, "casbin-medium") == 0)
        return make_casbin(name, 100);
    if (strcmp(name, "casbin-large") == 0)
        return make_casbin(name, 1000);
    if (strncmp(name, "hospital-", 9) == 0)
        return make_hospital(name, (uint32_t)strtoul(name + 9, NULL, 10));
    return NULL;
}
