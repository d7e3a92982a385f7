/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules as the contract words them, for one profile at a time.
 *
 * Sets are lists, and membership is a stamp beside the activity: "in the closure
 * of the profile that is looked at now". Nothing is remembered from one profile
 * to the next but the model's own lists.
 */
#ifndef NR_RULES_H
#define NR_RULES_H

#include "twin/twin.h"

/* A profile in the model's indexes. */
typedef struct nr_who {
    uint32_t role;         /* NR_NONE: see role_code */
    const char *role_code; /* of a role that the policy does not declare; or NULL */
    uint32_t *areas;
    size_t area_count;
    uint32_t *activities; /* additional ones */
    size_t activity_count;
    const char **workgroups;
    size_t workgroup_count;
    const char *acting, *request; /* organisations; NULL: none */
    const char *capacity, *other; /* acting as, on behalf of; NULL: not stated */
    int aal, ial, proofing;       /* NRBAC_LEVEL(n) or unknown */
} nr_who;

/* What has a requirement: a function, or an operation of an API. */
typedef struct nr_guarded {
    const char *api; /* NULL: a function */
    const char *id;
    uint32_t index;                /* of the function in the model */
    const nr_requirement *require; /* NULL: nothing is asked of the user */
    const nr_mentions *obligations;
    bool suspended;
} nr_guarded;

typedef struct nr_rules {
    const nr_model *model;
    const nr_who *who;
    /* What each code means: itself, or its replacement. */
    uint32_t *meant_activity, *meant_role, *meant_area;
    bool *activity_suspended, *role_suspended;
    /* Functions in the model's order, then operations, API by API. */
    nr_guarded *guarded;
    size_t guarded_count;
    /* The entries of each role: entries[entry_first[role]] up to the next one's. */
    uint32_t *entry_first, *entries;
    /* By activity; equal to `now`: so it is for the profile in question. */
    uint64_t now;
    uint64_t *in_baseline, *in_closure, *excluded;
    uint64_t set_now;
    uint64_t *counted; /* by the set that is judged */
    uint32_t *held;    /* the activities of the closure */
    size_t held_count;
    /* The obligations that come with what holds, in the order met. */
    uint32_t *owed;
    size_t owed_count;
} nr_rules;

nrbac_status nr_rules_start(nr_arena *arena, nr_rules *rules, const nr_model *model);

/* From now on questions are about this profile. Borrowed. */
void nr_rules_take(nr_rules *rules, const nr_who *who);
/* The answer for an activity that is meant, not merely written. */
nrbac_reason nr_rules_activity(const nr_rules *rules, uint32_t activity);
nr_twin_outcome nr_rules_guarded(nr_rules *rules, const nr_guarded *guarded);

/* Every node of a requirement, parents first: nr_walk walk = { .next = root }. */
typedef struct nr_walk {
    const nr_requirement *next;
    const nr_requirement *after[NR_REQUIREMENT_DEPTH_MAX + 1];
    size_t depth;
    bool below_root;
} nr_walk;
const nr_requirement *nr_walk_next(nr_walk *walk);

static inline bool nr_is_group(const nr_requirement *requirement)
{
    return requirement->atom == NR_ALL || requirement->atom == NR_ANY;
}

#endif
