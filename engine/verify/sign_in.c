/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of one sign-in beside each other. Each was checked by itself; here is what
 * they are together, and whether that is what the settings ask for.
 */
#include "verify/present.h"
#include "verify/token.h"

#include <string.h>

/* ---- Whose it is ---------------------------------------------------------------------- */

/* `sub` names a person only among those of its issuer: another issuer's user of the same
 * name is somebody else. */
static void check_issuers(nr_present *present)
{
    const char *one = nr_claims_text(nr_present_claims(present, NR_ID_TOKEN), "iss");
    const char *other = nr_claims_text(nr_present_claims(present, NR_USERINFO), "iss");
    if (!present->token_sound[NR_ID_TOKEN] || !present->token_sound[NR_USERINFO] ||
        (one != NULL && other != NULL && strcmp(one, other) == 0))
        return;
    present->check.member = "subject.properties.userinfo";
    (void)nr_refuse(&present->check, "is of another issuer than `id_token`");
    nr_present_refuse_user(present);
}

/* ---- What nobody signed -------------------------------------------------------------- */

/* What a map of userinfo may say beside a signed ID token. The engine takes what the ID
 * token lacks from userinfo, and a level, an end or a choice of role that somebody wrote
 * there would look like part of the signed sign-in. */
static void keep_profiles(nr_present *present)
{
    static const char *const kept[] = {
        "sub",        "nhsid_useruid", "nhsid_nrbac_roles", "name",  "display_name",
        "given_name", "middle_names",  "family_name",       "title", "initials",
    };
    const nrbac_value *userinfo = nr_present_claims(present, NR_USERINFO);
    nrbac_document *document = present->check.document;
    if (!present->token_sound[NR_ID_TOKEN] || present->tokens[NR_USERINFO] != NULL ||
        nrbac_value_kind(userinfo) != NRBAC_KIND_MAP)
        return;
    nrbac_value *made = nrbac_new_map(document);
    for (size_t i = 0; i < NR_COUNT(kept); i++) {
        const nrbac_value *value = nrbac_value_find(userinfo, kept[i]);
        if (value != NULL)
            nrbac_set(document, made, kept[i], nrbac_value_copy(document, value));
    }
    nr_change_to(&present->properties_changes, nr_user_token_keys[NR_USERINFO], made);
}

/* ---- When it ends -------------------------------------------------------------------- */

/* A signed userinfo need not say when it ends. It is a picture of somebody's role
 * profiles at one moment, so it does not count for ever: its end is written into it. */
static void end_userinfo(nr_present *present)
{
    const nrbac_value *userinfo = nr_present_claims(present, NR_USERINFO);
    nrbac_document *document = present->check.document;
    int64_t made_at = 0;
    if (!present->token_sound[NR_USERINFO] ||
        nrbac_value_find(userinfo, "exp") != NULL ||
        !nr_claims_seconds(nrbac_value_find(userinfo, "iat"), false, &made_at))
        return;
    nr_change change = { "exp",
                         nrbac_new_integer(document, made_at + NR_USERINFO_LIFE) };
    nr_change_to(&present->properties_changes, nr_user_token_keys[NR_USERINFO],
                 nr_rewrite(document, userinfo, &change, 1));
}

/* The engine takes `exp` from the ID token where that has one. A signed userinfo that
 * ends sooner counts all the same. */
static void unite_ends(nr_present *present)
{
    const nrbac_value *id_token = nr_present_claims(present, NR_ID_TOKEN);
    const nrbac_value *userinfo = nr_present_claims(present, NR_USERINFO);
    nrbac_document *document = present->check.document;
    int64_t one = 0;
    int64_t other = 0;
    if (!present->token_sound[NR_USERINFO] ||
        !nr_claims_seconds(nrbac_value_find(id_token, "exp"), false, &one) ||
        !nr_claims_seconds(nrbac_value_find(userinfo, "exp"), false, &other) ||
        one <= other)
        return;
    nr_change change = { "exp", nrbac_new_integer(document, other) };
    nr_change_to(&present->properties_changes, nr_user_token_keys[NR_ID_TOKEN],
                 nr_rewrite(document, id_token, &change, 1));
}

void nr_present_unite(nr_present *present)
{
    check_issuers(present);
    keep_profiles(present);
    end_userinfo(present);
    unite_ends(present);
}

/* ---- What the settings ask for ------------------------------------------------------- */

static bool has_sign_in(const nr_present *present)
{
    return present->token_sound[NR_ID_TOKEN] || present->token_sound[NR_NHS_LOGIN];
}

static bool is_there(const nrbac_value *map, const char *key)
{
    return nrbac_value_kind(nrbac_value_find(map, key)) != NRBAC_KIND_NULL;
}

/* Role profiles that the engine would read from `saml`, from `profile`, or from the
 * first of the CIS2 tokens that has them. */
static bool has_unsigned_profiles(const nr_present *present)
{
    static const char *const claims[] = { "nhsid_nrbac_roles", "role" };
    if (is_there(present->properties, "saml") ||
        is_there(present->properties, "profile"))
        return true;
    for (size_t i = 0; i < NR_COUNT(claims); i++) {
        if (is_there(nr_present_claims(present, NR_ID_TOKEN), claims[i]))
            return !present->token_sound[NR_ID_TOKEN];
        if (is_there(nr_present_claims(present, NR_USERINFO), claims[i]))
            return !present->token_sound[NR_USERINFO];
    }
    return false;
}

/* Under `require`: a signed sign-in, or signed role profiles, or both. */
void nr_present_require_user(nr_present *present)
{
    const nr_settings *settings = present->check.snapshot->settings;
    const char *why = NULL;
    if (!is_there(present->request, "subject") ||
        present->user_finding == NRBAC_REFUSED)
        return;
    if (settings->require_id_token && !has_sign_in(present))
        why = "holds no signed `id_token` or `nhs_login`, and one is required";
    else if (settings->require_userinfo && has_unsigned_profiles(present))
        why = "holds role profiles that are in no signed `userinfo`, and they are "
              "required to be";
    if (why == NULL)
        return;
    present->check.member = "subject.properties";
    (void)nr_refuse(&present->check, "%s", why);
    nr_present_refuse_user(present);
}
