/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's part in recording. What is decided on its thread becomes a record of the
 * batch that it fills; after a turn of its loop the batch is handed to the recorder, one
 * at a time, so that whatever comes meanwhile is written together next. If somebody waits
 * for it, the loop first looks a little longer for others to share the wait with.
 *
 * A connection whose answers wait for their records is held by the batch: nothing of it
 * is written, read or answered until the batch is back. If that could not be written,
 * these answers are withdrawn and their records dropped. What has left, and what happened
 * otherwise, is kept until it is written.
 */
#ifndef NR_RECORDING_H
#define NR_RECORDING_H

#include "keep/keep.h"
#include "server/recorder.h"
#include "server/sessions.h"

#include <uv.h>

enum {
    NR_RECENT_SETS = 512,
    NR_RECENT_WAYS = 4,
    NR_RECENT = NR_RECENT_SETS * NR_RECENT_WAYS,
};

typedef struct nr_recording {
    nr_recorder *recorder; /* NULL: nothing is recorded */
    nr_keeping keeping;
    nr_batch batches[2];
    nr_batch *filling; /* one of them */
    bool handed;       /* the other is with the recorder, */
    nr_batch *failed;  /* or waits to be handed again, if this is it */
    uv_check_t after;  /* each turn of the loop */
    uv_timer_t flush;  /* `batched`: when what is filled must go */
    bool due;          /* it must */
    uint32_t held;     /* connections that wait for a batch */
    uv_idle_t growing; /* it is looked for more first: */
    size_t grown;      /* so many there were after the last turn, */
    size_t quiet;      /* and so many turns have brought nothing */
    nrbac_document *document;
    /* Whom whole requests were about lately, in a set by the user's hash, the latest
     * first: the hash while there was one, and the case of what is asked again. */
    struct nr_recent {
        uint64_t user;
        nr_case *shared;
    } recent[NR_RECENT_SETS][NR_RECENT_WAYS];
    size_t known; /* bytes of the evidence of those cases */
    /* Of the message at hand: */
    nr_connection *connection;
    uint64_t message;
    nr_session_entry *session; /* that is asked; NULL: none */
} nr_recording;

/* False: no memory. `recorder` may be NULL. */
bool nr_recording_open(nr_worker *worker, nr_recorder *recorder);
void nr_recording_close(nr_worker *worker);
/* This thread is the worker's from here on. */
void nr_recording_begin(nr_worker *worker);
/* Whether nothing waits to be written; if something does, it is handed over, and the
 * worker is told when it is. */
bool nr_recording_is_idle(nr_worker *worker);
/* Ends the handles, when it is idle. */
void nr_recording_end(nr_worker *worker);

/* The engine's recorder, for every engine whose decisions are asked for by workers. */
bool nr_recording_take(void *context, nrbac_record *told);

/* What is asked next; `session` may be NULL. */
void nr_recording_expect(nr_connection *connection, uint64_t message,
                         nr_session_entry *session);
/* Something that is no decision; `detail` is JSON, or NULL. `by`: who did it, or NULL. */
void nr_recording_event(nr_worker *worker, nr_event event, const nr_peer *by,
                        const char *detail);

/* ---- For rings.c -------------------------------------------------------------------- */

/* Circumstances of what is told, with a reference of the caller's. NULL: out of memory. */
nr_case *nr_recording_make_case(const nr_keeping *keeping, const nrbac_record *told,
                                const nr_peer *peer, nrbac_document *document);
/* Room for one more record in the batch that is filled, which refers to these
 * circumstances; NULL: out of memory. Dropping takes the last one out again. */
nr_record *nr_recording_add(nr_recording *recording, nr_case *shared);
void nr_recording_drop(nr_recording *recording);

/* The batch is back: its connections go on, or have their answers withdrawn. */
void nr_recording_done(nr_worker *worker, nr_batch *batch);
/* The connection is being closed. */
void nr_recording_forget(nr_connection *connection);

/* withdraw.c: in place of all that was decided, that it could not be recorded. */
void nr_withdraw(nr_connection *connection);

#endif
