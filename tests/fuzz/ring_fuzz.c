/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever a program does to the memory that it shares with the daemon, and whenever: what
 * is taken of it is a record that the trail takes and that can be recalled, and it ends.
 * The input says what happens one after the other; what is not an order is skipped.
 */
#define _DEFAULT_SOURCE /* mkdtemp, MADV_DONTNEED */
#include "base/time.h"
#include "keep/keep.h"
#include "server/server.h"
#include "wire/wire.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_nr_log(const char *format, ...);

enum {
    SECOND_US = 1000000,
    NEVER_ENDS = 4 *
                 NR_RING_PENDING, /* turns, each of which takes or skips something */
};

/* Each is followed by its numbers, of so many bytes, the lowest first. */
typedef enum order {
    POKE = 'p',     /* 3: which word of the ring; 8: what it becomes */
    PUT = 'e',      /* 2: a size, and so many bytes, put there as an entry */
    PUT_LONG = 'l', /* 3: a size; 1: the byte that it consists of */
    AGAIN = 'a',    /* 2: so many times what was put last */
    RESERVE = 'r',  /* 2: so many places, and nothing is put there */
    BEGIN = 'b',    /* 8: the place at which it begins */
    DRAIN = 'd',
    WRITTEN = 'w', /* what was taken is in the trail, */
    FAILED = 'f',  /* or could not be written */
    CLOSED = 'c',  /* the daemon ends the connection, */
    GONE = 'g',    /* or the program */
} order;

typedef struct input {
    const uint8_t *at;
    size_t left;
    const uint8_t *last; /* that was put */
    size_t last_size;
} input;

static nr_options options;
static nr_server server;
static nr_worker worker;
static uint64_t last_end; /* what was reserved when the program had gone */
static nr_connection *const connected = (nr_connection *)&server; /* never looked at */
static const nr_peer peer = { .known = true, .uid = 7, .gid = 8, .pid = 9 };

/* A hostile program could fill it otherwise. */
void __wrap_nr_log(const char *format, ...)
{
    (void)format;
}

static void demand(bool good)
{
    if (!good)
        abort();
}

/* ---- A daemon without its sockets --------------------------------------------------------- */

static char folder[] = "/dev/shm/nrbac-fuzz-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[64];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void remove_trail(void)
{
    DIR *open = opendir(folder);
    for (const struct dirent *e; open != NULL && (e = readdir(open)) != NULL;)
        (void)unlink(in_folder(e->d_name));
    if (open != NULL)
        (void)closedir(open);
    (void)rmdir(folder);
}

/* Nothing is ever committed to it. */
static void open_trail(void)
{
    demand(mkdtemp(folder) != NULL);
    (void)atexit(remove_trail);
    const nr_trail_options how = { .path = in_folder("trail") };
    demand(nr_trail_open(&how, &server.recorder.trail, NULL) == NR_TRAIL_OK);
}

static void open_daemon(void)
{
    open_trail();
    options.audit = "trail";
    options.audit_patients = NR_PATIENTS_NAMED;
    server.options = &options;
    server.recorder.options = &options;
    server.worker_count = 1;
    server.workers = &worker;
    demand(nr_worker_open(&worker, &server, 0));
    worker.rings.entry = malloc(NR_RING_ENTRY_MAX);
    demand(worker.rings.entry != NULL);
}

/* ---- What is taken ------------------------------------------------------------------------- */

/* UTF-8, as everywhere on the wire. */
static void demand_text(const char *text)
{
    const nrbac_value *again;
    const char *problem;
    nr_buffer bytes = { 0 };
    nrbac_document *document = worker.scratch;
    if (text == NULL)
        return;
    nrbac_document_reset(document);
    nr_wire_encode(&bytes, nrbac_new_text(document, text));
    demand(nr_wire_decode(document, bytes.bytes, bytes.size, &again, &problem) ==
           NRBAC_OK);
    nr_buffer_finish(&bytes);
}

static void demand_asserted(const nr_record *record)
{
    const nr_circumstances *of = record->circumstances;
    nr_recalled_inputs inputs;
    nr_recalled recalled;
    demand(of != NULL && of->asserted);
    demand(memcmp(&of->peer, &peer, sizeof(peer)) == 0);
    const char *texts[] = { of->who,     of->inputs,       of->user,
                            of->role,    of->role_profile, of->organisation,
                            record->api, of->application };
    for (size_t i = 0; i < NR_COUNT(texts); i++)
        demand_text(texts[i]);
    nrbac_document_reset(worker.scratch);
    demand(nr_recall_inputs(of, worker.scratch, &inputs));
    demand(nr_recall(&(nr_entry){ .record = *record }, &inputs, &recalled));
    demand(of->who != NULL || inputs.fault != NULL);
    demand(strcmp(nrbac_reason_slug(record->reason),
                  nrbac_reason_slug((nrbac_reason)UINT16_MAX)) != 0);
    demand(recalled.decision.effect == nrbac_reason_effect(record->reason));
}

static void demand_record(const nr_record *record)
{
    demand(record->at >= 0 && record->at <= nr_time_now());
    demand_text(record->action);
    demand_text(record->patient);
    demand_text(record->obligations);
    demand_text(record->detail);
    if (nr_event_decides(record->event))
        demand_asserted(record);
    else
        demand(record->event == NR_EVENT_GAP);
}

