/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a proof finds: everything that can be done to a trail, one at a time, and what
 * cannot be known. And receipts, which need no trail.
 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "audit_kit.h"
#include "base/hash.h"
#include "check.h"

#include <nrbac/policy.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_digest(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, NR_DIGEST_SIZE) == 0;
}

/* 60 records with checkpoints at 20, 40 and 60. */
enum { RECORDS = 60 };

typedef struct harm {
    const char *what;
    const char *sql;
    nr_trail_fault fault;
    uint64_t seq, other;
} harm;

/* seq and hash of two records that change places. */
#define SWAP(a, b)                                        \
    "UPDATE records SET seq = -1 WHERE seq = " #a ";"     \
    "UPDATE records SET seq = " #a " WHERE seq = " #b ";" \
    "UPDATE records SET seq = " #b " WHERE seq = -1"

static const harm harms[] = {
    { "a reason", "UPDATE records SET reason = 1 WHERE seq = 25", NR_TRAIL_IS_CHANGED,
      25, 0 },
    { "a time", "UPDATE records SET at = at + 1 WHERE seq = 1", NR_TRAIL_IS_CHANGED, 1,
      0 },
    { "an event", "UPDATE records SET event = 3 WHERE seq = 60", NR_TRAIL_IS_CHANGED,
      60, 0 },
    { "a generation", "UPDATE records SET generation = 2 WHERE seq = 7",
      NR_TRAIL_IS_CHANGED, 7, 0 },
    { "a session", "UPDATE records SET session = 99 WHERE seq = 8", NR_TRAIL_IS_CHANGED,
      8, 0 },
    { "a message", "UPDATE records SET message = NULL WHERE seq = 9",
      NR_TRAIL_IS_CHANGED, 9, 0 },
    { "a patient", "UPDATE records SET patient = '~0' WHERE seq = 11",
      NR_TRAIL_IS_CHANGED, 11, 0 },
    { "a detail", "UPDATE records SET detail = '{}' WHERE seq = 12",
      NR_TRAIL_IS_CHANGED, 12, 0 },
    { "a policy", "UPDATE records SET policy = NULL WHERE seq = 13",
      NR_TRAIL_IS_CHANGED, 13, 0 },
    { "whose it was",
      "UPDATE records SET circumstances = (SELECT circumstances FROM records WHERE "
      "seq = 3) WHERE seq = 14",
      NR_TRAIL_IS_CHANGED, 14, 0 },
    { "what was asked",
      "UPDATE records SET action = (SELECT id FROM texts WHERE text = 'cpis.view') "
      "WHERE seq = 16",
      NR_TRAIL_IS_CHANGED, 16, 0 },
    { "obligations", "UPDATE records SET obligations = NULL WHERE seq = 19",
      NR_TRAIL_IS_CHANGED, 19, 0 },
    { "a hash", "UPDATE records SET hash = zeroblob(32) WHERE seq = 30",
      NR_TRAIL_IS_CHANGED, 30, 0 },
    /* One text, many records: the first that has it. */
    { "a name", "UPDATE texts SET text = 'B9999' WHERE text = 'B0825'",
      NR_TRAIL_IS_CHANGED, 1, 0 },
    { "a user", "UPDATE circumstances SET user = 'x' WHERE role = 'R8008'",
      NR_TRAIL_IS_CHANGED, 3, 0 },
    { "who", "UPDATE circumstances SET who = who || ' ' WHERE role = 'R8001'",
      NR_TRAIL_IS_CHANGED, 1, 0 },
    { "the peer", "UPDATE circumstances SET pid = pid + 1 WHERE role = 'R8001'",
      NR_TRAIL_IS_CHANGED, 1, 0 },
    { "asserted", "UPDATE circumstances SET asserted = 0 WHERE role = 'R8008'",
      NR_TRAIL_IS_CHANGED, 3, 0 },
    { "a policy's name", "UPDATE policies SET digest = zeroblob(32)",
      NR_TRAIL_IS_CHANGED, 1, 0 },
    { "a policy's image", "UPDATE images SET image = zeroblob(200)", NR_TRAIL_IS_POLICY,
      1, 0 },
    { "no image", "DELETE FROM images", NR_TRAIL_IS_POLICY, 1, 0 },
    { "one removed", "DELETE FROM records WHERE seq = 33", NR_TRAIL_IS_REMOVED, 33, 0 },
    { "some removed", "DELETE FROM records WHERE seq BETWEEN 5 AND 50",
      NR_TRAIL_IS_REMOVED, 5, 0 },
    { "the beginning removed", "DELETE FROM records WHERE seq < 10",
      NR_TRAIL_IS_REMOVED, 1, 0 },
    { "removed, and the rest moved up",
      "DELETE FROM records WHERE seq = 33; UPDATE records SET seq = seq - 1 WHERE seq > "
      "33",
      NR_TRAIL_IS_CHANGED, 33, 0 },
    { "two change places", SWAP(21, 44), NR_TRAIL_IS_MOVED, 21, 44 },
    { "neighbours change places", SWAP(50, 51), NR_TRAIL_IS_MOVED, 50, 51 },
    { "one added",
      "INSERT INTO records SELECT 61, at, event, reason, policy, "
      "generation, circumstances, action, api, resource, obligations, "
      "session, message, patient, detail, hash FROM records WHERE seq = 60",
      NR_TRAIL_IS_MOVED, 61, 60 },
    { "the end cut off", "DELETE FROM records WHERE seq > 57", NR_TRAIL_IS_TRUNCATED,
      58, 60 },
    { "all gone", "DELETE FROM records", NR_TRAIL_IS_TRUNCATED, 1, 60 },
    { "a checkpoint's signature",
      "UPDATE checkpoints SET statement = substr(statement, 1, length(statement) - 2) "
      "|| 'ff' WHERE seq = 40",
      NR_TRAIL_IS_FORGED, 40, 0 },
    { "a checkpoint's number", "UPDATE checkpoints SET seq = 41 WHERE seq = 40",
      NR_TRAIL_IS_FORGED, 41, 0 },
    { "a checkpoint that says nothing",
      "UPDATE checkpoints SET statement = 'all is well' WHERE seq = 20",
      NR_TRAIL_IS_FORGED, 20, 0 },
    { "said to be dropped",
      "INSERT INTO pruned SELECT 1, 20, statement FROM checkpoints WHERE seq = 20; "
      "DELETE FROM records WHERE seq <= 20",
      NR_TRAIL_IS_FORGED, 0, 0 },
};

