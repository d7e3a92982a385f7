/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one thread, its loop, and the connections that it serves. What is here is
 * touched by that thread alone, but for the mail, `wake`, and numbers that are atomic.
 *
 * The first worker is the process's own thread, which also listens, hears signals and
 * reloads (server.c). A connection is given to the worker that has fewest, and stays
 * there. Whoever wants something of another worker puts it into its mail and wakes it.
 */
#ifndef NR_WORKER_H
#define NR_WORKER_H

#include "server/metrics.h"
#include "server/recording.h"
#include "server/rings.h"

#include <pthread.h>
#include <uv.h>

typedef struct nr_server nr_server;
typedef struct nr_connection nr_connection;

enum { NR_READ_SIZE = 64 << 10 };

/* How far a worker is to be on its way out; it only grows. */
typedef enum nr_ending {
    NR_SERVING = 0,
    NR_DRAINING, /* answers what has been read */
    NR_CLOSING,  /* closes what is open */
} nr_ending;

/* A connection that it is to serve, or to turn away. */
typedef struct nr_arrival {
    int socket;
    bool over; /* there are as many as may be */
} nr_arrival;

/* What others want of a worker. */
typedef struct nr_mail {
    pthread_mutex_t lock;
    nr_arrival *arrivals;
    size_t count, room;
    uint64_t reloaded;  /* the last reload that has ended */
    nr_batch *recorded; /* the batch that is back; NULL: none */
    nr_ending ending;
} nr_mail;

typedef struct nr_worker {
    nr_server *server;
    uint32_t index; /* 0: the process's own thread */
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t sweep; /* for idle connections, while there are any */
    uv_timer_t again; /* for tables that could not be handed over at once */
    uv_idle_t turns;  /* for connections that have had theirs, while there are any */
    nr_mail mail;
    nrbac_document *document; /* of the request at hand */
    nrbac_document *scratch;  /* of one item of many */
    uint64_t shed_told_at;    /* when that somebody was turned away was last told */
    nr_ending ending;
    nr_recording recording;
    nr_rings rings;
    nr_connection *connections;
    _Atomic uint32_t connection_count; /* also of those in the mail */
    nr_metrics metrics;
    char read_buffer[NR_READ_SIZE];
} nr_worker;

/* False: no memory, or no descriptor for its loop. Closed in either case. */
bool nr_worker_open(nr_worker *worker, nr_server *server, uint32_t index);
/* After its loop has ended. */
void nr_worker_close(nr_worker *worker);
/* Serves on a thread of its own; false: there is none to be had. */
bool nr_worker_start(nr_worker *worker);

/* ---- From any thread ------------------------------------------------------------- */

/* Hands over a connected socket; false: no memory, and it is still the caller's. */
bool nr_worker_give(nr_worker *worker, nr_arrival arrival);
void nr_worker_tell_reloaded(nr_worker *worker, uint64_t reload);
/* Gives a batch back to who filled it. */
void nr_worker_tell_recorded(nr_worker *worker, nr_batch *batch);
void nr_worker_end(nr_worker *worker, nr_ending ending);

/* ---- From its own ---------------------------------------------------------------- */

/* Something has ended: a draining worker may have nothing left to do. */
void nr_worker_settle(nr_worker *worker);
/* Somebody is turned away, which is counted. Whether it is to be told of, too: whoever is
 * turned away tries again. */
bool nr_worker_shed(nr_worker *worker);

#endif
