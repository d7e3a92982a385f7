/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an activity came to be held (S25): the grant, and the inclusions from it.
 */
#ifndef NR_PATH_H
#define NR_PATH_H

#include "table/holding.h"

/* One activity of a path, and where it was said that it follows from the one
 * before it; for the first, where it was granted (file 0: added to the profile). */
typedef struct nr_step {
    uint32_t activity;
    nr_origin origin;
} nr_step;

typedef struct nr_path {
    bool baseline; /* granted by the baseline; else added to the profile */
    nr_step *steps;
    uint32_t count; /* 0: not held */
} nr_path;

/* The shortest path to an activity of holding->closed, in the arena. The
 * baseline wins over additional ones; ties go to the earlier code. */
nrbac_status nr_path_find(nr_arena *arena, const nr_holding *holding, uint32_t activity,
                          nr_path *path);

#endif
