/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit ring: memory that one program, with all its threads, shares with the daemon.
 * The program writes what it decides, the daemon takes it into its trail; neither asks
 * the kernel for anything.
 *
 *   reserved   how many places there have been; place p lies in cell p % NR_RING_PLACES
 *   turn       of a cell; p + 1: the entry that begins at place p is there, whole
 *   taken      the daemon's: all places before it are in the trail
 *
 * An entry takes as many places in a row as it needs. A thread reserves them by one
 * compare-and-swap, only if they are free (never more than NR_RING_PENDING places wait to
 * be taken), writes, and publishes by a release store of the first one's turn; only then
 * may it act on its decision. The daemon takes entries in order, and moves `taken` on by
 * a release store when their records are committed. tests/model/ring.pml has it as a
 * model.
 *
 * Half of the ring is history. An entry may refer to one that began at most
 * NR_RING_PENDING places before it: that one is still there as it was written, since the
 * writer never gets further ahead of what waits. So the memory alone, without anything
 * that a daemon remembered, tells all of what waits in it, and another daemon can go on
 * from a copy of it.
 *
 * The daemon trusts nothing here: it copies an entry out, word by word, and then looks at
 * the copy.
 */
#ifndef NR_RING_H
#define NR_RING_H

#include "base/base.h"

#include <assert.h>
#include <stdatomic.h>

enum {
    NR_RING_VERSION = 1,
    NR_RING_PLACES = 8192,
    NR_RING_PENDING = NR_RING_PLACES / 2,
    NR_RING_WORDS =
        31, /* of a place, beside its turn; the first of an entry is its size */
    NR_RING_ENTRY_MAX = 256 << 10, /* bytes */
    /* Of an entry's flags, beside those of nrbac_record: whoever decided waits until
     * `taken` has passed it, and that shall mean that it is on disk. */
    NR_RING_FIRST = 1 << 16,
};

#define NR_RING_MAGIC "nrbac\r\nR" /* 8 bytes */

typedef struct nr_ring_cell {
    _Atomic uint64_t turn;
    _Atomic uint64_t words[NR_RING_WORDS];
} nr_ring_cell;

/* An entry is a list in MessagePack of these, in this order. Those behind
 * NR_RING_REFERS are there if that is null. */
typedef enum nr_ring_member {
    NR_RING_KIND = 0, /* nrbac_recorded */
    NR_RING_FLAGS,    /* as of nrbac_record, like all that follows; and NR_RING_FIRST */
    NR_RING_REASON,   /* its number */
    NR_RING_GENERATION,
    NR_RING_DIGEST,
    NR_RING_AT,
    NR_RING_TIME,
    NR_RING_ACTION,      /* or null */
    NR_RING_NHS_NUMBER,  /* or null */
    NR_RING_OBLIGATIONS, /* a list of texts */
    NR_RING_REFERS,  /* the place of the entry that has the circumstances, or null */
    NR_RING_MEMBERS, /* how many these are */
    NR_RING_REQUEST =
        NR_RING_MEMBERS,  /* its circumstances (nrbac_request_tell), or null */
    NR_RING_FAULT,        /* or null */
    NR_RING_PROFILE,      /* which of the request's profiles is chosen, or null */
    NR_RING_ORGANISATION, /* or null */
    NR_RING_ALL_MEMBERS,
} nr_ring_member;

/* In memory; offsets never change within a version. */
typedef struct nr_ring {
    /* Written once by the daemon, before anybody else sees the ring. */
    char magic[8];
    uint32_t version;
    uint32_t size; /* of the ring */
    uint8_t zero[48];
    /* The program's: */
    _Atomic uint64_t begun; /* 1 + the place at which it begins; 0: not yet */
    uint8_t zero2[56];
    _Atomic uint64_t reserved;
    uint8_t zero3[56];
    /* The daemon's: */
    _Atomic uint64_t taken;
    _Atomic uint64_t refused; /* 1: nothing is taken any more, since it is no entry */
    uint8_t zero4[3888];
    nr_ring_cell cells[NR_RING_PLACES];
} nr_ring;

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "words are shared between processes");
static_assert(offsetof(nr_ring, begun) == 64, "a promise");
static_assert(offsetof(nr_ring, reserved) == 128, "a promise");
static_assert(offsetof(nr_ring, taken) == 192, "a promise");
static_assert(offsetof(nr_ring, refused) == 200, "a promise");
static_assert(offsetof(nr_ring, cells) == 4096, "a promise");
static_assert(sizeof(nr_ring_cell) == 256, "a promise");

/* Makes zeroed memory a ring that has not begun. */
void nr_ring_make(nr_ring *ring);
/* Whether these bytes are a ring that this release knows. */
bool nr_ring_is_ring(const void *bytes, size_t size);

/* ---- The program's side: any thread ---------------------------------------------- */

typedef enum nr_ring_put {
    NR_RING_PUT = 0,
    NR_RING_FULL,      /* until the daemon takes some */
    NR_RING_SHUT,      /* until it is opened again */
    NR_RING_FORGOTTEN, /* what it refers to is too old */
    NR_RING_TOO_LARGE, /* it never fits */
} nr_ring_put;

/* Puts an entry there, published, at *place. `refers`: the place of an entry that it
 * refers to, and one more; 0: to none. Makes no system call, and does not wait. */
nr_ring_put nr_ring_write(nr_ring *ring, const void *bytes, size_t size,
                          uint64_t refers, uint64_t *place);

/* Whether the entry at this place is in the trail. */
bool nr_ring_has_taken(const nr_ring *ring, uint64_t place);
/* Whether the daemon takes nothing of it any more. */
bool nr_ring_is_refused(const nr_ring *ring);

/* Begins a ring that was made, at place 0. */
void nr_ring_begin(nr_ring *ring);
/* Nothing is put there from here on; who is putting something may still do so. */
void nr_ring_shut(nr_ring *ring);
/* Whether everything that was reserved is published. */
bool nr_ring_is_settled(const nr_ring *ring);
/* Begins `fresh` as a copy of a ring that is shut and settled, at what was not taken:
 * shut too, until nr_ring_reopen(). */
void nr_ring_copy(nr_ring *fresh, const nr_ring *ring);
void nr_ring_reopen(nr_ring *ring);

/* ---- The daemon's side: one thread ------------------------------------------------ */

typedef enum nr_ring_look {
    NR_RING_ENTRY = 0,
    NR_RING_UNPUBLISHED, /* no entry begins here, or it is not there yet */
    NR_RING_SPOILED,     /* what is there cannot be an entry */
} nr_ring_look;

/* Where the ring begins; false: it has not yet. */
bool nr_ring_has_begun(const nr_ring *ring, uint64_t *place);
/* How many places from this one on are reserved; more than NR_RING_PENDING: it is no
 * ring any more. */
uint64_t nr_ring_reserved_from(const nr_ring *ring, uint64_t place);
/* Copies out the entry that begins at `place`, of at most NR_RING_ENTRY_MAX bytes, of
 * which there is room; *places: how many it takes. */
nr_ring_look nr_ring_read(const nr_ring *ring, uint64_t place, uint8_t *to,
                          size_t *size, uint64_t *places);
/* All places before this one are the writer's again. */
void nr_ring_give_back(nr_ring *ring, uint64_t place);
/* Nothing of it is taken from here on. */
void nr_ring_refuse(nr_ring *ring);

#endif
