/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activities that guard a function: without one of them it cannot hold, so whoever
 * holds none of them need not be asked about it.
 *
 *   B0820                           guarded by B0820, and holding it is enough
 *   any: [B0380, B8028]             guarded by both, and either is enough
 *   all: [B0820, { aal: 2 }]        guarded by B0820, then asked
 *   all: [B0020, any: [B1, B2]]     guarded by B0020, then asked
 *   any: [B0820, { role: R8006 }]   guarded by nothing: always asked
 *
 * Whether a function holds is said by table/decide.c alone; that holding a guard is
 * enough is said here, of requirements for which that is what deciding comes to.
 */
#ifndef NR_GUARD_H
#define NR_GUARD_H

#include "table/table.h"

typedef struct nr_guards {
    bool enough; /* to hold one of them is to be permitted, without obligations */
    uint32_t count;
    uint32_t activities[NR_REQUIREMENT_NODE_MAX];
} nr_guards;

/* The guards of a function that is not suspended; count 0: it has none. */
void nr_guards_of(const nr_table *table, uint32_t function, nr_guards *guards);

#endif
