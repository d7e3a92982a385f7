/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader, from inside. It reads a few thousand numbers at a time, copies the records
 * that match, and lets the database go before it hands out the first of them: whoever
 * is slow with what they got keeps no log from being emptied.
 */
#ifndef NR_READING_H
#define NR_READING_H

#include "audit/database.h"
#include "audit/reader.h"
#include "audit/statement.h"
#include "base/arena.h"

enum {
    NR_READING_ROWS = 4096,
    NR_READING_KEPT = 256,
    NR_READING_STEPS = 4096 * NR_READING_ROWS, /* hundreds are enough for a row */
};

typedef struct nr_reading_circumstances {
    int64_t id;
    nr_circumstances of;
} nr_reading_circumstances;

/* Zero-initialised with its database. */
struct nr_reader {
    sqlite3 *db;
    char *path;
    nr_filter filter;
    uint64_t low, high; /* what is still to be read: low < seq <= high */
    uint64_t left;      /* of the limit */
    sqlite3_stmt *range, *rows;
    nr_arena arena; /* of what was copied */
    nr_entry *entries;
    size_t count, at;
    nr_trail_status ended; /* not OK: nothing is read any more, and why */
    nr_reading_circumstances *circumstances[NR_READING_KEPT]; /* by id, mostly */
    nrbac_error error;
};

/* Ends a finding, and frees what it took. */
void nr_reading_finish(nr_reader *reader);
/* Says why, and gives the status back. */
nr_trail_status nr_reading_refuse(nr_reader *reader, nr_trail_status status,
                                  const char *format, ...) NR_PRINTF(3, 4);
/* What the database says is wrong; or if to the database all is well. */
const char *nr_reading_said(const nr_reader *reader);
/* The same with what the database said; OK and MISSING need no reason. */
nr_trail_status nr_reading_trouble(nr_reader *reader, nr_trail_status status);
/* The signed line that a query gives, sound by its own key; CORRUPT, MISSING. */
nr_trail_status nr_reading_statement(nr_reader *reader, const char *sql,
                                     nr_statement *statement);

#endif
