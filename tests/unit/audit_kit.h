/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trails for tests: a folder of their own, a clock that stands still until it is moved,
 * a policy, and records that differ from each other.
 */
#ifndef AUDIT_KIT_H
#define AUDIT_KIT_H

#include "audit/proof.h"
#include "audit/trail.h"

#include <sqlite3.h>

/* µs; 2026-11-25T00:00:00Z. */
#define KIT_NOW INT64_C(1795564800000000)

typedef struct kit {
    char folder[64];
    char path[96];
    int64_t now;
    uint8_t policy[NR_DIGEST_SIZE];
    char image[200];
    nr_circumstances nurse, clerk;
} kit;

/* A fresh folder without a trail. */
void kit_begin(kit *of);
/* Removes it. */
void kit_end(kit *of);

nr_trail_options kit_options(kit *of);
/* Opens the trail with these options (NULL: the usual ones) and says so if it cannot. */
nr_trail *kit_open(kit *of, const nr_trail_options *options);
/* Whatever the number is, another record. */
nr_record kit_record(kit *of, uint64_t number);
/* Writes records with these numbers in one batch, doing it again when told. */
nr_trail_status kit_write(kit *of, nr_trail *trail, uint64_t from, uint64_t count,
                          nr_durability durability);
/* A closed trail of so many records in batches of ten. */
void kit_fill(kit *of, uint64_t count);

/* How many records the trail holds of those that kit_record() makes, each at its own
 * number; -1: they are not exactly those, or do not follow each other. */
long long kit_count(kit *of);

/* Changes the file behind its back. */
void kit_sql(kit *of, const char *sql);
/* The proof of the trail as it is; the status is checked. */
nr_trail_proof kit_prove(kit *of, const nr_trail_given *given);

/* 1 if a check of the kit's own failed; else 0. For main, beside check_report(). */
int kit_report(void);

#endif
