/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "server/server.h"

#include "server/log.h"
#include "server/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    CLOCK_MS = 50,           /* how late a session may end */
    DRAIN_MS = 5000,         /* the longest that SIGTERM takes */
    PAUSE_MS = 100,          /* when nothing can be accepted */
    ACCEPTED_AT_ONCE = 64,   /* before others have their turn */
    DESCRIPTORS_BESIDE = 64, /* for all but connections */
    SUCCEED_WAIT_MS = 20,
    SUCCEED_TRIES = 750, /* three times as long as the other one may take to end */
};

/* ---- Workers -------------------------------------------------------------------- */

static uv_loop_t *loop_of(nr_server *server)
{
    return &server->workers[0].loop;
}

uint32_t nr_server_connections(const nr_server *server)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < server->worker_count; i++)
        count += atomic_load_explicit(&server->workers[i].connection_count,
                                      memory_order_relaxed);
    return count;
}

void nr_server_metrics(const nr_server *server, nr_metrics *sum)
{
    memset(sum, 0, sizeof(*sum));
    for (uint32_t i = 0; i < server->worker_count; i++)
        nr_metrics_add(sum, &server->workers[i].metrics);
}

static nr_worker *least_busy(nr_server *server)
{
    nr_worker *least = &server->workers[0];
    for (uint32_t i = 1; i < server->worker_count; i++)
        if (server->workers[i].connection_count < least->connection_count)
            least = &server->workers[i];
    return least;
}

static void join_workers(nr_server *server)
{
    for (uint32_t i = 1; i < server->worker_count; i++)
        (void)pthread_join(server->workers[i].thread, NULL);
}

static void end_workers(nr_server *server, nr_ending ending)
{
    for (uint32_t i = 0; i < server->worker_count; i++)
        nr_worker_end(&server->workers[i], ending);
}

nr_recorder *nr_server_recorder(nr_server *server)
{
    return server->options->audit == NULL ? NULL : &server->recorder;
}

/* ---- Ending ------------------------------------------------------------------- */

/* The others have woken this one as the last thing they did: once they are joined
 * nobody will any more. */
bool nr_server_finish(nr_server *server)
{
    bool busy = server->reloads.running && !server->hurried;
    if (!server->draining || busy || server->serving != 0)
        return false;
    if (server->reloads.running)
        uv_stop(loop_of(server));
    join_workers(server);
    uv_handle_t *handles[] = {
        (uv_handle_t *)&server->signals[0], (uv_handle_t *)&server->signals[1],
        (uv_handle_t *)&server->signals[2], (uv_handle_t *)&server->clock,
        (uv_handle_t *)&server->end,        (uv_handle_t *)&server->beat,
        (uv_handle_t *)&server->pause,
    };
    for (size_t i = 0; i < NR_COUNT(handles); i++)
        if (!uv_is_closing(handles[i]))
            uv_close(handles[i], NULL);
    return true;
}

/* Not even for a policy that is being compiled: there is nothing of it to lose. */
static void on_end(uv_timer_t *timer)
{
    nr_server *server = timer->data;
    nr_log("still not drained after %d ms: %" PRIu32 " connections are closed",
           DRAIN_MS, nr_server_connections(server));
    server->hurried = true;
    end_workers(server, NR_CLOSING);
}

static void drain(nr_server *server)
{
    if (server->draining)
        return;
    server->draining = true;
    nr_log(server->retiring ? "a successor has the socket: stopping" : "stopping");
    nr_notify_stopping();
    /* While it listens nobody else takes the path, so what is removed is ours. */
    if (!server->retiring)
        nr_listener_unlink(&server->listener);
    pthread_mutex_lock(&server->lock);
    int socket = server->listener.fd;
    server->listener.fd = -1;
    pthread_mutex_unlock(&server->lock);
    (void)uv_timer_stop(&server->pause);
    uv_close((uv_handle_t *)&server->listening, NULL);
    (void)close(socket);
    end_workers(server, NR_DRAINING);
    (void)uv_timer_start(&server->end, on_end, DRAIN_MS, 0);
}

