/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite, as trails use it: statuses, statements and the tables of schema/audit.sql.
 */
#ifndef NR_DATABASE_H
#define NR_DATABASE_H

#include "audit/record.h"

#include <sqlite3.h>

/* What SQLite's last failure on this connection means. */
nr_trail_status nr_database_trouble(sqlite3 *db, int code);
/* Whether it may have left pages that the system takes for written and that are not:
 * what failed was reading, writing or syncing. */
bool nr_database_lost_pages(sqlite3 *db);

/* Statements that give no rows, separated by `;`. */
nr_trail_status nr_database_run(sqlite3 *db, const char *sql);
nr_trail_status nr_database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);
/* Steps once; *row: there is one. A failure resets the statement. */
nr_trail_status nr_database_step(sqlite3_stmt *statement, bool *row);
/* Steps a statement that gives no rows, and resets it. */
nr_trail_status nr_database_do(sqlite3_stmt *statement);
/* The first column of the first row of a query, as a number; MISSING: no row, or NULL. */
nr_trail_status nr_database_number(sqlite3 *db, const char *sql, int64_t *out);
/* A blob of exactly `size` bytes in a row's column; false: it is something else. */
bool nr_database_blob(sqlite3_stmt *statement, int column, size_t size, uint8_t *out);

/* What every connection to a trail is set to. */
nr_trail_status nr_database_settle(sqlite3 *db);

/* ---- Tables ------------------------------------------------------------------------ */

enum { NR_TRAIL_VERSION_NOW = 1 };

extern const unsigned char nr_trail_schema[]; /* schema/audit.sql, as it is */

/* Brings a database of an older version, or an empty one (0), to ours; to be run inside
 * a transaction. VERSION: it is newer. */
nr_trail_status nr_database_migrate(sqlite3 *db, int64_t version);
/* CORRUPT: the tables are not exactly those of the schema; a view or trigger in their
 * place could tell anything. */
nr_trail_status nr_database_check_tables(sqlite3 *db);

#endif
