/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest permit (S25): what a Registration Authority could add to a profile
 * so that a refusal would become a permit.
 */
#ifndef NR_NEAREST_H
#define NR_NEAREST_H

#include "table/holding.h"

enum {
    NR_NEAREST_MAX = 5,      /* sets told */
    NR_NEAREST_SIZE_MAX = 6, /* codes in a set; larger ones are not looked for */
};

typedef struct nr_addition {
    uint32_t count;
    uint32_t activities[NR_NEAREST_SIZE_MAX]; /* ascending */
    uint32_t gain; /* how many activities it adds to the effective ones */
} nr_addition;

/* Inclusion-minimal sets of active, unheld activities, the smallest gain first,
 * then the smaller set, then code order. */
typedef struct nr_nearest {
    uint32_t count;
    nr_addition sets[NR_NEAREST_MAX];
    bool complete; /* false: the search was cut */
} nr_nearest;

nrbac_status nr_nearest_for_activity(nr_arena *arena, const nr_holding *holding,
                                     uint32_t activity, nr_nearest *nearest);
nrbac_status nr_nearest_for_function(nr_arena *arena, const nr_holding *holding,
                                     uint32_t function, nr_nearest *nearest);
nrbac_status nr_nearest_for_operation(nr_arena *arena, const nr_holding *holding,
                                      uint32_t operation, nr_nearest *nearest);

#endif
