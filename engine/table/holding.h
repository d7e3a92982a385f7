/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile in force holds under a table, and deciding on it.
 *
 *   effective = closure(baseline(role, areas) + additional) - what sets exclude
 *
 * (S11 to S22.) A holding is made once; a decision on it is a bit test for an
 * activity and a walk over a few nodes for a function. Neither allocates.
 */
#ifndef NR_HOLDING_H
#define NR_HOLDING_H

#include "base/arena.h"
#include "table/table.h"

/* The profile in force and what else a requirement may ask about. Borrowed. */
typedef struct nr_facts {
    const char *role; /* the usable code; NULL: none (a roleless profile, a patient) */
    const char *const *areas_of_work;
    size_t area_of_work_count;
    const char *const *activities;
    size_t activity_count;
    const char *const *workgroups;
    size_t workgroup_count;
    const char *acting_organisation;  /* NULL: none */
    const char *request_organisation; /* NULL: the request names none */
    const char *application;          /* that asks; NULL: not named */
    const char *acting_as;            /* the capacity stated; NULL: none */
    const char *on_behalf_of;         /* the person stated; NULL: none */
    int aal, ial, proofing;           /* NRBAC_LEVEL(n), or NRBAC_LEVEL_UNKNOWN */
} nr_facts;

typedef struct nr_holding {
    const nr_table *table;
    const nr_facts *facts;
    uint32_t role;           /* NR_NONE: unknown, or none */
    bool suspended;          /* the role is, or the application that asks */
    uint64_t *areas;         /* bits: the areas of work that the table knows */
    const char **workgroups; /* in byte order: there may be very many of them */
    size_t workgroup_count;
    /* Rows of table->words, a bit an activity: */
    uint64_t *additional; /* as added, without what they include */
    uint64_t *baseline;   /* closure of the baseline alone */
    uint64_t *closed;     /* closure of baseline and additional */
    uint64_t *effective;  /* closed, without excluded and suspended ones */
    uint64_t *excluded;   /* taken away by exclusive sets */
} nr_holding;

/* How much of an arena a holding takes, at most. */
size_t nr_holding_size(const nr_table *table, size_t workgroup_count);
/* Makes a holding in the arena; facts must outlive it. */
nrbac_status nr_holding_make(nr_arena *arena, const nr_table *table,
                             const nr_facts *facts, nr_holding *holding);
/* A second holding of the same profile, to try additional activities on. */
nrbac_status nr_holding_copy(nr_arena *arena, const nr_holding *holding,
                             nr_holding *copy);
/* Makes the copy what `holding` would be with these activities added. */
void nr_holding_try(nr_holding *copy, const nr_holding *holding, const uint32_t *added,
                    uint32_t added_count);

/* An outcome in the table's numbers. */
typedef struct nr_verdict {
    nrbac_reason reason;
    uint32_t obligation_count;
    uint32_t
        obligations[NRBAC_OBLIGATION_MAX]; /* OBLIGATIONS (sorted by id), ascending */
} nr_verdict;

/* An activity's permit never carries obligations, so its reason is all of it. */
nrbac_reason nr_activity_reason(const nr_holding *holding, uint32_t activity);
nr_verdict nr_decide_activity(const nr_holding *holding, uint32_t activity);
/* Whether nr_decide_function permits without obligations, without asking why not. */
bool nr_permits_function(const nr_holding *holding, uint32_t function);
/* Whether one atom of a requirement holds (not ALL or ANY), for explanations. */
bool nr_atom_holds(const nr_holding *holding, const nr_table_node *node);
nr_verdict nr_decide_function(const nr_holding *holding, uint32_t function);
/* The requirement of an API's operation and its obligations, nothing else of it:
 * REQUIREMENT_MET, also where it has none, or why not. */
nr_verdict nr_decide_operation(const nr_holding *holding, uint32_t operation);

#endif
