/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of used assertions, with room for few: what it keeps, what it forgets.
 */
#include "check.h"
#include "verify/replay.h"

#include <time.h>

static nr_replay replay;

static nr_use_answer use(const char *application, const char *jti, int64_t forget_at,
                         int64_t now)
{
    nr_use one = { .application = application,
                   .jti = jti,
                   .token = jti,
                   .token_size = strlen(jti),
                   .forget_at = forget_at,
                   .now = now };
    return nr_replay_use(&replay, &one);
}

static void test_full(void)
{
    int64_t now = (int64_t)time(NULL);
    CHECK(nr_replay_init(&replay, 3));
    CHECK_INT(use("a", "1", now + 10, now), NR_USE_FIRST);
    CHECK_INT(use("a", "1", now + 10, now), NR_USE_REPEATED);
    CHECK_INT(use("b", "1", now + 10, now), NR_USE_FIRST);
    CHECK_INT(use("a", "2", now - 1, now), NR_USE_FIRST);
    /* One of the three is over, so that there is room for one more, but no further. */
    CHECK_INT(use("a", "3", now + 10, now), NR_USE_FIRST);
    CHECK_INT(use("a", "4", now + 10, now), NR_USE_FULL);
    CHECK_INT(use("a", "4", now + 10, now), NR_USE_FULL);
    CHECK_INT(use("a", "1", now + 10, now), NR_USE_REPEATED);
    nr_replay_finish(&replay);
}

/* "a" + "bc" is not "ab" + "c". */
static void test_names(void)
{
    int64_t now = (int64_t)time(NULL);
    CHECK(nr_replay_init(&replay, 10));
    CHECK_INT(use("a", "bc", now + 10, now), NR_USE_FIRST);
    CHECK_INT(use("ab", "c", now + 10, now), NR_USE_FIRST);
    nr_replay_finish(&replay);
}

/* Neither a time in the past nor one in the future brings a used one back. */
static void test_times(void)
{
    int64_t now = (int64_t)time(NULL);
    CHECK(nr_replay_init(&replay, 1));
    int64_t past = now - 1000000;
    CHECK_INT(use("a", "1", past + 10, past), NR_USE_FIRST);
    CHECK_INT(use("a", "1", past + 10, past), NR_USE_REPEATED);
    CHECK_INT(use("a", "2", past + 10, past), NR_USE_FULL);
    CHECK_INT(use("a", "2", now + 10, now), NR_USE_FIRST); /* the first is over now */
    int64_t future = now + 1000000;
    CHECK_INT(use("a", "2", future + 10, future), NR_USE_REPEATED);
    CHECK_INT(use("a", "3", future + 10, future), NR_USE_FULL);
    nr_replay_finish(&replay);
}

/* As many as it is made for, each known again. */
static void test_many(void)
{
    int64_t now = (int64_t)time(NULL);
    char jti[16];
    long wrong = 0;
    CHECK(nr_replay_init(&replay, NR_REPLAY_MAX));
    for (int i = 0; i < NR_REPLAY_MAX; i++) {
        (void)snprintf(jti, sizeof(jti), "%d", i);
        wrong += use("a", jti, now + 10 + i % 3, now) != NR_USE_FIRST;
    }
    CHECK_INT(use("a", "x", now + 10, now), NR_USE_FULL);
    for (int i = 0; i < NR_REPLAY_MAX; i++) {
        (void)snprintf(jti, sizeof(jti), "%d", i);
        wrong += use("a", jti, now + 10, now) != NR_USE_REPEATED;
    }
    CHECK_INT(wrong, 0);
    nr_replay_finish(&replay);
}

/* A steady stream of short lives does not make it grow. */
static void test_stream(void)
{
    int64_t now = (int64_t)time(NULL);
    char jti[16];
    long wrong = 0;
    CHECK(nr_replay_init(&replay, NR_REPLAY_MAX));
    for (int i = 0; i < 100000; i++) {
        (void)snprintf(jti, sizeof(jti), "%d", i);
        wrong += use("a", jti, now - 1, now) != NR_USE_FIRST;
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
    test_many();
    test_stream();
    return check_report();
}
