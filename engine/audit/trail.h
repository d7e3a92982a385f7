/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a trail, in batches: whatever is in a batch is recorded as a whole or not at
 * all, with one wait for the disk.
 *
 *   nr_trail_open                          locks, brings up to date, checks the end
 *   nr_trail_begin, nr_trail_append ...    a batch
 *   nr_trail_commit                        from here on it is recorded
 *
 * A batch that fails is undone at once: nothing of it is there, the numbers it would
 * have had go to the next one, and any later batch may succeed, since the cause is
 * looked at anew each time. The caller keeps its records until commit says OK.
 *
 * Around one trail lie, beside its file NAME:
 *
 *   NAME-wal, NAME-shm   SQLite's; copy them along, or close the trail first
 *   NAME.key             the key, if none is given
 *   NAME.lock            locked as long as somebody writes the trail
 *   NAME.reserve         space kept for when there is no other
 *
 * One thread uses a trail. Readers (audit/reader.h) are elsewhere, and never in the way.
 */
#ifndef NR_TRAIL_H
#define NR_TRAIL_H

#include "audit/key.h"

typedef struct nr_trail nr_trail; /* opaque */

/* Where the time comes from: µs since 1970 UTC. Zeroed: the system's clock. */
typedef struct nr_trail_clock {
    int64_t (*now)(void *context);
    void *context;
} nr_trail_clock;

enum {
    NR_CHECKPOINT_RECORDS = 65536,
    NR_CHECKPOINT_SECONDS = 60,
    NR_RESERVE_BYTES = 16 * 1024 * 1024,
    NR_LOW_BYTES = 256 * 1024 * 1024,
};

/* Zero or NULL stands for the value in brackets. Texts are borrowed for the call. */
typedef struct nr_trail_options {
    const char *path;            /* made if it is not there */
    const char *key_path;        /* [path + ".key"]; made with a new trail alone */
    const char *checkpoint_path; /* each checkpoint is added to this file [none] */
    uint32_t checkpoint_records; /* a checkpoint after so many records, [65,536] */
    uint32_t checkpoint_seconds; /* or so many seconds with any, [60], and at closing */
    uint64_t reserve_bytes;      /* kept free in advance [16 MiB] */
    uint64_t low_bytes;          /* `low` from less free space than this [256 MiB] */
    nr_trail_clock clock;
    const char *vfs; /* SQLite's name for a file system [its default]; for tests */
} nr_trail_options;

/* Opens a trail for writing. The caller owns *out. Whatever a power cut or a kill left
 * is brought in order, and the records since the last checkpoint (with a checkpoint
 * file, since its last line too) are held against it: CORRUPT names the first one that
 * is not as it was written. LOCKED: another daemon writes it. MISSING: the trail is
 * there and its key is not. *error (may be NULL) says what and what to do. */
nr_trail_status nr_trail_open(const nr_trail_options *options, nr_trail **out,
                              nrbac_error *error);
/* Signs a last checkpoint and closes; OK, or what kept it from that (the records are
 * safe all the same). A batch that is open is undone. NULL is fine. */
nr_trail_status nr_trail_close(nr_trail *trail);

/* ---- Batches ----------------------------------------------------------------------- */

/* What a commit promises:
 *
 *   SYNC      it is on disk: neither a kill nor a power cut takes it away
 *   BATCHED   the system has it: no kill takes it away, but a power cut or a crash of
 *             the system may, until nr_trail_sync() or the next batch with SYNC
 *   URGENT    as SYNC, and may use the reserve: for the few records that say why no
 *             others follow
 */
typedef enum nr_durability {
    NR_SYNC = 0,
    NR_BATCHED,
    NR_URGENT,
} nr_durability;

/* Begins a batch. While the reserve is spent, and has not been laid in again, every
 * batch but an URGENT one is FULL. */
nr_trail_status nr_trail_begin(nr_trail *trail, nr_durability durability);

