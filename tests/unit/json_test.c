/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: what is written reads back as the same, and what is refused says where.
 */
#include "check.h"

#include <nrbac/policy.h>
#include <stdlib.h>

static char *again(const char *text, unsigned flags)
{
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *value = NULL;
    nrbac_error error = { "" };
    char *out = NULL;
    if (document == NULL)
        abort();
    nrbac_status status = nrbac_json_read(document, text, strlen(text), &value, &error);
    if (status != NRBAC_OK)
        printf("%s: %s\n", text, error.text);
    else
        status = nrbac_json_write(value, flags, &out, NULL);
    CHECK_STR(nrbac_status_text(status), "ok");
    nrbac_document_destroy(document);
    return out;
}

/* Read, written, the same: texts pass byte for byte, numbers exactly. */
static void round_trips(void)
{
    static const char *const texts[] = {
        "null",
        "true",
        "-9223372036854775808",
        "9223372036854775807",
        "0.1",
        "1e+300",
        "2.0",
        "\"\"",
        "\"Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x92\x89 / \x7f\"",
        "\"\\\"\\\\\\n\\t\\r\\u0001\\u001f\"",
        "[]",
        "{}",
        "[[],{},[1,2,[3]],{\"a\":{\"b\":[null]}}]",
        "{\"z\":1,\"a\":2,\"\xc3\xa9\":3}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        char *out = again(texts[i], NRBAC_JSON_COMPACT);
        CHECK_STR(out, texts[i]);
        free(out);
    }
    char *out = again("{\"a\":[1,{}],\"b\":[]}", NRBAC_JSON_INDENT);
    CHECK_STR(out, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
    free(out);
    out = again("\"\\u00e9\\ud83d\\udc89\\/\"", NRBAC_JSON_COMPACT);
    CHECK_STR(out, "\"\xc3\xa9\xf0\x9f\x92\x89/\"");
    free(out);
}

static nrbac_status read_only(const char *text, size_t size, nrbac_error *error)
{
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *value = NULL;
    if (document == NULL)
        abort();
    nrbac_status status = nrbac_json_read(document, text, size, &value, error);
    CHECK((status == NRBAC_OK) == (value != NULL));
    nrbac_document_destroy(document);
    return status;
}

static void refusals(void)
{
    static const char *const texts[] = {
        "",
        "{",
        "[1,]",
        "{\"a\":1,\"a\":2}",
        "\"\\u0000\"",
        "{\"a\\u0000\":1}",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\\ud800\"",
        "1 2",
        "01",
        "nul",
        "NaN",
        "9223372036854775808",
        "1e999",
        "\"a\nb\"",
        "{'a':1}",
        "{\"a\":1}}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        nrbac_error error = { "" };
        CHECK_STR(nrbac_status_text(read_only(texts[i], strlen(texts[i]), &error)),
                  nrbac_status_text(NRBAC_E_FORMAT));
        CHECK(error.text[0] >= '0' && error.text[0] <= '9');
        CHECK(read_only(texts[i], strlen(texts[i]), NULL) == NRBAC_E_FORMAT);
    }
    nrbac_error error = { "" };
    CHECK(read_only("{\n  \"a\": 1,\n  \"a\": 2\n}", 24, &error) == NRBAC_E_FORMAT);
    CHECK(strncmp(error.text, "3:", 2) == 0);
}

/* 64 levels are read, 65 are not; a million cost no stack. */
static void depth(void)
{
    static const struct {
        size_t depth;
        nrbac_status status;
    } cases[] = {
        { 64, NRBAC_OK },
        { 65, NRBAC_E_FORMAT },
        { 1000, NRBAC_E_FORMAT },
        { 1000000, NRBAC_E_FORMAT },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = malloc(2 * cases[i].depth);
        if (text == NULL)
            abort();
        memset(text, '[', cases[i].depth);
        memset(text + cases[i].depth, ']', cases[i].depth);
        CHECK_INT(read_only(text, 2 * cases[i].depth, NULL), cases[i].status);
        free(text);
    }
}

/* Every shorter prefix of a document is refused. */
static void prefixes(void)
{
    static const char text[] = "{\"a\":[1,2.5,\"\\u00e9\xc3\xa9\",null,true],\"b\":{}}";
    for (size_t size = 0; size + 1 < sizeof(text); size++) {
        char *copy = malloc(size + 1);
        if (copy == NULL)
            abort();
        memcpy(copy, text, size);
        CHECK(read_only(copy, size, NULL) == NRBAC_E_FORMAT);
        free(copy);
    }
    CHECK(read_only(text, sizeof(text) - 1, NULL) == NRBAC_OK);
}

/* What JSON has no word for. */
static void built_values(void)
{
    nrbac_document *document = nrbac_document_create();
    char *out = NULL;
    size_t size = 0;
    if (document == NULL)
        abort();
    double zero = 0.0;
    nrbac_value *list = nrbac_new_list(document);
    nrbac_append(document, list, nrbac_new_real(document, 1.0 / zero));
    nrbac_append(document, list, nrbac_new_text_of(document, "ab", 1));
    CHECK(nrbac_json_write(list, 0, &out, &size) == NRBAC_OK);
    CHECK_STR(out, "[null,\"a\"]");
    CHECK_INT(size, 10);
    free(out);
    nrbac_value *top = nrbac_new_list(document);
    nrbac_value *inner = top;
    for (int i = 0; i < 1000; i++)
        inner = nrbac_append(document, inner, nrbac_new_list(document));
    CHECK(nrbac_json_write(top, 0, &out, NULL) == NRBAC_E_LIMIT);
    CHECK(out == NULL);
    nrbac_document_destroy(document);
}

int main(void)
{
    round_trips();
    refusals();
    depth();
    prefixes();
    built_values();
    return check_report();
}
