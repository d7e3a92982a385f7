/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes of the API platform, each of which says who acts, at which level, at which API:
 *
 *   urn:nhsd:apim:app:level3:API
 *   urn:nhsd:apim:user-nhs-cis2:aal{1,2,3}:API      also user-nhs-id
 *   urn:nhsd:apim:user-nhs-login:P{0,5,9}:API
 *
 * Other scopes mean nothing here. Those that count must agree.
 */
#include "verify/checking.h"

#include <string.h>

static const struct {
    const char *prefix;
    nr_grant grant;
} known[] = {
    { "urn:nhsd:apim:app:level3:", { NRBAC_GRANT_APPLICATION, 0, NULL } },
    { "urn:nhsd:apim:user-nhs-cis2:aal1:", { NRBAC_GRANT_CIS2, 1, NULL } },
    { "urn:nhsd:apim:user-nhs-cis2:aal2:", { NRBAC_GRANT_CIS2, 2, NULL } },
    { "urn:nhsd:apim:user-nhs-cis2:aal3:", { NRBAC_GRANT_CIS2, 3, NULL } },
    { "urn:nhsd:apim:user-nhs-id:aal1:", { NRBAC_GRANT_CIS2, 1, NULL } },
    { "urn:nhsd:apim:user-nhs-id:aal2:", { NRBAC_GRANT_CIS2, 2, NULL } },
    { "urn:nhsd:apim:user-nhs-id:aal3:", { NRBAC_GRANT_CIS2, 3, NULL } },
    { "urn:nhsd:apim:user-nhs-login:P0:", { NRBAC_GRANT_NHS_LOGIN, 0, NULL } },
    { "urn:nhsd:apim:user-nhs-login:P5:", { NRBAC_GRANT_NHS_LOGIN, 5, NULL } },
    { "urn:nhsd:apim:user-nhs-login:P9:", { NRBAC_GRANT_NHS_LOGIN, 9, NULL } },
};

typedef struct scopes {
    nr_check *check;
    const char *api; /* its name in scopes; NULL: all count */
    nr_grant *grant;
    bool any; /* one that is known was there */
} scopes;

/* What a single scope grants, if it counts; NULL: nothing. */
static const nr_grant *grant_of(scopes *all, const char *text, size_t size)
{
    for (size_t i = 0; i < NR_COUNT(known); i++) {
        size_t prefix = strlen(known[i].prefix);
        if (size <= prefix || strncmp(text, known[i].prefix, prefix) != 0 ||
            memchr(text + prefix, ' ', size - prefix) != NULL)
            continue;
        all->any = true;
        bool counts = all->api == NULL ||
                      (strlen(all->api) == size - prefix &&
                       memcmp(all->api, text + prefix, size - prefix) == 0);
        return counts ? &known[i].grant : NULL;
    }
    return NULL;
}

static bool take_scope(scopes *all, const char *text, size_t size)
{
    const nr_grant *one = grant_of(all, text, size);
    if (one == NULL)
        return true;
    nr_grant *grant = all->grant;
    if (grant->kind != NRBAC_GRANT_UNKNOWN &&
        (grant->kind != one->kind || grant->level != one->level))
        return nr_refuse(all->check, "has scopes that contradict each other");
    *grant = *one;
    return true;
}

static bool take_text(scopes *all, const char *text)
{
    for (const char *at = text; *at != '\0';) {
        size_t size = strcspn(at, " ");
        if (size > 0 && !take_scope(all, at, size))
            return false;
        at += size + (at[size] == ' ');
    }
    return true;
}

static bool take_list(scopes *all, const nrbac_value *list)
{
    for (size_t i = 0; i < nrbac_value_count(list); i++) {
        const nrbac_value *item = nrbac_value_at(list, i);
        if (nrbac_value_text(item) == NULL)
            return nr_refuse(all->check, "has a `scope` that is neither a text nor a "
                                         "list of texts");
        if (!take_scope(all, nrbac_value_text(item), nrbac_value_text_size(item)))
            return false;
    }
    return true;
}

bool nr_scope_read(nr_check *check, const nrbac_value *scope, nr_grant *grant)
{
    scopes all = { .check = check, .grant = grant };
    *grant = (nr_grant){ 0 };
    if (check->api != NULL)
        all.api = nr_settings_api_name(check->snapshot->settings, check->api);
    bool fine = false;
    if (nrbac_value_kind(scope) == NRBAC_KIND_TEXT)
        fine = take_text(&all, nrbac_value_text(scope));
    else if (nrbac_value_kind(scope) == NRBAC_KIND_LIST)
        fine = take_list(&all, scope);
    else
        fine = nr_refuse(check, "has no `scope`");
    if (!fine || grant->kind != NRBAC_GRANT_UNKNOWN)
        return fine;
    return nr_refuse(check, all.any ? "has no scope for the API that is asked for"
                                    : "has no scope that lets anybody use an API");
}
