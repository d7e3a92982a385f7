/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens of the API platform: whose they are, and for whom they let it act.
 */
#include "base/time.h"
#include "verify/issuer.h"

#include <string.h>

static bool find_client(nr_check *check, const nrbac_value *claims, const char **client,
                        uint32_t *application)
{
    const char *name = nrbac_value_find(claims, "client_id") != NULL ? "client_id"
                                                                     : "azp";
    *client = nr_claims_text(claims, name);
    if (*client == NULL)
        return nr_refuse(check, "does not say in `client_id` or `azp` whose it is");
    *application = nr_owner_of(&check->snapshot->settings->client_ids, *client);
    if (*application == NR_NONE)
        return nr_refuse(check, "is of a client that no application of the evidence "
                                "settings has in `client_ids`");
    return true;
}

bool nr_check_access_token(nr_check *check, const nrbac_value *presented,
                           uint32_t *application, nr_grant *grant)
{
    static const char *const types[] = { "at+jwt", NULL };
    const char *client = NULL;
    nr_token token;
    int64_t end = 0;
    if (!nr_token_read(check, presented, &token))
        return false;
    const nr_trust *trust = nr_issuer_find(check, NR_ISSUER_PLATFORM, token.claims);
    if (trust == NULL || !nr_token_verify(check, &token, trust, types) ||
        !nr_claims_check(check, token.claims, trust, NR_CLAIMS_NEED_EXP) ||
        !find_client(check, token.claims, &client, application) ||
        !nr_scope_read(check, nrbac_value_find(token.claims, "scope"), grant))
        return false;
    const char *sub = nr_claims_text(token.claims, "sub");
    grant->sub = sub == NULL || strcmp(sub, client) == 0 ? NULL : sub;
    (void)nr_claims_seconds(nrbac_value_find(token.claims, "exp"), false, &end);
    check->ends_at = nr_earliest(check->ends_at, end);
    return true;
}