/* Keeps the image of a policy, once; must come before the first record that names it,
 * in the same batch or an earlier one. ARGUMENT: the digest is not this image's. */
nr_trail_status nr_trail_keep_policy(nr_trail *trail,
                                     const uint8_t digest[NR_DIGEST_SIZE],
                                     const void *image, size_t size);

/* Within a batch: OK, or MISSING if this policy was not kept. Any other status has undone
 * the batch. */
nr_trail_status nr_trail_has_policy(nr_trail *trail,
                                    const uint8_t digest[NR_DIGEST_SIZE]);

/* Adds a record. ARGUMENT: without an event, of a policy that was not kept, or with
 * circumstances that are not sealed. Any other status than OK has undone the batch. */
nr_trail_status nr_trail_append(nr_trail *trail, const nr_record *record);

/* Commits. OK: the records of the batch have the numbers *first, *first + 1, ... in the
 * order in which they were added (`first` may be NULL). AGAIN: there was no space, the
 * reserve was given back for this, and the same batch should be done again now, with
 * the same durability; it is told once. All others: nothing of the batch is there. */
nr_trail_status nr_trail_commit(nr_trail *trail, uint64_t *first);

/* Undoes an open batch; without one it does nothing. */
void nr_trail_undo(nr_trail *trail);

/* Brings what BATCHED commits left with the system to the disk. Who uses BATCHED calls
 * this as often as its bound says: at most what was committed since is at risk. Between
 * batches; ARGUMENT inside one. */
nr_trail_status nr_trail_sync(nr_trail *trail);

/* For whenever there is nothing to do, a few times a second: a checkpoint that is due,
 * the reserve if it can be laid in again, the free space. */
nr_trail_status nr_trail_tend(nr_trail *trail);

/* ---- Retention ---------------------------------------------------------------------- */

/* Drops records from the beginning of the trail up to the first one that is not older
 * than `before` (µs), at most `limit` of them, and signs up to where. What they alone
 * referred to goes too, soon after. One batch with a record of its own (`pruned`), so
 * that the caller chooses the limit by how long decisions may wait: dropping costs a
 * few µs a record. *dropped says how many; 0: nothing is old enough. */
nr_trail_status nr_trail_prune(nr_trail *trail, int64_t before, uint64_t limit,
                               uint64_t *dropped);

/* The same by age: what is older than `keep` (µs, more than 0) by the clock and by the
 * trail, which must have gone on for so long since. Of that, a time without records
 * counts for no more than a week, or an eighth of `keep` if that is less. So a clock
 * that is wrong, also since the machine came up, drops nothing much younger, and what
 * lies before a time when the daemon was off is kept longer by the rest of that time.
 * `held` of the state says whether anything is kept for that reason alone. */
nr_trail_status nr_trail_expire(nr_trail *trail, int64_t keep, uint64_t limit,
                                uint64_t *dropped);

/* ---- About it ------------------------------------------------------------------------ */

typedef struct nr_trail_state {
    nr_head head;            /* the last record committed */
    uint64_t first;          /* the oldest one that is still there; 0: none is */
    uint64_t checkpoint;     /* up to where the last checkpoint goes */
    uint64_t synced;         /* up to where it is known to be on disk */
    nr_trail_status trouble; /* what the last batch met with; OK: it was committed */
    uint64_t failures;       /* batches undone by the world, since opening */
    uint64_t free_bytes;     /* left for us in the file system, when last looked */
    bool low;                /* free_bytes is under the mark: alarm */
    bool reserve_spent;      /* there is no reserve: refusals are next, or here */
    bool unpublished;        /* the checkpoint file is behind: it cannot be written */
    bool held;               /* some are too old by the clock, and not by the trail */
} nr_trail_state;

void nr_trail_look(const nr_trail *trail, nr_trail_state *state);

/* The trail's own; valid while it is open, for any thread. */
const nr_key *nr_trail_key(const nr_trail *trail);

#endif
