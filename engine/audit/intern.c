/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What many records share has a row of its own, found by its text or digest: first in
 * memory, then in the table, else it is added. Memory is bounded: when it is full it is
 * emptied and fills itself again from the table.
 */
#include "audit/trail_inside.h"

#include <stdlib.h>
#include <string.h>

enum {
    TEXTS_MAX = 16384,
    CIRCUMSTANCES_MAX = 32768,
    SLOTS = 2 * CIRCUMSTANCES_MAX, /* a power of two */
};

bool nr_interned_init(nr_interned *interned)
{
    interned->texts.arena = &interned->arena;
    interned->text_rows = calloc(TEXTS_MAX, sizeof(*interned->text_rows));
    interned->circumstances = calloc(SLOTS, sizeof(*interned->circumstances));
    return interned->text_rows != NULL && interned->circumstances != NULL;
}

void nr_interned_finish(nr_interned *interned)
{
    nr_arena_finish(&interned->arena);
    free(interned->text_rows);
    free(interned->circumstances);
}

static void forget_texts(nr_interned *interned)
{
    nr_arena_reset(&interned->arena);
    interned->texts = (nr_names){ .arena = &interned->arena };
    memset(interned->text_rows, 0, TEXTS_MAX * sizeof(*interned->text_rows));
}

static void forget_circumstances(nr_interned *interned)
{
    memset(interned->circumstances, 0, SLOTS * sizeof(*interned->circumstances));
    interned->circumstances_count = 0;
}

void nr_interned_forget(nr_interned *interned)
{
    if (interned->texts.count != 0)
        forget_texts(interned);
    if (interned->circumstances_count != 0)
        forget_circumstances(interned);
    interned->policy_row = (nr_row){ 0 };
}

/* ---- Rows ---------------------------------------------------------------------------- */

void nr_bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    if (text == NULL || *text == 0)
        (void)sqlite3_bind_null(statement, place);
    else
        (void)sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

/* Runs a query for id and seen, whose parameters are bound; no row leaves id 0. */
static nr_trail_status find_row(sqlite3_stmt *query, nr_row *row)
{
    bool found = false;
    nr_trail_status status = nr_database_step(query, &found);
    if (status == NR_TRAIL_OK && found) {
        row->id = sqlite3_column_int64(query, 0);
        row->seen = (uint64_t)sqlite3_column_int64(query, 1);
    }
    (void)sqlite3_reset(query);
    return status;
}

static nr_trail_status add_row(nr_trail *trail, sqlite3_stmt *insert, nr_row *row)
{
    nr_trail_status status = nr_database_do(insert);
    if (status != NR_TRAIL_OK)
        return status;
    row->id = sqlite3_last_insert_rowid(trail->db);
    row->seen = trail->next.seq + 1;
    return NR_TRAIL_OK;
}

/* Keeps what `seen` promises: this record is below it plus the step. */
static nr_trail_status see_row(nr_trail *trail, nr_trail_sql update, nr_row *row)
{
    uint64_t seq = trail->next.seq + 1;
    if (seq < row->seen + NR_SEEN_STEP)
        return NR_TRAIL_OK;
    sqlite3_stmt *statement = trail->sql[update];
    (void)sqlite3_bind_int64(statement, 1, row->id);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)seq);
    row->seen = seq;
    return nr_database_do(statement);
}

/* ---- Texts ------------------------------------------------------------------------------ */

static nr_trail_status find_or_add_text(nr_trail *trail, const char *text, nr_row *row)
{
    sqlite3_stmt *query = trail->sql[NR_SQL_FIND_TEXT];
    nr_bind_text(query, 1, text);
    nr_trail_status status = find_row(query, row);
    if (status != NR_TRAIL_OK || row->id != 0)
        return status;
    sqlite3_stmt *insert = trail->sql[NR_SQL_ADD_TEXT];
    nr_bind_text(insert, 1, text);
    (void)sqlite3_bind_int64(insert, 2, (int64_t)trail->next.seq + 1);
    return add_row(trail, insert, row);
}

nr_trail_status nr_intern_text(nr_trail *trail, const char *text, int64_t *id)
{
    nr_interned *interned = &trail->interned;
    *id = 0;
    if (text == NULL || *text == 0)
        return NR_TRAIL_OK;
    if (interned->texts.count == TEXTS_MAX)
        forget_texts(interned);
    uint32_t number = nr_names_intern(&interned->texts, text, strlen(text));
    if (number == NR_NONE)
        return NR_TRAIL_MEMORY;
    nr_row *row = &interned->text_rows[number];
    nr_trail_status status = NR_TRAIL_OK;
    if (row->id == 0)
        status = find_or_add_text(trail, text, row);
    if (status == NR_TRAIL_OK)
        status = see_row(trail, NR_SQL_SEE_TEXT, row);
    *id = row->id;
    return status;
}