void nr_server_retire(nr_server *server)
{
    server->retiring = true;
    (void)uv_async_send(&server->workers[0].wake);
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
    nr_server *server = timer->data;
    if (nrbac_poll(server->engine, (int64_t)time(NULL)) == 0 || server->draining)
        (void)uv_timer_stop(timer);
}

static void watch_clock(nr_server *server)
{
    if (uv_is_active((uv_handle_t *)&server->clock) == 0 && !server->draining)
        (void)uv_timer_start(&server->clock, on_clock, 0, CLOCK_MS);
}

/* A full decision looks at the clock itself, so this is only for those who decide by
 * the bits alone, and for freeing what has ended. */
void nr_server_expects(nr_server *server)
{
    (void)uv_async_send(&server->workers[0].wake);
}

void nr_server_attend(nr_server *server)
{
    watch_clock(server);
    nr_server_attend_reloads(server);
    if (server->retiring)
        drain(server);
}

/* ---- Connections ---------------------------------------------------------------- */

static void refuse(nr_server *server, const char *why)
{
    if (nr_worker_shed(&server->workers[0]))
        nr_log("a connection was not taken: %s", why);
}

static void give(nr_server *server, int socket)
{
    nr_arrival arrival = {
        .over = nr_server_connections(server) >= server->options->limits.connections,
        .socket = socket,
    };
    if (nr_worker_give(least_busy(server), arrival))
        return;
    refuse(server, nrbac_status_text(NRBAC_E_MEMORY));
    (void)close(socket);
}

/* What has connected waits in the kernel, and so do we: a socket that could be accepted
 * and is not would wake us for ever. */
static void pause_listening(nr_server *server);

static void on_connection(uv_poll_t *listening, int status, int events)
{
    nr_server *server = listening->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
        int socket = nr_listener_accept(&server->listener);
        if (socket >= 0) {
            give(server, socket);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            if (errno != EAGAIN)
                pause_listening(server);
            return;
        }
    }
}

static void on_pause_over(uv_timer_t *timer)
{
    nr_server *server = timer->data;
    (void)uv_poll_start(&server->listening, UV_READABLE, on_connection);
}

static void pause_listening(nr_server *server)
{
    refuse(server, nr_errno(errno).text);
    (void)uv_poll_stop(&server->listening);
    (void)uv_timer_start(&server->pause, on_pause_over, PAUSE_MS, 0);
}

/* ---- Who may what ---------------------------------------------------------------- */

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
    pthread_mutex_lock(&server->lock);
    if (stopped != server->stopped)
        nr_log("%s", stopped ? "all deciding is stopped" : "deciding goes on");
    server->stopped = stopped;
    nrbac_engine_stop(server->engine, stopped);
    nr_shared_stop(&server->shared, stopped);
    pthread_mutex_unlock(&server->lock);
}

size_t nr_server_revoke(nr_server *server, const nrbac_revocation *which)
{
    pthread_mutex_lock(&server->lock);
    size_t count = nrbac_revoke(server->engine, which);
    nr_shared_revoke(&server->shared, which);
    pthread_mutex_unlock(&server->lock);
    return count;
}

/* ---- Succeeding another daemon ------------------------------------------------------
 *
 * All that can be known beforehand has been looked at: the policy, the evidence settings,
 * and the trail, but for its lock. Then the other one gives its socket away and ends,
 * after answering what had been sent to it. Who connects meanwhile waits in the
 * socket's queue. */

static bool is_locked(const nr_server *server, nr_trail_status status)
{
    return server->options->takeover && status == NR_TRAIL_LOCKED;
}

static bool open_trail(nr_server *server, nr_trail_status *status)
{
    *status = NR_TRAIL_OK;
    return server->options->audit == NULL ||
           nr_recorder_open(&server->recorder, server->options,
                            server->options->takeover, status);
}

