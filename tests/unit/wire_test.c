/* SPDX-License-Identifier: Apache-2.0 */
/* Uses mmap's MAP_ANONYMOUS. */
#define _DEFAULT_SOURCE
#include "check.h"

#include "wire/rpc.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const nr_scan_limits limits = { .size = 1000, .elements = 100, .depth = 8 };

/* Puts the bytes flush against a page that may not be touched: whoever reads one
 * byte too many faults here, with or without a sanitizer. */
static uint8_t *edge;
static size_t page;

static const uint8_t *at_the_edge(const void *bytes, size_t size)
{
    if (edge == NULL) {
        page = (size_t)sysconf(_SC_PAGESIZE);
        edge = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                    -1, 0);
        if (edge == MAP_FAILED || mprotect(edge + page, page, PROT_NONE) != 0)
            abort();
    }
    if (size != 0)
        memcpy(edge + page - size, bytes, size);
    return edge + page - size;
}

static nr_scan_result scan_all(const void *bytes, size_t size, size_t *end)
{
    nr_scan scan = { 0 };
    nr_scan_result result = nr_scan_next(&scan, at_the_edge(bytes, size), size,
                                         &limits);
    *end = scan.at;
    return result;
}

/* Every value ends where MessagePack says; what follows is the next message. */
static void a_message_ends_where_it_ends(void)
{
    static const struct {
        const char *bytes;
        size_t size;
        size_t end;
        nr_scan_result expected;
    } cases[] = {
        { "\x00", 1, 1, NR_SCAN_READY },
        { "\x7f\x01", 2, 1, NR_SCAN_READY },
        { "\xff", 1, 1, NR_SCAN_READY },
        { "\xc0", 1, 1, NR_SCAN_READY },
        { "\xc1", 1, 0, NR_SCAN_BAD },
        { "\x92\x01\xc1", 3, 2, NR_SCAN_BAD },
        { "\xa3"
          "abcd",
          5, 4, NR_SCAN_READY },
        { "\xd9\x02xy", 4, 4, NR_SCAN_READY },
        { "\xda\x00\x01x", 4, 4, NR_SCAN_READY },
        { "\xdb\x00\x00\x00\x00", 5, 5, NR_SCAN_READY },
        { "\xc4\x01x", 3, 3, NR_SCAN_READY },
        { "\xc7\x01\x05x", 4, 4, NR_SCAN_READY },
        { "\xd4\x05x", 3, 3, NR_SCAN_READY },
        { "\xd8\x05"
          "0123456789abcdef",
          18, 18, NR_SCAN_READY },
        { "\xcf\x00\x00\x00\x00\x00\x00\x00\x01", 9, 9, NR_SCAN_READY },
        { "\xcb\x00\x00\x00\x00\x00\x00\x00\x00", 9, 9, NR_SCAN_READY },
        { "\x90\x90", 2, 1, NR_SCAN_READY },
        { "\x92\x90\x80\x00", 4, 3, NR_SCAN_READY },
        { "\x81\xa1"
          "a\x92\x01\x02\x00",
          7, 6, NR_SCAN_READY },
        { "\xdc\x00\x02\x01\x02", 5, 5, NR_SCAN_READY },
        { "\xdf\x00\x00\x00\x01\xa0\xc0", 7, 7, NR_SCAN_READY },
    };

    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        size_t end = 0;
        CHECK_INT(scan_all(cases[i].bytes, cases[i].size, &end), cases[i].expected);
        CHECK_INT(end, cases[i].end);
        for (size_t size = 0; size < cases[i].end; size++)
            CHECK_INT(scan_all(cases[i].bytes, size, &end), NR_SCAN_PARTIAL);
    }
}