/* ---- Circumstances ------------------------------------------------------------------------ */

static nr_trail_status add_circumstances(nr_trail *trail, const nr_circumstances *of,
                                         nr_row *row)
{
    sqlite3_stmt *insert = trail->sql[NR_SQL_ADD_CIRCUMSTANCES];
    (void)sqlite3_bind_blob(insert, 1, of->digest, NR_DIGEST_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_int64(insert, 2, (int64_t)trail->next.seq + 1);
    (void)sqlite3_bind_int(insert, 3, of->asserted);
    (void)sqlite3_bind_int64(insert, 4, of->peer.uid);
    (void)sqlite3_bind_int64(insert, 5, of->peer.gid);
    (void)sqlite3_bind_int64(insert, 6, of->peer.pid);
    for (int place = 4; !of->peer.known && place <= 6; place++)
        (void)sqlite3_bind_null(insert, place);
    nr_bind_text(insert, 7, of->user);
    nr_bind_text(insert, 8, of->role_profile);
    nr_bind_text(insert, 9, of->role);
    nr_bind_text(insert, 10, of->organisation);
    nr_bind_text(insert, 11, of->application);
    nr_bind_text(insert, 12, of->who);
    nr_bind_text(insert, 13, of->inputs);
    return add_row(trail, insert, row);
}

static nr_trail_status find_or_add_circumstances(nr_trail *trail,
                                                 const nr_circumstances *of,
                                                 nr_row *row)
{
    sqlite3_stmt *query = trail->sql[NR_SQL_FIND_CIRCUMSTANCES];
    (void)sqlite3_bind_blob(query, 1, of->digest, NR_DIGEST_SIZE, SQLITE_STATIC);
    nr_trail_status status = find_row(query, row);
    if (status != NR_TRAIL_OK || row->id != 0)
        return status;
    return add_circumstances(trail, of, row);
}

/* Where it is known, or where it would be. There is always a free slot. */
static nr_known_circumstances *find_slot(nr_interned *interned, const uint8_t *digest)
{
    uint64_t hash = 0;
    memcpy(&hash, digest, sizeof(hash));
    size_t at = (size_t)hash & (SLOTS - 1);
    while (interned->circumstances[at].row.id != 0 &&
           memcmp(interned->circumstances[at].digest, digest, NR_DIGEST_SIZE) != 0)
        at = (at + 1) & (SLOTS - 1);
    return &interned->circumstances[at];
}

nr_trail_status nr_intern_circumstances(nr_trail *trail, const nr_circumstances *of,
                                        int64_t *id)
{
    nr_interned *interned = &trail->interned;
    *id = 0;
    if (of == NULL)
        return NR_TRAIL_OK;
    nr_known_circumstances *known = find_slot(interned, of->digest);
    if (known->row.id == 0) {
        if (interned->circumstances_count == CIRCUMSTANCES_MAX) {
            forget_circumstances(interned);
            known = find_slot(interned, of->digest);
        }
        nr_row row = { 0 };
        nr_trail_status status = find_or_add_circumstances(trail, of, &row);
        if (status != NR_TRAIL_OK)
            return status;
        memcpy(known->digest, of->digest, NR_DIGEST_SIZE);
        known->row = row;
        interned->circumstances_count++;
    }
    *id = known->row.id;
    return see_row(trail, NR_SQL_SEE_CIRCUMSTANCES, &known->row);
}

/* ---- Policies -------------------------------------------------------------------------------- */

nr_trail_status nr_intern_policy(nr_trail *trail, const uint8_t *digest, int64_t *id)
{
    static const uint8_t none[NR_DIGEST_SIZE];
    nr_interned *interned = &trail->interned;
    *id = 0;
    if (memcmp(digest, none, NR_DIGEST_SIZE) == 0)
        return NR_TRAIL_OK;
    nr_row *row = &interned->policy_row;
    if (row->id == 0 || memcmp(interned->policy, digest, NR_DIGEST_SIZE) != 0) {
        *row = (nr_row){ 0 };
        memcpy(interned->policy, digest, NR_DIGEST_SIZE);
        sqlite3_stmt *query = trail->sql[NR_SQL_FIND_POLICY];
        (void)sqlite3_bind_blob(query, 1, digest, NR_DIGEST_SIZE, SQLITE_STATIC);
        nr_trail_status status = find_row(query, row);
        if (status != NR_TRAIL_OK)
            return status;
        if (row->id == 0)
            return NR_TRAIL_ARGUMENT;
    }
    *id = row->id;
    return see_row(trail, NR_SQL_SEE_POLICY, row);
}
