/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over a request. It is somebody else's document: any member may be of any
 * kind. Whatever is no map where one is expected is left to the engine, which refuses
 * it; so nothing is presented in it.
 */
#include "verify/present.h"
#include "verify/token.h"

#include <nrbac/verify.h>

#include <string.h>

const char *const nr_user_token_keys[NR_USER_TOKEN_COUNT] = {
    [NR_ID_TOKEN] = "id_token",
    [NR_USERINFO] = "userinfo",
    [NR_NHS_LOGIN] = "nhs_login",
};

static const char *const token_members[NR_USER_TOKEN_COUNT] = {
    [NR_ID_TOKEN] = "subject.properties.id_token",
    [NR_USERINFO] = "subject.properties.userinfo",
    [NR_NHS_LOGIN] = "subject.properties.nhs_login",
};

const char *const nr_proof_keys[NR_PROOF_MEMBER_COUNT] = {
    [NR_PROVED_BY_ASSERTION] = "client_assertion",
    [NR_PROVED_BY_API_KEY] = "api_key",
    [NR_PROVED_BY_CERTIFICATE] = "certificate",
    [NR_PROVED_BY_ACCESS_TOKEN] = "access_token",
};

/* Each way of proving an application, in the order in which they are checked: a client
 * assertion is used up by being found sound, so it comes last. Of several ways the
 * lowest preference counts, unless the request says which. */
static const struct {
    nr_proof_member member;
    const char *path;
    const char *way;
    int preference;
    nr_proof_check *check; /* NULL: the access token, which says more */
} proofs[] = {
    { NR_PROVED_BY_API_KEY, "context.application.api_key", "api-key", 3,
      nr_check_api_key },
    { NR_PROVED_BY_CERTIFICATE, "context.application.certificate", "tls-ma", 2,
      nr_check_certificate },
    { NR_PROVED_BY_ACCESS_TOKEN, "context.access_token", "signed-jwt", 1, NULL },
    { NR_PROVED_BY_ASSERTION, "context.application.client_assertion", "signed-jwt", 1,
      nr_check_assertion },
};

/* ---- Reading -------------------------------------------------------------------------- */

static const nrbac_value *map_at(const nrbac_value *map, const char *key)
{
    const nrbac_value *value = nrbac_value_find(map, key);
    return nrbac_value_kind(value) == NRBAC_KIND_MAP ? value : NULL;
}

/* Empty and null members are not there. */
static const nrbac_value *there(const nrbac_value *map, const char *key)
{
    const nrbac_value *value = nrbac_value_find(map, key);
    const char *text = nrbac_value_text(value);
    if (nrbac_value_kind(value) == NRBAC_KIND_NULL || (text != NULL && *text == '\0'))
        return NULL;
    return value;
}

/* Takes a member out of the request, and hands it over if it presents anything. */
static const nrbac_value *take_out(const nrbac_value *map, const char *key,
                                   nr_changes *changes)
{
    if (nrbac_value_find(map, key) != NULL)
        nr_change_to(changes, key, NULL);
    return there(map, key);
}

static void read_names(nr_present *present)
{
    nr_check *check = &present->check;
    const nrbac_value *resource = map_at(present->request, "resource");
    const char *type = nrbac_value_text(nrbac_value_find(resource, "type"));
    check->named = nrbac_value_text(there(present->application, "id"));
    check->named_number = NR_NONE;
    if (check->named != NULL)
        check->named_number = nr_owner_of(&check->snapshot->settings->ids,
                                          check->named);
    if (type != NULL && strcmp(type, "api") == 0)
        check->api = nrbac_value_text(nrbac_value_find(resource, "id"));
}

