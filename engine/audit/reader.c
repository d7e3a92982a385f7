/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "audit/reading.h"

#include "base/hash.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What a policy's digest is of: everything after its image's first bytes. */
enum { IMAGE_DIGESTED_FROM = 64 };

nr_trail_status nr_reading_refuse(nr_reader *reader, nr_trail_status status,
                                  const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reader->error.text, sizeof(reader->error.text), format, arguments);
    va_end(arguments);
    return status;
}

const char *nr_reading_said(const nr_reader *reader)
{
    return sqlite3_errcode(reader->db) == SQLITE_OK
               ? "what is in it is not as it was written"
               : sqlite3_errmsg(reader->db);
}

nr_trail_status nr_reading_trouble(nr_reader *reader, nr_trail_status status)
{
    if (status == NR_TRAIL_OK || status == NR_TRAIL_MISSING)
        return status;
    return nr_reading_refuse(reader, status, "%s (%s)", nr_trail_status_text(status),
                             nr_reading_said(reader));
}

const char *nr_reader_error(const nr_reader *reader)
{
    return reader->error.text;
}

/* ---- Opening ----------------------------------------------------------------------------- */

static void close_database(nr_reader *reader)
{
    (void)sqlite3_close(reader->db);
    reader->db = NULL;
}

static nr_trail_status open_database(nr_reader *reader, const char *name, int flags)
{
    int code = sqlite3_open_v2(
        name, &reader->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | flags, NULL);
    if (reader->db == NULL)
        return NR_TRAIL_MEMORY;
    nr_trail_status status = code == SQLITE_OK ? nr_database_settle(reader->db)
                                               : nr_database_trouble(reader->db, code);
    int64_t version = 0;
    if (status == NR_TRAIL_OK)
        status = nr_database_number(reader->db, "PRAGMA user_version", &version);
    if (status != NR_TRAIL_OK)
        return status;
    if (version > NR_TRAIL_VERSION_NOW)
        return NR_TRAIL_VERSION;
    return version == NR_TRAIL_VERSION_NOW ? nr_database_check_tables(reader->db)
                                           : NR_TRAIL_CORRUPT;
}

/* file:PATH?immutable=1, with whatever could be taken for more in PATH escaped. */
static char *immutable_name(const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-._~/";
    static const char head[] = "file:", tail[] = "?immutable=1";
    char *name = malloc(sizeof(head) + 3 * strlen(path) + sizeof(tail));
    if (name == NULL)
        return NULL;
    char *at = name + snprintf(name, sizeof(head), "%s", head);
    for (; *path != 0; path++) {
        if (strchr(plain, *path) != NULL)
            *at++ = *path;
        else
            at += snprintf(at, 4, "%%%02x", (unsigned)(unsigned char)*path);
    }
    memcpy(at, tail, sizeof(tail));
    return name;
}

/* A trail that nobody writes, where nothing may be made beside it: nobody else can
 * change it while we read it. With a log beside it that would leave records out. */
static nr_trail_status open_still(nr_reader *reader)
{
    struct stat log;
    size_t size = strlen(reader->path) + 5;
    char *log_name = malloc(size), *name = immutable_name(reader->path);
    nr_trail_status status = NR_TRAIL_MEMORY;
    if (log_name != NULL && name != NULL) {
        (void)snprintf(log_name, size, "%s-wal", reader->path);
        status = stat(log_name, &log) == 0 && log.st_size > 0
                     ? NR_TRAIL_READ_ONLY
                     : open_database(reader, name, SQLITE_OPEN_URI);
    }
    free(log_name);
    free(name);
    return status;
}

static nr_trail_status open_either(nr_reader *reader)
{
    struct stat about;
    if (stat(reader->path, &about) != 0)
        return errno == ENOENT || errno == ENOTDIR ? NR_TRAIL_MISSING : NR_TRAIL_IO;
    if (!S_ISREG(about.st_mode))
        return NR_TRAIL_CORRUPT;
    nr_trail_status status = open_database(reader, reader->path, 0);
    if (status != NR_TRAIL_READ_ONLY && status != NR_TRAIL_IO)
        return status;
    close_database(reader);
    return open_still(reader);
}

static const char *why_not_opened(nr_trail_status status)
{
    switch (status) {
    case NR_TRAIL_MISSING:
        return "there is none";
    case NR_TRAIL_CORRUPT:
        return "it is damaged, or not an audit trail";
    case NR_TRAIL_READ_ONLY:
        return "it was not closed, and nothing can be written beside it; copy it with "
               "its -wal file to where that can be";
    default:
        return nr_trail_status_text(status);
    }
}

