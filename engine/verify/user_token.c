/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens about users. Which issuer a token is from, it says itself, before anything is
 * verified; that only chooses by whose key it must be signed.
 */
#include "verify/issuer.h"

static const struct {
    nr_issuer_kind issuer;
    unsigned rules;
} kinds[NR_USER_TOKEN_COUNT] = {
    [NR_ID_TOKEN] = { NR_ISSUER_CIS2, NR_CLAIMS_NEED_SUB | NR_CLAIMS_NEED_EXP |
                                          NR_CLAIMS_CHECK_AZP | NR_CLAIMS_MAY_BE_OVER },
    [NR_USERINFO] = { NR_ISSUER_CIS2,
                      NR_CLAIMS_NEED_SUB | NR_CLAIMS_NEED_AGE | NR_CLAIMS_MAY_BE_OVER },
    [NR_NHS_LOGIN] = { NR_ISSUER_NHS_LOGIN, NR_CLAIMS_NEED_SUB | NR_CLAIMS_NEED_EXP |
                                                NR_CLAIMS_CHECK_AZP |
                                                NR_CLAIMS_MAY_BE_OVER },
};

bool nr_check_user_token(nr_check *check, nr_user_token kind,
                         const nrbac_value *presented, const nrbac_value **claims)
{
    nr_token token;
    if (!nr_token_read(check, presented, &token))
        return false;
    const nr_trust *trust = nr_issuer_find(check, kinds[kind].issuer, token.claims);
    if (trust == NULL || !nr_token_verify(check, &token, trust, NULL) ||
        !nr_claims_check(check, token.claims, trust, kinds[kind].rules))
        return false;
    /* A logout token is signed by the same issuer for the same client, and says the
     * opposite of a sign-in (OpenID Connect Back-Channel Logout, 2.4). */
    if (nrbac_value_find(token.claims, "events") != NULL)
        return nr_refuse(check, "is a token of events, not of a sign-in");
    *claims = token.claims;
    return true;
}
