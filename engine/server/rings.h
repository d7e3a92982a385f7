/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit rings of a worker: each belongs to a connection, and is looked at by a timer,
 * often while something comes (intake.h).
 */
#ifndef NR_RINGS_H
#define NR_RINGS_H

#include "server/intake.h"

#include <uv.h>

typedef struct nr_rings {
    nr_intake *first;
    uint32_t count;   /* also of connections that have ended */
    uv_timer_t timer; /* while there are any */
    uint64_t delay_ms;
    uint8_t *entry; /* room for one, while there are any */
} nr_rings;

void nr_rings_open(nr_worker *worker);
void nr_rings_close(nr_worker *worker);

/* Makes a ring for the connection, which has none; NULL: there is no room for it. */
nr_intake *nr_rings_add(nr_connection *connection);
/* Its descriptor is the program's from here on. */
void nr_rings_handed(nr_intake *intake);
/* The connection is being closed, by the program or by us. */
void nr_rings_leave(nr_connection *connection);
/* The batch is back: written, or given up. */
void nr_rings_done(nr_worker *worker, const nr_batch *batch, bool written);
/* Whether nothing is left to be taken by a worker that ends. */
bool nr_rings_are_idle(const nr_worker *worker);

#endif