nr_trail_status nr_reader_open(const char *path, nr_reader **out, nrbac_error *error)
{
    *out = NULL;
    nr_reader *reader = calloc(1, sizeof(*reader));
    nr_trail_status status = NR_TRAIL_MEMORY;
    if (reader != NULL)
        reader->path = sqlite3_mprintf("%s", path);
    if (reader != NULL && reader->path != NULL)
        status = open_either(reader);
    if (status == NR_TRAIL_OK) {
        *out = reader;
        return NR_TRAIL_OK;
    }
    if (error != NULL)
        (void)snprintf(error->text, sizeof(error->text),
                       "the trail `%s` cannot be read: %s", path,
                       why_not_opened(status));
    nr_reader_close(reader);
    return status;
}

void nr_reader_close(nr_reader *reader)
{
    if (reader == NULL)
        return;
    nr_reading_finish(reader);
    close_database(reader);
    sqlite3_free(reader->path);
    free(reader);
}

/* ---- Policies ------------------------------------------------------------------------------------ */

static nr_trail_status copy_image(nr_reader *reader, sqlite3_stmt *query,
                                  const uint8_t *digest, void **image, size_t *size)
{
    uint8_t found[NR_DIGEST_SIZE];
    const char *blob = sqlite3_column_blob(query, 0);
    *size = (size_t)sqlite3_column_bytes(query, 0);
    if (blob != NULL && *size >= IMAGE_DIGESTED_FROM)
        nr_sha256(blob + IMAGE_DIGESTED_FROM, *size - IMAGE_DIGESTED_FROM, found);
    if (blob == NULL || *size < IMAGE_DIGESTED_FROM ||
        memcmp(found, digest, NR_DIGEST_SIZE) != 0)
        return nr_reading_refuse(reader, NR_TRAIL_CORRUPT,
                                 "the policy is not what its digest says");
    *image = malloc(*size);
    if (*image == NULL)
        return NR_TRAIL_MEMORY;
    memcpy(*image, blob, *size);
    return NR_TRAIL_OK;
}

nr_trail_status nr_reader_policy(nr_reader *reader,
                                 const uint8_t digest[NR_DIGEST_SIZE], void **image,
                                 size_t *size)
{
    sqlite3_stmt *query = NULL;
    bool row = false;
    *image = NULL;
    reader->error.text[0] = 0;
    nr_trail_status status = nr_database_prepare(
        reader->db,
        "SELECT image FROM policies JOIN images ON policy = id WHERE digest = ?",
        &query);
    if (status == NR_TRAIL_OK) {
        (void)sqlite3_bind_blob(query, 1, digest, NR_DIGEST_SIZE, SQLITE_STATIC);
        status = nr_database_step(query, &row);
    }
    if (status != NR_TRAIL_OK)
        status = nr_reading_trouble(reader, status);
    else
        status = row ? copy_image(reader, query, digest, image, size)
                     : NR_TRAIL_MISSING;
    (void)sqlite3_finalize(query);
    return status;
}

static nr_trail_status take_digests(sqlite3_stmt *query, uint8_t **digests,
                                    size_t *count)
{
    size_t room = 0;
    for (;;) {
        bool row = false;
        NR_TRAIL_TRY(nr_database_step(query, &row));
        if (!row)
            return NR_TRAIL_OK;
        if (*count == room) {
            room = room == 0 ? 16 : 2 * room;
            uint8_t *larger = realloc(*digests, room * NR_DIGEST_SIZE);
            if (larger == NULL)
                return NR_TRAIL_MEMORY;
            *digests = larger;
        }
        if (!nr_database_blob(query, 0, NR_DIGEST_SIZE,
                              *digests + *count * NR_DIGEST_SIZE))
            return NR_TRAIL_CORRUPT;
        ++*count;
    }
}

nr_trail_status nr_reader_policies(nr_reader *reader, uint8_t **digests, size_t *count)
{
    sqlite3_stmt *query = NULL;
    *digests = NULL;
    *count = 0;
    reader->error.text[0] = 0;
    nr_trail_status status = nr_database_prepare(
        reader->db, "SELECT digest FROM policies ORDER BY id", &query);
    if (status == NR_TRAIL_OK)
        status = take_digests(query, digests, count);
    if (status != NR_TRAIL_OK) {
        (void)nr_reading_trouble(reader, status);
        free(*digests);
        *digests = NULL;
        *count = 0;
    }
    (void)sqlite3_finalize(query);
    return status;
}

/* ---- About it ---------------------------------------------------------------------------------------- */

static nr_trail_status read_identity(nr_reader *reader, nr_trail_stats *stats)
{
    sqlite3_stmt *query = NULL;
    bool row = false;
    nr_trail_status status = nr_database_prepare(reader->db,
                                                 "SELECT id, key FROM trail", &query);
    if (status == NR_TRAIL_OK)
        status = nr_database_step(query, &row);
    if (status == NR_TRAIL_OK &&
        (!row || !nr_database_blob(query, 0, sizeof(stats->id), stats->id) ||
         !nr_database_blob(query, 1, sizeof(stats->key), stats->key)))
        status = NR_TRAIL_CORRUPT;
    (void)sqlite3_finalize(query);
    return status;
}

