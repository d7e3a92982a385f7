/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory: many sessions, found by their user's text.
 *
 * Whoever checks takes no lock, so nothing that a check can meet goes away before the
 * directory does. Each user has a seat, found in a table of pointers to seats. A
 * seat's key is written before the seat is seen, and never again; a seat stays where
 * it is; a larger table holds the same seats, and the smaller one is kept. So a check
 * that finds a seat has found its user, whatever happens meanwhile.
 *
 * What changes is atomic and is written under the engine's lock:
 *
 *   turn   counts: odd while nobody sits there, or whoever does has been stopped. To
 *          put a session: an odd turn, its bits, an even turn. A check reads the turn,
 *          then the bit, then the turn again, and answers no unless both are the same
 *          even one: so it never reads one session's turn with another's bits. Bits
 *          are written with release and read with acquire, which makes that hold.
 *   bits   a bit a name's number, in place, as a session's own: publishing a policy
 *          rewrites them word by word.
 *   room   how many names every row has room for; 0 while the engine is stopped, so
 *          that nobody may do anything. Read before a row's pointer and written after
 *          it, so that no row is ever shorter than the room.
 *
 * The evidence, which only publishing looks at, goes with its session.
 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "api/kept.h"
#include "api/permits.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FIRST_PLACES = 64,
    BATCH = 64, /* seats made at once */
    KEY_IN_LINE_MAX = 16,
};

typedef _Atomic uint64_t *row;

/* The first and the last eight bytes of a text, which are all of it up to 16; up to 7
 * the packed text; of a longer one the hash, and then the text is compared. */
typedef struct key {
    uint64_t first, last;
    uint32_t size;
} key;

typedef struct seat {
    _Atomic uint32_t turn;
    uint32_t size;
    _Atomic(row) bits;
    uint64_t first;
    union {
        uint64_t last;
        const char *text; /* of more than KEY_IN_LINE_MAX bytes */
    };
    nr_kept *kept; /* NULL: nobody; under the engine's lock */
    _Atomic uint64_t own_bits[];
} seat;

typedef struct table {
    uint32_t shift; /* of nr_spread */
    uint32_t mask;  /* a power of two places, at least twice the seats, less one */
    _Atomic(seat *) places[];
} table;

/* Memory of a directory, all of which goes with it. */
typedef struct block block;
struct block {
    block *next;
    alignas(max_align_t) char bytes[];
};

struct nrbac_directory {
    nrbac_engine *engine;
    _Atomic(table *) table;
    _Atomic uint32_t room; /* names in every row */
    /* The rest under the engine's lock. */
    uint32_t count; /* of seats */
    uint32_t words; /* of a row: those of `room`, in seats to be made */
    char *batch;    /* the next seat of those made */
    uint32_t batch_left;
    block *blocks;
    nrbac_directory *next, **link; /* in engine->directories */
};

/* Zeroed memory; NULL when out of it. */
static void *take(nrbac_directory *directory, size_t size)
{
    block *taken = size > SIZE_MAX / 2 ? NULL : calloc(1, sizeof(*taken) + size);
    if (taken == NULL)
        return NULL;
    taken->next = directory->blocks;
    directory->blocks = taken;
    return taken->bytes;
}

/* ---- Finding --------------------------------------------------------------------- */

static inline bool is_key_in_line(size_t size)
{
    return size - 8 <= KEY_IN_LINE_MAX - 8;
}

static inline key key_in_line(const char *text, size_t size)
{
    return (key){ nr_read_u64_le(text), nr_read_u64_le(text + size - 8),
                  (uint32_t)size };
}

static key key_of(const char *text, size_t size)
{
    if (is_key_in_line(size))
        return key_in_line(text, size);
    return (key){ size < 8 ? nr_pack(text, size) : nr_hash_text(text, size), 0,
                  (uint32_t)size };
}

static inline uint64_t place_of(const table *in, uint64_t first, uint64_t last)
{
    return nr_spread(first * UINT64_C(0xff51afd7ed558ccd) ^ last, in->shift);
}

/* The seat of a key that is the whole text; NULL: there never was one. */
static inline seat *find_in_line(const nrbac_directory *directory, key k)
{
    const table *in = atomic_load_explicit(&directory->table, memory_order_acquire);
    for (uint64_t i = place_of(in, k.first, k.last);; i = (i + 1) & in->mask) {
        seat *s = atomic_load_explicit(&in->places[i], memory_order_acquire);
        if (s == NULL ||
            (s->last == k.last && s->first == k.first && s->size == k.size))
            return s;
    }
}

