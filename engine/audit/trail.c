/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "audit/trail_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TRAIL_MODE = 0640, US_PER_SECOND = 1000000 };

nr_trail_status nr_trail_refuse(nrbac_error *error, nr_trail_status status,
                                const char *format, ...)
{
    if (error == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return status;
}

int64_t nr_trail_now(const nr_trail *trail)
{
    if (trail->clock.now != NULL)
        return trail->clock.now(trail->clock.context);
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

/* ---- What lies beside it ------------------------------------------------------------- */

static char *beside(const char *path, const char *suffix)
{
    size_t size = strlen(path) + strlen(suffix) + 1;
    char *name = malloc(size);
    if (name != NULL)
        (void)snprintf(name, size, "%s%s", path, suffix);
    return name;
}

static nr_trail_status refuse_file(nrbac_error *error, const char *name)
{
    int number = errno;
    char why[128] = "";
    (void)strerror_r(number, why, sizeof(why));
    return nr_trail_refuse(error, nr_trail_status_of(number, NR_TRAIL_IO),
                           "`%s` cannot be used: %s", name, why);
}

static nr_trail_status take_lock(nr_trail *trail, const char *path, nrbac_error *error)
{
    char *name = beside(path, ".lock");
    if (name == NULL)
        return NR_TRAIL_MEMORY;
    trail->lock = nr_lock_take(name);
    nr_trail_status status = NR_TRAIL_OK;
    if (trail->lock < 0 && errno == EWOULDBLOCK) {
        status = nr_trail_refuse(error, NR_TRAIL_LOCKED,
                                 "the trail `%s` is being written by another process",
                                 path);
    } else if (trail->lock < 0) {
        status = refuse_file(error, name);
    }
    free(name);
    return status;
}

static nr_trail_status take_reserve(nr_trail *trail, const nr_trail_options *options,
                                    nrbac_error *error)
{
    uint64_t size = options->reserve_bytes == 0 ? NR_RESERVE_BYTES
                                                : options->reserve_bytes;
    char *name = beside(options->path, ".reserve");
    if (name == NULL)
        return NR_TRAIL_MEMORY;
    nr_trail_status status = NR_TRAIL_OK;
    if (!nr_reserve_open(&trail->reserve, name, size))
        status = refuse_file(error, name);
    free(name);
    trail->free_bytes = nr_reserve_free_bytes(&trail->reserve);
    return status;
}

/* ---- The database -------------------------------------------------------------------- */

/* Made here, so that nobody else can read it for a moment, and -wal and -shm neither. */
static nr_trail_status make_file(const char *path, nrbac_error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, TRAIL_MODE);
    if (fd < 0)
        return refuse_file(error, path);
    (void)close(fd); /* nothing is locked yet that closing would unlock */
    return NR_TRAIL_OK;
}

static nr_trail_status prepare_all(nr_trail *trail)
{
    static const struct {
        const char *sql;
    } texts[] = {
#define NR_TRAIL_SQL_TEXT(name, sql) { sql },
        NR_TRAIL_SQL(NR_TRAIL_SQL_TEXT)
#undef NR_TRAIL_SQL_TEXT
    };
    nr_trail_status status = NR_TRAIL_OK;
    for (size_t i = 0; status == NR_TRAIL_OK && i < NR_SQL_COUNT; i++)
        status = nr_database_prepare(trail->db, texts[i].sql, &trail->sql[i]);
    return status;
}

/* The log first into the main file: what a failed sync may have left in it unwritten is
 * written anew by that. */
static nr_trail_status open_database(nr_trail *trail, const nr_trail_options *options)
{
    int code = sqlite3_open_v2(options->path, &trail->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                               options->vfs);
    if (code != SQLITE_OK)
        return trail->db == NULL ? NR_TRAIL_MEMORY
                                 : nr_database_trouble(trail->db, code);
    nr_trail_status status = nr_database_settle(trail->db);
    if (status == NR_TRAIL_OK) {
        status = nr_database_run(trail->db, "PRAGMA journal_mode = WAL;"
                                            "PRAGMA synchronous = FULL;"
                                            "PRAGMA secure_delete = ON;"
                                            "PRAGMA journal_size_limit = 16777216;");
    }
    return status == NR_TRAIL_OK ? nr_trail_settle(trail) : status;
}

static nr_trail_status add_identity(nr_trail *trail)
{
    sqlite3_stmt *insert = NULL;
    nr_trail_status status = nr_database_prepare(
        trail->db, "INSERT INTO trail (one, id, key, made) VALUES (1, ?, ?, ?)",
        &insert);
    if (status == NR_TRAIL_OK) {
        randombytes_buf(trail->id, sizeof(trail->id));
        (void)sqlite3_bind_blob(insert, 1, trail->id, sizeof(trail->id), SQLITE_STATIC);
        (void)sqlite3_bind_blob(insert, 2, nr_key_public(trail->key),
                                NR_PUBLIC_KEY_SIZE, SQLITE_STATIC);
        (void)sqlite3_bind_int64(insert, 3, nr_trail_now(trail));
        status = nr_database_do(insert);
    }
    (void)sqlite3_finalize(insert);
    return status;
}

static nr_trail_status read_identity(nr_trail *trail, uint8_t key[NR_PUBLIC_KEY_SIZE])
{
    sqlite3_stmt *query = NULL;
    bool row = false;
    nr_trail_status status = nr_database_prepare(trail->db, "SELECT id, key FROM trail",
                                                 &query);
    if (status == NR_TRAIL_OK)
        status = nr_database_step(query, &row);
    if (status == NR_TRAIL_OK &&
        (!row || !nr_database_blob(query, 0, sizeof(trail->id), trail->id) ||
         !nr_database_blob(query, 1, NR_PUBLIC_KEY_SIZE, key)))
        status = NR_TRAIL_CORRUPT;
    (void)sqlite3_finalize(query);
    return status;
}

/* All of it or nothing: a trail that has tables has its identity. */
static nr_trail_status bring_up_to_date(nr_trail *trail, int64_t version)
{
    nr_trail_status status = nr_database_run(trail->db, "BEGIN IMMEDIATE");
    if (status == NR_TRAIL_OK)
        status = nr_database_migrate(trail->db, version);
    if (status == NR_TRAIL_OK && version == 0)
        status = add_identity(trail);
    if (status == NR_TRAIL_OK)
        status = nr_database_run(trail->db, "COMMIT");
    if (sqlite3_get_autocommit(trail->db) == 0)
        (void)nr_database_run(trail->db, "ROLLBACK");
    return status;
}

/* ---- Opening --------------------------------------------------------------------------- */

static nr_trail_status open_key(nr_trail *trail, const nr_trail_options *options,
                                bool make, nrbac_error *error)
{
    char *name = options->key_path == NULL ? beside(options->path, ".key")
                                           : beside(options->key_path, "");
    if (name == NULL)
        return NR_TRAIL_MEMORY;
    nr_trail_status status = nr_key_open(name, make, &trail->key, error);
    if (status == NR_TRAIL_MISSING && !make) {
        (void)nr_trail_refuse(error, status,
                              "the trail `%s` is there, and its key `%s` is not: "
                              "restore the key, or begin a new trail",
                              options->path, name);
    }
    free(name);
    return status;
}

static nr_trail_status check_identity(nr_trail *trail, const char *path,
                                      nrbac_error *error)
{
    uint8_t key[NR_PUBLIC_KEY_SIZE];
    nr_trail_status status = nr_database_check_tables(trail->db);
    if (status == NR_TRAIL_OK)
        status = read_identity(trail, key);
    if (status == NR_TRAIL_OK &&
        memcmp(key, nr_key_public(trail->key), NR_PUBLIC_KEY_SIZE) != 0) {
        return nr_trail_refuse(error, NR_TRAIL_CORRUPT,
                               "the key is not that of the trail `%s`; give the right "
                               "one, or begin a new trail",
                               path);
    }
    return status;
}

static nr_trail_status open_tables(nr_trail *trail, const nr_trail_options *options,
                                   nrbac_error *error)
{
    int64_t version = 0, tables = 0;
    NR_TRAIL_TRY(nr_database_number(trail->db, "PRAGMA user_version", &version));
    NR_TRAIL_TRY(
        nr_database_number(trail->db, "SELECT count(*) FROM sqlite_schema", &tables));
    if (version == 0 && tables != 0)
        return nr_trail_refuse(error, NR_TRAIL_CORRUPT,
                               "`%s` is a database, but not an audit trail",
                               options->path);
    NR_TRAIL_TRY(open_key(trail, options, version == 0, error));
    if (version != NR_TRAIL_VERSION_NOW)
        NR_TRAIL_TRY(bring_up_to_date(trail, version));
    NR_TRAIL_TRY(check_identity(trail, options->path, error));
    NR_TRAIL_TRY(nr_rows_offer(trail));
    return prepare_all(trail);
}

static nr_trail_status open_all(nr_trail *trail, const nr_trail_options *options,
                                nrbac_error *error)
{
    trail->checkpoint_path = options->checkpoint_path == NULL
                                 ? NULL
                                 : beside(options->checkpoint_path, "");
    if (!nr_interned_init(&trail->interned) ||
        (options->checkpoint_path != NULL && trail->checkpoint_path == NULL))
        return NR_TRAIL_MEMORY;
    NR_TRAIL_TRY(take_lock(trail, options->path, error));
    NR_TRAIL_TRY(make_file(options->path, error));
    NR_TRAIL_TRY(take_reserve(trail, options, error));
    NR_TRAIL_TRY(open_database(trail, options));
    NR_TRAIL_TRY(open_tables(trail, options, error));
    return nr_trail_find_head(trail, error);
}

static void dispose(nr_trail *trail)
{
    for (size_t i = 0; i < NR_SQL_COUNT; i++)
        (void)sqlite3_finalize(trail->sql[i]);
    (void)sqlite3_close(trail->db);
    nr_key_close(trail->key);
    nr_interned_finish(&trail->interned);
    nr_arena_finish(&trail->rows.texts);
    free(trail->checkpoint_path);
    nr_reserve_close(&trail->reserve);
    if (trail->lock >= 0)
        (void)close(trail->lock); /* last: from here on another may write */
    free(trail);
}

nr_trail_status nr_trail_open(const nr_trail_options *options, nr_trail **out,
                              nrbac_error *error)
{
    nrbac_error unheard;
    if (error == NULL)
        error = &unheard;
    *error = (nrbac_error){ 0 };
    *out = NULL;
    nr_trail *trail = calloc(1, sizeof(*trail));
    if (trail == NULL)
        return nr_trail_refuse(error, NR_TRAIL_MEMORY, "out of memory");
    trail->lock = trail->reserve.fd = -1;
    trail->clock = options->clock;
    trail->checkpoint_records = options->checkpoint_records == 0
                                    ? NR_CHECKPOINT_RECORDS
                                    : options->checkpoint_records;
    trail->checkpoint_us = US_PER_SECOND * (options->checkpoint_seconds == 0
                                                ? (int64_t)NR_CHECKPOINT_SECONDS
                                                : options->checkpoint_seconds);
    trail->low_bytes = options->low_bytes == 0 ? NR_LOW_BYTES : options->low_bytes;
    nr_trail_status status = open_all(trail, options, error);
    if (status == NR_TRAIL_OK) {
        *out = trail;
        return NR_TRAIL_OK;
    }
    if (error->text[0] == 0)
        (void)nr_trail_refuse(error, status, "the trail `%s` cannot be written: %s",
                              options->path, nr_trail_status_text(status));
    dispose(trail);
    return status;
}

nr_trail_status nr_trail_close(nr_trail *trail)
{
    if (trail == NULL)
        return NR_TRAIL_OK;
    nr_trail_undo(trail);
    trail->checkpoint_us = 0; /* whatever there is, is due */
    nr_trail_status status = nr_trail_tend(trail);
    nr_trail_status synced = nr_trail_settle(trail);
    dispose(trail);
    return status == NR_TRAIL_OK && synced != NR_TRAIL_LOCKED ? synced : status;
}

/* ---- About it ------------------------------------------------------------------------------ */

void nr_trail_look(const nr_trail *trail, nr_trail_state *state)
{
    *state = (nr_trail_state){
        .head = trail->head,
        .first = trail->first > trail->head.seq ? 0 : trail->first,
        .checkpoint = trail->checkpoint,
        .synced = trail->synced,
        .trouble = trail->trouble,
        .failures = trail->failures,
        .free_bytes = trail->free_bytes,
        .low = trail->free_bytes < trail->low_bytes,
        .reserve_spent = trail->reserve.spent,
        .unpublished = trail->unpublishable,
        .held = trail->held,
    };
}

const nr_key *nr_trail_key(const nr_trail *trail)
{
    return trail->key;
}
