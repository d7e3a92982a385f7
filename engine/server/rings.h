/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit rings (share/ring.h), from the daemon's side: each belongs to a connection, and
 * its worker takes what a program puts there into the batch that it fills. Nothing is
 * given back to the program before its records are committed, so that it is the program
 * that waits when the trail cannot be written.
 *
 *   next    up to where entries have been taken
 *   given   up to where their records are committed, and the places given back
 *
 * A ring is in one batch at a time. If that cannot be written, what was taken is taken
 * again. When its connection has ended because the program has, what is published is
 * taken, and what was reserved and never published is told as a gap; when the daemon
 * ends, the rest stays in the program's memory for its successor.
 */
#ifndef NR_RINGS_H
#define NR_RINGS_H

#include "server/recorder.h"
#include "share/ring.h"

#include <uv.h>

/* Circumstances by the place of the entry that told them. */
typedef struct nr_told {
    uint64_t place;
    nr_case *shared; /* NULL: none */
} nr_told;

typedef struct nr_intake {
    struct nr_intake *next_one, **link; /* in the worker's rings */
    nr_worker *worker;
    nr_connection *connection; /* NULL: it has ended */
    nr_ring *ring;
    int fd; /* until it is handed over; -1 */
    nr_peer peer;
    bool begun, spoiled;
    bool
        left; /* we have ended the connection: the program has the rest taken elsewhere */
    uint64_t next, given;
    uint64_t missing;      /* places that were reserved and not published */
    const nr_batch *batch; /* that has records of it; NULL: none */
    int64_t empty_at;      /* when it was last seen empty, µs; 0: never yet */
    nr_told told[NR_RING_PENDING];
} nr_intake;

typedef struct nr_rings {
    nr_intake *first;
    uv_timer_t timer; /* while there are any */
    uint64_t delay_ms;
    uint8_t *entry; /* room for one, while there are any */
} nr_rings;

void nr_rings_open(nr_worker *worker);
void nr_rings_close(nr_worker *worker);

/* Makes a ring for the connection, which has none; NULL with errno. */
nr_intake *nr_rings_add(nr_connection *connection);
/* Its descriptor is the program's from here on. */
void nr_rings_handed(nr_intake *intake);
/* The connection is being closed, by the program or by us. */
void nr_rings_leave(nr_connection *connection);
/* The batch is back: written, or given up. */
void nr_rings_done(nr_worker *worker, const nr_batch *batch, bool written);
/* Whether nothing is left to be taken by a worker that ends. */
bool nr_rings_are_idle(const nr_worker *worker);

/* ---- asserted.c ------------------------------------------------------------------- */

typedef enum nr_assertion {
    NR_ASSERTED_KEPT = 0,
    NR_ASSERTED_BAD,    /* it is no entry */
    NR_ASSERTED_MEMORY, /* not now */
} nr_assertion;

/* Makes a record of the entry at `place`, in the batch that the worker fills. `now`: µs,
 * since nothing was decided later. */
nr_assertion nr_asserted_keep(nr_intake *intake, uint64_t place, const uint8_t *entry,
                              size_t size, int64_t now);

#endif
