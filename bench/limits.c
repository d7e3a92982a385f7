/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no engine can beat: the bare steps of a decision on the same data.
 *
 *   loop       reads a request and writes an answer
 *   bit        and tests the bit of the user's row, both in hand
 *   code-bit   finds the 5-byte code by one hash, then tests the bit
 *   text-bit   finds the user by one hash, the code by another, then tests the bit
 */
#include "contender.h"

#include <stdlib.h>
#include <string.h>

enum { CODE_BYTES = 5 };

/* A request as each limit is given it: what it may know beforehand, in hand. */
typedef struct prepared {
    const uint64_t *row;
    uint32_t bit;
} prepared;

typedef struct by_code {
    const uint64_t *row;
    char code[BENCH_CODE_SIZE];
} by_code;

typedef struct by_text {
    char user[BENCH_ID_SIZE];
    char code[BENCH_CODE_SIZE];
} by_text;

/* Open addressing, at most a quarter full, so that the first place is nearly always
 * the right one; a key is up to 12 bytes as two words. */
typedef struct slot {
    uint64_t low;
    uint32_t high;
    uint32_t value;
} slot;

typedef struct hash {
    slot *slots;
    unsigned shift; /* 64 less the bits of the slots' number */
} hash;

typedef struct limit {
    const bench_workload *workload;
    prepared *prepared;
    by_code *by_code;
    by_text *by_text;
    hash codes, users;
} limit;

/* ---- Hashes ----------------------------------------------------------------------- */

#define NOBODY UINT32_MAX

static inline uint64_t mix(uint64_t low, uint32_t high)
{
    return (low ^ (uint64_t)high << 29) * UINT64_C(0x9e3779b97f4a7c15);
}

static hash hash_new(uint32_t count)
{
    hash made = { .shift = 64 - 4 };
    while (UINT64_C(1) << (64 - made.shift) < (uint64_t)count * 4)
        made.shift--;
    size_t slots = (size_t)1 << (64 - made.shift);
    made.slots = bench_new(slots, sizeof(slot));
    for (size_t i = 0; i < slots; i++)
        made.slots[i].value = NOBODY;
    return made;
}

static inline slot *hash_find(const hash *h, uint64_t low, uint32_t high)
{
    size_t mask = ((size_t)1 << (64 - h->shift)) - 1;
    size_t at = mix(low, high) >> h->shift;
    while (h->slots[at].value != NOBODY &&
           (h->slots[at].low != low || h->slots[at].high != high))
        at = (at + 1) & mask;
    return &h->slots[at];
}

/* One load; what is behind the code's 5 bytes does not count. */
static inline uint64_t key_of_code(const char code[BENCH_CODE_SIZE])
{
    uint64_t low;
    memcpy(&low, code, sizeof(low));
    return low & ((UINT64_C(1) << 8 * CODE_BYTES) - 1);
}

static inline uint64_t key_of_id(const char *id, uint32_t *high)
{
    uint64_t low;
    memcpy(&low, id, sizeof(low));
    memcpy(high, id + sizeof(low), sizeof(*high));
    return low;
}

/* ---- Starting --------------------------------------------------------------------- */

static limit *limit_new(const bench_workload *w)
{
    limit *l = bench_new(1, sizeof(*l));
    l->workload = w;
    return l;
}

/* Names of functions are longer than a code: these limits are of codes alone. */
static bool has_longer_names(const bench_workload *w)
{
    return w->function_count > 0;
}

static void index_codes(limit *l)
{
    const bench_workload *w = l->workload;
    l->codes = hash_new(w->activity_count);
    for (uint32_t a = 0; a < w->activity_count; a++) {
        uint64_t key = key_of_code(w->activities[a].code);
        *hash_find(&l->codes, key, 0) = (slot){ key, 0, a };
    }
}

static void *start_bit(const bench_workload *w, const char *image)
{
    (void)image;
    limit *l = limit_new(w);
    l->prepared = bench_new(w->request_count, sizeof(*l->prepared));
    for (uint32_t i = 0; i < w->request_count; i++)
        l->prepared[i] = (prepared){ bench_row(w, w->requests[i].user),
                                     w->requests[i].activity };
    return l;
}

static void *start_code(const bench_workload *w, const char *image)
{
    (void)image;
    if (has_longer_names(w))
        return NULL;
    limit *l = limit_new(w);
    index_codes(l);
    l->by_code = bench_new(w->request_count, sizeof(*l->by_code));
    for (uint32_t i = 0; i < w->request_count; i++) {
        l->by_code[i].row = bench_row(w, w->requests[i].user);
        memcpy(l->by_code[i].code, w->activities[w->requests[i].activity].code,
               BENCH_CODE_SIZE);
    }
    return l;
}

static void *start_text(const bench_workload *w, const char *image)
{
    (void)image;
    if (has_longer_names(w))
        return NULL;
    limit *l = limit_new(w);
    index_codes(l);
    l->users = hash_new(w->user_count);
    for (uint32_t u = 0; u < w->user_count; u++) {
        uint32_t high;
        uint64_t low = key_of_id(w->users[u].id, &high);
        *hash_find(&l->users, low, high) = (slot){ low, high, u };
    }
    l->by_text = bench_new(w->request_count, sizeof(*l->by_text));
    for (uint32_t i = 0; i < w->request_count; i++) {
        const bench_request *request = &w->requests[i];
        memcpy(l->by_text[i].user, w->users[request->user].id, BENCH_ID_SIZE);
        memcpy(l->by_text[i].code, w->activities[request->activity].code,
               BENCH_CODE_SIZE);
    }
    return l;
}

/* ---- Asking ----------------------------------------------------------------------- */

static void ask_loop(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const prepared *requests = ((limit *)state)->prepared + from;
    for (uint32_t i = 0; i < count; i++)
        answers[i] = (uint8_t)(((uintptr_t)requests[i].row ^ requests[i].bit) & 1);
}

static void ask_bit(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const prepared *requests = ((limit *)state)->prepared + from;
    for (uint32_t i = 0; i < count; i++)
        answers[i] = bench_has(requests[i].row, requests[i].bit);
}

/* The code's number; the first activity's for a code that nobody knows. */
static inline uint32_t number_of(const hash *codes, const char *code)
{
    uint32_t number = hash_find(codes, key_of_code(code), 0)->value;
    return number == NOBODY ? 0 : number;
}

static void ask_code(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const limit *l = state;
    const by_code *requests = l->by_code + from;
    for (uint32_t i = 0; i < count; i++)
        answers[i] = bench_has(requests[i].row, number_of(&l->codes, requests[i].code));
}

static void ask_text(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const limit *l = state;
    const by_text *requests = l->by_text + from;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t high;
        uint64_t low = key_of_id(requests[i].user, &high);
        uint32_t user = hash_find(&l->users, low, high)->value;
        answers[i] = user != NOBODY &&
                     bench_has(bench_row(l->workload, user),
                               number_of(&l->codes, requests[i].code));
    }
}

static void finish(void *state)
{
    limit *l = state;
    free(l->prepared);
    free(l->by_code);
    free(l->by_text);
    free(l->codes.slots);
    free(l->users.slots);
    free(l);
}

const bench_contender bench_limits[] = {
    { "check", "limit: loop alone", start_bit, ask_loop, finish, 0, true },
    { "check", "limit: bit", start_bit, ask_bit, finish, 0, false },
    { "check by name", "limit: code, bit", start_code, ask_code, finish, 0, false },
    { "check by texts", "limit: user, code, bit", start_text, ask_text, finish, 0,
      false },
    { 0 },
};
