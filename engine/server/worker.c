/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "server/worker.h"

#include "server/connection.h"
#include "server/log.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    SWEEP_MS_MIN = 250,  /* how late an idle connection may be closed: a quarter */
    SWEEP_MS_MAX = 5000, /* of the idle time, between these */
    SHED_TOLD_MS = 1000, /* who is turned away is told of once in this time */
};

/* ---- Ending ------------------------------------------------------------------------ */

/* When nothing is left to answer, the loop is left with nothing to do. */
void nr_worker_settle(nr_worker *worker)
{
    uint32_t left = atomic_load_explicit(&worker->connection_count,
                                         memory_order_acquire);
    if (left == 0)
        (void)uv_timer_stop(&worker->sweep);
    if (left != 0 || worker->ending == NR_SERVING ||
        uv_is_closing((uv_handle_t *)&worker->wake))
        return;
    if (!nr_recording_is_idle(worker) ||
        (worker->ending != NR_CLOSING && !nr_rings_are_idle(worker)) ||
        (worker->index == 0 && !nr_server_finish(worker->server)))
        return;
    nr_recording_end(worker);
    uv_handle_t *handles[] = {
        (uv_handle_t *)&worker->wake,        (uv_handle_t *)&worker->sweep,
        (uv_handle_t *)&worker->again,       (uv_handle_t *)&worker->turns,
        (uv_handle_t *)&worker->rings.timer,
    };
    for (size_t i = 0; i < NR_COUNT(handles); i++)
        if (!uv_is_closing(handles[i]))
            uv_close(handles[i], NULL);
}

bool nr_worker_shed(nr_worker *worker)
{
    uint64_t now = uv_now(&worker->loop);
    nr_count(&worker->metrics.connections_refused, 1);
    if (worker->shed_told_at != 0 && now - worker->shed_told_at < SHED_TOLD_MS)
        return false;
    worker->shed_told_at = now;
    return true;
}

static void end(nr_worker *worker, nr_ending ending)
{
    worker->ending = ending;
    for (nr_connection *c = worker->connections, *next; c != NULL; c = next) {
        next = c->next;
        if (ending == NR_CLOSING)
            nr_connection_close(c);
        else
            nr_connection_drain(c);
    }
}

/* ---- Mail -------------------------------------------------------------------------- */

static void on_sweep(uv_timer_t *timer)
{
    nr_connections_sweep(timer->data);
}

static void start_sweep(nr_worker *worker)
{
    uint64_t every = (uint64_t)worker->server->options->limits.idle_seconds * 1000 / 4;
    if (every < SWEEP_MS_MIN)
        every = SWEEP_MS_MIN;
    if (every > SWEEP_MS_MAX)
        every = SWEEP_MS_MAX;
    if (uv_is_active((uv_handle_t *)&worker->sweep) == 0)
        (void)uv_timer_start(&worker->sweep, on_sweep, every, every);
}

static void take(nr_worker *worker, const nr_arrival *arrivals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        start_sweep(worker);
        nr_connection_begin(worker, arrivals[i]);
    }
}

static void on_wake(uv_async_t *wake)
{
    nr_worker *worker = wake->data;
    nr_mail *mail = &worker->mail;
    pthread_mutex_lock(&mail->lock);
    nr_arrival *arrivals = mail->arrivals;
    size_t count = mail->count;
    uint64_t reloaded = mail->reloaded;
    nr_ending ending = mail->ending;
    nr_batch *recorded = mail->recorded;
    mail->recorded = NULL;
    mail->arrivals = NULL;
    mail->count = mail->room = 0;
    pthread_mutex_unlock(&mail->lock);

    if (recorded != NULL)
        nr_recording_done(worker, recorded);
    take(worker, arrivals, count);
    free(arrivals);
    nr_connections_reloaded(worker, reloaded);
    if (ending > worker->ending)
        end(worker, ending);
    if (worker->index == 0)
        nr_server_attend(worker->server);
    nr_worker_settle(worker);
}

