/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dropping what is old. The chain stays provable, since the hash of the last record that
 * goes is signed, and the first that stays is tied to it.
 */
#include "audit/trail_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DAY_US   (INT64_C(86400) * 1000000)
#define QUIET_US (7 * DAY_US)

/* A week takes about three looks: enough for a quarter of a century. */
enum { LOOKS_MAX = 4096 };

/* A query or change with up to two numbers in it; the caller finalises it. *row: there
 * is one. */
static nr_trail_status run(nr_trail *trail, const char *sql, int64_t first,
                           int64_t second, sqlite3_stmt **out, bool *row)
{
    *row = false;
    NR_TRAIL_TRY(nr_database_prepare(trail->db, sql, out));
    (void)sqlite3_bind_int64(*out, 1, first);
    if (sqlite3_bind_parameter_count(*out) > 1)
        (void)sqlite3_bind_int64(*out, 2, second);
    return nr_database_step(*out, row);
}

static nr_trail_status change(nr_trail *trail, const char *sql, int64_t first,
                              int64_t second)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    nr_trail_status status = run(trail, sql, first, second, &statement, &row);
    (void)sqlite3_finalize(statement);
    return status;
}

/* ---- What is old ------------------------------------------------------------------ */

/* Which records go. By hand: those before `before`. By age: also those that say that
 * they are of the future, of a clock that was ahead; and nothing that the trail has not
 * outlived by `keep`. */
typedef struct bounds {
    int64_t before, now;
    int64_t keep; /* 0: by hand */
    uint64_t limit;
} bounds;

/* The last record that goes; first - 1: none does. Time may run backwards, and what
 * goes is a beginning of the trail all the same. */
static nr_trail_status find_last(nr_trail *trail, const bounds *of, uint64_t *last)
{
    static const char sql[] =
        "SELECT seq FROM records WHERE seq < ?1 AND at BETWEEN ?2 AND ?3 "
        "ORDER BY seq LIMIT 1";
    sqlite3_stmt *query = NULL;
    bool young = false;
    uint64_t most = trail->head.seq - trail->first + 1;
    uint64_t end = trail->first + (of->limit < most ? of->limit : most);
    NR_TRAIL_TRY(nr_database_prepare(trail->db, sql, &query));
    (void)sqlite3_bind_int64(query, 1, (int64_t)end);
    (void)sqlite3_bind_int64(query, 2, of->before);
    (void)sqlite3_bind_int64(query, 3, of->now);
    nr_trail_status status = nr_database_step(query, &young);
    if (status == NR_TRAIL_OK && young)
        end = (uint64_t)sqlite3_column_int64(query, 0);
    *last = end - 1;
    (void)sqlite3_finalize(query);
    return status;
}

static nr_trail_status read_at(sqlite3_stmt *query, uint64_t seq, int64_t *at)
{
    bool row = false;
    (void)sqlite3_reset(query);
    (void)sqlite3_bind_int64(query, 1, (int64_t)seq);
    NR_TRAIL_TRY(nr_database_step(query, &row));
    if (row)
        *at = sqlite3_column_int64(query, 0);
    return row ? NR_TRAIL_OK : NR_TRAIL_CORRUPT;
}

/* How much of the time from one moment to another counts; *leap: not all of it. A week
 * is the longest time without records that is taken for a quiet one. */
static int64_t count_step(const bounds *of, int64_t from, int64_t to, bool *leap)
{
    int64_t quiet = of->keep / 8 < QUIET_US ? of->keep / 8 : QUIET_US;
    *leap = to > from && (uint64_t)to - (uint64_t)from > (uint64_t)quiet;
    if (*leap)
        return quiet;
    return to > from ? to - from : 0;
}

/*
 * Whether the trail went on for `keep` after a record. A clock alone does not say so:
 * one that is wrong, perhaps since the machine came up, would drop everything at once.
 * So the time from each record to the next is added up, and a leap, in which the daemon
 * was off or the clock was set, counts for little. Records are looked at with more and
 * more between them, as long as those are no leap apart.
 */
