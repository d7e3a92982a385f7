/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JWT in compact form (RFC 7515, 7519). Header and payload are read here, strictly;
 * algorithm and key are chosen here; the JOSE library does the arithmetic and is held
 * to what was read.
 */
#ifndef NR_TOKEN_H
#define NR_TOKEN_H

#include "verify/checking.h"

typedef struct nr_token {
    const char *text;
    size_t size;
    const nrbac_value *header;
    const nrbac_value *claims; /* believed only after nr_token_verify() */
    size_t payload_at;         /* where its second and third part start */
    size_t signature_at;
} nr_token;

/* Rule 1: its form. The token borrows the presented text. */
bool nr_token_read(nr_check *check, const nrbac_value *presented, nr_token *token);

/* Rules 2 and 3: algorithm, key and signature. `types` are the values of `typ` that
 * are taken beside `JWT`, which NULL ends. */
bool nr_token_verify(nr_check *check, const nr_token *token, const nr_trust *trust,
                     const char *const *types);

/* ---- Claims ------------------------------------------------------------------------- */

/* What is asked of the claims of each kind of token. */
typedef enum nr_claim_rules {
    NR_CLAIMS_NEED_SUB = 1 << 0,
    NR_CLAIMS_NEED_EXP = 1 << 1,
    NR_CLAIMS_CHECK_AZP = 1 << 2,
    NR_CLAIMS_MAY_BE_OVER = 1 << 3, /* an `exp` that has passed is left to others */
    NR_CLAIMS_NEED_AGE = 1 << 4,    /* `exp`, or else `iat` */
} nr_claim_rules;

/* Rules 4 and 5: for whom it is, and when. */
bool nr_claims_check(nr_check *check, const nrbac_value *claims, const nr_trust *trust,
                     unsigned rules);

/* A time in whole seconds; `up` rounds a fraction up. False if it is none. */
bool nr_claims_seconds(const nrbac_value *value, bool up, int64_t *seconds);

/* A text that is not empty; NULL if it is anything else. */
const char *nr_claims_text(const nrbac_value *claims, const char *name);

#endif
