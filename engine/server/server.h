/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: what its workers share. The process's own thread listens, hears signals,
 * watches the clock, and publishes; the preparing of a policy runs beside it. What the
 * others may touch is atomic, or guarded by `lock`, which nobody takes to decide.
 */
#ifndef NR_SERVER_H
#define NR_SERVER_H

#include "server/candidate.h"
#include "server/recorder.h"
#include "server/shared.h"
#include "server/socket.h"
#include "server/worker.h"

/* Reloads: one at a time; whoever asks waits for the next that begins, since one that
 * runs may have read the files before they were changed. */
typedef struct nr_reloads {
    pthread_t thread;       /* of the one that runs, or ran last */
    nr_candidate candidate; /* that thread's, until it is done */
    int processor;          /* the loop's, which that thread leaves alone */
    bool running;
    atomic_bool done;
    bool ended;        /* its thread is to be joined */
    bool asked;        /* `lock`: for another one */
    uint64_t started;  /* `lock`: the number of the last one begun */
    bool happened;     /* `lock`: since the start */
    nr_candidate last; /* `lock`: of the last one, if it failed: what was wrong */
    int64_t last_at;   /* `lock`: Unix seconds */
} nr_reloads;

struct nr_server {
    const nr_options *options;
    nr_worker *workers;
    uint32_t worker_count;
    _Atomic uint32_t serving;   /* workers beside the first whose loop runs */
    _Atomic uint64_t occasions; /* messages so far */
    _Atomic uint64_t connections_begun;
    _Atomic int64_t session_count; /* sessions so far */
    uv_poll_t listening;
    uv_signal_t signals[3];
    uv_timer_t clock; /* for sessions that can expire, while there are any */
    uv_timer_t end;   /* bounds the draining */
    uv_timer_t beat;  /* the shared table's heart */
    uv_timer_t pause; /* of listening, while nothing can be accepted */
    nr_listener listener;
    nrbac_engine *engine;
    nrbac_verifier *verifier; /* NULL: evidence is not checked */
    int64_t started_at;       /* Unix seconds */
    _Atomic bool retiring;    /* a successor listens */
    bool draining;
    bool hurried;         /* nothing more is waited for */
    _Atomic bool stopped; /* by `stop`: nobody decides; written with `lock` held */
    pthread_mutex_t lock;
    nr_recorder recorder; /* `options->audit` says whether there is one */
    nr_shared shared;     /* `lock` */
    nr_reloads reloads;
};

/* Serves until SIGTERM; what the process ends with. */
int nr_server_run(nr_server *server, const nr_options *options);

/* The first worker has been woken: does what others have asked of it. */
void nr_server_attend(nr_server *server);
/* Whether nothing is left to do for the first worker either; then all else is over. */
bool nr_server_finish(nr_server *server);
/* The socket is another daemon's from here on, and this one ends. */
void nr_server_retire(nr_server *server);
/* NULL: nothing is recorded. */
nr_recorder *nr_server_recorder(nr_server *server);
/* What all workers have counted, and how many connections there are now. */
void nr_server_metrics(const nr_server *server, nr_metrics *sum);
uint32_t nr_server_connections(const nr_server *server);
/* A session was opened, which may be one that can expire. From any thread. */
void nr_server_expects(nr_server *server);
/* May this peer reload and revoke? */
bool nr_server_trusts(const nr_server *server, const nr_peer *peer);
/* May this peer have the shared table? */
bool nr_server_shares(const nr_server *server, const nr_peer *peer);
/* Stops all deciding, here and wherever the table is used, or lets it go on. */
void nr_server_stop(nr_server *server, bool stopped);
/* Ends sessions here and wherever the table is used; how many it ended here. */
size_t nr_server_revoke(nr_server *server, const nrbac_revocation *which);

/* ---- evidence.c ------------------------------------------------------------ */

/* Opens the evidence settings, if there are any, and says which credentials are near
 * their end; false after saying what is wrong. */
bool nr_evidence_open(nr_server *server);
/* What is in force, for health; NULL: nothing. *sound: whether every file of it is as
 * it should be. */
nrbac_value *nr_evidence_tell(nr_server *server, nrbac_document *document, bool *sound);

/* ---- reload.c -------------------------------------------------------------- */

/* The first policy, before anything is served; false after saying what is wrong. */
bool nr_server_prepare(nr_server *server);
/* Puts it in force. */
bool nr_server_load(nr_server *server);
/* Asks for a reload, from any thread. The number of the one whose end answers this. */
uint64_t nr_server_reload(nr_server *server);
/* Ends the reload that is done, and begins the one that was asked for, unless one runs. */
void nr_server_attend_reloads(nr_server *server);
/* Waits for the thread of a reload that is done, if there was one. */
void nr_server_join_reload(nr_server *server);
/* What came of the last one; *ok: whether it, if there was one, is in force. */
nrbac_value *nr_server_last_reload(nr_server *server, nrbac_document *document,
                                   bool *ok);

#endif
