/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "server/recorder.h"

#include "keep/keep.h"
#include "server/log.h"
#include "server/options.h"
#include "server/worker.h"

#include <inttypes.h>
#include <nrbac/nrbac.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TEND_MS = 200,        /* how often the trail is looked after when nothing comes */
    PRUNE_MS = 60000,     /* how often records are looked for whose time has come */
    PRUNE_RECORDS = 1000, /* dropped at a time: others wait so long */
    CLOCK_STEP_MS = 1000,
    DETAIL_SIZE = 160,
};

void nr_case_release(nr_case *shared)
{
    if (shared == NULL || atomic_fetch_sub(&shared->references, 1) != 1)
        return;
    nr_arena_finish(&shared->arena);
    nrbac_document_destroy(shared->document);
    free(shared);
}

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Goes on while the machine sleeps, and nobody sets it. */
static int64_t steady_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Writing ------------------------------------------------------------------------ */

static nr_trail_status append_event(nr_recorder *recorder, nr_event event,
                                    const char *detail)
{
    const nr_record record = { .event = event, .at = now_us(), .detail = detail };
    return nr_trail_append(recorder->trail, &record);
}

/* That there were decisions of which there is no record stands before those of which
 * there is one again. */
static nr_trail_status append_recovery(nr_recorder *recorder, uint64_t refused)
{
    char detail[DETAIL_SIZE];
    if (recorder->failing_since == 0)
        return NR_TRAIL_OK;
    (void)snprintf(detail, sizeof(detail),
                   "{\"refused\":%" PRIu64 ",\"since\":%" PRId64 "}", refused,
                   recorder->failing_since);
    return append_event(recorder, NR_EVENT_RECOVERED, detail);
}

/* What a program asserts may be by a policy that this trail has never seen: its record
 * then says so, and names none. */
static nr_trail_status check_policy(nr_recorder *recorder, nr_batch *batch,
                                    nr_record *record)
{
    char digest[NR_DIGEST_HEX];
    if (record->circumstances == NULL || !record->circumstances->asserted)
        return NR_TRAIL_OK;
    nr_trail_status status = nr_trail_has_policy(recorder->trail, record->policy);
    if (status != NR_TRAIL_MISSING)
        return status;
    nr_hex_write(record->policy, NR_DIGEST_SIZE, digest);
    record->detail = nr_keep_policy_detail(record, digest, &batch->texts);
    memset(record->policy, 0, NR_DIGEST_SIZE);
    return record->detail == NULL ? NR_TRAIL_MEMORY : NR_TRAIL_OK;
}

static nr_trail_status append_batch(nr_recorder *recorder, nr_batch *batch)
{
    nr_trail_status status = NR_TRAIL_OK;
    for (size_t i = 0; i < batch->count && status == NR_TRAIL_OK; i++) {
        status = check_policy(recorder, batch, &batch->records[i]);
        if (status == NR_TRAIL_OK)
            status = nr_trail_append(recorder->trail, &batch->records[i]);
    }
    return status;
}

static nr_durability durability_of(const nr_recorder *recorder, const nr_batch *batches)
{
    for (const nr_batch *b = batches; b != NULL; b = b->next)
        if (b->first)
            return NR_SYNC;
    return recorder->options->audit_batched ? NR_BATCHED : NR_SYNC;
}

static nr_trail_status write_once(nr_recorder *recorder, nr_batch *batches,
                                  uint64_t refused)
{
    nr_trail_status status = nr_trail_begin(recorder->trail,
                                            durability_of(recorder, batches));
    if (status == NR_TRAIL_OK)
        status = append_recovery(recorder, refused);
    for (nr_batch *b = batches; b != NULL && status == NR_TRAIL_OK; b = b->next)
        status = append_batch(recorder, b);
    return status == NR_TRAIL_OK ? nr_trail_commit(recorder->trail, NULL) : status;
}

