/* SPDX-License-Identifier: Apache-2.0 */
#include "server/intake.h"

#include "base/time.h"
#include "server/log.h"
#include "server/worker.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    TURN_NS = 2000000, /* the longest that others wait for one ring */
    LOOK_EVERY = 16,   /* entries between two looks at the clock */
    DETAIL_SIZE = 64,
};

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

void nr_intake_done(nr_intake *intake, bool written)
{
    intake->batch = NULL;
    if (written) {
        give_back(intake);
    } else {
        intake->next = intake->given;
        intake->missing = 0;
    }
}

/* ---- Taking ------------------------------------------------------------------------------ */

static void spoil(nr_intake *intake)
{
    nr_log("an audit ring (uid %" PRIu32 ", pid %" PRId32 ") holds what no program of "
           "this release writes: it is not read any more",
           intake->peer.uid, intake->peer.pid);
    intake->spoiled = true;
    nr_ring_refuse(intake->ring);
    nr_count(&intake->worker->metrics.audit_ring_refused, 1);
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
    if (!intake->begun && intake->connection != NULL &&
        nr_ring_has_begun(intake->ring, &intake->next)) {
        intake->given = intake->next;
        nr_ring_give_back(intake->ring, intake->given);
        intake->begun = true;
    }
    return intake->begun;
}

/* How many places are reserved and not taken; no more than there can be, unless it is no
 * ring any more. */
static uint64_t waiting_in(const nr_intake *intake)
{
    return intake->connection != NULL
               ? nr_ring_reserved_from(intake->ring, intake->next)
               : intake->end - intake->next;
}

bool nr_intake_drain(nr_intake *intake)
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
        uint64_t waiting = waiting_in(intake);
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

/* ---- Ending ------------------------------------------------------------------------------- */

void nr_intake_leave(nr_intake *intake, bool leaves)
{
    if (leaves)
        (void)nr_intake_drain(intake);
    if (has_begun(intake))
        intake->end = intake->next + nr_ring_reserved_from(intake->ring, intake->next);
    intake->left = leaves;
    intake->connection = NULL;
}

bool nr_intake_is_over(const nr_intake *intake)
{
    if (intake->connection != NULL || intake->batch != NULL)
        return false;
    return intake->spoiled || intake->left || !intake->begun || waiting_in(intake) == 0;
}

void nr_intake_tell_gap(nr_intake *intake)
{
    char detail[DETAIL_SIZE];
    nr_worker *worker = intake->worker;
    uint64_t rest = intake->spoiled ? waiting_in(intake) : 0;
    if (intake->missing == 0 && !intake->spoiled)
        return;
    (void)snprintf(detail, sizeof(detail),
                   intake->spoiled ? "{\"places\":%" PRIu64 ",\"spoiled\":true}"
                                   : "{\"places\":%" PRIu64 "}",
                   intake->missing + (rest > NR_RING_PENDING ? 0 : rest));
    nr_count(&worker->metrics.audit_ring_gaps, 1);
    nr_recording_event(worker, NR_EVENT_GAP, &intake->peer, detail);
}

void nr_intake_finish(nr_intake *intake)
{
    for (size_t i = 0; i < NR_COUNT(intake->told); i++)
        nr_case_release(intake->told[i].shared);
}
