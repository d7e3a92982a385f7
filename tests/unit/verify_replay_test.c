/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of used assertions, with room for few: what it keeps, what it forgets.
 */
#include "check.h"
#include "verify/replay.h"

static nr_replay replay;

enum { SHARE = NR_REPLAY_MAX / NR_REPLAY_SHARES };

/* A moment of the clock; tests let it pass. */
static int64_t clock_now = 1795424400;

static nr_use_answer use_at(const char *application, const char *jti, int64_t forget_at,
                            int64_t now)
{
    nr_use one = { .application = application,
                   .jti = jti,
                   .token = jti,
                   .token_size = strlen(jti),
                   .forget_at = forget_at,
                   .now = now,
                   .clock = clock_now };
    return nr_replay_use(&replay, &one);
}

/* An assertion that is to be remembered for so many seconds. */
static nr_use_answer use(const char *application, const char *jti, int64_t seconds)
{
    return use_at(application, jti, clock_now + seconds, clock_now);
}

static void test_full(void)
{
    CHECK(nr_replay_init(&replay, 4));
    CHECK_INT(use("a", "1", 700), NR_USE_FIRST);
    CHECK_INT(use("a", "1", 700), NR_USE_REPEATED);
    CHECK_INT(use("b", "1", 700), NR_USE_FIRST);
    CHECK_INT(use("c", "1", 650), NR_USE_FIRST);
    CHECK_INT(use("d", "1", 700), NR_USE_FIRST);
    CHECK_INT(use("e", "1", 700), NR_USE_FULL);
    CHECK_INT((long long)nr_replay_count(&replay), 4);
    clock_now += 649;
    CHECK_INT(use("e", "1", 700), NR_USE_FULL);
    /* One of the four is over, so that there is room for one more, but no further. */
    clock_now += 1;
    CHECK_INT(use("e", "1", 700), NR_USE_FIRST);
    CHECK_INT(use("f", "1", 700), NR_USE_FULL);
    CHECK_INT(use("a", "1", 700), NR_USE_REPEATED);
    nr_replay_finish(&replay);
}

/* "a" + "bc" is not "ab" + "c". */
static void test_names(void)
{
    CHECK(nr_replay_init(&replay, 10));
    CHECK_INT(use("a", "bc", 10), NR_USE_FIRST);
    CHECK_INT(use("ab", "c", 10), NR_USE_FIRST);
    nr_replay_finish(&replay);
}

/* Neither a time in the past nor one in the future brings a used one back. */
static void test_times(void)
{
    CHECK(nr_replay_init(&replay, 1));
    int64_t past = clock_now - 1000000;
    CHECK_INT(use_at("a", "1", past + 10, past), NR_USE_FIRST);
    CHECK_INT(use_at("a", "1", past + 10, past), NR_USE_REPEATED);
    CHECK_INT(use_at("a", "2", past + 10, past), NR_USE_FULL);
    clock_now += 1000;
    CHECK_INT(use("a", "2", 10), NR_USE_FIRST); /* the first is over now */
    int64_t future = clock_now + 1000000;
    CHECK_INT(use_at("a", "2", future + 10, future), NR_USE_REPEATED);
    CHECK_INT(use_at("a", "3", future + 10, future), NR_USE_FULL);
    nr_replay_finish(&replay);
}

/* Whoever moves the time of requests forward and back again brings none back, before the
 * clock itself has moved on. */
