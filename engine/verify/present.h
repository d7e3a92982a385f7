/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request presents, from inside: the walk over it, and what is to become of it.
 *
 *   nr_present_read          where everything stands
 *   nr_present_application   the application's proofs, and what the settings ask for of it
 *   nr_present_user          the user's tokens
 *   nr_present_unite         those of one sign-in beside each other
 *   nr_present_agree         the access token beside the user
 *   nr_present_require_user  what the settings ask for of the user
 *   nr_present_rewrite       the request without what was presented
 */
#ifndef NR_PRESENT_H
#define NR_PRESENT_H

#include "verify/checking.h"
#include "verify/rewrite.h"

#include <nrbac/nrbac.h>

typedef enum nr_proof_member {
    NR_PROVED_BY_ASSERTION = 0,
    NR_PROVED_BY_API_KEY,
    NR_PROVED_BY_CERTIFICATE,
    NR_PROVED_BY_ACCESS_TOKEN,
    NR_PROOF_MEMBER_COUNT,
} nr_proof_member;

typedef struct nr_present {
    nr_check check;
    const nrbac_value *request, *context, *application, *subject, *properties;

    /* What is presented; NULL: not there. */
    const nrbac_value *proofs[NR_PROOF_MEMBER_COUNT];
    const nrbac_value *tokens[NR_USER_TOKEN_COUNT];

    /* What was found. */
    bool proof_sound[NR_PROOF_MEMBER_COUNT];
    bool token_sound[NR_USER_TOKEN_COUNT];
    nrbac_finding application_finding, user_finding;
    uint32_t proved; /* the application; NR_NONE: none */
    nr_grant grant;

    /* What is to be changed in it. */
    nr_changes application_changes, context_changes, properties_changes;
} nr_present;

void nr_present_read(nr_present *present, const nrbac_value *request);
void nr_present_application(nr_present *present);
void nr_present_user(nr_present *present);
void nr_present_unite(nr_present *present);
void nr_present_agree(nr_present *present);
void nr_present_require_user(nr_present *present);
const nrbac_value *nr_present_rewrite(nr_present *present);

/* The claims of a user's token as they will stand in the request; NULL: none. */
const nrbac_value *nr_present_claims(const nr_present *present, nr_user_token kind);

/* The user, or the application, does not count; the sentence is in the check. */
void nr_present_refuse_user(nr_present *present);
void nr_present_refuse_application(nr_present *present);

extern const char *const nr_user_token_keys[NR_USER_TOKEN_COUNT];
extern const char *const nr_proof_keys[NR_PROOF_MEMBER_COUNT];

#endif
