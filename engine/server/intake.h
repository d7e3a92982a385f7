/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One audit ring (share/ring.h), from the daemon's side: what a program put there becomes
 * records of the batch that the worker fills. Nothing is given back to the program before
 * its records are committed, so that it is the program that waits when the trail cannot be
 * written. Here is no loop and no socket: rings.c has them.
 *
 *   next    up to where entries have been taken
 *   given   up to where their records are committed, and the places given back
 *
 * A ring is in one batch at a time. If that cannot be written, what was taken is taken
 * again. When its connection has ended because the program has, what is published is
 * taken, and what was reserved and never published is told as a gap; when the daemon
 * ends, the rest stays in the program's memory for its successor.
 */
#ifndef NR_INTAKE_H
#define NR_INTAKE_H

#include "server/recorder.h"
#include "share/ring.h"

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
    /* We have ended the connection: the program has the rest taken elsewhere. */
    bool left;
    uint64_t next, given;
    uint64_t end;     /* up to where there is anything, once the connection ended */
    uint64_t missing; /* places that were reserved and not published */
    const nr_batch *batch; /* that has records of it; NULL: none */
    int64_t empty_at;      /* when it was last seen empty, µs; 0: never yet */
    nr_told told[NR_RING_PENDING];
} nr_intake;

/* Takes what there is into the batch that the worker fills, for a turn; whether there was
 * something. The worker has room for an entry (`rings.entry`). */
bool nr_intake_drain(nr_intake *intake);
/* The connection has ended, by us (`leaves`: what can be taken now is taken) or by the
 * program: what is reserved by now is all that there will be, whoever else has the
 * memory. */
void nr_intake_leave(nr_intake *intake, bool leaves);
/* The batch that had records of it is back: written, or given up. */
void nr_intake_done(nr_intake *intake, bool written);
/* Whether nothing of it can come any more. */
bool nr_intake_is_over(const nr_intake *intake);
/* When it is over: says what is missing, if something is. */
void nr_intake_tell_gap(nr_intake *intake);
/* Forgets all circumstances. */
void nr_intake_finish(nr_intake *intake);

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
