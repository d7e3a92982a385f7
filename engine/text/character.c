/* SPDX-License-Identifier: Apache-2.0 */
#include "text/character.h"

#include <string.h>

size_t nr_character_size(const char *text, const char *end)
{
    unsigned char first = (unsigned char)*text;
    size_t size = 1;
    if (first >= 0xf0)
        size = 4;
    else if (first >= 0xe0)
        size = 3;
    else if (first >= 0xc0)
        size = 2;
    if ((size_t)(end - text) < size)
        return 1;
    for (size_t i = 1; i < size; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 1;
    return size;
}

size_t nr_character_decode(const char *text, const char *end, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = (unsigned char)*text;
    size_t size = nr_character_size(text, end);
    if (first < 0x80) {
        *code = first;
        return 1;
    }
    if (size == 1 || first > 0xf4)
        return 0;
    uint32_t sum = first & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        sum = sum << 6 | (byte & 0x3fu);
    }
    bool surrogate = sum >= 0xd800 && sum <= 0xdfff;
    if (sum < least[size] || sum > 0x10ffff || surrogate)
        return 0;
    *code = sum;
    return size;
}

bool nr_character_is_plain(uint32_t code)
{
    bool control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
    bool breaks = code == 0x2028 || code == 0x2029;
    bool turns = (code >= 0x202a && code <= 0x202e) ||
                 (code >= 0x2066 && code <= 0x2069);
    bool none = code == 0xfeff || code == 0xfffe || code == 0xffff;
    return !control && !breaks && !turns && !none;
}

static bool is_plain_at(const char *at, const char *end)
{
    uint32_t code = 0;
    return nr_character_decode(at, end, &code) != 0 && nr_character_is_plain(code);
}

bool nr_text_is_plain(const char *text, size_t size)
{
    const char *end = text + size;
    for (const char *at = text; at < end; at += nr_character_size(at, end))
        if (!is_plain_at(at, end))
            return false;
    return true;
}

const char *nr_text_clean(nr_arena *arena, const char *text)
{
    static const char unknown[] = "\xef\xbf\xbd";
    size_t size = strlen(text);
    if (nr_text_is_plain(text, size))
        return text;
    char *clean = nr_arena_alloc(arena, size * 3 + 1);
    if (clean == NULL)
        return NULL;
    char *out = clean;
    const char *end = text + size;
    for (const char *at = text; at < end;) {
        size_t part = nr_character_size(at, end);
        bool plain = *at == '\t' || is_plain_at(at, end);
        memcpy(out, plain ? at : unknown, plain ? part : 3);
        out += plain ? part : 3;
        at += part;
    }
    *out = '\0';
    return clean;
}
