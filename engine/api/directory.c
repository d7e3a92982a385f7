/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory: many sessions, found by their user's text.
 *
 * Whoever checks takes no lock, so nothing that a check can meet goes away before the
 * directory does. Each user has a seat, found in a table of places. A seat's key is
 * written before the seat is seen, and never again; a seat stays where it is; a larger
 * table holds the same seats, and the smaller one is kept. So a check that finds a seat
 * has found its user, whatever happens meanwhile.
 *
 * A seat is the front of a slab's place (api/slab.h): a key, and bits behind it, with
 * nearly all that a check reads in one cache line. Seats begin lines, so the lower bits
 * of their addresses are free, and a place has some of the key's hash there. Of the two
 * places where a key is likely to be found a check takes the one that agrees with the
 * hash, without a branch, and what it finds there is nearly always the user.
 *
 * What changes is atomic and is written under the engine's lock:
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
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "api/kept.h"
#include "api/permits.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FIRST_PLACES = 64,
    KEY_IN_LINE_MAX = 16,
    TAG_BITS = 6,
    TAGS = 1 << TAG_BITS,
    ROW_BITS = 32, /* of a word of a row */
};

/* A turn: in the lowest bits the key's size, so that both are compared at once. */
enum {
    LONG_KEY = 31, /* for any size of more than KEY_IN_LINE_MAX */
    EMPTY = 32,
    ONE_TURN = 64,
};

_Static_assert((int)NR_LINE_SIZE >= (int)TAGS, "an address has room for a tag");

typedef _Atomic uint32_t *row;

/* The first and the last eight bytes of a text, which are all of it up to 16; up to 7
 * the packed text; of a longer one the hash, and then the text is compared. */
typedef struct key {
    uint64_t first, last;
    uint32_t size;
} key;

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

enum { SEAT_HEAD = offsetof(seat, bits) };

/* What a check seldom reads of a seat. */
typedef struct back {
    nr_kept *kept; /* NULL: nobody; under the engine's lock */
    _Atomic(row) late;
    uint32_t size; /* of the key */
} back;

/* An address of a seat, or of nobody's, and a tag in its lower bits. */
typedef char *place;

