/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes. FNV-1a finds names in tables; the checksum finds damage in a file.
 * Neither protects against an adversary: nr_sha256 names a policy for that.
 */
#ifndef NR_HASH_H
#define NR_HASH_H

#include "base/base.h"

static inline uint32_t nr_hash_name(const char *text, size_t size)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash;
}

/* 64 bits over the bytes, eight at a time; any one changed word changes it. */
uint64_t nr_checksum(const void *bytes, size_t size);

/* SHA-256 (FIPS 180-4). */
enum { NR_SHA256_SIZE = 32 };
void nr_sha256(const void *bytes, size_t size, uint8_t digest[NR_SHA256_SIZE]);

#endif