/* The trail knows no policy that a program may name, and the recorder says so. */
static void demand_trail_takes(const nr_batch *batch)
{
    demand(nr_trail_begin(server.recorder.trail, NR_BATCHED) == NR_TRAIL_OK);
    for (size_t i = 0; i < batch->count; i++) {
        nr_record record = batch->records[i];
        memset(record.policy, 0, sizeof(record.policy));
        demand(nr_trail_append(server.recorder.trail, &record) == NR_TRAIL_OK);
    }
    nr_trail_undo(server.recorder.trail);
}

/* The batch goes to the recorder, and comes back. */
static void hand(nr_trail_status status)
{
    nr_recording *recording = &worker.recording;
    nr_batch *batch = recording->filling;
    bool has_records = worker.rings.first->batch == batch;
    recording->filling = &recording->batches[batch == &recording->batches[0]];
    for (size_t i = 0; i < batch->count; i++)
        demand_record(&batch->records[i]);
    demand_trail_takes(batch);
    const nr_intake *intake = worker.rings.first;
    batch->status = status;
    nr_recording_done(&worker, batch);
    /* It is taken again, or free to be written again. */
    demand(intake->batch == NULL && (status == NR_TRAIL_OK || batch->count == 0));
    demand(!has_records || intake->next == intake->given);
    demand(!has_records || status != NR_TRAIL_OK ||
           atomic_load(&intake->ring->taken) == intake->given);
}

/* ---- What happens --------------------------------------------------------------------------- */

static uint64_t take_number(input *in, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes && in->left > 0; i++, in->left--)
        number |= (uint64_t)*in->at++ << (8 * i);
    return number;
}

static void poke(input *in, nr_ring *ring)
{
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)ring;
    size_t which = (size_t)take_number(in, 3) % (sizeof(*ring) / sizeof(*words));
    atomic_store(&words[which], take_number(in, 8));
}

static void put(input *in, nr_ring *ring)
{
    uint64_t place;
    size_t size = (size_t)take_number(in, 2);
    size = size < in->left ? size : in->left;
    (void)nr_ring_write(ring, in->at, size, 0, &place);
    in->last = in->at;
    in->last_size = size;
    in->at += size;
    in->left -= size;
}

static void put_again(input *in, nr_ring *ring)
{
    uint64_t place;
    for (uint64_t n = take_number(in, 2) % NR_RING_PLACES; n > 0; n--)
        (void)nr_ring_write(ring, in->last, in->last_size, 0, &place);
}

static void put_long(input *in, nr_ring *ring)
{
    static uint8_t bytes[NR_RING_ENTRY_MAX];
    uint64_t place;
    size_t size = (size_t)take_number(in, 3) % (sizeof(bytes) + 1);
    memset(bytes, (int)take_number(in, 1), size);
    (void)nr_ring_write(ring, bytes, size, 0, &place);
}

static void leave(nr_intake *intake, bool leaves)
{
    if (intake->connection == NULL)
        return;
    nr_intake_leave(intake, leaves);
    last_end = intake->next + nr_ring_reserved_from(intake->ring, intake->next);
}

static void obey(input *in, nr_intake *intake)
{
    nr_ring *ring = intake->ring;
    switch (take_number(in, 1)) {
    case POKE:
        poke(in, ring);
        break;
    case PUT:
        put(in, ring);
        break;
    case PUT_LONG:
        put_long(in, ring);
        break;
    case AGAIN:
        put_again(in, ring);
        break;
    case RESERVE:
        atomic_fetch_add(&ring->reserved, take_number(in, 2));
        break;
    case BEGIN:
        atomic_store(&ring->begun, take_number(in, 8) + 1);
        break;
    case DRAIN:
        (void)nr_intake_drain(intake);
        break;
    case WRITTEN:
        hand(NR_TRAIL_OK);
        break;
    case FAILED:
        hand(NR_TRAIL_IO);
        break;
    case CLOSED:
        leave(intake, true);
        break;
    case GONE:
        leave(intake, false);
        break;
    default:
        break;
    }
}

static void end(nr_intake *intake)
{
    leave(intake, false);
    for (int turns = 0; !nr_intake_is_over(intake); turns++) {
        demand(turns < NEVER_ENDS);
        (void)nr_intake_drain(intake);
        hand(NR_TRAIL_OK);
    }
    /* Whoever else has the memory, nothing of it came afterwards. */
    demand(intake->left || intake->spoiled || !intake->begun ||
           intake->next == last_end);
    nr_intake_tell_gap(intake);
    hand(NR_TRAIL_OK);
    nr_intake_finish(intake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static nr_ring *ring;
    static nr_intake intake;
    input in = { .at = data, .left = size };
    if (ring == NULL) {
        open_daemon();
        ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        demand(ring != MAP_FAILED);
    }
    (void)madvise(ring, sizeof(*ring), MADV_DONTNEED); /* zero again */
    nr_ring_make(ring);
    nr_ring_begin(ring);
    memset(&intake, 0, sizeof(intake));
    intake.worker = &worker;
    intake.connection = connected;
    intake.ring = ring;
    intake.peer = peer;
    worker.rings.first = &intake;
    while (in.left > 0)
        obey(&in, &intake);
    end(&intake);
    worker.rings.first = NULL;
    return 0;
}
