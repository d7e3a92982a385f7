/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads put, one takes, and from time to time the ring is moved to other memory
 * under their hands, as when a daemon has a successor: every entry is taken once, whole,
 * and each thread's in its order.
 */
#define _GNU_SOURCE
#include "check.h"

#include "share/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, ENTRIES = 40000, WORDS_MAX = 150, MOVES = 50 };

static nr_ring *writing;          /* the program's mapping, which stays where it is */
static _Atomic(nr_ring *) taking; /* the daemon's, one after the other */
static _Atomic(nr_ring *) looked_at;
static atomic_int left = THREADS;
static atomic_bool done; /* nothing more is put, and nothing moved */
static atomic_ulong wrong, forgotten;

static void nap(void)
{
    (void)nanosleep(&(struct timespec){ .tv_nsec = 1000 }, NULL);
}

/* Thread, number, and both again and again. */
static size_t fill(uint64_t *words, uint64_t thread, uint64_t number)
{
    size_t count = 2 + (size_t)(number * 2654435761u % WORDS_MAX);
    for (size_t i = 0; i < count; i++)
        words[i] = i % 2 == 0 ? thread : number;
    return count * sizeof(*words);
}

static void *put_many(void *context)
{
    const uint64_t *thread = context;
    uint64_t words[WORDS_MAX + 2];
    uint64_t place = 0;
    uint64_t refers = 0;
    for (uint64_t n = 0; n < ENTRIES;) {
        size_t size = fill(words, *thread, n);
        nr_ring_put put = nr_ring_write(writing, words, size, refers, &place);
        if (put == NR_RING_PUT && n++ % 5000 == 0)
            refers = place + 1;
        else if (put == NR_RING_FORGOTTEN) {
            refers = 0;
            atomic_fetch_add(&forgotten, 1);
        } else if (put != NR_RING_PUT)
            nap();
    }
    atomic_fetch_sub(&left, 1);
    return NULL;
}

static bool is_whole(const uint64_t *words, size_t size)
{
    uint64_t wanted[WORDS_MAX + 2];
    return words[0] < THREADS && size == fill(wanted, words[0], words[1]) &&
           memcmp(wanted, words, size) == 0;
}

/* Takes from the memory that there is until it is another. */
static void *take_many(void *context)
{
    static uint64_t words[NR_RING_ENTRY_MAX / 8];
    uint64_t next[THREADS] = { 0 };
    unsigned long *taken = context;
    nr_ring *from = NULL;
    uint64_t at = 0;
    for (;;) {
        bool last = atomic_load(&done);
        nr_ring *now = atomic_load(&taking);
        atomic_store(&looked_at, now);
        if (now != from && nr_ring_has_begun(now, &at))
            from = now;
        size_t size = 0;
        uint64_t places = 0;
        if (now != from ||
            nr_ring_read(from, at, (uint8_t *)words, &size, &places) != NR_RING_ENTRY) {
            if (last && now == from && nr_ring_reserved_from(from, at) == 0)
                return NULL;
            nap();
            continue;
        }
        if (!is_whole(words, size) || words[1] != next[words[0]])
            atomic_fetch_add(&wrong, 1);
        else
            next[words[0]] = words[1] + 1;
        at += places;
        nr_ring_give_back(from, at);
        *taken += 1;
    }
}

/* The daemon has stopped taking before the copy is made, as when it has died. */
static void move(void)
{
    int fd;
    nr_ring *fresh;
    nr_ring *theirs = nr_memory_make_ring(&fd);
    CHECK_INT(nr_memory_map_ring(fd, &fresh, NULL), NRBAC_OK);
    atomic_store(&taking, theirs);
    while (atomic_load(&looked_at) != theirs)
        nap();
    nr_ring_shut(writing);
    while (!nr_ring_is_settled(writing))
        nap();
    nr_ring_copy(fresh, writing);
    CHECK(nr_memory_move_ring(fresh, writing));
    nr_ring_reopen(writing);
    (void)close(fd);
}

static void every_entry_is_taken_once(void)
{
    pthread_t threads[THREADS], taker;
    uint64_t numbers[THREADS];
    unsigned long taken = 0;
    int fd;
    nr_ring *theirs = nr_memory_make_ring(&fd);
    CHECK_INT(nr_memory_map_ring(fd, &writing, NULL), NRBAC_OK);
    (void)close(fd);
    atomic_store(&taking, theirs);
    nr_ring_begin(writing);
    CHECK_INT(pthread_create(&taker, NULL, take_many, &taken), 0);
    for (uint64_t i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK_INT(pthread_create(&threads[i], NULL, put_many, &numbers[i]), 0);
    }
    for (int i = 0; i < MOVES && atomic_load(&left) != 0; i++) {
        (void)usleep(2000);
        move();
    }
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    atomic_store(&done, true);
    (void)pthread_join(taker, NULL);
    CHECK_INT(atomic_load(&wrong), 0);
    CHECK_INT(taken, THREADS * ENTRIES);
    CHECK(atomic_load(&forgotten) > 0);
}

int main(void)
{
    every_entry_is_taken_once();
    return check_report();
}
