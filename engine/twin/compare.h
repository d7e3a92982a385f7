/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the table and the rules the same question, and noting the first that
 * they answer differently.
 */
#ifndef NR_COMPARE_H
#define NR_COMPARE_H

#include "twin/rules.h"

typedef struct nr_comparison {
    nr_arena *arena;
    const nr_model *model;
    const nr_twin_table *table;
    nr_twin_report *report;
    nr_rules rules;
    /* Areas of work that occur in an entry or a requirement, and retired ones. */
    uint32_t *areas;
    size_t area_count;
    /* By activity: one in use that includes it, or NR_NONE. */
    uint32_t *includer;
    bool *touched;         /* by exclusive set: by the profile at hand */
    nr_who who;            /* being filled in, with room for everything */
    const char **codes[2]; /* the same as codes: areas, activities */
    uint64_t steps_done, steps;
    unsigned told; /* permille */
} nr_comparison;

/* An empty profile, to be filled in. */
nr_who *nr_comparison_who(nr_comparison *comparison);
void nr_who_add_area(nr_comparison *comparison, uint32_t area);
void nr_who_add_activity(nr_comparison *comparison, uint32_t activity);
void nr_who_add_workgroup(nr_comparison *comparison, const char *workgroup);

/* Names the profile to both sides; what is asked then is about it. */
nrbac_status nr_comparison_take(nr_comparison *comparison);
/* These do nothing once something differs. */
void nr_compare_activities(nr_comparison *comparison);
void nr_compare_guarded(nr_comparison *comparison, const nr_guarded *guarded);
void nr_compare_allowed(nr_comparison *comparison, const nr_application *application,
                        const nr_guarded *operation, bool allowed);

/* cover.c: the profiles that try a requirement from every side, at most about
 * `most` of them. */
nrbac_status nr_cover_guarded(nr_comparison *comparison, const nr_guarded *guarded,
                              size_t most);

#endif
