/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verifier from inside: what is in force, and the memory of used assertions.
 */
#ifndef NR_VERIFIER_H
#define NR_VERIFIER_H

#include "verify/replay.h"
#include "verify/snapshot.h"

#include <nrbac/verify.h>

enum { NR_LOOK_EVERY_MS = 1000 };

struct nrbac_verifier {
    char *path;
    pthread_mutex_t lock;  /* over the three that follow */
    nr_snapshot *snapshot; /* NULL: nothing sound was read yet */
    bool looking;          /* a thread looks at the files; the others go on */
    int64_t looked_at;     /* milliseconds of the clock that only goes forward */
    int64_t look_every;    /* milliseconds; tests do not wait */
    nr_replay replay;      /* which has a lock of its own */

    nr_arena told; /* diagnostics of the last reading, and all that they point to */
    nrbac_diagnostic *diagnostics;
    size_t diagnostic_count;
};

/* What is in force now, counted; NULL: nothing. Looks at the files if that is due. */
nr_snapshot *nr_verifier_take(nrbac_verifier *verifier, bool look_now);

#endif
