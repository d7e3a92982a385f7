/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of a trail: one half signs what the trail states (Ed25519), the other stands
 * for patients (a key of BLAKE2b). A small text file with mode 0600. Whoever has it can
 * write a trail anew, and find out which patient a name stands for.
 *
 * Never written after opening, so that any thread may use it.
 */
#ifndef NR_KEY_H
#define NR_KEY_H

#include "audit/record.h"

enum { NR_PUBLIC_KEY_SIZE = 32, NR_SIGNATURE_SIZE = 64 };
/* With NUL: "~" and 32 hex digits. */
enum { NR_PATIENT_SIZE = 34 };

typedef struct nr_key nr_key; /* opaque */

/* Opens the key file; `make`: makes it first if there is none. The caller owns *out.
 * MISSING, IO, READ_ONLY, MEMORY, or CORRUPT if it is not a key or others than its
 * owner may read it; *error (may be NULL) says what to do. */
nr_trail_status nr_key_open(const char *path, bool make, nr_key **out,
                            nrbac_error *error);
void nr_key_close(nr_key *key); /* NULL is fine; forgets the secret */

/* The public half, by which statements and receipts are known. */
const uint8_t *nr_key_public(const nr_key *key);

/* What stands for a patient's number: the same for the same number and key, and it
 * cannot be turned back without the key. */
void nr_key_patient(const nr_key *key, const char *number, char name[NR_PATIENT_SIZE]);

#endif
