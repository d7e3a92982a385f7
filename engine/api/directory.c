/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory: many sessions, found by their user's text. directory_inside.h says why
 * what is done here and in seats.c at once is safe.
 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "api/directory_inside.h"

#include "api/permits.h"

#include <stdlib.h>
#include <time.h>

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
    row rows = nr_directory_take(directory, directory->count * row_size(longer));
    if (rows != NULL)
        directory->late_words = longer;
    return rows;
}

void nr_directories_hold(nrbac_engine *engine)
{
    for (nrbac_directory *d = engine->directories; d != NULL; d = d->next)
        nr_seats_set_room(d);
}

static void reopen_directory(nrbac_directory *directory)
{
    int64_t clock = (int64_t)time(NULL);
    row rows = longer_rows(directory, row_words(directory));
    uint32_t at = 0;
    for (seat *s; (s = nr_seat_next(directory, &at)) != NULL;) {
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
    seat *s = nr_seat_next(directory, at);
    while (s != NULL && !is_going(s))
        s = nr_seat_next(directory, at);
    return s;
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
    if (!nr_seats_grow(directory, users * 4)) {
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
    uint32_t at = 0;
    for (seat *s; (s = nr_seat_next(directory, &at)) != NULL;) {
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
    seat *s = nr_seat_of(directory, user, size);
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
    seat *s = nr_seat_find(directory, user, size);
    bool there = s != NULL && back_of(s)->kept != NULL;
    if (there) {
        stop(s);
        free(back_of(s)->kept);
        back_of(s)->kept = NULL;
    }
    pthread_mutex_unlock(&directory->engine->lock);
    return there;
}
