/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that writes the audit trail. Workers hand it batches of records; what it
 * finds waiting it writes in one go, with one wait for the disk (group commit), and
 * then gives each batch back to its worker, with what came of it.
 *
 *   sync      (default) answers wait for their records: none leaves before its record
 *             is on disk. A batch that cannot be written is given up, and its answers
 *             are withdrawn: not-recorded.
 *   batched   answers do not wait, but for functions of which the policy says `audit:
 *             sync`. Records are with the system within `flush_ms` of their decision,
 *             and on disk within twice that: so much a crash can take. Of a batch that
 *             cannot be written, the records whose answers have left are tried again by
 *             their worker, and until they are written nothing more is permitted.
 *
 * Either way what waits in memory is bounded: a worker that is ahead by
 * NR_BATCH_RECORDS, or by NR_BATCH_EVIDENCE bytes of what they rest on, pauses its
 * connections.
 */
#ifndef NR_RECORDER_H
#define NR_RECORDER_H

#include "audit/trail.h"
#include "base/arena.h"

#include <nrbac/recorder.h>

#include <pthread.h>
#include <stdatomic.h>

typedef struct nr_worker nr_worker;
typedef struct nr_connection nr_connection;
typedef struct nr_options nr_options;
typedef struct nr_batch nr_batch;

enum { NR_BATCH_RECORDS = 8192, NR_BATCH_EVIDENCE = 8 << 20 };

/* Circumstances that records share; counted. */
typedef struct nr_case {
    _Atomic uint32_t references;
    const nr_batch *batch; /* the last one that holds a reference; its worker's alone */
    nr_arena arena;
    const char *number; /* a patient's own; NULL: not a patient, or not stated */
    nr_circumstances circumstances;
    nrbac_document
        *document; /* holds the request that they are of; NULL: a session's */
    nrbac_request request;
    unsigned flags; /* of nrbac_record */
} nr_case;

void nr_case_release(nr_case *shared); /* NULL is fine */

/* Records that are written together. A worker fills it and has it back. */
struct nr_batch {
    nr_batch *next;
    nr_worker *worker;
    nr_record *records;
    uint64_t *owners; /* of each record: its connection's number, 0, or this: */
#define NR_OWNER_RING UINT64_MAX
    size_t count, room;
    bool first;      /* somebody may not learn before it is on disk */
    nr_arena texts;  /* of the records */
    size_t evidence; /* how much of it is evidence, in bytes */
    nr_case **cases; /* those that they refer to, each counted once */
    size_t case_count, case_room;
    nr_connection *held;    /* who waits for it; its worker's alone */
    nr_trail_status status; /* what came of it */
};

typedef struct nr_recorder {
    const nr_options *options;
    nr_trail *trail; /* the thread's own, while it runs */
    pthread_t thread;
    bool running;
    _Atomic bool failing;     /* the last batch could not be written */
    _Atomic uint64_t refused; /* decisions for want of a record, not told of yet */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* of the thread */
    pthread_cond_t done; /* of who waits for a policy to be kept */
    /* Under `lock`: */
    nr_batch *queue, **queue_end;
    bool ending;
    const void *image; /* of a policy that is to be kept; NULL: none */
    size_t image_size;
    uint8_t image_digest[NR_DIGEST_SIZE];
    nr_trail_status image_status;
    nr_trail_state state; /* when last looked */
    /* The thread's own: */
    int64_t failing_since;        /* 0: it does not fail */
    bool unsynced;                /* since a sync failed, not a batch */
    int64_t synced_at, pruned_at; /* ms since the machine started */
    int64_t ahead; /* of the wall clock to that one when last looked, ms */
} nr_recorder;

/* Opens the trail, records that it begins, and starts the thread; false after saying
 * why not, unless that is a lock (*status is NR_TRAIL_LOCKED) and `waits`. `recorder` is
 * zeroed, and if it fails it still is. */
bool nr_recorder_open(nr_recorder *recorder, const nr_options *options, bool waits,
                      nr_trail_status *status);
/* Writes what waits, records that it ends, and closes. */
void nr_recorder_close(nr_recorder *recorder);

/* ---- From any thread --------------------------------------------------------------- */

/* Takes the batch over until its worker is told. */
void nr_recorder_hand(nr_recorder *recorder, nr_batch *batch);
/* Keeps a policy's image in the trail before anybody decides by it, and waits for it. */
nr_trail_status nr_recorder_keep(nr_recorder *recorder,
                                 const uint8_t digest[NR_DIGEST_SIZE],
                                 const void *image, size_t size);
/* How the trail is. */
void nr_recorder_look(nr_recorder *recorder, nr_trail_state *state);

#endif