/* The seat of any text. */
static seat *find(const nrbac_directory *directory, const char *text, size_t size)
{
    key k = key_of(text, size);
    if (size <= KEY_IN_LINE_MAX)
        return find_in_line(directory, k);
    const table *in = atomic_load_explicit(&directory->table, memory_order_acquire);
    for (uint64_t i = place_of(in, k.first, k.last);; i = (i + 1) & in->mask) {
        seat *s = atomic_load_explicit(&in->places[i], memory_order_acquire);
        if (s == NULL || (s->first == k.first && s->size == k.size &&
                          memcmp(s->text, text, size) == 0))
            return s;
    }
}

/* One load of a bit between two of the turn. */
static inline bool permits(const nrbac_directory *directory, const seat *s,
                           nrbac_name number)
{
    uint32_t room = atomic_load_explicit(&directory->room, memory_order_acquire);
    if (number >= room)
        return false;
    uint32_t turn = atomic_load_explicit(&s->turn, memory_order_acquire);
    const _Atomic uint64_t *bits = atomic_load_explicit(&s->bits, memory_order_acquire);
    uint64_t word = atomic_load_explicit(&bits[number / 64], memory_order_acquire);
    uint32_t again = atomic_load_explicit(&s->turn, memory_order_relaxed);
    return (turn & 1) == 0 && turn == again && (word >> (number % 64) & 1) != 0;
}

NR_APART static bool check_any(const nrbac_directory *directory, const char *user,
                               size_t user_size, const char *name, size_t name_size)
{
    const seat *s = user_size > UINT32_MAX ? NULL : find(directory, user, user_size);
    return s != NULL &&
           permits(directory, s, nr_engine_name_of(directory->engine, name, name_size));
}

/* In line for users of 8 to 16 bytes and activity codes. */
bool nrbac_directory_check(const nrbac_directory *directory, const char *user,
                           size_t user_size, const char *name, size_t name_size)
{
    uint32_t digits = nr_code_digits(name, name_size);
    if (digits == NR_NONE || !is_key_in_line(user_size))
        return check_any(directory, user, user_size, name, name_size);
    const seat *s = find_in_line(directory, key_in_line(user, user_size));
    return s != NULL &&
           permits(directory, s, nr_engine_code_of(directory->engine, digits));
}

/* ---- Seats ----------------------------------------------------------------------- */

static uint32_t turn_of(const seat *s)
{
    return atomic_load_explicit(&s->turn, memory_order_relaxed);
}

static bool is_going(const seat *s)
{
    return (turn_of(s) & 1) == 0;
}

static void stop(seat *s)
{
    atomic_store_explicit(&s->turn, turn_of(s) | 1, memory_order_release);
}

static void put_into_place(table *in, seat *s)
{
    uint64_t i = place_of(in, s->first, s->size <= KEY_IN_LINE_MAX ? s->last : 0);
    while (atomic_load_explicit(&in->places[i], memory_order_relaxed) != NULL)
        i = (i + 1) & in->mask;
    atomic_store_explicit(&in->places[i], s, memory_order_release);
}

static seat *seat_at(const table *in, uint32_t place)
{
    return atomic_load_explicit(&in->places[place], memory_order_relaxed);
}

static table *table_of(const nrbac_directory *directory)
{
    return atomic_load_explicit(&directory->table, memory_order_relaxed);
}

/* A table with at least this many places takes over. */
static bool grow_table(nrbac_directory *directory, size_t places)
{
    size_t count = FIRST_PLACES;
    while (count < places)
        count *= 2;
    if (count > UINT32_MAX / 2)
        return false;
    const table *last = table_of(directory);
    table *larger = take(directory, sizeof(*larger) + count * sizeof(seat *));
    if (larger == NULL)
        return false;
    larger->shift = nr_spread_shift(count);
    larger->mask = (uint32_t)count - 1;
    for (uint32_t i = 0; last != NULL && i <= last->mask; i++) {
        seat *s = seat_at(last, i);
        if (s != NULL)
            put_into_place(larger, s);
    }
    atomic_store_explicit(&directory->table, larger, memory_order_release);
    return true;
}

/* An empty seat, which nobody sees yet. */
static seat *make_seat(nrbac_directory *directory, const char *text, size_t key_size)
{
    key k = key_of(text, key_size);
    size_t size = sizeof(seat) + directory->words * sizeof(uint64_t);
    const char *copy = NULL;
    if (k.size > KEY_IN_LINE_MAX) {
        char *bytes = take(directory, k.size);
        if (bytes == NULL)
            return NULL;
        memcpy(bytes, text, k.size);
        copy = bytes;
    }
    if (directory->batch_left == 0) {
        directory->batch = take(directory, BATCH * size);
        if (directory->batch == NULL)
            return NULL;
        directory->batch_left = BATCH;
    }
    seat *s = (seat *)(void *)directory->batch;
    directory->batch += size;
    directory->batch_left--;
    s->size = k.size;
    s->first = k.first;
    if (k.size <= KEY_IN_LINE_MAX)
        s->last = k.last;
    else
        s->text = copy;
    atomic_init(&s->turn, 1);
    atomic_init(&s->bits, s->own_bits);
    return s;
}

