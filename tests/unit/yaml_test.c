/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as a tree: what is read, where it stands, and what hostile text costs.
 * Large inputs are made here rather than kept.
 */
#include "check.h"
#include "text/yaml.h"

#include <stdlib.h>

typedef struct attempt {
    nr_arena arena;
    nr_diags diags;
    nr_source source;
    const nr_node *root;
} attempt;

static void read_bytes(attempt *reading, const char *text, size_t size)
{
    memset(reading, 0, sizeof(*reading));
    reading->diags.arena = &reading->arena;
    reading->source = (nr_source){
        .path = "test.yaml", .origin = "test.yaml", .text = text, .size = size
    };
    CHECK(nr_source_count_lines(&reading->arena, &reading->source));
    reading->root = nr_yaml_read(&reading->arena, &reading->source, &reading->diags);
}

static void read_text(attempt *reading, const char *text)
{
    read_bytes(reading, text, strlen(text));
}

static void drop(attempt *reading)
{
    nr_arena_finish(&reading->arena);
}

/* The slug, line and column of the only diagnostic, as one text. */
static const char *only(attempt *reading)
{
    if (reading->diags.count != 1)
        return reading->diags.count == 0 ? "none" : "several";
    const nr_diag *diag = &reading->diags.items[0];
    nr_place place = nr_place_of(diag->at);
    return nr_arena_format(&reading->arena, "%s %u:%u",
                           nr_diag_help_of(diag->code)->slug, place.line, place.column);
}

/* Scalars stay as they were written; quotes tell a text from nothing. */
static void scalars(void)
{
    static const struct {
        const char *yaml;
        const char *text;
        bool plain;
    } cases[] = {
        { "2026-12-01", "2026-12-01", true },
        { "0123", "0123", true },
        { "1E5", "1E5", true },
        { "yes", "yes", true },
        { "\"a b\"", "a b", false },
        { "'it''s'", "it's", false },
        { "\"\\u00e9\"", "\xc3\xa9", false },
        { "a # b", "a", true },
        { "|\n  two\n  lines\n", "two\nlines\n", false },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        attempt reading;
        read_text(&reading, cases[i].yaml);
        CHECK(reading.root != NULL);
        CHECK_STR(reading.root == NULL ? NULL : reading.root->text, cases[i].text);
        CHECK_INT(reading.root != NULL && reading.root->plain, cases[i].plain);
        drop(&reading);
    }
}

/* Places are counted in characters, whatever stands before them. */
static void places(void)
{
    attempt reading;
    read_text(
        &reading,
        "\xef\xbb\xbfname: Zo\xc3\xab\n\xc3\xa9t\xc3\xa9: { a: \xe2\x82\xac, b: two }\r\nlast: [x, yy]\n");
    CHECK_INT(reading.diags.count, 0);
    const nr_node *summer = nr_node_find(reading.root, "\xc3\xa9t\xc3\xa9");
    CHECK(summer != NULL && summer->kind == NR_NODE_MAPPING);
    nr_place place = nr_place_of(summer->key_at);
    CHECK_INT(place.line, 2);
    CHECK_INT(place.column, 1);
    CHECK_INT(place.width, 3);
    place = nr_place_of(nr_node_find(summer, "b")->at);
    CHECK_INT(place.line, 2);
    CHECK_INT(place.column, 17);
    CHECK_INT(place.width, 3);
    place = nr_place_of(nr_node_find(reading.root, "last")->first->next->at);
    CHECK_INT(place.line, 3);
    CHECK_INT(place.column, 11);
    CHECK_INT(nr_line_of(nr_node_find(reading.root, "last")->at), 3);
    drop(&reading);
}

static void empty_files(void)
{
    static const char *const texts[] = { "", "\n", "# nothing\n", "---\n" };
    for (size_t i = 0; i < NR_COUNT(texts); i++) {
        attempt reading;
        read_text(&reading, texts[i]);
        CHECK(nr_node_is_nothing(reading.root));
        CHECK_INT(reading.diags.count, 0);
        drop(&reading);
    }
}

