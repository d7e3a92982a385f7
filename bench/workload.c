/* SPDX-License-Identifier: Apache-2.0 */
#include "workload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 4, INCLUDES_EACH = 2, GRANTS_IN_AREA = 5 };

void bench_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("bench: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    exit(3);
}

void *bench_new(size_t count, size_t size)
{
    void *memory = calloc(count == 0 ? 1 : count, size);
    if (memory == NULL)
        bench_fail("out of memory");
    return memory;
}

uint32_t bench_random_below(bench_random *random, uint32_t bound)
{
    uint64_t mixed = (random->state += UINT64_C(0x9e3779b97f4a7c15));
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(((mixed ^ mixed >> 31) >> 32) * bound >> 32);
}

/* ---- The policy ----------------------------------------------------------------- */

bench_workload *bench_workload_new(const char *name, uint32_t activities,
                                   uint32_t roles)
{
    bench_workload *w = bench_new(1, sizeof(*w));
    w->name = name;
    w->activity_count = activities;
    w->role_count = roles;
    w->words = (activities + 63) / 64;
    w->activities = bench_new(activities, sizeof(*w->activities));
    w->roles = bench_new(roles, sizeof(*w->roles));
    w->bits = bench_new((size_t)roles * 2 * w->words, sizeof(uint64_t));
    for (uint32_t r = 0; r < roles; r++) {
        w->roles[r].grants = w->bits + (size_t)r * 2 * w->words;
        w->roles[r].grants_in_area = w->roles[r].grants + w->words;
    }
    return w;
}

/* An activity of depth d includes one or two of depth d - 1, so chains end. */
static void make_activities(bench_workload *w, bench_random *random)
{
    uint32_t *depths = bench_new(w->activity_count, sizeof(*depths));
    for (uint32_t a = 0; a < w->activity_count; a++) {
        (void)snprintf(w->activities[a].code, BENCH_CODE_SIZE, "B%04u",
                       (a + 1) % 10000);
        depths[a] = bench_random_below(random, DEPTH_MAX + 1);
    }
    for (uint32_t a = 0; a < w->activity_count; a++) {
        bench_activity *activity = &w->activities[a];
        uint32_t wanted = 1 + bench_random_below(random, INCLUDES_EACH);
        while (depths[a] > 0 && activity->include_count < wanted) {
            uint32_t other = bench_random_below(random, w->activity_count);
            bool again = activity->include_count > 0 && activity->includes[0] == other;
            if (depths[other] + 1 == depths[a] && !again)
                activity->includes[activity->include_count++] = other;
        }
    }
    free(depths);
}

static void make_grants(const bench_workload *w, bench_random *random, uint32_t count,
                        uint64_t *row)
{
    for (uint32_t granted = 0; granted < count;) {
        uint32_t activity = bench_random_below(random, w->activity_count);
        granted += bench_has(row, activity) ? 0 : 1;
        bench_add(row, activity);
    }
}

static void make_roles(bench_workload *w, bench_random *random,
                       const bench_shape *shape)
{
    for (uint32_t r = 0; r < w->role_count; r++) {
        bench_role *role = &w->roles[r];
        (void)snprintf(role->code, sizeof(role->code), "R%04u", (r + 1) % 10000);
        make_grants(w, random, shape->grants, role->grants);
        if (shape->areas == 0)
            continue;
        unsigned area = (r % shape->areas + 1) % 10000;
        (void)snprintf(role->area, sizeof(role->area), "P%04u:Q%04u:T%04u", area, area,
                       area);
        make_grants(w, random, GRANTS_IN_AREA, role->grants_in_area);
    }
}

/* ---- The people ------------------------------------------------------------------- */

static void make_user(const bench_workload *w, bench_random *random, uint32_t number,
                      bench_user *user)
{
    (void)snprintf(user->id, BENCH_ID_SIZE, "%012u", (900000000u + number));
    user->profile_count = 1 + bench_random_below(random, BENCH_PROFILES_MAX);
    user->in_force = bench_random_below(random, user->profile_count);
    for (uint32_t p = 0; p < user->profile_count; p++) {
        bench_profile *profile = &user->profiles[p];
        (void)snprintf(profile->id, BENCH_ID_SIZE, "%012u",
                       (500000000u + number * BENCH_PROFILES_MAX + p));
        profile->role = bench_random_below(random, w->role_count);
        profile->in_area = w->roles[profile->role].area[0] != '\0' &&
                           bench_random_below(random, 2) == 1;
        profile->extra_count = bench_random_below(random, BENCH_EXTRAS_MAX + 1);
        for (uint32_t e = 0; e < profile->extra_count; e++)
            profile->extras[e] = bench_random_below(random, w->activity_count);
    }
}

/* A request that is to be allowed, or not. Nobody may do everything or nothing. */
static bench_request make_request(const bench_workload *w, bench_random *random,
                                  bool allowed)
{
    for (;;) {
        bench_request request = { bench_random_below(random, w->user_count),
                                  bench_random_below(random, w->activity_count) };
        if (bench_has(bench_row(w, request.user), request.activity) == allowed)
            return request;
    }
}

void bench_workload_room(bench_workload *w, uint32_t users, uint32_t requests)
{
    w->user_count = users;
    w->request_count = requests;
    w->users = bench_new(users, sizeof(*w->users));
    w->rows = bench_new((size_t)users * w->words, sizeof(*w->rows));
    w->requests = bench_new(requests, sizeof(*w->requests));
    w->expected = bench_new(requests, 1);
}

void bench_workload_people(bench_workload *w, bench_random *random, uint32_t users,
                           uint32_t requests)
{
    bench_workload_room(w, users, requests);
    for (uint32_t u = 0; u < users; u++)
        make_user(w, random, u, &w->users[u]);
    bench_oracle(w);
    for (uint32_t i = 0; i < requests; i++) {
        w->expected[i] = (uint8_t)bench_random_below(random, 2);
        w->requests[i] = make_request(w, random, w->expected[i] != 0);
    }
}

/* ---- By name ------------------------------------------------------------------------ */

bench_workload *bench_workload_of(const bench_shape *shape)
{
    bench_random random = { BENCH_SEED };
    bench_workload *w = bench_workload_new(shape->name, shape->activities,
                                           shape->roles);
    make_activities(w, &random);
    make_roles(w, &random, shape);
    bench_workload_people(w, &random, shape->users, shape->requests);
    return w;
}

bench_workload *bench_workload_make(const char *name, const char *root)
{
    static const bench_shape shapes[] = {
        { "W1", 300, 350, 40, BENCH_USERS, BENCH_REQUESTS, 0 },
        { "W2", 3000, 3500, 40, BENCH_USERS, BENCH_REQUESTS, 0 },
        { "counted", 300, 350, 40, 256, 8192,
          0 }, /* for bench/counts: W1, few people */
    };
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        if (strcmp(shapes[i].name, name) == 0)
            return bench_workload_of(&shapes[i]);
    bench_workload *published = bench_published_make(name);
    if (published != NULL)
        return published;
    if (strcmp(name, "national") != 0)
        bench_fail("no workload `%s`: bench/workload.h and published.c name them",
                   name);
    bench_random random = { BENCH_SEED };
    bench_workload *w = bench_national_new(root);
    bench_workload_people(w, &random, BENCH_USERS, BENCH_REQUESTS);
    return w;
}

void bench_workload_free(bench_workload *w)
{
    free(w->activities);
    free(w->roles);
    free(w->bits);
    free(w->functions);
    free(w->workgroups);
    free(w->memberships);
    free(w->users);
    free(w->rows);
    free(w->requests);
    free(w->expected);
    free(w);
}
