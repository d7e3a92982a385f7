/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk over the records, beside the signed points in their order. The first fault
 * ends it, since what follows is tied to what is wrong.
 */
#include "audit/proof.h"

#include "audit/beside.h"
#include "audit/reading.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TELL_EVERY = 65536 };

/* Where the chain must stand. */
typedef struct point {
    nr_head head;
    bool elsewhere; /* it was kept elsewhere */
} point;

typedef struct walk {
    nr_reader *reader;
    const nr_trail_given *given;
    nr_trail_proof *proof;
    nr_trail_stats about;
    nr_statement pruned; /* seq 0: nothing was */
    point *points;       /* by seq */
    size_t point_count, point_room, point_at;
    bool no_memory;
    uint8_t *bad_policies; /* digests of those that are not kept as they were */
    size_t bad_policy_count;
    nr_head head;
    int64_t at; /* of the record before */
} walk;

const char *nr_trail_fault_slug(nr_trail_fault fault)
{
    static const char *const slugs[] = {
        [NR_TRAIL_IS_SOUND] = "sound",         [NR_TRAIL_IS_CHANGED] = "changed",
        [NR_TRAIL_IS_REMOVED] = "removed",     [NR_TRAIL_IS_MOVED] = "moved",
        [NR_TRAIL_IS_TRUNCATED] = "truncated", [NR_TRAIL_IS_REWRITTEN] = "rewritten",
        [NR_TRAIL_IS_FORGED] = "forged",       [NR_TRAIL_IS_FOREIGN] = "foreign",
        [NR_TRAIL_IS_POLICY] = "policy",       [NR_TRAIL_IS_DAMAGED] = "damaged",
    };
    return (size_t)fault < NR_COUNT(slugs) ? slugs[fault] : "unknown";
}

NR_PRINTF(5, 6)
static nr_trail_status find_fault(walk *w, nr_trail_fault fault, uint64_t seq,
                                  uint64_t other, const char *format, ...)
{
    if (w->proof->fault != NR_TRAIL_IS_SOUND)
        return NR_TRAIL_OK;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(w->proof->text, sizeof(w->proof->text), format, arguments);
    va_end(arguments);
    w->proof->fault = fault;
    w->proof->seq = seq;
    w->proof->other = other;
    return NR_TRAIL_OK;
}

/* ---- Signed points ------------------------------------------------------------------------ */

static void add_point(walk *w, const nr_head *head, bool elsewhere)
{
    if (w->point_count == w->point_room) {
        size_t room = w->point_room == 0 ? 64 : 2 * w->point_room;
        point *larger = realloc(w->points, room * sizeof(*larger));
        if (larger == NULL) {
            w->no_memory = true;
            return;
        }
        w->points = larger;
        w->point_room = room;
    }
    w->points[w->point_count++] = (point){ .head = *head, .elsewhere = elsewhere };
}

static int compare_points(const void *a, const void *b)
{
    const point *one = a, *other = b;
    return one->head.seq < other->head.seq   ? -1
           : one->head.seq > other->head.seq ? 1
                                             : 0;
}

static const uint8_t *expected_key(const walk *w)
{
    return w->given->key != NULL ? w->given->key : w->about.key;
}

/* The trail's own. One that is not signed is a fault at its record. */
static nr_trail_status take_own(walk *w)
{
    sqlite3_stmt *query = NULL;
    bool row = false;
    nr_trail_status status = nr_database_prepare(
        w->reader->db, "SELECT seq, statement FROM checkpoints ORDER BY seq", &query);
    while (status == NR_TRAIL_OK) {
        status = nr_database_step(query, &row);
        if (status != NR_TRAIL_OK || !row)
            break;
        uint64_t seq = (uint64_t)sqlite3_column_int64(query, 0);
        const char *line = (const char *)sqlite3_column_text(query, 1);
        nr_statement of = { 0 };
        if (line == NULL ||
            nr_statement_read(line, expected_key(w), &of) != NR_STATEMENT_SOUND ||
            of.kind != NR_STATEMENT_CHECKPOINT || of.head.seq != seq ||
            memcmp(of.trail, w->about.id, NR_TRAIL_ID_SIZE) != 0) {
            status = find_fault(w, NR_TRAIL_IS_FORGED, seq, 0,
                                "the checkpoint at record %" PRIu64
                                " is not signed by the trail's key",
                                seq);
        } else {
            add_point(w, &of.head, false);
        }
    }
    (void)sqlite3_finalize(query);
    return status;
}