nr_trail_status nr_reading_statement(nr_reader *reader, const char *sql,
                                     nr_statement *statement)
{
    sqlite3_stmt *query = NULL;
    bool row = false;
    nr_trail_status status = nr_database_prepare(reader->db, sql, &query);
    if (status == NR_TRAIL_OK)
        status = nr_database_step(query, &row);
    if (status == NR_TRAIL_OK && !row)
        status = NR_TRAIL_MISSING;
    if (status == NR_TRAIL_OK) {
        const char *line = (const char *)sqlite3_column_text(query, 0);
        if (line == NULL ||
            nr_statement_read(line, NULL, statement) != NR_STATEMENT_SOUND)
            status = NR_TRAIL_CORRUPT;
    }
    (void)sqlite3_finalize(query);
    return status;
}

/* To what the first record that is there is tied. */
static nr_trail_status before_all(nr_reader *reader, uint64_t seq,
                                  uint8_t hash[NR_DIGEST_SIZE])
{
    nr_statement pruned = { 0 };
    nr_trail_stats stats = { 0 };
    nr_trail_status status = seq == 1
                                 ? read_identity(reader, &stats)
                                 : nr_reading_statement(
                                       reader, "SELECT statement FROM pruned", &pruned);
    if (status == NR_TRAIL_OK && seq == 1)
        pruned.head = nr_head_first(stats.id);
    if (status == NR_TRAIL_OK && pruned.head.seq != seq - 1)
        status = NR_TRAIL_MISSING;
    if (status == NR_TRAIL_OK)
        memcpy(hash, pruned.head.hash, NR_DIGEST_SIZE);
    return status;
}

nr_trail_status nr_reader_before(nr_reader *reader, uint64_t seq,
                                 uint8_t hash[NR_DIGEST_SIZE])
{
    nr_entry entry;
    nr_trail_status status = nr_reader_get(reader, seq, &entry);
    if (status != NR_TRAIL_OK)
        return status;
    status = nr_reader_get(reader, seq - 1, &entry);
    if (status == NR_TRAIL_OK)
        memcpy(hash, entry.hash, NR_DIGEST_SIZE);
    else if (status == NR_TRAIL_MISSING)
        status = nr_reading_trouble(reader, before_all(reader, seq, hash));
    return status;
}

/* A number that may not be there; then it stays. */
static nr_trail_status read_count(nr_reader *reader, const char *sql, uint64_t *out)
{
    int64_t number = 0;
    nr_trail_status status = nr_database_number(reader->db, sql, &number);
    if (status == NR_TRAIL_OK)
        *out = (uint64_t)number;
    return status == NR_TRAIL_MISSING ? NR_TRAIL_OK : status;
}

static nr_trail_status read_time(nr_reader *reader, uint64_t seq, int64_t *at)
{
    nr_entry entry;
    nr_trail_status status = seq == 0 ? NR_TRAIL_MISSING
                                      : nr_reader_get(reader, seq, &entry);
    if (status == NR_TRAIL_OK)
        *at = entry.record.at;
    return status == NR_TRAIL_MISSING ? NR_TRAIL_OK : status;
}

static nr_trail_status read_counts(nr_reader *reader, nr_trail_stats *stats)
{
    const struct {
        const char *sql;
        uint64_t *out;
    } counts[] = {
        { "SELECT min(seq) FROM records", &stats->first },
        { "SELECT max(seq) FROM records", &stats->last },
        { "SELECT max(seq) FROM checkpoints", &stats->checkpoint },
        { "SELECT seq FROM pruned", &stats->pruned },
        { "SELECT count(*) FROM circumstances NOT INDEXED", &stats->circumstances },
        { "SELECT count(*) FROM texts NOT INDEXED", &stats->texts },
        { "SELECT count(*) FROM policies", &stats->policies },
        { "SELECT count(*) FROM checkpoints", &stats->checkpoints },
        { "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
          &stats->bytes },
    };
    for (size_t i = 0; i < NR_COUNT(counts); i++)
        NR_TRAIL_TRY(read_count(reader, counts[i].sql, counts[i].out));
    NR_TRAIL_TRY(read_time(reader, stats->first, &stats->first_at));
    return read_time(reader, stats->last, &stats->last_at);
}

nr_trail_status nr_reader_stats(nr_reader *reader, nr_trail_stats *stats)
{
    *stats = (nr_trail_stats){ 0 };
    reader->error.text[0] = 0;
    nr_trail_status status = read_identity(reader, stats);
    if (status == NR_TRAIL_OK)
        status = read_counts(reader, stats);
    return nr_reading_trouble(reader, status);
}