/* A header that announces too much is refused when it comes, not when it is kept. */
static void limits_hold_before_anything_is_built(void)
{
    static const struct {
        const char *bytes;
        size_t size;
        nr_scan_result expected;
    } cases[] = {
        { "\xdd\xff\xff\xff\xff", 5, NR_SCAN_TOO_LARGE },
        { "\xdf\xff\xff\xff\xff", 5, NR_SCAN_TOO_LARGE },
        { "\xdb\xff\xff\xff\xff", 5, NR_SCAN_TOO_LARGE },
        { "\xc6\xff\xff\xff\xff", 5, NR_SCAN_TOO_LARGE },
        { "\xc9\xff\xff\xff\xff", 5, NR_SCAN_TOO_LARGE },
        { "\xda\x03\xe6", 3, NR_SCAN_TOO_LARGE }, /* 3 + 998 */
        { "\xda\x03\xe5", 3, NR_SCAN_PARTIAL },   /* 3 + 997: exactly the limit */
        { "\xdc\x00\x65", 3, NR_SCAN_TOO_LARGE }, /* 101 elements */
        { "\xdc\x00\x64", 3, NR_SCAN_PARTIAL },
        { "\xde\x00\x33", 3, NR_SCAN_TOO_LARGE }, /* 51 members are 102 */
        { "\xdc\x00\x63\x92", 4, NR_SCAN_TOO_LARGE },
        { "\x91\x91\x91\x91\x91\x91\x91\x91\x91", 9, NR_SCAN_TOO_DEEP },
        { "\x91\x91\x91\x91\x91\x91\x91\x90", 8, NR_SCAN_READY },
        { "\x91\x91\x91\x91\x91\x91\x91\x91\x90", 9, NR_SCAN_TOO_DEEP },
    };

    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        size_t end = 0;
        CHECK_INT(scan_all(cases[i].bytes, cases[i].size, &end), cases[i].expected);
    }
}

/* Byte by byte or at once: the same end, and no byte is counted twice. */
static void a_scan_goes_on_where_it_stopped(void)
{
    static const char message[] = "\x94\x00\x07\xa5"
                                  "check\x92\x03\xa5"
                                  "B0820";
    size_t size = sizeof(message) - 1;
    nr_scan scan = { 0 };
    for (size_t given = 0; given < size; given++)
        CHECK_INT(nr_scan_next(&scan, at_the_edge(message, given), given, &limits),
                  NR_SCAN_PARTIAL);
    CHECK_INT(nr_scan_next(&scan, at_the_edge(message, size), size, &limits),
              NR_SCAN_READY);
    CHECK_INT(scan.at, size);
    CHECK_INT(scan.elements, 6);
}

/* What a message may not hold, each with its own words. */
static void what_is_no_value_is_refused(void)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *problem;
    } cases[] = {
        { "\x82\xa1"
          "a\x01\xa1"
          "a\x02",
          7, "a map has the same key twice" },
        { "\x81\x01\x02", 3, "a map has a key that is not a text" },
        { "\xa2\xc3\x28", 3, "a text is not UTF-8 or holds a NUL" },
        { "\xa2\xc0\x80", 3, "a text is not UTF-8 or holds a NUL" },
        { "\xa3\xed\xa0\x80", 4, "a text is not UTF-8 or holds a NUL" },
        { "\xa3\xe0\x80\x80", 4, "a text is not UTF-8 or holds a NUL" },
        { "\xa4\xf4\x90\x80\x80", 5, "a text is not UTF-8 or holds a NUL" },
        { "\xa2\xe2\x82", 3, "a text is not UTF-8 or holds a NUL" },
        { "\xa3"
          "a\0b",
          4, "a text is not UTF-8 or holds a NUL" },
        { "\xc4\x01x", 3, "binary is not part of the protocol: send texts as str" },
        { "\xd4\x05x", 3, "extension types are not part of the protocol" },
        { "\xcf\x80\x00\x00\x00\x00\x00\x00\x00", 9,
          "an integer is beyond 64 bits with sign" },
        { "\xca\x7f\x80\x00\x00", 5, "a number is not finite" },
        { "\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", 9, "a number is not finite" },
        { "\x92\x01", 2, "not MessagePack" },
        { "\x01\x01", 2, "not MessagePack" },
    };

    nrbac_document *document = nrbac_document_create();
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        const nrbac_value *value = NULL;
        const char *problem = NULL;
        nrbac_status status = nr_wire_decode(document,
                                             at_the_edge(cases[i].bytes, cases[i].size),
                                             cases[i].size, &value, &problem);
        CHECK_INT(status, NRBAC_E_FORMAT);
        CHECK_STR(problem, cases[i].problem);
        CHECK(value == NULL);
    }
    nrbac_document_destroy(document);
}

static const nrbac_value *decode(nrbac_document *document, const nr_buffer *buffer)
{
    const nrbac_value *value = NULL;
    const char *problem = NULL;
    CHECK_INT(nr_wire_decode(document, buffer->bytes, buffer->size, &value, &problem),
              NRBAC_OK);
    CHECK(problem == NULL);
    return value;
}

