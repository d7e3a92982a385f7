/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What records were decided on is read once for many of them: circumstances that are
 * equal have an equal digest, and a session's checks all have the same. Those met last
 * are kept, each in the one place that its digest gives it, so that a trail in which all
 * of them differ takes no more memory than any other.
 */
#include "cli/replaying.h"
#include "keep/keep.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 4096 }; /* a power of two */

typedef struct place {
    uint8_t digest[NR_DIGEST_SIZE];
    nrbac_document *document; /* NULL: nothing was here yet */
    bool readable;
    nr_recalled_inputs inputs;
} place;

typedef struct own_policy {
    uint8_t digest[NR_DIGEST_SIZE];
    nrbac_engine *engine; /* NULL: it cannot be had */
} own_policy;

struct nr_replay {
    nrbac_engine *engine;
    nr_reader *policies;
    own_policy *own;
    size_t own_count;
    nrbac_document *scratch;
    place places[PLACES];
};

nr_replay *nr_replay_create(nrbac_engine *engine, nr_reader *policies)
{
    nr_replay *replay = calloc(1, sizeof(*replay));
    if (replay == NULL)
        return NULL;
    replay->engine = engine;
    replay->policies = policies;
    replay->scratch = nrbac_document_create();
    if (replay->scratch != NULL)
        return replay;
    nr_replay_destroy(replay);
    return NULL;
}

void nr_replay_destroy(nr_replay *replay)
{
    if (replay == NULL)
        return;
    for (size_t i = 0; i < replay->own_count; i++)
        nrbac_engine_destroy(replay->own[i].engine);
    for (size_t i = 0; i < PLACES; i++)
        nrbac_document_destroy(replay->places[i].document);
    nrbac_document_destroy(replay->scratch);
    free(replay->own);
    free(replay);
}

/* ---- Circumstances ---------------------------------------------------------------------- */

static nr_trail_status fill(place *at, const nr_circumstances *circumstances)
{
    if (at->document == NULL)
        at->document = nrbac_document_create();
    if (at->document == NULL)
        return NR_TRAIL_MEMORY;
    nrbac_document_reset(at->document);
    memcpy(at->digest, circumstances->digest, NR_DIGEST_SIZE);
    at->readable = nr_recall_inputs(circumstances, at->document, &at->inputs);
    if (nrbac_document_status(at->document) == NRBAC_OK)
        return NR_TRAIL_OK;
    nrbac_document_destroy(at->document);
    at->document = NULL;
    return NR_TRAIL_MEMORY;
}

/* *out is NULL if they cannot be read. */
static nr_trail_status recall(nr_replay *replay, const nr_circumstances *circumstances,
                              const nr_recalled_inputs **out)
{
    size_t number;
    *out = NULL;
    if (circumstances == NULL)
        return NR_TRAIL_OK;
    memcpy(&number, circumstances->digest, sizeof(number));
    place *at = &replay->places[number & (PLACES - 1)];
    if (at->document == NULL ||
        memcmp(at->digest, circumstances->digest, NR_DIGEST_SIZE) != 0) {
        nr_trail_status status = fill(at, circumstances);
        if (status != NR_TRAIL_OK)
            return status;
    }
    if (at->readable)
        *out = &at->inputs;
    return NR_TRAIL_OK;
}

/* ---- Policies ---------------------------------------------------------------------------- */

static own_policy *add_policy(nr_replay *replay, const uint8_t digest[NR_DIGEST_SIZE])
{
    size_t size = (replay->own_count + 1) * sizeof(*replay->own);
    own_policy *larger = realloc(replay->own, size);
    if (larger == NULL)
        return NULL;
    replay->own = larger;
    own_policy *added = &larger[replay->own_count++];
    memcpy(added->digest, digest, NR_DIGEST_SIZE);
    added->engine = NULL;
    return added;
}

/* *out is NULL if the record's policy cannot be had, although the trail can be read. */
static nr_trail_status policy_of(nr_replay *replay, const nr_record *record,
                                 nrbac_engine **out)
{
    *out = replay->engine;
    if (*out != NULL)
        return NR_TRAIL_OK;
    for (size_t i = 0; i < replay->own_count; i++) {
        *out = replay->own[i].engine;
        if (memcmp(replay->own[i].digest, record->policy, NR_DIGEST_SIZE) == 0)
            return NR_TRAIL_OK;
    }
    own_policy *added = add_policy(replay, record->policy);
    if (added == NULL)
        return NR_TRAIL_MEMORY;
    nr_trail_status status = nr_audit_policy(replay->policies, record->policy,
                                             &added->engine);
    *out = added->engine;
    return status == NR_TRAIL_MISSING || status == NR_TRAIL_VERSION ? NR_TRAIL_OK
                                                                    : status;
}

/* ---- Deciding ----------------------------------------------------------------------------- */

nr_trail_status nr_replay_entry(nr_replay *replay, const nr_entry *entry,
                                nrbac_decision *decision, nr_replayed *what)
{
    const nr_record *record = &entry->record;
    const nr_recalled_inputs *inputs = NULL;
    nrbac_engine *engine = NULL;
    nr_recalled recalled;
    *what = NR_REPLAYED_NONE;
    if (!nr_event_decides(record->event))
        return NR_TRAIL_OK;
    *what = NR_REPLAYED_OF_MOMENT;
    if (nr_reason_is_of_moment(record->reason))
        return NR_TRAIL_OK;
    nr_trail_status status = policy_of(replay, record, &engine);
    if (status == NR_TRAIL_OK)
        status = recall(replay, record->circumstances, &inputs);
    if (status != NR_TRAIL_OK)
        return status;
    *what = engine == NULL ? NR_REPLAYED_NO_POLICY : NR_REPLAYED_UNREADABLE;
    if (engine == NULL || inputs == NULL || !nr_recall(entry, inputs, &recalled))
        return NR_TRAIL_OK;
    nrbac_document_reset(replay->scratch);
    *decision = nrbac_decide_again(engine, &recalled.told, replay->scratch, NULL);
    if (decision->reason == NRBAC_REASON_NOT_EVALUATED)
        return NR_TRAIL_MEMORY;
    *what = nr_record_is(record, decision) ? NR_REPLAYED_SAME : NR_REPLAYED_CHANGED;
    return NR_TRAIL_OK;
}
