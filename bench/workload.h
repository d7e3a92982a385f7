/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What everybody is asked: a policy, its users, and requests with the answers
 * that are right. Made from a seed, so the same on every machine.
 *
 *   W1        300 roles, 350 activities, 40 grants a role, inclusion chains up to
 *             depth 4, 10,000 users with 1 to 3 profiles of up to 5 extra activities
 *   W2        ten times the roles and activities
 *   national  policy/national, read from its CSV, with users made the same way
 *
 * and for each 1,000,000 requests, half of them allowed; published.c has the shapes
 * that others publish figures for. The right answers come from oracle.c, which shares
 * nothing with the engine.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_SEED = 42,
    BENCH_USERS = 10000,
    BENCH_REQUESTS = 1000000,
    BENCH_PROFILES_MAX = 3,
    BENCH_EXTRAS_MAX = 5,
    BENCH_INCLUDES_MAX = 8,
    BENCH_WORKGROUPS_MAX = 48, /* whoever has some has one profile */
    BENCH_CODE_SIZE = 8,       /* a code and its NUL */
    BENCH_ID_SIZE = 13,
    BENCH_AREA_SIZE = 20,
};

#define BENCH_NONE UINT32_MAX

/* Small, known, and the same everywhere: splitmix64. */
typedef struct bench_random {
    uint64_t state;
} bench_random;

uint32_t bench_random_below(bench_random *random, uint32_t bound);

typedef struct bench_activity {
    char code[BENCH_CODE_SIZE];
    uint32_t include_count;
    uint32_t includes[BENCH_INCLUDES_MAX];
} bench_activity;

/* A role, with what it is granted, and what beside to those of them who have an area
 * of work. */
typedef struct bench_role {
    char code[BENCH_CODE_SIZE];
    char area[BENCH_AREA_SIZE]; /* "": none grants it anything */
    uint64_t *grants;
    uint64_t *grants_in_area;
} bench_role;

/* What is asked for by a name that is no activity: an activity (or none) and one of
 * some workgroups in a row, or else a role (or none). */
typedef struct bench_function {
    uint32_t activity;
    uint32_t first, count; /* workgroups */
    uint32_t role;
} bench_function;

typedef struct bench_profile {
    char id[BENCH_ID_SIZE];
    uint32_t role;
    bool in_area; /* the role's area of work */
    uint32_t extra_count;
    uint32_t extras[BENCH_EXTRAS_MAX];
    uint32_t workgroup_count;
    const uint32_t *workgroups; /* into the workload's `memberships` */
} bench_profile;

typedef struct bench_user {
    char id[BENCH_ID_SIZE];
    uint32_t profile_count;
    uint32_t in_force; /* which of them the user works in: one, always */
    bench_profile profiles[BENCH_PROFILES_MAX];
} bench_user;

typedef struct bench_request {
    uint32_t user;
    uint32_t activity;
} bench_request;

typedef struct bench_workload {
    const char *name;
    bool written; /* its policy is in the repository */
    uint32_t activity_count, role_count, user_count, request_count;
    uint32_t words; /* of a row of activities */
    bench_activity *activities;
    bench_role *roles;
    /* The last of the activities are functions: names that can be asked for too. */
    uint32_t function_count, workgroup_count;
    bench_function *functions;
    char (*workgroups)[BENCH_CODE_SIZE];
    uint32_t *memberships;
    bench_user *users;
    bench_request *requests;
    uint64_t *rows;    /* by user, `words` each: what the user may do */
    uint8_t *expected; /* by request */
    uint64_t *bits;    /* the roles' rows */
} bench_workload;

/* A shape to generate, for growth too. With areas of work, each role has one of
 * them, and in it some more grants. */
typedef struct bench_shape {
    const char *name;
    uint32_t roles, activities, grants, users, requests, areas;
} bench_shape;

/* "W1", "W2", "national", or one of published.c; `root` is the repository. Ends the
 * program if it cannot. */
bench_workload *bench_workload_make(const char *name, const char *root);
bench_workload *bench_workload_of(const bench_shape *shape);
void bench_workload_free(bench_workload *workload);

/* The steps, for those who fill in the roles and activities themselves. */
bench_workload *bench_workload_new(const char *name, uint32_t activities,
                                   uint32_t roles);
void bench_workload_room(bench_workload *workload, uint32_t users, uint32_t requests);
void bench_workload_people(bench_workload *workload, bench_random *random,
                           uint32_t users, uint32_t requests);
bench_workload *bench_national_new(const char *root);
/* NULL: none of this name. */
bench_workload *bench_published_make(const char *name);

/* The slow way: fills `rows`. Plain loops over what the policy says. */
void bench_oracle(bench_workload *workload);
/* Adds what is granted, and all that it includes, to a row. */
void bench_close(const bench_workload *workload, const uint64_t *granted,
                 uint64_t *row);

static inline const uint64_t *bench_row(const bench_workload *workload, uint32_t user)
{
    return workload->rows + (size_t)user * workload->words;
}

/* How many of the activities are just that. */
static inline uint32_t bench_plain_count(const bench_workload *workload)
{
    return workload->activity_count - workload->function_count;
}

static inline bool bench_has(const uint64_t *row, uint32_t bit)
{
    return (row[bit / 64] >> (bit % 64) & 1) != 0;
}

static inline void bench_add(uint64_t *row, uint32_t bit)
{
    row[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* Memory that is there, or the end of the program. */
void *bench_new(size_t count, size_t size);
/* Says what is wrong and ends the program with status 3. */
__attribute__((format(printf, 1, 2), noreturn)) void bench_fail(const char *format,
                                                                ...);

#endif
