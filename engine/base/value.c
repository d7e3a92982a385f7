/* SPDX-License-Identifier: Apache-2.0 */
#include "base/value.h"

#include <stdlib.h>
#include <string.h>

nrbac_document *nrbac_document_create(void)
{
    return calloc(1, sizeof(nrbac_document));
}

void nrbac_document_destroy(nrbac_document *document)
{
    if (document == NULL)
        return;
    nr_arena_finish(&document->arena);
    free(document);
}

void nrbac_document_reset(nrbac_document *document)
{
    nr_arena_reset(&document->arena);
    document->failed = false;
}

nrbac_status nrbac_document_status(const nrbac_document *document)
{
    return document->failed ? NRBAC_E_MEMORY : NRBAC_OK;
}

static nrbac_value *new_value(nrbac_document *document, nrbac_kind kind)
{
    nrbac_value *value = nr_arena_new(&document->arena, nrbac_value);
    if (value == NULL)
        document->failed = true;
    else
        value->kind = kind;
    return value;
}

nrbac_value *nrbac_new_null(nrbac_document *document)
{
    return new_value(document, NRBAC_KIND_NULL);
}

nrbac_value *nrbac_new_boolean(nrbac_document *document, bool boolean)
{
    nrbac_value *value = new_value(document, NRBAC_KIND_BOOLEAN);
    if (value != NULL)
        value->boolean = boolean;
    return value;
}

nrbac_value *nrbac_new_integer(nrbac_document *document, int64_t integer)
{
    nrbac_value *value = new_value(document, NRBAC_KIND_INTEGER);
    if (value != NULL)
        value->integer = integer;
    return value;
}

nrbac_value *nrbac_new_real(nrbac_document *document, double real)
{
    nrbac_value *value = new_value(document, NRBAC_KIND_REAL);
    if (value != NULL)
        value->real = real;
    return value;
}

nrbac_value *nrbac_new_text(nrbac_document *document, const char *text)
{
    return text == NULL ? nrbac_new_null(document)
                        : nrbac_new_text_of(document, text, strlen(text));
}

/* The text stands behind its value. */
nrbac_value *nrbac_new_text_of(nrbac_document *document, const char *text, size_t size)
{
    nrbac_value *value = size > SIZE_MAX / 2
                             ? NULL
                             : nr_arena_alloc(&document->arena,
                                              sizeof(*value) + size + 1);
    if (value == NULL) {
        document->failed = true;
        return NULL;
    }
    char *bytes = (char *)(value + 1);
    if (size != 0)
        memcpy(bytes, text, size);
    value->kind = NRBAC_KIND_TEXT;
    value->text.bytes = bytes;
    value->text.size = size;
    return value;
}

nrbac_value *nr_new_texts(nrbac_document *document, const char *const *texts,
                          size_t count)
{
    size_t size = count * (sizeof(nrbac_value *) + sizeof(nrbac_value));
    for (size_t i = 0; i < count; i++)
        size += strlen(texts[i]) + 1;
    nrbac_value *list = nrbac_new_list(document);
    nrbac_value *values = nr_arena_alloc(&document->arena, size);
    if (list == NULL || values == NULL) {
        document->failed = true;
        return NULL;
    }
    nrbac_value **items = (nrbac_value **)(values + count);
    char *bytes = (char *)(items + count);
    for (size_t i = 0; i < count; i++) {
        items[i] = &values[i];
        values[i].kind = NRBAC_KIND_TEXT;
        values[i].text.bytes = bytes;
        values[i].text.size = strlen(texts[i]);
        bytes = (char *)memcpy(bytes, texts[i], values[i].text.size) +
                values[i].text.size + 1;
    }
    list->list.items = items;
    list->list.count = list->list.room = count;
    return list;
}

nrbac_value *nrbac_new_list(nrbac_document *document)
{
    return new_value(document, NRBAC_KIND_LIST);
}

nrbac_value *nrbac_new_map(nrbac_document *document)
{
    return new_value(document, NRBAC_KIND_MAP);
}

nrbac_value *nrbac_append(nrbac_document *document, nrbac_value *list,
                          nrbac_value *item)
{
    if (list == NULL || item == NULL || list->kind != NRBAC_KIND_LIST)
        return NULL;
    nrbac_value **place = nr_list_add(&document->arena, &list->list);
    if (place == NULL) {
        document->failed = true;
        return NULL;
    }
    *place = item;
    return item;
}

