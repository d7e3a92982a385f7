/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as MessagePack bytes. No socket is known here: the daemon, the client,
 * the fuzzer and the tests all feed it plain bytes.
 *
 * A message is read in two steps. The scan finds where it ends and holds it to
 * the limits, allocating nothing, whatever a header claims; only a whole message
 * within the limits is then decoded.
 */
#ifndef NR_WIRE_H
#define NR_WIRE_H

#include "base/base.h"

#include <nrbac/value.h>

/* ---- Buffer ---------------------------------------------------------------- */

/* Bytes that grow. Zero-initialised; `failed` once memory ran out, and then
 * appending does nothing, so that one look at the end is enough. */
typedef struct nr_buffer {
    uint8_t *bytes;
    size_t size;
    size_t room;
    bool failed;
} nr_buffer;

/* Room for so many more bytes, behind those that there are; NULL: memory ran out. */
uint8_t *nr_buffer_grow(nr_buffer *buffer, size_t size);
static inline uint8_t *nr_buffer_room(nr_buffer *buffer, size_t size)
{
    return buffer->room - buffer->size >= size && !buffer->failed
               ? buffer->bytes + buffer->size
               : nr_buffer_grow(buffer, size);
}
void nr_buffer_append(nr_buffer *buffer, const void *bytes, size_t size);
/* As a MessagePack text. */
void nr_buffer_append_text(nr_buffer *buffer, const char *text, size_t size);
/* Drops bytes from the front. */
void nr_buffer_drop(nr_buffer *buffer, size_t size);
void nr_buffer_finish(nr_buffer *buffer);

/* ---- Where a message ends -------------------------------------------------- */

/* The deepest nesting that can be configured; the message itself is 1 deep. */
enum { NR_WIRE_DEPTH_MAX = 64 };

typedef struct nr_scan_limits {
    size_t size;     /* of one message, in bytes */
    size_t elements; /* of all lists and maps of one message together */
    unsigned depth;  /* at most NR_WIRE_DEPTH_MAX */
} nr_scan_limits;

/* How far one message has been looked at: what came is never looked at twice,
 * so a message that arrives byte by byte costs no more than one that arrives
 * whole. Zero-initialised before each message. */
typedef struct nr_scan {
    size_t at;
    size_t elements;
    unsigned depth;                   /* lists and maps that are open */
    uint64_t left[NR_WIRE_DEPTH_MAX]; /* values that each of them still misses */
} nr_scan;

typedef enum nr_scan_result {
    NR_SCAN_PARTIAL = 0, /* more bytes are needed */
    NR_SCAN_READY,       /* the message is the first scan->at bytes */
    NR_SCAN_BAD,         /* not MessagePack */
    NR_SCAN_TOO_LARGE,   /* by what its headers announce, if not by what came */
    NR_SCAN_TOO_DEEP,
} nr_scan_result;

/* Looks at the bytes from the start of the message; those given in an earlier
 * call are given again, more of them than before. */
nr_scan_result nr_scan_next(nr_scan *scan, const uint8_t *bytes, size_t size,
                            const nr_scan_limits *limits);

/* ---- Values ---------------------------------------------------------------- */

/* Builds the value of one scanned message. Refused (NRBAC_E_FORMAT, *problem
 * says why): keys that are not texts or occur twice, texts that are not UTF-8 or
 * hold NUL, binary, extensions, integers beyond int64, infinities and NaN. */
NRBAC_MUST_USE nrbac_status nr_wire_decode(nrbac_document *document,
                                           const uint8_t *bytes, size_t size,
                                           const nrbac_value **value,
                                           const char **problem);

/* Appends the shortest form of the value; maps keep the order of their members. */
void nr_wire_encode(nr_buffer *buffer, const nrbac_value *value);

/* A map of one member that is a list, encoded item by item, so that an answer to
 * many questions never stands in memory as values. The list's length is told at
 * the end, to the number that nr_wire_open_list() returned. */
size_t nr_wire_open_list(nr_buffer *buffer, const char *key);
void nr_wire_close_list(nr_buffer *buffer, size_t list, uint32_t count);

#endif