/* The user's seat, made if need be. NULL: out of memory. */
static seat *seat_for(nrbac_directory *directory, const char *user, size_t size)
{
    seat *s = find(directory, user, size);
    if (s != NULL)
        return s;
    if (directory->count > table_of(directory)->mask / 2 &&
        !grow_table(directory, ((size_t)table_of(directory)->mask + 1) * 2))
        return NULL;
    s = make_seat(directory, user, size);
    if (s == NULL)
        return NULL;
    put_into_place(table_of(directory), s);
    directory->count++;
    return s;
}

/* ---- What they permit ------------------------------------------------------------ */

/* The bits of what is kept, in scratch memory; NULL: out of memory. */
static const uint64_t *bits_of(nrbac_engine *engine, const nr_kept *kept, int64_t clock,
                               uint32_t *words)
{
    nr_held held;
    if (nr_held_make(&engine->scratch, &engine->scratch, engine->current, kept, clock,
                     &held) != NRBAC_OK)
        return NULL;
    return nr_permits_make(&engine->scratch, engine->current,
                           held.reason == NRBAC_REASON_OPENED ? &held.holding : NULL,
                           words);
}

/* Rows of a room are as long as the directory's, or longer; what a row has no room for
 * is not permitted. */
static void write_row(row to, uint32_t room, const uint64_t *bits, uint32_t words)
{
    for (uint32_t w = 0; w < room; w++)
        atomic_store_explicit(&to[w], bits != NULL && w < words ? bits[w] : 0,
                              memory_order_release);
}

static void reopen_seat(nrbac_directory *directory, seat *s, row to, int64_t clock)
{
    uint32_t words = 0;
    const uint64_t *bits = NULL;
    if (is_going(s)) {
        bits = bits_of(directory->engine, s->kept, clock, &words);
        if (bits == NULL)
            stop(s);
    }
    write_row(to, directory->words, bits, words);
    atomic_store_explicit(&s->bits, to, memory_order_release);
    nr_arena_reset(&directory->engine->scratch);
}

/* Longer rows for every seat there is, if the policy has more names than there is room
 * for; NULL: there is room, or no memory for more. */
static row longer_rows(nrbac_directory *directory, uint32_t words)
{
    if (words <= directory->words)
        return NULL;
    uint32_t longer = directory->words + directory->words / 2;
    if (longer < words)
        longer = words;
    row rows = take(directory, (size_t)directory->count * longer * sizeof(uint64_t));
    if (rows == NULL)
        return NULL;
    directory->words = longer;
    directory->batch_left = 0;
    return rows;
}

/* Nobody has room while the engine is stopped. */
static void set_room(nrbac_directory *directory)
{
    uint32_t room = nr_engine_is_stopped(directory->engine) ? 0 : directory->words * 64;
    atomic_store_explicit(&directory->room, room, memory_order_release);
}

void nr_directories_hold(nrbac_engine *engine)
{
    for (nrbac_directory *d = engine->directories; d != NULL; d = d->next)
        set_room(d);
}

static void reopen_directory(nrbac_directory *directory)
{
    int64_t clock = (int64_t)time(NULL);
    uint32_t words = nr_bits_words(directory->engine->current->target_count);
    row rows = longer_rows(directory, words);
    const table *in = table_of(directory);
    for (uint32_t i = 0; i <= in->mask; i++) {
        seat *s = seat_at(in, i);
        if (s == NULL)
            continue;
        row to = rows == NULL ? atomic_load_explicit(&s->bits, memory_order_relaxed)
                              : rows;
        reopen_seat(directory, s, to, clock);
        if (rows != NULL)
            rows += directory->words;
    }
    set_room(directory);
}

void nr_directories_reopen(nrbac_engine *engine)
{
    for (nrbac_directory *d = engine->directories; d != NULL; d = d->next)
        reopen_directory(d);
}

/* ---- What ends them -------------------------------------------------------------- */

