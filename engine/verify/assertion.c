/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client assertions (RFC 7523): the application signs that it is itself, shortly before
 * and once.
 */
#include "base/time.h"
#include "verify/token.h"

#include <string.h>
#include <time.h>

/* The one that the request names, else the one whose issuer the assertion states. */
static const nr_application *find_application(nr_check *check,
                                              const nrbac_value *claims,
                                              uint32_t *number)
{
    const nr_settings *settings = check->snapshot->settings;
    const char *issuer = nr_claims_text(claims, "iss");
    *number = check->named_number;
    if (check->named == NULL)
        *number = issuer == NULL ? NR_NONE : nr_owner_of(&settings->assertors, issuer);
    if (*number == NR_NONE) {
        (void)nr_refuse(check, "is of no application that the evidence settings name");
        return NULL;
    }
    const nr_application *application = &settings->applications.items[*number];
    if (application->has_assertion)
        return application;
    (void)nr_refuse(check, "is of an application without `client_assertion` in the "
                           "evidence settings");
    return NULL;
}

/* Rule 6, but for the use of its `jti`. */
static bool check_life(nr_check *check, const nrbac_value *claims, int64_t *end)
{
    const char *sub = nr_claims_text(claims, "sub");
    const char *iss = nr_claims_text(claims, "iss");
    int64_t skew = check->snapshot->settings->clock_skew;
    if (sub == NULL || iss == NULL || strcmp(sub, iss) != 0)
        return nr_refuse(check, "is not about its issuer: `iss` and `sub` differ");
    if (!nr_claims_seconds(nrbac_value_find(claims, "exp"), true, end))
        return nr_refuse(check, "has an `exp` that is no time in seconds");
    if (*end > check->now + NR_ASSERTION_LIFE_MAX + skew)
        return nr_refuse(check, "lives for more than %d seconds",
                         NR_ASSERTION_LIFE_MAX);
    return nr_claims_text(claims, "jti") != NULL || nr_refuse(check, "has no `jti`");
}

static bool use_once(nr_check *check, const nr_application *application,
                     const nr_token *token, int64_t end)
{
    nr_use use = {
        .application = application->id,
        .jti = nr_claims_text(token->claims, "jti"),
        .token = token->text,
        .token_size = token->size,
        .occasion = check->occasion,
        .forget_at = end + check->snapshot->settings->clock_skew,
        .now = check->now,
        .clock = (int64_t)time(NULL),
    };
    switch (nr_replay_use(check->replay, &use)) {
    case NR_USE_FIRST:
    case NR_USE_SAME_OCCASION:
        return true;
    case NR_USE_REPEATED:
        return nr_refuse(check, "was used before, by its `jti`");
    case NR_USE_SHARE_FULL:
        return nr_refuse(check, "cannot be accepted now: as many of its application "
                                "are in use as are remembered of one");
    case NR_USE_FULL:
        break;
    }
    return nr_refuse(check, "cannot be accepted now: the memory of used ones is full");
}

bool nr_check_assertion(nr_check *check, const nrbac_value *presented,
                        uint32_t *application)
{
    static const char *const types[] = { "client-authentication+jwt", NULL };
    nr_token token;
    int64_t end = 0;
    if (!nr_token_read(check, presented, &token))
        return false;
    const nr_application *whose = find_application(check, token.claims, application);
    if (whose == NULL || !nr_token_verify(check, &token, &whose->assertion, types) ||
        !nr_claims_check(check, token.claims, &whose->assertion,
                         NR_CLAIMS_NEED_SUB | NR_CLAIMS_NEED_EXP) ||
        !check_life(check, token.claims, &end) || !use_once(check, whose, &token, end))
        return false;
    (void)nr_claims_seconds(nrbac_value_find(token.claims, "exp"), false, &end);
    check->ends_at = nr_earliest(check->ends_at, end);
    return true;
}
