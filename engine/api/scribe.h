/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder of an engine that follows a daemon: it writes what is decided into the
 * ring that it shares with that daemon (share/ring.h). Writing makes no system call
 * unless the ring is full.
 *
 * A record that is to be safe before anybody learns of the decision is waited for, until
 * the daemon says that it is on disk. If that takes too long it was not recorded, though
 * it may be there; then another one behind it says so.
 *
 * A daemon that takes no records of this program, because it is of another release or
 * keeps no trail, is not asked again.
 *
 * A process that forks has a ring, its child has none: both would move the same one.
 *
 * The ring is held for as long as its connection lives. When that has ended, whoever polls
 * asks the socket for another ring, copies the old one with all that was not taken,
 * and puts it into the old one's place: nobody who writes notices more than a
 * moment in which the ring is shut, and every entry keeps its place. So what a daemon
 * took and did not come to give back may be taken again by its successor, under the
 * same number; and nothing is lost.
 */
#ifndef NR_SCRIBE_H
#define NR_SCRIBE_H

#include <nrbac/recorder.h>

typedef struct nr_scribe nr_scribe;

/* Without a ring: it records nothing. NULL: out of memory. */
nr_scribe *nr_scribe_create(void);
/* While nobody decides; what was written is the daemon's to take. NULL is fine. */
void nr_scribe_destroy(nr_scribe *scribe);

/* Has a ring from the daemon whose socket is at this path. */
NRBAC_MUST_USE nrbac_status nr_scribe_open(nr_scribe *scribe, const char *path,
                                           nrbac_error *error);
/* Ends the ring's connection. */
void nr_scribe_close(nr_scribe *scribe);
/* Looks after the ring; waits a few milliseconds for the daemon at most. One thread at a
 * time. */
void nr_scribe_poll(nr_scribe *scribe, const char *path);
/* Another daemon serves: it may take what the last one did not. By whoever polls. */
void nr_scribe_retry(nr_scribe *scribe);

/* The nrbac_recorder; its context is the scribe. Waits 50 ms at most for room, and not
 * at all while there is none for longer; and a second for a record that is to be on
 * disk. */
bool nr_scribe_take(void *context, nrbac_record *record);

#endif