static bool take_line(void *context, const char *line)
{
    walk *w = context;
    nr_statement of = { 0 };
    nr_statement_fault fault = nr_statement_read(line, expected_key(w), &of);
    if (fault == NR_STATEMENT_NONE || of.kind != NR_STATEMENT_CHECKPOINT ||
        memcmp(of.trail, w->about.id, NR_TRAIL_ID_SIZE) != 0)
        return true;
    if (fault == NR_STATEMENT_SOUND)
        add_point(w, &of.head, true);
    else {
        (void)find_fault(w, NR_TRAIL_IS_FORGED, of.head.seq, 0,
                         "the checkpoint kept elsewhere for record %" PRIu64
                         " is not signed by the trail's key",
                         of.head.seq);
    }
    return true;
}

/* In the order of the records; those of records that were dropped cannot be looked at. */
static nr_trail_status take_points(walk *w)
{
    NR_TRAIL_TRY(take_own(w));
    if (w->given->checkpoint_path != NULL) {
        nr_trail_status status = nr_published_read(w->given->checkpoint_path, take_line,
                                                   w);
        if (status != NR_TRAIL_OK)
            return nr_reading_refuse(w->reader, status,
                                     "the checkpoint file `%s` cannot be read",
                                     w->given->checkpoint_path);
    }
    if (w->no_memory)
        return NR_TRAIL_MEMORY;
    if (w->point_count != 0)
        qsort(w->points, w->point_count, sizeof(*w->points), compare_points);
    w->proof->checkpoints = w->point_count;
    return NR_TRAIL_OK;
}

/* Points that lie before the first record; the one at the dropped end still counts. */
static void pass_dropped(walk *w)
{
    for (; w->point_at < w->point_count; w->point_at++) {
        const point *next = &w->points[w->point_at];
        if (next->head.seq > w->head.seq)
            return;
        if (next->head.seq == w->head.seq &&
            memcmp(next->head.hash, w->head.hash, NR_DIGEST_SIZE) != 0) {
            (void)find_fault(w, NR_TRAIL_IS_REWRITTEN, w->head.seq, w->head.seq,
                             "what was dropped up to record %" PRIu64
                             " is not what its checkpoint was signed for",
                             w->head.seq);
        }
    }
}

/* ---- Policies ------------------------------------------------------------------------------ */

static nr_trail_status check_policies(walk *w)
{
    size_t count = 0;
    NR_TRAIL_TRY(nr_reader_policies(w->reader, &w->bad_policies, &count));
    for (size_t i = 0; i < count; i++) {
        const uint8_t *digest = w->bad_policies + i * NR_DIGEST_SIZE;
        void *image = NULL;
        size_t size = 0;
        nr_trail_status status = nr_reader_policy(w->reader, digest, &image, &size);
        free(image);
        if (status == NR_TRAIL_MEMORY || status == NR_TRAIL_IO ||
            status == NR_TRAIL_LOCKED)
            return status;
        if (status != NR_TRAIL_OK)
            memmove(w->bad_policies + w->bad_policy_count++ * NR_DIGEST_SIZE, digest,
                    NR_DIGEST_SIZE);
    }
    return NR_TRAIL_OK;
}

static bool policy_is_bad(const walk *w, const nr_record *record)
{
    for (size_t i = 0; i < w->bad_policy_count; i++) {
        if (memcmp(w->bad_policies + i * NR_DIGEST_SIZE, record->policy,
                   NR_DIGEST_SIZE) == 0)
            return true;
    }
    return false;
}

/* ---- What is wrong with a record ---------------------------------------------------------------- */

/* Whether this record, with its own hash, follows another hash of the trail: then it was
 * written as another number than it stands at. */
static bool was_written_as(const nr_entry *entry, const uint8_t *hash, uint64_t seq)
{
    nr_head head = { .seq = seq - 1 };
    memcpy(head.hash, hash, NR_DIGEST_SIZE);
    nr_head_move(&head, &entry->record);
    return memcmp(head.hash, entry->hash, NR_DIGEST_SIZE) == 0;
}

