/* SPDX-License-Identifier: Apache-2.0 */
#include "server/recording.h"

#include "server/connection.h"
#include "server/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FLUSH_RECORDS = 1024,      /* in `batched`: so many go before their time */
    SHARED_RECORDS = 128,      /* among so many a wait for the disk costs each little */
    QUIET_TURNS = 8,           /* of the loop, each less than a microsecond */
    AGAIN_MS = 100,            /* between two attempts to write what must be written */
    KNOWN_EVIDENCE = 16 << 20, /* bytes, of all cases that are known again */
};

static _Thread_local nr_worker *here; /* whose thread this is */

void nr_recording_begin(nr_worker *worker)
{
    here = worker;
}

static bool is_batched(const nr_recording *recording)
{
    return recording->recorder->options->audit_batched;
}

/* ---- Handing over ---------------------------------------------------------------------- */

static void hand(nr_recording *recording)
{
    nr_batch *batch = recording->filling;
    recording->filling = batch == &recording->batches[0] ? &recording->batches[1]
                                                         : &recording->batches[0];
    recording->handed = true;
    recording->due = false;
    recording->grown = recording->quiet = 0;
    (void)uv_idle_stop(&recording->growing);
    (void)uv_timer_stop(&recording->flush);
    nr_recorder_hand(recording->recorder, batch);
}

static void hand_again(nr_recording *recording)
{
    nr_batch *batch = recording->failed;
    recording->failed = NULL;
    nr_recorder_hand(recording->recorder, batch);
}

static void on_flush(uv_timer_t *timer)
{
    nr_recording *recording = timer->data;
    if (recording->failed != NULL)
        hand_again(recording);
    recording->due = recording->handed;
    if (!recording->handed && recording->filling->count != 0)
        hand(recording);
}

/* Only has the loop look for what has come, instead of waiting for it. */
static void on_growing(uv_idle_t *growing)
{
    (void)growing;
}

/* Whether the wait for the disk should be shared with what the next turns of the loop
 * bring: until some have brought nothing, or nobody is left to send it. */
static bool is_growing(nr_recording *recording, const nr_worker *worker)
{
    size_t count = recording->filling->count;
    recording->quiet = count > recording->grown ? 0 : recording->quiet + 1;
    recording->grown = count;
    bool growing = recording->quiet < QUIET_TURNS && count < SHARED_RECORDS &&
                   recording->held < atomic_load_explicit(&worker->connection_count,
                                                          memory_order_relaxed);
    if (growing)
        (void)uv_idle_start(&recording->growing, on_growing);
    return growing;
}

static void on_after(uv_check_t *after)
{
    nr_recording *recording = after->data;
    nr_batch *filling = recording->filling;
    if (recording->handed || filling->count == 0)
        return;
    bool awaited = !is_batched(recording) || filling->first;
    if (recording->due || filling->count >= FLUSH_RECORDS ||
        (awaited && !is_growing(recording, filling->worker)))
        hand(recording);
    else if (!awaited && uv_is_active((uv_handle_t *)&recording->flush) == 0)
        (void)uv_timer_start(&recording->flush, on_flush,
                             recording->recorder->options->audit_flush_ms, 0);
}

bool nr_recording_is_idle(nr_worker *worker)
{
    nr_recording *recording = &worker->recording;
    if (recording->recorder == NULL)
        return true;
    if (recording->failed != NULL && worker->ending == NR_CLOSING) {
        nr_log("%zu records could not be written and are lost",
               recording->failed->count + recording->filling->count);
        return true;
    }
    if (!recording->handed && recording->filling->count != 0)
        hand(recording);
    return !recording->handed;
}

/* ---- Filling --------------------------------------------------------------------------- */

