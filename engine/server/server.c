/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include "server/connection.h"
#include "server/log.h"
#include "server/notify.h"

#include <inttypes.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum {
    BACKLOG = 128,
    CLOCK_MS = 50,       /* how late a session may end */
    SWEEP_MS_MIN = 250,  /* how late an idle connection may be closed: a quarter */
    SWEEP_MS_MAX = 5000, /* of the idle time, between these */
    DRAIN_MS = 5000,     /* the longest that SIGTERM takes */
};

/* ---- Ending ------------------------------------------------------------------- */

/* When nothing is left to answer, the loop is left with nothing to do. */
static void finish_if_drained(nr_server *server)
{
    if (!server->draining || server->connection_count != 0 || server->reloads.running)
        return;
    for (size_t i = 0; i < NR_COUNT(server->signals); i++)
        if (!uv_is_closing((uv_handle_t *)&server->signals[i]))
            uv_close((uv_handle_t *)&server->signals[i], NULL);
    uv_timer_t *timers[] = { &server->sweep, &server->clock, &server->end,
                             &server->beat, &server->again };
    for (size_t i = 0; i < NR_COUNT(timers); i++)
        if (!uv_is_closing((uv_handle_t *)timers[i]))
            uv_close((uv_handle_t *)timers[i], NULL);
    if (!uv_is_closing((uv_handle_t *)&server->turns))
        uv_close((uv_handle_t *)&server->turns, NULL);
}

void nr_server_settle(nr_server *server)
{
    if (server->connection_count == 0 && !server->draining)
        (void)uv_timer_stop(&server->sweep);
    finish_if_drained(server);
}

static void close_all(nr_server *server)
{
    while (server->connections != NULL)
        nr_connection_close(server->connections);
}

/* A policy that is being compiled cannot be interrupted; there is nothing of it to
 * lose. */
static void on_end(uv_timer_t *timer)
{
    nr_server *server = timer->data;
    nr_log("still not drained after %d ms: %zu connections are closed", DRAIN_MS,
           server->connection_count);
    close_all(server);
    if (server->reloads.running)
        _exit(NR_DAEMON_OK);
    finish_if_drained(server);
}

static void drain(nr_server *server)
{
    if (server->draining)
        return;
    server->draining = true;
    nr_log("stopping");
    nr_notify_stopping();
    /* While it listens nobody else takes the path, so what is removed is ours. */
    nr_listener_unlink(&server->listener);
    uv_close((uv_handle_t *)&server->listening, NULL);
    for (nr_connection *c = server->connections, *next; c != NULL; c = next) {
        next = c->next;
        nr_connection_drain(c);
    }
    (void)uv_timer_start(&server->end, on_end, DRAIN_MS, 0);
    finish_if_drained(server);
}

static void on_signal(uv_signal_t *handle, int number)
{
    nr_server *server = handle->data;
    if (number != SIGHUP)
        drain(server);
    else if (!server->draining)
        (void)nr_server_reload(server);
}

/* ---- Time --------------------------------------------------------------------- */

static void on_clock(uv_timer_t *timer)
{
    nr_server_poll(timer->data);
}

void nr_server_poll(nr_server *server)
{
    bool ticking = uv_is_active((uv_handle_t *)&server->clock) != 0;
    bool due = nrbac_poll(server->engine, (int64_t)time(NULL)) != 0;
    if (due && !ticking && !server->draining)
        (void)uv_timer_start(&server->clock, on_clock, CLOCK_MS, CLOCK_MS);
    else if (!due && ticking)
        (void)uv_timer_stop(&server->clock);
}

static void on_sweep(uv_timer_t *timer)
{
    nr_connections_sweep(timer->data);
}

static void start_sweep(nr_server *server)
{
    uint64_t every = (uint64_t)server->options->limits.idle_seconds * 1000 / 4;
    if (every < SWEEP_MS_MIN)
        every = SWEEP_MS_MIN;
    if (every > SWEEP_MS_MAX)
        every = SWEEP_MS_MAX;
    if (uv_is_active((uv_handle_t *)&server->sweep) == 0)
        (void)uv_timer_start(&server->sweep, on_sweep, every, every);
}

/* ---- Beginning ---------------------------------------------------------------- */

static void on_connection(uv_stream_t *listening, int status)
{
    nr_server *server = listening->data;
    if (status < 0) {
        /* Out of descriptors: libuv keeps one aside to turn peers away with. */
        server->metrics.connections_refused++;
        nr_log("a connection was not taken: %s", uv_strerror(status));
        return;
    }
    start_sweep(server);
    nr_connection_accept(server);
}

/* Our own user, root, and those that are listed. */
static bool is_trusted(const nr_peer *peer, const nr_users *users)
{
    if (!peer->known || peer->uid == NR_ID_UNMAPPED)
        return false;
    if (peer->uid == 0 || peer->uid == geteuid())
        return true;
    return nr_users_have(users, peer->uid);
}

