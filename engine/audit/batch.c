/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/trail_inside.h"

#include "base/hash.h"
#include "base/time.h"

#include <errno.h>
#include <string.h>

enum { LOOK_US = 1000000 };

/* A policy's digest is of its image from here on: what is before it names it. */
enum { IMAGE_DIGESTED_FROM = 64 };

/* ---- Space ------------------------------------------------------------------------------- */

static void look_at_space(nr_trail *trail, int64_t now)
{
    if (now >= trail->space_at && now - trail->space_at < LOOK_US)
        return;
    trail->space_at = now;
    trail->free_bytes = nr_reserve_free_bytes(&trail->reserve);
}

/* ---- When it goes wrong ---------------------------------------------------------------- */

void nr_trail_undo(nr_trail *trail)
{
    if (sqlite3_get_autocommit(trail->db) == 0)
        (void)nr_database_do(trail->sql[NR_SQL_ROLLBACK]);
    if (!trail->open)
        return;
    trail->open = false;
    trail->next = trail->head;
    trail->signed_seq = 0;
    nr_rows_forget(&trail->rows);
    nr_interned_forget(&trail->interned);
}

nr_trail_status nr_trail_fail(nr_trail *trail, nr_trail_status status)
{
    if (nr_database_lost_pages(trail->db))
        trail->lost = true;
    nr_trail_undo(trail);
    if (status == NR_TRAIL_ARGUMENT)
        return status;
    trail->trouble = status;
    trail->failures++;
    trail->space_at = 0; /* what was seen before is no longer true */
    look_at_space(trail, nr_trail_now(trail));
    if (status != NR_TRAIL_FULL || trail->reserve.spent)
        return status;
    nr_reserve_spend(&trail->reserve);
    trail->again = true;
    return NR_TRAIL_AGAIN;
}

static nr_trail_status sync_log(nr_trail *trail)
{
    sqlite3_file *log = NULL;
    (void)sqlite3_file_control(trail->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    errno = 0;
    if (log == NULL || log->pMethods == NULL ||
        log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) == SQLITE_OK)
        return NR_TRAIL_OK;
    trail->lost = true; /* what failed once may be told as done the next time */
    return nr_trail_status_of(errno, NR_TRAIL_IO);
}

/* An emptied log is synced too: if pages of it were lost, what the disk has of it is
 * older than the main file is now, and would be put over it after a power cut. */
nr_trail_status nr_trail_settle(nr_trail *trail)
{
    errno = 0;
    int code = sqlite3_wal_checkpoint_v2(trail->db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
                                         NULL, NULL);
    if (code != SQLITE_OK)
        return nr_database_trouble(trail->db, code);
    NR_TRAIL_TRY(sync_log(trail));
    trail->lost = false;
    trail->synced = trail->head.seq;
    return NR_TRAIL_OK;
}

/* ---- Checkpoints ------------------------------------------------------------------------- */

static bool checkpoint_is_due(const nr_trail *trail, int64_t now)
{
    if (trail->next.seq == trail->checkpoint)
        return false;
    return trail->next.seq - trail->checkpoint >= trail->checkpoint_records ||
           now < trail->checkpoint_at ||
           now - trail->checkpoint_at >= trail->checkpoint_us;
}

static nr_trail_status add_checkpoint(nr_trail *trail, int64_t now)
{
    nr_statement statement = { .kind = NR_STATEMENT_CHECKPOINT,
                               .head = trail->next,
                               .at = now };
    memcpy(statement.trail, trail->id, NR_TRAIL_ID_SIZE);
    nr_statement_sign(&statement, trail->key, trail->signed_line);
    trail->signed_seq = trail->next.seq;
    sqlite3_stmt *insert = trail->sql[NR_SQL_ADD_CHECKPOINT];
    (void)sqlite3_bind_int64(insert, 1, (int64_t)trail->next.seq);
    nr_bind_text(insert, 2, trail->signed_line);
    return nr_database_do(insert);
}

/* A checkpoint is told elsewhere only when what it holds is on disk: after a power cut
 * it must not speak of records that are gone. */
static void publish(nr_trail *trail)
{
    if (trail->unpublished_seq == 0 || trail->unpublished_seq > trail->synced)
        return;
    trail->unpublishable = !nr_published_add(trail->checkpoint_path,
                                             trail->unpublished);
    if (!trail->unpublishable)
        trail->unpublished_seq = 0;
}