/* Room for one more; NULL: out of memory. */
static nr_record *add_record(nr_batch *batch)
{
    if (batch->count == batch->room) {
        size_t room = batch->room == 0 ? 64 : batch->room * 2;
        nr_record *records = realloc(batch->records, room * sizeof(*records));
        if (records == NULL)
            return NULL;
        batch->records = records;
        uint64_t *owners = realloc(batch->owners, room * sizeof(*owners));
        if (owners == NULL)
            return NULL;
        batch->owners = owners;
        batch->room = room;
    }
    batch->owners[batch->count] = 0;
    return &batch->records[batch->count++];
}

static size_t size_of(const nr_circumstances *circumstances)
{
    const char *who = circumstances->who;
    const char *inputs = circumstances->inputs;
    return (who == NULL ? 0 : strlen(who)) + (inputs == NULL ? 0 : strlen(inputs));
}

/* The batch refers to it: counted once, however many of its records do. */
static bool refer(nr_batch *batch, nr_case *shared)
{
    if (shared->batch == batch)
        return true;
    if (batch->case_count == batch->case_room) {
        size_t room = batch->case_room == 0 ? 16 : batch->case_room * 2;
        nr_case **cases = realloc(batch->cases, room * sizeof(*cases));
        if (cases == NULL)
            return false;
        batch->cases = cases;
        batch->case_room = room;
    }
    batch->cases[batch->case_count++] = shared;
    shared->batch = batch;
    batch->evidence += size_of(&shared->circumstances);
    (void)atomic_fetch_add(&shared->references, 1);
    return true;
}

nr_case *nr_recording_make_case(const nr_keeping *keeping, const nrbac_record *told,
                                const nr_peer *peer, nrbac_document *document)
{
    nr_case *shared = calloc(1, sizeof(*shared));
    if (shared == NULL)
        return NULL;
    atomic_init(&shared->references, 1);
    const char *number = told->request == NULL ? NULL
                                               : told->request->subject.nhs_number;
    bool made = nr_keep_circumstances(keeping, told, peer, document, &shared->arena,
                                      &shared->circumstances);
    if (made && number != NULL)
        made = (shared->number = nr_arena_string(&shared->arena, number)) != NULL;
    if (made)
        return shared;
    nr_case_release(shared);
    return NULL;
}

static nr_case *make_case(nr_recording *recording, const nrbac_record *told)
{
    return nr_recording_make_case(&recording->keeping, told,
                                  &recording->connection->peer, recording->document);
}

/* A session's circumstances are told with its first record. */
static const nr_circumstances *in_session(nr_recording *recording, nrbac_record *told,
                                          const char **number)
{
    nr_session_entry *entry = recording->session;
    if (entry->shared == NULL && told->request != NULL)
        entry->shared = make_case(recording, told);
    if (entry->shared == NULL || !refer(recording->filling, entry->shared))
        return NULL;
    told->circumstances = 1;
    *number = entry->shared->number;
    return &entry->shared->circumstances;
}

static bool is_same_case(const nr_case *shared, const nr_recording *recording,
                         const nrbac_record *told)
{
    const nr_peer *now = &recording->connection->peer;
    const nr_peer *then = &shared->circumstances.peer;
    return shared->flags == told->flags && then->known == now->known &&
           then->uid == now->uid && then->gid == now->gid && then->pid == now->pid &&
           nrbac_request_same(&shared->request, told->request);
}

/* With the request itself, to know it again. */
static nr_case *make_known_case(nr_recording *recording, const nrbac_record *told)
{
    nr_case *shared = make_case(recording, told);
    if (shared == NULL)
        return NULL;
    shared->flags = told->flags;
    shared->document = nrbac_document_create();
    if (shared->document != NULL &&
        nrbac_request_read(nrbac_request_tell(told->request, NRBAC_TELL_CIRCUMSTANCES,
                                              shared->document),
                           shared->document, &shared->request) == NRBAC_OK)
        return shared;
    nr_case_release(shared);
    return NULL;
}

static void forget(nr_recording *recording, struct nr_recent *recent)
{
    if (recent->shared == NULL)
        return;
    recording->known -= size_of(&recent->shared->circumstances);
    nr_case_release(recent->shared);
    recent->shared = NULL;
}

