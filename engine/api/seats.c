/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seats of a directory: each user has one, found in a table of places, and a check is
 * made where the user sits.
 *
 * A seat's key is written before the seat is seen, and never again; a larger table holds
 * the same seats, and the smaller one is kept. So a check that finds a seat has found its
 * user, whatever happens meanwhile.
 *
 * A seat is the front of a slab's place (api/slab.h): a key, and bits behind it, with
 * nearly all that a check reads in one cache line. Seats begin lines, so the lower bits
 * of their addresses are free, and a place has some of the key's hash there. Of the two
 * places where a key is likely to be found a check takes the one that agrees with the
 * hash, without a branch, and what it finds there is nearly always the user.
 */
#include "api/directory_inside.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_PLACES = 64,
    TAG_BITS = 6,
    TAGS = 1 << TAG_BITS,
};

_Static_assert((int)NR_LINE_SIZE >= (int)TAGS, "an address has room for a tag");

/* The first and the last eight bytes of a text, which are all of it up to 16; up to 7
 * the packed text; of a longer one the hash, and then the text is compared. */
typedef struct key {
    uint64_t first, last;
    uint32_t size;
} key;

enum { SEAT_HEAD = offsetof(seat, bits) };

/* An address of a seat, or of nobody's, and a tag in its lower bits. */
typedef char *place;

struct seat_table {
    uint32_t shift; /* of nr_spread, to a place's number and its tag */
    uint32_t mask;  /* a power of two places, at least four times the seats, less one */
    _Atomic(place) places[]; /* and the first one again behind the last */
};

void *nr_directory_take(nrbac_directory *directory, size_t size)
{
    block *taken = size > SIZE_MAX / 2 ? NULL : calloc(1, sizeof(*taken) + size);
    if (taken == NULL)
        return NULL;
    taken->next = directory->blocks;
    directory->blocks = taken;
    return taken->bytes;
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
static inline uint64_t spread(const seat_table *in, uint64_t first, uint64_t last)
{
    return nr_spread(first + (last << 3), in->shift);
}

static inline seat *seat_of(place at)
{
    return (void *)(at - ((uintptr_t)at & (TAGS - 1)));
}

static inline place place_at(const seat_table *in, uint64_t number)
{
    return atomic_load_explicit(&in->places[number], memory_order_acquire);
}

/* Where this key probably is. */
static inline const seat *guess(const seat_table *in, key k)
{
    uint64_t hash = spread(in, k.first, k.last);
    place one = place_at(in, hash >> TAG_BITS);
    place next = place_at(in, (hash >> TAG_BITS) + 1);
    return seat_of((((uintptr_t)one ^ hash) & (TAGS - 1)) == 0 ? one : next);
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

seat *nr_seat_find(const nrbac_directory *directory, const char *text, size_t size)
{
    key k = key_of(text, size);
    const seat_table *in = atomic_load_explicit(&directory->table,
                                                memory_order_acquire);
    uint64_t first = spread(in, k.first, k.last) >> TAG_BITS;
    for (uint64_t i = first;; i = (i + 1) & in->mask) {
        seat *s = seat_of(place_at(in, i));
        if (s == &nobody)
            return NULL;
        if (has_text(s, k, text))
            return s;
    }
}

/* ---- Checking -------------------------------------------------------------------- */

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
    const seat *s = size > UINT32_MAX ? NULL : nr_seat_find(directory, user, size);
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

/* ---- Places ---------------------------------------------------------------------- */

static bool has_long_key(const seat *s)
{
    return turn_of(s) % EMPTY == LONG_KEY;
}

static seat_table *table_of(const nrbac_directory *directory)
{
    return atomic_load_explicit(&directory->table, memory_order_relaxed);
}

/* NULL: nobody is there. */
static seat *seat_at(const seat_table *in, uint64_t number)
{
    place at = atomic_load_explicit(&in->places[number], memory_order_relaxed);
    return seat_of(at) == &nobody ? NULL : seat_of(at);
}

seat *nr_seat_next(const nrbac_directory *directory, uint32_t *at)
{
    const seat_table *in = table_of(directory);
    seat *s = NULL;
    while (s == NULL && *at <= in->mask)
        s = seat_at(in, (*at)++);
    return s;
}

static void set_place(seat_table *in, uint64_t number, seat *s, uint64_t tag)
{
    place at = (char *)s + tag;
    atomic_store_explicit(&in->places[number], at, memory_order_release);
    if (number == 0)
        atomic_store_explicit(&in->places[in->mask + 1u], at, memory_order_release);
}

static void put_into_place(seat_table *in, seat *s)
{
    uint64_t hash = spread(in, s->first, has_long_key(s) ? 0 : s->last);
    uint64_t i = hash >> TAG_BITS;
    while (seat_at(in, i) != NULL)
        i = (i + 1) & in->mask;
    set_place(in, i, s, hash & (TAGS - 1));
}

bool nr_seats_grow(nrbac_directory *directory, size_t places)
{
    size_t count = FIRST_PLACES;
    while (count < places)
        count *= 2;
    if (count > UINT32_MAX / 2)
        return false;
    const seat_table *last = table_of(directory);
    seat_table *larger = nr_directory_take(directory, sizeof(*larger) +
                                                          (count + 1) * sizeof(place));
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

/* ---- Seats ----------------------------------------------------------------------- */

void nr_seats_set_room(nrbac_directory *directory)
{
    uint32_t room = nr_engine_is_stopped(directory->engine)
                        ? 0
                        : directory->words * ROW_BITS;
    atomic_store_explicit(&directory->room, room, memory_order_release);
}

/* Seats have room for the names that there are when the first one is made. */
static void set_words(nrbac_directory *directory)
{
    size_t size = nr_slab_front_size(SEAT_HEAD + row_size(row_words(directory)));
    directory->words = (uint32_t)((size - SEAT_HEAD) / sizeof(uint32_t));
    nr_seats_set_room(directory);
}

/* An empty seat, which nobody sees yet. */
static seat *make_seat(nrbac_directory *directory, const char *text, size_t key_size)
{
    key k = key_of(text, key_size);
    char *copy = NULL;
    row late = NULL;
    if (directory->words == 0)
        set_words(directory);
    if (k.size > KEY_IN_LINE_MAX &&
        (copy = nr_directory_take(directory, k.size)) == NULL)
        return NULL;
    if (directory->late_words != 0 &&
        (late = nr_directory_take(directory, row_size(directory->late_words))) == NULL)
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

seat *nr_seat_of(nrbac_directory *directory, const char *user, size_t size)
{
    seat *s = nr_seat_find(directory, user, size);
    if (s != NULL)
        return s;
    if (directory->count > table_of(directory)->mask / 4 &&
        !nr_seats_grow(directory, ((size_t)table_of(directory)->mask + 1) * 2))
        return NULL;
    s = make_seat(directory, user, size);
    if (s == NULL)
        return NULL;
    put_into_place(table_of(directory), s);
    directory->count++;
    return s;
}
