/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a batch on their way into `records`. SQLite reads them itself, as the table
 * `waiting` that is nowhere but in memory, so that one statement adds many.
 *
 * The first of a batch says which number it has. Each that follows takes the one after
 * the last, which is where SQLite puts a row without looking for its place; that these
 * are the numbers that were hashed is looked at when they are in.
 */
#include "audit/trail_inside.h"

#include <stdlib.h>
#include <string.h>

/* Numbers of which 0 says something; any other is then NULL. */
static bool is_always_there(int column)
{
    return column == NR_ROW_AT || column == NR_ROW_EVENT || column == NR_ROW_REASON ||
           column == NR_ROW_GENERATION;
}

/* ---- The table ----------------------------------------------------------------------- */

typedef struct table {
    sqlite3_vtab base;
    const nr_rows *rows;
} table;

typedef struct reading {
    sqlite3_vtab_cursor base;
    size_t row;
} reading;

static const nr_rows *rows_of(const reading *at)
{
    return ((const table *)(const void *)at->base.pVtab)->rows;
}

static int on_connect(sqlite3 *db, void *rows, int count, const char *const *arguments,
                      sqlite3_vtab **out, char **error)
{
    static const char columns[] =
        "CREATE TABLE waiting (seq, at, event, reason, policy, generation, "
        "circumstances, action, api, resource, obligations, session, message, "
        "patient, detail, hash)";
    (void)count;
    (void)arguments;
    (void)error;
    int code = sqlite3_declare_vtab(db, columns);
    table *made = code == SQLITE_OK ? calloc(1, sizeof(*made)) : NULL;
    if (made == NULL)
        return code == SQLITE_OK ? SQLITE_NOMEM : code;
    made->rows = rows;
    *out = &made->base;
    return SQLITE_OK;
}

static int on_disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

/* There is one way to read it: all of it. */
static int on_plan(sqlite3_vtab *base, sqlite3_index_info *plan)
{
    (void)base;
    plan->estimatedRows = NR_ROWS_MAX;
    return SQLITE_OK;
}

static int on_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    (void)base;
    reading *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return SQLITE_NOMEM;
    *out = &made->base;
    return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *base)
{
    free(base);
    return SQLITE_OK;
}

static int on_begin(sqlite3_vtab_cursor *base, int plan, const char *name, int count,
                    sqlite3_value **values)
{
    reading *at = (void *)base;
    (void)plan;
    (void)name;
    (void)count;
    (void)values;
    at->row = 0;
    return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *base)
{
    reading *at = (void *)base;
    at->row++;
    return SQLITE_OK;
}

static int is_at_end(sqlite3_vtab_cursor *base)
{
    const reading *at = (const void *)base;
    return at->row >= rows_of(at)->count;
}

static void tell_text(sqlite3_context *to, const char *text)
{
    if (text != NULL)
        sqlite3_result_text(to, text, -1, SQLITE_STATIC);
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *to, int column)
{
    const reading *at = (const void *)base;
    const nr_row_of_record *row = &rows_of(at)->items[at->row];
    if (column < NR_ROW_NUMBERS) {
        if (row->numbers[column] != 0 || is_always_there(column))
            sqlite3_result_int64(to, row->numbers[column]);
    } else if (column == NR_ROW_HASH) {
        sqlite3_result_blob(to, row->hash, NR_DIGEST_SIZE, SQLITE_STATIC);
    } else {
        tell_text(to, column == NR_ROW_PATIENT ? row->patient : row->detail);
    }
    return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    const reading *at = (const void *)base;
    *out = (sqlite3_int64)at->row;
    return SQLITE_OK;
}

nr_trail_status nr_rows_offer(nr_trail *trail)
{
    static const sqlite3_module module = {
        .xConnect = on_connect,
        .xBestIndex = on_plan,
        .xDisconnect = on_disconnect,
        .xOpen = on_open,
        .xClose = on_close,
        .xFilter = on_begin,
        .xNext = on_next,
        .xEof = is_at_end,
        .xColumn = on_column,
        .xRowid = on_rowid,
    };
    return nr_database_trouble(
        trail->db, sqlite3_create_module(trail->db, "waiting", &module, &trail->rows));
}

/* ---- Filling and writing ------------------------------------------------------------ */

void nr_rows_forget(nr_rows *rows)
{
    rows->count = 0;
    rows->begun = false;
    nr_arena_reset(&rows->texts);
}

nr_trail_status nr_rows_write(nr_trail *trail)
{
    nr_rows *rows = &trail->rows;
    if (rows->count == 0)
        return NR_TRAIL_OK;
    NR_TRAIL_TRY(nr_database_do(trail->sql[NR_SQL_ADD_ROWS]));
    rows->count = 0;
    nr_arena_reset(&rows->texts);
    bool expected = sqlite3_last_insert_rowid(trail->db) == (int64_t)trail->next.seq;
    return expected ? NR_TRAIL_OK : NR_TRAIL_CORRUPT;
}

/* NULL for what there is none of; false: out of memory. */
static bool keep_text(const char **out, const char *text, nr_arena *arena)
{
    if (text == NULL || *text == 0)
        return true;
    return (*out = nr_arena_string(arena, text)) != NULL;
}

nr_trail_status nr_rows_add(nr_trail *trail, const nr_record *record)
{
    nr_rows *rows = &trail->rows;
    if (rows->count == NR_ROWS_MAX)
        NR_TRAIL_TRY(nr_rows_write(trail));
    nr_row_of_record *row = &rows->items[rows->count];
    *row = (nr_row_of_record){
        .numbers = {
            [NR_ROW_AT] = record->at,
            [NR_ROW_EVENT] = (int64_t)record->event,
            [NR_ROW_REASON] = (int64_t)record->reason,
            [NR_ROW_GENERATION] = record->generation,
            [NR_ROW_SESSION] = (int64_t)record->session,
            [NR_ROW_MESSAGE] = (int64_t)record->message,
        },
    };
    int64_t *ids = row->numbers;
    const nr_circumstances *circumstances = record->circumstances;
    NR_TRAIL_TRY(nr_intern_policy(trail, record->policy, &ids[NR_ROW_POLICY]));
    NR_TRAIL_TRY(
        nr_intern_circumstances(trail, circumstances, &ids[NR_ROW_CIRCUMSTANCES]));
    NR_TRAIL_TRY(nr_intern_text(trail, record->action, &ids[NR_ROW_ACTION]));
    NR_TRAIL_TRY(nr_intern_text(trail, record->api, &ids[NR_ROW_API]));
    NR_TRAIL_TRY(nr_intern_text(trail, record->resource, &ids[NR_ROW_RESOURCE]));
    NR_TRAIL_TRY(nr_intern_text(trail, record->obligations, &ids[NR_ROW_OBLIGATIONS]));
    if (!keep_text(&row->patient, record->patient, &rows->texts) ||
        !keep_text(&row->detail, record->detail, &rows->texts))
        return NR_TRAIL_MEMORY;
    nr_head_move(&trail->next, record);
    ids[NR_ROW_SEQ] = rows->begun ? 0 : (int64_t)trail->next.seq;
    rows->begun = true;
    memcpy(row->hash, trail->next.hash, NR_DIGEST_SIZE);
    rows->count++;
    return NR_TRAIL_OK;
}
