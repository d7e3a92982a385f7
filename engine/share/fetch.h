/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the daemon for descriptors, a step at a time, so that whoever has more to do
 * than to wait can do it: for its table, for an audit ring, or, to succeed it, for its
 * socket. What is sent never varies, and all that matters of what comes back are the
 * descriptors: neither needs an encoder.
 */
#ifndef NR_FETCH_H
#define NR_FETCH_H

#include "base/base.h"

typedef enum nr_wanted {
    NR_WANT_TABLE = 0, /* `attach`: image and page */
    NR_WANT_LISTENER,  /* `takeover`: the listening socket, in place of the image */
    NR_WANT_RING,      /* `ring`: the ring, in place of the image; as long as it is used
                        * the socket stays open, and is the caller's too */
} nr_wanted;

typedef struct nr_fetch {
    nr_wanted wanted;
    int socket;      /* -1: nothing is under way */
    int image, page; /* what came, the caller's; -1: nothing */
} nr_fetch;

#define NR_FETCH_NONE ((nr_fetch){ .socket = -1, .image = -1, .page = -1 })

/* Begins, if nothing is under way, and waits so long for the answer.
 *
 * NRBAC_OK         what was wanted is there
 * NRBAC_E_TIMEOUT  not yet: call again
 * NRBAC_E_REFUSED  the daemon does not give it to this user
 * NRBAC_E_LIMIT    the daemon has no room for it now
 * NRBAC_E_VERSION  the daemon's answers to this question are of another version
 * NRBAC_E_IO       there is no daemon, or it has gone
 * NRBAC_E_FORMAT   what came is not the answer to this question
 *
 * *error (may be NULL) says why not. */
NRBAC_MUST_USE nrbac_status nr_fetch_step(nr_fetch *fetch, const char *path,
                                          int wait_ms, nrbac_error *error);
/* Gives up what is under way, and what came and was not taken. */
void nr_fetch_drop(nr_fetch *fetch);

#endif
