/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/replay.h"

#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_SLOTS = 256,
    ID_SIZE = 16,     /* of a hash: enough, since it is salted */
    SWEEP_EVERY = 10, /* seconds at least between sweeps of a full memory */
};

struct nr_used {
    uint8_t id[ID_SIZE]; /* of application and jti */
    uint8_t token[ID_SIZE];
    uint64_t occasion;
    int64_t forget_at;  /* not before this, by the time of a request */
    int64_t keep_until; /* nor before this, by the clock */
    uint32_t application;
    bool taken;
};

bool nr_replay_init(nr_replay *replay, size_t limit)
{
    *replay = (nr_replay){ .limit = limit, .swept_at = INT64_MIN };
    if (RAND_bytes(replay->salt, sizeof(replay->salt)) != 1)
        return false;
    return pthread_mutex_init(&replay->lock, NULL) == 0;
}

void nr_replay_finish(nr_replay *replay)
{
    free(replay->slots);
    nr_arena_finish(&replay->arena);
    (void)pthread_mutex_destroy(&replay->lock);
    *replay = (nr_replay){ 0 };
}

static bool digest_use(const nr_replay *replay, const nr_use *use, nr_used *out)
{
    uint8_t digest[NR_SHA256_SIZE] = { 0 };
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    /* The application's NUL keeps "a" + "bc" apart from "ab" + "c". */
    bool fine = context != NULL &&
                EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(context, replay->salt, sizeof(replay->salt)) == 1 &&
                EVP_DigestUpdate(context, use->application,
                                 strlen(use->application) + 1) == 1 &&
                EVP_DigestUpdate(context, use->jti, strlen(use->jti)) == 1 &&
                EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    memcpy(out->id, digest, ID_SIZE);
    nr_sha256(use->token, use->token_size, digest);
    memcpy(out->token, digest, ID_SIZE);
    out->occasion = use->occasion;
    out->forget_at = use->forget_at;
    out->keep_until = use->clock + NR_REPLAY_KEEP;
    if (out->keep_until < use->forget_at)
        out->keep_until = use->forget_at;
    out->taken = true;
    return fine;
}

/* Where the entry is, or where it would go. There is always a free slot. */
static nr_used *find_slot(nr_used *slots, size_t count, const uint8_t *id)
{
    uint64_t hash = 0;
    memcpy(&hash, id, sizeof(hash));
    size_t at = (size_t)hash & (count - 1);
    while (slots[at].taken && memcmp(slots[at].id, id, ID_SIZE) != 0)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

/* A request may be judged at another time than now (a test, a replay), so what is
 * forgotten is over by both clocks. Even so a later request might be judged at a time at
 * which it was not over, and would bring it back: for some minutes of the clock, which
 * nobody who asks can move, nothing is forgotten. */
static bool may_forget(const nr_used *used, const nr_use *use)
{
    return used->forget_at <= use->now && used->keep_until <= use->clock;
}

/* Moves what is still to be remembered into a table of this many slots. */
static bool rebuild(nr_replay *replay, size_t slot_count, const nr_use *use)
{
    nr_used *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL)
        return false;
    replay->used = 0;
    replay->worth_sweeping_at = INT64_MAX;
    for (size_t i = 0; i < replay->shares.count; i++)
        replay->shares.items[i] = 0;
    for (size_t i = 0; i < replay->slot_count; i++) {
        const nr_used *old = &replay->slots[i];
        if (!old->taken || may_forget(old, use))
            continue;
        *find_slot(slots, slot_count, old->id) = *old;
        replay->used++;
        replay->shares.items[old->application]++;
        if (old->keep_until < replay->worth_sweeping_at)
            replay->worth_sweeping_at = old->keep_until;
    }
    free(replay->slots);
    replay->slots = slots;
    replay->slot_count = slot_count;
    return true;
}

