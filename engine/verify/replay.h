/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of used client assertions: each `jti` of an application once, for as
 * long as an assertion with it could still be presented, and ten minutes at least. What is kept are salted
 * hashes, so that nobody can choose identifiers that crowd one place.
 *
 * Each application has a share of it: one that uses up its own, for whatever reason,
 * keeps no other from being authenticated.
 */
#ifndef NR_REPLAY_H
#define NR_REPLAY_H

#include "base/names.h"

#include <pthread.h>

enum {
    NR_REPLAY_MAX = 400000,
    NR_REPLAY_SHARES = 4, /* an application has one of them */
    NR_REPLAY_KEEP = 600, /* seconds of the clock for which each is kept at least */
};

typedef struct nr_used nr_used;

/* Locks itself: any number of threads may use it. */
typedef struct nr_replay {
    pthread_mutex_t lock;
    uint8_t salt[16];
    nr_used *slots; /* open addressing; the count is a power of two */
    size_t slot_count;
    size_t used;
    size_t limit;
    int64_t worth_sweeping_at; /* before that nothing could be forgotten */
    int64_t swept_at;
    nr_arena arena; /* of the names */
    nr_names applications;
    struct { /* how many are kept of each application, by its number */
        size_t *items;
        size_t count, room;
    } shares;
} nr_replay;

/* False: no random numbers or no lock to be had. */
bool nr_replay_init(nr_replay *replay, size_t limit);
void nr_replay_finish(nr_replay *replay);

typedef struct nr_use {
    const char *application;
    const char *jti;
    const char *token; /* the assertion, as presented */
    size_t token_size;
    uint64_t occasion; /* other than 0: again under the same one is no new use */
    int64_t forget_at;
    int64_t now;   /* by which the assertion was judged */
    int64_t clock; /* the time that it really is */
} nr_use;

typedef enum nr_use_answer {
    NR_USE_REPEATED = 0,
    NR_USE_FIRST,
    NR_USE_SAME_OCCASION,
    NR_USE_SHARE_FULL, /* by this application's own */
    NR_USE_FULL,       /* or out of memory: then nothing more is let in either */
} nr_use_answer;

nr_use_answer nr_replay_use(nr_replay *replay, const nr_use *use);

/* How many are kept now. */
size_t nr_replay_count(nr_replay *replay);

#endif
