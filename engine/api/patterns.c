/* SPDX-License-Identifier: Apache-2.0 */
#include "api/patterns.h"

#include <string.h>

typedef struct pattern {
    const char *slug;
    nr_proof proof;
    nr_pattern_user user;
    int aal;
} pattern;

static const pattern patterns[NR_PATTERN_COUNT] = {
#define NRBAC_PATTERN(number, NAME, slug, PROOF, USER, aal, doc) \
    [number] = { slug, NR_PROOF_##PROOF, NR_USER_##USER, aal },
#include <nrbac/pattern.def>
#undef NRBAC_PATTERN
};

static const struct {
    const char *word;
    nr_proof proof;
    nr_pattern pattern; /* application-restricted by this way */
} ways[] = {
    { "api-key", NR_PROOF_API_KEY, NR_PATTERN_API_KEY },
    { "signed-jwt", NR_PROOF_SIGNED_JWT, NR_PATTERN_SIGNED_JWT },
    { "tls-ma", NR_PROOF_TLS_MA, NR_PATTERN_TLS_MA },
};

const char *nr_pattern_slug(uint32_t number)
{
    return number < NR_PATTERN_COUNT ? patterns[number].slug : NULL;
}

nrbac_value *nr_proof_words(nrbac_document *document, uint32_t proofs)
{
    nrbac_value *list = nrbac_new_list(document);
    for (size_t i = 0; i < NR_COUNT(ways); i++)
        if ((proofs & (uint32_t)ways[i].proof) != 0)
            nrbac_append(document, list, nrbac_new_text(document, ways[i].word));
    return list;
}

static const nr_table_operation *operation_of(const nr_question *question)
{
    return &question->policy->table.operations[question->target.number];
}

static const nr_table_api *api_of(const nr_question *question)
{
    return &question->policy->table.apis[operation_of(question)->api];
}

static bool has_requirement(const nr_question *question)
{
    return operation_of(question)->nodes.count != 0;
}

static bool has_user(const nr_question *question)
{
    return question->request->subject.type != NRBAC_SUBJECT_NONE;
}

static bool offers(const nr_question *question, uint32_t number)
{
    return number < NR_PATTERN_COUNT &&
           (operation_of(question)->patterns >> number & 1) != 0;
}

/* How the caller says that it was authenticated; NOTHING: it does not say, or in
 * no word that we know. */
static nr_proof proof_of(const nrbac_request *request)
{
    for (size_t i = 0; request->authenticated_by != NULL && i < NR_COUNT(ways); i++)
        if (strcmp(request->authenticated_by, ways[i].word) == 0)
            return ways[i].proof;
    return NR_PROOF_NOTHING;
}

/* ---- Which pattern a request used ------------------------------------------------ */

/* What each kind of evidence shows, the likeliest first. */
static const struct {
    nrbac_evidence evidence;
    nr_pattern pattern;
} shown[] = {
    { NRBAC_EVIDENCE_CIS2, NR_PATTERN_CIS2_SEPARATE },
    { NRBAC_EVIDENCE_CIS2, NR_PATTERN_HL7V3_CIS2 },
    { NRBAC_EVIDENCE_CIS2, NR_PATTERN_CIS2_COMBINED },
    { NRBAC_EVIDENCE_CIS1, NR_PATTERN_HL7V3_CIS },
    { NRBAC_EVIDENCE_NHS_LOGIN, NR_PATTERN_NHS_LOGIN_SEPARATE },
    { NRBAC_EVIDENCE_NHS_LOGIN, NR_PATTERN_NHS_LOGIN_COMBINED },
    { NRBAC_EVIDENCE_PROFILE, NR_PATTERN_CIS2_COMBINED },
    { NRBAC_EVIDENCE_PROFILE, NR_PATTERN_CIS2_SEPARATE },
    { NRBAC_EVIDENCE_PROFILE, NR_PATTERN_HL7V3_CIS2 },
};

/* Without a user's evidence the application's own shows the pattern. A way that we
 * have no word for shows none: it is not the same as saying nothing. */
static uint32_t pattern_of_application(const nrbac_request *request)
{
    if (request->authenticated_by == NULL)
        return NR_PATTERN_OPEN_ACCESS;
    nr_proof proof = proof_of(request);
    for (size_t i = 0; i < NR_COUNT(ways); i++)
        if (ways[i].proof == proof)
            return ways[i].pattern;
    return NR_NONE;
}

static nrbac_grant grant_of(const nr_question *question)
{
    const nrbac_findings *findings = question->request->findings;
    return findings == NULL ? NRBAC_GRANT_UNKNOWN : findings->grant;
}

/* Whether an access token, where one was presented, is for a pattern of this kind: a
 * user's is not the application's own, nor the other way round. */
static bool is_granted(const nr_question *question, uint32_t number)
{
    nrbac_grant grant = grant_of(question);
    if (grant == NRBAC_GRANT_UNKNOWN || number >= NR_PATTERN_COUNT)
        return true;
    switch (patterns[number].user) {
    case NR_USER_NOBODY:
        break;
    case NR_USER_LOCAL:
        return grant == NRBAC_GRANT_APPLICATION;
    case NR_USER_CIS2:
    case NR_USER_PLATFORM_CIS2:
    case NR_USER_CIS1:
        return grant == NRBAC_GRANT_CIS2;
    case NR_USER_NHS_LOGIN:
    case NR_USER_PLATFORM_NHS_LOGIN:
        return grant == NRBAC_GRANT_NHS_LOGIN;
    }
    return true;
}

static bool may_be(const nr_question *question, uint32_t number)
{
    return offers(question, number) && is_granted(question, number);
}

/* Where the application's own evidence is not enough, a user is missing: the
 * pattern to tell of is the likeliest one with a user. Of a user whom an access token
 * grants, and of whom nothing else is shown, the platform alone knows. */
static uint32_t pattern_that_misses_a_user(const nr_question *question)
{
    if (grant_of(question) == NRBAC_GRANT_CIS2 &&
        offers(question, NR_PATTERN_CIS2_COMBINED))
        return NR_PATTERN_CIS2_COMBINED;
    if (grant_of(question) == NRBAC_GRANT_NHS_LOGIN &&
        offers(question, NR_PATTERN_NHS_LOGIN_COMBINED))
        return NR_PATTERN_NHS_LOGIN_COMBINED;
    static const nr_pattern likeliest[] = {
        NR_PATTERN_CIS2_SEPARATE, NR_PATTERN_NHS_LOGIN_SEPARATE,
        NR_PATTERN_HL7V3_CIS2,    NR_PATTERN_HL7V3_CIS,
        NR_PATTERN_CIS2_COMBINED, NR_PATTERN_NHS_LOGIN_COMBINED,
    };
    for (size_t i = 0; i < NR_COUNT(likeliest); i++)
        if (may_be(question, likeliest[i]))
            return likeliest[i];
    return NR_NONE;
}

static uint32_t pattern_by_name(const char *slug)
{
    for (uint32_t i = 0; i < NR_PATTERN_COUNT; i++)
        if (strcmp(slug, patterns[i].slug) == 0)
            return i;
    return NR_NONE;
}

static uint32_t find_pattern(const nr_question *question)
{
    const nrbac_request *request = question->request;
    if (request->pattern != NULL)
        return pattern_by_name(request->pattern);
    for (size_t i = 0; has_user(question) && i < NR_COUNT(shown); i++)
        if (shown[i].evidence == request->subject.evidence &&
            may_be(question, shown[i].pattern))
            return shown[i].pattern;
    uint32_t own = pattern_of_application(request);
    if (has_user(question) || may_be(question, own))
        return own;
    uint32_t missing = pattern_that_misses_a_user(question);
    return missing == NR_NONE ? own : missing;
}

/* Whether the user's evidence is of a kind that belongs to the pattern. */
static bool evidence_fits(const nr_question *question, uint32_t number)
{
    if (!has_user(question) || patterns[number].user == NR_USER_NOBODY ||
        patterns[number].user == NR_USER_LOCAL)
        return true;
    for (size_t i = 0; i < NR_COUNT(shown); i++)
        if (shown[i].evidence == question->request->subject.evidence &&
            shown[i].pattern == number)
            return true;
    return false;
}

/* ---- The application --------------------------------------------------------------- */

static nrbac_reason check_application(nr_question *question)
{
    const nr_table *table = &question->policy->table;
    const nrbac_request *request = question->request;
    if (request->application == NULL)
        return NRBAC_REASON_APPLICATION_NOT_AUTHENTICATED;
    if (question->application == NR_NONE)
        return NRBAC_REASON_APPLICATION_UNKNOWN;
    const nr_table_application
        *application = &table->applications[question->application];
    if (((uint32_t)proof_of(request) & application->proofs) == 0)
        return NRBAC_REASON_APPLICATION_NOT_AUTHENTICATED;
    if (application->suspension != NR_NONE)
        return NRBAC_REASON_SUSPENDED;
    const uint64_t *allowed = table->allowed + (size_t)application->allowed *
                                                   table->header->operation_words;
    if (application->closed != 0 || !nr_bits_has(allowed, question->target.number))
        return NRBAC_REASON_APPLICATION_NOT_AUTHORISED;
    return NRBAC_REASON_NOT_EVALUATED;
}

/* Whom the application may act for. */
static nrbac_reason check_organisation(const nr_question *question)
{
    const nr_table *table = &question->policy->table;
    const nr_table_application
        *application = &table->applications[question->application];
    const char *named = question->request->organisation;
    if (application->any_organisation != 0)
        return NRBAC_REASON_NOT_EVALUATED;
    if (named == NULL || *named == '\0')
        return NRBAC_REASON_ORGANISATION_REQUIRED;
    for (uint32_t i = 0; i < application->organisations.count; i++) {
        nr_text text = table->numbers[application->organisations.first + i];
        if (strcmp(nr_table_text(table, text), named) == 0)
            return NRBAC_REASON_NOT_EVALUATED;
    }
    return NRBAC_REASON_ORGANISATION_MISMATCH;
}

/* ---- The pattern --------------------------------------------------------------------- */

static nrbac_reason check_presence(const nr_question *question)
{
    bool user = has_user(question);
    bool wanted = has_requirement(question);
    switch (patterns[question->pattern].user) {
    case NR_USER_NOBODY:
        break;
    case NR_USER_LOCAL:
        if (api_of(question)->local_user != NR_LOCAL_USER_NONE)
            wanted = true;
        else if (user)
            return NRBAC_REASON_USER_NOT_ALLOWED;
        break;
    case NR_USER_PLATFORM_CIS2:
    case NR_USER_PLATFORM_NHS_LOGIN:
        if (!user)
            return NRBAC_REASON_CANNOT_DECIDE_LOCALLY;
        break;
    case NR_USER_CIS2:
    case NR_USER_CIS1:
    case NR_USER_NHS_LOGIN:
        wanted = true;
        break;
    }
    return wanted && !user ? NRBAC_REASON_USER_REQUIRED : NRBAC_REASON_NOT_EVALUATED;
}

static nrbac_reason check_pattern(const nr_question *question)
{
    if (!may_be(question, question->pattern) ||
        !evidence_fits(question, question->pattern))
        return NRBAC_REASON_PATTERN_NOT_MET;
    nr_proof wanted = patterns[question->pattern].proof;
    if (wanted != NR_PROOF_NOTHING &&
        ((uint32_t)proof_of(question->request) & (uint32_t)wanted) == 0)
        return NRBAC_REASON_PATTERN_NOT_MET;
    return check_presence(question);
}

nrbac_reason nr_pattern_judge(nr_question *question)
{
    question->pattern = find_pattern(question);
    bool open = question->pattern == NR_PATTERN_OPEN_ACCESS &&
                offers(question, NR_PATTERN_OPEN_ACCESS);
    nrbac_reason reason = NRBAC_REASON_NOT_EVALUATED;
    if (!open)
        reason = check_application(question);
    if (!open && reason == NRBAC_REASON_NOT_EVALUATED)
        reason = check_organisation(question);
    return reason == NRBAC_REASON_NOT_EVALUATED ? check_pattern(question) : reason;
}

bool nr_pattern_judges_user(const nr_question *question)
{
    return has_user(question) && (patterns[question->pattern].user != NR_USER_NOBODY ||
                                  has_requirement(question));
}

nrbac_reason nr_pattern_assurance(const nr_question *question)
{
    int wanted = patterns[question->pattern].aal;
    int stated = question->request->subject.aal;
    if (wanted == 0 || stated >= NRBAC_LEVEL(wanted))
        return NRBAC_REASON_NOT_EVALUATED;
    return stated == NRBAC_LEVEL_UNKNOWN ? NRBAC_REASON_ASSURANCE_UNKNOWN
                                         : NRBAC_REASON_ASSURANCE_TOO_LOW;
}

nrbac_reason nr_pattern_record(const nr_question *question)
{
    const nrbac_subject *subject = &question->request->subject;
    const char *asked = question->request->nhs_number;
    if (subject->type != NRBAC_PATIENT)
        return NRBAC_REASON_NOT_EVALUATED;
    if (asked != NULL && *asked != '\0') {
        if (subject->actor != NULL && operation_of(question)->delegation != 0)
            return NRBAC_REASON_NOT_EVALUATED;
        if (subject->nhs_number != NULL && strcmp(subject->nhs_number, asked) == 0)
            return NRBAC_REASON_NOT_EVALUATED;
    }
    return NRBAC_REASON_NOT_OWN_RECORD;
}

nrbac_reason nr_pattern_permit(const nr_question *question)
{
    if (nr_pattern_judges_user(question)) {
        if (question->request->subject.type == NRBAC_PATIENT)
            return NRBAC_REASON_PATIENT_AUTHORISED;
        if (has_requirement(question))
            return NRBAC_REASON_REQUIREMENT_MET;
    }
    return question->pattern == NR_PATTERN_OPEN_ACCESS
               ? NRBAC_REASON_OPEN_ACCESS
               : NRBAC_REASON_APPLICATION_AUTHORISED;
}

/* ---- Who decided ----------------------------------------------------------------------- */

/* Nobody, if it never came to step 2. */
static bool was_judged(const nr_question *question)
{
    return question->target.kind == NR_TARGET_OPERATION;
}

/* Of a function, an activity or a session there is no application to judge; the user
 * is, once it is known what is asked. */
static bool is_about_user_alone(const nr_question *question)
{
    return question->request->api == NULL && question->fault == NULL &&
           (question->opening ? question->policy != NULL
                              : question->target.kind != NR_TARGET_UNKNOWN);
}

const char *nr_pattern_application_decider(const nr_question *question)
{
    return !was_judged(question) || question->pattern == NR_PATTERN_OPEN_ACCESS
               ? "nobody"
               : "engine";
}

const char *nr_pattern_user_decider(const nr_question *question)
{
    if (is_about_user_alone(question))
        return has_user(question) ? "engine" : "nobody";
    if (!was_judged(question) || question->pattern >= NR_PATTERN_COUNT)
        return "nobody";
    nr_pattern_user user = patterns[question->pattern].user;
    if (!has_user(question))
        return user == NR_USER_PLATFORM_CIS2 || user == NR_USER_PLATFORM_NHS_LOGIN
                   ? "api"
                   : "nobody";
    bool judged = has_requirement(question) ||
                  question->request->subject.type == NRBAC_PATIENT;
    return judged && nr_pattern_judges_user(question) ? "engine" : "nobody";
}