static void test_harms(void)
{
    for (size_t i = 0; i < NR_COUNT(harms); i++) {
        kit k;
        kit_begin(&k);
        kit_fill(&k, RECORDS);
        kit_sql(&k, harms[i].sql);
        nr_trail_proof proof = kit_prove(&k, NULL);
        if (proof.fault != harms[i].fault || proof.seq != harms[i].seq ||
            proof.other != harms[i].other) {
            printf("%s: %s at %llu, %llu: %s\n", harms[i].what,
                   nr_trail_fault_slug(proof.fault), (unsigned long long)proof.seq,
                   (unsigned long long)proof.other, proof.text);
            CHECK(false);
        }
        CHECK(proof.text[0] != 0);
        kit_end(&k);
    }
}

/* Any bit of the file: either it is found, or every record is still as it was. */
static void test_bits(void)
{
    kit k;
    kit_begin(&k);
    kit_fill(&k, RECORDS);
    FILE *file = fopen(k.path, "r+b");
    CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file), found = 0, silent = 0;
    for (long at = 0; at < size; at += 61) {
        int byte = fseek(file, at, SEEK_SET) == 0 ? fgetc(file) : EOF;
        CHECK(fseek(file, at, SEEK_SET) == 0 && fputc(byte ^ 1 << at % 8, file) != EOF);
        CHECK(fflush(file) == 0);
        nr_reader *reader = NULL;
        nr_trail_proof proof = { .fault = NR_TRAIL_IS_DAMAGED };
        nr_trail_status status = nr_reader_open(k.path, &reader, NULL);
        if (status == NR_TRAIL_OK)
            status = nr_trail_prove(reader, NULL, &proof);
        nr_reader_close(reader);
        if (status == NR_TRAIL_OK && proof.fault == NR_TRAIL_IS_SOUND) {
            CHECK_INT(kit_count(&k), RECORDS);
            silent++;
        } else {
            found++;
        }
        CHECK(fseek(file, at, SEEK_SET) == 0 && fputc(byte, file) != EOF);
        CHECK(fflush(file) == 0);
    }
    CHECK(fclose(file) == 0);
    CHECK(found > 100);
    CHECK(silent < size / 61); /* space that nothing stands in */
    CHECK_INT(kit_prove(&k, NULL).fault, NR_TRAIL_IS_SOUND);
    kit_end(&k);
}