static void note_success(nr_recorder *recorder, uint64_t refused)
{
    if (recorder->failing_since == 0)
        return;
    nr_log("decisions are recorded again; %" PRIu64 " were refused meanwhile", refused);
    recorder->failing_since = 0;
    recorder->unsynced = false;
    (void)atomic_fetch_sub(&recorder->refused, refused);
    atomic_store(&recorder->failing, false);
}

static void note_failure(nr_recorder *recorder, nr_trail_status status)
{
    if (recorder->failing_since == 0) {
        nr_log("decisions cannot be recorded, and nothing is permitted until they can: "
               "%s",
               nr_trail_status_text(status));
        recorder->failing_since = now_us();
    }
    atomic_store(&recorder->failing, true);
}

/* Writes them together, and gives each back to its worker. */
static void write_all(nr_recorder *recorder, nr_batch *batches)
{
    uint64_t refused = atomic_load(&recorder->refused);
    nr_trail_status status;
    do
        status = write_once(recorder, batches, refused);
    while (status == NR_TRAIL_AGAIN);
    if (status == NR_TRAIL_OK)
        note_success(recorder, refused);
    else
        note_failure(recorder, status);
    for (nr_batch *b = batches, *next; b != NULL; b = next) {
        next = b->next;
        b->status = status;
        nr_worker_tell_recorded(b->worker, b);
    }
}

static void sync_if_due(nr_recorder *recorder)
{
    int64_t now = steady_ms();
    if (!recorder->options->audit_batched || recorder->failing_since != 0 ||
        now - recorder->synced_at < recorder->options->audit_flush_ms)
        return;
    nr_trail_status status = nr_trail_sync(recorder->trail);
    recorder->unsynced = status != NR_TRAIL_OK;
    if (recorder->unsynced)
        note_failure(recorder, status);
    recorder->synced_at = now;
}

/* ---- Looking after it ------------------------------------------------------------------ */

static nr_trail_status write_event(nr_recorder *recorder, nr_event event,
                                   const char *detail);

/* A clock that is set, not one that is led to the right time step by step. */
static void watch_clock(nr_recorder *recorder)
{
    char detail[DETAIL_SIZE];
    int64_t ahead = now_us() / 1000 - steady_ms();
    int64_t step = ahead - recorder->ahead;
    recorder->ahead = ahead;
    if (step > -CLOCK_STEP_MS && step < CLOCK_STEP_MS)
        return;
    nr_log("the clock was set by %" PRId64 " s", step / 1000);
    (void)snprintf(detail, sizeof(detail), "{\"by_ms\":%" PRId64 "}", step);
    (void)write_event(recorder, NR_EVENT_CLOCK, detail);
}

static void prune(nr_recorder *recorder)
{
    int64_t days = recorder->options->audit_keep_days;
    uint64_t dropped = 0;
    int64_t now = steady_ms();
    if (days == 0 || now - recorder->pruned_at < PRUNE_MS)
        return;
    nr_trail_status status = nr_trail_expire(
        recorder->trail, days * 86400 * INT64_C(1000000), PRUNE_RECORDS, &dropped);
    if (status != NR_TRAIL_OK)
        nr_log("records whose time has come cannot be dropped: %s",
               nr_trail_status_text(status));
    if (status != NR_TRAIL_OK || dropped < PRUNE_RECORDS)
        recorder->pruned_at = now;
}

static void tell_state(nr_recorder *recorder, const nr_trail_state *before,
                       const nr_trail_state *now)
{
    if (now->low && !before->low)
        nr_log("%" PRIu64 " MiB are left for the audit trail `%s`: when they are used "
               "up nothing can be permitted",
               now->free_bytes >> 20, recorder->options->audit);
    if (now->unpublished && !before->unpublished)
        nr_log("checkpoints cannot be written to `%s`",
               recorder->options->audit_checkpoints);
    if (now->held && !before->held)
        nr_log("records older than %" PRIu32 " days by the clock are kept, since the "
               "trail has not gone on for so long: see --audit-keep-days in nrbacd(8)",
               recorder->options->audit_keep_days);
}