static bool share_is_full(const nr_replay *replay, uint32_t application)
{
    size_t share = (replay->limit + NR_REPLAY_SHARES - 1) / NR_REPLAY_SHARES;
    return replay->shares.items[application] >= share;
}

/* Sweeping costs as much as the memory is large, so a full one is not swept each time
 * that somebody asks for more. */
static bool is_worth_sweeping(const nr_replay *replay, const nr_use *use)
{
    return use->clock >= replay->worth_sweeping_at &&
           (use->clock < replay->swept_at ||
            use->clock - SWEEP_EVERY >= replay->swept_at);
}

/* Makes room for one more of an application: at most half of the slots are taken. */
static nr_use_answer make_room(nr_replay *replay, uint32_t application,
                               const nr_use *use)
{
    bool crowded = replay->used * 2 >= replay->slot_count;
    bool full = replay->used >= replay->limit || share_is_full(replay, application);
    size_t count = replay->slot_count == 0 ? FIRST_SLOTS : replay->slot_count;
    if (full ? is_worth_sweeping(replay, use) : crowded) {
        if (!rebuild(replay, count, use))
            return NR_USE_FULL;
        replay->swept_at = use->clock;
        /* Mostly what was over made the crowd; the table grows only if it did not. */
        if (replay->used * 8 >= count * 3 && !rebuild(replay, count * 2, use))
            return NR_USE_FULL;
    }
    if (replay->used >= replay->limit)
        return NR_USE_FULL;
    return share_is_full(replay, application) ? NR_USE_SHARE_FULL : NR_USE_FIRST;
}

/* An application's number here: settings that are read anew number theirs anew. */
static uint32_t number_of(nr_replay *replay, const char *application)
{
    replay->applications.arena = &replay->arena;
    uint32_t number = nr_names_intern(&replay->applications, application,
                                      strlen(application));
    while (number != NR_NONE && replay->shares.count <= number) {
        size_t *share = nr_list_add(&replay->arena, &replay->shares);
        if (share == NULL)
            return NR_NONE;
        *share = 0;
    }
    return number;
}

static nr_use_answer use_locked(nr_replay *replay, const nr_used *wanted,
                                const nr_use *use)
{
    if (replay->slot_count != 0) {
        const nr_used *there = find_slot(replay->slots, replay->slot_count, wanted->id);
        bool same = there->taken && wanted->occasion != 0 &&
                    there->occasion == wanted->occasion &&
                    memcmp(there->token, wanted->token, ID_SIZE) == 0;
        if (same)
            return NR_USE_SAME_OCCASION;
        if (there->taken && !may_forget(there, use))
            return NR_USE_REPEATED;
    }
    nr_use_answer room = make_room(replay, wanted->application, use);
    if (room != NR_USE_FIRST)
        return room;
    nr_used *slot = find_slot(replay->slots, replay->slot_count, wanted->id);
    replay->used += slot->taken ? 0 : 1;
    replay->shares.items[wanted->application] += slot->taken ? 0 : 1;
    *slot = *wanted;
    if (wanted->keep_until < replay->worth_sweeping_at)
        replay->worth_sweeping_at = wanted->keep_until;
    return NR_USE_FIRST;
}

nr_use_answer nr_replay_use(nr_replay *replay, const nr_use *use)
{
    nr_used wanted = { .taken = true };
    if (!digest_use(replay, use, &wanted))
        return NR_USE_FULL;
    (void)pthread_mutex_lock(&replay->lock);
    nr_use_answer answer = NR_USE_FULL;
    wanted.application = number_of(replay, use->application);
    if (wanted.application != NR_NONE)
        answer = use_locked(replay, &wanted, use);
    (void)pthread_mutex_unlock(&replay->lock);
    return answer;
}

size_t nr_replay_count(nr_replay *replay)
{
    (void)pthread_mutex_lock(&replay->lock);
    size_t count = replay->used;
    (void)pthread_mutex_unlock(&replay->lock);
    return count;
}
