/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/database.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Statuses ------------------------------------------------------------------------ */

/* SQLite does not keep it of what fails while a transaction ends. */
static nr_trail_status trouble_of_system(sqlite3 *db)
{
    int number = sqlite3_system_errno(db);
    if (number == 0)
        number = errno;
    /* Nobody asks for a trail that is not there: it is something beside it. */
    return number == ENOENT ? NR_TRAIL_IO : nr_trail_status_of(number, NR_TRAIL_IO);
}

static nr_trail_status trouble_of_io(sqlite3 *db, int code)
{
    switch (code) {
    case SQLITE_IOERR_NOMEM:
        return NR_TRAIL_MEMORY;
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_CORRUPTFS:
        return NR_TRAIL_CORRUPT;
    default:
        return trouble_of_system(db);
    }
}

nr_trail_status nr_database_trouble(sqlite3 *db, int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return NR_TRAIL_OK;
    case SQLITE_NOMEM:
        return NR_TRAIL_MEMORY;
    case SQLITE_FULL:
        return NR_TRAIL_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return NR_TRAIL_READ_ONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return NR_TRAIL_LOCKED;
    case SQLITE_CANTOPEN:
        return trouble_of_system(db);
    case SQLITE_IOERR:
        return trouble_of_io(db, code);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT: /* what only somebody else can have written is in the way */
    case SQLITE_MISMATCH:
    case SQLITE_ERROR:     /* no such table or column */
    case SQLITE_INTERRUPT: /* more steps than a sound file needs */
        return NR_TRAIL_CORRUPT;
    case SQLITE_TOOBIG:
        return NR_TRAIL_ARGUMENT;
    default:
        return NR_TRAIL_IO;
    }
}

bool nr_database_lost_pages(sqlite3 *db)
{
    return (sqlite3_extended_errcode(db) & 0xff) == SQLITE_IOERR;
}

/* ---- Statements ------------------------------------------------------------------------ */

nr_trail_status nr_database_run(sqlite3 *db, const char *sql)
{
    errno = 0;
    return nr_database_trouble(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

nr_trail_status nr_database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
    return nr_database_trouble(
        db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL));
}

nr_trail_status nr_database_step(sqlite3_stmt *statement, bool *row)
{
    errno = 0;
    int code = sqlite3_step(statement);
    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return NR_TRAIL_OK;
    nr_trail_status status = nr_database_trouble(sqlite3_db_handle(statement), code);
    (void)sqlite3_reset(statement);
    return status;
}

nr_trail_status nr_database_do(sqlite3_stmt *statement)
{
    bool row = false;
    nr_trail_status status = nr_database_step(statement, &row);
    if (status == NR_TRAIL_OK)
        (void)sqlite3_reset(statement);
    return status;
}

nr_trail_status nr_database_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    nr_trail_status status = nr_database_prepare(db, sql, &statement);
    if (status == NR_TRAIL_OK)
        status = nr_database_step(statement, &row);
    if (status == NR_TRAIL_OK &&
        (!row || sqlite3_column_type(statement, 0) == SQLITE_NULL))
        status = NR_TRAIL_MISSING;
    if (status == NR_TRAIL_OK)
        *out = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return status;
}

bool nr_database_blob(sqlite3_stmt *statement, int column, size_t size, uint8_t *out)
{
    if (sqlite3_column_type(statement, column) != SQLITE_BLOB)
        return false;
    const void *blob = sqlite3_column_blob(statement, column);
    if (blob == NULL || (size_t)sqlite3_column_bytes(statement, column) != size)
        return false;
    memcpy(out, blob, size);
    return true;
}

/* Nothing that stands in the file may run: no views, no triggers, no functions with
 * effects; and pages are looked at before they are believed. */
nr_trail_status nr_database_settle(sqlite3 *db)
{
    static const int off[] = { SQLITE_DBCONFIG_ENABLE_TRIGGER,
                               SQLITE_DBCONFIG_ENABLE_VIEW,
                               SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DQS_DML,
                               SQLITE_DBCONFIG_DQS_DDL };
    enum { BUSY_MS = 250 };
    for (size_t i = 0; i < NR_COUNT(off); i++)
        (void)sqlite3_db_config(db, off[i], 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_timeout(db, BUSY_MS);
    return nr_database_run(db, "PRAGMA cell_size_check = ON;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA mmap_size = 0;" /* a cut file would be SIGBUS */
                               "PRAGMA cache_size = -16000;");
}

/* ---- Tables ------------------------------------------------------------------------------ */

nr_trail_status nr_database_migrate(sqlite3 *db, int64_t version)
{
    if (version > NR_TRAIL_VERSION_NOW)
        return NR_TRAIL_VERSION;
    for (int next = (int)version + 1; next <= NR_TRAIL_VERSION_NOW; next++) {
        char mark[32], stamp[40];
        (void)snprintf(mark, sizeof(mark), "\n-- version %d\n", next);
        (void)snprintf(stamp, sizeof(stamp), "PRAGMA user_version = %d", next);
        const char *section = strstr((const char *)nr_trail_schema, mark);
        const char *end = section == NULL ? NULL : strstr(section + 1, "\n-- version ");
        if (section == NULL)
            return NR_TRAIL_VERSION;
        char *sql = end == NULL
                        ? sqlite3_mprintf("%s", section)
                        : sqlite3_mprintf("%.*s", (int)(end - section), section);
        nr_trail_status status = sql == NULL ? NR_TRAIL_MEMORY
                                             : nr_database_run(db, sql);
        sqlite3_free(sql);
        if (status == NR_TRAIL_OK)
            status = nr_database_run(db, stamp);
        if (status != NR_TRAIL_OK)
            return status;
    }
    return NR_TRAIL_OK;
}

static const char tables_sql[] =
    "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || ifnull(sql, '') "
    "FROM sqlite_schema ORDER BY type, name";

static bool same_text(const unsigned char *a, const unsigned char *b)
{
    return a != NULL && b != NULL && strcmp((const char *)a, (const char *)b) == 0;
}

/* Both list their tables in the same order. */
static nr_trail_status compare_tables(sqlite3_stmt *ours, sqlite3_stmt *theirs)
{
    for (;;) {
        bool mine = false, other = false;
        nr_trail_status status = nr_database_step(ours, &mine);
        if (status == NR_TRAIL_OK)
            status = nr_database_step(theirs, &other);
        if (status != NR_TRAIL_OK)
            return status;
        if (!mine && !other)
            return NR_TRAIL_OK;
        if (mine != other ||
            !same_text(sqlite3_column_text(ours, 0), sqlite3_column_text(theirs, 0)))
            return NR_TRAIL_CORRUPT;
    }
}

nr_trail_status nr_database_check_tables(sqlite3 *db)
{
    sqlite3 *fresh = NULL;
    sqlite3_stmt *ours = NULL, *theirs = NULL;
    nr_trail_status status = NR_TRAIL_MEMORY;
    if (sqlite3_open_v2(":memory:", &fresh,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                            SQLITE_OPEN_NOMUTEX,
                        NULL) == SQLITE_OK)
        status = nr_database_migrate(fresh, 0);
    if (status == NR_TRAIL_OK)
        status = nr_database_prepare(fresh, tables_sql, &ours);
    if (status == NR_TRAIL_OK)
        status = nr_database_prepare(db, tables_sql, &theirs);
    if (status == NR_TRAIL_OK)
        status = compare_tables(ours, theirs);
    (void)sqlite3_finalize(ours);
    (void)sqlite3_finalize(theirs);
    (void)sqlite3_close(fresh);
    return status;
}
