/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a message ends. A value is a header and a body; a list's or map's body
 * is so many more values, and the stack of what they still miss is all the state
 * there is. A header is read again if it was cut; nothing else is.
 */
#include "wire/wire.h"

typedef enum shape { SCALAR = 0, LIST, MAP, NEVER } shape;

typedef struct header {
    size_t size; /* of the header itself */
    shape shape;
    uint64_t body; /* a scalar's bytes, or a container's values */
} header;

/* The headers 0xc0 to 0xdf: how many bytes of length follow, and what of the
 * body does not stand in the length. */
static const struct {
    uint8_t length_size;
    uint8_t fixed;
    uint8_t shape;
} heads[32] = {
    { 0, 0, SCALAR },  /* c0 nil */
    { 0, 0, NEVER },   /* c1 */
    { 0, 0, SCALAR },  /* c2 false */
    { 0, 0, SCALAR },  /* c3 true */
    { 1, 0, SCALAR },  /* c4 bin 8 */
    { 2, 0, SCALAR },  /* c5 bin 16 */
    { 4, 0, SCALAR },  /* c6 bin 32 */
    { 1, 1, SCALAR },  /* c7 ext 8 */
    { 2, 1, SCALAR },  /* c8 ext 16 */
    { 4, 1, SCALAR },  /* c9 ext 32 */
    { 0, 4, SCALAR },  /* ca float 32 */
    { 0, 8, SCALAR },  /* cb float 64 */
    { 0, 1, SCALAR },  /* cc uint 8 */
    { 0, 2, SCALAR },  /* cd uint 16 */
    { 0, 4, SCALAR },  /* ce uint 32 */
    { 0, 8, SCALAR },  /* cf uint 64 */
    { 0, 1, SCALAR },  /* d0 int 8 */
    { 0, 2, SCALAR },  /* d1 int 16 */
    { 0, 4, SCALAR },  /* d2 int 32 */
    { 0, 8, SCALAR },  /* d3 int 64 */
    { 0, 2, SCALAR },  /* d4 fixext 1 */
    { 0, 3, SCALAR },  /* d5 fixext 2 */
    { 0, 5, SCALAR },  /* d6 fixext 4 */
    { 0, 9, SCALAR },  /* d7 fixext 8 */
    { 0, 17, SCALAR }, /* d8 fixext 16 */
    { 1, 0, SCALAR },  /* d9 str 8 */
    { 2, 0, SCALAR },  /* da str 16 */
    { 4, 0, SCALAR },  /* db str 32 */
    { 2, 0, LIST },    /* dc array 16 */
    { 4, 0, LIST },    /* dd array 32 */
    { 2, 0, MAP },     /* de map 16 */
    { 4, 0, MAP },     /* df map 32 */
};

static header short_header(uint8_t first)
{
    if (first >= 0x80 && first <= 0x8f)
        return (header){ 1, MAP, UINT64_C(2) * (first & 0x0fu) };
    if (first >= 0x90 && first <= 0x9f)
        return (header){ 1, LIST, first & 0x0fu };
    if (first >= 0xa0 && first <= 0xbf)
        return (header){ 1, SCALAR, first & 0x1fu };
    return (header){ 1, SCALAR, 0 }; /* small integers */
}

/* False if the header itself is cut. */
static bool read_header(const uint8_t *bytes, size_t size, header *out)
{
    if (size == 0)
        return false;
    if (bytes[0] < 0xc0 || bytes[0] > 0xdf) {
        *out = short_header(bytes[0]);
        return true;
    }
    size_t length_size = heads[bytes[0] - 0xc0].length_size;
    if (size < 1 + length_size)
        return false;
    uint64_t length = 0;
    for (size_t i = 0; i < length_size; i++)
        length = length << 8 | bytes[1 + i];
    shape kind = (shape)heads[bytes[0] - 0xc0].shape;
    if (kind == MAP)
        length *= 2;
    *out = (header){ 1 + length_size, kind, length + heads[bytes[0] - 0xc0].fixed };
    return true;
}

/* One value is whole, and with it every container that missed only that. */
static void count_value(nr_scan *scan)
{
    while (scan->depth > 0 && --scan->left[scan->depth - 1] == 0)
        scan->depth--;
}

static nr_scan_result open_container(nr_scan *scan, const header *head,
                                     const nr_scan_limits *limits)
{
    if (scan->depth >= limits->depth || scan->depth >= NR_WIRE_DEPTH_MAX)
        return NR_SCAN_TOO_DEEP;
    if (head->body > limits->elements - scan->elements)
        return NR_SCAN_TOO_LARGE;
    scan->elements += head->body;
    scan->at += head->size;
    if (head->body == 0)
        count_value(scan);
    else
        scan->left[scan->depth++] = head->body;
    return NR_SCAN_READY;
}

/* Takes one scalar, or one container's header. */
static nr_scan_result take(nr_scan *scan, const uint8_t *bytes, size_t size,
                           const nr_scan_limits *limits)
{
    header head;
    if (!read_header(bytes + scan->at, size - scan->at, &head))
        return size >= limits->size ? NR_SCAN_TOO_LARGE : NR_SCAN_PARTIAL;
    if (head.shape == NEVER)
        return NR_SCAN_BAD;
    if (head.size > limits->size - scan->at)
        return NR_SCAN_TOO_LARGE;
    if (head.shape != SCALAR)
        return open_container(scan, &head, limits);
    if (head.body > limits->size - scan->at - head.size)
        return NR_SCAN_TOO_LARGE;
    if (head.body > size - scan->at - head.size)
        return NR_SCAN_PARTIAL;
    scan->at += head.size + (size_t)head.body;
    count_value(scan);
    return NR_SCAN_READY;
}

nr_scan_result nr_scan_next(nr_scan *scan, const uint8_t *bytes, size_t size,
                            const nr_scan_limits *limits)
{
    if (size == 0)
        return NR_SCAN_PARTIAL; /* and perhaps no bytes to point to */
    do {
        nr_scan_result result = take(scan, bytes, size, limits);
        if (result != NR_SCAN_READY)
            return result;
    } while (scan->depth > 0);
    return NR_SCAN_READY;
}
