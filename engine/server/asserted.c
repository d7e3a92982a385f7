/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program has put into its ring becomes a record: of its own peer, marked as
 * asserted. The entry has been copied out by now; nothing of it is believed before it has
 * been looked at.
 */
#include "server/intake.h"

#include "base/time.h"
#include "server/worker.h"
#include "wire/wire.h"

#include <string.h>

enum {
    ELEMENTS_MAX = NR_RING_ENTRY_MAX, /* no program finds a bound that it cannot see */
    DEPTH_MAX = 8,
    GRACE_US = 1000000, /* between a decision and its entry */
    FLAGS = NRBAC_ASK_STRANGER | NR_RING_FIRST,
};

/* An entry as it tells itself. Texts belong to the document. */
typedef struct assertion {
    nrbac_record told;
    nrbac_decision decision;
    nrbac_request request;
    bool refers;
    uint64_t to; /* the place that it refers to */
} assertion;

/* ---- Reading ------------------------------------------------------------------------------ */

static bool is_reason(int64_t number)
{
    switch (number) {
#define NRBAC_REASON(number, name, slug, effect, message, doc) case (number):
#include <nrbac/reason.def>
#undef NRBAC_REASON
        return true;
    default:
        return false;
    }
}

static bool read_number(const nrbac_value *value, int64_t least, int64_t most,
                        int64_t *number)
{
    *number = nrbac_value_integer(value);
    return nrbac_value_kind(value) == NRBAC_KIND_INTEGER && *number >= least &&
           *number <= most;
}

/* A text, or null. */
static bool read_text(const nrbac_value *value, const char **text)
{
    *text = nrbac_value_text(value);
    return *text != NULL || nrbac_value_kind(value) == NRBAC_KIND_NULL;
}

static bool read_digest(const nrbac_value *value, const char **digest)
{
    uint8_t bytes[NR_DIGEST_SIZE];
    *digest = nrbac_value_text(value);
    return *digest != NULL &&
           (**digest == '\0' || nr_hex_read(*digest, sizeof(bytes), bytes));
}

static bool read_obligations(const nrbac_value *list, nrbac_decision *decision)
{
    size_t count = nrbac_value_count(list);
    if (nrbac_value_kind(list) != NRBAC_KIND_LIST || count > NRBAC_OBLIGATION_MAX)
        return false;
    decision->obligation_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        decision->obligations[i] = nrbac_value_text(nrbac_value_at(list, i));
        if (decision->obligations[i] == NULL)
            return false;
    }
    return true;
}

/* What every entry has. */
static bool read_decision(const nrbac_value *list, assertion *out)
{
    int64_t kind, flags, reason, generation;
    nrbac_record *told = &out->told;
    bool good = read_number(nrbac_value_at(list, NR_RING_KIND), 0, NRBAC_RECORDED_CHECK,
                            &kind) &&
                read_number(nrbac_value_at(list, NR_RING_FLAGS), 0, FLAGS, &flags) &&
                (flags & ~(int64_t)FLAGS) == 0 &&
                read_number(nrbac_value_at(list, NR_RING_REASON), 0, UINT16_MAX,
                            &reason) &&
                is_reason(reason) &&
                read_number(nrbac_value_at(list, NR_RING_GENERATION), 0, UINT32_MAX,
                            &generation) &&
                read_digest(nrbac_value_at(list, NR_RING_DIGEST), &told->digest) &&
                read_number(nrbac_value_at(list, NR_RING_AT), 0, INT64_MAX,
                            &told->at) &&
                read_number(nrbac_value_at(list, NR_RING_TIME), INT64_MIN, INT64_MAX,
                            &told->time) &&
                read_text(nrbac_value_at(list, NR_RING_ACTION), &told->action) &&
                read_text(nrbac_value_at(list, NR_RING_NHS_NUMBER),
                          &told->nhs_number) &&
                read_obligations(nrbac_value_at(list, NR_RING_OBLIGATIONS),
                                 &out->decision);
    if (!good)
        return false;
    told->kind = (nrbac_recorded)kind;
    told->flags = (unsigned)flags & NRBAC_ASK_STRANGER;
    told->first = (flags & NR_RING_FIRST) != 0;
    out->decision.reason = (nrbac_reason)reason;
    out->decision.effect = nrbac_reason_effect(out->decision.reason);
    out->decision.generation = (uint32_t)generation;
    return true;
}

/* What an entry has that tells its circumstances itself: a request, or why there is
 * none. */
static nr_assertion read_circumstances(const nrbac_value *list,
                                       nrbac_document *document, assertion *out)
{
    nrbac_record *told = &out->told;
    const nrbac_value *request = nrbac_value_at(list, NR_RING_REQUEST);
    const nrbac_value *profile = nrbac_value_at(list, NR_RING_PROFILE);
    int64_t chosen;
    if (!read_text(nrbac_value_at(list, NR_RING_FAULT), &told->fault) ||
        !read_text(nrbac_value_at(list, NR_RING_ORGANISATION), &told->organisation))
        return NR_ASSERTED_BAD;
    if (nrbac_value_kind(request) == NRBAC_KIND_NULL)
        return told->fault != NULL ? NR_ASSERTED_KEPT : NR_ASSERTED_BAD;
    nrbac_status read = nrbac_request_read(request, document, &out->request);
    if (read != NRBAC_OK)
        return read == NRBAC_E_MEMORY ? NR_ASSERTED_MEMORY : NR_ASSERTED_BAD;
    told->request = &out->request;
    if (nrbac_value_kind(profile) == NRBAC_KIND_NULL)
        return NR_ASSERTED_KEPT;
    if (!read_number(profile, 0, (int64_t)out->request.subject.profile_count - 1,
                     &chosen))
        return NR_ASSERTED_BAD;
    told->profile = &out->request.subject.profiles[chosen];
    return NR_ASSERTED_KEPT;
}