static void checkpointed(nr_trail *trail, int64_t now)
{
    if (trail->signed_seq == 0)
        return;
    trail->checkpoint = trail->signed_seq;
    trail->checkpoint_at = now;
    if (trail->checkpoint_path != NULL) {
        trail->unpublished_seq = trail->signed_seq;
        memcpy(trail->unpublished, trail->signed_line, NR_STATEMENT_MAX);
    }
    trail->signed_seq = 0;
}

/* ---- Batches ------------------------------------------------------------------------------- */

static nr_trail_status set_durability(nr_trail *trail, nr_durability durability)
{
    int wanted = durability == NR_BATCHED;
    if (trail->synchronous == wanted)
        return NR_TRAIL_OK;
    trail->synchronous = -1;
    nr_trail_status status = nr_database_run(trail->db,
                                             wanted ? "PRAGMA synchronous = NORMAL"
                                                    : "PRAGMA synchronous = FULL");
    if (status == NR_TRAIL_OK)
        trail->synchronous = wanted;
    return status;
}

/* A file that was moved away, or removed, takes with it whatever is written to it. */
static bool is_in_place(const nr_trail *trail)
{
    int moved = 0;
    (void)sqlite3_file_control(trail->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved == 0;
}

/* What stands in the way of a batch before it has begun. */
static nr_trail_status may_begin(nr_trail *trail, nr_durability durability)
{
    if (!is_in_place(trail))
        return NR_TRAIL_MISSING;
    if (!trail->again && !nr_reserve_restore(&trail->reserve, nr_trail_now(trail)) &&
        durability != NR_URGENT)
        return NR_TRAIL_FULL;
    if (trail->lost) {
        nr_trail_status settled = nr_trail_settle(trail);
        if (settled != NR_TRAIL_OK)
            return settled;
    }
    return set_durability(trail, durability);
}

nr_trail_status nr_trail_begin(nr_trail *trail, nr_durability durability)
{
    nr_trail_undo(trail);
    nr_trail_status status = may_begin(trail, durability);
    trail->again = false;
    if (status == NR_TRAIL_OK)
        status = nr_database_do(trail->sql[NR_SQL_BEGIN]);
    if (status != NR_TRAIL_OK)
        return nr_trail_fail(trail, status);
    trail->open = true;
    trail->durability = durability;
    trail->next = trail->head;
    return NR_TRAIL_OK;
}

nr_trail_status nr_trail_keep_policy(nr_trail *trail,
                                     const uint8_t digest[NR_DIGEST_SIZE],
                                     const void *image, size_t size)
{
    uint8_t found[NR_DIGEST_SIZE];
    int64_t id = 0;
    if (!trail->open)
        return NR_TRAIL_ARGUMENT;
    nr_trail_status status = nr_intern_policy(trail, digest, &id);
    if (status == NR_TRAIL_OK && id != 0)
        return NR_TRAIL_OK;
    if (status != NR_TRAIL_ARGUMENT || size < IMAGE_DIGESTED_FROM)
        return nr_trail_fail(trail, status == NR_TRAIL_OK ? NR_TRAIL_ARGUMENT : status);
    nr_sha256((const char *)image + IMAGE_DIGESTED_FROM, size - IMAGE_DIGESTED_FROM,
              found);
    if (memcmp(found, digest, NR_DIGEST_SIZE) != 0)
        return nr_trail_fail(trail, NR_TRAIL_ARGUMENT);
    sqlite3_stmt *insert = trail->sql[NR_SQL_ADD_POLICY];
    (void)sqlite3_bind_blob(insert, 1, digest, NR_DIGEST_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_int64(insert, 2, (int64_t)trail->next.seq + 1);
    status = nr_database_do(insert);
    if (status == NR_TRAIL_OK) {
        insert = trail->sql[NR_SQL_ADD_IMAGE];
        (void)sqlite3_bind_int64(insert, 1, sqlite3_last_insert_rowid(trail->db));
        (void)sqlite3_bind_blob64(insert, 2, image, size, SQLITE_STATIC);
        status = nr_database_do(insert);
        (void)sqlite3_bind_null(insert, 2);
    }
    return status == NR_TRAIL_OK ? status : nr_trail_fail(trail, status);
}

nr_trail_status nr_trail_has_policy(nr_trail *trail,
                                    const uint8_t digest[NR_DIGEST_SIZE])
{
    int64_t id = 0;
    if (!trail->open)
        return nr_trail_fail(trail, NR_TRAIL_ARGUMENT);
    nr_trail_status status = nr_intern_policy(trail, digest, &id);
    if (status == NR_TRAIL_ARGUMENT)
        return NR_TRAIL_MISSING;
    return status == NR_TRAIL_OK ? status : nr_trail_fail(trail, status);
}

/* Whether it is a record at all. Time beyond these years has no text. */
static bool is_record(const nr_record *record)
{
    static const uint8_t none[NR_DIGEST_SIZE];
    static const int64_t last = (NR_LAST_SECOND + 1) * 1000000;
    return record->event > NR_EVENT_NONE && record->event <= UINT8_MAX &&
           record->at >= 0 && record->at < last && record->reason <= UINT16_MAX &&
           (record->reason == NRBAC_REASON_NOT_EVALUATED ||
            nr_event_decides(record->event)) &&
           record->session <= INT64_MAX && record->message <= INT64_MAX &&
           (record->circumstances == NULL ||
            memcmp(record->circumstances->digest, none, NR_DIGEST_SIZE) != 0);
}

nr_trail_status nr_trail_append(nr_trail *trail, const nr_record *record)
{
    nr_trail_status status = NR_TRAIL_ARGUMENT;
    if (trail->open && is_record(record))
        status = nr_rows_add(trail, record);
    return status == NR_TRAIL_OK ? status : nr_trail_fail(trail, status);
}

nr_trail_status nr_trail_commit(nr_trail *trail, uint64_t *first)
{
    if (!trail->open)
        return NR_TRAIL_ARGUMENT;
    int64_t now = nr_trail_now(trail);
    nr_trail_status status = nr_rows_write(trail);
    if (status == NR_TRAIL_OK && checkpoint_is_due(trail, now))
        status = add_checkpoint(trail, now);
    if (status == NR_TRAIL_OK)
        status = nr_database_do(trail->sql[NR_SQL_COMMIT]);
    if (status != NR_TRAIL_OK)
        return nr_trail_fail(trail, status);
    if (first != NULL)
        *first = trail->head.seq + 1;
    nr_rows_forget(&trail->rows);
    trail->open = false;
    trail->head = trail->next;
    trail->trouble = NR_TRAIL_OK;
    if (trail->durability != NR_BATCHED)
        trail->synced = trail->head.seq;
    checkpointed(trail, now);
    publish(trail);
    look_at_space(trail, now);
    return NR_TRAIL_OK;
}

/* ---- Between batches ------------------------------------------------------------------------ */

/* The main file needs no sync: what is in it was synced before the log was emptied. */
static nr_trail_status sync_once(nr_trail *trail)
{
    nr_trail_status status = trail->lost ? nr_trail_settle(trail) : sync_log(trail);
    if (status != NR_TRAIL_OK)
        return nr_trail_fail(trail, status);
    trail->synced = trail->head.seq;
    publish(trail);
    return NR_TRAIL_OK;
}

nr_trail_status nr_trail_sync(nr_trail *trail)
{
    if (trail->open)
        return NR_TRAIL_ARGUMENT;
    if (trail->synced == trail->head.seq)
        return NR_TRAIL_OK;
    nr_trail_status status = sync_once(trail);
    if (status == NR_TRAIL_AGAIN)
        status = sync_once(trail);
    trail->again = false;
    return status;
}

/* A batch without records, for the checkpoint that is due; it takes little, and says
 * more than it takes. */
static nr_trail_status commit_nothing(nr_trail *trail)
{
    nr_trail_status status = nr_trail_begin(trail, NR_URGENT);
    return status == NR_TRAIL_OK ? nr_trail_commit(trail, NULL) : status;
}

nr_trail_status nr_trail_tend(nr_trail *trail)
{
    int64_t now = nr_trail_now(trail);
    (void)nr_reserve_restore(&trail->reserve, now);
    look_at_space(trail, now);
    publish(trail);
    if (trail->open || !checkpoint_is_due(trail, now))
        return NR_TRAIL_OK;
    nr_trail_status status = commit_nothing(trail);
    return status == NR_TRAIL_AGAIN ? commit_nothing(trail) : status;
}
