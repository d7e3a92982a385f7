/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For whom a token is, and when. Claims here come from the issuer whose signature was
 * found good; they are still held to their types, since a wrong one is a wrong token.
 */
#include "base/time.h"
#include "verify/token.h"

#include <string.h>

bool nr_claims_seconds(const nrbac_value *value, bool up, int64_t *seconds)
{
    if (nrbac_value_kind(value) == NRBAC_KIND_INTEGER) {
        *seconds = nrbac_value_integer(value);
        return *seconds >= -NR_LAST_SECOND && *seconds <= NR_LAST_SECOND;
    }
    double real = nrbac_value_real(value);
    if (nrbac_value_kind(value) != NRBAC_KIND_REAL || !(real >= 0) ||
        !(real <= (double)NR_LAST_SECOND))
        return false;
    *seconds = (int64_t)real;
    if (up && (double)*seconds < real)
        (*seconds)++;
    return true;
}

const char *nr_claims_text(const nrbac_value *claims, const char *name)
{
    const char *text = nrbac_value_text(nrbac_value_find(claims, name));
    return text == NULL || *text == '\0' ? NULL : text;
}

/* ---- Rule 4: who and for whom ------------------------------------------------------- */

static bool is_audience(const nr_trust *trust, const nrbac_value *value)
{
    const char *text = nrbac_value_text(value);
    for (size_t i = 0; text != NULL && i < trust->audience.count; i++)
        if (strcmp(trust->audience.items[i], text) == 0)
            return true;
    return false;
}

static bool check_audience(nr_check *check, const nrbac_value *aud,
                           const nr_trust *trust)
{
    bool ours = is_audience(trust, aud);
    if (nrbac_value_kind(aud) == NRBAC_KIND_LIST) {
        for (size_t i = 0; i < nrbac_value_count(aud); i++) {
            const nrbac_value *item = nrbac_value_at(aud, i);
            if (nrbac_value_text(item) == NULL)
                return nr_refuse(check,
                                 "has an `aud` that is neither a text nor a list "
                                 "of texts");
            ours |= is_audience(trust, item);
        }
    }
    return ours || nr_refuse(check, "is not made for any audience of the evidence "
                                    "settings");
}

/* Of a token for several, `azp` says to whom it was given: that must be one of us. */
static bool check_presenter(nr_check *check, const nrbac_value *claims,
                            const nr_trust *trust)
{
    const nrbac_value *azp = nrbac_value_find(claims, "azp");
    const nrbac_value *aud = nrbac_value_find(claims, "aud");
    bool several = nrbac_value_kind(aud) == NRBAC_KIND_LIST &&
                   nrbac_value_count(aud) > 1;
    if (nrbac_value_kind(azp) == NRBAC_KIND_NULL && !several)
        return true;
    return is_audience(trust, azp) ||
           nr_refuse(check, "was given to another client than those of the evidence "
                            "settings, by its `azp`");
}

static bool check_parties(nr_check *check, const nrbac_value *claims,
                          const nr_trust *trust, unsigned rules)
{
    const char *issuer = nrbac_value_text(nrbac_value_find(claims, "iss"));
    const nrbac_value *sub = nrbac_value_find(claims, "sub");
    if (issuer == NULL || strcmp(issuer, trust->issuer) != 0)
        return nr_refuse(check,
                         "is not from the issuer that the evidence settings name");
    if (!check_audience(check, nrbac_value_find(claims, "aud"), trust))
        return false;
    if ((sub != NULL || (rules & NR_CLAIMS_NEED_SUB) != 0) &&
        nr_claims_text(claims, "sub") == NULL)
        return nr_refuse(check, "does not say in `sub` whom it is about");
    return (rules & NR_CLAIMS_CHECK_AZP) == 0 || check_presenter(check, claims, trust);
}

/* ---- Rule 5: when --------------------------------------------------------------------- */

static bool check_no_end(nr_check *check, const nrbac_value *claims, unsigned rules)
{
    if ((rules & NR_CLAIMS_NEED_EXP) != 0)
        return nr_refuse(check, "does not say in `exp` when it ends");
    return (rules & NR_CLAIMS_NEED_AGE) == 0 ||
           nrbac_value_find(claims, "iat") != NULL ||
           nr_refuse(check, "says neither in `exp` when it ends nor in `iat` when it "
                            "was made");
}

static bool check_end(nr_check *check, const nrbac_value *claims, unsigned rules)
{
    const nrbac_value *exp = nrbac_value_find(claims, "exp");
    int64_t end = 0;
    if (exp == NULL)
        return check_no_end(check, claims, rules);
    if (!nr_claims_seconds(exp, false, &end))
        return nr_refuse(check, "has an `exp` that is no time in seconds");
    if ((rules & NR_CLAIMS_MAY_BE_OVER) != 0 || check->now < end)
        return true;
    return nr_refuse(check, "has expired");
}

static bool check_start(nr_check *check, const nrbac_value *claims, const char *name)
{
    const nrbac_value *value = nrbac_value_find(claims, name);
    int64_t start = 0;
    if (value == NULL)
        return true;
    if (!nr_claims_seconds(value, true, &start))
        return nr_refuse(check, "has an `%s` that is no time in seconds", name);
    return start <= check->now + check->snapshot->settings->clock_skew ||
           nr_refuse(check, "has an `%s` in the future", name);
}

bool nr_claims_check(nr_check *check, const nrbac_value *claims, const nr_trust *trust,
                     unsigned rules)
{
    return check_parties(check, claims, trust, rules) &&
           check_start(check, claims, "nbf") && check_start(check, claims, "iat") &&
           check_end(check, claims, rules);
}