static nr_trail_status is_outlived(nr_trail *trail, sqlite3_stmt *query,
                                   const bounds *of, uint64_t seq, bool *outlived)
{
    const uint64_t end = trail->head.seq;
    int64_t sum = 0, at, next;
    bool leap;
    NR_TRAIL_TRY(read_at(query, seq, &at));
    uint64_t step = 1;
    for (int looks = 0; seq < end && sum <= of->keep && looks < LOOKS_MAX; looks++) {
        step = step < end - seq ? step : end - seq;
        NR_TRAIL_TRY(read_at(query, seq + step, &next));
        int64_t counted = count_step(of, at, next, &leap);
        if (leap && step > 1) {
            step /= 2;
            continue;
        }
        sum += counted;
        at = next;
        seq += step;
        step *= 2;
    }
    if (seq == end)
        sum += count_step(of, at, of->now, &leap);
    *outlived = sum > of->keep;
    return NR_TRAIL_OK;
}

/* Moves *last back to what the trail has outlived: the later a record, the less of the
 * trail is behind it. */
static nr_trail_status hold_to_age(nr_trail *trail, const bounds *of, uint64_t *last)
{
    sqlite3_stmt *query = NULL;
    uint64_t good = trail->first - 1, bad = *last + 1;
    NR_TRAIL_TRY(
        nr_database_prepare(trail->db, "SELECT at FROM records WHERE seq = ?", &query));
    nr_trail_status status = NR_TRAIL_OK;
    for (uint64_t seq = *last; good + 1 < bad; seq = good + (bad - good) / 2) {
        bool outlived = false;
        status = is_outlived(trail, query, of, seq, &outlived);
        if (status != NR_TRAIL_OK)
            break;
        *(outlived ? &good : &bad) = seq;
    }
    (void)sqlite3_finalize(query);
    trail->held = good < *last;
    *last = good;
    return status;
}

/* ---- Dropping it ------------------------------------------------------------------ */

static nr_trail_status read_hash(nr_trail *trail, uint64_t seq, nr_head *head)
{
    sqlite3_stmt *query = NULL;
    bool row = false;
    head->seq = seq;
    nr_trail_status status = run(trail, "SELECT hash FROM records WHERE seq = ?1",
                                 (int64_t)seq, 0, &query, &row);
    if (status == NR_TRAIL_OK &&
        (!row || !nr_database_blob(query, 0, NR_DIGEST_SIZE, head->hash)))
        status = NR_TRAIL_CORRUPT;
    (void)sqlite3_finalize(query);
    return status;
}

static nr_trail_status state_pruned(nr_trail *trail, uint64_t last)
{
    nr_statement statement = { .kind = NR_STATEMENT_PRUNED, .at = nr_trail_now(trail) };
    char line[NR_STATEMENT_MAX];
    sqlite3_stmt *insert = NULL;
    memcpy(statement.trail, trail->id, NR_TRAIL_ID_SIZE);
    NR_TRAIL_TRY(read_hash(trail, last, &statement.head));
    nr_statement_sign(&statement, trail->key, line);
    nr_trail_status status = nr_database_prepare(
        trail->db,
        "INSERT OR REPLACE INTO pruned (one, seq, statement) VALUES (1, ?, ?)",
        &insert);
    if (status == NR_TRAIL_OK) {
        (void)sqlite3_bind_int64(insert, 1, (int64_t)last);
        nr_bind_text(insert, 2, line);
        status = nr_database_do(insert);
    }
    (void)sqlite3_finalize(insert);
    return status;
}

/* How many rows may go with so many records, which is rather more than they left. */
static int64_t rows_at_a_time(uint64_t limit)
{
    enum { SOME = 1000 };
    uint64_t rows = limit > INT64_MAX - SOME ? INT64_MAX : limit + SOME;
    return (int64_t)rows;
}

/* Rows that no record refers to any more, as `seen` tells. The policy that is in force
 * is seen at least that often, or is kept anew. */
