/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An access token beside the rest of its request: the user who is asked about, and their
 * level. The token was found sound; what it grants must be what the request is. Which
 * pattern it goes with is a rule of the engine, which is told for whom it is.
 */
#include "verify/present.h"
#include "verify/token.h"

#include <string.h>

static const char member[] = "context.access_token";

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_there(const nrbac_value *map, const char *key)
{
    return nrbac_value_kind(nrbac_value_find(map, key)) != NRBAC_KIND_NULL;
}

static bool is_of_user(const nr_present *present)
{
    return present->grant.kind != NRBAC_GRANT_APPLICATION;
}

/* ---- The user ------------------------------------------------------------------------ */

/* The person in "uid=240000109896,ou=People,o=nhs", as directories name one. */
static size_t person_of(const char **text)
{
    static const char before[] = "uid=";
    static const char after[] = ",ou=People,o=nhs";
    size_t size = strlen(*text);
    const char *comma = strchr(*text, ',');
    if (!starts(*text, before) || comma == NULL || strcmp(comma, after) != 0)
        return size;
    *text += sizeof(before) - 1;
    return (size_t)(comma - *text);
}

static bool is_person(const char *sub, const nrbac_value *shown)
{
    const char *text = nrbac_value_text(shown);
    if (text == NULL || *text == '\0')
        return false;
    size_t one = person_of(&sub);
    size_t other = person_of(&text);
    return one == other && memcmp(sub, text, one) == 0;
}

/* A value of SAML: a text, or as in XML a list of one. */
static bool is_person_in(const char *sub, const nrbac_value *value)
{
    if (nrbac_value_kind(value) == NRBAC_KIND_LIST)
        value = nrbac_value_count(value) == 1 ? nrbac_value_at(value, 0) : NULL;
    return is_person(sub, value);
}

/* The `uid` of attributes one after another, [[name, value], ...]. */
static bool is_person_of_pairs(const char *sub, const nrbac_value *pairs)
{
    bool is_list = nrbac_value_kind(pairs) == NRBAC_KIND_LIST;
    for (size_t i = 0; is_list && i < nrbac_value_count(pairs); i++) {
        const nrbac_value *pair = nrbac_value_at(pairs, i);
        if (nrbac_value_kind(pair) != NRBAC_KIND_LIST)
            continue;
        const char *name = nrbac_value_text(nrbac_value_at(pair, 0));
        if (name != NULL && strcmp(name, "uid") == 0 &&
            is_person_in(sub, nrbac_value_at(pair, 1)))
            return true;
    }
    return false;
}

/* In each of the spellings that the engine reads (subject/saml.c). */
static bool is_person_of_saml(const char *sub, const nrbac_value *saml)
{
    return is_person_of_pairs(sub, saml) ||
           is_person_in(sub, nrbac_value_find(saml, "uid")) ||
           is_person_of_pairs(sub, nrbac_value_find(saml, "attributes"));
}

/* Any of the ids that the evidence shows: that they are all of one person is for the
 * engine to see, which refuses them otherwise. */
static bool is_user(const nr_present *present, const char *sub)
{
    for (size_t i = 0; i < NR_USER_TOKEN_COUNT; i++) {
        const nrbac_value *claims = nr_present_claims(present, (nr_user_token)i);
        if (is_person(sub, nrbac_value_find(claims, "sub")))
            return true;
    }
    const nrbac_value *login = nr_present_claims(present, NR_NHS_LOGIN);
    const nrbac_value *saml = nrbac_value_find(present->properties, "saml");
    return is_person(sub, nrbac_value_find(login, "nhs_number")) ||
           is_person_of_saml(sub, saml) ||
           is_person(sub, nrbac_value_find(present->subject, "id"));
}

static bool check_person(nr_present *present)
{
    const char *sub = present->grant.sub;
    return sub == NULL || is_user(present, sub) ||
           nr_refuse(&present->check, "is about another user than the request");
}

/* ---- The level ----------------------------------------------------------------------- */

/* Where a level stands in the request, or would. */
typedef struct level_place {
    bool in_claims;
    nr_user_token token; /* whose claims; else it stands beside the shape */
    const char *key;
    const nrbac_value *stated; /* NULL: nothing is */
} level_place;

static const nrbac_value *stated_in(const nrbac_value *map, const char *key)
{
    return is_there(map, key) ? nrbac_value_find(map, key) : NULL;
}