/* Whoever asks decides how large cases are, and of how many: when they have become too
 * much the first ones are forgotten. */
static nr_case *remember(nr_recording *recording, struct nr_recent *recent,
                         nr_case *shared)
{
    if (shared == NULL)
        return NULL;
    for (size_t i = 0; i < NR_RECENT && recording->known >= KNOWN_EVIDENCE; i++)
        forget(recording, &recording->recent[i / NR_RECENT_WAYS][i % NR_RECENT_WAYS]);
    recording->known += size_of(&shared->circumstances);
    return recent->shared = shared;
}

/* The place of whose hash this is, or of who was asked about longest ago, is the first
 * of its set from here on. */
static struct nr_recent *bring_forward(struct nr_recent *set, uint64_t hash)
{
    size_t at = 0;
    while (at < NR_RECENT_WAYS - 1 && set[at].user != hash)
        at++;
    struct nr_recent found = set[at];
    memmove(set + 1, set, at * sizeof(*set));
    *set = found;
    return set;
}

/* The case of a request that is like one of lately; NULL: it is not. What is asked once
 * is not worth one, so the second time makes it. */
static nr_case *recent_case(nr_recording *recording, const nrbac_record *told)
{
    const char *user = told->request == NULL ? NULL : told->request->subject.id;
    if (user == NULL)
        return NULL;
    uint64_t hash = nr_hash_name(user, strlen(user));
    struct nr_recent *recent = bring_forward(recording->recent[hash % NR_RECENT_SETS],
                                             hash);
    if (recent->shared != NULL && is_same_case(recent->shared, recording, told))
        return recent->shared;
    bool again = recent->user == hash;
    forget(recording, recent);
    recent->user = hash;
    return again ? remember(recording, recent, make_known_case(recording, told)) : NULL;
}

static const nr_circumstances *of_request(nr_recording *recording,
                                          const nrbac_record *told)
{
    nr_case *shared = recent_case(recording, told);
    if (shared != NULL)
        return refer(recording->filling, shared) ? &shared->circumstances : NULL;
    nr_batch *batch = recording->filling;
    nr_circumstances *made = nr_arena_new(&batch->texts, nr_circumstances);
    if (made == NULL ||
        !nr_keep_circumstances(&recording->keeping, told, &recording->connection->peer,
                               recording->document, &batch->texts, made))
        return NULL;
    batch->evidence += size_of(made);
    return made;
}

nr_record *nr_recording_add(nr_recording *recording, nr_case *shared)
{
    nr_batch *batch = recording->filling;
    nr_record *record = refer(batch, shared) ? add_record(batch) : NULL;
    if (record != NULL)
        batch->owners[batch->count - 1] = NR_OWNER_RING;
    return record;
}

void nr_recording_drop(nr_recording *recording)
{
    recording->filling->count--;
}

static bool keep(nr_recording *recording, nrbac_record *told, nr_record *record)
{
    const char *number = NULL;
    const nr_circumstances *circumstances = recording->session != NULL
                                                ? in_session(recording, told, &number)
                                                : of_request(recording, told);
    if (circumstances == NULL ||
        !nr_keep_record(&recording->keeping, told, circumstances, number,
                        &recording->filling->texts, record))
        return false;
    record->message = recording->message;
    record->session = recording->session == NULL ? 0
                                                 : (uint64_t)recording->session->number;
    return true;
}

/* Until the batch is back. */
static void hold(nr_recording *recording, nr_connection *connection)
{
    nr_batch *batch = recording->filling;
    if (connection->held_link != NULL)
        return;
    connection->held_next = batch->held;
    connection->held_link = &batch->held;
    if (batch->held != NULL)
        batch->held->held_link = &connection->held_next;
    batch->held = connection;
    recording->held++;
}

void nr_recording_forget(nr_connection *connection)
{
    if (connection->held_link == NULL)
        return;
    *connection->held_link = connection->held_next;
    if (connection->held_next != NULL)
        connection->held_next->held_link = connection->held_link;
    connection->held_link = NULL;
    connection->worker->recording.held--;
}