static nr_trail_status drop_unseen(nr_trail *trail, uint64_t last, int64_t limit)
{
    static const char *const drops[] = {
        "DELETE FROM circumstances WHERE id IN "
        "(SELECT id FROM circumstances WHERE seen <= ?1 LIMIT ?2)",
        "DELETE FROM texts WHERE id IN (SELECT id FROM texts WHERE seen <= ?1 LIMIT ?2)",
        "DELETE FROM images WHERE policy IN "
        "(SELECT id FROM policies WHERE seen <= ?1 LIMIT ?2)",
        "DELETE FROM policies WHERE seen <= ?1 AND id NOT IN (SELECT policy FROM images)",
    };
    int64_t unseen = (int64_t)last + 1 - NR_SEEN_STEP;
    nr_interned_forget(&trail->interned);
    for (size_t i = 0; i < NR_COUNT(drops); i++)
        NR_TRAIL_TRY(change(trail, drops[i], unseen, limit));
    return NR_TRAIL_OK;
}

static nr_trail_status record_pruned(nr_trail *trail, uint64_t last, int64_t before)
{
    char detail[96];
    (void)snprintf(detail, sizeof(detail),
                   "{\"through\":%" PRIu64 ",\"before\":%" PRId64 "}", last, before);
    nr_record record = { .event = NR_EVENT_PRUNED,
                         .at = nr_trail_now(trail),
                         .detail = detail };
    return nr_trail_append(trail, &record);
}

static nr_trail_status prune(nr_trail *trail, uint64_t last, int64_t limit)
{
    NR_TRAIL_TRY(state_pruned(trail, last));
    NR_TRAIL_TRY(
        change(trail, "DELETE FROM records WHERE seq <= ?1", (int64_t)last, 0));
    NR_TRAIL_TRY(
        change(trail, "DELETE FROM checkpoints WHERE seq <= ?1", (int64_t)last, 0));
    return drop_unseen(trail, last, limit);
}

static nr_trail_status prune_once(nr_trail *trail, const bounds *of, uint64_t *dropped)
{
    uint64_t last = 0, first = trail->first;
    NR_TRAIL_TRY(nr_trail_begin(trail, NR_SYNC));
    trail->held = false;
    nr_trail_status status = find_last(trail, of, &last);
    if (status == NR_TRAIL_OK && last >= first && of->keep != 0)
        status = hold_to_age(trail, of, &last);
    if (status == NR_TRAIL_OK && last < first) {
        nr_trail_undo(trail);
        return NR_TRAIL_OK;
    }
    if (status == NR_TRAIL_OK)
        status = prune(trail, last, rows_at_a_time(of->limit));
    if (status != NR_TRAIL_OK)
        return nr_trail_fail(trail, status);
    NR_TRAIL_TRY(record_pruned(trail, last, of->before));
    NR_TRAIL_TRY(nr_trail_commit(trail, NULL));
    trail->first = last + 1;
    if (trail->checkpoint < last)
        trail->checkpoint = last;
    *dropped = last - first + 1;
    return NR_TRAIL_OK;
}

static nr_trail_status prune_within(nr_trail *trail, const bounds *of,
                                    uint64_t *dropped)
{
    *dropped = 0;
    if (trail->first > trail->head.seq || of->limit == 0)
        return NR_TRAIL_OK;
    nr_trail_status status = prune_once(trail, of, dropped);
    return status == NR_TRAIL_AGAIN ? prune_once(trail, of, dropped) : status;
}

nr_trail_status nr_trail_prune(nr_trail *trail, int64_t before, uint64_t limit,
                               uint64_t *dropped)
{
    const bounds of = { .before = before, .now = INT64_MAX, .limit = limit };
    return prune_within(trail, &of, dropped);
}

nr_trail_status nr_trail_expire(nr_trail *trail, int64_t keep, uint64_t limit,
                                uint64_t *dropped)
{
    int64_t now = nr_trail_now(trail);
    const bounds of = { now - keep, now, keep, limit };
    return prune_within(trail, &of, dropped);
}