/* The number that it was written as; 0: none that can be found. The record before it may
 * have been moved as well, by one place, so its own number is tried too. */
static uint64_t find_written(walk *w, const nr_entry *entry)
{
    sqlite3_stmt *query = NULL;
    uint64_t found = 0, last = 0;
    bool row = false;
    if (nr_database_prepare(w->reader->db, "SELECT seq, hash FROM records ORDER BY seq",
                            &query) != NR_TRAIL_OK)
        return 0;
    while (found == 0 && nr_database_step(query, &row) == NR_TRAIL_OK && row) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(query, 0);
        uint8_t hash[NR_DIGEST_SIZE];
        if (seq <= last)
            break; /* a circle of pages */
        last = seq;
        if (!nr_database_blob(query, 1, NR_DIGEST_SIZE, hash))
            continue;
        for (uint64_t as = seq; as <= seq + 1 && found == 0; as++) {
            if (was_written_as(entry, hash, as))
                found = as;
        }
    }
    (void)sqlite3_finalize(query);
    return found;
}

static nr_trail_status tell_wrong(walk *w, const nr_entry *entry)
{
    uint64_t seq = entry->seq, written = find_written(w, entry);
    if (written != 0 && written != seq)
        return find_fault(w, NR_TRAIL_IS_MOVED, seq, written,
                          "what stands as record %" PRIu64 " was written as %" PRIu64,
                          seq, written);
    return find_fault(w, NR_TRAIL_IS_CHANGED, seq, 0,
                      "record %" PRIu64 " is not as it was written", seq);
}

/* ---- The walk -------------------------------------------------------------------------------------- */

static uint64_t last_good_point(const walk *w)
{
    return w->proof->checkpointed > w->proof->anchored ? w->proof->checkpointed
                                                       : w->proof->anchored;
}

static nr_trail_status tell_rewritten(walk *w, const point *against)
{
    uint64_t good = last_good_point(w);
    uint64_t from = good < w->proof->first ? w->proof->first : good + 1;
    return find_fault(w, NR_TRAIL_IS_REWRITTEN, from, w->head.seq,
                      "records %" PRIu64 " to %" PRIu64
                      " were written anew: %s was signed for others",
                      from, w->head.seq,
                      against->elsewhere ? "a checkpoint kept elsewhere"
                                         : "the checkpoint");
}

static nr_trail_status check_points(walk *w)
{
    for (; w->point_at < w->point_count; w->point_at++) {
        const point *next = &w->points[w->point_at];
        if (next->head.seq != w->head.seq)
            return NR_TRAIL_OK;
        if (memcmp(next->head.hash, w->head.hash, NR_DIGEST_SIZE) != 0)
            return tell_rewritten(w, next);
        if (next->elsewhere)
            w->proof->anchored = w->head.seq;
        else
            w->proof->checkpointed = w->head.seq;
    }
    return NR_TRAIL_OK;
}

static nr_trail_status check_entry(walk *w, const nr_entry *entry)
{
    if (entry->seq != w->head.seq + 1) {
        return find_fault(w, NR_TRAIL_IS_REMOVED, w->head.seq + 1, 0,
                          "record %" PRIu64 " is missing, and record %" PRIu64
                          " is there",
                          w->head.seq + 1, entry->seq);
    }
    if (w->proof->first == 0)
        w->proof->first = entry->seq;
    else if (entry->record.at < w->at)
        w->proof->backwards++;
    w->at = entry->record.at;
    nr_head_move(&w->head, &entry->record);
    if (memcmp(w->head.hash, entry->hash, NR_DIGEST_SIZE) != 0)
        return tell_wrong(w, entry);
    w->proof->last = entry->seq;
    if (policy_is_bad(w, &entry->record))
        return find_fault(w, NR_TRAIL_IS_POLICY, entry->seq, 0,
                          "the policy of record %" PRIu64 " is not kept as it was",
                          entry->seq);
    return check_points(w);
}