static void test_moved_times(void)
{
    int64_t then = clock_now;
    int64_t later = then + 100000;
    char jti[16];
    long wrong = 0;
    CHECK(nr_replay_init(&replay, NR_REPLAY_MAX));
    CHECK_INT(use("a", "1", 310), NR_USE_FIRST);
    for (int i = 0; i < 590; i++) { /* a crowd, which makes it sweep now and then */
        (void)snprintf(jti, sizeof(jti), "%d", i);
        wrong += use_at("b", jti, later + 310, later) != NR_USE_FIRST;
        wrong += use_at("a", "1", then + 310, then) != NR_USE_REPEATED;
        wrong += use_at("a", "1", then + 310, then + 500) != NR_USE_REPEATED;
        clock_now++;
    }
    CHECK_INT(wrong, 0);
    clock_now = then + NR_REPLAY_KEEP - 1;
    CHECK_INT(use_at("a", "1", then + 310, then + 500), NR_USE_REPEATED);
    clock_now++;
    CHECK_INT(use_at("a", "1", then + 310, then), NR_USE_REPEATED);
    CHECK_INT(use_at("a", "1", then + 310, then + 310), NR_USE_FIRST);
    nr_replay_finish(&replay);
}

/* How many of these are not answered so. */
static long other_than(nr_use_answer answer, const char *application, int count)
{
    char jti[16];
    long other = 0;
    for (int i = 0; i < count; i++) {
        (void)snprintf(jti, sizeof(jti), "%d", i);
        other += use(application, jti, 700 + i % 3) != answer;
    }
    return other;
}

/* One application has its share and no more, and leaves the others theirs; each use is
 * known again. */
static void test_shares(void)
{
    static const char *const applications[] = { "a", "b", "c", "d" };
    CHECK(nr_replay_init(&replay, NR_REPLAY_MAX));
    for (int i = 0; i < NR_REPLAY_SHARES; i++) {
        CHECK_INT(other_than(NR_USE_FIRST, applications[i], SHARE), 0);
        if (i + 1 < NR_REPLAY_SHARES)
            CHECK_INT(use("a", "x", 700), NR_USE_SHARE_FULL);
    }
    CHECK_INT(use("e", "x", 700), NR_USE_FULL);
    CHECK_INT((long long)nr_replay_count(&replay), NR_REPLAY_MAX);
    for (int i = 0; i < NR_REPLAY_SHARES; i++)
        CHECK_INT(other_than(NR_USE_REPEATED, applications[i], SHARE), 0);
    /* A share is free again when what it holds is over. */
    clock_now += 1000;
    CHECK_INT(use("a", "x", 700), NR_USE_FIRST);
    CHECK_INT((long long)nr_replay_count(&replay), 1);
    CHECK_INT(other_than(NR_USE_FIRST, "a", SHARE - 1), 0);
    CHECK_INT(use("a", "y", 700), NR_USE_SHARE_FULL);
    nr_replay_finish(&replay);
}

/* A full memory is not swept for each that asks, but it is before long. */
static void test_sweeps(void)
{
    CHECK(nr_replay_init(&replay, 8));
    CHECK_INT(use("a", "1", 1000), NR_USE_FIRST);
    CHECK_INT(use("a", "2", 1005), NR_USE_FIRST);
    clock_now += 1000;
    CHECK_INT(use("a", "3", 1000), NR_USE_FIRST); /* swept */
    clock_now += 5;
    CHECK_INT(use("a", "4", 1000), NR_USE_SHARE_FULL);
    CHECK_INT(use("b", "4", 1000), NR_USE_FIRST);
    clock_now += 5;
    CHECK_INT(use("a", "4", 1000), NR_USE_FIRST);
    nr_replay_finish(&replay);
}

/* A steady stream does not make it grow beyond what is to be remembered. */
static void test_stream(void)
{
    char jti[16];
    long wrong = 0;
    CHECK(nr_replay_init(&replay, NR_REPLAY_MAX));
    for (int i = 0; i < 100000; i++) {
        (void)snprintf(jti, sizeof(jti), "%d", i);
        wrong += use("a", jti, 10) != NR_USE_FIRST;
        clock_now += 10;
    }
    CHECK_INT(wrong, 0);
    CHECK(replay.slot_count <= 1024);
    nr_replay_finish(&replay);
}

int main(void)
{
    test_full();
    test_names();
    test_times();
    test_moved_times();
    test_shares();
    test_sweeps();
    test_stream();
    return check_report();
}
