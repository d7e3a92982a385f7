/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a trail: by filters, in both directions, beside a writer, from where nothing
 * can be written; its policies; and dropping what is old.
 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "audit_kit.h"
#include "check.h"
#include "compiled.h"
#include "table/table.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECORDS = 10000 };

/* How many records match, counted by reading; -1: one does not, or the order is wrong. */
static long long count_found(nr_reader *reader, const nr_filter *filter)
{
    nr_entry entry;
    uint64_t last = filter->newest_first ? UINT64_MAX : 0;
    long long count = 0;
    CHECK_INT(nr_reader_find(reader, filter), NR_TRAIL_OK);
    for (;;) {
        nr_trail_status status = nr_reader_next(reader, &entry);
        if (status == NR_TRAIL_MISSING)
            return count;
        if (status != NR_TRAIL_OK ||
            (filter->newest_first ? entry.seq >= last : entry.seq <= last))
            return -1;
        last = entry.seq;
        count++;
    }
}

/* The same by the slow way: everything is read, and looked at here. */
typedef bool matches(const nr_record *record);

static long long count_all(nr_reader *reader, matches *match)
{
    nr_filter all = { 0 };
    nr_entry entry;
    long long count = 0;
    CHECK_INT(nr_reader_find(reader, &all), NR_TRAIL_OK);
    while (nr_reader_next(reader, &entry) == NR_TRAIL_OK)
        count += match(&entry.record) ? 1 : 0;
    return count;
}

static bool is_nurse(const nr_record *record)
{
    return strcmp(record->circumstances->role, "R8001") == 0;
}

static bool is_amend(const nr_record *record)
{
    return strcmp(record->action, "pds.amend") == 0;
}

static bool is_denied(const nr_record *record)
{
    return nrbac_reason_effect(record->reason) == NRBAC_DENY;
}

static bool is_api(const nr_record *record)
{
    return record->api != NULL;
}

static void test_filters(nr_reader *reader)
{
    const struct {
        const char *what;
        nr_filter filter;
        matches *match;
    } cases[] = {
        { "user", { .user = "910000000001" }, is_nurse },
        { "role profile", { .role_profile = "555254240100" }, is_nurse },
        { "role", { .role = "R8001" }, is_nurse },
        { "organisation", { .organisation = "RBA" }, is_nurse },
        { "application", { .application = "gp-system" }, is_nurse },
        { "action", { .action = "pds.amend" }, is_amend },
        { "effect", { .by_effect = true, .effect = NRBAC_DENY }, is_denied },
        { "reason",
          { .by_reason = true, .reason = NRBAC_REASON_NOT_GRANTED },
          is_denied },
        { "api", { .api = "pds-fhir" }, is_api },
        { "patient", { .patient = "~00112233445566778899aabbccddeeff" }, is_api },
        { "event", { .event = NR_EVENT_EVALUATE }, is_api },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        nr_filter filter = cases[i].filter;
        long long want = count_all(reader, cases[i].match);
        CHECK(want > 0 && want < RECORDS);
        long long got = count_found(reader, &filter);
        filter.newest_first = true;
        if (got != want || count_found(reader, &filter) != want) {
            printf("%s: %lld, want %lld\n", cases[i].what, got, want);
            CHECK(false);
        }
        filter.limit = 5;
        CHECK_INT(count_found(reader, &filter), 5);
    }
}

