/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a trail stands when it is opened. From the last signed point on, every record is
 * hashed again; what a kill or a power cut took was never committed, so a chain that
 * does not fit was changed, and nothing more is added to it.
 */
#include "audit/reading.h"
#include "audit/trail_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SIGNATURE_DIGITS = 2 * NR_SIGNATURE_SIZE };

/* A signed line of ours; CORRUPT: it is not. */
static nr_trail_status check_statement(const nr_trail *trail, const char *line,
                                       nr_statement_kind kind, nr_statement *out)
{
    bool sound = line != NULL &&
                 nr_statement_read(line, nr_key_public(trail->key), out) ==
                     NR_STATEMENT_SOUND &&
                 out->kind == kind &&
                 memcmp(out->trail, trail->id, NR_TRAIL_ID_SIZE) == 0;
    return sound ? NR_TRAIL_OK : NR_TRAIL_CORRUPT;
}

/* The last statement of a table, if it is further on than *point. */
static nr_trail_status last_statement(nr_trail *trail, const char *sql,
                                      nr_statement_kind kind, nr_statement *point)
{
    sqlite3_stmt *query = NULL;
    bool row = false;
    nr_trail_status status = nr_database_prepare(trail->db, sql, &query);
    if (status == NR_TRAIL_OK)
        status = nr_database_step(query, &row);
    if (status == NR_TRAIL_OK && row) {
        nr_statement found = { 0 };
        status = check_statement(trail, (const char *)sqlite3_column_text(query, 0),
                                 kind, &found);
        if (status == NR_TRAIL_OK && found.head.seq >= point->head.seq)
            *point = found;
    }
    (void)sqlite3_finalize(query);
    return status;
}

/* The hash that stands at a record; MISSING: there is no such record. */
static nr_trail_status hash_at(nr_trail *trail, uint64_t seq, uint8_t *hash)
{
    sqlite3_stmt *query = NULL;
    bool row = false;
    nr_trail_status status = nr_database_prepare(
        trail->db, "SELECT hash FROM records WHERE seq = ?", &query);
    if (status == NR_TRAIL_OK) {
        (void)sqlite3_bind_int64(query, 1, (int64_t)seq);
        status = nr_database_step(query, &row);
    }
    if (status == NR_TRAIL_OK)
        status = !row                                               ? NR_TRAIL_MISSING
                 : nr_database_blob(query, 0, NR_DIGEST_SIZE, hash) ? NR_TRAIL_OK
                                                                    : NR_TRAIL_CORRUPT;
    (void)sqlite3_finalize(query);
    return status;
}

/* Whether the trail stands at a point as it was signed. */
static nr_trail_status hold_against(nr_trail *trail, const nr_head *point,
                                    const char *what, nrbac_error *error)
{
    uint8_t hash[NR_DIGEST_SIZE] = { 0 };
    nr_trail_status status = hash_at(trail, point->seq, hash);
    if (status == NR_TRAIL_MISSING) {
        return nr_trail_refuse(
            error, NR_TRAIL_CORRUPT,
            "the trail is cut off: there is a %s for record %" PRIu64
            ", which is missing; begin a new trail and keep this one",
            what, point->seq);
    }
    if (status == NR_TRAIL_OK && memcmp(hash, point->hash, NR_DIGEST_SIZE) != 0) {
        return nr_trail_refuse(error, NR_TRAIL_CORRUPT,
                               "record %" PRIu64 " is not the one that its %s was "
                               "signed for; begin a new trail and keep this one",
                               point->seq, what);
    }
    return status;
}

/* Hashes what follows the last signed point. */
static nr_trail_status walk_to_end(nr_trail *trail, nrbac_error *error)
{
    nr_reader reader = { .db = trail->db };
    nr_filter rest = { .after = trail->head.seq };
    nr_entry entry;
    nr_trail_status status = nr_reader_find(&reader, &rest);
    while (status == NR_TRAIL_OK) {
        status = nr_reader_next(&reader, &entry);
        if (status != NR_TRAIL_OK)
            break;
        nr_head_move(&trail->head, &entry.record);
        if (entry.seq != trail->head.seq ||
            memcmp(entry.hash, trail->head.hash, NR_DIGEST_SIZE) != 0) {
            status = nr_trail_refuse(error, NR_TRAIL_CORRUPT,
                                     "record %" PRIu64 " is not as it was written, or "
                                     "missing; begin a new trail and keep this one",
                                     trail->head.seq);
        }
    }
    nr_reading_finish(&reader);
    return status == NR_TRAIL_MISSING ? NR_TRAIL_OK : status;
}