/* What is refused, each with one diagnostic and the place. */
static void refusals(void)
{
    static const struct {
        const char *yaml;
        const char *said;
    } cases[] = {
        { "a: &x 1\nb: *x\n", "yaml-feature 1:4" },
        { "a: *x\n", "yaml-feature 1:4" },
        { "a: !!int 1\n", "yaml-feature 1:4" },
        { "a: !x {}\n", "yaml-feature 1:4" },
        { "a: { <<: { b: c } }\n", "yaml-feature 1:6" },
        { "? [a]\n: b\n", "yaml-feature 1:3" },
        { "a: b\n---\nc: d\n", "yaml-feature 2:1" },
        { "%YAML 1.1\n---\na: b\n", "yaml-feature 1:1" },
        { "a:\n\tb: c\n", "yaml-syntax 2:1" },
        { "a: [b\n", "yaml-syntax 2:1" },
        { "a: \"b\n", "yaml-syntax 2:1" },
        { "a: b: c\n", "yaml-syntax 1:5" },
        { "a: b\na: c\n", "duplicate-key 2:1" },
        { "a: { b: 1, \"b\": 2 }\n", "duplicate-key 1:12" },
        { "a: \x01\n", "not-text 1:4" },
        { "a: b\rc: d\n", "not-text 1:5" },
        { "a: \xc3\x28\n", "not-text 1:4" },
        { "a: \xed\xa0\x80\n", "not-text 1:4" },
        { "a: \xc0\xaf\n", "not-text 1:4" },
        { "a: \xc2\x85 b\n", "not-text 1:4" },
        { "a: x\xe2\x80\xaey\n", "not-text 1:5" },
        { "a: \"b\\0c\"\n", "not-text 1:4" },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        attempt reading;
        read_text(&reading, cases[i].yaml);
        CHECK_STR(only(&reading), cases[i].said);
        drop(&reading);
    }
    attempt reading;
    read_bytes(&reading, "a: b\0c\n", 7);
    CHECK_STR(only(&reading), "not-text 1:5");
    drop(&reading);
}

static char *repeat(const char *head, const char *part, size_t times, const char *tail)
{
    size_t size = strlen(part);
    char *text = malloc(strlen(head) + size * times + strlen(tail) + 1);
    if (text == NULL)
        abort();
    char *at = stpcpy(text, head);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, part);
    stpcpy(at, tail);
    return text;
}

/* One too many of anything is one diagnostic, at once. */
static void limits(void)
{
    static const struct {
        const char *head, *part;
        size_t times;
        const char *tail;
        const char *said;
    } cases[] = {
        { "", "[", 64, "", "yaml-syntax" },
        { "", "[", 65, "", "too-large" },
        { "", "[", 1000000, "", "too-large" },
        { "", "- ", 100000, "x", "too-large" },
        { "", "{a: ", 100000, "", "too-large" },
        { "", "? ", 30000, "", "yaml-feature" },
        { "a: \"", "0123456789abcdef\n", 4000, "\"", "too-large" },
        { "a: ", "0123456789abcdef", 8193, "", "too-large" },
        { "", "a\n", 4000000, "", "too-large" },
        { "", "- a\n", 500000, "", "too-large" },
        { "", "---\n", 100000, "", "yaml-feature" },
        { "", "&a ", 10000, "", "yaml-feature" },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        char *text = repeat(cases[i].head, cases[i].part, cases[i].times,
                            cases[i].tail);
        attempt reading;
        read_text(&reading, text);
        CHECK(reading.root == NULL);
        CHECK_INT(reading.diags.count, 1);
        if (reading.diags.count == 1)
            CHECK_STR(nr_diag_help_of(reading.diags.items[0].code)->slug,
                      cases[i].said);
        drop(&reading);
        free(text);
    }
}

/* Many keys, all of them twice: each second one is told once and left out, and
 * what is told has its own bound. */
