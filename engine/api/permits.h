/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names a holding permits: a bit a name's number.
 *
 * Names follow from activities held, so when a policy is published each activity is
 * given the names that follow it: its own code, codes that it replaces, functions that
 * it guards (table/guard.h). Opening a session then looks at the activities held, not
 * at every name of the policy.
 *
 * Codes are numbered in their order, mostly without gaps, so the bits of 64 activities
 * are moved to those of their own codes at once; whatever does not lie so is a
 * follower.
 */
#ifndef NR_PERMITS_H
#define NR_PERMITS_H

#include "api/engine.h"

/* A name that may be permitted once some activity is held. */
typedef struct nr_follower {
    nrbac_name name;
    uint32_t function; /* which then is asked; NR_NONE: it is permitted */
} nr_follower;

/* The codes of 64 activities, a word of a row. */
typedef struct nr_run {
    uint64_t own;      /* those whose code is permitted with them and lies in the run */
    uint64_t followed; /* those that have followers */
    nrbac_name name;   /* of the word's first activity, if that is in the run */
} nr_run;

/* The followers of activity n begin at first[n]; those of no activity stand behind
 * all of them and are always asked. One allocation. */
struct nr_followers {
    nr_run *runs; /* a word of activities each */
    nr_follower *items;
    uint32_t *first; /* activities_count + 2 */
};

/* The followers of a policy whose names are numbered. The caller frees them; NULL: out
 * of memory. */
nr_followers *nr_followers_make(const nr_policy *policy);

/* The names that a holding permits without obligations, a bit each, in the arena;
 * *words of them. NULL holding: none. NULL: out of memory. */
const uint64_t *nr_permits_make(nr_arena *arena, const nr_policy *policy,
                                const nr_holding *holding, uint32_t *words);

#endif