static bool put(nr_mail *mail, nr_arrival arrival)
{
    if (mail->count == mail->room) {
        size_t room = mail->room == 0 ? 8 : mail->room * 2;
        nr_arrival *arrivals = realloc(mail->arrivals, room * sizeof(*arrivals));
        if (arrivals == NULL)
            return false;
        mail->arrivals = arrivals;
        mail->room = room;
    }
    mail->arrivals[mail->count++] = arrival;
    return true;
}

bool nr_worker_give(nr_worker *worker, nr_arrival arrival)
{
    pthread_mutex_lock(&worker->mail.lock);
    bool given = put(&worker->mail, arrival);
    if (given)
        (void)atomic_fetch_add(&worker->connection_count, 1);
    pthread_mutex_unlock(&worker->mail.lock);
    (void)uv_async_send(&worker->wake);
    return given;
}

void nr_worker_tell_reloaded(nr_worker *worker, uint64_t reload)
{
    pthread_mutex_lock(&worker->mail.lock);
    worker->mail.reloaded = reload;
    pthread_mutex_unlock(&worker->mail.lock);
    (void)uv_async_send(&worker->wake);
}

void nr_worker_tell_recorded(nr_worker *worker, nr_batch *batch)
{
    pthread_mutex_lock(&worker->mail.lock);
    worker->mail.recorded = batch;
    pthread_mutex_unlock(&worker->mail.lock);
    (void)uv_async_send(&worker->wake);
}

void nr_worker_end(nr_worker *worker, nr_ending ending)
{
    pthread_mutex_lock(&worker->mail.lock);
    worker->mail.ending = ending;
    pthread_mutex_unlock(&worker->mail.lock);
    (void)uv_async_send(&worker->wake);
}

/* ---- Beginning ------------------------------------------------------------------------ */

bool nr_worker_open(nr_worker *worker, nr_server *server, uint32_t index)
{
    worker->server = server;
    worker->index = index;
    worker->document = nrbac_document_create();
    worker->scratch = nrbac_document_create();
    int bad = uv_loop_init(&worker->loop);
    if (bad == 0)
        bad = uv_async_init(&worker->loop, &worker->wake, on_wake);
    if (bad != 0 || worker->document == NULL || worker->scratch == NULL) {
        nr_log("%s", bad != 0 ? uv_strerror(bad) : nrbac_status_text(NRBAC_E_MEMORY));
        nrbac_document_destroy(worker->document);
        nrbac_document_destroy(worker->scratch);
        return false;
    }
    (void)pthread_mutex_init(&worker->mail.lock, NULL);
    (void)uv_timer_init(&worker->loop, &worker->sweep);
    (void)uv_timer_init(&worker->loop, &worker->again);
    (void)uv_idle_init(&worker->loop, &worker->turns);
    nr_rings_open(worker);
    worker->wake.data = worker->sweep.data = worker;
    worker->again.data = worker->turns.data = worker;
    return nr_recording_open(worker, nr_server_recorder(server));
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Of a daemon that never served, handles are still open. */
void nr_worker_close(nr_worker *worker)
{
    uv_walk(&worker->loop, close_handle, NULL);
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&worker->loop);
    (void)pthread_mutex_destroy(&worker->mail.lock);
    for (size_t i = 0; i < worker->mail.count; i++)
        (void)close(worker->mail.arrivals[i].socket);
    free(worker->mail.arrivals);
    nr_rings_close(worker);
    nr_recording_close(worker);
    nrbac_document_destroy(worker->document);
    nrbac_document_destroy(worker->scratch);
}

static void *serve(void *context)
{
    nr_worker *worker = context;
    nr_recording_begin(worker);
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
    (void)atomic_fetch_sub(&worker->server->serving, 1);
    (void)uv_async_send(&worker->server->workers[0].wake);
    return NULL;
}

/* Signals are for the first worker. */
bool nr_worker_start(nr_worker *worker)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int bad = pthread_create(&worker->thread, NULL, serve, worker);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (bad != 0)
        nr_log("cannot start a thread: %s", nr_errno(bad).text);
    else
        (void)atomic_fetch_add(&worker->server->serving, 1);
    return bad == 0;
}
