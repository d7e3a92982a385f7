/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting records by role, activity, function, organisation and application, in four
 * kinds, with how many users they are of.
 */
#ifndef NR_TALLY_H
#define NR_TALLY_H

#include "audit/record.h"
#include "base/names.h"
#include "cli/cli.h"

enum { NR_TALLY_KINDS = 4 };

typedef struct nr_tally_row {
    const char *name;
    uint64_t counts[NR_TALLY_KINDS];
    uint64_t users; /* different ones; records without a user have none */
    uint64_t first; /* the first record: something to look at */
} nr_tally_row;

/* One way to count. */
typedef struct nr_tally {
    nr_names names;
    struct {
        nr_tally_row *items;
        size_t count, room;
    } rows;
} nr_tally;

typedef enum nr_dimension {
    NR_BY_REASON = 0, /* or what became of a decision: the caller names it */
    NR_BY_ROLE,
    NR_BY_ACTIVITY,
    NR_BY_FUNCTION,      /* operations too: "pds-fhir view" */
    NR_BY_ROLE_AND_NAME, /* who, and what of these two: "R8000 B0825" */
    NR_BY_ORGANISATION,
    NR_BY_APPLICATION,
    NR_DIMENSIONS,
} nr_dimension;

/* All of them. Zeroed, then begun. */
typedef struct nr_tallies {
    nr_arena arena;
    nr_tally by[NR_DIMENSIONS];
    nr_names users;
    struct seen_set {
        uint64_t *items; /* dimension, row and user in one number; 0: free */
        size_t count, room;
    } seen;
    uint64_t totals[NR_TALLY_KINDS];
} nr_tallies;

void nr_tallies_begin(nr_tallies *tallies);
void nr_tallies_finish(nr_tallies *tallies);
/* Counts a record as of this kind and reason. False: out of memory. */
bool nr_tallies_count(nr_tallies *tallies, const nr_entry *entry, const char *reason,
                      unsigned kind);

/* What a kind is called: "new permits", "new_permits". */
typedef struct nr_kind_words {
    const char *text, *key;
} nr_kind_words;

/* Each dimension as a table, its largest rows first: at most `rows` of them. */
void nr_tallies_print(nr_tallies *tallies, const nr_kind_words words[NR_TALLY_KINDS],
                      size_t rows);
/* The same as members of a map, all rows: "by_role": [{"name": ...}]. */
void nr_tallies_tell(nr_tallies *tallies, const nr_kind_words words[NR_TALLY_KINDS],
                     nrbac_document *document, nrbac_value *map);

#endif
