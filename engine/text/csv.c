/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcsv says when a value and when a row ends; it is fed a line at a time, so
 * that the line of each row is known.
 */
#include "text/csv.h"

#include <csv.h>
#include <stdio.h>
#include <string.h>

typedef struct csv_reader {
    nr_arena *arena;
    nrbac_error *error;
    nrbac_status status;
    uint32_t line;     /* being fed */
    uint32_t row_line; /* where the row in progress started */
    const char *values[NR_CSV_COLUMN_MAX];
    size_t value_count;
    bool named; /* the first row has been read */
    const char **columns;
    size_t column_count;
    struct {
        nr_csv_row *items;
        size_t count, room;
    } rows;
} csv_reader;

static void fail(csv_reader *reader, nrbac_status status, const char *what)
{
    if (reader->status != NRBAC_OK)
        return;
    reader->status = status;
    if (reader->error != NULL)
        snprintf(reader->error->text, sizeof(reader->error->text), "line %u: %s",
                 reader->row_line, what);
}

static void on_value(void *text, size_t size, void *context)
{
    csv_reader *reader = context;
    if (reader->status != NRBAC_OK)
        return;
    if (reader->value_count == NR_CSV_COLUMN_MAX) {
        fail(reader, NRBAC_E_LIMIT, "more than 64 columns");
        return;
    }
    const char *copy = nr_arena_copy(reader->arena, text == NULL ? "" : text, size);
    if (copy == NULL)
        fail(reader, NRBAC_E_MEMORY, nrbac_status_text(NRBAC_E_MEMORY));
    else if (strlen(copy) != size)
        fail(reader, NRBAC_E_FORMAT, "a NUL byte is not text");
    reader->values[reader->value_count++] = copy;
}

/* The values of the row that ends, in memory of their own. */
static const char **keep_values(csv_reader *reader)
{
    const char **kept = nr_arena_new_array(reader->arena, reader->value_count,
                                           const char *);
    if (kept == NULL) {
        fail(reader, NRBAC_E_MEMORY, nrbac_status_text(NRBAC_E_MEMORY));
        return NULL;
    }
    memcpy(kept, reader->values, reader->value_count * sizeof(*kept));
    return kept;
}

static void take_names(csv_reader *reader)
{
    for (size_t i = 0; i < reader->value_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(reader->values[i], reader->values[j]) == 0)
                fail(reader, NRBAC_E_FORMAT, "two columns of the same name");
    reader->columns = keep_values(reader);
    reader->column_count = reader->value_count;
    reader->named = true;
}

static void take_row(csv_reader *reader)
{
    if (reader->value_count != reader->column_count) {
        char what[80];
        snprintf(what, sizeof(what), "%zu values, but there are %zu columns",
                 reader->value_count, reader->column_count);
        fail(reader, NRBAC_E_FORMAT, what);
        return;
    }
    if (reader->rows.count == NR_CSV_ROW_MAX) {
        fail(reader, NRBAC_E_LIMIT, "more than a million rows");
        return;
    }
    const char **values = keep_values(reader);
    nr_csv_row *row = values == NULL ? NULL : nr_list_add(reader->arena, &reader->rows);
    if (row == NULL)
        fail(reader, NRBAC_E_MEMORY, nrbac_status_text(NRBAC_E_MEMORY));
    else
        *row = (nr_csv_row){ reader->row_line, values };
}

static void on_row(int end, void *context)
{
    (void)end;
    csv_reader *reader = context;
    if (reader->status != NRBAC_OK)
        return;
    if (reader->named)
        take_row(reader);
    else
        take_names(reader);
    reader->value_count = 0;
    reader->row_line = reader->line + 1;
}

/* An empty line between rows belongs to none. */
static bool is_blank(const char *line, size_t size)
{
    return size == 0 || *line == '\n' || (*line == '\r' && size > 1 && line[1] == '\n');
}

static void feed(csv_reader *reader, struct csv_parser *parser, const char *text,
                 size_t size)
{
    const char *end = text + size;
    for (reader->line = 1; text < end && reader->status == NRBAC_OK; reader->line++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((stop == NULL ? end : stop + 1) - text);
        if (reader->row_line == reader->line && is_blank(text, length))
            reader->row_line++;
        if (csv_parse(parser, text, length, on_value, on_row, reader) != length)
            fail(reader, NRBAC_E_FORMAT, csv_strerror(csv_error(parser)));
        text += length;
    }
    if (reader->status == NRBAC_OK && csv_fini(parser, on_value, on_row, reader) != 0)
        fail(reader, NRBAC_E_FORMAT, "a quote is not closed");
}

nrbac_status nr_csv_read(nr_arena *arena, const char *text, size_t size, nr_csv *csv,
                         nrbac_error *error)
{
    csv_reader reader = { .arena = arena, .error = error, .row_line = 1 };
    *csv = (nr_csv){ 0 };
    struct csv_parser parser;
    if (size > NR_CSV_SIZE_MAX)
        fail(&reader, NRBAC_E_LIMIT, "more than 32 MiB");
    if (reader.status != NRBAC_OK)
        return reader.status;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0)
        return NRBAC_E_MEMORY;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        size -= 3;
    }
    feed(&reader, &parser, text, size);
    csv_free(&parser);
    if (!reader.named)
        fail(&reader, NRBAC_E_FORMAT, "there is no row of column names");
    *csv = (nr_csv){ reader.columns, reader.column_count, reader.rows.items,
                     reader.rows.count };
    return reader.status;
}

size_t nr_csv_column(const nr_csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->column_count; i++)
        if (strcmp(csv->columns[i], name) == 0)
            return i;
    return SIZE_MAX;
}