static bool take_listener(nr_server *server)
{
    return !server->options->takeover || server->options->socket == NULL ||
           nr_listener_take(&server->listener, server->options->socket);
}

static void wait_a_little(void)
{
    (void)usleep(SUCCEED_WAIT_MS * 1000);
}

/* The folder is free when the other one has ended. */
static bool open_shared(nr_server *server)
{
    bool opened = nr_shared_open(&server->shared, server->options);
    for (int i = 0; i < SUCCEED_TRIES && !opened && server->shared.is_locked &&
                    server->options->takeover;
         i++) {
        nr_shared_close(&server->shared);
        wait_a_little();
        opened = nr_shared_open(&server->shared, server->options);
    }
    return opened;
}

/* What only one daemon at a time may have: trail, socket, folder. */
static bool open_what_is_one(nr_server *server)
{
    nr_trail_status status;
    bool trail = open_trail(server, &status);
    if ((!trail && !is_locked(server, status)) || !take_listener(server))
        return false;
    for (int i = 0; i < SUCCEED_TRIES && !trail && is_locked(server, status); i++) {
        wait_a_little();
        trail = open_trail(server, &status);
    }
    if (!trail && is_locked(server, status))
        nr_log("the audit trail `%s` is still locked by another daemon",
               server->options->audit);
    return trail && open_shared(server);
}

/* ---- Beginning ---------------------------------------------------------------- */

/* As many descriptors as the connections may take, if the system lets us have them. */
static void need_descriptors(const nr_options *options)
{
    rlim_t needed = (rlim_t)options->limits.connections + DESCRIPTORS_BESIDE;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return;
    rlim_t may = limit.rlim_max < needed ? limit.rlim_max : needed;
    if (limit.rlim_cur < may) {
        limit.rlim_cur = may;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (may < needed) {
        nr_log("%" PRIu32 " connections need %llu descriptors, and the system gives "
               "us %llu: others will wait",
               options->limits.connections, (unsigned long long)needed,
               (unsigned long long)may);
    }
}

static bool open_engine(nr_server *server)
{
    nrbac_status status = nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &server->engine);
    if (status != NRBAC_OK)
        nr_log("%s", nrbac_status_text(status));
    else if (server->options->audit != NULL)
        nrbac_engine_set_recorder(server->engine, nr_recording_take, server);
    return status == NRBAC_OK;
}

static bool open_listener(nr_server *server)
{
    if (server->listener.fd < 0 && !nr_listener_passed(&server->listener))
        return false;
    if (server->listener.fd >= 0)
        return true; /* passed, or taken over */
    if (server->options->socket != NULL)
        return nr_listener_bind(&server->listener, server->options->socket,
                                server->options->socket_mode);
    nr_log("no socket is given: `--socket PATH`");
    return false;
}

static void on_beat(uv_timer_t *timer)
{
    nr_server *server = timer->data;
    pthread_mutex_lock(&server->lock);
    nr_shared_beat(&server->shared);
    pthread_mutex_unlock(&server->lock);
}

/* Until the very end: who uses the table does not depend on our connections. */
static void start_beat(nr_server *server)
{
    uint64_t every = nr_shared_beat_ms(&server->shared);
    if (every != 0)
        (void)uv_timer_start(&server->beat, on_beat, every, every);
}

static int start_signals(nr_server *server)
{
    static const int numbers[NR_COUNT(server->signals)] = { SIGHUP, SIGTERM, SIGINT };
    int bad = 0;
    for (size_t i = 0; i < NR_COUNT(numbers) && bad == 0; i++) {
        bad = uv_signal_init(loop_of(server), &server->signals[i]);
        server->signals[i].data = server;
        if (bad == 0)
            bad = uv_signal_start(&server->signals[i], on_signal, numbers[i]);
    }
    return bad;
}

