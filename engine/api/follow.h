/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine that follows a daemon: it decides on the daemon's image, in this
 * process, and looks at the daemon's status page from time to time. Everything
 * that takes time or asks the kernel happens here, on whatever thread polls; a
 * decision sees of it no more than its session's first word and bits.
 */
#ifndef NR_FOLLOW_H
#define NR_FOLLOW_H

#include "api/engine.h"

/* Looks at the page, and does what it says: takes a new image, ends what is revoked,
 * stops when the page is stale and goes on when it is not. Waits a few milliseconds
 * for the daemon at most. Nothing for an engine that follows nobody, or while another
 * thread looks. */
void nr_follow_poll(nrbac_engine *engine);
/* After its last poll. NULL is fine. */
void nr_follow_destroy(nr_follow *follow);

#endif
