/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite, as its documentation says is fastest for this: in memory, one statement
 * prepared once, integers as keys, and a table WITHOUT ROWID, which is its own index.
 */
#include "contender.h"

#include <sqlite3.h>

#include <stdlib.h>

typedef struct lite {
    const bench_workload *workload;
    sqlite3 *database;
    sqlite3_stmt *find;
} lite;

static void run(sqlite3 *database, const char *statement)
{
    char *problem = NULL;
    if (sqlite3_exec(database, statement, NULL, NULL, &problem) != SQLITE_OK)
        bench_fail("SQLite: %s", problem);
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *text)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(database, text, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                           NULL) != SQLITE_OK)
        bench_fail("SQLite: %s", sqlite3_errmsg(database));
    return statement;
}

static int step(sqlite3_stmt *statement, uint32_t user, uint32_t activity)
{
    (void)sqlite3_bind_int(statement, 1, (int)user);
    (void)sqlite3_bind_int(statement, 2, (int)activity);
    int status = sqlite3_step(statement);
    (void)sqlite3_reset(statement);
    return status;
}

static void *start(const bench_workload *w, const char *image)
{
    (void)image;
    lite *l = bench_new(1, sizeof(*l));
    l->workload = w;
    if (sqlite3_open_v2(":memory:", &l->database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                            SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        bench_fail("SQLite cannot be opened");
    run(l->database, "CREATE TABLE may (user INTEGER, activity INTEGER, "
                     "PRIMARY KEY (user, activity)) WITHOUT ROWID; BEGIN");
    sqlite3_stmt *insert = prepare(l->database, "INSERT INTO may VALUES (?1, ?2)");
    for (uint32_t u = 0; u < w->user_count; u++)
        for (uint32_t a = 0; a < w->activity_count; a++)
            if (bench_has(bench_row(w, u), a) && step(insert, u, a) != SQLITE_DONE)
                bench_fail("SQLite: %s", sqlite3_errmsg(l->database));
    (void)sqlite3_finalize(insert);
    run(l->database, "COMMIT");
    l->find = prepare(l->database,
                      "SELECT 1 FROM may WHERE user = ?1 AND activity = ?2");
    return l;
}

static void ask(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const lite *l = state;
    const bench_request *requests = l->workload->requests + from;
    for (uint32_t i = 0; i < count; i++)
        answers[i] = step(l->find, requests[i].user, requests[i].activity) ==
                     SQLITE_ROW;
}

static void finish(void *state)
{
    lite *l = state;
    (void)sqlite3_finalize(l->find);
    (void)sqlite3_close(l->database);
    free(l);
}

const bench_contender bench_sqlite[] = {
    { "check", "SQLite, prepared", start, ask, finish, 0, false },
    { 0 },
};
