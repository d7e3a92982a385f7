/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement: one signed line about a trail, that can be kept and checked anywhere.
 *
 *   nrbac-checkpoint 1 TRAIL SEQ HASH TIME KEY SIGNATURE
 *
 *   nrbac-checkpoint   the chain stood at SEQ with HASH
 *   nrbac-pruned       everything up to SEQ, which had HASH, was dropped
 *   nrbac-receipt      entry SEQ has HASH
 *
 * Fields are parted by one space; TRAIL, HASH, KEY and SIGNATURE are lower-case hex,
 * TIME is µs since 1970. The signature is Ed25519 over the line up to the space before
 * it. The key stands in it so that it can be checked by itself; whether that key is to
 * be trusted is for the reader to know.
 */
#ifndef NR_STATEMENT_H
#define NR_STATEMENT_H

#include "audit/key.h"

/* With NUL; no line end. */
enum { NR_STATEMENT_MAX = 400 };

typedef enum nr_statement_kind {
    NR_STATEMENT_CHECKPOINT = 0,
    NR_STATEMENT_PRUNED,
    NR_STATEMENT_RECEIPT,
} nr_statement_kind;

typedef struct nr_statement {
    nr_statement_kind kind;
    uint8_t trail[NR_TRAIL_ID_SIZE];
    nr_head head;
    int64_t at; /* when it was signed, µs since 1970 UTC */
    uint8_t key[NR_PUBLIC_KEY_SIZE];
} nr_statement;

/* Signs; sets statement->key. */
void nr_statement_sign(nr_statement *statement, const nr_key *key,
                       char line[NR_STATEMENT_MAX]);

typedef enum nr_statement_fault {
    NR_STATEMENT_SOUND = 0,
    NR_STATEMENT_NONE,    /* not a statement at all */
    NR_STATEMENT_FORGED,  /* the signature is not that of its key over it */
    NR_STATEMENT_FOREIGN, /* it is, but the key is not the one expected */
} nr_statement_fault;

/* Reads a line without its line end. `key`: the public key that is expected; NULL: any.
 * *out is set unless there is NONE. */
nr_statement_fault nr_statement_read(const char *line, const uint8_t *key,
                                     nr_statement *out);

#endif
