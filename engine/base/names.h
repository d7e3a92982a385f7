/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interning: each text gets a number, counted from 0 in the order of arrival,
 * and keeps it. Texts and buckets live in the arena given.
 */
#ifndef NR_NAMES_H
#define NR_NAMES_H

#include "base/arena.h"

typedef struct nr_names {
    nr_arena *arena;
    const char **texts; /* by number */
    uint32_t count;
    uint32_t *buckets; /* number + 1; 0: empty */
    uint32_t bucket_count;
} nr_names;

/* A table is set up by naming its arena: nr_names names = { .arena = &arena }; */

/* The text's number, given now if it is new; NR_NONE when out of memory. */
uint32_t nr_names_intern(nr_names *names, const char *text, size_t size);
/* The text's number; NR_NONE if it never came. */
uint32_t nr_names_find(const nr_names *names, const char *text, size_t size);

#endif