static void test_bounds(nr_reader *reader)
{
    const struct {
        nr_filter filter;
        long long count;
    } cases[] = {
        { { 0 }, RECORDS },
        { { .newest_first = true }, RECORDS },
        { { .decisions = true }, RECORDS },
        { { .after = 9990 }, 10 },
        { { .after = 9990, .newest_first = true }, 10 },
        { { .after = RECORDS }, 0 },
        { { .after = UINT64_MAX }, 0 },
        { { .up_to = 7 }, 7 },
        { { .up_to = UINT64_MAX }, RECORDS },
        { { .after = 4000, .up_to = 4000 + 2 * 4096 }, RECORDS - 4000 },
        { { .after = 10, .up_to = 5 }, 0 },
        { { .from = KIT_NOW + 500000 }, RECORDS - 499 },
        { { .to = KIT_NOW + 500000 }, 499 },
        { { .from = KIT_NOW + 5000, .to = KIT_NOW + 7000 }, 2 },
        { { .user = "nobody" }, 0 },
        { { .user = "" }, 0 },
        { { .role = "R8001", .user = "910000000002" }, 0 },
        { { .by_effect = true, .effect = NRBAC_INDETERMINATE }, 0 },
        { { .limit = 300 }, 300 },
        { { .limit = 300, .newest_first = true }, 300 },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        long long got = count_found(reader, &cases[i].filter);
        if (got != cases[i].count) {
            printf("bounds %zu: %lld, want %lld\n", i, got, cases[i].count);
            CHECK(false);
        }
    }
}

static void test_get(kit *k, nr_reader *reader)
{
    nr_entry entry;
    uint8_t before[NR_DIGEST_SIZE], before_first[NR_DIGEST_SIZE];
    nr_trail_stats stats;
    CHECK_INT(nr_reader_get(reader, 77, &entry), NR_TRAIL_OK);
    CHECK_INT(entry.seq, 77);
    CHECK_STR(entry.record.api, "pds-fhir");
    CHECK_INT(nr_reader_get(reader, 0, &entry), NR_TRAIL_MISSING);
    CHECK_INT(nr_reader_get(reader, RECORDS + 1, &entry), NR_TRAIL_MISSING);
    CHECK_INT(nr_reader_get(reader, UINT64_MAX, &entry), NR_TRAIL_MISSING);
    CHECK_INT(nr_reader_get(reader, 76, &entry), NR_TRAIL_OK);
    CHECK_INT(nr_reader_before(reader, 77, before), NR_TRAIL_OK);
    CHECK(memcmp(before, entry.hash, NR_DIGEST_SIZE) == 0);
    CHECK_INT(nr_reader_before(reader, 1, before_first), NR_TRAIL_OK);
    CHECK_INT(nr_reader_stats(reader, &stats), NR_TRAIL_OK);
    CHECK(memcmp(before_first, nr_head_first(stats.id).hash, NR_DIGEST_SIZE) == 0);
    CHECK_INT(nr_reader_before(reader, 0, before), NR_TRAIL_MISSING);
    CHECK_INT(nr_reader_before(reader, RECORDS + 1, before), NR_TRAIL_MISSING);

    void *image = NULL;
    size_t size = 0;
    CHECK_INT(nr_reader_policy(reader, k->policy, &image, &size), NR_TRAIL_OK);
    CHECK_INT(size, sizeof(k->image));
    CHECK(memcmp(image, k->image, size) == 0);
    free(image);
    uint8_t other[NR_DIGEST_SIZE] = { 0 };
    CHECK_INT(nr_reader_policy(reader, other, &image, &size), NR_TRAIL_MISSING);
    CHECK(image == NULL);
}

