/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slabs: memory for many things of one kind, each in two parts.
 *
 * Whatever is read often, and at random, costs what it costs to bring its memory in. So
 * it stands in a *front*, which begins a cache line, and the fronts of a slab lie side by
 * side with nothing between; whatever is seldom needed stands in a *back*, elsewhere. A
 * front finds its slab by its address, and its back by the slab.
 *
 * A place given back is taken again before a new one. A slab without anybody is freed
 * unless no other has room: so whoever opens and closes all the time asks for no memory,
 * and many who come and go leave none behind.
 *
 * One thread at a time takes and gives; any may look for the slab and the back of a front
 * that is its own.
 */
#ifndef NR_SLAB_H
#define NR_SLAB_H

#include "base/base.h"

enum {
    NR_SLAB_SIZE = 32768, /* and its alignment; only a single large front takes more */
    NR_LINE_SIZE = 64,
};

typedef struct nr_slab nr_slab;
struct nr_slab {
    void *owner;
    nr_slab *next, **link; /* in nr_slabs.open; NULL link: it is not there */
    char *backs;
    void *returned; /* the front given back last, whose back begins with the next one */
    uint32_t front_size, back_size;
    uint32_t count; /* of places */
    uint32_t fresh; /* those from this one on were never taken */
    uint32_t taken; /* how many are now */
};

/* Set up by naming owner and back size, which is at least a pointer's. */
typedef struct nr_slabs {
    void *owner; /* for whoever has a front alone */
    uint32_t back_size;
    uint32_t front_size; /* of those to be taken; never shrinks */
    nr_slab *open;       /* those of this size that have room */
} nr_slabs;

/* The front of a place, of at least this size; both parts are as they were left. NULL:
 * out of memory. */
void *nr_slabs_take(nr_slabs *slabs, size_t front_size);
void nr_slabs_give(nr_slabs *slabs, void *front);
/* Once everything has been given back. */
void nr_slabs_finish(nr_slabs *slabs);

/* What a front of this size takes: an odd number of lines, since with an even one the
 * first lines of all, which are read most, would share half of a cache's sets. */
static inline size_t nr_slab_front_size(size_t size)
{
    return ((size + NR_LINE_SIZE - 1) / NR_LINE_SIZE | 1) * NR_LINE_SIZE;
}

static inline size_t nr_slab_offset(const void *front)
{
    return (uintptr_t)front & (NR_SLAB_SIZE - 1);
}

static inline const nr_slab *nr_slab_of(const void *front)
{
    return (const void *)((const char *)front - nr_slab_offset(front));
}

static inline void *nr_slab_back(const void *front)
{
    const nr_slab *slab = nr_slab_of(front);
    uint32_t place = (uint32_t)(nr_slab_offset(front) - sizeof(*slab)) /
                     slab->front_size;
    return slab->backs + (size_t)place * slab->back_size;
}

#endif
