/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a directory is inside, for directory.c, which puts sessions into seats, ends and
 * re-opens them, and for seats.c, which finds a user's seat and checks there.
 *
 * Whoever checks takes no lock, so nothing that a check can meet goes away before the
 * directory does: a seat stays where it is, and is its user's for ever. What changes is
 * atomic and is written under the engine's lock:
 *
 *   turn   counts how often the seat was taken, and says whether nobody sits there or
 *          whoever does has been stopped. To put a session: EMPTY, its bits, the next
 *          turn. A check reads the turn, then the bit, then the turn again, and answers
 *          no unless both are the same and not EMPTY: so it never reads one session's
 *          turn with another's bits, unless the seat was taken 67,108,864 times
 *          meanwhile. Bits are written with release and read with acquire, which makes
 *          that hold.
 *   bits   a bit a name's number, in place, as a session's own: publishing a policy
 *          rewrites them word by word.
 *   room   how many names have their bit in the seat, the same for every seat; 0 while
 *          the engine is stopped, so that nobody may do anything.
 *   late   the row of names that came later than that, in the seat's back; `late_room`
 *          of them. Read before a row's pointer and written after it, so that no row is
 *          ever shorter than its room.
 *
 * The evidence, which only publishing looks at, goes with its session.
 */
#ifndef NR_DIRECTORY_INSIDE_H
#define NR_DIRECTORY_INSIDE_H

#include "api/kept.h"

#include <stdalign.h>

enum {
    KEY_IN_LINE_MAX = 16,
    ROW_BITS = 32, /* of a word of a row */
};

/* A turn: in the lowest bits the key's size, so that both are compared at once. */
enum {
    LONG_KEY = 31, /* for any size of more than KEY_IN_LINE_MAX */
    EMPTY = 32,
    ONE_TURN = 64,
};

typedef _Atomic uint32_t *row;

/* With up to 352 names a cache line. */
typedef struct seat {
    uint64_t first;
    union {
        uint64_t last;
        const char *text; /* of more than KEY_IN_LINE_MAX bytes */
    };
    _Atomic uint32_t turn;
    _Atomic uint32_t bits[];
} seat;

/* What a check seldom reads of a seat. */
typedef struct back {
    nr_kept *kept; /* NULL: nobody; under the engine's lock */
    _Atomic(row) late;
    uint32_t size; /* of the key */
} back;

typedef struct seat_table seat_table; /* seats.c */

/* Memory of a directory, all of which goes with it. */
typedef struct block block;
struct block {
    block *next;
    alignas(max_align_t) char bytes[];
};

struct nrbac_directory {
    nrbac_engine *engine;
    _Atomic(seat_table *) table;
    _Atomic uint32_t room, late_room; /* in names */
    /* The rest under the engine's lock. */
    uint32_t count;      /* of seats */
    uint32_t words;      /* of a seat; 0: there is none yet */
    uint32_t late_words; /* of a late row */
    nr_slabs seats;
    block *blocks;
    nrbac_directory *next, **link; /* in engine->directories */
};

static inline back *back_of(const seat *s)
{
    return nr_slab_back(s);
}

static inline uint32_t turn_of(const seat *s)
{
    return atomic_load_explicit(&s->turn, memory_order_acquire);
}

static inline bool is_going(const seat *s)
{
    return (turn_of(s) & EMPTY) == 0;
}

static inline row late_row(const seat *s)
{
    return atomic_load_explicit(&back_of(s)->late, memory_order_relaxed);
}

static inline size_t row_size(uint32_t words)
{
    return words * sizeof(uint32_t);
}

/* Words for the names of the policy in force. Locked. */
static inline uint32_t row_words(const nrbac_directory *directory)
{
    return (directory->engine->current->target_count + ROW_BITS - 1) / ROW_BITS;
}

/* ---- seats.c; locked, but for the first ------------------------------------------- */

/* The seat of a text; NULL: there never was one. */
seat *nr_seat_find(const nrbac_directory *directory, const char *text, size_t size);
/* The user's seat, made if need be. NULL: out of memory. */
seat *nr_seat_of(nrbac_directory *directory, const char *user, size_t size);
/* The first seat at or after a place, which begins at 0; NULL: no more. */
seat *nr_seat_next(const nrbac_directory *directory, uint32_t *at);
/* A table with at least this many places takes over; false: out of memory. */
bool nr_seats_grow(nrbac_directory *directory, size_t places);
/* Nobody has room while the engine is stopped. */
void nr_seats_set_room(nrbac_directory *directory);
/* Zeroed memory of the directory; NULL: out of memory. */
void *nr_directory_take(nrbac_directory *directory, size_t size);

#endif
