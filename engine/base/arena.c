/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BLOCK = 4096,
    LARGEST_STEP = 1 << 20, /* growth stops doubling here, so that waste is bounded */
    ALIGNMENT = alignof(max_align_t),
};

struct nr_arena_block {
    nr_arena_block *next;
    size_t size;
    alignas(max_align_t) char bytes[];
};

void nr_arena_finish(nr_arena *arena)
{
    for (nr_arena_block *block = arena->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    *arena = (nr_arena){ 0 };
}

void nr_arena_reset(nr_arena *arena)
{
    nr_arena_block *largest = arena->blocks;
    for (nr_arena_block *block = arena->blocks; block != NULL; block = block->next)
        if (block->size > largest->size)
            largest = block;
    for (nr_arena_block *block = arena->blocks, *next; block != NULL; block = next) {
        next = block->next;
        if (block != largest)
            free(block);
    }
    *arena = (nr_arena){ 0 };
    if (largest == NULL)
        return;
    largest->next = NULL;
    arena->blocks = largest;
    arena->at = largest->bytes;
    arena->end = largest->bytes + largest->size;
}

static bool add_block(nr_arena *arena, size_t need)
{
    size_t size = FIRST_BLOCK;
    if (arena->blocks != NULL)
        size = arena->blocks->size < LARGEST_STEP ? arena->blocks->size * 2
                                                  : LARGEST_STEP;
    if (size < need)
        size = need;
    nr_arena_block *block = malloc(sizeof(*block) + size);
    if (block == NULL)
        return false;
    block->next = arena->blocks;
    block->size = size;
    arena->blocks = block;
    arena->at = block->bytes;
    arena->end = block->bytes + size;
    return true;
}

static void *take(nr_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if ((size_t)(arena->end - arena->at) < size || arena->at == NULL)
        if (!add_block(arena, size))
            return NULL;
    void *memory = arena->at;
    arena->at += size;
    return memory;
}

void *nr_arena_alloc(nr_arena *arena, size_t size)
{
    void *memory = take(arena, size);
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void *nr_arena_array(nr_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / 2 / size)
        return NULL;
    return nr_arena_alloc(arena, count * size);
}

char *nr_arena_copy(nr_arena *arena, const char *text, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = take(arena, size + 1);
    if (copy == NULL)
        return NULL;
    if (size != 0)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

char *nr_arena_string(nr_arena *arena, const char *text)
{
    return text == NULL ? NULL : nr_arena_copy(arena, text, strlen(text));
}

char *nr_arena_format_v(nr_arena *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    char *text = size < 0 ? NULL : take(arena, (size_t)size + 1);
    if (text != NULL)
        (void)vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

char *nr_arena_format(nr_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = nr_arena_format_v(arena, format, arguments);
    va_end(arguments);
    return text;
}

bool nr_arena_reserve(nr_arena *arena, void **items, size_t count, size_t *room,
                      size_t size)
{
    if (count < *room)
        return true;
    size_t larger = *room == 0 ? 8 : *room * 2;
    void *moved = nr_arena_array(arena, larger, size);
    if (moved == NULL)
        return false;
    if (count != 0)
        memcpy(moved, *items, count * size);
    *items = moved;
    *room = larger;
    return true;
}