bool nr_server_trusts(const nr_server *server, const nr_peer *peer)
{
    return is_trusted(peer, &server->options->reload_users);
}

bool nr_server_shares(const nr_server *server, const nr_peer *peer)
{
    return is_trusted(peer, &server->options->attach_users);
}

void nr_server_stop(nr_server *server, bool stopped)
{
    if (stopped != server->stopped)
        nr_log("%s", stopped ? "all deciding is stopped" : "deciding goes on");
    server->stopped = stopped;
    nrbac_engine_stop(server->engine, stopped);
    nr_shared_stop(&server->shared, stopped);
}

static bool open_engine(nr_server *server)
{
    server->document = nrbac_document_create();
    server->scratch = nrbac_document_create();
    nrbac_status status = nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &server->engine);
    if (status == NRBAC_OK && server->document != NULL && server->scratch != NULL)
        return true;
    nr_log("%s", nrbac_status_text(NRBAC_E_MEMORY));
    return false;
}

static bool open_listener(nr_server *server)
{
    if (!nr_listener_passed(&server->listener))
        return false;
    if (server->listener.fd >= 0)
        return true;
    if (server->options->socket != NULL)
        return nr_listener_bind(&server->listener, server->options->socket,
                                server->options->socket_mode);
    nr_log("no socket is given: `--socket PATH`");
    return false;
}

static void on_beat(uv_timer_t *timer)
{
    nr_server *server = timer->data;
    nr_shared_beat(&server->shared);
}

/* Until the very end: who uses the table does not depend on our connections. */
static void start_beat(nr_server *server)
{
    uint64_t every = nr_shared_beat_ms(&server->shared);
    if (every != 0)
        (void)uv_timer_start(&server->beat, on_beat, every, every);
}

static bool open_loop(nr_server *server)
{
    static const int numbers[] = { SIGHUP, SIGTERM, SIGINT };
    int bad = uv_loop_init(&server->loop);
    if (bad != 0) {
        nr_log("%s", uv_strerror(bad));
        return false;
    }
    (void)uv_timer_init(&server->loop, &server->sweep);
    (void)uv_timer_init(&server->loop, &server->clock);
    (void)uv_timer_init(&server->loop, &server->end);
    (void)uv_timer_init(&server->loop, &server->beat);
    (void)uv_timer_init(&server->loop, &server->again);
    server->sweep.data = server->clock.data = server->end.data = server;
    (void)uv_idle_init(&server->loop, &server->turns);
    server->beat.data = server->again.data = server->turns.data = server;
    start_beat(server);
    for (size_t i = 0; i < NR_COUNT(server->signals) && bad == 0; i++) {
        bad = uv_signal_init(&server->loop, &server->signals[i]);
        server->signals[i].data = server;
        if (bad == 0)
            bad = uv_signal_start(&server->signals[i], on_signal, numbers[i]);
    }
    (void)uv_pipe_init(&server->loop, &server->listening, 0);
    server->listening.data = server;
    if (bad == 0)
        bad = uv_pipe_open(&server->listening, server->listener.fd);
    if (bad == 0)
        bad = uv_listen((uv_stream_t *)&server->listening, BACKLOG, on_connection);
    if (bad != 0)
        nr_log("cannot serve: %s", uv_strerror(bad));
    return bad == 0;
}

static void tell_ready(nr_server *server)
{
    const nrbac_value *info = nrbac_policy_info(server->engine, server->document);
    const char *name = nrbac_value_text(nrbac_value_find(info, "name"));
    const char *version = nrbac_value_text(nrbac_value_find(info, "version"));
    nr_log("ready, policy %s %s, generation %" PRIu32 ", socket %s",
           name == NULL || *name == '\0' ? "(unnamed)" : name,
           version == NULL || *version == '\0' ? "(no version)" : version,
           nrbac_engine_generation(server->engine), server->listener.path);
    nr_notify_ready();
}

static void finish(nr_server *server)
{
    nr_candidate_finish(&server->reloads.last);
    nr_shared_close(&server->shared);
    nrbac_document_destroy(server->document);
    nrbac_document_destroy(server->scratch);
    nrbac_verifier_close(server->verifier);
    nrbac_engine_destroy(server->engine);
}

int nr_server_run(nr_server *server, const nr_options *options)
{
    server->options = options;
    server->started_at = (int64_t)time(NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    bool shared = nr_shared_open(&server->shared, options);
    bool opened = shared && open_engine(server) && nr_evidence_open(server) &&
                  nr_server_load(server) && open_listener(server) && open_loop(server);
    if (opened) {
        tell_ready(server);
        (void)uv_run(&server->loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&server->loop);
    } else {
        nr_listener_unlink(&server->listener);
    }
    finish(server);
    return opened ? NR_DAEMON_OK : NR_DAEMON_FAILED;
}
