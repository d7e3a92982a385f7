/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "api/scribe.h"

#include "base/hash.h"
#include "share/fetch.h"
#include "share/memory.h"
#include "share/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)

enum {
    OPEN_MS = 5000,    /* the longest that opening takes */
    POLL_MS = 20,      /* the longest that a poll waits for the daemon */
    RETRY_MS = 100,    /* after a failure */
    WAIT_MS = 50,      /* the longest that a decision waits for room, */
    DISK_MS = 1000,    /* and for the disk */
    SPINS = 200,       /* before it sleeps */
    NAP_NS = 200000,   /* how long, each time */
    ENTRY_ROOM = 1024, /* bytes that most entries need */
};

struct nr_scribe {
    _Atomic(nr_ring *) *ring; /* set once; NULL: none yet, or a child's */
    _Atomic bool refused;     /* this daemon takes no records */
    _Atomic bool jammed;      /* there is no room, and somebody has waited */
    nr_fetch fetch;           /* of whoever polls, like what follows */
    bool opened;              /* there was a ring */
    int connection;           /* its; -1: it has ended */
    int64_t retry_at;         /* ns; not before then */
};

/* Memory that is zero in a child. */
static void *make_own(void)
{
    void *own = mmap(NULL, sizeof(nr_ring *), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (own != MAP_FAILED && madvise(own, sizeof(nr_ring *), MADV_WIPEONFORK) == 0)
        return own;
    if (own != MAP_FAILED)
        (void)munmap(own, sizeof(nr_ring *));
    return NULL;
}

nr_scribe *nr_scribe_create(void)
{
    nr_scribe *scribe = calloc(1, sizeof(*scribe));
    if (scribe == NULL)
        return NULL;
    scribe->ring = make_own();
    if (scribe->ring == NULL) {
        free(scribe);
        return NULL;
    }
    scribe->fetch = NR_FETCH_NONE;
    scribe->fetch.wanted = NR_WANT_RING;
    scribe->connection = -1;
    return scribe;
}

static void drop_fetched(nr_scribe *scribe)
{
    nr_fetch_drop(&scribe->fetch);
    scribe->fetch.wanted = NR_WANT_RING;
}

void nr_scribe_close(nr_scribe *scribe)
{
    drop_fetched(scribe);
    if (scribe->connection >= 0)
        (void)close(scribe->connection);
    scribe->connection = -1;
}

void nr_scribe_destroy(nr_scribe *scribe)
{
    if (scribe == NULL)
        return;
    nr_scribe_close(scribe);
    nr_memory_unmap_ring(atomic_load(scribe->ring));
    (void)munmap(scribe->ring, sizeof(nr_ring *));
    free(scribe);
}

/* ---- Having a ring ---------------------------------------------------------------------- */

/* In the place of the one that there is. NRBAC_E_TIMEOUT: somebody is still writing. */
static nrbac_status replace(nr_ring *ring, nr_ring *fresh)
{
    nr_ring_shut(ring);
    if (!nr_ring_is_settled(ring))
        return NRBAC_E_TIMEOUT;
    nr_ring_copy(fresh, ring);
    if (!nr_memory_move_ring(fresh, ring))
        return NRBAC_E_MEMORY;
    nr_ring_reopen(ring);
    return NRBAC_OK;
}

static nrbac_status take_ring(nr_scribe *scribe, nrbac_error *error)
{
    nr_ring *ring = atomic_load_explicit(scribe->ring, memory_order_relaxed);
    nr_ring *fresh;
    NR_TRY(nr_memory_map_ring(scribe->fetch.image, &fresh, error));
    if (ring == NULL) {
        nr_ring_begin(fresh);
        atomic_store_explicit(scribe->ring, fresh, memory_order_release);
        scribe->opened = true;
        return NRBAC_OK;
    }
    nrbac_status status = replace(ring, fresh);
    if (status != NRBAC_OK)
        nr_memory_unmap_ring(fresh);
    return status;
}

/* NRBAC_E_TIMEOUT: not yet. */
static nrbac_status renew(nr_scribe *scribe, const char *path, nrbac_error *error)
{
    if (scribe->fetch.image < 0)
        NR_TRY(nr_fetch_step(&scribe->fetch, path, POLL_MS, error));
    nrbac_status status = take_ring(scribe, error);
    if (status == NRBAC_E_TIMEOUT)
        return status;
    if (status == NRBAC_OK) {
        scribe->connection = scribe->fetch.socket;
        scribe->fetch.socket = -1;
    }
    drop_fetched(scribe);
    return status;
}

nrbac_status nr_scribe_open(nr_scribe *scribe, const char *path, nrbac_error *error)
{
    int64_t deadline = nr_boot_ns() + OPEN_MS * NS_PER_MS;
    nrbac_status status = NRBAC_E_TIMEOUT;
    while (status == NRBAC_E_TIMEOUT && nr_boot_ns() < deadline)
        status = renew(scribe, path, error);
    return status;
}

/* The daemon says nothing on it; that it has gone can be read. */
static bool is_connected(int connection)
{
    char byte;
    ssize_t got = recv(connection, &byte, 1, MSG_DONTWAIT);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* What the same daemon would say again. */
static bool is_final(nrbac_status status)
{
    return status == NRBAC_E_REFUSED || status == NRBAC_E_FORMAT ||
           status == NRBAC_E_VERSION || status == NRBAC_E_IMAGE;
}

void nr_scribe_poll(nr_scribe *scribe, const char *path)
{
    const nr_ring *ring = atomic_load_explicit(scribe->ring, memory_order_relaxed);
    bool is_child = scribe->opened && ring == NULL;
    if (is_child || (scribe->connection >= 0 && is_connected(scribe->connection)))
        return;
    if (scribe->connection >= 0) {
        nr_scribe_close(scribe);
        atomic_store(&scribe->refused, nr_ring_is_refused(ring));
    }
    if (atomic_load(&scribe->refused) || nr_boot_ns() < scribe->retry_at)
        return;
    nrbac_status status = renew(scribe, path, NULL);
    atomic_store(&scribe->refused, is_final(status));
    if (status != NRBAC_OK && status != NRBAC_E_TIMEOUT)
        scribe->retry_at = nr_boot_ns() + RETRY_MS * NS_PER_MS;
}

void nr_scribe_retry(nr_scribe *scribe)
{
    atomic_store(&scribe->refused, false);
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void pack_common(nr_packer *to, const nrbac_record *record)
{
    const nrbac_decision *decision = record->decision;
    nr_pack_integer(to, (int64_t)record->kind);
    nr_pack_integer(to, record->flags | (record->first ? NR_RING_FIRST : 0));
    nr_pack_integer(to, (int64_t)decision->reason);
    nr_pack_integer(to, decision->generation);
    nr_pack_text(to, record->digest);
    nr_pack_integer(to, record->at);
    nr_pack_integer(to, record->time);
    nr_pack_text(to, record->action);
    nr_pack_text(to, record->nhs_number);
    nr_pack_list(to, decision->obligation_count);
    for (uint32_t i = 0; i < decision->obligation_count; i++)
        nr_pack_text(to, decision->obligations[i]);
}

/* Which of the request's profiles it is. */
static void pack_profile(nr_packer *to, const nrbac_record *record)
{
    if (record->profile == NULL)
        nr_pack_null(to);
    else
        nr_pack_integer(to, record->profile - record->request->subject.profiles);
}

static void pack(nr_packer *to, const nrbac_record *record, uint64_t refers,
                 const nrbac_value *request)
{
    nr_pack_list(to, refers != 0 ? NR_RING_MEMBERS : NR_RING_ALL_MEMBERS);
    pack_common(to, record);
    if (refers != 0) {
        nr_pack_integer(to, (int64_t)(refers - 1));
        return;
    }
    nr_pack_null(to);
    nr_pack_value(to, request);
    nr_pack_text(to, record->fault);
    pack_profile(to, record);
    nr_pack_text(to, record->organisation);
}

/* Waits until there is room, for a bounded time; once that was in vain, nobody does
 * until there is some, so that whoever asks many does not wait for each. */
static nr_ring_put put(nr_scribe *scribe, const nr_packer *entry, uint64_t refers,
                       uint64_t *place)
{
    nr_ring *ring = atomic_load_explicit(scribe->ring, memory_order_acquire);
    nr_ring_put put = NR_RING_SHUT;
    int64_t deadline = 0;
    for (int tries = 0; ring != NULL; tries++) {
        put = nr_ring_write(ring, entry->to, entry->size, refers, place);
        if (put != NR_RING_FULL && put != NR_RING_SHUT)
            break;
        if (tries < SPINS)
            continue;
        int64_t now = nr_boot_ns();
        if (deadline == 0)
            deadline = atomic_load(&scribe->jammed) ? now : now + WAIT_MS * NS_PER_MS;
        if (now >= deadline || atomic_load(&scribe->refused)) {
            atomic_store(&scribe->jammed, true);
            return put;
        }
        (void)nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
    }
    if (atomic_load_explicit(&scribe->jammed, memory_order_relaxed))
        atomic_store(&scribe->jammed, false);
    return put;
}

/* Packed into the room that there is, or else into more. */
static nr_ring_put write_entry(nr_scribe *scribe, const nrbac_record *record,
                               uint64_t refers, const nrbac_value *request,
                               uint64_t *place)
{
    uint8_t room[ENTRY_ROOM];
    nr_packer entry = { .to = room, .room = sizeof(room) };
    pack(&entry, record, refers, request);
    if (entry.size <= entry.room)
        return put(scribe, &entry, refers, place);
    if (entry.size > NR_RING_ENTRY_MAX)
        return NR_RING_TOO_LARGE;
    uint8_t *more = malloc(entry.size);
    if (more == NULL)
        return NR_RING_TOO_LARGE;
    entry = (nr_packer){ .to = more, .room = entry.size };
    pack(&entry, record, refers, request);
    nr_ring_put result = put(scribe, &entry, refers, place);
    free(more);
    return result;
}

/* With all that is known of the circumstances. */
static bool write_all(nr_scribe *scribe, nrbac_record *record, uint64_t *place)
{
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *request = NULL;
    if (document != NULL && record->request != NULL)
        request = nrbac_request_tell(record->request, NRBAC_TELL_CIRCUMSTANCES,
                                     document);
    bool told = document != NULL && (record->request == NULL || request != NULL) &&
                write_entry(scribe, record, 0, request, place) == NR_RING_PUT;
    nrbac_document_destroy(document);
    if (told)
        record->circumstances = *place + 1;
    return told;
}

/* With all that is known, or a reference to the entry that told it. */
static bool write_record(nr_scribe *scribe, nrbac_record *record, uint64_t *place)
{
    if (record->circumstances == 0 || record->request != NULL)
        return write_all(scribe, record, place);
    nr_ring_put put = write_entry(scribe, record, record->circumstances, NULL, place);
    if (put == NR_RING_FORGOTTEN)
        record->circumstances = 0;
    return put == NR_RING_PUT;
}

/* ---- Waiting for the disk --------------------------------------------------------------- */

static bool is_on_disk_in_time(const nr_scribe *scribe, uint64_t place)
{
    const nr_ring *ring = atomic_load_explicit(scribe->ring, memory_order_acquire);
    int64_t deadline = nr_boot_ns() + DISK_MS * NS_PER_MS;
    while (!nr_ring_has_taken(ring, place)) {
        if (nr_boot_ns() >= deadline || atomic_load(&scribe->refused))
            return false;
        (void)nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
    }
    return true;
}

/* The record cannot be taken back: the daemon may be writing it. */
static void withdraw(nr_scribe *scribe, const nrbac_record *record)
{
    const nrbac_decision denied = { .effect = NRBAC_DENY,
                                    .reason = NRBAC_REASON_NOT_RECORDED,
                                    .generation = record->decision->generation };
    nrbac_record withdrawn = *record;
    uint64_t place;
    withdrawn.decision = &denied;
    withdrawn.first = false;
    (void)write_entry(scribe, &withdrawn, record->circumstances, NULL, &place);
}

bool nr_scribe_take(void *context, nrbac_record *record)
{
    nr_scribe *scribe = context;
    uint64_t place;
    if (atomic_load_explicit(&scribe->refused, memory_order_relaxed) ||
        !write_record(scribe, record, &place))
        return false;
    if (!record->first || is_on_disk_in_time(scribe, place))
        return true;
    withdraw(scribe, record);
    return false;
}
