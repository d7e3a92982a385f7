/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codes.h"
#include "subject/evidence.h"

#include <string.h>

/* The national locum organisation: its profiles act elsewhere (S9). */
static bool is_locum(const char *organisation)
{
    return organisation[0] == 'F' && strcmp(organisation, "FFFFF") == 0;
}

static const char *filled(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

/* The profile of that id; of several the first. An empty id is nobody's. */
static const nrbac_profile *find_profile(const nrbac_subject *subject, const char *id)
{
    for (size_t i = 0; id[0] != '\0' && i < subject->profile_count; i++) {
        const nrbac_profile *profile = &subject->profiles[i];
        if (profile->id != NULL && strcmp(profile->id, id) == 0)
            return profile;
    }
    return NULL;
}

/* S6, S7: which one profile is in force. Whoever chose, chose: a choice that is
 * not the user's is never replaced by the next one in line. */
static nrbac_reason choose(const nrbac_subject *subject, const nrbac_profile **profile)
{
    const char *choice = subject->token_choice;
    if (choice == NULL)
        choice = subject->caller_choice;
    if (choice != NULL) {
        *profile = find_profile(subject, choice);
        return *profile == NULL ? NRBAC_REASON_SELECTED_ROLE_INVALID
                                : NRBAC_REASON_OPENED;
    }
    if (subject->profile_count == 0)
        return NRBAC_REASON_NO_ROLES;
    if (subject->profile_count > 1)
        return NRBAC_REASON_ROLE_SELECTION_REQUIRED;
    *profile = subject->profiles;
    return NRBAC_REASON_OPENED;
}

/* S9: where the user acts. */
static nrbac_reason settle_organisation(const nrbac_request *request,
                                        const nrbac_profile *profile,
                                        const char **acting)
{
    const char *own = filled(profile->organisation);
    const char *named = request->organisation;
    if (own != NULL && is_locum(own)) {
        if (filled(named) == NULL || is_locum(named))
            return NRBAC_REASON_ORGANISATION_REQUIRED;
        *acting = named;
        return NRBAC_REASON_OPENED;
    }
    *acting = own;
    if (named != NULL && (own == NULL || strcmp(own, named) != 0))
        return NRBAC_REASON_ORGANISATION_MISMATCH;
    return NRBAC_REASON_OPENED;
}

static bool is_open(const nrbac_profile *profile, int64_t now)
{
    return profile->opens_at <= now &&
           (profile->closes_at == 0 || now < profile->closes_at);
}

static bool choices_differ(const nrbac_subject *subject)
{
    return subject->token_choice != NULL && subject->caller_choice != NULL &&
           strcmp(subject->token_choice, subject->caller_choice) != 0;
}

/* The checks of a profile in force, which standing->profile already is. */
static nrbac_reason check_profile(const nrbac_request *request,
                                  bool roleless_additional, int64_t now,
                                  nr_standing *standing)
{
    const nrbac_profile *profile = standing->profile;
    standing->role = nr_code_role_of(profile->role);
    standing->valid_until = nr_earliest(standing->valid_until, profile->closes_at);
    if (standing->role == NULL && !roleless_additional)
        return NRBAC_REASON_ROLE_CODE_MISSING;
    if (!is_open(profile, now))
        return NRBAC_REASON_PROFILE_NOT_OPEN;
    if (request->subject.training)
        return NRBAC_REASON_TRAINING_SESSION;
    return settle_organisation(request, profile, &standing->acting_organisation);
}

nrbac_reason nr_check_person(const nrbac_request *request, int64_t now)
{
    const nrbac_subject *subject = &request->subject;
    if (nr_user_finding(request) == NRBAC_REFUSED)
        return NRBAC_REASON_USER_NOT_AUTHENTICATED;
    if (subject->mismatched)
        return NRBAC_REASON_SUBJECT_MISMATCH;
    if (subject->expires_at != 0 && subject->expires_at <= now)
        return NRBAC_REASON_EVIDENCE_EXPIRED;
    return subject->inactive ? NRBAC_REASON_PERSON_INACTIVE : NRBAC_REASON_OPENED;
}

/* A patient has one record, and no profile. What an API says of records is for the
 * policy to judge. */
static nrbac_reason check_record(const nrbac_request *request)
{
    const char *own = request->subject.nhs_number;
    const char *asked = request->nhs_number;
    if (request->api != NULL)
        return NRBAC_REASON_OPENED;
    if (asked != NULL && (own == NULL || strcmp(own, asked) != 0))
        return NRBAC_REASON_NOT_OWN_RECORD;
    return NRBAC_REASON_OPENED;
}

static nr_standing begin(const nrbac_request *request)
{
    return (nr_standing){
        .reason = NRBAC_REASON_OPENED,
        .valid_until = nr_evidence_ends(request),
        .choice_overridden = choices_differ(&request->subject),
    };
}

nr_standing nr_stand_as(const nrbac_request *request, const nrbac_profile *profile,
                        bool roleless_additional, int64_t now)
{
    nr_standing standing = begin(request);
    standing.profile = profile;
    standing.reason = check_profile(request, roleless_additional, now, &standing);
    return standing;
}

nr_standing nr_stand(const nrbac_request *request, bool roleless_additional,
                     int64_t now)
{
    const nrbac_subject *subject = &request->subject;
    nr_standing standing = begin(request);
    if (subject->type == NRBAC_SUBJECT_NONE) {
        standing.reason = NRBAC_REASON_USER_REQUIRED;
        return standing;
    }
    standing.reason = nr_check_person(request, now);
    if (standing.reason != NRBAC_REASON_OPENED)
        return standing;
    if (subject->type == NRBAC_PATIENT) {
        standing.reason = check_record(request);
        return standing;
    }
    standing.reason = choose(subject, &standing.profile);
    if (standing.profile != NULL)
        standing.reason = check_profile(request, roleless_additional, now, &standing);
    return standing;
}

const nrbac_profile *nr_chosen_profile(const nrbac_subject *subject)
{
    const nrbac_profile *profile = NULL;
    if (subject->type != NRBAC_SUBJECT_NONE && subject->type != NRBAC_PATIENT)
        (void)choose(subject, &profile);
    return profile;
}

const char *nr_organisation_of(const nrbac_request *request,
                               const nrbac_profile *profile)
{
    const char *acting = NULL;
    if (profile != NULL)
        (void)settle_organisation(request, profile, &acting);
    return acting != NULL ? acting : filled(request->organisation);
}
