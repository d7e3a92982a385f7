/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is used and dropped as a whole.
 *
 * Allocating never fails half way: a failed allocation returns NULL and the
 * arena stays usable. Blocks grow geometrically; reset keeps the largest one,
 * so that a loop over requests soon stops asking the system for memory.
 */
#ifndef NR_ARENA_H
#define NR_ARENA_H

#include "base/base.h"

#include <stdarg.h>

typedef struct nr_arena_block nr_arena_block;

typedef struct nr_arena {
    nr_arena_block *blocks; /* the newest first */
    char *at;
    char *end;
} nr_arena;

/* An arena is zero-initialised: nr_arena arena = { 0 }; */
void nr_arena_finish(nr_arena *arena);
void nr_arena_reset(nr_arena *arena);

/* Zeroed memory, aligned for any type. NULL when out of memory. */
void *nr_arena_alloc(nr_arena *arena, size_t size);
/* The same for an array; NULL also when count x size overflows. */
void *nr_arena_array(nr_arena *arena, size_t count, size_t size);
/* Copies of text, NUL-terminated. */
char *nr_arena_copy(nr_arena *arena, const char *text, size_t size);
char *nr_arena_string(nr_arena *arena, const char *text); /* NULL gives NULL */
char *nr_arena_format(nr_arena *arena, const char *format, ...) NR_PRINTF(2, 3);
char *nr_arena_format_v(nr_arena *arena, const char *format, va_list arguments)
    NR_PRINTF(2, 0);

#define nr_arena_new(arena, type) ((type *)nr_arena_alloc((arena), sizeof(type)))
#define nr_arena_new_array(arena, count, type) \
    ((type *)nr_arena_array((arena), (count), sizeof(type)))

/*
 * A growing array inside an arena: a struct with `items`, `count`, `room`.
 *
 *   struct { nr_role *items; size_t count, room; } roles;
 *   nr_role *role = nr_list_add(arena, &roles);      // zeroed; NULL: no memory
 */
#define nr_list_add(arena, list)                                                      \
    (nr_arena_reserve((arena), (void **)&(list)->items, (list)->count, &(list)->room, \
                      sizeof(*(list)->items))                                         \
         ? &(list)->items[(list)->count++]                                            \
         : NULL)
bool nr_arena_reserve(nr_arena *arena, void **items, size_t count, size_t *room,
                      size_t size);

#endif
