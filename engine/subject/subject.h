/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the application received about its user, and who that user is now.
 *
 *   request document --nr_request_read--> nrbac_request --nr_stand--> nr_standing
 *
 * Reading knows the shapes of evidence (CIS2, CIS1, NHS login, neutral); standing
 * knows the rules that choose the profile in force (S5 to S10, S26). Neither
 * knows any policy. Names in evidence are never looked at, except the names of
 * its members (S1).
 */
#ifndef NR_SUBJECT_H
#define NR_SUBJECT_H

#include "base/arena.h"
#include "base/time.h"

#include <nrbac/nrbac.h>

/* A request as read. `fault` is NULL, or says which member is missing or
 * mistyped ("`action.name` is missing"); then the rest is not to be used. */
typedef struct nr_reading {
    nrbac_request request;
    const char *fault;
    nrbac_findings unchecked; /* of tokens and secrets in it, which nobody checked */
} nr_reading;

/* Reads a request. Texts are borrowed from the document, lists made in the
 * arena. `need_action`: whether a missing action.name is a fault. Signed tokens and
 * other evidence that is to be checked are gone from a request that was: what still
 * stands there is refused, and the request's findings say so.
 * NRBAC_E_MEMORY is the only failure. */
nrbac_status nr_request_read(nr_arena *arena, const nrbac_value *document,
                             bool need_action, nr_reading *reading);

/* Who the user is, for a decision: the outcome of the checks before the policy. */
typedef struct nr_standing {
    nrbac_reason reason;             /* OPENED, or the first check that failed */
    const nrbac_profile *profile;    /* in force; NULL: none, or a patient */
    const char *role;                /* its usable role code; NULL: none */
    const char *acting_organisation; /* S9; NULL: none */
    int64_t valid_until;    /* earliest expiry of the evidence; 0: not stated */
    bool choice_overridden; /* the token's choice differs from the caller's */
} nr_standing;

/* The checks in the contract's order: one person, not expired at `now` (Unix
 * seconds), active, a profile in force, open, no training session, organisation.
 * The request's time is not looked at: `now` is. */
nr_standing nr_stand(const nrbac_request *request, bool roleless_additional,
                     int64_t now);

/* The first of them alone: evidence that is not refused, of one person, not expired,
 * active. OPENED if none failed. */
nrbac_reason nr_check_person(const nrbac_request *request, int64_t now);

/* The checks that follow the choice, as if `profile` were in force: what a
 * candidate would have. */
nr_standing nr_stand_as(const nrbac_request *request, const nrbac_profile *profile,
                        bool roleless_additional, int64_t now);

/* Who asks and where, for a record: also of a request that was refused before anybody
 * looked. The profile that is chosen (S6, S7); NULL: none, or a patient. Where it acts
 * (S9), or what the request names; NULL: neither says. */
const nrbac_profile *nr_chosen_profile(const nrbac_subject *subject);
const char *nr_organisation_of(const nrbac_request *request,
                               const nrbac_profile *profile);

/* What was found of the evidence. */
static inline nrbac_finding nr_user_finding(const nrbac_request *request)
{
    return request->findings == NULL ? NRBAC_ASSERTED : request->findings->user;
}

static inline nrbac_finding nr_application_finding(const nrbac_request *request)
{
    return request->findings == NULL ? NRBAC_ASSERTED : request->findings->application;
}

/* When the evidence ends, the user's and the application's; 0: not stated. */
static inline int64_t nr_evidence_ends(const nrbac_request *request)
{
    int64_t of_application = request->findings == NULL ? 0
                                                       : request->findings->expires_at;
    return nr_earliest(request->subject.expires_at, of_application);
}

#endif