static nr_trail_status walk_records(walk *w)
{
    nr_filter all = { 0 };
    NR_TRAIL_TRY(nr_reader_find(w->reader, &all));
    uint64_t count = w->about.last - w->head.seq;
    for (uint64_t done = 0; w->proof->fault == NR_TRAIL_IS_SOUND; done++) {
        nr_entry entry;
        if (done % TELL_EVERY == 0 && w->given->progress != NULL &&
            !w->given->progress(w->given->context, done, count))
            return nr_reading_refuse(w->reader, NR_TRAIL_LOCKED, "it was stopped");
        nr_trail_status status = nr_reader_next(w->reader, &entry);
        if (status == NR_TRAIL_MISSING)
            return NR_TRAIL_OK;
        NR_TRAIL_TRY(status);
        NR_TRAIL_TRY(check_entry(w, &entry));
    }
    return NR_TRAIL_OK;
}

/* A signed point beyond the last record. */
static nr_trail_status check_end(walk *w)
{
    if (w->point_at == w->point_count || w->proof->fault != NR_TRAIL_IS_SOUND)
        return NR_TRAIL_OK;
    const point *next = &w->points[w->point_count - 1];
    return find_fault(w, NR_TRAIL_IS_TRUNCATED, w->head.seq + 1, next->head.seq,
                      "the end is missing from record %" PRIu64
                      " on: %s goes to record %" PRIu64,
                      w->head.seq + 1,
                      next->elsewhere ? "a checkpoint kept elsewhere" : "a checkpoint",
                      next->head.seq);
}

/* What is not a record: indexes, free pages, what nobody refers to. */
static nr_trail_status check_file(walk *w)
{
    sqlite3_stmt *query = NULL;
    bool row = false;
    if (w->proof->fault != NR_TRAIL_IS_SOUND)
        return NR_TRAIL_OK;
    nr_trail_status status = nr_database_prepare(w->reader->db,
                                                 "PRAGMA integrity_check(1)", &query);
    if (status == NR_TRAIL_OK)
        status = nr_database_step(query, &row);
    const char *said = status == NR_TRAIL_OK && row
                           ? (const char *)sqlite3_column_text(query, 0)
                           : NULL;
    if (status == NR_TRAIL_CORRUPT || (said != NULL && strcmp(said, "ok") != 0)) {
        status = find_fault(w, NR_TRAIL_IS_DAMAGED, 0, 0,
                            "all records are as they were written, but the file is "
                            "damaged elsewhere: %.120s",
                            said == NULL ? sqlite3_errmsg(w->reader->db) : said);
    }
    (void)sqlite3_finalize(query);
    return status;
}

/* ---- What it cannot know ---------------------------------------------------------------------------- */

NR_PRINTF(2, 3)
static void cannot_know(nr_trail_proof *proof, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(proof->unknown[proof->unknown_count],
                    sizeof(proof->unknown[proof->unknown_count]), format, arguments);
    va_end(arguments);
    proof->unknown_count++;
}

/* Of what comes after the last point; what comes after a fault was not looked at. */
static void tell_unsigned_end(const walk *w)
{
    nr_trail_proof *proof = w->proof;
    uint64_t good = last_good_point(w);
    if (proof->fault != NR_TRAIL_IS_SOUND || proof->last <= good)
        return;
    if (good == 0) {
        cannot_know(proof, "There is no checkpoint yet: whether somebody without the "
                           "key wrote or removed records cannot be known.");
    } else {
        cannot_know(proof,
                    "No checkpoint goes beyond record %" PRIu64
                    ": whether somebody without the key wrote or removed "
                    "records after it cannot be known.",
                    good);
    }
}

static void tell_unknown(const walk *w)
{
    nr_trail_proof *proof = w->proof;
    tell_unsigned_end(w);
    if (w->given->checkpoint_path == NULL) {
        cannot_know(proof, "No checkpoint that was kept elsewhere was given: whether "
                           "the end was cut off, back to an earlier checkpoint, cannot "
                           "be known.");
    } else if (proof->fault == NR_TRAIL_IS_SOUND && proof->anchored < proof->last) {
        cannot_know(proof,
                    "The checkpoints kept elsewhere go to record %" PRIu64
                    ": what was written or cut off after it cannot be known.",
                    proof->anchored);
    }
    if (w->given->key == NULL) {
        cannot_know(proof, "No key was given: whether the trail was written by the key "
                           "that you trust, and not as a whole by another, cannot be "
                           "known.");
    } else if (w->given->checkpoint_path == NULL) {
        cannot_know(proof, "Whoever has the key could have written all of it anew.");
    }
}