/* What is encoded is decoded to the same, also at the edges of each width. */
static void values_go_there_and_back(void)
{
    static const int64_t integers[] = {
        0,         1,         -1,     127,    128,        255,        256,
        -32,       -33,       -128,   -129,   65535,      65536,      INT32_MAX,
        INT32_MIN, INT64_MAX, -32768, -32769, 4294967295, 4294967296, INT64_MIN,
    };
    nrbac_document *document = nrbac_document_create();
    nrbac_value *map = nrbac_new_map(document);
    nrbac_value *list = nrbac_set(document, map, "integers", nrbac_new_list(document));
    for (size_t i = 0; i < NR_COUNT(integers); i++)
        nrbac_append(document, list, nrbac_new_integer(document, integers[i]));
    nrbac_set(document, map, "\xc3\xa9t\xc3\xa9",
              nrbac_new_text(document, "\xf0\x9f\x8f\xa5 ward"));
    nrbac_set(document, map, "yes", nrbac_new_boolean(document, true));
    nrbac_set(document, map, "no", nrbac_new_boolean(document, false));
    nrbac_set(document, map, "none", nrbac_new_null(document));
    nrbac_set(document, map, "half", nrbac_new_real(document, 0.5));
    nrbac_set(document, map, "empty", nrbac_new_map(document));

    nr_buffer buffer = { 0 };
    nr_wire_encode(&buffer, map);
    const nrbac_value *back = decode(document, &buffer);
    CHECK_INT(nrbac_value_count(back), 7);
    const nrbac_value *numbers = nrbac_value_find(back, "integers");
    for (size_t i = 0; i < NR_COUNT(integers); i++)
        CHECK_INT(nrbac_value_integer(nrbac_value_at(numbers, i)), integers[i]);
    CHECK_STR(nrbac_value_text(nrbac_value_find(back, "\xc3\xa9t\xc3\xa9")),
              "\xf0\x9f\x8f\xa5 ward");
    CHECK(nrbac_value_boolean(nrbac_value_find(back, "yes")));
    CHECK(!nrbac_value_boolean(nrbac_value_find(back, "no")));
    CHECK_INT(nrbac_value_kind(nrbac_value_find(back, "none")), NRBAC_KIND_NULL);
    CHECK(fabs(nrbac_value_real(nrbac_value_find(back, "half")) - 0.5) < 1e-12);
    CHECK_INT(nrbac_value_kind(nrbac_value_find(back, "empty")), NRBAC_KIND_MAP);
    CHECK_STR(nrbac_value_key(back, 6), "empty");
    nr_buffer_finish(&buffer);
    nrbac_document_destroy(document);
}

/* The deepest that can be configured is also what the decoder can do. */
static void the_deepest_nesting_is_decoded(void)
{
    uint8_t bytes[NR_WIRE_DEPTH_MAX + 1];
    memset(bytes, 0x91, sizeof(bytes));
    bytes[NR_WIRE_DEPTH_MAX - 1] = 0x90;
    const nr_scan_limits deep = { .size = 1000,
                                  .elements = 100,
                                  .depth = NR_WIRE_DEPTH_MAX };
    nr_scan scan = { 0 };
    CHECK_INT(nr_scan_next(&scan, bytes, NR_WIRE_DEPTH_MAX, &deep), NR_SCAN_READY);

    nrbac_document *document = nrbac_document_create();
    const nrbac_value *value = NULL;
    const char *problem = NULL;
    CHECK_INT(nr_wire_decode(document, bytes, NR_WIRE_DEPTH_MAX, &value, &problem),
              NRBAC_OK);
    nrbac_document_destroy(document);

    bytes[NR_WIRE_DEPTH_MAX - 1] = 0x91;
    scan = (nr_scan){ 0 };
    CHECK_INT(nr_scan_next(&scan, bytes, sizeof(bytes), &deep), NR_SCAN_TOO_DEEP);
}

/* Many keys are compared in n log n: this takes seconds if each is compared with
 * each. */
static void a_large_map_is_checked_too(void)
{
    enum { MEMBERS = 30000 };
    nrbac_document *document = nrbac_document_create();
    nrbac_value *map = nrbac_new_map(document);
    char key[16];
    for (int i = 0; i < MEMBERS; i++) {
        (void)snprintf(key, sizeof(key), "key%d", i);
        nrbac_set(document, map, key, nrbac_new_null(document));
    }
    nr_buffer buffer = { 0 };
    nr_wire_encode(&buffer, map);
    CHECK_INT(nrbac_value_count(decode(document, &buffer)), MEMBERS);

    nr_buffer_finish(&buffer);
    nrbac_set(document, map, "key7", nrbac_new_null(document));
    nr_wire_encode(&buffer, map);
    const nrbac_value *value = NULL;
    const char *problem = NULL;
    CHECK_INT(nr_wire_decode(document, buffer.bytes, buffer.size, &value, &problem),
              NRBAC_E_FORMAT);
    CHECK_STR(problem, "a map has the same key twice");
    nr_buffer_finish(&buffer);
    nrbac_document_destroy(document);
}

