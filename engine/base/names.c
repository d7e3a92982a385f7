/* SPDX-License-Identifier: Apache-2.0 */
#include "base/names.h"

#include "base/hash.h"

#include <string.h>

enum { FIRST_BUCKETS = 64 };

/* The bucket that holds the text, or the empty one where it belongs. */
static uint32_t *bucket_of(const nr_names *names, const char *text, size_t size)
{
    uint32_t mask = names->bucket_count - 1;
    for (uint32_t i = nr_hash_name(text, size);; i++) {
        uint32_t *bucket = &names->buckets[i & mask];
        if (*bucket == 0)
            return bucket;
        const char *there = names->texts[*bucket - 1];
        if (strlen(there) == size && memcmp(there, text, size) == 0)
            return bucket;
    }
}

/* Doubles the buckets; texts has one place for each half of them. */
static bool grow(nr_names *names)
{
    uint32_t count = names->bucket_count == 0 ? FIRST_BUCKETS : names->bucket_count * 2;
    uint32_t *buckets = nr_arena_new_array(names->arena, count, uint32_t);
    const char **texts = nr_arena_new_array(names->arena, count / 2, const char *);
    if (buckets == NULL || texts == NULL)
        return false;
    if (names->count != 0)
        memcpy(texts, names->texts, names->count * sizeof(*texts));
    names->texts = texts;
    names->buckets = buckets;
    names->bucket_count = count;
    for (uint32_t n = 0; n < names->count; n++)
        *bucket_of(names, texts[n], strlen(texts[n])) = n + 1;
    return true;
}

uint32_t nr_names_intern(nr_names *names, const char *text, size_t size)
{
    uint32_t found = nr_names_find(names, text, size);
    if (found != NR_NONE)
        return found;
    if (names->count >= names->bucket_count / 2 && !grow(names))
        return NR_NONE;
    char *copy = nr_arena_copy(names->arena, text, size);
    if (copy == NULL)
        return NR_NONE;
    names->texts[names->count] = copy;
    *bucket_of(names, text, size) = names->count + 1;
    return names->count++;
}

uint32_t nr_names_find(const nr_names *names, const char *text, size_t size)
{
    if (names->bucket_count == 0)
        return NR_NONE;
    uint32_t bucket = *bucket_of(names, text, size);
    return bucket == 0 ? NR_NONE : bucket - 1;
}
