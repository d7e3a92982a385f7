/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* posix_memalign */
#include "api/slab.h"

#include <stdlib.h>

/* What malloc itself needs behind a slab, so that the next one follows it closely. */
enum { SLAB_ROOM = NR_SLAB_SIZE - NR_LINE_SIZE - (int)sizeof(nr_slab) };

_Static_assert(sizeof(nr_slab) == NR_LINE_SIZE, "fronts begin cache lines");

static void enlist(nr_slabs *slabs, nr_slab *slab)
{
    slab->link = &slabs->open;
    slab->next = slabs->open;
    if (slab->next != NULL)
        slab->next->link = &slab->next;
    slabs->open = slab;
}

static void delist(nr_slab *slab)
{
    *slab->link = slab->next;
    if (slab->next != NULL)
        slab->next->link = slab->link;
    slab->link = NULL;
}

static void discard(nr_slab *slab)
{
    free(slab->backs);
    free(slab);
}

static nr_slab *add(nr_slabs *slabs)
{
    uint32_t count = slabs->front_size < SLAB_ROOM ? SLAB_ROOM / slabs->front_size : 1;
    size_t size = sizeof(nr_slab) + (size_t)count * slabs->front_size;
    void *memory = NULL;
    void *backs = NULL;
    if (posix_memalign(&memory, NR_SLAB_SIZE, size) != 0)
        return NULL;
    if (posix_memalign(&backs, NR_LINE_SIZE, (size_t)count * slabs->back_size) != 0) {
        free(memory);
        return NULL;
    }
    nr_slab *slab = memory;
    *slab = (nr_slab){
        .owner = slabs->owner,
        .backs = backs,
        .front_size = slabs->front_size,
        .back_size = slabs->back_size,
        .count = count,
    };
    enlist(slabs, slab);
    return slab;
}

/* From here on larger ones are taken. Those of the last size are closed: what is given
 * back to them is not taken again. */
static void enlarge(nr_slabs *slabs, uint32_t front_size)
{
    slabs->front_size = front_size;
    for (nr_slab *slab = slabs->open, *next; slab != NULL; slab = next) {
        next = slab->next;
        delist(slab);
        if (slab->taken == 0)
            discard(slab);
    }
}

void *nr_slabs_take(nr_slabs *slabs, size_t front_size)
{
    if (front_size > UINT32_MAX / 2)
        return NULL;
    if (front_size > slabs->front_size)
        enlarge(slabs, (uint32_t)nr_slab_front_size(front_size));
    nr_slab *slab = slabs->open != NULL ? slabs->open : add(slabs);
    if (slab == NULL)
        return NULL;
    void *front = slab->returned;
    if (front != NULL)
        slab->returned = *(void **)nr_slab_back(front);
    else
        front = (char *)(slab + 1) + (size_t)slab->fresh++ * slab->front_size;
    if (++slab->taken == slab->count)
        delist(slab);
    return front;
}

void nr_slabs_give(nr_slabs *slabs, void *front)
{
    nr_slab *slab = (void *)((char *)front - nr_slab_offset(front));
    *(void **)nr_slab_back(front) = slab->returned;
    slab->returned = front;
    slab->taken--;
    if (slab->link == NULL && slab->front_size == slabs->front_size)
        enlist(slabs, slab);
    bool needed = slab->link != NULL && slabs->open == slab && slab->next == NULL;
    if (slab->taken != 0 || needed)
        return;
    if (slab->link != NULL)
        delist(slab);
    discard(slab);
}

void nr_slabs_finish(nr_slabs *slabs)
{
    enlarge(slabs, 0);
}
