/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who does what when an operation is called under a security pattern: who
 * authenticates and who authorises the application and its user, and what is left
 * to the application's supplier. Deciding (api/patterns.c) and this page speak of
 * the same columns of pattern.def; tests hold `decided_by` of both together.
 */
#ifndef NR_DUTIES_H
#define NR_DUTIES_H

#include "base/value.h"
#include "table/table.h"

typedef enum nr_party {
#define NRBAC_PARTY(NAME, slug, label, doc) NR_PARTY_##NAME,
#include <nrbac/party.def>
#undef NRBAC_PARTY
} nr_party;

/* Kept as bits: 1 << NR_DUTY_AUTHORISE_USER. */
typedef enum nr_duty {
#define NRBAC_DUTY(number, NAME, slug, label, doc) NR_DUTY_##NAME = (number),
#include <nrbac/duty.def>
#undef NRBAC_DUTY
} nr_duty;

typedef struct nr_duties {
    nr_party application_authenticated, application_authorised;
    uint32_t proofs; /* bits of nr_proof: ways to authenticate; any one is enough */
    const char
        *takes; /* whose evidence: "nobody", "local", "healthcare-worker", "patient" */
    nr_party user_authenticated, user_authorised;
    nr_party service;  /* where the user signs in; NOBODY: nowhere at NHS England */
    int aal;           /* the level that the pattern itself needs; 0: none */
    bool can_permit;   /* false: it takes no user, and the operation requires one */
    uint32_t supplier; /* bits of nr_duty */
} nr_duties;

nr_duties nr_duties_of(const nr_table *table, uint32_t operation, uint32_t pattern);

/* The same as a map; NULL when out of memory. */
nrbac_value *nr_duties_tell(nrbac_document *document, const nr_duties *duties,
                            uint32_t pattern);
/* The words of what is told: `parties`, `duties` and `patterns`, each by slug with
 * `label` and `doc`. */
nrbac_value *nr_duties_words(nrbac_document *document);

#endif
