/* SPDX-License-Identifier: Apache-2.0 */
#include "share/ring.h"

#include <string.h>

#define SHUT (UINT64_C(1) << 63) /* in `reserved` */
#define CONTINUES \
    (UINT64_C(1) << 63) /* in a turn: an entry goes on here, none begins */

enum {
    WORD = sizeof(uint64_t),
    FIRST_BYTES = (NR_RING_WORDS - 1) * WORD,
    MORE_BYTES = NR_RING_WORDS * WORD,
};

static uint64_t places_of(size_t size)
{
    if (size <= FIRST_BYTES)
        return 1;
    return 1 + (size - FIRST_BYTES + MORE_BYTES - 1) / MORE_BYTES;
}

static nr_ring_cell *cell_of(nr_ring *ring, uint64_t place)
{
    return &ring->cells[place % NR_RING_PLACES];
}

void nr_ring_make(nr_ring *ring)
{
    memcpy(ring->magic, NR_RING_MAGIC, sizeof(ring->magic));
    ring->version = NR_RING_VERSION;
    ring->size = sizeof(*ring);
}

bool nr_ring_is_ring(const void *bytes, size_t size)
{
    const nr_ring *ring = bytes;
    return size == sizeof(*ring) && (uintptr_t)bytes % 8 == 0 &&
           memcmp(ring->magic, NR_RING_MAGIC, sizeof(ring->magic)) == 0 &&
           ring->version == NR_RING_VERSION && ring->size == sizeof(*ring);
}

/* ---- Writing ------------------------------------------------------------------------ */

/* What is looked at is looked at again by the exchange: if nobody has reserved meanwhile,
 * these places are still free, and what is referred to is still as near. */
static nr_ring_put reserve(nr_ring *ring, uint64_t places, uint64_t refers,
                           uint64_t *out)
{
    uint64_t place = atomic_load_explicit(&ring->reserved, memory_order_relaxed);
    do {
        if ((place & SHUT) != 0)
            return NR_RING_SHUT;
        if (refers != 0 && place - (refers - 1) > NR_RING_PENDING)
            return NR_RING_FORGOTTEN;
        uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
        if ((int64_t)(place + places - taken) > NR_RING_PENDING)
            return NR_RING_FULL;
    } while (!atomic_compare_exchange_weak_explicit(
        &ring->reserved, &place, place + places, memory_order_relaxed,
        memory_order_relaxed));
    *out = place;
    return NR_RING_PUT;
}

/* So many words from the bytes on; what is beyond their end is zero. */
static void write_words(_Atomic uint64_t *words, size_t room, const uint8_t *bytes,
                        size_t size)
{
    for (size_t i = 0; i < room && size > 0; i++) {
        uint64_t word = 0;
        size_t part = size < WORD ? size : WORD;
        if (part == WORD)
            memcpy(&word, bytes, WORD);
        else
            memcpy(&word, bytes, part);
        atomic_store_explicit(&words[i], word, memory_order_relaxed);
        bytes += part;
        size -= part;
    }
}

nr_ring_put nr_ring_write(nr_ring *ring, const void *bytes, size_t size,
                          uint64_t refers, uint64_t *place)
{
    const uint8_t *at = bytes;
    if (size == 0 || size > NR_RING_ENTRY_MAX)
        return NR_RING_TOO_LARGE;
    uint64_t places = places_of(size);
    nr_ring_put reserved = reserve(ring, places, refers, place);
    if (reserved != NR_RING_PUT)
        return reserved;
    nr_ring_cell *first = cell_of(ring, *place);
    atomic_store_explicit(&first->words[0], size, memory_order_relaxed);
    write_words(first->words + 1, NR_RING_WORDS - 1, at, size);
    for (uint64_t i = 1; i < places; i++) {
        size_t done = FIRST_BYTES + (size_t)(i - 1) * MORE_BYTES;
        nr_ring_cell *cell = cell_of(ring, *place + i);
        write_words(cell->words, NR_RING_WORDS, at + done, size - done);
        atomic_store_explicit(&cell->turn, (*place + i + 1) | CONTINUES,
                              memory_order_relaxed);
    }
    atomic_store_explicit(&first->turn, *place + 1, memory_order_release);
    return NR_RING_PUT;
}

bool nr_ring_has_taken(const nr_ring *ring, uint64_t place)
{
    return (int64_t)(atomic_load_explicit(&ring->taken, memory_order_acquire) - place) >
           0;
}

bool nr_ring_is_refused(const nr_ring *ring)
{
    return atomic_load_explicit(&ring->refused, memory_order_relaxed) != 0;
}

