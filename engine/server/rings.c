/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rings.h"

#include "server/connection.h"
#include "share/memory.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    BUSY_MS = 1,    /* until rings are looked at again */
    IDLE_MS = 20,   /* when nothing has come for some time */
    AGAIN_MS = 100, /* while the trail cannot be written */
};

static nr_recorder *recorder_of(const nr_worker *worker)
{
    return worker->recording.recorder;
}

/* ---- Ending one ----------------------------------------------------------------------------- */

static void drop(nr_intake *intake)
{
    intake->worker->rings.count--;
    *intake->link = intake->next_one;
    if (intake->next_one != NULL)
        intake->next_one->link = intake->link;
    nr_intake_finish(intake);
    nr_memory_unmap_ring(intake->ring);
    if (intake->fd >= 0)
        (void)close(intake->fd);
    free(intake);
}

/* Places that were skipped at the end are in no batch. */
static void end_if_over(nr_intake *intake)
{
    if (intake->spoiled && intake->connection != NULL)
        nr_connection_close(intake->connection);
    if (!nr_intake_is_over(intake))
        return;
    if (intake->spoiled || !intake->left)
        nr_intake_tell_gap(intake);
    drop(intake);
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    nr_worker *worker = timer->data;
    nr_rings *rings = &worker->rings;
    bool busy = false;
    for (nr_intake *i = rings->first, *next; i != NULL; i = next) {
        next = i->next_one;
        busy |= nr_intake_drain(i);
        end_if_over(i);
    }
    rings->delay_ms = busy                            ? BUSY_MS
                      : rings->delay_ms * 2 < IDLE_MS ? rings->delay_ms * 2
                                                      : IDLE_MS;
    bool failing = atomic_load(&recorder_of(worker)->failing);
    /* Also for what is filled by now: it is handed over after the loop has woken. */
    if (rings->first != NULL || worker->recording.filling->count != 0)
        (void)uv_timer_start(timer, on_timer, failing ? AGAIN_MS : rings->delay_ms, 0);
    nr_worker_settle(worker);
}

void nr_rings_done(nr_worker *worker, const nr_batch *batch, bool written)
{
    for (nr_intake *i = worker->rings.first; i != NULL; i = i->next_one)
        if (i->batch == batch)
            nr_intake_done(i, written);
}

nr_intake *nr_rings_add(nr_connection *connection)
{
    nr_worker *worker = connection->worker;
    nr_rings *rings = &worker->rings;
    /* While the trail cannot be written, rings outlast their connections. */
    if (rings->count >= worker->server->options->limits.connections)
        return NULL;
    if (rings->entry == NULL)
        rings->entry = malloc(NR_RING_ENTRY_MAX);
    nr_intake *intake = rings->entry == NULL ? NULL : calloc(1, sizeof(*intake));
    if (intake == NULL)
        return NULL;
    intake->ring = nr_memory_make_ring(&intake->fd);
    if (intake->ring == NULL) {
        free(intake);
        return NULL;
    }
    intake->worker = worker;
    intake->connection = connection;
    intake->peer = connection->peer;
    intake->next_one = rings->first;
    intake->link = &rings->first;
    if (intake->next_one != NULL)
        intake->next_one->link = &intake->next_one;
    rings->first = intake;
    rings->count++;
    rings->delay_ms = BUSY_MS;
    (void)uv_timer_start(&rings->timer, on_timer, BUSY_MS, 0);
    return intake;
}

void nr_rings_handed(nr_intake *intake)
{
    (void)close(intake->fd);
    intake->fd = -1;
}

/* A program that may go on looks for another ring, with all that is not taken: what is
 * taken of this one is taken now. */
void nr_rings_leave(nr_connection *connection)
{
    nr_intake *intake = connection->ring;
    if (intake == NULL)
        return;
    connection->ring = NULL;
    nr_intake_leave(intake,
                    connection->worker->ending != NR_SERVING || !connection->gone);
    (void)uv_timer_start(&connection->worker->rings.timer, on_timer, BUSY_MS, 0);
}

bool nr_rings_are_idle(const nr_worker *worker)
{
    return worker->rings.first == NULL;
}

void nr_rings_open(nr_worker *worker)
{
    (void)uv_timer_init(&worker->loop, &worker->rings.timer);
    worker->rings.timer.data = worker;
}

void nr_rings_close(nr_worker *worker)
{
    for (nr_intake *i = worker->rings.first, *next; i != NULL; i = next) {
        next = i->next_one;
        drop(i);
    }
    free(worker->rings.entry);
}
