/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: one loop on one thread, which alone touches everything here. Only
 * the preparing of a policy runs beside it.
 */
#ifndef NR_SERVER_H
#define NR_SERVER_H

#include "server/candidate.h"
#include "server/metrics.h"
#include "server/shared.h"
#include "server/socket.h"

#include <uv.h>

typedef struct nr_server nr_server;
typedef struct nr_connection nr_connection;

enum { NR_READ_SIZE = 64 << 10 };

/* Reloads: one at a time; whoever asks while one runs waits for the next, since
 * that one may have read the files before they were changed. */
typedef struct nr_reloads {
    uv_work_t work;
    bool running;
    bool again;
    uint64_t started;       /* the number of the last one begun */
    nr_candidate candidate; /* of the one that runs */
    bool happened;          /* since the start */
    nr_candidate last;      /* of the last one, if it failed: what was wrong */
    int64_t last_at;        /* Unix seconds */
} nr_reloads;

struct nr_server {
    uv_loop_t loop;
    uv_pipe_t listening;
    uv_signal_t signals[3];
    uv_timer_t sweep; /* for idle connections, while there are any */
    uv_timer_t clock; /* for sessions that can expire, while there are any */
    uv_timer_t end;   /* bounds the draining */
    uv_timer_t beat;  /* the shared table's heart */
    uv_idle_t turns;  /* for connections that have had theirs, while there are any */
    uv_timer_t again; /* for tables that could not be handed over at once */
    nr_listener listener;
    const nr_options *options;
    nrbac_engine *engine;
    nrbac_verifier *verifier; /* NULL: evidence is not checked */
    uint64_t occasion;        /* counts messages: what one presents, it presents once */
    nrbac_document *document; /* of the request at hand */
    nrbac_document *scratch;  /* of one item of many */
    nr_reloads reloads;
    nr_shared shared;
    bool stopped; /* by `stop`: nobody decides */
    nr_metrics metrics;
    nr_connection *connections;
    size_t connection_count;
    size_t session_count;
    int64_t last_session;
    uint64_t shed_told_at; /* when refused connections were last told of */
    int64_t started_at;    /* Unix seconds */
    bool draining;
    char read_buffer[NR_READ_SIZE];
};

/* Serves until SIGTERM; what the process ends with. */
int nr_server_run(nr_server *server, const nr_options *options);

/* Ends what has expired, and keeps the clock running while more can. */
void nr_server_poll(nr_server *server);
/* Something has ended: a draining daemon may have nothing left to do. */
void nr_server_settle(nr_server *server);
/* May this peer reload and revoke? */
bool nr_server_trusts(const nr_server *server, const nr_peer *peer);
/* May this peer have the shared table? */
bool nr_server_shares(const nr_server *server, const nr_peer *peer);
/* Stops all deciding, here and wherever the table is used, or lets it go on. */
void nr_server_stop(nr_server *server, bool stopped);

/* ---- evidence.c ------------------------------------------------------------ */

/* Opens the evidence settings, if there are any, and says which credentials are near
 * their end; false after saying what is wrong. */
bool nr_evidence_open(nr_server *server);
/* What is in force, for health; NULL: nothing. *sound: whether every file of it is as
 * it should be. */
nrbac_value *nr_evidence_tell(nr_server *server, nrbac_document *document, bool *sound);

/* ---- reload.c -------------------------------------------------------------- */

/* The first policy, before the loop runs; false after saying why there is none. */
bool nr_server_load(nr_server *server);
/* Begins a reload, or asks for another after the one that runs. The number of the
 * reload whose end answers this. */
uint64_t nr_server_reload(nr_server *server);
nrbac_value *nr_server_last_reload(const nr_server *server, nrbac_document *document);

#endif