void nr_present_read(nr_present *present, const nrbac_value *request)
{
    present->request = request;
    present->context = map_at(request, "context");
    present->application = map_at(present->context, "application");
    present->subject = map_at(request, "subject");
    present->properties = map_at(present->subject, "properties");
    present->proved = NR_NONE;
    for (size_t i = 0; i < NR_PROVED_BY_ACCESS_TOKEN; i++)
        present->proofs[i] = take_out(present->application, nr_proof_keys[i],
                                      &present->application_changes);
    present->proofs[NR_PROVED_BY_ACCESS_TOKEN] = take_out(
        present->context, nr_proof_keys[NR_PROVED_BY_ACCESS_TOKEN],
        &present->context_changes);
    for (size_t i = 0; i < NR_USER_TOKEN_COUNT; i++) {
        const nrbac_value *value = nrbac_value_find(present->properties,
                                                    nr_user_token_keys[i]);
        if (nrbac_value_kind(value) == NRBAC_KIND_TEXT)
            present->tokens[i] = take_out(present->properties, nr_user_token_keys[i],
                                          &present->properties_changes);
    }
    read_names(present);
}

void nr_present_refuse_application(nr_present *present)
{
    present->application_finding = NRBAC_REFUSED;
}

void nr_present_refuse_user(nr_present *present)
{
    present->user_finding = NRBAC_REFUSED;
}

/* ---- The application ------------------------------------------------------------------ */

static bool check_proof(nr_present *present, size_t number, uint32_t *application)
{
    const nrbac_value *presented = present->proofs[proofs[number].member];
    present->check.member = proofs[number].path;
    if (proofs[number].check != NULL)
        return proofs[number].check(&present->check, presented, application);
    return nr_check_access_token(&present->check, presented, application,
                                 &present->grant);
}

/* All proofs are of one application, and of the one that is named. */
static bool check_one(nr_present *present, size_t number)
{
    nr_check *check = &present->check;
    uint32_t application = NR_NONE;
    if (check->named != NULL && check->named_number == NR_NONE) {
        check->member = proofs[number].path;
        return nr_refuse(check, "is presented by an application that the evidence "
                                "settings do not name");
    }
    if (!check_proof(present, number, &application))
        return false;
    if (check->named != NULL && application != check->named_number)
        return nr_refuse(check,
                         "is of another application than `context.application.id` "
                         "names");
    if (present->proved != NR_NONE && application != present->proved)
        return nr_refuse(check, "is of another application than the other proofs");
    present->proved = application;
    present->proof_sound[proofs[number].member] = true;
    return true;
}

/* How the application counts as authenticated: as it says, if that was proved. */
static const char *choose_way(nr_present *present)
{
    const nrbac_value *stated = there(present->application, "authenticated_by");
    const char *word = nrbac_value_text(stated);
    const char *way = NULL;
    int preference = 0;
    for (size_t i = 0; i < NR_COUNT(proofs); i++) {
        if (!present->proof_sound[proofs[i].member] ||
            (stated != NULL && (word == NULL || strcmp(word, proofs[i].way) != 0)))
            continue;
        if (way == NULL || proofs[i].preference < preference) {
            way = proofs[i].way;
            preference = proofs[i].preference;
        }
    }
    present->check.member = "context.application.authenticated_by";
    if (way == NULL)
        (void)nr_refuse(&present->check, "is not a way in which the application is "
                                         "proved");
    return way;
}

/* `id`, where it is there, is a text; else it names nobody who could be proved. */
static bool check_id(nr_present *present)
{
    if (there(present->application, "id") == NULL || present->check.named != NULL)
        return true;
    present->check.member = "context.application.id";
    return nr_refuse(&present->check, "is not a text");
}

static bool presents_proof(const nr_present *present)
{
    for (size_t i = 0; i < NR_PROOF_MEMBER_COUNT; i++)
        if (present->proofs[i] != NULL)
            return true;
    return false;
}

/* What the settings ask for: an application that is named is proved. One that is not
 * may still do what takes no application; what it says of itself does not count. */
static void require_application(nr_present *present)
{
    if (!present->check.snapshot->settings->require_application ||
        present->application_finding != NRBAC_ASSERTED ||
        there(present->application, "id") == NULL)
        return;
    nr_change_to(&present->application_changes, "authenticated_by", NULL);
}

