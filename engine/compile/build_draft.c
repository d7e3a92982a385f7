/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

static uint32_t *bucket_of(const nr_pile *pile, const nr_blob *blob)
{
    size_t mask = pile->bucket_count - 1;
    for (size_t i = (size_t)blob->hash;; i++) {
        uint32_t *bucket = &pile->buckets[i & mask];
        if (*bucket == 0)
            return bucket;
        const nr_blob *there = &pile->blobs.items[*bucket - 1];
        if (there->hash == blob->hash && there->size == blob->size &&
            memcmp(there->bytes, blob->bytes, blob->size) == 0)
            return bucket;
    }
}

static bool grow_pile(nr_pile *pile)
{
    size_t count = pile->bucket_count == 0 ? FIRST_BUCKETS : pile->bucket_count * 2;
    uint32_t *buckets = nr_arena_new_array(pile->arena, count, uint32_t);
    if (buckets == NULL)
        return false;
    pile->buckets = buckets;
    pile->bucket_count = count;
    for (size_t n = 0; n < pile->blobs.count; n++)
        *bucket_of(pile, &pile->blobs.items[n]) = (uint32_t)n + 1;
    return true;
}

uint32_t nr_pile_add(nr_pile *pile, const void *bytes, size_t size, bool *is_new)
{
    *is_new = false;
    if (pile->blobs.count >= pile->bucket_count / 2 && !grow_pile(pile))
        return NR_NONE;
    nr_blob blob = { bytes, size, nr_checksum(bytes, size) };
    uint32_t *bucket = bucket_of(pile, &blob);
    if (*bucket != 0)
        return *bucket - 1;

    void *copy = nr_arena_alloc(pile->arena, size);
    nr_blob *place = copy == NULL ? NULL : nr_list_add(pile->arena, &pile->blobs);
    if (place == NULL)
        return NR_NONE;
    memcpy(copy, bytes, size);
    *place = (nr_blob){ copy, size, blob.hash };
    *bucket = (uint32_t)pile->blobs.count;
    *is_new = true;
    return *bucket - 1;
}

void nr_draft_fail(nr_draft *draft, nrbac_status status, const char *format, ...)
{
    if (draft->status != NRBAC_OK)
        return;
    draft->status = status;
    if (draft->error == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(draft->error->text, sizeof(draft->error->text), format, arguments);
    va_end(arguments);
}

static bool append_text(nr_draft *draft, const char *text, size_t size)
{
    size_t need = draft->strings.count + size + 1;
    if (need > UINT32_MAX) {
        nr_draft_fail(draft, NRBAC_E_LIMIT, "the policy's texts are larger than 4 GB");
        return false;
    }
    while (draft->strings.room < need) {
        if (!nr_arena_reserve(&draft->arena, (void **)&draft->strings.items,
                              draft->strings.room, &draft->strings.room, 1)) {
            draft->status = NRBAC_E_MEMORY;
            return false;
        }
    }
    memcpy(draft->strings.items + draft->strings.count, text, size);
    draft->strings.count += size;
    draft->strings.items[draft->strings.count++] = '\0';
    return true;
}

nr_text nr_draft_text(nr_draft *draft, const char *text)
{
    if (text == NULL)
        text = "";
    size_t size = strlen(text);
    uint32_t number = nr_names_intern(&draft->texts, text, size);
    if (number < draft->text_places.count)
        return draft->text_places.items[number];

    nr_text *place = nr_draft_add(draft, text_places);
    if (number == NR_NONE || place == NULL) {
        draft->status = NRBAC_E_MEMORY;
        return 0;
    }
    *place = (nr_text)draft->strings.count;
    return append_text(draft, text, size) ? *place : 0;
}

nr_origin nr_draft_origin(nr_draft *draft, nr_span at)
{
    if (at.source == NULL)
        return (nr_origin){ 0 };
    return (nr_origin){ nr_draft_text(draft, at.source->origin), nr_line_of(at) };
}

uint32_t nr_draft_row(nr_draft *draft, const uint64_t *row)
{
    bool is_new;
    uint32_t number = nr_pile_add(&draft->closures, row,
                                  draft->words * sizeof(uint64_t), &is_new);
    if (number == NR_NONE)
        draft->status = NRBAC_E_MEMORY;
    return number;
}

const uint64_t *nr_draft_row_at(const nr_draft *draft, uint32_t number)
{
    return draft->closures.blobs.items[number].bytes;
}

nr_range nr_draft_numbers(nr_draft *draft, const uint32_t *numbers, size_t count)
{
    if (count == 0)
        return (nr_range){ 0 };
    nr_range range = { (uint32_t)draft->numbers.count, (uint32_t)count };
    for (size_t i = 0; i < count; i++) {
        uint32_t *place = nr_draft_add(draft, numbers);
        if (place == NULL)
            return (nr_range){ 0 };
        *place = numbers[i];
    }
    return range;
}

static int by_number(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

nr_range nr_draft_obligations(nr_draft *draft, const nr_mentions *mentions)
{
    if (mentions->count == 0)
        return (nr_range){ 0 };
    uint32_t *numbers = nr_draft_array(draft, mentions->count, uint32_t);
    if (numbers == NULL)
        return (nr_range){ 0 };
    for (size_t i = 0; i < mentions->count; i++)
        numbers[i] = draft->obligation.number_of[mentions->items[i].index];
    qsort(numbers, mentions->count, sizeof(*numbers), by_number);
    size_t count = 1;
    for (size_t i = 1; i < mentions->count; i++)
        if (numbers[i] != numbers[count - 1])
            numbers[count++] = numbers[i];
    return nr_draft_numbers(draft, numbers, count);
}