static bool refuse(nr_worker *worker)
{
    nr_count(&worker->metrics.audit_refused, 1);
    (void)atomic_fetch_add(&worker->recording.recorder->refused, 1);
    return false;
}

/* From here on the connection owes an answer of which this is the record. */
static void own(nr_batch *batch, nr_connection *connection)
{
    size_t index = batch->count - 1;
    batch->owners[index] = connection->number;
    if (connection->unsent_in != batch) {
        connection->unsent_in = batch;
        connection->unsent = index;
    }
}

bool nr_recording_take(void *context, nrbac_record *told)
{
    nr_worker *worker = here;
    nr_recording *recording = &worker->recording;
    nr_batch *batch = recording->filling;
    (void)context;
    if (is_batched(recording) && atomic_load(&recording->recorder->failing))
        return refuse(worker);
    nr_record *record = add_record(batch);
    if (record == NULL || !keep(recording, told, record)) {
        batch->count -= record != NULL;
        return refuse(worker);
    }
    own(batch, recording->connection);
    batch->first |= told->first;
    if (!is_batched(recording) || told->first || batch->count >= NR_BATCH_RECORDS ||
        batch->evidence >= NR_BATCH_EVIDENCE)
        hold(recording, recording->connection);
    return true;
}

void nr_recording_expect(nr_connection *connection, uint64_t message,
                         nr_session_entry *session)
{
    nr_recording *recording = &connection->worker->recording;
    recording->connection = connection;
    recording->message = message;
    recording->session = session;
}

/* ---- Events ------------------------------------------------------------------------------ */

static const nr_circumstances *by_peer(nr_batch *batch, const nr_peer *by)
{
    nr_circumstances *made = by == NULL ? NULL
                                        : nr_arena_new(&batch->texts, nr_circumstances);
    if (made == NULL)
        return NULL;
    made->peer = *by;
    nr_circumstances_seal(made);
    return made;
}

void nr_recording_event(nr_worker *worker, nr_event event, const nr_peer *by,
                        const char *detail)
{
    nr_recording *recording = &worker->recording;
    nr_record *record = recording->recorder == NULL ? NULL
                                                    : add_record(recording->filling);
    if (record == NULL)
        return;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *record = (nr_record){
        .event = event,
        .at = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
        .circumstances = by_peer(recording->filling, by),
        .detail = nr_arena_string(&recording->filling->texts, detail),
    };
}

/* ---- Having it back ---------------------------------------------------------------------- */

static void empty(nr_batch *batch)
{
    for (size_t i = 0; i < batch->case_count; i++) {
        if (batch->cases[i]->batch == batch)
            batch->cases[i]->batch = NULL;
        nr_case_release(batch->cases[i]);
    }
    nr_arena_reset(&batch->texts);
    batch->count = batch->case_count = batch->evidence = 0;
    batch->first = false;
}

static void let_go(nr_batch *batch)
{
    while (batch->held != NULL) {
        nr_connection *connection = batch->held;
        nr_recording_forget(connection);
        if (batch->status != NR_TRAIL_OK)
            nr_withdraw(connection);
        nr_connection_resume(connection);
    }
}

/* Whether the answer of which this is the record has not left. */
static bool is_unsent(const nr_recording *recording, const nr_batch *batch,
                      size_t index)
{
    if (!is_batched(recording))
        return batch->owners[index] != 0;
    for (const nr_connection *c = batch->held; c != NULL; c = c->held_next)
        if (batch->owners[index] == c->number && index >= c->unsent)
            return true;
    return false;
}