static level_place place_of_cis2(const nr_present *present)
{
    static const char key[] = "authentication_assurance_level";
    const nrbac_value *id_token = nr_present_claims(present, NR_ID_TOKEN);
    const nrbac_value *userinfo = nr_present_claims(present, NR_USERINFO);
    if (id_token == NULL && userinfo == NULL)
        return (level_place){ .key = "aal",
                              .stated = stated_in(present->properties, "aal") };
    const nrbac_value *stated = stated_in(id_token, key);
    if (stated == NULL)
        stated = stated_in(userinfo, key);
    return (level_place){ .in_claims = true,
                          .token = id_token != NULL ? NR_ID_TOKEN : NR_USERINFO,
                          .key = key,
                          .stated = stated };
}

static bool is_level(const nrbac_value *value, int level)
{
    const char *text = nrbac_value_text(value);
    if (text != NULL)
        return text[0] == '0' + level && text[1] == '\0';
    return nrbac_value_kind(value) == NRBAC_KIND_INTEGER &&
           nrbac_value_integer(value) == level;
}

/* "P9", or the component "P9" of a vector of trust, such as "P9.Cp.Cd". -1: none. */
static int proofing_in(const char *text)
{
    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, ".");
        if (*at == 'P')
            return size == 2 ? at[1] - '0' : 10;
        at += size + (at[size] == '.');
    }
    return -1;
}

/* The level stands where the readers of evidence look for it. */
static void put_level(nr_present *present, const level_place *place, nrbac_value *level)
{
    nrbac_document *document = present->check.document;
    nr_change change = { place->key, level };
    if (!place->in_claims) {
        nr_change_to(&present->properties_changes, place->key, level);
        return;
    }
    nr_change_to(
        &present->properties_changes, nr_user_token_keys[place->token],
        nr_rewrite(document, nr_present_claims(present, place->token), &change, 1));
}

static bool differ(nr_present *present)
{
    return nr_refuse(&present->check, "states another level than the user's evidence");
}

static bool agree_on_cis2(nr_present *present)
{
    level_place place = place_of_cis2(present);
    if (place.stated != NULL)
        return is_level(place.stated, present->grant.level) || differ(present);
    put_level(present, &place,
              nrbac_new_integer(present->check.document, present->grant.level));
    return true;
}

static bool agree_on_login(nr_present *present)
{
    const nrbac_value *claims = nr_present_claims(present, NR_NHS_LOGIN);
    const nrbac_value *level = stated_in(claims, "identity_proofing_level");
    const nrbac_value *vector = stated_in(claims, "vot");
    level_place place = { .in_claims = true,
                          .token = NR_NHS_LOGIN,
                          .key = "identity_proofing_level",
                          .stated = level };
    char text[] = "P0";
    text[1] = (char)('0' + present->grant.level);
    if (level != NULL) {
        const char *stated = nrbac_value_text(level);
        return (stated != NULL && strcmp(stated, text) == 0) || differ(present);
    }
    int in_vector = proofing_in(nrbac_value_text(vector));
    if (vector != NULL && (nrbac_value_text(vector) == NULL || in_vector >= 0))
        return in_vector == present->grant.level || differ(present);
    put_level(present, &place, nrbac_new_text(present->check.document, text));
    return true;
}

static bool check_user(nr_present *present)
{
    bool patient = is_there(present->properties, "nhs_login");
    bool login = present->grant.kind == NRBAC_GRANT_NHS_LOGIN;
    if (!is_of_user(present))
        return check_person(present);
    if (patient != login)
        return nr_refuse(&present->check, "is of a user of another sign-in than the "
                                          "subject's");
    return check_person(present) &&
           (login ? agree_on_login(present) : agree_on_cis2(present));
}

void nr_present_agree(nr_present *present)
{
    if (present->application_finding != NRBAC_VERIFIED ||
        !present->proof_sound[NR_PROVED_BY_ACCESS_TOKEN])
        return;
    present->check.member = member;
    bool user = is_there(present->request, "subject");
    /* A token of the application's own may be about nobody else. */
    bool stray = !user && !is_of_user(present) && present->grant.sub != NULL;
    if (stray)
        (void)nr_refuse(&present->check, "is about a user, whom the request does not "
                                         "name");
    if (stray)
        nr_present_refuse_application(present);
    else if (user && present->user_finding != NRBAC_REFUSED && !check_user(present))
        nr_present_refuse_user(present);
}