static void many_twice(void)
{
    char *text = repeat("", "a: 1\n", 100000, "b: 2\n");
    attempt reading;
    read_text(&reading, text);
    CHECK(reading.root != NULL);
    CHECK_INT(reading.root == NULL ? 0 : reading.root->count, 2);
    CHECK_INT(reading.diags.count, NR_DIAG_MAX);
    CHECK_INT(reading.diags.error_count, 99999);
    CHECK_INT(reading.diags.left_out, 99999 - NR_DIAG_MAX);
    drop(&reading);
    free(text);
}

/* Every shorter prefix of a file is read or refused, and never crashes. */
static void prefixes(void)
{
    static const char text[] =
        "nrbac: 1\n# \xc3\xa9\nlist: [a, 'b', \"c\\u00e9\", { d: e }]\n"
        "map:\n  - x: |\n      text\n  - y: >-\n      folded\n    z: ~\n";
    for (size_t size = 0; size < sizeof(text); size++) {
        char *copy = malloc(size + 1);
        if (copy == NULL)
            abort();
        memcpy(copy, text, size);
        attempt reading;
        read_bytes(&reading, copy, size);
        CHECK(reading.root != NULL || reading.diags.count == 1);
        drop(&reading);
        free(copy);
    }
}

static void typed_reading(void)
{
    static const nr_field fields[] = { { "name", true }, { "level", false } };
    static const char *const words[] = { "low", "high" };
    const nr_node *values[NR_COUNT(fields)];
    attempt reading;
    int64_t number = 0;
    bool boolean = false;
    read_text(&reading, "nam: x\nlevel: 07\nn: -12\nyes: true\nword: hihg\n");
    nr_diags *diags = &reading.diags;
    CHECK(nr_node_fields(reading.root, "a thing", fields, NR_COUNT(fields), values,
                         diags));
    CHECK_INT(diags->count, 5); /* four unknown keys, one missing */
    CHECK_STR(diags->items[0].help, "did you mean `name`?");
    CHECK(values[0] == NULL && values[1] != NULL);
    CHECK(!nr_node_integer(values[1], "`level`", 0, 9, &number, diags));
    CHECK(nr_node_integer(nr_node_find(reading.root, "n"), "`n`", -20, 9, &number,
                          diags));
    CHECK_INT(number, -12);
    CHECK(
        !nr_node_integer(nr_node_find(reading.root, "n"), "`n`", 0, 9, &number, diags));
    CHECK(nr_node_boolean(nr_node_find(reading.root, "yes"), "`yes`", &boolean, diags));
    CHECK(boolean);
    CHECK_INT(
        nr_node_choice(nr_node_find(reading.root, "word"), "`word`", words, 2, diags),
        -1);
    CHECK_STR(diags->items[diags->count - 1].help, "did you mean `high`?");
    CHECK(nr_node_text(reading.root, "a text", diags) == NULL);
    CHECK_STR(diags->items[diags->count - 1].message,
              "a text must be a text, but is a mapping");
    drop(&reading);
}

static void nearest(void)
{
    static const char *const names[] = { "local:clerk", "B0820", "B0825", "require" };
    static const struct {
        const char *name;
        const char *near;
    } cases[] = {
        { "local:clerck", "local:clerk" },
        { "local:celrk", "local:clerk" },
        { "b0820", "B0820" },
        { "B0852", "B0825" },
        { "requir", "require" },
        { "REQUIRE", "require" },
        { "B9999", NULL },
        { "", NULL },
        { "x", NULL },
        { "something else", NULL },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++)
        CHECK_STR(nr_nearest_name(cases[i].name, names, NR_COUNT(names)),
                  cases[i].near);
    char *longest = repeat("", "a", 100000, "");
    CHECK(nr_nearest_name(longest, names, NR_COUNT(names)) == NULL);
    free(longest);
}

int main(void)
{
    scalars();
    places();
    empty_files();
    refusals();
    limits();
    many_twice();
    prefixes();
    typed_reading();
    nearest();
    return check_report();
}
