/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slow twin: the rules as the contract words them, one role at a time, from
 * the model, with lists and loops where the table has bits. It knows nothing of
 * the table; it asks each cell through a callback and reports the first that
 * differs. It shares no code with what it checks, on purpose.
 */
#ifndef NR_TWIN_H
#define NR_TWIN_H

#include "model/model.h"

/* A profile to ask about. Codes as in the model; levels as NRBAC_LEVEL(n). */
typedef struct nr_twin_profile {
    const char *role; /* NULL: none */
    const char *const *areas;
    size_t area_count;
    const char *const *activities;
    size_t activity_count;
    const char *const *workgroups;
    size_t workgroup_count;
    const char *acting_organisation, *request_organisation;
    const char *acting_as, *on_behalf_of;
    int aal, ial, proofing;
} nr_twin_profile;

typedef struct nr_twin_outcome {
    nrbac_reason reason;
    size_t obligation_count;
    const char *obligations[NRBAC_OBLIGATION_MAX]; /* ids, in byte order */
} nr_twin_outcome;

/* How the table is asked: `take` names the profile that the following questions
 * are about. Names are codes of declared activities, ids of functions; `ask`
 * takes the model's index beside the name, which the asker may use or not. */
typedef struct nr_twin_table {
    void *context;
    nrbac_status (*take)(void *context, const nr_twin_profile *profile);
    /* Only the reason is compared for activities. */
    nrbac_reason (*ask_activity)(void *context, size_t index, const char *code);
    nr_twin_outcome (*ask_function)(void *context, size_t index, const char *id);
    /* The requirement of an operation alone, as of a function. */
    nr_twin_outcome (*ask_operation)(void *context, const char *api,
                                     const char *operation);
    /* Whether an application may call an operation; the application's status and
     * suspension are not part of it. */
    bool (*ask_allowed)(void *context, const char *application, const char *api,
                        const char *operation);
    void (*progress)(void *context, unsigned permille); /* NULL: not told */
} nr_twin_table;

typedef struct nr_twin_report {
    uint64_t compared; /* cells that agree */
    bool differs;
    char
        difference[512]; /* the first cell that does not: profile, name, both answers */
} nr_twin_report;

/* Compares every role x (no area, and each area that occurs) x activity, every
 * application x operation, and every function and operation over a covering set
 * of profiles. */
nrbac_status nr_twin_compare(nr_arena *arena, const nr_model *model,
                             const nr_twin_table *table, nr_twin_report *report);

#endif
