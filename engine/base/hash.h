/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes. FNV-1a finds names in tables, and is part of their form; texts in memory
 * are found by words of eight bytes; the checksum finds damage in a file. None of
 * them protects against an adversary: nr_sha256 names a policy for that.
 */
#ifndef NR_HASH_H
#define NR_HASH_H

#include "base/base.h"

#include <string.h>

static inline uint32_t nr_read_u32_le(const void *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

static inline uint64_t nr_read_u64_le(const void *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint32_t nr_hash_name(const char *text, size_t size)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash;
}

/* The same of a text that ends with its NUL. */
static inline uint32_t nr_hash_string(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

/* A text of up to 7 bytes as a number of its own, never 0: the bytes from the lowest
 * up, and the size in the highest. Nothing outside the text is read; from 4 bytes on
 * by two reads that may overlap, and agree where they do. */
enum { NR_PACKED_SIZE_MAX = 7 };
static inline uint64_t nr_pack(const char *text, size_t size)
{
    uint64_t packed = (uint64_t)(size + 1) << 56;
    if (size >= 4)
        return packed | nr_read_u32_le(text) |
               (uint64_t)nr_read_u32_le(text + size - 4) << (8 * (size - 4));
    for (size_t i = 0; i < size; i++)
        packed |= (uint64_t)(unsigned char)text[i] << (8 * i);
    return packed;
}

/* Spreads a number over a table of 2^(64 - shift) places: by the upper bits of a
 * product, which all of the number's bits reach. Of the factors tried on runs of
 * activity codes, those of the national policy, codes drawn by chance and names that
 * differ in their last letter, this one leaves the fewest in each other's way: at most
 * 0.3 a search in a table that is half full. */
static inline uint64_t nr_spread(uint64_t number, unsigned shift)
{
    return number * UINT64_C(0xa0761d6478bd642f) >> shift;
}

/* The shift for a power of two places, at least two. */
static inline unsigned nr_spread_shift(uint64_t places)
{
    return 64 - (unsigned)__builtin_ctzll(places);
}

/* 64 bits over a text of at least 8 bytes, a word at a time. */
static inline uint64_t nr_hash_text(const char *text, size_t size)
{
    uint64_t hash = size;
    for (size_t at = 0; at + 8 < size; at += 8) {
        hash = (hash ^ nr_read_u64_le(text + at)) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    return (hash ^ nr_read_u64_le(text + size - 8)) * UINT64_C(0xc4ceb9fe1a85ec53);
}

/* 64 bits over the bytes, eight at a time; any one changed word changes it. */
uint64_t nr_checksum(const void *bytes, size_t size);

/* SHA-256 (FIPS 180-4). */
enum { NR_SHA256_SIZE = 32 };
void nr_sha256(const void *bytes, size_t size, uint8_t digest[NR_SHA256_SIZE]);

#endif