static void test_reading(void)
{
    kit k;
    nr_reader *reader = NULL;
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    for (uint64_t from = 1; from < RECORDS; from += 1000)
        CHECK_INT(kit_write(&k, trail, from, 1000, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_reader_open(k.path, &reader, NULL), NR_TRAIL_OK);
    test_filters(reader);
    test_bounds(reader);
    test_get(&k, reader);
    /* To follow: what comes is found by whoever asks for what is after. */
    nr_filter rest = { .after = RECORDS };
    nr_entry entry;
    CHECK_INT(count_found(reader, &rest), 0);
    CHECK_INT(kit_write(&k, trail, RECORDS + 1, 2, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(count_found(reader, &rest), 2);
    /* A reader in the middle of it keeps nothing from being put into the main file. */
    nr_filter all = { 0 };
    CHECK_INT(nr_reader_find(reader, &all), NR_TRAIL_OK);
    CHECK_INT(nr_reader_next(reader, &entry), NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    char log[128];
    struct stat about;
    (void)snprintf(log, sizeof(log), "%s-wal", k.path);
    CHECK(stat(log, &about) != 0 || about.st_size == 0);
    for (uint64_t seq = 2; seq <= RECORDS + 2; seq++)
        CHECK(nr_reader_next(reader, &entry) == NR_TRAIL_OK && entry.seq == seq);
    CHECK_INT(nr_reader_next(reader, &entry), NR_TRAIL_MISSING);
    CHECK_INT(nr_reader_next(reader, &entry), NR_TRAIL_MISSING);
    nr_reader_close(reader);
    kit_end(&k);
}

static void test_refused(void)
{
    kit k;
    nr_reader *reader = NULL;
    nrbac_error error;
    kit_begin(&k);
    CHECK_INT(nr_reader_open(k.path, &reader, &error), NR_TRAIL_MISSING);
    CHECK(strstr(error.text, "there is none") != NULL);
    CHECK_INT(nr_reader_open(k.folder, &reader, &error), NR_TRAIL_CORRUPT);
    kit_sql(&k, "CREATE TABLE people (name TEXT)");
    CHECK_INT(nr_reader_open(k.path, &reader, &error), NR_TRAIL_CORRUPT);
    CHECK(unlink(k.path) == 0);
    kit_fill(&k, 3);
    kit_sql(&k, "PRAGMA user_version = 9");
    CHECK_INT(nr_reader_open(k.path, &reader, &error), NR_TRAIL_VERSION);
    kit_sql(&k, "PRAGMA user_version = 1; ALTER TABLE records RENAME TO hidden; "
                "CREATE VIEW records AS SELECT * FROM hidden WHERE reason <> 20");
    CHECK_INT(nr_reader_open(k.path, &reader, &error), NR_TRAIL_CORRUPT);
    CHECK(reader == NULL);
    kit_end(&k);
}

/* A copy that cannot be written beside, as on a disc: read, and not as root. */
static void test_read_only(void)
{
    kit k;
    kit_begin(&k);
    kit_fill(&k, 30);
    CHECK(chmod(k.path, 0444) == 0 && chmod(k.folder, 0555) == 0);
    bool root = geteuid() == 0;
    if (root)
        CHECK(seteuid(65534) == 0);
    CHECK_INT(kit_count(&k), 30);
    CHECK_INT(kit_prove(&k, NULL).fault, NR_TRAIL_IS_SOUND);
    if (root)
        CHECK(seteuid(0) == 0);
    CHECK(chmod(k.folder, 0755) == 0);
    kit_end(&k);
}

/* A copy of a trail that was not closed, without all of its files: its log is not left
 * out in silence. */
static void test_not_closed(void)
{
    kit k;
    nr_reader *reader = NULL;
    nrbac_error error = { 0 };
    char shared[128];
    kit_begin(&k);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        nr_trail *trail = kit_open(&k, NULL);
        _exit(kit_write(&k, trail, 1, 5, NR_SYNC) == NR_TRAIL_OK ? 0 : 1);
    }
    int end = 1;
    CHECK(waitpid(child, &end, 0) == child && end == 0);
    (void)snprintf(shared, sizeof(shared), "%s-shm", k.path);
    CHECK(unlink(shared) == 0 && chmod(k.path, 0444) == 0);
    CHECK(chmod(k.folder, 0555) == 0);
    bool root = geteuid() == 0;
    if (root)
        CHECK(seteuid(65534) == 0);
    CHECK_INT(nr_reader_open(k.path, &reader, &error), NR_TRAIL_READ_ONLY);
    CHECK(strstr(error.text, "with its -wal file") != NULL);
    if (root)
        CHECK(seteuid(0) == 0);
    CHECK(chmod(k.folder, 0755) == 0);
    CHECK_INT(kit_count(&k), 5);
    kit_end(&k);
}

/* Where a policy's digest begins is said by the image's form. */
static void test_compiled_policy(void)
{
    kit k;
    size_t size = 0;
    nrbac_build *build = compiled(odd_policy);
    const void *image = nrbac_build_image(build, &size);
    nr_image_header header;
    memcpy(&header, image, sizeof(header));
    CHECK_INT(offsetof(nr_image_header, compared_cells), 64);
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    CHECK_INT(nr_trail_begin(trail, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_trail_keep_policy(trail, header.digest, image, size), NR_TRAIL_OK);
    nr_record record = { .event = NR_EVENT_RELOAD, .at = k.now };
    memcpy(record.policy, header.digest, NR_DIGEST_SIZE);
    CHECK_INT(nr_trail_append(trail, &record), NR_TRAIL_OK);
    CHECK_INT(nr_trail_commit(trail, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(kit_prove(&k, NULL).fault, NR_TRAIL_IS_SOUND);
    nr_reader *reader = NULL;
    void *kept = NULL;
    size_t kept_size = 0;
    CHECK_INT(nr_reader_open(k.path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_policy(reader, header.digest, &kept, &kept_size), NR_TRAIL_OK);
    nrbac_engine *engine = NULL;
    CHECK_INT(nrbac_engine_create(0, &engine), NRBAC_OK);
    CHECK_INT(nrbac_engine_load_image(engine, kept, kept_size, NULL), NRBAC_OK);
    nrbac_engine_destroy(engine);
    free(kept);
    nr_reader_close(reader);
    nrbac_build_destroy(build);
    kit_end(&k);
}

/* ---- Retention ------------------------------------------------------------------------------- */

static void test_pruning(void)
{
    kit k;
    uint64_t dropped = 0;
    nr_trail_state state;
    nr_reader *reader = NULL;
    nr_entry entry;
    uint8_t before[NR_DIGEST_SIZE];
    kit_begin(&k);
    kit_fill(&k, 100);
    nr_trail *trail = kit_open(&k, NULL);
    CHECK_INT(nr_trail_prune(trail, KIT_NOW + 1000, 1000, &dropped), NR_TRAIL_OK);
    CHECK_INT(dropped, 0); /* the first is of that very moment */
    nr_trail_look(trail, &state);
    CHECK_INT(state.head.seq, 100);
    CHECK_INT(nr_trail_prune(trail, KIT_NOW + 51000, 30, &dropped), NR_TRAIL_OK);
    CHECK_INT(dropped, 30);
    CHECK_INT(nr_trail_prune(trail, KIT_NOW + 51000, 30, &dropped), NR_TRAIL_OK);
    CHECK_INT(dropped, 20);
    CHECK_INT(nr_trail_prune(trail, KIT_NOW + 51000, 30, &dropped), NR_TRAIL_OK);
    CHECK_INT(dropped, 0);
    nr_trail_look(trail, &state);
    CHECK_INT(state.head.seq, 102);
    CHECK_INT(state.first, 51);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);

    nr_trail_proof proof = kit_prove(&k, NULL);
    CHECK_INT(proof.fault, NR_TRAIL_IS_SOUND);
    CHECK_INT(proof.first, 51);
    CHECK_INT(proof.pruned, 50);
    CHECK_INT(proof.last, 102);
    CHECK_INT(nr_reader_open(k.path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_get(reader, 50, &entry), NR_TRAIL_MISSING);
    CHECK_INT(nr_reader_before(reader, 51, before), NR_TRAIL_OK);
    CHECK_INT(nr_reader_get(reader, 101, &entry), NR_TRAIL_OK);
    CHECK_INT(entry.record.event, NR_EVENT_PRUNED);
    CHECK(strstr(entry.record.detail, "\"through\":30,") != NULL);
    nr_reader_close(reader);
    /* Dropping some more by hand is found. */
    kit_sql(&k, "DELETE FROM records WHERE seq = 51");
    proof = kit_prove(&k, NULL);
    CHECK_INT(proof.fault, NR_TRAIL_IS_REMOVED);
    CHECK_INT(proof.seq, 51);
    kit_end(&k);
}

/* All may go; the trail goes on where it was. */
static void test_all_pruned(void)
{
    kit k;
    uint64_t dropped = 0;
    kit_begin(&k);
    kit_fill(&k, 20);
    nr_trail *trail = kit_open(&k, NULL);
    CHECK_INT(nr_trail_prune(trail, INT64_MAX, UINT64_MAX, &dropped), NR_TRAIL_OK);
    CHECK_INT(dropped, 20);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    for (uint64_t next = 22; next < 25; next++) {
        trail = kit_open(&k, NULL);
        CHECK_INT(kit_write(&k, trail, next, 1, NR_SYNC), NR_TRAIL_OK);
        CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
        nr_trail_proof proof = kit_prove(&k, NULL);
        CHECK_INT(proof.fault, NR_TRAIL_IS_SOUND);
        CHECK_INT(proof.first, 21);
        CHECK_INT(proof.last, next);
    }
    kit_end(&k);
}

/* Time runs backwards: what goes is the beginning alone. */
static void test_pruned_clock(void)
{
    kit k;
    uint64_t dropped = 0;
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    CHECK_INT(nr_trail_begin(trail, NR_SYNC), NR_TRAIL_OK);
    for (int i = 0; i < 10; i++) {
        nr_record record = { .event = NR_EVENT_STOP, .at = i == 4 ? 900 : 100 + i };
        CHECK_INT(nr_trail_append(trail, &record), NR_TRAIL_OK);
    }
    CHECK_INT(nr_trail_commit(trail, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_trail_prune(trail, 200, 100, &dropped), NR_TRAIL_OK);
    CHECK_INT(dropped, 4);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    nr_trail_proof proof = kit_prove(&k, NULL);
    CHECK_INT(proof.fault, NR_TRAIL_IS_SOUND);
    CHECK_INT(proof.backwards, 1);
    kit_end(&k);
}

#define DAY (INT64_C(86400) * 1000000)

/* Adds records, a day between them; the clock stands at the last one. */
static void live(kit *k, nr_trail *trail, int days)
{
    CHECK_INT(nr_trail_begin(trail, NR_SYNC), NR_TRAIL_OK);
    for (int i = 0; i < days; i++) {
        k->now += DAY;
        nr_record record = { .event = NR_EVENT_STOP, .at = k->now };
        CHECK_INT(nr_trail_append(trail, &record), NR_TRAIL_OK);
    }
    CHECK_INT(nr_trail_commit(trail, NULL), NR_TRAIL_OK);
}

/* How many go that are older than a hundred days. */
static uint64_t expire(nr_trail *trail, bool *held)
{
    uint64_t dropped = 0;
    nr_trail_state state;
    CHECK_INT(nr_trail_expire(trail, 100 * DAY, 1000, &dropped), NR_TRAIL_OK);
    nr_trail_look(trail, &state);
    *held = state.held;
    return dropped;
}

/* By age goes what both the clock and the trail say is old. */
static void test_expiry(void)
{
    kit k;
    bool held;
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    live(&k, trail, 101);
    CHECK_INT(expire(trail, &held), 0);
    live(&k, trail, 19);
    CHECK_INT(expire(trail, &held), 19);
    CHECK(!held);
    k.now += DAY;
    CHECK_INT(expire(trail, &held), 1); /* nothing is written, and time passes */
    CHECK(!held);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(kit_prove(&k, NULL).fault, NR_TRAIL_IS_SOUND);
    kit_end(&k);
}

/* A clock years ahead drops no more than a week's records, however long the daemon then
 * runs by it, or how often it is started. */
static void test_expiry_ahead(void)
{
    kit k;
    bool held;
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    live(&k, trail, 101);
    k.now += 3000 * DAY;
    CHECK_INT(expire(trail, &held), 7);
    CHECK(held);
    CHECK_INT(expire(trail, &held), 0);
    for (int start = 0; start < 5; start++) {
        CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
        trail = kit_open(&k, NULL);
        CHECK_INT(expire(trail, &held), 0);
        CHECK(held);
    }
    live(&k, trail, 10);
    CHECK_INT(expire(trail, &held), 10);
    CHECK(held);
    /* Somebody sets it right, and the records of the wrong time hold nobody up. */
    k.now -= 3000 * DAY;
    CHECK_INT(expire(trail, &held), 0);
    live(&k, trail, 102);
    CHECK_INT(expire(trail, &held), (101 - 17) + (10 + 2) + 1); /* 2: `pruned` */
    CHECK(!held);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(kit_prove(&k, NULL).fault, NR_TRAIL_IS_SOUND);
    kit_end(&k);
}

/* A clock that is behind drops nothing that is young, and a daemon that was off for a
 * month keeps what was there three weeks longer. */
static void test_expiry_off(void)
{
    kit k;
    bool held;
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    live(&k, trail, 101);
    k.now -= 20000 * DAY;
    CHECK_INT(expire(trail, &held), 0);
    k.now += 20030 * DAY;
    CHECK_INT(expire(trail, &held), 7);
    CHECK(held);
    live(&k, trail, 1);
    CHECK_INT(expire(trail, &held), 1);
    live(&k, trail, 92);
    CHECK_INT(expire(trail, &held), 92);
    CHECK(held);
    live(&k, trail, 1);
    CHECK_INT(expire(trail, &held), 1);
    CHECK(!held);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    kit_end(&k);
}

/* What nobody refers to any more goes, and what is referred to stays: made quick by
 * setting the numbers on, as if a million records had passed. */
static void test_collected(void)
{
    kit k;
    uint64_t dropped = 0;
    nr_reader *reader = NULL;
    nr_trail_stats stats;
    kit_begin(&k);
    kit_fill(&k, 40);
    nr_trail *trail = kit_open(&k, NULL);
    CHECK_INT(nr_trail_prune(trail, INT64_MAX, 40, &dropped), NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(nr_reader_open(k.path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_stats(reader, &stats), NR_TRAIL_OK);
    CHECK_INT(stats.circumstances, 2); /* too early to know */
    nr_reader_close(reader);

    /* `seen` counts from a million ago. */
    kit_sql(&k, "UPDATE circumstances SET seen = seen - 1048576; "
                "UPDATE texts SET seen = seen - 1048576; "
                "UPDATE policies SET seen = seen - 1048576");
    trail = kit_open(&k, NULL);
    nr_record record = { .event = NR_EVENT_CHECK,
                         .at = k.now,
                         .circumstances = &k.nurse,
                         .action = "B0820" };
    CHECK_INT(nr_trail_begin(trail, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_trail_append(trail, &record), NR_TRAIL_OK);
    CHECK_INT(nr_trail_commit(trail, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_trail_prune(trail, INT64_MAX, 1, &dropped), NR_TRAIL_OK);
    CHECK_INT(dropped, 1); /* the record that says that the forty went */
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(nr_reader_open(k.path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_stats(reader, &stats), NR_TRAIL_OK);
    CHECK_INT(stats.circumstances, 1);
    CHECK_INT(stats.texts, 1);
    CHECK_INT(stats.policies, 0);
    nr_reader_close(reader);
    CHECK_INT(kit_prove(&k, NULL).fault, NR_TRAIL_IS_SOUND);
    kit_end(&k);
}

int main(void)
{
    test_reading();
    test_refused();
    test_read_only();
    test_not_closed();
    test_compiled_policy();
    test_pruning();
    test_all_pruned();
    test_pruned_clock();
    test_expiry();
    test_expiry_ahead();
    test_expiry_off();
    test_collected();
    return check_report() | kit_report();
}
