/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* htobe64 */
#include "share/pack.h"

#include <endian.h>
#include <string.h>

static void put(nr_packer *packer, const void *bytes, size_t size)
{
    if (packer->size <= packer->room && size <= packer->room - packer->size)
        memcpy(packer->to + packer->size, bytes, size);
    packer->size += size;
}

static void put_byte(nr_packer *packer, uint8_t byte)
{
    if (packer->size < packer->room)
        packer->to[packer->size] = byte;
    packer->size++;
}

/* A kind, and a number of so many bytes, at least one, the highest first. */
static void put_number(nr_packer *packer, uint8_t kind, uint64_t number, unsigned size)
{
    uint8_t bytes[1 + sizeof(number)] = { kind };
    number = htobe64(number << (64 - 8 * size));
    memcpy(bytes + 1, &number, sizeof(number));
    put(packer, bytes, 1 + size);
}

/* The kinds for numbers of 1, 2, 4 and 8 bytes follow one another. */
static void put_shortest(nr_packer *packer, uint8_t kind, uint64_t number,
                         unsigned sizes)
{
    unsigned size = sizes;
    for (unsigned s = sizes; s < 3 && number >> (8u << s) != 0; s++)
        size = s + 1;
    put_number(packer, (uint8_t)(kind + size - sizes), number, 1u << size);
}

void nr_pack_null(nr_packer *packer)
{
    put_byte(packer, 0xc0);
}

static void put_negative(nr_packer *packer, int64_t integer)
{
    uint64_t bits = (uint64_t)integer;
    if (integer >= -32)
        put_byte(packer, (uint8_t)bits);
    else if (integer >= INT8_MIN)
        put_number(packer, 0xd0, bits, 1);
    else if (integer >= INT16_MIN)
        put_number(packer, 0xd1, bits, 2);
    else if (integer >= INT32_MIN)
        put_number(packer, 0xd2, bits, 4);
    else
        put_number(packer, 0xd3, bits, 8);
}

void nr_pack_integer(nr_packer *packer, int64_t integer)
{
    if (integer < 0)
        put_negative(packer, integer);
    else if (integer < 128)
        put_byte(packer, (uint8_t)integer);
    else
        put_shortest(packer, 0xcc, (uint64_t)integer, 0);
}

/* How many bytes the character has that begins here; 0: it is NUL, or not UTF-8. */
static size_t character_size(const uint8_t *at, size_t left)
{
    if (at[0] < 0x80)
        return at[0] != 0;
    size_t size = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (size == 0 || at[0] > 0xf4 || left < size)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool low = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool high = (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf4 && at[1] > 0x8f);
    return low || high ? 0 : size;
}

/* Eight characters of ASCII, and none of them NUL. */
static bool is_plain(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return ((word | (word - UINT64_C(0x0101010101010101))) &
            UINT64_C(0x8080808080808080)) == 0;
}

/* Up to the first byte that is not UTF-8. */
static size_t good_size(const char *text, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t at = 0;
    for (size_t step = 1; at < size && step != 0; at += step) {
        bool plain = size - at >= sizeof(uint64_t) && is_plain(bytes + at);
        step = plain ? sizeof(uint64_t) : character_size(bytes + at, size - at);
    }
    return at;
}

static void put_text(nr_packer *packer, const char *text, size_t size)
{
    if (size < 32)
        put_byte(packer, (uint8_t)(0xa0 | size));
    else
        put_shortest(packer, 0xd9, size, 0);
    for (;;) {
        size_t good = good_size(text, size);
        put(packer, text, good);
        if (good == size)
            return;
        put(packer, "?", 1);
        text += good + 1;
        size -= good + 1;
    }
}

void nr_pack_text(nr_packer *packer, const char *text)
{
    if (text == NULL)
        nr_pack_null(packer);
    else
        put_text(packer, text, strlen(text));
}

void nr_pack_list(nr_packer *packer, uint32_t count)
{
    if (count < 16)
        put_byte(packer, (uint8_t)(0x90 | count));
    else
        put_shortest(packer, 0xdc, count, 1);
}

static void put_map(nr_packer *packer, size_t count)
{
    if (count < 16)
        put_byte(packer, (uint8_t)(0x80 | count));
    else
        put_shortest(packer, 0xde, count, 1);
}

static void put_real(nr_packer *packer, double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof(bits));
    put_number(packer, 0xcb, bits, 8);
}

/* As deep as the value is: whoever built it bounded that. */
void nr_pack_value(nr_packer *packer, const nrbac_value *value)
{
    size_t count = nrbac_value_count(value);
    switch (nrbac_value_kind(value)) {
    case NRBAC_KIND_NULL:
        nr_pack_null(packer);
        break;
    case NRBAC_KIND_BOOLEAN:
        put_byte(packer, nrbac_value_boolean(value) ? 0xc3 : 0xc2);
        break;
    case NRBAC_KIND_INTEGER:
        nr_pack_integer(packer, nrbac_value_integer(value));
        break;
    case NRBAC_KIND_REAL:
        put_real(packer, nrbac_value_real(value));
        break;
    case NRBAC_KIND_TEXT:
        put_text(packer, nrbac_value_text(value), nrbac_value_text_size(value));
        break;
    case NRBAC_KIND_LIST:
        nr_pack_list(packer, (uint32_t)count);
        for (size_t i = 0; i < count; i++)
            nr_pack_value(packer, nrbac_value_at(value, i));
        break;
    case NRBAC_KIND_MAP:
        put_map(packer, count);
        for (size_t i = 0; i < count; i++) {
            nr_pack_text(packer, nrbac_value_key(value, i));
            nr_pack_value(packer, nrbac_value_at(value, i));
        }
        break;
    }
}
