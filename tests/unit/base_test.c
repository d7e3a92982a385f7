/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/bits.h"
#include "base/codes.h"
#include "base/hash.h"
#include "base/names.h"

#include <stdlib.h>

static void digest_of(const char *text, size_t size, char hex[65])
{
    uint8_t digest[NR_SHA256_SIZE];
    nr_sha256(text, size, digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* The examples of FIPS 180-4, and a length at each edge of the padding. */
static void sha256_gives_the_standard_s_digests(void)
{
    char hex[65];
    digest_of("", 0, hex);
    CHECK_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_of("abc", 3, hex);
    CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex);
    CHECK_STR(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    digest_of(million, 1000000, hex);
    CHECK_STR(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static void a_checksum_changes_with_every_byte(void)
{
    unsigned char bytes[41];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 7);
    uint64_t whole = nr_checksum(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] = (unsigned char)(bytes[i] ^ (1u << bit));
            CHECK(nr_checksum(bytes, sizeof(bytes)) != whole);
            bytes[i] = (unsigned char)(bytes[i] ^ (1u << bit));
        }
    CHECK(nr_checksum(bytes, sizeof(bytes) - 1) != whole);
}

static void codes_are_told_by_their_spelling(void)
{
    static const struct {
        const char *text;
        nr_code_kind kind;
    } cases[] = {
        { "R8000", NR_CODE_ROLE },
        { "E1005", NR_CODE_ROLE },
        { "B0820", NR_CODE_ACTIVITY },
        { "P0020:Q0300:T0640", NR_CODE_AREA },
        { "local:ESC01", NR_CODE_LOCAL },
        { "local:", NR_CODE_NONE },
        { "local:a b", NR_CODE_NONE },
        { "b0820", NR_CODE_NONE },
        { "B082", NR_CODE_NONE },
        { "B08200", NR_CODE_NONE },
        { "P0020:Q0300:X0640", NR_CODE_NONE },
        { "", NR_CODE_NONE },
        { "patient.amend", NR_CODE_NONE },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++)
        CHECK_INT(nr_code_kind_of(cases[i].text, strlen(cases[i].text)), cases[i].kind);
}

/* S2: the last component, or the code alone. */
static void a_role_code_is_the_last_part_of_a_triple(void)
{
    CHECK_STR(nr_code_role_of("S8000:G8000:R8001"), "R8001");
    CHECK_STR(nr_code_role_of("R8001"), "R8001");
    CHECK_STR(nr_code_role_of("E1005"), "E1005");
    CHECK_STR(nr_code_role_of("local:locum-lead"), "local:locum-lead");
    CHECK_STR(nr_code_role_of("S8000:G8000:local:locum-lead"), "local:locum-lead");
    CHECK_STR(nr_code_role_of("S000:G000:RC1"), NULL);
    CHECK_STR(nr_code_role_of("G8000:R8001"), NULL);
    CHECK_STR(nr_code_role_of("B0428"), NULL);
    CHECK_STR(nr_code_role_of(""), NULL);
    CHECK_STR(nr_code_role_of(NULL), NULL);
}

static void names_keep_their_numbers(void)
{
    nr_arena arena = { 0 };
    nr_names names = { .arena = &arena };
    char text[16];
    for (uint32_t i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof(text), "n%u", (unsigned)i);
        CHECK_INT(nr_names_intern(&names, text, strlen(text)), i);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof(text), "n%u", (unsigned)i);
        CHECK_INT(nr_names_find(&names, text, strlen(text)), i);
        CHECK_INT(nr_names_intern(&names, text, strlen(text)), i);
    }
    CHECK_INT(nr_names_find(&names, "n1000", 5), NR_NONE);
    nr_arena_finish(&arena);
}

/* From the empty name to one of 40 bytes, each the beginning of the next, and each
 * with another that differs in its last byte alone. */
static void names_of_every_size_are_told_apart(void)
{
    nr_arena arena = { 0 };
    nr_names names = { .arena = &arena };
    char text[] = "local:the.longest.name.of.all.these.is.4";
    size_t size_max = strlen(text);
    CHECK_INT(nr_names_find(&names, text, 5), NR_NONE);
    for (size_t size = 0; size <= size_max; size++)
        CHECK_INT(nr_names_intern(&names, text, size), size);
    for (size_t size = 0; size <= size_max; size++)
        CHECK_INT(nr_names_find(&names, text, size), size);
    for (size_t size = 1; size <= size_max; size++) {
        char last = text[size - 1];
        text[size - 1] = '#';
        CHECK_INT(nr_names_find(&names, text, size), NR_NONE);
        text[size - 1] = '\0';
        CHECK_INT(nr_names_find(&names, text, size), NR_NONE);
        text[size - 1] = last;
    }
    CHECK_INT(nr_names_find(&names, "local:the.longest.name.of.all.these.is.40", 41),
              NR_NONE);
    nr_arena_finish(&arena);
}

/* The right answer by the slow way, whatever byte stands in whatever place. */
static void digits_of_a_code_are_digits(void)
{
    for (uint32_t n = 0; n < NR_ACTIVITY_CODES; n++) {
        char text[8];
        (void)snprintf(text, sizeof(text), "B%04u", (unsigned)n);
        CHECK_INT(nr_code_digits(text, 5), n);
    }
    for (int place = 0; place < 5; place++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[] = "B0820";
            text[place] = (char)byte;
            CHECK((nr_code_digits(text, 5) != NR_NONE) ==
                  (nr_code_kind_of(text, 5) == NR_CODE_ACTIVITY));
        }
    }
    CHECK_INT(nr_code_digits("B082", 4), NR_NONE);
    CHECK_INT(nr_code_digits("B08200", 6), NR_NONE);
    CHECK_INT(nr_code_digits("", 0), NR_NONE);
}

static void bits_are_found_where_they_were_put(void)
{
    uint64_t row[3] = { 0 };
    nr_bits_add(row, 0);
    nr_bits_add(row, 63);
    nr_bits_add(row, 64);
    nr_bits_add(row, 191);
    CHECK_INT(nr_bits_next(row, 3, 0), 0);
    CHECK_INT(nr_bits_next(row, 3, 1), 63);
    CHECK_INT(nr_bits_next(row, 3, 64), 64);
    CHECK_INT(nr_bits_next(row, 3, 65), 191);
    CHECK_INT(nr_bits_next(row, 3, 192), NR_NONE);
    CHECK_INT(nr_bits_count(row, 3), 4);
    nr_bits_drop(row, 64);
    CHECK_INT(nr_bits_next(row, 3, 64), 191);
}

static void an_arena_keeps_its_largest_block(void)
{
    nr_arena arena = { 0 };
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2000; i++) {
            char *text = nr_arena_format(&arena, "%d and %s", i, "more");
            CHECK(text != NULL && atoi(text) == i);
        }
        nr_arena_reset(&arena);
    }
    CHECK(nr_arena_array(&arena, SIZE_MAX / 4, 8) == NULL);
    CHECK(nr_arena_alloc(&arena, 100) != NULL);
    nr_arena_finish(&arena);
}

int main(void)
{
    sha256_gives_the_standard_s_digests();
    a_checksum_changes_with_every_byte();
    codes_are_told_by_their_spelling();
    a_role_code_is_the_last_part_of_a_triple();
    names_keep_their_numbers();
    names_of_every_size_are_told_apart();
    digits_of_a_code_are_digits();
    bits_are_found_where_they_were_put();
    an_arena_keeps_its_largest_block();
    return check_report();
}
