/* SPDX-License-Identifier: Apache-2.0 */
/* What is packed is what wire/ reads, in the shortest form, which wire/ writes too. */
#include "check.h"

#include "share/pack.h"
#include "wire/wire.h"

#include <stdlib.h>

static uint8_t room[1 << 20];

static void check_same(const nrbac_value *value, int line)
{
    nr_buffer other = { 0 };
    nr_packer packer = { .to = room, .room = sizeof(room) };
    nr_pack_value(&packer, value);
    nr_wire_encode(&other, value);
    bool same = packer.size == other.size && memcmp(room, other.bytes, other.size) == 0;
    if (!same)
        printf("line %d: %zu bytes, not %zu\n", line, packer.size, other.size);
    CHECK(same);
    nr_buffer_finish(&other);
}

#define CHECK_SAME(value) check_same((value), __LINE__)

static void numbers_are_as_short_as_can_be(void)
{
    nrbac_document *document = nrbac_document_create();
    for (int shift = 0; shift < 63; shift++) {
        for (int64_t near = -2; near <= 2; near++) {
            CHECK_SAME(nrbac_new_integer(document, (INT64_C(1) << shift) + near));
            CHECK_SAME(nrbac_new_integer(document, -(INT64_C(1) << shift) + near));
        }
    }
    CHECK_SAME(nrbac_new_integer(document, INT64_MAX));
    CHECK_SAME(nrbac_new_integer(document, INT64_MIN));
    CHECK_SAME(nrbac_new_integer(document, -32));
    CHECK_SAME(nrbac_new_integer(document, -33));
    CHECK_SAME(nrbac_new_real(document, -0.1));
    CHECK_SAME(nrbac_new_boolean(document, true));
    CHECK_SAME(nrbac_new_boolean(document, false));
    CHECK_SAME(nrbac_new_null(document));
    nrbac_document_destroy(document);
}

static void texts_lists_and_maps_of_any_size(void)
{
    static const size_t sizes[] = {
        0, 1, 15, 16, 17, 31, 32, 33, 255, 256, 65535, 65536
    };
    static char text[65537];
    nrbac_document *document = nrbac_document_create();
    memset(text, 'x', sizeof(text) - 1);
    for (size_t s = 0; s < NR_COUNT(sizes); s++) {
        CHECK_SAME(nrbac_new_text_of(document, text, sizes[s]));
        nrbac_value *list = nrbac_new_list(document);
        nrbac_value *map = nrbac_new_map(document);
        for (size_t i = 0; i < sizes[s]; i++) {
            char key[24];
            (void)snprintf(key, sizeof(key), "%zu", i);
            nrbac_append(document, list, nrbac_new_null(document));
            nrbac_set(document, map, key, nrbac_new_integer(document, (int64_t)i));
        }
        CHECK_SAME(list);
        CHECK_SAME(map);
    }
    nrbac_document_destroy(document);
}

static void what_has_no_room_is_measured(void)
{
    nr_packer packer = { .to = room, .room = 5 };
    memset(room, 0xee, sizeof(room));
    nr_pack_text(&packer, "abc");
    nr_pack_text(&packer, "def");
    CHECK_INT(packer.size, 8);
    CHECK(room[5] == 0xee && memcmp(room,
                                    "\xa3"
                                    "abc",
                                    4) == 0);
    nr_packer none = { 0 };
    nr_pack_text(&none, "abc");
    CHECK_INT(none.size, 4);
}

/* Any bytes come out as a text that wire/ reads, of the same size. */
static void what_is_not_text_becomes_one(void)
{
    static const char *const bad[] = {
        "\xff",         "a\xc3",         "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xe0\x80\x80", "x\x80y\xe2\x82"
    };
    static const char *const good[] = { "",       "a",          "\u00e9",
                                        "\u20ac", "\U0001f600", "\ud7ff" };
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *value;
    const char *problem;
    for (size_t i = 0; i < NR_COUNT(bad); i++) {
        nr_packer packer = { .to = room, .room = sizeof(room) };
        nr_pack_text(&packer, bad[i]);
        CHECK_INT(nr_wire_decode(document, room, packer.size, &value, &problem),
                  NRBAC_OK);
        CHECK_INT(nrbac_value_text_size(value), strlen(bad[i]));
        CHECK(nrbac_value_text(value) != NULL &&
              strchr(nrbac_value_text(value), '?') != NULL);
    }
    for (size_t i = 0; i < NR_COUNT(good); i++) {
        nr_packer packer = { .to = room, .room = sizeof(room) };
        nr_pack_text(&packer, good[i]);
        CHECK_INT(nr_wire_decode(document, room, packer.size, &value, &problem),
                  NRBAC_OK);
        CHECK_STR(nrbac_value_text(value), good[i]);
    }
    uint64_t chance = 1;
    for (int round = 0; round < 20000; round++) {
        char text[9] = "";
        for (int i = 0; i < 8; i++) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            uint64_t byte = chance >> 33;
            text[i] = (char)(byte % 4 == 0 ? 0xc0 + byte / 4 % 64 : 1 + byte / 4 % 191);
        }
        nr_packer packer = { .to = room, .room = sizeof(room) };
        nr_pack_text(&packer, text);
        nrbac_document_reset(document);
        if (nr_wire_decode(document, room, packer.size, &value, &problem) != NRBAC_OK)
            CHECK(false);
    }
    nrbac_document_destroy(document);
}

/* Wherever the one byte is that is no character, it alone is replaced. */
static void each_place_is_looked_at(void)
{
    nrbac_document *document = nrbac_document_create();
    for (size_t at = 0; at < 40; at++) {
        for (int byte = 0; byte < 256; byte += byte == 0 ? 128 : 1) {
            char text[40];
            memset(text, 'x', sizeof(text));
            text[at] = (char)byte;
            nr_packer packer = { .to = room, .room = sizeof(room) };
            nr_pack_value(&packer, nrbac_new_text_of(document, text, sizeof(text)));
            text[at] = '?';
            CHECK_INT(packer.size, 2 + sizeof(text));
            CHECK(memcmp(room + 2, text, sizeof(text)) == 0);
        }
        nrbac_document_reset(document);
    }
    nrbac_document_destroy(document);
}

int main(void)
{
    numbers_are_as_short_as_can_be();
    texts_lists_and_maps_of_any_size();
    what_has_no_room_is_measured();
    what_is_not_text_becomes_one();
    each_place_is_looked_at();
    return check_report();
}