/* The first seat at or after a place whose person's session goes on; NULL: no more. */
static seat *next_going(const nrbac_directory *directory, uint32_t *at)
{
    const table *in = table_of(directory);
    while (*at <= in->mask) {
        seat *s = seat_at(in, (*at)++);
        if (s != NULL && is_going(s))
            return s;
    }
    return NULL;
}

int64_t nr_directories_expire(nrbac_engine *engine, int64_t now)
{
    int64_t next = 0;
    for (nrbac_directory *d = engine->directories; d != NULL; d = d->next) {
        uint32_t at = 0;
        for (seat *s; (s = next_going(d, &at)) != NULL;) {
            int64_t expiry = nr_kept_expiry(s->kept);
            if (expiry != 0 && now >= expiry)
                stop(s);
            else
                next = nr_earliest(next, expiry);
        }
    }
    return next;
}

size_t nr_directories_end(nrbac_engine *engine, nr_means *means, const void *revocation)
{
    size_t ended = 0;
    for (nrbac_directory *d = engine->directories; d != NULL; d = d->next) {
        uint32_t at = 0;
        for (seat *s; (s = next_going(d, &at)) != NULL;) {
            nrbac_revocation names = nr_kept_names(s->kept);
            if (!means(revocation, &names))
                continue;
            stop(s);
            ended++;
        }
    }
    return ended;
}

/* ---- Creating, putting, removing ------------------------------------------------- */

nrbac_status nrbac_directory_create(nrbac_engine *engine, size_t users,
                                    nrbac_directory **out)
{
    *out = NULL;
    nrbac_directory *directory = users > UINT32_MAX / 4 ? NULL
                                                        : calloc(1, sizeof(*directory));
    if (directory == NULL)
        return NRBAC_E_MEMORY;
    directory->engine = engine;
    if (!grow_table(directory, users * 2)) {
        free(directory);
        return NRBAC_E_MEMORY;
    }
    pthread_mutex_lock(&engine->lock);
    uint32_t names = engine->current == NULL ? 1 : engine->current->target_count;
    directory->words = nr_bits_words(names);
    set_room(directory);
    directory->link = &engine->directories;
    directory->next = engine->directories;
    if (directory->next != NULL)
        directory->next->link = &directory->next;
    engine->directories = directory;
    pthread_mutex_unlock(&engine->lock);
    *out = directory;
    return NRBAC_OK;
}

void nrbac_directory_destroy(nrbac_directory *directory)
{
    if (directory == NULL)
        return;
    pthread_mutex_lock(&directory->engine->lock);
    *directory->link = directory->next;
    if (directory->next != NULL)
        directory->next->link = directory->link;
    pthread_mutex_unlock(&directory->engine->lock);
    const table *in = table_of(directory);
    for (uint32_t i = 0; i <= in->mask; i++)
        if (seat_at(in, i) != NULL)
            free(seat_at(in, i)->kept);
    for (block *b = directory->blocks, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    free(directory);
}

/* Locked. */
static nrbac_status put(nrbac_directory *directory, const char *user, size_t size,
                        nrbac_session *session)
{
    uint32_t words = 0;
    seat *s = seat_for(directory, user, size);
    const uint64_t *bits = s == NULL
                               ? NULL
                               : bits_of(directory->engine, nr_session_kept(session),
                                         (int64_t)time(NULL), &words);
    if (bits == NULL)
        return NRBAC_E_MEMORY;
    bool going = false;
    stop(s);
    free(s->kept);
    s->kept = nr_session_dissolve(session, &going);
    write_row(atomic_load_explicit(&s->bits, memory_order_relaxed), directory->words,
              bits, words);
    if (going)
        atomic_store_explicit(&s->turn, turn_of(s) + 1, memory_order_release);
    return NRBAC_OK;
}

nrbac_status nrbac_directory_put(nrbac_directory *directory, const char *user,
                                 size_t size, nrbac_session *session)
{
    nrbac_engine *engine = directory->engine;
    if (size == 0 || size > UINT32_MAX || nr_session_engine(session) != engine)
        return NRBAC_E_ARGUMENT;
    pthread_mutex_lock(&engine->lock);
    nrbac_status status = put(directory, user, size, session);
    nr_arena_reset(&engine->scratch);
    pthread_mutex_unlock(&engine->lock);
    return status;
}

bool nrbac_directory_remove(nrbac_directory *directory, const char *user, size_t size)
{
    if (size > UINT32_MAX)
        return false;
    pthread_mutex_lock(&directory->engine->lock);
    seat *s = find(directory, user, size);
    bool there = s != NULL && s->kept != NULL;
    if (there) {
        stop(s);
        free(s->kept);
        s->kept = NULL;
    }
    pthread_mutex_unlock(&directory->engine->lock);
    return there;
}
