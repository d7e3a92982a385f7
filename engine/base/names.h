/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interning: each text gets a number, counted from 0 in the order of arrival,
 * and keeps it. Texts and index live in the arena given.
 *
 * One thread at a time interns; meanwhile any number of threads may find, without a
 * lock. That is safe since nothing that a finder can reach ever changes or goes away:
 *
 *   a place of the index is written once, its key last (release), and a finder reads
 *   the key first (acquire): whoever sees a key sees its number and its text;
 *   a larger index is complete before it is published (release); those who still
 *   search the smaller one find what was there when they began.
 *
 * So a finder misses at most what is being interned at the same time.
 */
#ifndef NR_NAMES_H
#define NR_NAMES_H

#include "base/arena.h"
#include "base/hash.h"

#include <stdatomic.h>

/* A text of up to NR_PACKED_SIZE_MAX bytes is its own key. The key of a longer one is
 * its hash with the highest bit set, and the text is compared. */
typedef struct nr_name_place {
    _Atomic uint64_t key; /* 0: empty */
    uint32_t number;
    uint32_t size;
} nr_name_place;

typedef struct nr_name_index {
    uint32_t shift;     /* of nr_spread */
    uint32_t mask;      /* a power of two places, at least twice the texts, less one */
    const char **texts; /* by number; room for half as many as places */
    nr_name_place places[];
} nr_name_index;

typedef struct nr_names {
    nr_arena *arena;
    const char **texts; /* by number; for whoever interns */
    uint32_t count;
    _Atomic(nr_name_index *) index; /* NULL: no text yet */
} nr_names;

/* A table is set up by naming its arena: nr_names names = { .arena = &arena }; */

/* The text's number, given now if it is new; NR_NONE when out of memory. */
uint32_t nr_names_intern(nr_names *names, const char *text, size_t size);

/* The text's number; NR_NONE if it never came. For any thread. */
uint32_t nr_names_find(const nr_names *names, const char *text, size_t size);

#endif
