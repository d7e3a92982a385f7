/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a trail, also while a daemon writes it. A reader changes nothing, and never
 * holds the writer up: it reads in short steps, each of which sees a whole number of
 * batches.
 *
 *   nr_reader_open
 *   nr_reader_find, nr_reader_next ...     records in their order, by a filter
 *   nr_reader_close
 *
 * What is read may be damaged or made by an enemy; it is treated so. One thread at a
 * time uses a reader; any number of readers may read a trail.
 */
#ifndef NR_READER_H
#define NR_READER_H

#include "audit/record.h"

typedef struct nr_reader nr_reader; /* opaque */

/* Opens a trail for reading; a copy on a read-only file system too. The caller owns
 * *out. MISSING, CORRUPT (also: no trail at all), VERSION, IO, LOCKED, MEMORY; *error
 * (may be NULL) says what. */
nr_trail_status nr_reader_open(const char *path, nr_reader **out, nrbac_error *error);
void nr_reader_close(nr_reader *reader); /* NULL is fine */

/* ---- Records ------------------------------------------------------------------------ */

/* What is asked for. Zeroed: everything. All that is stated must hold; texts are
 * compared as they are, and borrowed until the finding ends. */
typedef struct nr_filter {
    const char *user, *role_profile, *role, *organisation, *application;
    const char *action;  /* an activity or a function */
    const char *api;     /* operations of it */
    const char *patient; /* as recorded */
    nr_event event;      /* NR_EVENT_NONE: any */
    bool decisions;      /* decisions alone */
    bool by_effect;      /* those with this effect (decisions alone) */
    nrbac_effect effect;
    bool by_reason; /* those with this reason (decisions alone) */
    nrbac_reason reason;
    int64_t from, to;  /* µs: from <= at < to; 0: no bound */
    uint64_t after;    /* seq > after */
    uint64_t up_to;    /* seq <= up_to; 0: to the end as it is when asked */
    uint64_t limit;    /* at most so many; 0: all */
    bool newest_first; /* from the end backwards */
} nr_filter;

/* Begins to find; what was being found before ends. */
nr_trail_status nr_reader_find(nr_reader *reader, const nr_filter *filter);
/* The next one, borrowed until the next call on the reader. MISSING: there are no more
 * (to follow a trail, find again with `after`). Equal circumstances have an equal
 * digest, so that a program may keep what it made of them. */
nr_trail_status nr_reader_next(nr_reader *reader, nr_entry *entry);

/* One record by its number; MISSING: there is none, or no longer. Ends a finding. */
nr_trail_status nr_reader_get(nr_reader *reader, uint64_t seq, nr_entry *entry);
/* The hash before it, to which its own is tied. MISSING as above. */
nr_trail_status nr_reader_before(nr_reader *reader, uint64_t seq,
                                 uint8_t hash[NR_DIGEST_SIZE]);

/* ---- Policies ----------------------------------------------------------------------- */

/* The image of a policy, for nrbac_engine_load_image(); the caller frees *image. The
 * image is what its digest says, or the status is CORRUPT. MISSING: it is not there. */
nr_trail_status nr_reader_policy(nr_reader *reader,
                                 const uint8_t digest[NR_DIGEST_SIZE], void **image,
                                 size_t *size);
/* The digests of all policies that are kept, in the order of arrival; the caller frees
 * *digests, one after the other. */
nr_trail_status nr_reader_policies(nr_reader *reader, uint8_t **digests, size_t *count);

/* ---- About it ----------------------------------------------------------------------- */

typedef struct nr_trail_stats {
    uint8_t id[NR_TRAIL_ID_SIZE];
    uint8_t key[NR_DIGEST_SIZE]; /* its public key */
    uint64_t first, last;        /* seq; 0: there are none */
    int64_t first_at, last_at;   /* of these two, µs */
    uint64_t checkpoint;         /* up to where the last one goes; 0: there is none */
    uint64_t pruned;             /* up to where records were dropped; 0: none were */
    uint64_t circumstances, texts, policies, checkpoints; /* how many are kept */
    uint64_t bytes;                                       /* of the file */
} nr_trail_stats;

nr_trail_status nr_reader_stats(nr_reader *reader, nr_trail_stats *stats);

/* Why the last call on the reader failed, in one sentence; "" if it did not. */
const char *nr_reader_error(const nr_reader *reader);

#endif