/* What no record stands in: an index whose page says nothing any more. */
static void test_elsewhere(void)
{
    enum { PAGE = 4096 };
    kit k;
    sqlite3 *db = NULL;
    sqlite3_stmt *query = NULL;
    static const char nothing[PAGE];
    kit_begin(&k);
    kit_fill(&k, RECORDS);
    CHECK_INT(sqlite3_open(k.path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_prepare_v2(db,
                                 "SELECT rootpage FROM sqlite_schema WHERE name = "
                                 "'circumstances_seen'",
                                 -1, &query, NULL),
              SQLITE_OK);
    CHECK_INT(sqlite3_step(query), SQLITE_ROW);
    long page = (long)sqlite3_column_int64(query, 0);
    CHECK_INT(sqlite3_finalize(query), SQLITE_OK);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    FILE *file = fopen(k.path, "r+b");
    CHECK(file != NULL && fseek(file, (page - 1) * PAGE + 8, SEEK_SET) == 0);
    CHECK(fwrite(nothing, 1, PAGE - 8, file) == PAGE - 8 && fclose(file) == 0);
    nr_trail_proof proof = kit_prove(&k, NULL);
    CHECK_INT(proof.fault, NR_TRAIL_IS_DAMAGED);
    CHECK_INT(proof.seq, 0);
    CHECK(strstr(proof.text, "damaged elsewhere") != NULL);
    CHECK_INT(proof.last, RECORDS);
    kit_end(&k);
}

/* ---- Somebody who can hash ------------------------------------------------------------- */

/* Makes the chain anew from a record on, as anybody can. */
static void rechain(kit *k, uint64_t from)
{
    nr_reader *reader = NULL;
    nr_filter rest = { .after = from - 1 };
    nr_head head = { .seq = from - 1 };
    sqlite3 *db = NULL;
    sqlite3_stmt *update = NULL;
    CHECK_INT(nr_reader_open(k->path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_before(reader, from, head.hash), NR_TRAIL_OK);
    CHECK_INT(nr_reader_find(reader, &rest), NR_TRAIL_OK);
    CHECK_INT(sqlite3_open(k->path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_prepare_v2(db, "UPDATE records SET hash = ? WHERE seq = ?", -1,
                                 &update, NULL),
              SQLITE_OK);
    for (nr_entry entry; nr_reader_next(reader, &entry) == NR_TRAIL_OK;) {
        nr_head_move(&head, &entry.record);
        CHECK_INT(sqlite3_bind_blob(update, 1, head.hash, NR_DIGEST_SIZE, NULL),
                  SQLITE_OK);
        CHECK_INT(sqlite3_bind_int64(update, 2, (sqlite3_int64)entry.seq), SQLITE_OK);
        CHECK_INT(sqlite3_step(update), SQLITE_DONE);
        CHECK_INT(sqlite3_reset(update), SQLITE_OK);
    }
    CHECK_INT(sqlite3_finalize(update), SQLITE_OK);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    nr_reader_close(reader);
}

/* A trail whose checkpoints are kept elsewhere too. */
typedef struct kept {
    kit k;
    char elsewhere[128];
    nr_trail_options options;
    nr_trail_given given;
} kept;

static void begin_kept(kept *of)
{
    kit_begin(&of->k);
    (void)snprintf(of->elsewhere, sizeof(of->elsewhere), "%s/elsewhere", of->k.folder);
    of->options = kit_options(&of->k);
    of->options.checkpoint_path = of->elsewhere;
    of->given = (nr_trail_given){ .checkpoint_path = of->elsewhere };
    nr_trail *trail = kit_open(&of->k, &of->options);
    for (uint64_t from = 1; from < RECORDS; from += 10)
        CHECK_INT(kit_write(&of->k, trail, from, 10, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
}

static void must_be(nr_trail_proof proof, nr_trail_fault fault, uint64_t seq,
                    uint64_t other)
{
    CHECK_INT(proof.fault, fault);
    CHECK_INT(proof.seq, seq);
    CHECK_INT(proof.other, other);
}

static void test_rewritten(void)
{
    kept of;
    kit *k = &of.k;
    begin_kept(&of);
    kit_sql(k, "UPDATE records SET reason = 1 WHERE seq = 25");
    rechain(k, 25);
    must_be(kit_prove(k, NULL), NR_TRAIL_IS_REWRITTEN, 21, 40);

    /* With the checkpoints removed nothing shows by itself, and it says so. */
    kit_sql(k, "DELETE FROM checkpoints WHERE seq > 20");
    nr_trail_proof proof = kit_prove(k, NULL);
    must_be(proof, NR_TRAIL_IS_SOUND, 0, 0);
    CHECK_INT(proof.checkpointed, 20);
    CHECK(proof.unknown_count >= 2);
    CHECK(strstr(proof.unknown[0], "beyond record 20") != NULL);
    CHECK(strstr(proof.unknown[1], "kept elsewhere") != NULL);

    /* With those kept elsewhere it does. */
    must_be(kit_prove(k, &of.given), NR_TRAIL_IS_REWRITTEN, 21, 40);
    kit_sql(k, "DELETE FROM records WHERE seq > 20");
    must_be(kit_prove(k, NULL), NR_TRAIL_IS_SOUND, 0, 0);
    proof = kit_prove(k, &of.given);
    must_be(proof, NR_TRAIL_IS_TRUNCATED, 21, 60);
    CHECK_INT(proof.anchored, 20);
    kit_end(k);
}

static void must_not_open(const kept *of, const char *why)
{
    nr_trail *trail = NULL;
    nrbac_error error = { 0 };
    CHECK_INT(nr_trail_open(&of->options, &trail, &error), NR_TRAIL_CORRUPT);
    CHECK(strstr(error.text, why) != NULL);
}

/* Nobody goes on writing a trail that was cut, if the file is at hand. */
static void test_not_gone_on(void)
{
    kept of;
    begin_kept(&of);
    kit_sql(&of.k, "DELETE FROM records WHERE seq > 20;"
                   "DELETE FROM checkpoints WHERE seq > 20");
    must_not_open(&of, "cut off");
    nr_reader *reader = NULL;
    nr_trail_given nowhere = { .checkpoint_path = "/nowhere/at/all" };
    nr_trail_proof proof;
    CHECK_INT(nr_reader_open(of.k.path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_trail_prove(reader, &nowhere, &proof), NR_TRAIL_MISSING);
    CHECK(strstr(nr_reader_error(reader), "/nowhere/at/all") != NULL);
    nr_reader_close(reader);
    kit_end(&of.k);
}

/* Nor where the file says of it what somebody else signed. */
static void test_not_signed(void)
{
    kept of;
    nr_key *other = NULL;
    nr_reader *reader = NULL;
    nr_trail_stats stats;
    char name[128], line[NR_STATEMENT_MAX];
    begin_kept(&of);
    (void)snprintf(name, sizeof(name), "%s/other.key", of.k.folder);
    CHECK_INT(nr_key_open(name, true, &other, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_open(of.k.path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_stats(reader, &stats), NR_TRAIL_OK);
    nr_reader_close(reader);
    nr_statement made = { .kind = NR_STATEMENT_CHECKPOINT, .head.seq = 60 };
    memcpy(made.trail, stats.id, sizeof(made.trail));
    nr_statement_sign(&made, other, line);
    nr_key_close(other);
    FILE *file = fopen(of.elsewhere, "a");
    CHECK(file != NULL && fprintf(file, "%s\n", line) > 0 && fclose(file) == 0);
    must_not_open(&of, "not signed by its key");
    must_be(kit_prove(&of.k, &of.given), NR_TRAIL_IS_FORGED, 60, 0);
    kit_end(&of.k);
}

/* Changes since the last checkpoint are found when the trail is opened. */
static void test_opening(void)
{
    static const harm ends[] = {
        { "a change", "UPDATE records SET reason = 1 WHERE seq = 25", 0, 0, 0 },
        { "one gone", "DELETE FROM records WHERE seq = 23", 0, 0, 0 },
        { "the checkpoint's record", "DELETE FROM records WHERE seq >= 20", 0, 0, 0 },
        { "its hash", "UPDATE records SET hash = zeroblob(32) WHERE seq = 20", 0, 0,
          0 },
        { "the checkpoint", "UPDATE checkpoints SET statement = 'x'", 0, 0, 0 },
    };
    for (size_t i = 0; i < NR_COUNT(ends); i++) {
        kit k;
        kit_begin(&k);
        kit_fill(&k, 20);
        nr_trail_options rare = kit_options(&k);
        rare.checkpoint_records = 1000;
        nr_trail *trail = kit_open(&k, &rare);
        CHECK_INT(kit_write(&k, trail, 21, 9, NR_SYNC), NR_TRAIL_OK);
        /* As if it had been killed here: no checkpoint at the end. */
        CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
        kit_sql(&k, "DELETE FROM checkpoints WHERE seq = 29");
        trail = kit_open(&k, &rare);
        CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
        kit_sql(&k, "DELETE FROM checkpoints WHERE seq = 29");
        kit_sql(&k, ends[i].sql);
        nrbac_error error;
        nr_trail_status status = nr_trail_open(&rare, &trail, &error);
        if (status != NR_TRAIL_CORRUPT || strstr(error.text, "keep this one") == NULL) {
            printf("%s: %s\n", ends[i].what, error.text);
            CHECK(false);
        }
        kit_end(&k);
    }
}

static bool count_calls(void *context, uint64_t done, uint64_t all)
{
    int *calls = context;
    CHECK(done <= all);
    return --*calls >= 0;
}

static void test_given(void)
{
    kit k;
    kit_begin(&k);
    kit_fill(&k, RECORDS);
    nr_trail_proof proof = kit_prove(&k, NULL);
    CHECK_INT(proof.fault, NR_TRAIL_IS_SOUND);
    CHECK_INT(proof.first, 1);
    CHECK_INT(proof.last, RECORDS);
    CHECK_INT(proof.checkpoints, 3);
    CHECK_INT(proof.checkpointed, RECORDS);
    CHECK_INT(proof.backwards, 0);
    nr_trail_given given = { .key = proof.key };
    uint8_t key[NR_PUBLIC_KEY_SIZE];
    memcpy(key, proof.key, sizeof(key));
    given.key = key;
    proof = kit_prove(&k, &given);
    CHECK_INT(proof.fault, NR_TRAIL_IS_SOUND);
    key[5] ^= 1;
    proof = kit_prove(&k, &given);
    CHECK_INT(proof.fault, NR_TRAIL_IS_FOREIGN);
    int calls = 1;
    given = (nr_trail_given){ .progress = count_calls, .context = &calls };
    (void)kit_prove(&k, &given);
    CHECK_INT(calls, 0);
    nr_reader *reader = NULL;
    CHECK_INT(nr_reader_open(k.path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_trail_prove(reader, &given, &proof), NR_TRAIL_LOCKED);
    nr_reader_close(reader);
    kit_end(&k);
}

/* ---- Statements ----------------------------------------------------------------------------- */

static void test_statements(void)
{
    kit k;
    kit_begin(&k);
    nr_key *key = NULL;
    CHECK_INT(nr_key_open(k.path, true, &key, NULL), NR_TRAIL_OK);
    nr_statement made = { .kind = NR_STATEMENT_RECEIPT,
                          .head = { .seq = UINT64_C(1) << 62 },
                          .at = -1 };
    nr_statement read = { 0 };
    memset(made.trail, 7, sizeof(made.trail));
    memset(made.head.hash, 250, sizeof(made.head.hash));
    char line[NR_STATEMENT_MAX], changed[2 * NR_STATEMENT_MAX];
    nr_statement_sign(&made, key, line);
    CHECK_INT(nr_statement_read(line, NULL, &read), NR_STATEMENT_SOUND);
    CHECK_INT(nr_statement_read(line, nr_key_public(key), &read), NR_STATEMENT_SOUND);
    CHECK_INT(read.kind, NR_STATEMENT_RECEIPT);
    CHECK_INT(read.head.seq, INT64_C(1) << 62);
    CHECK_INT(read.at, -1);
    CHECK(same_digest(read.head.hash, made.head.hash));
    CHECK(memcmp(read.trail, made.trail, sizeof(made.trail)) == 0);
    made.trail[0] = 8;
    uint8_t other[NR_PUBLIC_KEY_SIZE] = { 1 };
    CHECK_INT(nr_statement_read(line, other, &read), NR_STATEMENT_FOREIGN);
    /* Every byte counts, and nothing may be added. */
    for (size_t i = 0; i < strlen(line); i++) {
        (void)snprintf(changed, sizeof(changed), "%s", line);
        changed[i] = changed[i] == '1' ? '2' : '1';
        CHECK(nr_statement_read(changed, NULL, &read) == NR_STATEMENT_NONE ||
              nr_statement_read(changed, NULL, &read) == NR_STATEMENT_FORGED);
        (void)snprintf(changed, sizeof(changed), "%.*s", (int)i, line);
        CHECK_INT(nr_statement_read(changed, NULL, &read), NR_STATEMENT_NONE);
    }
    (void)snprintf(changed, sizeof(changed), "%s ", line);
    CHECK_INT(nr_statement_read(changed, NULL, &read), NR_STATEMENT_NONE);
    (void)snprintf(changed, sizeof(changed), "%s%s", line, line);
    CHECK_INT(nr_statement_read(changed, NULL, &read), NR_STATEMENT_NONE);
    nr_key_close(key);
    kit_end(&k);
}

/* ---- Receipts ------------------------------------------------------------------------------- */

/* The receipt of a record, as the JSON text that somebody takes away. */
static char *receipt_of(kit *k, uint64_t seq)
{
    char name[128], *text = NULL;
    nr_reader *reader = NULL;
    nr_key *key = NULL;
    nrbac_value *receipt = NULL;
    nrbac_document *document = nrbac_document_create();
    (void)snprintf(name, sizeof(name), "%s.key", k->path);
    CHECK_INT(nr_key_open(name, false, &key, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_open(k->path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_receipt_make(reader, key, seq, k->now, document, &receipt),
              NR_TRAIL_OK);
    CHECK_INT(nrbac_json_write(receipt, NRBAC_JSON_COMPACT, &text, NULL), NRBAC_OK);
    nr_reader_close(reader);
    nr_key_close(key);
    nrbac_document_destroy(document);
    return text;
}

/* Whether a text is a sound receipt; *error says why not. */
static bool is_receipt(const char *text, const uint8_t *key, nr_receipt *receipt,
                       nrbac_document *document, nrbac_error *error)
{
    const nrbac_value *map = NULL;
    *error = (nrbac_error){ 0 };
    return nrbac_json_read(document, text, strlen(text), &map, error) == NRBAC_OK &&
           nr_receipt_check(document, map, key, receipt, error);
}

static void test_receipts(void)
{
    kit k;
    nrbac_error error = { 0 };
    nr_receipt receipt = { 0 };
    kit_begin(&k);
    kit_fill(&k, RECORDS);
    for (uint64_t seq = 1; seq <= RECORDS; seq++) {
        nrbac_document *document = nrbac_document_create();
        char *text = receipt_of(&k, seq);
        CHECK(is_receipt(text, NULL, &receipt, document, &error));
        nr_record made = kit_record(&k, seq);
        CHECK_INT(receipt.entry.seq, seq);
        CHECK_INT(receipt.statement.at, k.now);
        CHECK_INT(receipt.entry.record.at, made.at);
        CHECK_STR(receipt.entry.record.action, made.action);
        CHECK_STR(receipt.entry.record.obligations, made.obligations);
        CHECK(same_digest(receipt.circumstances.digest, made.circumstances->digest));
        free(text);
        nrbac_document_destroy(document);
    }
    kit_end(&k);
}

/* Whatever is changed in a receipt, it is one no more. */
static void test_receipt_changed(void)
{
    kit k;
    nrbac_error error = { 0 };
    nr_receipt receipt = { 0 };
    kit_begin(&k);
    kit_fill(&k, RECORDS);
    char *text = receipt_of(&k, 55);
    CHECK(strstr(text, "\"effect\":\"deny\"") != NULL);
    size_t refused = 0;
    for (size_t i = 0; text[i] != 0; i++) {
        nrbac_document *document = nrbac_document_create();
        char was = text[i];
        text[i] = was == '0' ? '1' : '0';
        /* A member of a name that nobody knows says nothing, unless one is missed. */
        bool sound = is_receipt(text, NULL, &receipt, document, &error);
        CHECK(!sound);
        refused += sound ? 0 : 1;
        text[i] = was;
        nrbac_document_destroy(document);
    }
    CHECK_INT(refused, strlen(text));
    uint8_t other[NR_PUBLIC_KEY_SIZE] = { 1 };
    nrbac_document *document = nrbac_document_create();
    CHECK(is_receipt(text, NULL, &receipt, document, &error));
    CHECK(!is_receipt(text, other, &receipt, document, &error));
    CHECK(strstr(error.text, "another key") != NULL);
    CHECK(!is_receipt("{}", NULL, &receipt, document, &error));
    CHECK(!is_receipt("[1,2]", NULL, &receipt, document, &error));
    free(text);
    nrbac_document_destroy(document);
    /* A record that was changed gets none. */
    kit_sql(&k, "UPDATE records SET reason = 1 WHERE seq = 55");
    nr_reader *reader = NULL;
    nr_key *key = NULL;
    nrbac_value *made = NULL;
    char name[128];
    (void)snprintf(name, sizeof(name), "%s.key", k.path);
    document = nrbac_document_create();
    CHECK_INT(nr_key_open(name, false, &key, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_open(k.path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_receipt_make(reader, key, 55, k.now, document, &made),
              NR_TRAIL_CORRUPT);
    CHECK_INT(nr_receipt_make(reader, key, 61, k.now, document, &made),
              NR_TRAIL_MISSING);
    nr_key_close(key);
    nr_reader_close(reader);
    nrbac_document_destroy(document);
    kit_end(&k);
}

/* Another record with a hash that fits it: the statement is not for that. */
static void test_receipt_made_anew(void)
{
    kit k;
    nrbac_error error = { 0 };
    nr_receipt receipt = { 0 };
    const nrbac_value *map = NULL;
    kit_begin(&k);
    kit_fill(&k, RECORDS);
    nrbac_document *document = nrbac_document_create();
    char *text = receipt_of(&k, 55);
    CHECK_INT(nrbac_json_read(document, text, strlen(text), &map, NULL), NRBAC_OK);
    CHECK(nr_receipt_check(document, map, NULL, &receipt, &error));
    const char *before = nrbac_value_text(nrbac_value_find(map, "before"));
    nr_entry entry = receipt.entry;
    nr_head head = { .seq = 54 };
    CHECK(nr_hex_read(before, NR_DIGEST_SIZE, head.hash));
    entry.record.reason = NRBAC_REASON_GRANTED_BY_BASELINE;
    nr_head_move(&head, &entry.record);
    memcpy(entry.hash, head.hash, NR_DIGEST_SIZE);
    nrbac_value *made = nrbac_new_map(document);
    for (size_t i = 0; i < nrbac_value_count(map); i++) {
        const char *key = nrbac_value_key(map, i);
        (void)nrbac_set(document, made, key,
                        strcmp(key, "record") == 0
                            ? nr_entry_tell(document, &entry)
                            : nrbac_value_copy(document, nrbac_value_at(map, i)));
    }
    CHECK(!nr_receipt_check(document, made, NULL, &receipt, &error));
    CHECK(strstr(error.text, "not the one that was signed for") != NULL);
    nrbac_document_destroy(document);
    free(text);
    kit_end(&k);
}

int main(void)
{
    kit k;
    kit_begin(&k); /* an empty trail is sound */
    nr_trail *trail = kit_open(&k, NULL);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(kit_prove(&k, NULL).fault, NR_TRAIL_IS_SOUND);
    kit_end(&k);
    test_harms();
    test_bits();
    test_elsewhere();
    test_rewritten();
    test_not_gone_on();
    test_not_signed();
    test_opening();
    test_given();
    test_statements();
    test_receipts();
    test_receipt_changed();
    test_receipt_made_anew();
    return check_report() | kit_report();
}
