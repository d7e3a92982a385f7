/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that lie beside a trail: its lock, its reserve, and the file that its
 * checkpoints are added to. None of them holds records.
 */
#ifndef NR_BESIDE_H
#define NR_BESIDE_H

#include "audit/statement.h"

/* An open file that is locked for us as long as it is open; -1 with errno, which is
 * EWOULDBLOCK if somebody else has it. */
int nr_lock_take(const char *path);

/* ---- Reserve ------------------------------------------------------------------------ */

/* Space that the file system has given us, and that can be given back at once. */
typedef struct nr_reserve {
    int fd; /* -1: none */
    uint64_t size;
    bool spent;       /* it is not there */
    int64_t tried_at; /* µs; when laying it in was tried last */
} nr_reserve;

/* False with errno: the file cannot be made. Without room the reserve begins spent. */
bool nr_reserve_open(nr_reserve *reserve, const char *path, uint64_t size);
void nr_reserve_close(nr_reserve *reserve); /* the space stays ours */
/* Gives the space back. */
void nr_reserve_spend(nr_reserve *reserve);
/* Lays it in again, trying at most once a second. True: it is there. */
bool nr_reserve_restore(nr_reserve *reserve, int64_t now);
/* What the file system of the reserve has left for us; UINT64_MAX: it does not say. */
uint64_t nr_reserve_free_bytes(const nr_reserve *reserve);

/* ---- Published checkpoints ------------------------------------------------------------- */

/* Adds a line, on disk; false with errno. What a cut left without a line end is ended
 * first. */
bool nr_published_add(const char *path, const char *line);

/* Calls for each line of the file, in its order; `each` returns false to stop. A line
 * need not be a statement, since a power cut may have left a piece of one; without a
 * line end it does not count at all. MISSING: no file; IO. */
typedef bool nr_published_each(void *context, const char *line);
nr_trail_status nr_published_read(const char *path, nr_published_each *each,
                                  void *context);

#endif
