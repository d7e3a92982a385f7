/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Document -> JSON text, in one growing buffer. Texts pass as they are but for
 * what JSON must escape; integers are exact.
 */
#include "base/value.h"

#include <nrbac/policy.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 128, FIRST_ROOM = 1024, NUMBER_ROOM = 40 };

typedef struct level {
    const nrbac_value *value;
    size_t index;
} level;

typedef struct json_writer {
    char *text;
    size_t size, room;
    bool indent;
    nrbac_status status;
    level levels[DEPTH_MAX];
    size_t depth;
} json_writer;

/* Room for so many more bytes, and for the final NUL. */
static bool reserve(json_writer *writer, size_t more)
{
    if (writer->room - writer->size > more)
        return true;
    size_t room = writer->room == 0 ? FIRST_ROOM : writer->room * 2;
    while (room - writer->size <= more)
        room *= 2;
    char *text = writer->status == NRBAC_OK ? realloc(writer->text, room) : NULL;
    if (text == NULL) {
        writer->status = NRBAC_E_MEMORY;
        return false;
    }
    writer->text = text;
    writer->room = room;
    return true;
}

static void put(json_writer *writer, const char *text, size_t size)
{
    if (!reserve(writer, size))
        return;
    memcpy(writer->text + writer->size, text, size);
    writer->size += size;
}

static void put_char(json_writer *writer, char c)
{
    put(writer, &c, 1);
}

/* The escape of a character that JSON does not take as it is; NULL: none. */
static const char *escape_of(unsigned char c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

static void put_escaped(json_writer *writer, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *escape = escape_of(c);
    if (escape != NULL) {
        put(writer, escape, strlen(escape));
        return;
    }
    char text[] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };
    put(writer, text, sizeof(text));
}

/* How many bytes from here need no escape, told eight at a time: a byte that is
 * below a space, a quote or a backslash sets its top bit in one of the terms. */
static size_t plain_bytes(const char *text, size_t size)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t word;
        memcpy(&word, text + at, sizeof(word));
        uint64_t quote = word ^ ones * '"';
        uint64_t slash = word ^ ones * '\\';
        uint64_t low = (word - ones * 0x20) & ~word;
        if (((low | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & tops) != 0)
            break;
    }
    return at;
}

static void put_text(json_writer *writer, const char *text, size_t size)
{
    put_char(writer, '"');
    size_t plain = 0;
    for (size_t i = plain_bytes(text, size); i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(writer, text + plain, i - plain);
        put_escaped(writer, c);
        plain = i + 1;
    }
    put(writer, text + plain, size - plain);
    put_char(writer, '"');
}

static void put_integer(json_writer *writer, int64_t integer)
{
    char digits[NUMBER_ROOM];
    size_t at = sizeof(digits);
    uint64_t rest = integer < 0 ? UINT64_C(0) - (uint64_t)integer : (uint64_t)integer;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (integer < 0)
        digits[--at] = '-';
    put(writer, digits + at, sizeof(digits) - at);
}

/* The shortest of the usual forms that reads back as the same number. JSON has
 * no word for what is not a number. */
static void put_real(json_writer *writer, double real)
{
    char text[NUMBER_ROOM];
    if (!isfinite(real)) {
        put(writer, "null", 4);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, real);
        double back = strtod(text, NULL);
        if (back >= real && back <= real)
            break;
    }
    char *comma = strchr(text, ',');
    if (comma != NULL)
        *comma = '.';
    put(writer, text, strlen(text));
    if (strpbrk(text, ".e") == NULL)
        put(writer, ".0", 2);
}

static void open_level(json_writer *writer, const nrbac_value *value)
{
    bool list = value->kind == NRBAC_KIND_LIST;
    if (nrbac_value_count(value) == 0) {
        put(writer, list ? "[]" : "{}", 2);
    } else if (writer->depth == DEPTH_MAX) {
        writer->status = NRBAC_E_LIMIT;
    } else {
        put_char(writer, list ? '[' : '{');
        writer->levels[writer->depth++] = (level){ value, 0 };
    }
}

static void put_value(json_writer *writer, const nrbac_value *value)
{
    switch (nrbac_value_kind(value)) {
    case NRBAC_KIND_NULL:
        put(writer, "null", 4);
        break;
    case NRBAC_KIND_BOOLEAN:
        if (value->boolean)
            put(writer, "true", 4);
        else
            put(writer, "false", 5);
        break;
    case NRBAC_KIND_INTEGER:
        put_integer(writer, value->integer);
        break;
    case NRBAC_KIND_REAL:
        put_real(writer, value->real);
        break;
    case NRBAC_KIND_TEXT:
        put_text(writer, value->text.bytes, value->text.size);
        break;
    case NRBAC_KIND_LIST:
    case NRBAC_KIND_MAP:
        open_level(writer, value);
        break;
    }
}

static void new_line(json_writer *writer)
{
    if (!writer->indent)
        return;
    put_char(writer, '\n');
    for (size_t i = 0; i < writer->depth; i++)
        put(writer, "  ", 2);
}

/* The next item of the innermost list or map, or its end. */
static void step(json_writer *writer)
{
    level *top = &writer->levels[writer->depth - 1];
    const nrbac_value *value = top->value;
    bool list = value->kind == NRBAC_KIND_LIST;
    if (top->index == nrbac_value_count(value)) {
        writer->depth--;
        new_line(writer);
        put_char(writer, list ? ']' : '}');
        return;
    }
    if (top->index > 0)
        put_char(writer, ',');
    new_line(writer);
    size_t index = top->index++;
    if (list) {
        put_value(writer, value->list.items[index]);
        return;
    }
    const nr_member *member = &value->map.items[index];
    put_text(writer, member->key, strlen(member->key));
    put(writer, ": ", writer->indent ? 2 : 1);
    put_value(writer, member->value);
}

nrbac_status nrbac_json_write(const nrbac_value *value, unsigned flags, char **text,
                              size_t *size)
{
    json_writer writer = { .indent = (flags & NRBAC_JSON_INDENT) != 0 };
    put_value(&writer, value);
    while (writer.depth > 0 && writer.status == NRBAC_OK)
        step(&writer);
    if (writer.status != NRBAC_OK || !reserve(&writer, 0)) {
        free(writer.text);
        *text = NULL;
        return writer.status;
    }
    writer.text[writer.size] = '\0';
    *text = writer.text;
    if (size != NULL)
        *size = writer.size;
    return NRBAC_OK;
}
