/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rings.h"

#include "base/time.h"
#include "server/connection.h"
#include "server/log.h"
#include "share/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    BUSY_MS = 1,       /* until rings are looked at again */
    IDLE_MS = 20,      /* when nothing has come for some time */
    AGAIN_MS = 100,    /* while the trail cannot be written */
    TURN_NS = 2000000, /* the longest that others wait for one ring */
    LOOK_EVERY = 16,   /* entries between two looks at the clock */
    DETAIL_SIZE = 64,
};

static nr_recorder *recorder_of(const nr_worker *worker)
{
    return worker->recording.recorder;
}

/* ---- Giving back ------------------------------------------------------------------------ */

/* What nobody can refer to any more is forgotten. */
static void forget_told(nr_intake *intake, uint64_t from, uint64_t to)
{
    if (to - from > NR_RING_PENDING)
        from = to - NR_RING_PENDING;
    for (uint64_t place = from; place != to; place++) {
        nr_told *told = &intake->told[place % NR_RING_PENDING];
        if (told->shared == NULL || told->place == place)
            continue;
        nr_case_release(told->shared);
        told->shared = NULL;
    }
}

static void give_back(nr_intake *intake)
{
    forget_told(intake, intake->given, intake->next);
    intake->given = intake->next;
    nr_ring_give_back(intake->ring, intake->given);
}

void nr_rings_done(nr_worker *worker, const nr_batch *batch, bool written)
{
    for (nr_intake *i = worker->rings.first; i != NULL; i = i->next_one) {
        if (i->batch != batch)
            continue;
        i->batch = NULL;
        if (written) {
            give_back(i);
        } else {
            i->next = i->given;
            i->missing = 0;
        }
    }
}

/* ---- Taking ------------------------------------------------------------------------------ */

static void spoil(nr_intake *intake)
{
    nr_log("an audit ring (uid %" PRIu32 ", pid %" PRId32 ") holds what no program of "
           "this release writes: it is not read any more",
           intake->peer.uid, intake->peer.pid);
    intake->spoiled = true;
}

/* One entry; false: there is none to be taken now. */
static bool take_entry(nr_intake *intake, int64_t now)
{
    nr_worker *worker = intake->worker;
    uint8_t *entry = worker->rings.entry;
    size_t size = 0;
    uint64_t places = 1;
    switch (nr_ring_read(intake->ring, intake->next, entry, &size, &places)) {
    case NR_RING_ENTRY:
        break;
    case NR_RING_UNPUBLISHED:
        /* Nobody will publish it: the program had gone before this was looked at. */
        if (intake->connection == NULL) {
            intake->missing++;
            intake->next++;
            return true;
        }
        return false;
    case NR_RING_SPOILED:
        spoil(intake);
        return false;
    }
    nr_assertion kept = nr_asserted_keep(intake, intake->next, entry, size, now);
    if (kept == NR_ASSERTED_BAD)
        spoil(intake);
    if (kept != NR_ASSERTED_KEPT)
        return false;
    intake->batch = worker->recording.filling;
    intake->next += places;
    nr_count(&worker->metrics.audit_ring_records, 1);
    return true;
}

static bool has_begun(nr_intake *intake)
{
    if (!intake->begun && nr_ring_has_begun(intake->ring, &intake->next)) {
        intake->given = intake->next;
        nr_ring_give_back(intake->ring, intake->given);
        intake->begun = true;
    }
    return intake->begun;
}

/* Takes what there is, for a turn; whether there was something. */
static bool drain(nr_intake *intake)
{
    nr_worker *worker = intake->worker;
    nr_recording *recording = &worker->recording;
    if (intake->spoiled || intake->left || !has_begun(intake) ||
        (intake->batch != NULL && intake->batch != recording->filling))
        return false;
    uint64_t first = intake->next;
    uint64_t began = uv_hrtime();
    int64_t now = nr_time_now();
    for (unsigned i = 1;; i++) {
        uint64_t waiting = nr_ring_reserved_from(intake->ring, intake->next);
        if (waiting == 0)
            intake->empty_at = now;
        else if (waiting > NR_RING_PENDING)
            spoil(intake);
        if (waiting == 0 || intake->spoiled || !take_entry(intake, now) ||
            recording->filling->count >= NR_BATCH_RECORDS ||
            (i % LOOK_EVERY == 0 && uv_hrtime() - began > TURN_NS))
            break;
    }
    return intake->next != first;
}

/* ---- Ending one ----------------------------------------------------------------------------- */

/* With what is missing, once everything else of it is in the trail. */
static void tell_gap(nr_intake *intake)
{
    char detail[DETAIL_SIZE];
    nr_worker *worker = intake->worker;
    uint64_t rest = intake->spoiled ? nr_ring_reserved_from(intake->ring, intake->next)
                                    : 0;
    if (intake->missing == 0 && !intake->spoiled)
        return;
    (void)snprintf(detail, sizeof(detail),
                   intake->spoiled ? "{\"places\":%" PRIu64 ",\"spoiled\":true}"
                                   : "{\"places\":%" PRIu64 "}",
                   intake->missing + (rest > NR_RING_PENDING ? 0 : rest));
    nr_count(&worker->metrics.audit_ring_gaps, 1);
    nr_recording_event(worker, NR_EVENT_GAP, &intake->peer, detail);
}

static void drop(nr_intake *intake)
{
    *intake->link = intake->next_one;
    if (intake->next_one != NULL)
        intake->next_one->link = intake->link;
    for (size_t i = 0; i < NR_COUNT(intake->told); i++)
        nr_case_release(intake->told[i].shared);
    nr_memory_unmap_ring(intake->ring);
    if (intake->fd >= 0)
        (void)close(intake->fd);
    free(intake);
}

/* Whether nothing of it can come any more. */
static bool is_over(const nr_intake *intake)
{
    if (intake->connection != NULL || intake->batch != NULL)
        return false;
    return intake->spoiled || intake->left || !intake->begun ||
           nr_ring_reserved_from(intake->ring, intake->next) == 0;
}

/* Places that were skipped at the end are in no batch. */
static void end_if_over(nr_intake *intake)
{
    if (intake->spoiled && intake->connection != NULL)
        nr_connection_close(intake->connection);
    if (!is_over(intake))
        return;
    if (intake->spoiled || !intake->left)
        tell_gap(intake);
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
        busy |= drain(i);
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

nr_intake *nr_rings_add(nr_connection *connection)
{
    nr_worker *worker = connection->worker;
    nr_rings *rings = &worker->rings;
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
    bool leaves = connection->worker->ending != NR_SERVING || !connection->gone;
    if (leaves)
        (void)drain(intake);
    intake->left = leaves;
    intake->connection = NULL;
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
    while (worker->rings.first != NULL)
        drop(worker->rings.first);
    free(worker->rings.entry);
}
