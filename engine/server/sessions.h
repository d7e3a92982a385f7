/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sessions of one connection, by their numbers. Numbers come from one count
 * for the whole daemon and only grow, so the list is sorted as it is, and a number
 * that was given to another connection is known to nobody here.
 */
#ifndef NR_SESSIONS_H
#define NR_SESSIONS_H

#include "server/recorder.h"

#include <nrbac/nrbac.h>

/* What a session keeps of its evidence takes memory, and evidence may be as large as a
 * message: what those of one connection were opened by is bounded by the count that it
 * may have of them, at so many bytes each. */
enum { NR_SESSION_OPENED_BY = 8 << 10 };

typedef struct nr_session_entry {
    int64_t number;
    size_t opened_by;       /* bytes of the message */
    nrbac_session *session; /* owned */
    nr_case *shared;        /* by its records; NULL: there are none yet */
} nr_session_entry;

/* Zero-initialised. */
typedef struct nr_sessions {
    nr_session_entry *entries;
    size_t count;
    size_t room;
    uint64_t opened_by; /* of all of them */
} nr_sessions;

/* Takes over the entry's session; false: out of memory, and it is still the caller's. The
 * number is larger than all that came before. */
bool nr_sessions_add(nr_sessions *sessions, nr_session_entry entry);
nr_session_entry *nr_sessions_find(const nr_sessions *sessions, int64_t number);
/* Closes one; false: there is no such session. */
bool nr_sessions_close(nr_sessions *sessions, int64_t number);
/* Closes all of them. */
void nr_sessions_finish(nr_sessions *sessions);

#endif