static nr_assertion decode(nrbac_document *document, const uint8_t *entry, size_t size,
                           const nrbac_value **list)
{
    const nr_scan_limits limits = { NR_RING_ENTRY_MAX, ELEMENTS_MAX, DEPTH_MAX };
    nr_scan scan = { 0 };
    const char *problem;
    nrbac_document_reset(document);
    if (nr_scan_next(&scan, entry, size, &limits) != NR_SCAN_READY || scan.at != size)
        return NR_ASSERTED_BAD;
    nrbac_status status = nr_wire_decode(document, entry, size, list, &problem);
    if (status != NRBAC_OK)
        return status == NRBAC_E_MEMORY ? NR_ASSERTED_MEMORY : NR_ASSERTED_BAD;
    return nrbac_value_kind(*list) == NRBAC_KIND_LIST ? NR_ASSERTED_KEPT
                                                      : NR_ASSERTED_BAD;
}

static nr_assertion read_entry(nrbac_document *document, const uint8_t *entry,
                               size_t size, assertion *out)
{
    const nrbac_value *list;
    int64_t place;
    nr_assertion read = decode(document, entry, size, &list);
    *out = (assertion){ .told.kind = NRBAC_RECORDED_QUESTION };
    if (read != NR_ASSERTED_KEPT)
        return read;
    out->told.decision = &out->decision;
    if (!read_decision(list, out))
        return NR_ASSERTED_BAD;
    size_t members = nrbac_value_count(list);
    const nrbac_value *refers = nrbac_value_at(list, NR_RING_REFERS);
    if (members == NR_RING_MEMBERS && read_number(refers, 0, INT64_MAX, &place)) {
        out->refers = true;
        out->to = (uint64_t)place;
        return NR_ASSERTED_KEPT;
    }
    if (members != NR_RING_ALL_MEMBERS || nrbac_value_kind(refers) != NRBAC_KIND_NULL)
        return NR_ASSERTED_BAD;
    return read_circumstances(list, document, out);
}

/* ---- Circumstances -------------------------------------------------------------------------- */

/* Those that an entry tells itself, known by its place from here on. */
static nr_case *tell(nr_intake *intake, uint64_t place, const nrbac_record *told)
{
    nr_recording *recording = &intake->worker->recording;
    nr_keeping keeping = recording->keeping;
    keeping.asserted = true;
    nr_told *room = &intake->told[place % NR_RING_PENDING];
    if (room->shared != NULL && room->place == place)
        return room->shared;
    nr_case *shared = nr_recording_make_case(&keeping, told, &intake->peer,
                                             recording->document);
    if (shared == NULL)
        return NULL;
    nr_case_release(room->shared);
    *room = (nr_told){ place, shared };
    return shared;
}

/* Those of an entry before this one, which the ring still has if nobody knows them. */
static nr_assertion find(nr_intake *intake, uint64_t place, uint64_t to,
                         nr_case **shared)
{
    nr_worker *worker = intake->worker;
    const nr_told *known = &intake->told[to % NR_RING_PENDING];
    assertion before;
    size_t size;
    uint64_t places;
    if (to >= place || place - to > NR_RING_PENDING)
        return NR_ASSERTED_BAD;
    *shared = known->shared;
    if (known->shared != NULL && known->place == to)
        return NR_ASSERTED_KEPT;
    if (nr_ring_read(intake->ring, to, worker->rings.entry, &size, &places) !=
        NR_RING_ENTRY)
        return NR_ASSERTED_BAD;
    nr_assertion read = read_entry(worker->scratch, worker->rings.entry, size, &before);
    if (read != NR_ASSERTED_KEPT)
        return read;
    if (before.refers)
        return NR_ASSERTED_BAD;
    *shared = tell(intake, to, &before.told);
    return *shared == NULL ? NR_ASSERTED_MEMORY : NR_ASSERTED_KEPT;
}

/* ---- The record ------------------------------------------------------------------------------ */

/* Nothing is decided later than it is taken, nor much before the ring was last empty:
 * it would have been taken then. */
static int64_t when(const nr_intake *intake, int64_t at, int64_t now)
{
    int64_t least = intake->empty_at == 0 ? 0 : intake->empty_at - GRACE_US;
    if (at > now)
        return now;
    return at < least && least < now ? least : at;
}

nr_assertion nr_asserted_keep(nr_intake *intake, uint64_t place, const uint8_t *entry,
                              size_t size, int64_t now)
{
    nr_worker *worker = intake->worker;
    nr_recording *recording = &worker->recording;
    nr_case *shared = NULL;
    assertion is;
    nr_assertion read = read_entry(worker->document, entry, size, &is);
    if (read == NR_ASSERTED_KEPT && is.refers)
        read = find(intake, place, is.to, &shared);
    else if (read == NR_ASSERTED_KEPT &&
             (shared = tell(intake, place, &is.told)) == NULL)
        read = NR_ASSERTED_MEMORY;
    if (read != NR_ASSERTED_KEPT)
        return read;
    is.told.at = when(intake, is.told.at, now);
    nr_record *record = nr_recording_add(recording, shared);
    if (record == NULL)
        return NR_ASSERTED_MEMORY;
    if (!nr_keep_record(&recording->keeping, &is.told, &shared->circumstances,
                        shared->number, &recording->filling->texts, record)) {
        nr_recording_drop(recording);
        return NR_ASSERTED_MEMORY;
    }
    recording->filling->first |= is.told.first;
    record->message = (place & INT64_MAX) == INT64_MAX ? 0 : place + 1;
    return NR_ASSERTED_KEPT;
}