nrbac_value *nrbac_set(nrbac_document *document, nrbac_value *map, const char *key,
                       nrbac_value *item)
{
    return nrbac_set_of(document, map, key, strlen(key), item);
}

nrbac_value *nrbac_set_of(nrbac_document *document, nrbac_value *map, const char *key,
                          size_t key_size, nrbac_value *item)
{
    const char *copy = nr_arena_copy(&document->arena, key, key_size);
    if (copy != NULL)
        return nr_set_lasting(document, map, copy, item);
    document->failed = true;
    return NULL;
}

nrbac_value *nr_set_lasting(nrbac_document *document, nrbac_value *map, const char *key,
                            nrbac_value *item)
{
    if (map == NULL || item == NULL || map->kind != NRBAC_KIND_MAP)
        return NULL;
    nr_member *member = nr_list_add(&document->arena, &map->map);
    if (member == NULL) {
        document->failed = true;
        return NULL;
    }
    *member = (nr_member){ key, item };
    return item;
}

nrbac_kind nrbac_value_kind(const nrbac_value *value)
{
    return value == NULL ? NRBAC_KIND_NULL : value->kind;
}

bool nrbac_value_boolean(const nrbac_value *value)
{
    return nrbac_value_kind(value) == NRBAC_KIND_BOOLEAN && value->boolean;
}

int64_t nrbac_value_integer(const nrbac_value *value)
{
    return nrbac_value_kind(value) == NRBAC_KIND_INTEGER ? value->integer : 0;
}

double nrbac_value_real(const nrbac_value *value)
{
    if (nrbac_value_kind(value) == NRBAC_KIND_REAL)
        return value->real;
    return (double)nrbac_value_integer(value);
}

const char *nrbac_value_text(const nrbac_value *value)
{
    return nrbac_value_kind(value) == NRBAC_KIND_TEXT ? value->text.bytes : NULL;
}

size_t nrbac_value_text_size(const nrbac_value *value)
{
    return nrbac_value_kind(value) == NRBAC_KIND_TEXT ? value->text.size : 0;
}

size_t nrbac_value_count(const nrbac_value *value)
{
    if (nrbac_value_kind(value) == NRBAC_KIND_LIST)
        return value->list.count;
    return nrbac_value_kind(value) == NRBAC_KIND_MAP ? value->map.count : 0;
}

const nrbac_value *nrbac_value_at(const nrbac_value *value, size_t index)
{
    if (index >= nrbac_value_count(value))
        return NULL;
    return value->kind == NRBAC_KIND_LIST ? value->list.items[index]
                                          : value->map.items[index].value;
}

const char *nrbac_value_key(const nrbac_value *value, size_t index)
{
    if (nrbac_value_kind(value) != NRBAC_KIND_MAP || index >= value->map.count)
        return NULL;
    return value->map.items[index].key;
}

const nrbac_value *nrbac_value_find(const nrbac_value *value, const char *key)
{
    if (nrbac_value_kind(value) != NRBAC_KIND_MAP)
        return NULL;
    for (size_t i = 0; i < value->map.count; i++) {
        const char *here = value->map.items[i].key;
        if (*here == *key && strcmp(here, key) == 0)
            return value->map.items[i].value;
    }
    return NULL;
}

/* Depth is bounded by whoever built the source: the readers of JSON and of
 * MessagePack refuse what is deeper than 64. */
nrbac_value *nrbac_value_copy(nrbac_document *document, const nrbac_value *value)
{
    switch (nrbac_value_kind(value)) {
    case NRBAC_KIND_NULL:
        return nrbac_new_null(document);
    case NRBAC_KIND_BOOLEAN:
        return nrbac_new_boolean(document, value->boolean);
    case NRBAC_KIND_INTEGER:
        return nrbac_new_integer(document, value->integer);
    case NRBAC_KIND_REAL:
        return nrbac_new_real(document, value->real);
    case NRBAC_KIND_TEXT:
        return nrbac_new_text_of(document, value->text.bytes, value->text.size);
    case NRBAC_KIND_LIST: {
        nrbac_value *list = nrbac_new_list(document);
        for (size_t i = 0; i < value->list.count; i++)
            nrbac_append(document, list,
                         nrbac_value_copy(document, value->list.items[i]));
        return list;
    }
    case NRBAC_KIND_MAP: {
        nrbac_value *map = nrbac_new_map(document);
        for (size_t i = 0; i < value->map.count; i++)
            nrbac_set(document, map, value->map.items[i].key,
                      nrbac_value_copy(document, value->map.items[i].value));
        return map;
    }
    }
    return NULL;
}
