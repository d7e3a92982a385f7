/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents from inside: <nrbac/value.h> is what everyone else sees.
 */
#ifndef NR_VALUE_H
#define NR_VALUE_H

#include "base/arena.h"

#include <nrbac/value.h>

typedef struct nr_member {
    const char *key;
    nrbac_value *value;
} nr_member;

struct nrbac_value {
    nrbac_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const char *bytes;
            size_t size;
        } text;
        struct {
            nrbac_value **items;
            size_t count, room;
        } list;
        struct {
            nr_member *items;
            size_t count, room;
        } map;
    };
};

struct nrbac_document {
    nr_arena arena;
    bool failed;
};

/* A list of many texts, in one block. NULL: out of memory. */
nrbac_value *nr_new_texts(nrbac_document *document, const char *const *texts,
                          size_t count);

/* nrbac_set() by a key that lasts as long as the document, which is not copied. */
nrbac_value *nr_set_lasting(nrbac_document *document, nrbac_value *map, const char *key,
                            nrbac_value *item);

#endif