/* ---- All together ------------------------------------------------------------------------------------- */

static nr_trail_status begin(walk *w)
{
    NR_TRAIL_TRY(nr_reader_stats(w->reader, &w->about));
    memcpy(w->proof->key, w->about.key, NR_PUBLIC_KEY_SIZE);
    if (memcmp(expected_key(w), w->about.key, NR_PUBLIC_KEY_SIZE) != 0)
        return find_fault(w, NR_TRAIL_IS_FOREIGN, 0, 0,
                          "the trail is not signed by the key that was given");
    w->head = nr_head_first(w->about.id);
    nr_trail_status status = nr_reading_statement(
        w->reader, "SELECT statement FROM pruned", &w->pruned);
    bool sound = status == NR_TRAIL_OK && w->pruned.kind == NR_STATEMENT_PRUNED &&
                 memcmp(w->pruned.key, w->about.key, NR_PUBLIC_KEY_SIZE) == 0 &&
                 memcmp(w->pruned.trail, w->about.id, NR_TRAIL_ID_SIZE) == 0;
    if (sound) {
        w->head = w->pruned.head;
        w->proof->pruned = w->pruned.head.seq;
    } else if (status == NR_TRAIL_OK || status == NR_TRAIL_CORRUPT) {
        return find_fault(w, NR_TRAIL_IS_FORGED, 0, 0,
                          "what says that records were dropped is not signed by the "
                          "trail's key");
    }
    return status == NR_TRAIL_MISSING ? NR_TRAIL_OK : status;
}

/* Somebody dropped records while we looked, so that a fault may be none. */
static bool was_pruned_meanwhile(walk *w)
{
    nr_trail_stats now;
    return nr_reader_stats(w->reader, &now) == NR_TRAIL_OK &&
           now.pruned != w->about.pruned;
}

static nr_trail_status prove(walk *w)
{
    NR_TRAIL_TRY(begin(w));
    if (w->proof->fault != NR_TRAIL_IS_SOUND)
        return NR_TRAIL_OK;
    NR_TRAIL_TRY(take_points(w));
    NR_TRAIL_TRY(check_policies(w));
    nr_trail_proof early =
        *w->proof; /* a fault of a checkpoint, which may not be the first */
    w->proof->fault = NR_TRAIL_IS_SOUND;
    pass_dropped(w);
    NR_TRAIL_TRY(walk_records(w));
    NR_TRAIL_TRY(check_end(w));
    if (w->proof->fault == NR_TRAIL_IS_SOUND && early.fault != NR_TRAIL_IS_SOUND)
        (void)find_fault(w, early.fault, early.seq, 0, "%s", early.text);
    NR_TRAIL_TRY(check_file(w));
    tell_unknown(w);
    if (w->proof->fault != NR_TRAIL_IS_SOUND && was_pruned_meanwhile(w))
        return nr_reading_refuse(w->reader, NR_TRAIL_LOCKED,
                                 "records were dropped meanwhile; verify it again");
    return NR_TRAIL_OK;
}

nr_trail_status nr_trail_prove(nr_reader *reader, const nr_trail_given *given,
                               nr_trail_proof *proof)
{
    static const nr_trail_given nothing;
    walk w = { .reader = reader,
               .given = given == NULL ? &nothing : given,
               .proof = proof };
    *proof = (nr_trail_proof){ .fault = NR_TRAIL_IS_SOUND };
    nr_trail_status status = prove(&w);
    if (status == NR_TRAIL_CORRUPT)
        status = find_fault(&w, NR_TRAIL_IS_DAMAGED, w.head.seq + 1, 0,
                            "from record %" PRIu64 " on the file cannot be read: %s",
                            w.head.seq + 1, nr_reading_said(reader));
    nr_reading_finish(reader);
    free(w.points);
    free(w.bad_policies);
    return status;
}
