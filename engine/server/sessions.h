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

typedef struct nr_session_entry {
    int64_t number;
    nrbac_session *session; /* owned */
    nr_case *shared;        /* by its records; NULL: there are none yet */
} nr_session_entry;

/* Zero-initialised. */
typedef struct nr_sessions {
    nr_session_entry *entries;
    size_t count;
    size_t room;
} nr_sessions;

/* Takes over the session; false: out of memory, and it is still the caller's. The
 * number is larger than all that came before. */
bool nr_sessions_add(nr_sessions *sessions, int64_t number, nrbac_session *session);
nr_session_entry *nr_sessions_find(const nr_sessions *sessions, int64_t number);
/* Closes one; false: there is no such session. */
bool nr_sessions_close(nr_sessions *sessions, int64_t number);
/* Closes all of them. */
void nr_sessions_finish(nr_sessions *sessions);

#endif