static void find_application(nr_present *present)
{
    nrbac_document *document = present->check.document;
    bool sound = true;
    if (!presents_proof(present))
        return;
    sound = check_id(present);
    for (size_t i = 0; i < NR_COUNT(proofs) && sound; i++)
        if (present->proofs[proofs[i].member] != NULL)
            sound = check_one(present, i);
    const char *way = sound ? choose_way(present) : NULL;
    if (way == NULL) {
        nr_present_refuse_application(present);
        return;
    }
    const char
        *id = present->check.snapshot->settings->applications.items[present->proved].id;
    present->application_finding = NRBAC_VERIFIED;
    nr_change_to(&present->application_changes, "id", nrbac_new_text(document, id));
    nr_change_to(&present->application_changes, "authenticated_by",
                 nrbac_new_text(document, way));
}

void nr_present_application(nr_present *present)
{
    find_application(present);
    require_application(present);
}

/* ---- The user --------------------------------------------------------------------------- */

/* A refused token leaves an empty shape, so that the request stays one about a user. */
static void check_token(nr_present *present, size_t number)
{
    nrbac_document *document = present->check.document;
    const nrbac_value *claims = NULL;
    nrbac_value *copy = NULL;
    present->check.member = token_members[number];
    bool sound = present->user_finding != NRBAC_REFUSED &&
                 nr_check_user_token(&present->check, (nr_user_token)number,
                                     present->tokens[number], &claims);
    if (sound)
        copy = nrbac_value_copy(document, claims);
    else
        copy = nrbac_new_map(document);
    present->check.no_memory |= copy == NULL;
    present->token_sound[number] = sound;
    nr_change_to(&present->properties_changes, nr_user_token_keys[number], copy);
    if (!sound)
        nr_present_refuse_user(present);
}

/* Every shape of evidence is a token that was found sound, and there is one. */
static bool is_all_verified(const nr_present *present)
{
    bool any = false;
    for (size_t i = 0; i < NR_USER_TOKEN_COUNT; i++) {
        if (present->token_sound[i])
            any = true;
        else if (there(present->properties, nr_user_token_keys[i]) != NULL)
            return false;
    }
    return any && there(present->properties, "saml") == NULL &&
           there(present->properties, "profile") == NULL;
}

void nr_present_user(nr_present *present)
{
    for (size_t i = 0; i < NR_USER_TOKEN_COUNT; i++)
        if (present->tokens[i] != NULL)
            check_token(present, i);
    nr_present_unite(present);
    if (present->user_finding != NRBAC_REFUSED && is_all_verified(present))
        present->user_finding = NRBAC_VERIFIED;
}

const nrbac_value *nr_present_claims(const nr_present *present, nr_user_token kind)
{
    const char *key = nr_user_token_keys[kind];
    for (size_t i = 0; i < present->properties_changes.count; i++)
        if (strcmp(present->properties_changes.items[i].key, key) == 0)
            return present->properties_changes.items[i].value;
    return map_at(present->properties, key);
}

/* ---- The request without it ---------------------------------------------------------------- */

/* A member changes if anything below it does. A member of another kind stays, for the
 * engine to refuse. */
static void change_below(nr_present *present, nr_changes *above, const char *key,
                         const nrbac_value *within, const nr_changes *changes)
{
    nrbac_kind kind = nrbac_value_kind(nrbac_value_find(within, key));
    if (changes->count == 0 || (kind != NRBAC_KIND_NULL && kind != NRBAC_KIND_MAP))
        return;
    nr_change_to(above, key,
                 nr_rewrite(present->check.document, nrbac_value_find(within, key),
                            changes->items, changes->count));
}

const nrbac_value *nr_present_rewrite(nr_present *present)
{
    nr_changes subject = { .count = 0 };
    nr_changes request = { .count = 0 };
    change_below(present, &present->context_changes, "application", present->context,
                 &present->application_changes);
    change_below(present, &request, "context", present->request,
                 &present->context_changes);
    change_below(present, &subject, "properties", present->subject,
                 &present->properties_changes);
    change_below(present, &request, "subject", present->request, &subject);
    if (request.count == 0)
        return present->request;
    return nr_rewrite(present->check.document, present->request, request.items,
                      request.count);
}