static void tend(nr_recorder *recorder)
{
    nr_trail_status status = nr_trail_tend(recorder->trail);
    if (status != NR_TRAIL_OK && status != NR_TRAIL_FULL)
        nr_log("the audit trail: %s", nr_trail_status_text(status));
    watch_clock(recorder);
    prune(recorder);
    nr_trail_state state;
    nr_trail_look(recorder->trail, &state);
    tell_state(recorder, &recorder->state, &state);
    pthread_mutex_lock(&recorder->lock);
    recorder->state = state;
    pthread_mutex_unlock(&recorder->lock);
}

/* ---- The thread ---------------------------------------------------------------------- */

static nr_trail_status keep_policy(nr_recorder *recorder)
{
    nr_trail_status status;
    do {
        status = nr_trail_begin(recorder->trail, NR_SYNC);
        if (status == NR_TRAIL_OK)
            status = nr_trail_keep_policy(recorder->trail, recorder->image_digest,
                                          recorder->image, recorder->image_size);
        if (status == NR_TRAIL_OK)
            status = nr_trail_commit(recorder->trail, NULL);
    } while (status == NR_TRAIL_AGAIN);
    return status;
}

/* Whoever asked waits, so that all that is to be kept stays as it is. */
static void keep_asked(nr_recorder *recorder)
{
    nr_trail_status status = keep_policy(recorder);
    pthread_mutex_lock(&recorder->lock);
    recorder->image_status = status;
    recorder->image = NULL;
    (void)pthread_cond_broadcast(&recorder->done);
    pthread_mutex_unlock(&recorder->lock);
}

/* Waits until there is something to do, or something may be due. Locked. */
static void wait_for_work(nr_recorder *recorder)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TEND_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    if (recorder->queue == NULL && recorder->image == NULL && !recorder->ending)
        (void)pthread_cond_timedwait(&recorder->wake, &recorder->lock, &until);
}

static nr_batch *take_queue(nr_recorder *recorder, bool *asked, bool *ending)
{
    pthread_mutex_lock(&recorder->lock);
    wait_for_work(recorder);
    nr_batch *batches = recorder->queue;
    recorder->queue = NULL;
    recorder->queue_end = &recorder->queue;
    *asked = recorder->image != NULL;
    *ending = recorder->ending;
    pthread_mutex_unlock(&recorder->lock);
    return batches;
}

static void *write_trail(void *context)
{
    nr_recorder *recorder = context;
    for (bool ending = false; !ending;) {
        bool asked;
        nr_batch *batches = take_queue(recorder, &asked, &ending);
        if (asked)
            keep_asked(recorder);
        /* After a failed sync there may be none, and without a permit none will come. */
        if (batches != NULL || recorder->unsynced)
            write_all(recorder, batches);
        sync_if_due(recorder);
        tend(recorder);
    }
    return NULL;
}

void nr_recorder_hand(nr_recorder *recorder, nr_batch *batch)
{
    batch->next = NULL;
    pthread_mutex_lock(&recorder->lock);
    *recorder->queue_end = batch;
    recorder->queue_end = &batch->next;
    pthread_mutex_unlock(&recorder->lock);
    (void)pthread_cond_signal(&recorder->wake); /* who wakes finds the lock free */
}

/* One at a time: the first one's policy is taken before another may be put there. */
nr_trail_status nr_recorder_keep(nr_recorder *recorder,
                                 const uint8_t digest[NR_DIGEST_SIZE],
                                 const void *image, size_t size)
{
    pthread_mutex_lock(&recorder->lock);
    memcpy(recorder->image_digest, digest, NR_DIGEST_SIZE);
    recorder->image = image;
    recorder->image_size = size;
    (void)pthread_cond_signal(&recorder->wake);
    while (recorder->image != NULL)
        (void)pthread_cond_wait(&recorder->done, &recorder->lock);
    nr_trail_status status = recorder->image_status;
    pthread_mutex_unlock(&recorder->lock);
    return status;
}

