/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/issuer.h"

#include <string.h>

const nr_trust *nr_issuer_find(nr_check *check, nr_issuer_kind kind,
                               const nrbac_value *claims)
{
    const nr_settings *settings = check->snapshot->settings;
    const char *name = nrbac_value_text(nrbac_value_find(claims, "iss"));
    for (size_t i = 0; name != NULL && i < settings->issuers.count; i++) {
        const nr_issuer *issuer = &settings->issuers.items[i];
        if (issuer->kind == kind && strcmp(issuer->trust.issuer, name) == 0)
            return &issuer->trust;
    }
    (void)nr_refuse(check,
                    "is not from an issuer that the evidence settings name for it");
    return NULL;
}
