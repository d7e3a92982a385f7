/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One peer: what it sent, what it is owed, and its sessions.
 *
 * Requests are answered in the order in which they came. While an answer waits to be
 * taken by the peer, or for its record to be on disk, or a reload that it asked for runs,
 * or descriptors are to be handed to it, nothing more of it is read or answered: a peer
 * that does not read costs what it has sent once, and one batch of answers.
 *
 * One loop serves many, so a connection that has had its turn, a reading full or some
 * milliseconds of answering, waits until the others had theirs.
 */
#ifndef NR_CONNECTION_H
#define NR_CONNECTION_H

#include "server/server.h"
#include "server/sessions.h"

enum {
    NR_OUTPUT_HIGH = 256 << 10
}; /* answers are written when there is so much of them */

/* An answer in the output. */
typedef struct nr_frame {
    size_t start;
    nr_method method; /* that gave it; NR_METHOD_COUNT: none did */
} nr_frame;

/* Descriptors that are to be handed over: attach.c. */
typedef enum nr_handing {
    NR_HAND_NOTHING = 0,
    NR_HAND_TABLE,
    NR_HAND_LISTENER,
    NR_HAND_RING,
} nr_handing;

struct nr_connection {
    nr_worker *worker;
    nr_connection *next, **link; /* in worker->connections */
    uv_pipe_t pipe;
    uv_write_t write;
    nr_peer peer;
    nr_buffer input;   /* what has come and is not answered yet */
    nr_scan scan;      /* of the message at the front of it */
    nr_buffer output;  /* answers, in order */
    nr_buffer sending; /* those that are with the loop, until they are written */
    nr_buffer frames;  /* nr_frame: what is in the output, if it may be withdrawn */
    nr_connection *held_next, **held_link; /* in its batch's; NULL: in none */
    uint64_t number;                       /* of all connections, from 1 */
    const nr_batch *unsent_in; /* the batch with records of answers in the output, */
    size_t unsent;             /* from this one on */
    uint32_t in_flight;        /* answers in `output` */
    nr_sessions sessions;
    nr_intake *ring; /* its audit ring; NULL: none */
    /* It may ask by numbers from 1 to this: those that there were when it was told some.
     * 0: it was told none, and what it sends would be another daemon's. */
    nrbac_name numbers;
    uint64_t active_at;  /* loop time of the last request or taken answer */
    uint64_t reload;     /* the reload it waits for; 0: none */
    uint32_t reload_id;  /* the msgid to answer then */
    nr_handing handing;  /* it waits for descriptors */
    uint32_t handing_id; /* the msgid to answer then */
    bool waiting;        /* it has had its turn */
    bool reading;
    bool writing;   /* `sending` is */
    bool recording; /* what is in the output waits for its records */
    bool ending;    /* to be closed when all is written */
    bool gone;      /* the peer has ended it */
    bool closed;    /* is being closed: nothing may be done with it */
};

/* Serves whoever has arrived, or turns it away; takes the socket over. */
void nr_connection_begin(nr_worker *worker, nr_arrival arrival);
/* The records of its answers are written, or the answers withdrawn: it goes on. */
void nr_connection_resume(nr_connection *connection);
/* Whether one more answer may join those that are to be written. */
static inline bool nr_connection_has_room(const nr_connection *connection)
{
    return connection->output.size < NR_OUTPUT_HIGH &&
           connection->in_flight <
               connection->worker->server->options->limits.in_flight;
}
/* An answer begins here in the output. */
void nr_connection_frame(nr_connection *connection, nr_method method);
/* Closes at once; its sessions end now. */
void nr_connection_close(nr_connection *connection);
/* Answers all that was sent so far, then closes. */
void nr_connection_drain(nr_connection *connection);
/* Closes those that have been silent for too long. */
void nr_connections_sweep(nr_worker *worker);
/* Answers all that waited for this reload or an earlier one. */
void nr_connections_reloaded(nr_worker *worker, uint64_t reload);
/* The next turn of those that wait for one; false: nobody waits any more. */
bool nr_connections_take_turns(nr_worker *worker);
/* Tries again to hand descriptors over; false: nobody waits for it any more. */
bool nr_connections_hand_over(nr_worker *worker);

#endif
