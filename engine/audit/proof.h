/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof: whether a trail is as it was written, and that one record stands in it.
 *
 * What a trail can show by itself: that nobody who lacks its key changed, removed, added
 * or moved a record up to its last checkpoint. What it cannot: that its end was not cut
 * off back to an earlier checkpoint, and that whoever has the key did not write it anew.
 * For these it takes a checkpoint that was kept elsewhere.
 */
#ifndef NR_PROOF_H
#define NR_PROOF_H

#include "audit/reader.h"
#include "audit/statement.h"

typedef enum nr_trail_fault {
    NR_TRAIL_IS_SOUND = 0,
    NR_TRAIL_IS_CHANGED, /* record `seq` is not as it was written */
    NR_TRAIL_IS_REMOVED, /* record `seq` is not there, and later ones are */
    NR_TRAIL_IS_MOVED,   /* what stands as `seq` was written as `other` */
    NR_TRAIL_IS_TRUNCATED, /* from `seq` on the end is missing: a checkpoint goes further */
    NR_TRAIL_IS_REWRITTEN, /* between `seq` and `other` the chain was made anew: it is not
                         * the one that the checkpoint at `other` was signed for */
    NR_TRAIL_IS_FORGED,  /* the checkpoint at `seq` is not signed by the trail's key */
    NR_TRAIL_IS_FOREIGN, /* it is another trail, or another key, than the one expected */
    NR_TRAIL_IS_POLICY, /* the policy of record `seq` is not kept as it was, or not kept */
    NR_TRAIL_IS_DAMAGED, /* the file cannot be read on from `seq`, or is damaged elsewhere
                         * than in its records (then seq is 0) */
} nr_trail_fault;

/* "changed" */
const char *nr_trail_fault_slug(nr_trail_fault fault);

/* What it is held against. Zeroed: against itself alone. */
typedef struct nr_trail_given {
    const uint8_t *key; /* the public key that must have signed; NULL: the trail's */
    /* A file of checkpoint lines kept elsewhere; NULL: none. Lines of other trails, and
     * what is no statement, are passed over. */
    const char *checkpoint_path;
    /* Called now and then with how many of how many records are done; false stops, and
     * the status is LOCKED. NULL: nobody is told. */
    bool (*progress)(void *context, uint64_t done, uint64_t all);
    void *context;
} nr_trail_given;

typedef struct nr_trail_proof {
    nr_trail_fault fault;  /* the first, in the order of the records */
    uint64_t seq, other;   /* as the fault says; else 0 */
    char text[256];        /* the fault as a sentence: "record 17 was changed" */
    uint64_t first, last;  /* what was looked at */
    uint64_t pruned;       /* records up to here were dropped, as was signed; 0: none */
    uint64_t checkpointed; /* up to here checkpoints of the trail hold it; 0: none */
    uint64_t anchored;     /* up to here those from elsewhere do; 0: none */
    uint64_t checkpoints;  /* how many were checked */
    uint64_t backwards;    /* how often time runs backwards between neighbours */
    uint8_t key[NR_PUBLIC_KEY_SIZE]; /* that signed: hold it against the one you know */
    size_t unknown_count;
    char unknown[4][256]; /* what this could not know, each as a sentence */
} nr_trail_proof;

/* Verifies the whole trail, as far as it goes when asked. OK: *proof says what was found
 * (sound or not). All others: it could not be looked at. */
nr_trail_status nr_trail_prove(nr_reader *reader, const nr_trail_given *given,
                               nr_trail_proof *proof);

/* ---- Receipts ------------------------------------------------------------------------ */

/* A receipt for one record: a map with `receipt` (1), `statement` (the signed line),
 * `before` (the hash before it) and `record`, as nr_entry_tell() tells it. It proves,
 * without the trail, that this record was written in that place. `at` is when it is
 * signed, µs. MISSING: there is no such record. */
nr_trail_status nr_receipt_make(nr_reader *reader, const nr_key *key, uint64_t seq,
                                int64_t at, nrbac_document *document,
                                nrbac_value **receipt);

/* A receipt that was checked. */
typedef struct nr_receipt {
    nr_statement statement; /* its key is the one that signed */
    nr_entry entry;         /* borrowed from the document */
    nr_circumstances circumstances;
} nr_receipt;

/* Checks one, without any trail. `key`: the public key that is trusted; NULL: any, and
 * the caller looks at receipt->statement.key. True: what *receipt holds is what that key
 * signed; false: *error (may be NULL) says why not. */
bool nr_receipt_check(nrbac_document *document, const nrbac_value *map,
                      const uint8_t *key, nr_receipt *receipt, nrbac_error *error);

#endif
