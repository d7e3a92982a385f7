/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map with other members. Nothing that was there is written: what stays is shared.
 */
#ifndef NR_REWRITE_H
#define NR_REWRITE_H

#include "base/value.h"

typedef struct nr_change {
    const char *key;
    nrbac_value *value; /* NULL: without it */
} nr_change;

/* `map` without the members that are changed, and then with those of them that have a
 * value. What is no map counts as an empty one. NULL when out of memory, which the
 * document remembers. */
nrbac_value *nr_rewrite(nrbac_document *document, const nrbac_value *map,
                        const nr_change *changes, size_t count);

/* A list of changes while it grows; a second change of one key replaces the first. */
enum { NR_CHANGES_MAX = 8 };
typedef struct nr_changes {
    nr_change items[NR_CHANGES_MAX];
    size_t count;
} nr_changes;

void nr_change_to(nr_changes *changes, const char *key, nrbac_value *value);

#endif
