/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quick way: `check` and `check_many` read where they lie, and their answers
 * written where they are sent from.
 *
 * Whatever is not plain is not recognised and goes the general way, so this need
 * know no errors. What is recognised means exactly what it means there: tests/fuzz
 * and tests/unit/quick_test.c hold one against the other.
 */
#ifndef NR_QUICK_H
#define NR_QUICK_H

#include "wire/wire.h"

/* A name as it was asked: a text, which is not terminated, or a number. */
typedef struct nr_quick_name {
    const char *text; /* NULL: a number */
    uint32_t size;
    uint32_t number;
} nr_quick_name;

/* [0, id, "check", [session, name]] or [0, id, "check_many", [session, [name...]]];
 * it points into the bytes that it was read from. */
typedef struct nr_quick {
    size_t size; /* of the message */
    int64_t session;
    uint32_t id;
    bool many;
    uint32_t count;      /* of names: 1, if not many */
    nr_quick_name name;  /* if not many */
    const uint8_t *next; /* else the first of the names that nr_quick_next() gives */
    const uint8_t *end;
} nr_quick;

/* Reads the message at the front. Numbers of names go from 1 to `numbers`. False: it
 * is something else, or not whole, or beyond a limit. Texts are those of plain ASCII:
 * any other text is for the general way, which knows UTF-8. */
bool nr_quick_read(const uint8_t *bytes, size_t size, const nr_scan_limits *limits,
                   uint32_t numbers, nr_quick *out);
/* The next of many names; as often as there are names. */
nr_quick_name nr_quick_next(nr_quick *quick);

/* The response to one name. */
void nr_quick_answer(nr_buffer *buffer, const nr_quick *quick,
                     const nrbac_decision *decision);
/* The response to many up to their rows, as many as there are names. */
void nr_quick_begin(nr_buffer *buffer, const nr_quick *quick);
/* [decision, reason, generation, [obligations]] */
void nr_quick_row(nr_buffer *buffer, const nrbac_decision *decision);

#endif