void nr_recorder_look(nr_recorder *recorder, nr_trail_state *state)
{
    pthread_mutex_lock(&recorder->lock);
    *state = recorder->state;
    pthread_mutex_unlock(&recorder->lock);
}

/* ---- Beginning and ending --------------------------------------------------------------- */

/* One record of its own that must be written. */
static nr_trail_status write_event(nr_recorder *recorder, nr_event event,
                                   const char *detail)
{
    nr_trail_status status;
    do {
        status = nr_trail_begin(recorder->trail, NR_URGENT);
        if (status == NR_TRAIL_OK)
            status = append_event(recorder, event, detail);
        if (status == NR_TRAIL_OK)
            status = nr_trail_commit(recorder->trail, NULL);
    } while (status == NR_TRAIL_AGAIN);
    return status;
}

static bool open_trail(nr_recorder *recorder, bool waits, nr_trail_status *out)
{
    const nr_options *options = recorder->options;
    const nr_trail_options how = {
        .path = options->audit,
        .key_path = options->audit_key,
        .checkpoint_path = options->audit_checkpoints,
    };
    nrbac_error error = { { 0 } };
    char detail[DETAIL_SIZE];
    nr_trail_status status = *out = nr_trail_open(&how, &recorder->trail, &error);
    if (status == NR_TRAIL_LOCKED && waits)
        return false;
    if (status != NR_TRAIL_OK) {
        nr_log("the audit trail `%s`: %s", options->audit, error.text);
        return false;
    }
    (void)snprintf(detail, sizeof(detail), "{\"version\":\"%s\",\"pid\":%d}",
                   nrbac_version(), (int)getpid());
    status = write_event(recorder, NR_EVENT_START, detail);
    if (status != NR_TRAIL_OK)
        nr_log("the audit trail `%s`: %s", options->audit,
               nr_trail_status_text(status));
    return status == NR_TRAIL_OK;
}

static bool start(nr_recorder *recorder)
{
    pthread_condattr_t steady;
    (void)pthread_condattr_init(&steady);
    (void)pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&recorder->lock, NULL);
    (void)pthread_cond_init(&recorder->wake, &steady);
    (void)pthread_cond_init(&recorder->done, NULL);
    (void)pthread_condattr_destroy(&steady);
    recorder->queue_end = &recorder->queue;
    recorder->pruned_at = steady_ms();
    recorder->ahead = now_us() / 1000 - recorder->pruned_at;
    nr_trail_look(recorder->trail, &recorder->state);
    tell_state(recorder, &(nr_trail_state){ 0 }, &recorder->state);
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int bad = pthread_create(&recorder->thread, NULL, write_trail, recorder);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (bad != 0)
        nr_log("cannot start a thread: %s", nr_errno(bad).text);
    return recorder->running = bad == 0;
}

bool nr_recorder_open(nr_recorder *recorder, const nr_options *options, bool waits,
                      nr_trail_status *status)
{
    recorder->options = options;
    return open_trail(recorder, waits, status) && start(recorder);
}

void nr_recorder_close(nr_recorder *recorder)
{
    if (recorder->running) {
        pthread_mutex_lock(&recorder->lock);
        recorder->ending = true;
        (void)pthread_cond_signal(&recorder->wake);
        pthread_mutex_unlock(&recorder->lock);
        (void)pthread_join(recorder->thread, NULL);
        (void)pthread_mutex_destroy(&recorder->lock);
        (void)pthread_cond_destroy(&recorder->wake);
        (void)pthread_cond_destroy(&recorder->done);
        (void)write_event(recorder, NR_EVENT_END, NULL);
    }
    nr_trail_status status = nr_trail_close(recorder->trail);
    if (status != NR_TRAIL_OK)
        nr_log("the audit trail was not closed as it should be: %s",
               nr_trail_status_text(status));
    recorder->trail = NULL;
}
