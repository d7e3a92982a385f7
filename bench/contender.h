/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody who answers requests in this process: a limit, ourselves, or a peer.
 * inprocess.c asks them in turn, and holds every answer against the oracle's.
 */
#ifndef BENCH_CONTENDER_H
#define BENCH_CONTENDER_H

#include "workload.h"

typedef struct bench_contender {
    const char *measure; /* what is measured: "check", "open", ... */
    const char *name;
    /* Loads all that it needs; returns its state, or ends the program. NULL: what it
     * needs is not there, and it takes no part. */
    void *(*start)(const bench_workload *workload, const char *image);
    /* Answers requests [from, from + count): 1 may, 0 may not. */
    void (*ask)(void *state, uint32_t from, uint32_t count, uint8_t *answers);
    void (*finish)(void *state);
    uint32_t most; /* asks the first so many requests alone; 0: all */
    /* What `ask` leaves in the answers is not an answer (a limit that reads only). */
    bool silent;
} bench_contender;

/* All lists that there are, ending with NULL; each ends with one without a name. */
extern const bench_contender *const bench_lists[];
extern const bench_contender bench_limits[];
extern const bench_contender bench_ours[];
extern const bench_contender bench_documents[];
extern const bench_contender bench_glib[];
extern const bench_contender bench_sqlite[];
extern const bench_contender bench_sepol[];

#endif