/* ---- Checkpoints that were published ------------------------------------------------------ */

/* The last line of this trail; years of lines stand before it, whose signatures are for
 * a proof to look at. */
typedef struct published {
    char start[64]; /* of a line of this trail */
    char last[NR_STATEMENT_MAX];
} published;

/* A piece of a line, which a power cut may have left, has no whole signature. */
static bool take_published(void *context, const char *line)
{
    published *of = context;
    const char *space = strrchr(line, ' ');
    if (strncmp(line, of->start, strlen(of->start)) == 0 && space != NULL &&
        strlen(space + 1) == SIGNATURE_DIGITS)
        (void)snprintf(of->last, sizeof(of->last), "%s", line);
    return true;
}

static nr_trail_status hold_against_published(nr_trail *trail, uint64_t pruned,
                                              nrbac_error *error)
{
    published of = { .last = "" };
    char id[NR_TRAIL_ID_HEX];
    nr_statement last = { 0 };
    if (trail->checkpoint_path == NULL)
        return NR_TRAIL_OK;
    nr_hex_write(trail->id, NR_TRAIL_ID_SIZE, id);
    (void)snprintf(of.start, sizeof(of.start), "nrbac-checkpoint 1 %s ", id);
    nr_trail_status status = nr_published_read(trail->checkpoint_path, take_published,
                                               &of);
    if (status == NR_TRAIL_MISSING || (status == NR_TRAIL_OK && of.last[0] == 0))
        return NR_TRAIL_OK;
    if (status != NR_TRAIL_OK)
        return nr_trail_refuse(error, status, "`%s` cannot be read",
                               trail->checkpoint_path);
    if (check_statement(trail, of.last, NR_STATEMENT_CHECKPOINT, &last) !=
        NR_TRAIL_OK) {
        return nr_trail_refuse(error, NR_TRAIL_CORRUPT,
                               "the last line of `%s` for this trail is not signed by "
                               "its key; begin a new trail and keep this one",
                               trail->checkpoint_path);
    }
    return last.head.seq <= pruned
               ? NR_TRAIL_OK
               : hold_against(trail, &last.head, "published checkpoint", error);
}

/* ---- All together ---------------------------------------------------------------------------- */

static nr_trail_status find_signed_point(nr_trail *trail, nr_statement *point,
                                         uint64_t *pruned, nrbac_error *error)
{
    NR_TRAIL_TRY(last_statement(trail, "SELECT statement FROM pruned",
                                NR_STATEMENT_PRUNED, point));
    *pruned = point->head.seq;
    NR_TRAIL_TRY(last_statement(
        trail, "SELECT statement FROM checkpoints ORDER BY seq DESC LIMIT 1",
        NR_STATEMENT_CHECKPOINT, point));
    if (point->kind == NR_STATEMENT_PRUNED || point->head.seq <= *pruned)
        return NR_TRAIL_OK;
    return hold_against(trail, &point->head, "checkpoint", error);
}

nr_trail_status nr_trail_find_head(nr_trail *trail, nrbac_error *error)
{
    nr_statement point = { .head = nr_head_first(trail->id) };
    uint64_t pruned = 0;
    nr_trail_status status = find_signed_point(trail, &point, &pruned, error);
    if (status == NR_TRAIL_CORRUPT && error->text[0] == 0)
        return nr_trail_refuse(error, status,
                               "the trail's last checkpoint is not signed by its key; "
                               "begin a new trail and keep this one");
    if (status == NR_TRAIL_OK) {
        trail->head = point.head;
        status = walk_to_end(trail, error);
    }
    if (status == NR_TRAIL_OK)
        status = hold_against_published(trail, pruned, error);
    trail->first = pruned + 1;
    trail->checkpoint = point.head.seq;
    trail->checkpoint_at = nr_trail_now(trail);
    trail->synced = trail->head.seq; /* the log was put into the main file before */
    return status;
}
