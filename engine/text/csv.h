/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CSV file (RFC 4180) as rows whose columns have names: the first row's.
 */
#ifndef NR_CSV_H
#define NR_CSV_H

#include "base/arena.h"

enum {
    NR_CSV_SIZE_MAX = 32 << 20,
    NR_CSV_COLUMN_MAX = 64,
    NR_CSV_ROW_MAX = 1000000,
};

typedef struct nr_csv_row {
    uint32_t line;             /* where it starts, from 1 */
    const char *const *values; /* one for each column; never NULL */
} nr_csv_row;

typedef struct nr_csv {
    const char *const *columns;
    size_t column_count;
    nr_csv_row *rows; /* without the first, which names the columns */
    size_t row_count;
} nr_csv;

/* Reads UTF-8 text, strictly: every row has as many values as there are columns,
 * quotes are closed, no column stands twice. NRBAC_E_FORMAT with the line in
 * *error, or NRBAC_E_LIMIT, or NRBAC_E_MEMORY. All of it belongs to the arena. */
nrbac_status nr_csv_read(nr_arena *arena, const char *text, size_t size, nr_csv *csv,
                         nrbac_error *error);

/* The number of a column; SIZE_MAX if there is none of that name. */
size_t nr_csv_column(const nr_csv *csv, const char *name);

#endif