/* ---- Frames ---------------------------------------------------------------- */

static void frames_are_read_as_they_are_written(void)
{
    nrbac_document *document = nrbac_document_create();
    nrbac_value *params = nrbac_new_list(document);
    nrbac_append(document, params, nrbac_new_text(document, "B0820"));
    nr_buffer buffer = { 0 };
    nr_rpc frame;
    const char *problem = NULL;

    nr_rpc_write_request(&buffer, 4294967295u, "check", params);
    CHECK_INT(nr_rpc_read(document, buffer.bytes, buffer.size, &frame, &problem),
              NRBAC_OK);
    CHECK_INT(frame.kind, NR_RPC_REQUEST);
    CHECK_INT(frame.id, 4294967295u);
    CHECK_STR(frame.method, "check");
    CHECK_STR(nrbac_value_text(nrbac_value_at(frame.params, 0)), "B0820");
    nr_buffer_finish(&buffer);

    nr_rpc_write_result(&buffer, 3, params);
    CHECK_INT(nr_rpc_read(document, buffer.bytes, buffer.size, &frame, &problem),
              NRBAC_OK);
    CHECK_INT(frame.kind, NR_RPC_RESPONSE);
    CHECK_INT(nrbac_value_kind(frame.error), NRBAC_KIND_NULL);
    CHECK_INT(nrbac_value_count(frame.result), 1);
    nr_buffer_finish(&buffer);

    nr_rpc_write_fault(&buffer, NULL, NR_FAULT_OVER_LIMIT, "too many connections");
    CHECK_INT(nr_rpc_read(document, buffer.bytes, buffer.size, &frame, &problem),
              NRBAC_OK);
    CHECK(!frame.has_id);
    CHECK_STR(nrbac_value_text(nrbac_value_find(frame.error, "code")), "over-limit");
    nr_buffer_finish(&buffer);
    nrbac_document_destroy(document);
}

/* A frame that cannot be read still names its request, if that can be seen. */
static void a_broken_frame_keeps_its_number(void)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool has_id;
        uint32_t id;
    } cases[] = {
        { "\x94\x00\x07\xa1x\x91\xc4\x00", 8, true, 7 },
        { "\x94\x00\xcc\xc8\xa1x\x91\xc4\x00", 9, true, 200 },
        { "\x94\x00\xce\xff\xff\xff\xff\xa1x\x91\xc4\x00", 12, true, 4294967295u },
        { "\x94\x00\x07\x05\x90", 5, true, 7 }, /* the method is no text */
        { "\x94\x00\xff\xa1x\x90", 6, false, 0 },
        { "\x94\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xa1x\x90", 14, false, 0 },
        { "\x95\x00\x07\xa1x\x90\x01", 7, false, 0 },
        { "\x93\x00\x07\xa1x", 5, false, 0 },
        { "\x94\x03\x07\xa1x\x90", 6, false, 0 },
        { "\x47", 1, false, 0 },
        { "\x80", 1, false, 0 },
        { "\x90", 1, false, 0 },
    };

    nrbac_document *document = nrbac_document_create();
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        nr_rpc frame;
        const char *problem = NULL;
        CHECK_INT(nr_rpc_read(document, at_the_edge(cases[i].bytes, cases[i].size),
                              cases[i].size, &frame, &problem),
                  NRBAC_E_FORMAT);
        CHECK(problem != NULL);
        CHECK_INT(frame.has_id, cases[i].has_id);
        CHECK_INT(frame.id, cases[i].id);
    }
    nrbac_document_destroy(document);
}

int main(void)
{
    a_message_ends_where_it_ends();
    limits_hold_before_anything_is_built();
    a_scan_goes_on_where_it_stopped();
    what_is_no_value_is_refused();
    values_go_there_and_back();
    the_deepest_nesting_is_decoded();
    a_large_map_is_checked_too();
    frames_are_read_as_they_are_written();
    a_broken_frame_keeps_its_number();
    return check_report();
}