/* Withdraws the answers that have not left, and drops their records. */
static void withdraw_unsent(nr_worker *worker, nr_batch *batch)
{
    size_t kept = 0;
    size_t of_rings = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (is_unsent(&worker->recording, batch, i)) {
            of_rings += batch->owners[i] == NR_OWNER_RING;
            continue;
        }
        batch->records[kept] = batch->records[i];
        batch->owners[kept++] = batch->owners[i];
    }
    size_t dropped = batch->count - kept - of_rings; /* these are taken again */
    batch->count = kept;
    batch->first &= kept != 0; /* what a ring asked for stays asked for */
    nr_count(&worker->metrics.audit_refused, dropped);
    (void)atomic_fetch_add(&worker->recording.recorder->refused, dropped);
    let_go(batch);
}

/* What happened is told again with the next batch: nothing else is left of this one. */
static void keep_events(nr_batch *batch, const nr_batch *failed)
{
    for (size_t i = 0; i < failed->count; i++) {
        const nr_record *event = &failed->records[i];
        nr_record *record = add_record(batch);
        if (record == NULL)
            return;
        *record = *event;
        record->detail = nr_arena_string(&batch->texts, event->detail);
        if (event->circumstances != NULL)
            record->circumstances = by_peer(batch, &event->circumstances->peer);
    }
}

/* Under `batched` nothing is decided until what has left is written, so that it can be
 * handed again as it is; also what is in the other batch has to wait for it. */
static void give_up(nr_worker *worker, nr_batch *batch)
{
    nr_recording *recording = &worker->recording;
    withdraw_unsent(worker, batch);
    if (!is_batched(recording)) {
        keep_events(recording->filling, batch);
        nr_rings_done(worker, batch, false);
        empty(batch);
        return;
    }
    recording->handed = true;
    recording->failed = batch;
    recording->filling->status = batch->status;
    withdraw_unsent(worker, recording->filling);
    (void)uv_timer_start(&recording->flush, on_flush, AGAIN_MS, 0);
}

void nr_recording_done(nr_worker *worker, nr_batch *batch)
{
    worker->recording.handed = false;
    nr_count(&worker->metrics.audit_batches, 1);
    if (batch->status != NR_TRAIL_OK) {
        give_up(worker, batch);
        return;
    }
    nr_count(&worker->metrics.audit_records, batch->count);
    nr_rings_done(worker, batch, true);
    let_go(batch);
    empty(batch);
}

/* ---- Beginning and ending ------------------------------------------------------------------ */

bool nr_recording_open(nr_worker *worker, nr_recorder *recorder)
{
    nr_recording *recording = &worker->recording;
    if (recorder == NULL)
        return true;
    recording->document = nrbac_document_create();
    if (recording->document == NULL)
        return false;
    recording->recorder = recorder;
    recording->keeping = (nr_keeping){
        .key = nr_trail_key(recorder->trail),
        .patients = recorder->options->audit_patients,
    };
    recording->filling = &recording->batches[0];
    recording->batches[0].worker = recording->batches[1].worker = worker;
    (void)uv_check_init(&worker->loop, &recording->after);
    (void)uv_timer_init(&worker->loop, &recording->flush);
    (void)uv_idle_init(&worker->loop, &recording->growing);
    recording->after.data = recording->flush.data = recording;
    (void)uv_check_start(&recording->after, on_after);
    return true;
}

void nr_recording_end(nr_worker *worker)
{
    if (worker->recording.recorder == NULL)
        return;
    uv_close((uv_handle_t *)&worker->recording.after, NULL);
    uv_close((uv_handle_t *)&worker->recording.flush, NULL);
    uv_close((uv_handle_t *)&worker->recording.growing, NULL);
}

void nr_recording_close(nr_worker *worker)
{
    nr_recording *recording = &worker->recording;
    for (size_t i = 0; i < NR_COUNT(recording->batches); i++) {
        nr_batch *batch = &recording->batches[i];
        empty(batch);
        nr_arena_finish(&batch->texts);
        free(batch->records);
        free(batch->owners);
        free(batch->cases);
    }
    for (size_t i = 0; i < NR_RECENT_SETS; i++)
        for (size_t way = 0; way < NR_RECENT_WAYS; way++)
            nr_case_release(recording->recent[i][way].shared);
    nrbac_document_destroy(recording->document);
}
