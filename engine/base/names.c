/* SPDX-License-Identifier: Apache-2.0 */
#include "base/names.h"

enum { FIRST_PLACES = 64 };

static uint64_t key_of(const char *text, size_t size)
{
    return size <= NR_PACKED_SIZE_MAX ? nr_pack(text, size)
                                      : nr_hash_text(text, size) | UINT64_C(1) << 63;
}

uint32_t nr_names_find(const nr_names *names, const char *text, size_t size)
{
    const nr_name_index *index = atomic_load_explicit(&names->index,
                                                      memory_order_acquire);
    if (index == NULL)
        return NR_NONE;
    uint64_t wanted = key_of(text, size);
    for (uint64_t i = nr_spread(wanted, index->shift);; i = (i + 1) & index->mask) {
        const nr_name_place *place = &index->places[i];
        uint64_t key = atomic_load_explicit(&place->key, memory_order_acquire);
        if (key == 0)
            return NR_NONE;
        if (key == wanted && place->size == size &&
            (size <= NR_PACKED_SIZE_MAX ||
             memcmp(index->texts[place->number], text, size) == 0))
            return place->number;
    }
}

/* Puts what is not there into the first empty place of its search. The key comes
 * last: from then on the place is found. */
static void put(nr_name_index *index, uint64_t key, uint32_t number, uint32_t size)
{
    uint64_t i = nr_spread(key, index->shift);
    while (atomic_load_explicit(&index->places[i].key, memory_order_relaxed) != 0)
        i = (i + 1) & index->mask;
    index->places[i].number = number;
    index->places[i].size = size;
    atomic_store_explicit(&index->places[i].key, key, memory_order_release);
}

static nr_name_index *new_index(nr_names *names, uint32_t places)
{
    nr_name_index *index = nr_arena_alloc(
        names->arena, sizeof(*index) + places * sizeof(nr_name_place));
    const char **texts = nr_arena_new_array(names->arena, places / 2, const char *);
    if (index == NULL || texts == NULL)
        return NULL;
    index->shift = nr_spread_shift(places);
    index->mask = places - 1;
    index->texts = texts;
    return index;
}

/* An index of twice the places takes over. */
static bool grow(nr_names *names)
{
    const nr_name_index *last = atomic_load_explicit(&names->index,
                                                     memory_order_relaxed);
    nr_name_index *index = new_index(names, last == NULL ? FIRST_PLACES
                                                         : (last->mask + 1) * 2);
    if (index == NULL)
        return false;
    for (uint32_t i = 0; last != NULL && i <= last->mask; i++) {
        const nr_name_place *place = &last->places[i];
        uint64_t key = atomic_load_explicit(&place->key, memory_order_relaxed);
        if (key == 0)
            continue;
        index->texts[place->number] = last->texts[place->number];
        put(index, key, place->number, place->size);
    }
    names->texts = index->texts;
    atomic_store_explicit(&names->index, index, memory_order_release);
    return true;
}

static bool is_full(const nr_names *names)
{
    const nr_name_index *index = atomic_load_explicit(&names->index,
                                                      memory_order_relaxed);
    return index == NULL || names->count > index->mask / 2;
}

uint32_t nr_names_intern(nr_names *names, const char *text, size_t size)
{
    uint32_t found = nr_names_find(names, text, size);
    if (found != NR_NONE)
        return found;
    if (size > UINT32_MAX || (is_full(names) && !grow(names)))
        return NR_NONE;
    char *copy = nr_arena_copy(names->arena, text, size);
    if (copy == NULL)
        return NR_NONE;
    names->texts[names->count] = copy;
    put(atomic_load_explicit(&names->index, memory_order_relaxed), key_of(text, size),
        names->count, (uint32_t)size);
    return names->count++;
}