typedef struct table {
    uint32_t shift; /* of nr_spread, to a place's number and its tag */
    uint32_t mask;  /* a power of two places, at least four times the seats, less one */
    _Atomic(place) places[]; /* and the first one again behind the last */
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
    _Atomic uint32_t room, late_room; /* in names */
    /* The rest under the engine's lock. */
    uint32_t count;      /* of seats */
    uint32_t words;      /* of a seat; 0: there is none yet */
    uint32_t late_words; /* of a late row */
    nr_slabs seats;
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

static back *back_of(const seat *s)
{
    return nr_slab_back(s);
}

/* ---- Finding --------------------------------------------------------------------- */

/* Whose key no text has; never written. */
static alignas(NR_LINE_SIZE) seat nobody;

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

/* A place's number, and below it TAG_BITS more of the hash. Keys of up to 16 bytes that
 * count something, as most do, get in each other's way no more than chance would have it. */
static inline uint64_t spread(const table *in, uint64_t first, uint64_t last)
{
    return nr_spread(first + (last << 3), in->shift);
}

static inline seat *seat_of(place at)
{
    return (void *)(at - ((uintptr_t)at & (TAGS - 1)));
}

static inline place place_at(const table *in, uint64_t number)
{
    return atomic_load_explicit(&in->places[number], memory_order_acquire);
}

/* Where this key probably is. */
static inline const seat *guess(const table *in, key k)
{
    uint64_t hash = spread(in, k.first, k.last);
    place one = place_at(in, hash >> TAG_BITS);
    place next = place_at(in, (hash >> TAG_BITS) + 1);
    return seat_of((((uintptr_t)one ^ hash) & (TAGS - 1)) == 0 ? one : next);
}

static uint32_t turn_of(const seat *s)
{
    return atomic_load_explicit(&s->turn, memory_order_acquire);
}

static bool has_text(const seat *s, key k, const char *text)
{
    if (s->first != k.first)
        return false;
    uint32_t size = turn_of(s) % EMPTY;
    if (k.size <= KEY_IN_LINE_MAX)
        return size == k.size && s->last == k.last;
    return size == LONG_KEY && back_of(s)->size == k.size &&
           memcmp(s->text, text, k.size) == 0;
}

/* The seat of a text; NULL: there never was one. */
static seat *find(const nrbac_directory *directory, const char *text, size_t size)
{
    key k = key_of(text, size);
    const table *in = atomic_load_explicit(&directory->table, memory_order_acquire);
    uint64_t first = spread(in, k.first, k.last) >> TAG_BITS;
    for (uint64_t i = first;; i = (i + 1) & in->mask) {
        seat *s = seat_of(place_at(in, i));
        if (s == &nobody)
            return NULL;
        if (has_text(s, k, text))
            return s;
    }
}

/* One load of a bit, before which the turn was read, and the turn again. */
static inline bool has_bit(const seat *s, uint32_t turn, const _Atomic uint32_t *bits,
                           uint32_t number)
{
    uint32_t word = atomic_load_explicit(&bits[number / ROW_BITS],
                                         memory_order_acquire);
    return turn == atomic_load_explicit(&s->turn, memory_order_relaxed) &&
           (word >> (number % ROW_BITS) & 1) != 0;
}

/* For a number that the seat has no room for: a late one, or the engine is stopped. */
NR_APART static bool permits_late(const nrbac_directory *directory, const seat *s,
                                  uint32_t turn, nrbac_name number)
{
    uint32_t room = atomic_load_explicit(&directory->room, memory_order_acquire);
    uint32_t late = atomic_load_explicit(&directory->late_room, memory_order_acquire);
    if (room == 0 || number < room || number - room >= late)
        return false;
    const _Atomic uint32_t *bits = atomic_load_explicit(&back_of(s)->late,
                                                        memory_order_acquire);
    return has_bit(s, turn, bits, number - room);
}

/* The turn is not EMPTY. */
static inline bool permits(const nrbac_directory *directory, const seat *s,
                           uint32_t turn, nrbac_name number)
{
    if (number >= atomic_load_explicit(&directory->room, memory_order_acquire))
        return permits_late(directory, s, turn, number);
    return has_bit(s, turn, s->bits, number);
}

NR_APART static bool check_user(const nrbac_directory *directory, const char *user,
                                size_t size, nrbac_name number)
{
    const seat *s = size > UINT32_MAX ? NULL : find(directory, user, size);
    if (s == NULL)
        return false;
    uint32_t turn = turn_of(s);
    return (turn & EMPTY) == 0 && permits(directory, s, turn, number);
}

NR_APART static bool check_any(const nrbac_directory *directory, const char *user,
                               size_t user_size, const char *name, size_t name_size)
{
    return check_user(directory, user, user_size,
                      nr_engine_name_of(directory->engine, name, name_size));
}

/* In line for activity codes and users of 8 to 16 bytes who are where they probably
 * are. */
bool nrbac_directory_check(const nrbac_directory *directory, const char *user,
                           size_t user_size, const char *name, size_t name_size)
{
    uint32_t digits = nr_code_digits(name, name_size);
    if (digits == NR_NONE)
        return check_any(directory, user, user_size, name, name_size);
    nrbac_name number = nr_engine_code_of(directory->engine, digits);
    if (!is_key_in_line(user_size))
        return check_user(directory, user, user_size, number);
    key k = key_in_line(user, user_size);
    const seat *s = guess(atomic_load_explicit(&directory->table, memory_order_acquire),
                          k);
    uint32_t turn = turn_of(s);
    if (turn % ONE_TURN != k.size || s->last != k.last || s->first != k.first)
        return check_user(directory, user, user_size, number);
    return permits(directory, s, turn, number);
}

/* ---- Seats ----------------------------------------------------------------------- */

static bool is_going(const seat *s)
{
    return (turn_of(s) & EMPTY) == 0;
}

static void stop(seat *s)
{
    atomic_store_explicit(&s->turn, turn_of(s) | EMPTY, memory_order_release);
}

/* A stopped one. */
static void go(seat *s)
{
    atomic_store_explicit(&s->turn, turn_of(s) - EMPTY + ONE_TURN,
                          memory_order_release);
}

static bool has_long_key(const seat *s)
{
    return turn_of(s) % EMPTY == LONG_KEY;
}

static table *table_of(const nrbac_directory *directory)
{
    return atomic_load_explicit(&directory->table, memory_order_relaxed);
}

/* NULL: nobody is there. */
static seat *seat_at(const table *in, uint64_t number)
{
    place at = atomic_load_explicit(&in->places[number], memory_order_relaxed);
    return seat_of(at) == &nobody ? NULL : seat_of(at);
}

static void set_place(table *in, uint64_t number, seat *s, uint64_t tag)
{
    place at = (char *)s + tag;
    atomic_store_explicit(&in->places[number], at, memory_order_release);
    if (number == 0)
        atomic_store_explicit(&in->places[in->mask + 1u], at, memory_order_release);
}

static void put_into_place(table *in, seat *s)
{
    uint64_t hash = spread(in, s->first, has_long_key(s) ? 0 : s->last);
    uint64_t i = hash >> TAG_BITS;
    while (seat_at(in, i) != NULL)
        i = (i + 1) & in->mask;
    set_place(in, i, s, hash & (TAGS - 1));
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
    table *larger = take(directory, sizeof(*larger) + (count + 1) * sizeof(place));
    if (larger == NULL)
        return false;
    larger->shift = nr_spread_shift(count) - TAG_BITS;
    larger->mask = (uint32_t)count - 1;
    for (uint32_t i = 0; i <= larger->mask; i++)
        set_place(larger, i, &nobody, 0);
    for (uint32_t i = 0; last != NULL && i <= last->mask; i++) {
        seat *s = seat_at(last, i);
        if (s != NULL)
            put_into_place(larger, s);
    }
    atomic_store_explicit(&directory->table, larger, memory_order_release);
    return true;
}

/* Nobody has room while the engine is stopped. */
static void set_room(nrbac_directory *directory)
{
    uint32_t room = nr_engine_is_stopped(directory->engine)
                        ? 0
                        : directory->words * ROW_BITS;
    atomic_store_explicit(&directory->room, room, memory_order_release);
}

/* For the names of the policy in force. */
static uint32_t row_words(const nrbac_directory *directory)
{
    return (directory->engine->current->target_count + ROW_BITS - 1) / ROW_BITS;
}

static size_t row_size(uint32_t words)
{
    return words * sizeof(uint32_t);
}

/* Seats have room for the names that there are when the first one is made. */
static void set_words(nrbac_directory *directory)
{
    size_t size = nr_slab_front_size(SEAT_HEAD + row_size(row_words(directory)));
    directory->words = (uint32_t)((size - SEAT_HEAD) / sizeof(uint32_t));
    set_room(directory);
}

/* An empty seat, which nobody sees yet. */
static seat *make_seat(nrbac_directory *directory, const char *text, size_t key_size)
{
    key k = key_of(text, key_size);
    char *copy = NULL;
    row late = NULL;
    if (directory->words == 0)
        set_words(directory);
    if (k.size > KEY_IN_LINE_MAX && (copy = take(directory, k.size)) == NULL)
        return NULL;
    if (directory->late_words != 0 &&
        (late = take(directory, row_size(directory->late_words))) == NULL)
        return NULL;
    seat *s = nr_slabs_take(&directory->seats, SEAT_HEAD + row_size(directory->words));
    if (s == NULL)
        return NULL;
    atomic_init(&s->turn, EMPTY + (copy == NULL ? k.size : (uint32_t)LONG_KEY));
    s->first = k.first;
    if (copy == NULL)
        s->last = k.last;
    else
        s->text = memcpy(copy, text, k.size);
    back_of(s)->kept = NULL;
    back_of(s)->size = k.size;
    atomic_init(&back_of(s)->late, late);
    return s;
}

/* The user's seat, made if need be. NULL: out of memory. */
static seat *seat_for(nrbac_directory *directory, const char *user, size_t size)
{
    seat *s = find(directory, user, size);
    if (s != NULL)
        return s;
    if (directory->count > table_of(directory)->mask / 4 &&
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

/* Words from `from` on; what there is no room for is not permitted. */
static void write_bits(row to, uint32_t room, const uint64_t *bits, uint32_t words,
                       uint32_t from)
{
    for (uint32_t w = 0; w < room; w++) {
        uint32_t at = from + w;
        uint64_t both = bits != NULL && at / 2 < words ? bits[at / 2] : 0;
        atomic_store_explicit(&to[w], (uint32_t)(both >> at % 2 * ROW_BITS),
                              memory_order_release);
    }
}

/* NULL bits: nothing is permitted. */
static void write_seat(const nrbac_directory *directory, seat *s, row late,
                       const uint64_t *bits, uint32_t words)
{
    write_bits(s->bits, directory->words, bits, words, 0);
    write_bits(late, directory->late_words, bits, words, directory->words);
    atomic_store_explicit(&back_of(s)->late, late, memory_order_release);
}

static row late_row(const seat *s)
{
    return atomic_load_explicit(&back_of(s)->late, memory_order_relaxed);
}

static void reopen_seat(nrbac_directory *directory, seat *s, row late, int64_t clock)
{
    uint32_t words = 0;
    const uint64_t *bits = NULL;
    if (is_going(s)) {
        bits = bits_of(directory->engine, back_of(s)->kept, clock, &words);
        if (bits == NULL)
            stop(s);
    }
    write_seat(directory, s, late, bits, words);
    nr_arena_reset(&directory->engine->scratch);
}

/* Longer rows for every seat there is, if the policy has more names than there is room
 * for; NULL: there is room, or no memory for more. */
static row longer_rows(nrbac_directory *directory, uint32_t words)
{
    if (directory->count == 0 || words <= directory->words + directory->late_words)
        return NULL;
    uint32_t longer = directory->late_words + directory->late_words / 2;
    if (longer < words - directory->words)
        longer = words - directory->words;
    row rows = take(directory, directory->count * row_size(longer));
    if (rows != NULL)
        directory->late_words = longer;
    return rows;
}

void nr_directories_hold(nrbac_engine *engine)
{
    for (nrbac_directory *d = engine->directories; d != NULL; d = d->next)
        set_room(d);
}

static void reopen_directory(nrbac_directory *directory)
{
    int64_t clock = (int64_t)time(NULL);
    row rows = longer_rows(directory, row_words(directory));
    const table *in = table_of(directory);
    for (uint32_t i = 0; i <= in->mask; i++) {
        seat *s = seat_at(in, i);
        if (s == NULL)
            continue;
        reopen_seat(directory, s, rows == NULL ? late_row(s) : rows, clock);
        if (rows != NULL)
            rows += directory->late_words;
    }
    atomic_store_explicit(&directory->late_room, directory->late_words * ROW_BITS,
                          memory_order_release);
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
            int64_t expiry = nr_kept_expiry(back_of(s)->kept);
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
            nrbac_revocation names = nr_kept_names(back_of(s)->kept);
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
    directory->seats.back_size = sizeof(back);
    if (!grow_table(directory, users * 4)) {
        free(directory);
        return NRBAC_E_MEMORY;
    }
    pthread_mutex_lock(&engine->lock);
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
    for (uint32_t i = 0; i <= in->mask; i++) {
        seat *s = seat_at(in, i);
        if (s == NULL)
            continue;
        free(back_of(s)->kept);
        nr_slabs_give(&directory->seats, s);
    }
    nr_slabs_finish(&directory->seats);
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
    free(back_of(s)->kept);
    back_of(s)->kept = nr_session_dissolve(session, &going);
    write_seat(directory, s, late_row(s), bits, words);
    if (going)
        go(s);
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
    bool there = s != NULL && back_of(s)->kept != NULL;
    if (there) {
        stop(s);
        free(back_of(s)->kept);
        back_of(s)->kept = NULL;
    }
    pthread_mutex_unlock(&directory->engine->lock);
    return there;
}
