/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names a holding permits: a bit a name's number.
 *
 * Most names follow from activities held, so when a policy is published each activity
 * is given the names that follow it: its own code, codes that it replaces, functions
 * that it guards (table/guard.h). Opening a session then looks at the activities held,
 * not at every name of the policy.
 */
#ifndef NR_PERMITS_H
#define NR_PERMITS_H

#include "api/engine.h"

/* A name that may be permitted once some activity is held. */
typedef struct nr_follower {
    nrbac_name name;
    uint32_t function; /* which then is asked; NR_NONE: it is permitted */
} nr_follower;

/* The followers of activity n begin at first[n]; those of no activity stand behind
 * all of them and are always asked. One allocation. */
struct nr_followers {
    uint32_t activities_count;
    uint32_t *first; /* activities_count + 2 */
    nr_follower *items;
};

/* The followers of a policy whose names are numbered. The caller frees them; NULL: out
 * of memory. */
nr_followers *nr_followers_make(const nr_policy *policy);

/* The names that a holding permits without obligations, a bit each, in the arena;
 * *words of them. NULL holding: none. NULL: out of memory. */
const uint64_t *nr_permits_make(nr_arena *arena, const nr_policy *policy,
                                const nr_holding *holding, uint32_t *words);

#endif
