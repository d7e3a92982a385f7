/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of bits, a fixed number of 64-bit words each. Bit n of a row is bit
 * n % 64 of word n / 64. Used mostly to unite rows, rarely bit by bit.
 */
#ifndef NR_BITS_H
#define NR_BITS_H

#include "base/base.h"

static inline uint32_t nr_bits_words(uint32_t bits)
{
    return (bits + 63) / 64;
}

static inline bool nr_bits_has(const uint64_t *row, uint32_t bit)
{
    return (row[bit / 64] >> (bit % 64) & 1) != 0;
}

static inline void nr_bits_add(uint64_t *row, uint32_t bit)
{
    row[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static inline void nr_bits_drop(uint64_t *row, uint32_t bit)
{
    row[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}

static inline void nr_bits_unite(uint64_t *row, const uint64_t *other, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        row[i] |= other[i];
}

static inline void nr_bits_without(uint64_t *row, const uint64_t *other, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        row[i] &= ~other[i];
}

static inline uint32_t nr_bits_count(const uint64_t *row, uint32_t words)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < words; i++)
        count += (uint32_t)__builtin_popcountll(row[i]);
    return count;
}

/* The first bit at or after `from` that is set; NR_NONE if there is none. */
static inline uint32_t nr_bits_next(const uint64_t *row, uint32_t words, uint32_t from)
{
    uint32_t word = from / 64;
    if (word >= words)
        return NR_NONE;
    uint64_t rest = row[word] & (UINT64_MAX << (from % 64));
    while (rest == 0) {
        if (++word == words)
            return NR_NONE;
        rest = row[word];
    }
    return word * 64 + (uint32_t)__builtin_ctzll(rest);
}

#endif