/* ---- Moving -------------------------------------------------------------------------- */

void nr_ring_begin(nr_ring *ring)
{
    atomic_store_explicit(&ring->begun, 1, memory_order_release);
}

void nr_ring_shut(nr_ring *ring)
{
    (void)atomic_fetch_or_explicit(&ring->reserved, SHUT, memory_order_relaxed);
}

bool nr_ring_is_settled(const nr_ring *ring)
{
    uint64_t place = atomic_load_explicit(&ring->taken, memory_order_acquire);
    uint64_t end = atomic_load_explicit(&ring->reserved, memory_order_relaxed) & ~SHUT;
    while (place < end) {
        const nr_ring_cell *cell = &ring->cells[place % NR_RING_PLACES];
        if (atomic_load_explicit(&cell->turn, memory_order_acquire) != place + 1)
            return false;
        place += places_of(
            (size_t)atomic_load_explicit(&cell->words[0], memory_order_relaxed));
    }
    return true;
}

void nr_ring_copy(nr_ring *fresh, const nr_ring *ring)
{
    uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
    for (size_t i = 0; i < NR_RING_PLACES; i++) {
        const nr_ring_cell *from = &ring->cells[i];
        nr_ring_cell *to = &fresh->cells[i];
        for (size_t w = 0; w < NR_RING_WORDS; w++) {
            uint64_t word = atomic_load_explicit(&from->words[w], memory_order_relaxed);
            atomic_store_explicit(&to->words[w], word, memory_order_relaxed);
        }
        uint64_t turn = atomic_load_explicit(&from->turn, memory_order_relaxed);
        atomic_store_explicit(&to->turn, turn, memory_order_relaxed);
    }
    atomic_store_explicit(&fresh->reserved,
                          atomic_load_explicit(&ring->reserved, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&fresh->taken, taken, memory_order_relaxed);
    atomic_store_explicit(&fresh->begun, taken + 1, memory_order_release);
}

void nr_ring_reopen(nr_ring *ring)
{
    (void)atomic_fetch_and_explicit(&ring->reserved, ~SHUT, memory_order_release);
}

/* ---- Taking --------------------------------------------------------------------------- */

bool nr_ring_has_begun(const nr_ring *ring, uint64_t *place)
{
    uint64_t begun = atomic_load_explicit(&ring->begun, memory_order_acquire);
    *place = begun - 1;
    return begun != 0 && (*place & SHUT) == 0;
}

uint64_t nr_ring_reserved_from(const nr_ring *ring, uint64_t place)
{
    return (atomic_load_explicit(&ring->reserved, memory_order_relaxed) & ~SHUT) -
           place;
}

static void read_words(const _Atomic uint64_t *words, size_t room, uint8_t *to,
                       size_t size)
{
    for (size_t i = 0; i < room && size > 0; i++) {
        uint64_t word = atomic_load_explicit(&words[i], memory_order_relaxed);
        size_t part = size < WORD ? size : WORD;
        memcpy(to, &word, part);
        to += part;
        size -= part;
    }
}

nr_ring_look nr_ring_read(const nr_ring *ring, uint64_t place, uint8_t *to,
                          size_t *size, uint64_t *places)
{
    const nr_ring_cell *first = &ring->cells[place % NR_RING_PLACES];
    if (atomic_load_explicit(&first->turn, memory_order_acquire) != place + 1)
        return NR_RING_UNPUBLISHED;
    uint64_t told = atomic_load_explicit(&first->words[0], memory_order_relaxed);
    if (told == 0 || told > NR_RING_ENTRY_MAX)
        return NR_RING_SPOILED;
    *size = (size_t)told;
    *places = places_of(*size);
    read_words(first->words + 1, NR_RING_WORDS - 1, to, *size);
    for (uint64_t i = 1; i < *places; i++) {
        size_t done = FIRST_BYTES + (size_t)(i - 1) * MORE_BYTES;
        const nr_ring_cell *cell = &ring->cells[(place + i) % NR_RING_PLACES];
        if (atomic_load_explicit(&cell->turn, memory_order_relaxed) !=
            ((place + i + 1) | CONTINUES))
            return NR_RING_SPOILED;
        read_words(cell->words, NR_RING_WORDS, to + done, *size - done);
    }
    return NR_RING_ENTRY;
}

void nr_ring_give_back(nr_ring *ring, uint64_t place)
{
    atomic_store_explicit(&ring->taken, place, memory_order_release);
}

void nr_ring_refuse(nr_ring *ring)
{
    atomic_store_explicit(&ring->refused, 1, memory_order_relaxed);
}
