/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a trail: batches, numbers, opening it again, what lies beside it.
 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "audit_kit.h"
#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_batches(void)
{
    kit k;
    nr_trail_state state;
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    nr_trail_look(trail, &state);
    CHECK_INT(state.head.seq, 0);
    CHECK_INT(state.first, 0);
    CHECK(!state.reserve_spent);
    CHECK(state.free_bytes > 0 && state.free_bytes != UINT64_MAX);
    CHECK_INT(kit_write(&k, trail, 1, 10, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(kit_count(&k), 10); /* read while it is written */
    CHECK_INT(kit_write(&k, trail, 11, 1, NR_BATCHED), NR_TRAIL_OK);
    nr_trail_look(trail, &state);
    CHECK_INT(state.head.seq, 11);
    CHECK_INT(state.synced, 10);
    CHECK_INT(state.checkpoint, 0);
    CHECK_INT(nr_trail_sync(trail), NR_TRAIL_OK);
    CHECK_INT(kit_write(&k, trail, 12, 9, NR_BATCHED), NR_TRAIL_OK);
    nr_trail_look(trail, &state);
    CHECK_INT(state.synced, 11);
    CHECK_INT(state.checkpoint, 20);
    CHECK_INT(kit_count(&k), 20);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(kit_count(&k), 20);
    kit_end(&k);
}

/* About as many as are written by one statement, and some times as many. */
static void test_large_batches(void)
{
    static const uint64_t sizes[] = { 63, 64, 65, 128, 1, 300 };
    kit k;
    uint64_t next = 1;
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    for (size_t i = 0; i < NR_COUNT(sizes); next += sizes[i++])
        CHECK_INT(kit_write(&k, trail, next, sizes[i], NR_BATCHED), NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(kit_count(&k), (long long)next - 1);
    CHECK_INT(kit_prove(&k, NULL).fault, NR_TRAIL_IS_SOUND);
    kit_end(&k);
}

/* Somebody else has put a record where the next one goes, or beyond. */
static void test_numbers_taken(void)
{
    static const char *const others[] = {
        ("INSERT INTO records (seq, at, event, reason, generation, hash) "
         "VALUES (6, 0, 1, 0, 0, zeroblob(32))"),
        "UPDATE records SET seq = 7 WHERE seq = 6",
        "UPDATE records SET seq = 1000 WHERE seq = 7",
    };
    kit k;
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    CHECK_INT(kit_write(&k, trail, 1, 5, NR_SYNC), NR_TRAIL_OK);
    for (size_t i = 0; i < NR_COUNT(others); i++) {
        kit_sql(&k, others[i]);
        CHECK_INT(kit_write(&k, trail, 6, 100, NR_SYNC), NR_TRAIL_CORRUPT);
    }
    kit_sql(&k, "DELETE FROM records WHERE seq = 1000");
    CHECK_INT(kit_write(&k, trail, 6, 100, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(kit_count(&k), 105);
    CHECK_INT(kit_prove(&k, NULL).fault, NR_TRAIL_IS_SOUND);
    kit_end(&k);
}

/* What is undone leaves no trace, also not in what is remembered of the tables. */
static void test_undone(void)
{
    kit k;
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    CHECK_INT(nr_trail_begin(trail, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_trail_keep_policy(trail, k.policy, k.image, sizeof(k.image)),
              NR_TRAIL_OK);
    nr_record record = kit_record(&k, 1);
    CHECK_INT(nr_trail_append(trail, &record), NR_TRAIL_OK);
    nr_trail_undo(trail);
    nr_trail_undo(trail);
    CHECK_INT(nr_trail_append(trail, &record), NR_TRAIL_ARGUMENT);
    CHECK_INT(nr_trail_commit(trail, NULL), NR_TRAIL_ARGUMENT);
    CHECK_INT(nr_trail_keep_policy(trail, k.policy, k.image, sizeof(k.image)),
              NR_TRAIL_ARGUMENT);
    /* The policy went with the batch. */
    CHECK_INT(nr_trail_begin(trail, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_trail_append(trail, &record), NR_TRAIL_ARGUMENT);
    CHECK_INT(kit_write(&k, trail, 1, 3, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(kit_count(&k), 3);
    kit_end(&k);
}

static void test_not_records(void)
{
    kit k;
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    CHECK_INT(kit_write(&k, trail, 1, 1, NR_SYNC), NR_TRAIL_OK);
    nr_circumstances unsealed = { .user = "somebody" };
    nr_record good = kit_record(&k, 2);
    struct {
        const char *what;
        nr_record record;
    } bad[] = { { "no event", good },       { "before 1970", good },
                { "after 9999", good },     { "not sealed", good },
                { "not kept", good },       { "a reason without a decision", good },
                { "a large session", good } };
    bad[0].record.event = NR_EVENT_NONE;
    bad[1].record.at = -1;
    bad[2].record.at = INT64_C(253402300800000000);
    bad[3].record.circumstances = &unsealed;
    bad[4].record.policy[0] ^= 1;
    bad[5].record.event = NR_EVENT_START;
    bad[6].record.session = UINT64_MAX;
    for (size_t i = 0; i < NR_COUNT(bad); i++) {
        CHECK_INT(nr_trail_begin(trail, NR_SYNC), NR_TRAIL_OK);
        CHECK_INT(nr_trail_append(trail, &good), NR_TRAIL_OK);
        if (nr_trail_append(trail, &bad[i].record) != NR_TRAIL_ARGUMENT) {
            printf("%s is taken\n", bad[i].what);
            CHECK(false);
        }
    }
    nr_trail_state state;
    nr_trail_look(trail, &state);
    CHECK_INT(state.trouble, NR_TRAIL_OK);
    CHECK_INT(state.failures, 0);
    CHECK_INT(nr_trail_begin(trail, NR_SYNC), NR_TRAIL_OK);
    k.image[100] ^= 1;
    bad[4].record.policy[0] ^= 3;
    CHECK_INT(
        nr_trail_keep_policy(trail, bad[4].record.policy, k.image, sizeof(k.image)),
        NR_TRAIL_ARGUMENT);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(kit_count(&k), 1);
    kit_end(&k);
}

static void test_again(void)
{
    kit k;
    kit_begin(&k);
    kit_fill(&k, 25);
    for (uint64_t round = 0; round < 3; round++) {
        nr_trail *trail = kit_open(&k, NULL);
        CHECK_INT(kit_write(&k, trail, 26 + round, 1, NR_SYNC), NR_TRAIL_OK);
        CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    }
    CHECK_INT(kit_count(&k), 28);
    /* What many records share stands there once. */
    nr_reader *reader = NULL;
    nr_trail_stats stats;
    CHECK_INT(nr_reader_open(k.path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_stats(reader, &stats), NR_TRAIL_OK);
    CHECK_INT(stats.circumstances, 2);
    CHECK_INT(stats.texts, 4 + 2 + 1); /* names, API and resource, obligations */
    CHECK_INT(stats.policies, 1);
    CHECK_INT(stats.first, 1);
    CHECK_INT(stats.last, 28);
    CHECK_INT(stats.checkpoint, 28);
    CHECK_INT(stats.last_at - stats.first_at, 27000);
    nr_reader_close(reader);
    kit_end(&k);
}

static void test_one_writer(void)
{
    kit k;
    nrbac_error error;
    nr_trail *other = NULL;
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    nr_trail_options options = kit_options(&k);
    CHECK_INT(nr_trail_open(&options, &other, &error), NR_TRAIL_LOCKED);
    CHECK(strstr(error.text, "written by another process") != NULL);
    CHECK(other == NULL);
    CHECK_INT(kit_write(&k, trail, 1, 1, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    trail = kit_open(&k, NULL);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    kit_end(&k);
}

static mode_t mode_of(const kit *k, const char *suffix)
{
    char name[128];
    struct stat about = { 0 };
    (void)snprintf(name, sizeof(name), "%s%s", k->path, suffix);
    CHECK(stat(name, &about) == 0);
    return about.st_mode & 07777;
}

static nr_trail_status try_open(kit *k, const char *said)
{
    nr_trail_options options = kit_options(k);
    nr_trail *trail = NULL;
    nrbac_error error;
    nr_trail_status status = nr_trail_open(&options, &trail, &error);
    if (status != NR_TRAIL_OK && strstr(error.text, said) == NULL) {
        printf("said: %s\n", error.text);
        CHECK(false);
    }
    (void)nr_trail_close(trail);
    return status;
}

/* Nobody else reads the key, and the trail is not begun anew without it. */
static void test_key(void)
{
    kit k;
    kit_begin(&k);
    (void)umask(0);
    kit_fill(&k, 5);
    CHECK_INT(mode_of(&k, ".key"), 0600);
    CHECK_INT(mode_of(&k, ""), 0640);
    CHECK_INT(mode_of(&k, ".lock"), 0600);
    char key[128], aside[128];
    (void)snprintf(key, sizeof(key), "%s.key", k.path);
    (void)snprintf(aside, sizeof(aside), "%s.aside", k.path);
    CHECK(chmod(key, 0640) == 0);
    CHECK_INT(try_open(&k, "chmod 600"), NR_TRAIL_CORRUPT);
    CHECK(chmod(key, 0600) == 0);
    CHECK(rename(key, aside) == 0);
    CHECK_INT(try_open(&k, "restore the key"), NR_TRAIL_MISSING);
    CHECK(access(key, F_OK) != 0);
    FILE *file = fopen(key, "w");
    CHECK(file != NULL && chmod(key, 0600) == 0);
    CHECK(fputs("nrbac-key 1\nsign 00\n", file) >= 0 && fclose(file) == 0);
    CHECK_INT(try_open(&k, "does not hold a key"), NR_TRAIL_CORRUPT);
    /* Another trail's key. */
    nr_key *other = NULL;
    CHECK(unlink(key) == 0);
    CHECK_INT(nr_key_open(key, true, &other, NULL), NR_TRAIL_OK);
    nr_key_close(other);
    CHECK_INT(try_open(&k, "is not that of the trail"), NR_TRAIL_CORRUPT);
    CHECK(rename(aside, key) == 0);
    CHECK_INT(try_open(&k, ""), NR_TRAIL_OK);
    kit_end(&k);
}

static void test_patients(void)
{
    kit k;
    char name[NR_PATIENT_SIZE], again[NR_PATIENT_SIZE], other[NR_PATIENT_SIZE];
    kit_begin(&k);
    nr_trail *trail = kit_open(&k, NULL);
    nr_key_patient(nr_trail_key(trail), "9000000009", name);
    nr_key_patient(nr_trail_key(trail), "9000000017", other);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    trail = kit_open(&k, NULL);
    nr_key_patient(nr_trail_key(trail), "9000000009", again);
    CHECK_STR(name, again);
    CHECK(strcmp(name, other) != 0);
    CHECK_INT((long long)strlen(name), NR_PATIENT_SIZE - 1);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    kit_end(&k);
}

/* Databases of others are left alone. */
static void test_not_trails(void)
{
    kit k;
    kit_begin(&k);
    FILE *file = fopen(k.path, "w");
    CHECK(file != NULL &&
          fputs("name,role\nnot a trail at all, but a table\n", file) >= 0);
    CHECK(fclose(file) == 0);
    CHECK_INT(try_open(&k, "damaged"), NR_TRAIL_CORRUPT);
    CHECK(unlink(k.path) == 0);
    kit_sql(&k, "CREATE TABLE people (name TEXT)");
    CHECK_INT(try_open(&k, "not an audit trail"), NR_TRAIL_CORRUPT);
    CHECK(unlink(k.path) == 0);
    kit_fill(&k, 1);
    kit_sql(&k, "PRAGMA user_version = 2");
    CHECK_INT(try_open(&k, "newer release"), NR_TRAIL_VERSION);
    kit_sql(&k, "PRAGMA user_version = 1; CREATE VIEW extra AS SELECT 1");
    CHECK_INT(try_open(&k, ""), NR_TRAIL_CORRUPT);
    kit_end(&k);
    kit_begin(&k);
    (void)snprintf(k.path, sizeof(k.path), "%s/no/trail", k.folder);
    CHECK_INT(try_open(&k, "No such file"), NR_TRAIL_MISSING);
    kit_end(&k);
}

/* A trail that adds its checkpoints to a file. */
typedef struct published {
    kit k;
    char elsewhere[128];
    nr_trail_options options;
} published;

static void begin_published(published *of)
{
    kit_begin(&of->k);
    (void)snprintf(of->elsewhere, sizeof(of->elsewhere), "%s/elsewhere", of->k.folder);
    of->options = kit_options(&of->k);
    of->options.checkpoint_path = of->elsewhere;
}

static off_t published_size(const published *of)
{
    struct stat about = { 0 };
    CHECK(stat(of->elsewhere, &about) == 0);
    return about.st_size;
}

static uint64_t checkpoint_of(const nr_trail *trail)
{
    nr_trail_state state;
    nr_trail_look(trail, &state);
    return state.checkpoint;
}

/* A checkpoint in its time, and elsewhere when it is on disk. */
static void test_checkpoints(void)
{
    published p;
    kit *k = &p.k;
    begin_published(&p);
    nr_trail *trail = kit_open(k, &p.options);
    CHECK_INT(kit_write(k, trail, 1, 1, NR_SYNC), NR_TRAIL_OK);
    k->now += 59999999;
    CHECK_INT(nr_trail_tend(trail), NR_TRAIL_OK);
    CHECK_INT(checkpoint_of(trail), 0);
    k->now += 1;
    CHECK_INT(nr_trail_tend(trail), NR_TRAIL_OK);
    CHECK_INT(checkpoint_of(trail), 1);
    off_t one = published_size(&p);
    /* Nothing new, nothing to sign; and a clock that is moved back signs at once. */
    k->now += 600000000;
    CHECK_INT(nr_trail_tend(trail), NR_TRAIL_OK);
    CHECK_INT(published_size(&p), one);
    k->now -= 1200000000;
    CHECK_INT(kit_write(k, trail, 2, 1, NR_BATCHED), NR_TRAIL_OK);
    CHECK_INT(checkpoint_of(trail), 2);
    CHECK_INT(published_size(&p), one);
    CHECK_INT(nr_trail_sync(trail), NR_TRAIL_OK);
    CHECK_INT(published_size(&p), 2 * one);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    kit_end(k);
}

/* What a cut left of a line is in nobody's way. */
static void test_published_cut(void)
{
    published p;
    begin_published(&p);
    for (uint64_t next = 1; next < 4; next++) {
        nr_trail *trail = kit_open(&p.k, &p.options);
        CHECK_INT(kit_write(&p.k, trail, next, 1, NR_SYNC), NR_TRAIL_OK);
        CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
        FILE *file = fopen(p.elsewhere, "a");
        CHECK(file != NULL && fputs("nrbac-checkpoint 1 00", file) >= 0 &&
              fclose(file) == 0);
    }
    nr_trail_given given = { .checkpoint_path = p.elsewhere };
    nr_trail_proof proof = kit_prove(&p.k, &given);
    CHECK_INT(proof.fault, NR_TRAIL_IS_SOUND);
    CHECK_INT(proof.anchored, 3);
    CHECK_INT(proof.checkpoints, 6);
    kit_end(&p.k);
}

/* A file that cannot be written is an alarm, and holds no record up; one that cannot be
 * read is not passed over. */
static void test_unpublished(void)
{
    published p;
    nr_trail_state state;
    nr_trail *trail = NULL;
    begin_published(&p);
    p.options.checkpoint_records = 1;
    CHECK(mkdir(p.elsewhere, 0700) == 0);
    CHECK_INT(nr_trail_open(&p.options, &trail, NULL), NR_TRAIL_IO);
    CHECK(rmdir(p.elsewhere) == 0);
    trail = kit_open(&p.k, &p.options);
    CHECK(mkdir(p.elsewhere, 0700) == 0);
    CHECK_INT(kit_write(&p.k, trail, 1, 1, NR_SYNC), NR_TRAIL_OK);
    nr_trail_look(trail, &state);
    CHECK(state.unpublished);
    CHECK(rmdir(p.elsewhere) == 0);
    CHECK_INT(nr_trail_tend(trail), NR_TRAIL_OK);
    nr_trail_look(trail, &state);
    CHECK(!state.unpublished);
    CHECK(published_size(&p) > 0);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    kit_end(&p.k);
}

/* Writes until it is killed; tells each number that is committed, as soon as it is. */
static void write_for_ever(kit *k, int told, uint64_t next)
{
    nr_trail *trail = kit_open(k, NULL);
    for (;; next += 7) {
        uint64_t committed = next + 6;
        if (kit_write(k, trail, next, 7, next % 2 == 0 ? NR_SYNC : NR_BATCHED) !=
                NR_TRAIL_OK ||
            write(told, &committed, sizeof(committed)) != (ssize_t)sizeof(committed))
            _exit(1);
    }
}

/* What was committed is there after a kill, once, and nothing is there by halves. */
static void test_killed(void)
{
    kit k;
    kit_begin(&k);
    uint64_t there = 0;
    for (int round = 0; round < 20; round++) {
        int ends[2];
        uint64_t committed = there, number = 0;
        CHECK(pipe(ends) == 0);
        (void)fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            write_for_ever(&k, ends[1], there + 1);
        (void)close(ends[1]);
        (void)usleep((useconds_t)(2000 + 3777 * round % 40000));
        CHECK(kill(child, SIGKILL) == 0);
        while (read(ends[0], &number, sizeof(number)) == (ssize_t)sizeof(number))
            committed = number;
        CHECK(waitpid(child, NULL, 0) == child);
        (void)close(ends[0]);
        nr_trail *trail = kit_open(&k, NULL);
        CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
        there = (uint64_t)kit_count(&k);
        CHECK(there == committed || there == committed + 7);
    }
    CHECK(there > 0);
    CHECK_INT(kit_prove(&k, NULL).fault, NR_TRAIL_IS_SOUND);
    kit_end(&k);
}

int main(void)
{
    test_batches();
    test_large_batches();
    test_numbers_taken();
    test_undone();
    test_not_records();
    test_again();
    test_one_writer();
    test_key();
    test_patients();
    test_not_trails();
    test_checkpoints();
    test_published_cut();
    test_unpublished();
    test_killed();
    return check_report() | kit_report();
}
