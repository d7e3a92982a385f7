/* SPDX-License-Identifier: Apache-2.0 */
#include "subject/evidence.h"

#include <string.h>

enum { DIGITS_MAX = 9 }; /* of a numeric text; no level has more than one */

nr_place nr_place_member(const nr_place *map, const char *key)
{
    const nrbac_value *value = nrbac_value_find(map->value, key);
    if (nrbac_value_kind(value) == NRBAC_KIND_NULL)
        value = NULL;
    return (nr_place){ .within = map, .key = key, .value = value };
}

nr_place nr_place_item(const nr_place *list, size_t index)
{
    const nrbac_value *value = nrbac_value_at(list->value, index);
    return (nr_place){ .within = list, .index = index, .value = value };
}

/* The way to a place, from its end; NULL when out of memory. */
static const char *spell(nr_arena *arena, const nr_place *place)
{
    const char *path = "";
    for (; place->within != NULL && path != NULL; place = place->within) {
        const char *dot = path[0] == '\0' || path[0] == '[' ? "" : ".";
        if (place->key != NULL)
            path = nr_arena_format(arena, "%s%s%s", place->key, dot, path);
        else
            path = nr_arena_format(arena, "[%zu]%s%s", place->index, dot, path);
    }
    return path;
}

void nr_reader_fault_text(nr_reader *reader, const char *sentence)
{
    if (sentence == NULL)
        reader->no_memory = true;
    else if (reader->fault == NULL)
        reader->fault = sentence;
}

const char *nr_reader_sentence(nr_reader *reader, const nr_place *place,
                               const char *what)
{
    const char *path = spell(reader->arena, place);
    const char *sentence = NULL;
    if (path != NULL && path[0] == '\0')
        sentence = nr_arena_format(reader->arena, "the request %s", what);
    else if (path != NULL)
        sentence = nr_arena_format(reader->arena, "`%s` %s", path, what);
    reader->no_memory |= sentence == NULL;
    return sentence;
}

void nr_reader_fault(nr_reader *reader, const nr_place *place, const char *what)
{
    if (reader->fault == NULL)
        nr_reader_fault_text(reader, nr_reader_sentence(reader, place, what));
}

bool nr_read_map(nr_reader *reader, const nr_place *place)
{
    if (place->value == NULL)
        return false;
    if (nrbac_value_kind(place->value) == NRBAC_KIND_MAP)
        return true;
    nr_reader_fault(reader, place, "is not a map");
    return false;
}

bool nr_read_list(nr_reader *reader, const nr_place *place)
{
    if (place->value == NULL)
        return false;
    if (nrbac_value_kind(place->value) == NRBAC_KIND_LIST)
        return true;
    nr_reader_fault(reader, place, "is not a list");
    return false;
}

const char *nr_read_text(nr_reader *reader, const nr_place *place)
{
    if (place->value == NULL)
        return NULL;
    const char *text = nrbac_value_text(place->value);
    if (text == NULL) {
        nr_reader_fault(reader, place, "is not a text");
        return NULL;
    }
    /* Texts are compared up to their NUL: one inside would hide the rest. */
    if (strlen(text) != nrbac_value_text_size(place->value)) {
        nr_reader_fault(reader, place, "holds a NUL character");
        return NULL;
    }
    return text;
}

const char *nr_read_code(nr_reader *reader, const nr_place *place)
{
    const char *text = nr_read_text(reader, place);
    return text == NULL || text[0] == '\0' ? NULL : text;
}

/* An integer, or a text of digits alone. */
static bool number_of(const nrbac_value *value, int64_t *number)
{
    const char *text = nrbac_value_text(value);
    if (text == NULL) {
        *number = nrbac_value_integer(value);
        return nrbac_value_kind(value) == NRBAC_KIND_INTEGER;
    }
    size_t size = nrbac_value_text_size(value);
    if (size == 0 || size > DIGITS_MAX)
        return false;
    *number = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number * 10 + (text[i] - '0');
    }
    return true;
}

int nr_read_level(nr_reader *reader, const nr_place *place, int lowest, int highest)
{
    if (place->value == NULL)
        return NRBAC_LEVEL_UNKNOWN;
    int64_t number = 0;
    if (number_of(place->value, &number) && number >= lowest && number <= highest)
        return NRBAC_LEVEL((int)number);
    const char *what = nr_arena_format(reader->arena, "is not a number from %d to %d",
                                       lowest, highest);
    if (what == NULL)
        reader->no_memory = true;
    else
        nr_reader_fault(reader, place, what);
    return NRBAC_LEVEL_UNKNOWN;
}

static int64_t stated(int64_t seconds)
{
    return seconds > 0 ? seconds : 1;
}

int64_t nr_read_seconds(nr_reader *reader, const nr_place *place)
{
    if (place->value == NULL)
        return 0;
    nrbac_kind kind = nrbac_value_kind(place->value);
    int64_t seconds = nrbac_value_integer(place->value);
    /* A JWT's NumericDate may have a fraction; what is left of a second is not
     * worth a longer session. */
    double real = nrbac_value_real(place->value);
    bool sound = kind == NRBAC_KIND_INTEGER && seconds <= NR_LAST_SECOND;
    if (kind == NRBAC_KIND_REAL && real >= 0 && real <= (double)NR_LAST_SECOND) {
        seconds = (int64_t)real;
        sound = true;
    }
    if (!sound) {
        nr_reader_fault(reader, place, "is not a time in seconds since 1970");
        return 0;
    }
    return stated(seconds);
}

int64_t nr_read_time(nr_reader *reader, const nr_place *place)
{
    const char *text = nr_read_text(reader, place);
    int64_t seconds = 0;
    if (text == NULL)
        return 0;
    if (!nr_time_read(text, &seconds)) {
        nr_reader_fault(reader, place, "is not a time such as 2026-11-23T09:00:00Z");
        return 0;
    }
    return stated(seconds);
}

int64_t nr_read_date(nr_reader *reader, const nr_place *place)
{
    const char *text = nr_read_text(reader, place);
    int64_t seconds = 0;
    if (text == NULL)
        return 0;
    if (!nr_date_read(text, &seconds) && !nr_time_read(text, &seconds)) {
        nr_reader_fault(reader, place, "is not a date such as 20261123");
        return 0;
    }
    return stated(seconds);
}

void nr_texts_add(nr_reader *reader, nr_texts *texts, const char *text)
{
    const char **place = nr_list_add(reader->arena, texts);
    if (place == NULL)
        reader->no_memory = true;
    else
        *place = text;
}

void nr_read_texts(nr_reader *reader, const nr_place *place, nr_texts *texts)
{
    if (!nr_read_list(reader, place))
        return;
    size_t count = nrbac_value_count(place->value);
    for (size_t i = 0; i < count && reader->fault == NULL; i++) {
        nr_place item = nr_place_item(place, i);
        const char *text = nr_read_text(reader, &item);
        if (text != NULL)
            nr_texts_add(reader, texts, text);
    }
}

void nr_read_texts_of(nr_reader *reader, const nr_place *map, const char *key,
                      nr_texts *texts)
{
    nr_place place = nr_place_member(map, key);
    nr_read_texts(reader, &place, texts);
}