static bool open_loop(nr_server *server)
{
    uv_loop_t *loop = loop_of(server);
    (void)uv_timer_init(loop, &server->clock);
    (void)uv_timer_init(loop, &server->end);
    (void)uv_timer_init(loop, &server->beat);
    (void)uv_timer_init(loop, &server->pause);
    server->clock.data = server->end.data = server;
    server->beat.data = server->pause.data = server;
    start_beat(server);
    int bad = start_signals(server);
    if (bad == 0)
        bad = uv_poll_init(loop, &server->listening, server->listener.fd);
    server->listening.data = server;
    if (bad == 0)
        bad = uv_poll_start(&server->listening, UV_READABLE, on_connection);
    if (bad != 0)
        nr_log("cannot serve: %s", uv_strerror(bad));
    return bad == 0;
}

static bool open_workers(nr_server *server)
{
    uint32_t count = server->options->threads;
    server->workers = calloc(count, sizeof(*server->workers));
    if (server->workers == NULL)
        nr_log("%s", nrbac_status_text(NRBAC_E_MEMORY));
    while (server->workers != NULL && server->worker_count < count &&
           nr_worker_open(&server->workers[server->worker_count], server,
                          server->worker_count))
        server->worker_count++;
    return server->worker_count == count;
}

/* If one cannot be started, those that were go on without it. */
static void start_workers(nr_server *server)
{
    uint32_t count = 1;
    while (count < server->worker_count && nr_worker_start(&server->workers[count]))
        count++;
    if (count < server->worker_count)
        nr_log("serving with %" PRIu32 " threads", count);
    while (server->worker_count > count)
        nr_worker_close(&server->workers[--server->worker_count]);
}

static void tell_ready(nr_server *server)
{
    const nrbac_value *info = nrbac_policy_info(server->engine,
                                                server->workers[0].document);
    const char *name = nrbac_value_text(nrbac_value_find(info, "name"));
    const char *version = nrbac_value_text(nrbac_value_find(info, "version"));
    nr_log("ready, policy %s %s, generation %" PRIu32 ", socket %s",
           name == NULL || *name == '\0' ? "(unnamed)" : name,
           version == NULL || *version == '\0' ? "(no version)" : version,
           nrbac_engine_generation(server->engine), server->listener.path);
    nr_notify_ready();
}

static void close_all(nr_server *server)
{
    nr_server_join_reload(server);
    nr_candidate_finish(&server->reloads.candidate);
    nr_candidate_finish(&server->reloads.last);
    nr_shared_close(&server->shared);
    if (server->options->audit != NULL)
        nr_recorder_close(&server->recorder);
    while (server->worker_count > 0)
        nr_worker_close(&server->workers[--server->worker_count]);
    free(server->workers);
    nrbac_verifier_close(server->verifier);
    nrbac_engine_destroy(server->engine);
    (void)pthread_mutex_destroy(&server->lock);
}

int nr_server_run(nr_server *server, const nr_options *options)
{
    server->options = options;
    server->shared = NR_SHARED_NONE;
    server->listener.fd = -1;
    server->started_at = (int64_t)time(NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)pthread_mutex_init(&server->lock, NULL);
    need_descriptors(options);
    bool opened = open_engine(server) && nr_evidence_open(server) &&
                  nr_server_prepare(server) && open_what_is_one(server) &&
                  open_workers(server) && nr_server_load(server) &&
                  open_listener(server) && open_loop(server);
    if (opened) {
        nr_recording_begin(&server->workers[0]);
        start_workers(server);
        tell_ready(server);
        (void)uv_run(loop_of(server), UV_RUN_DEFAULT);
    } else {
        nr_listener_unlink(&server->listener);
    }
    if (server->reloads.running) {
        /* A policy that is being compiled cannot be interrupted. */
        nr_recorder_close(&server->recorder);
        _exit(NR_DAEMON_OK);
    }
    close_all(server);
    return opened ? NR_DAEMON_OK : NR_DAEMON_FAILED;
}
