/* SPDX-License-Identifier: Apache-2.0 */
#include "api/duties.h"

#include "api/patterns.h"

#define DUTY(NAME) (1u << NR_DUTY_##NAME)

static const struct {
    nr_proof proof;
    nr_pattern_user user;
    int aal;
} patterns[NR_PATTERN_COUNT] = {
#define NRBAC_PATTERN(number, NAME, slug, PROOF, USER, aal, doc) \
    [number] = { NR_PROOF_##PROOF, NR_USER_##USER, aal },
#include <nrbac/pattern.def>
#undef NRBAC_PATTERN
};

/* Who authenticates each kind of user, where, and what that leaves to the supplier.
 * NHS England authorises none of them. */
static const struct {
    const char *takes;
    nr_party authenticated, service;
    uint32_t supplier;
} users[] = {
    [NR_USER_NOBODY] = { "nobody", NR_PARTY_NOBODY, NR_PARTY_NOBODY,
                         DUTY(ANSWER_FOR_USERS) },
    [NR_USER_LOCAL] = { "local", NR_PARTY_APPLICATION, NR_PARTY_NOBODY,
                        DUTY(AUTHENTICATE_USER) | DUTY(AUTHORISE_USER) },
    [NR_USER_CIS2] = { "healthcare-worker", NR_PARTY_CIS2, NR_PARTY_CIS2,
                       DUTY(SIGN_USER_IN) | DUTY(AUTHORISE_USER) },
    [NR_USER_PLATFORM_CIS2] = { "healthcare-worker", NR_PARTY_API_PLATFORM,
                                NR_PARTY_CIS2,
                                DUTY(HOLD_PROFILE) | DUTY(AUTHORISE_USER) },
    [NR_USER_CIS1] = { "healthcare-worker", NR_PARTY_CIS, NR_PARTY_CIS,
                       DUTY(SIGN_USER_IN) | DUTY(AUTHORISE_USER) },
    [NR_USER_NHS_LOGIN] = { "patient", NR_PARTY_NHS_LOGIN, NR_PARTY_NHS_LOGIN,
                            DUTY(SIGN_USER_IN) | DUTY(AUTHORISE_USER) |
                                DUTY(NAME_RECORD) },
    [NR_USER_PLATFORM_NHS_LOGIN] = { "patient", NR_PARTY_API_PLATFORM,
                                     NR_PARTY_NHS_LOGIN,
                                     DUTY(HOLD_PROFILE) | DUTY(AUTHORISE_USER) |
                                         DUTY(NAME_RECORD) },
};

static nr_party party_of_proof(nr_proof proof)
{
    if (proof == NR_PROOF_NOTHING)
        return NR_PARTY_NOBODY;
    return proof == NR_PROOF_TLS_MA ? NR_PARTY_API : NR_PARTY_API_PLATFORM;
}

/* Whom the operation sees under the pattern. Without a requirement nobody is looked
 * at under open access, and none asserted where the API wants no local users. */
static nr_pattern_user user_seen(const nr_table *table,
                                 const nr_table_operation *operation,
                                 nr_pattern_user user)
{
    bool required = operation->nodes.count != 0;
    if (user == NR_USER_NOBODY && required)
        return NR_USER_LOCAL;
    if (user == NR_USER_LOCAL &&
        table->apis[operation->api].local_user == NR_LOCAL_USER_NONE)
        return NR_USER_NOBODY;
    return user;
}

static bool has_obligations(const nr_table *table, const nr_table_operation *operation)
{
    uint32_t count = operation->obligations.count;
    for (uint32_t i = 0; i < operation->nodes.count; i++)
        count += table->nodes[operation->nodes.first + i].obligations.count;
    return count != 0;
}

/* A patient is held to their own record; everybody else to the requirement alone. */
static bool is_user_judged(const nr_table_operation *operation, nr_pattern_user seen)
{
    if (seen == NR_USER_NHS_LOGIN || seen == NR_USER_PLATFORM_NHS_LOGIN)
        return true;
    return seen != NR_USER_NOBODY && operation->nodes.count != 0;
}

nr_duties nr_duties_of(const nr_table *table, uint32_t operation, uint32_t pattern)
{
    const nr_table_operation *asked = &table->operations[operation];
    nr_pattern_user seen = user_seen(table, asked, patterns[pattern].user);
    nr_proof proof = patterns[pattern].proof;
    nr_duties duties = {
        .application_authenticated = party_of_proof(proof),
        .application_authorised = party_of_proof(proof),
        .proofs = (uint32_t)proof,
        .takes = users[seen].takes,
        .user_authenticated = users[seen].authenticated,
        .user_authorised = is_user_judged(asked, seen) ? NR_PARTY_APPLICATION
                                                       : NR_PARTY_NOBODY,
        .service = users[seen].service,
        .aal = patterns[pattern].aal,
        .can_permit = seen != NR_USER_NOBODY || asked->nodes.count == 0,
        .supplier = users[seen].supplier | DUTY(ENFORCE_DECISION),
    };
    if (has_obligations(table, asked))
        duties.supplier |= DUTY(FULFIL_OBLIGATIONS);
    return duties;
}

/* ---- Told ------------------------------------------------------------------------- */

typedef struct told_word {
    const char *slug, *label, *doc;
} told_word;

static const told_word parties[] = {
#define NRBAC_PARTY(NAME, slug, label, doc) { slug, label, doc },
#include <nrbac/party.def>
#undef NRBAC_PARTY
};

static const told_word duty_words[] = {
#define NRBAC_DUTY(number, NAME, slug, label, doc) [number] = { slug, label, doc },
#include <nrbac/duty.def>
#undef NRBAC_DUTY
};

static const told_word pattern_words[] = {
#define NRBAC_PATTERN(number, NAME, slug, PROOF, USER, aal, doc) \
    [number] = { slug, slug, doc },
#include <nrbac/pattern.def>
#undef NRBAC_PATTERN
};

static void set_text(nrbac_document *document, nrbac_value *map, const char *key,
                     const char *text)
{
    nrbac_set(document, map, key, nrbac_new_text(document, text));
}

static nrbac_value *application_of(nrbac_document *document, const nr_duties *duties)
{
    nrbac_value *map = nrbac_new_map(document);
    bool open = duties->proofs == NR_PROOF_NOTHING;
    set_text(document, map, "authenticated_by",
             parties[duties->application_authenticated].slug);
    nrbac_set(document, map, "ways", nr_proof_words(document, duties->proofs));
    set_text(document, map, "authorised_by",
             parties[duties->application_authorised].slug);
    set_text(document, map, "decided_by", open ? "nobody" : "engine");
    return map;
}

static nrbac_value *user_of(nrbac_document *document, const nr_duties *duties)
{
    nrbac_value *map = nrbac_new_map(document);
    bool judged = duties->user_authorised != NR_PARTY_NOBODY;
    set_text(document, map, "takes", duties->takes);
    set_text(document, map, "authenticated_by",
             parties[duties->user_authenticated].slug);
    nrbac_set(document, map, "identity_service",
              duties->service == NR_PARTY_NOBODY
                  ? nrbac_new_null(document)
                  : nrbac_new_text(document, parties[duties->service].slug));
    set_text(document, map, "authorised_by", parties[duties->user_authorised].slug);
    set_text(document, map, "decided_by", judged ? "engine" : "nobody");
    return map;
}

nrbac_value *nr_duties_tell(nrbac_document *document, const nr_duties *duties,
                            uint32_t pattern)
{
    nrbac_value *map = nrbac_new_map(document);
    set_text(document, map, "pattern", nr_pattern_slug(pattern));
    nrbac_set(document, map, "can_permit",
              nrbac_new_boolean(document, duties->can_permit));
    nrbac_set(document, map, "application", application_of(document, duties));
    nrbac_set(document, map, "user", user_of(document, duties));
    nrbac_set(document, map, "aal",
              duties->aal == 0 ? nrbac_new_null(document)
                               : nrbac_new_integer(document, duties->aal));
    nrbac_value *list = nrbac_set(document, map, "supplier", nrbac_new_list(document));
    for (size_t i = 0; i < NR_COUNT(duty_words); i++)
        if ((duties->supplier >> i & 1) != 0)
            nrbac_append(document, list, nrbac_new_text(document, duty_words[i].slug));
    return map;
}

static nrbac_value *words_of(nrbac_document *document, const told_word *words,
                             size_t count)
{
    nrbac_value *map = nrbac_new_map(document);
    for (size_t i = 0; i < count; i++) {
        nrbac_value *word = nrbac_set(document, map, words[i].slug,
                                      nrbac_new_map(document));
        set_text(document, word, "label", words[i].label);
        set_text(document, word, "doc", words[i].doc);
    }
    return map;
}

nrbac_value *nr_duties_words(nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "parties", words_of(document, parties, NR_COUNT(parties)));
    nrbac_set(document, map, "duties",
              words_of(document, duty_words, NR_COUNT(duty_words)));
    nrbac_set(document, map, "patterns",
              words_of(document, pattern_words, NR_COUNT(pattern_words)));
    return map;
}
