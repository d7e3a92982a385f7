/* SPDX-License-Identifier: Apache-2.0 */
#include "api/question.h"

#include "api/patterns.h"
#include "base/codes.h"

#include <string.h>

nr_facts nr_facts_of(const nrbac_request *request, const nr_standing *standing)
{
    nr_facts facts = {
        .role = standing->role,
        .acting_organisation = standing->acting_organisation,
        .request_organisation = request->organisation,
        .application = request->application,
        .acting_as = request->acting_as,
        .on_behalf_of = request->on_behalf_of,
        .aal = request->subject.aal,
        .ial = request->subject.ial,
        .proofing = request->subject.proofing,
    };
    const nrbac_profile *profile = standing->profile;
    if (profile == NULL)
        return facts;
    facts.areas_of_work = profile->areas_of_work;
    facts.area_of_work_count = profile->area_of_work_count;
    facts.activities = profile->activities;
    facts.activity_count = profile->activity_count;
    facts.workgroups = profile->workgroups;
    facts.workgroup_count = profile->workgroup_count;
    return facts;
}

nrbac_decision nr_decision_of(const nr_policy *policy, const nr_verdict *verdict)
{
    nrbac_decision decision = {
        .effect = nrbac_reason_effect(verdict->reason),
        .reason = verdict->reason,
        .generation = policy == NULL ? 0 : policy->generation,
        .obligation_count = verdict->obligation_count,
    };
    for (uint32_t i = 0; i < verdict->obligation_count; i++)
        decision.obligations[i] = policy->obligations[verdict->obligations[i]];
    return decision;
}

static nr_verdict decide_name(const nr_question *question, const nr_holding *holding)
{
    uint32_t number = question->target.number;
    if (question->target.kind == NR_TARGET_ACTIVITY)
        return nr_decide_activity(holding, number);
    if (question->target.kind == NR_TARGET_FUNCTION)
        return nr_decide_function(holding, number);
    nr_verdict verdict = nr_decide_operation(holding, number);
    if (verdict.reason == NRBAC_REASON_REQUIREMENT_MET)
        verdict.reason = nr_pattern_permit(question);
    return verdict;
}

/* What the action names: an operation of an API, an activity, a function. */
static nrbac_reason find_target(nr_question *question)
{
    const nr_table *table = &question->policy->table;
    const nrbac_request *request = question->request;
    if (request->api != NULL) {
        uint32_t api = nr_table_api_of(table, request->api);
        if (api == NR_NONE)
            return NRBAC_REASON_UNKNOWN_API;
        uint32_t operation = nr_table_operation_of(table, api, request->action);
        if (operation == NR_NONE)
            return NRBAC_REASON_UNKNOWN_OPERATION;
        question->target = (nr_target){ NR_TARGET_OPERATION, operation };
        return NRBAC_REASON_NOT_EVALUATED;
    }
    question->target = nr_policy_target(question->policy, request->action);
    if (question->target.kind != NR_TARGET_UNKNOWN)
        return NRBAC_REASON_NOT_EVALUATED;
    return nr_code_names_activity(request->action, strlen(request->action))
               ? NRBAC_REASON_UNKNOWN_ACTIVITY
               : NRBAC_REASON_UNKNOWN_FUNCTION;
}

/* The first of the checks that come before the user's own; 0: none failed. */
static nrbac_reason check_question(nr_question *question)
{
    const char *action = question->request->action;
    if (question->fault != NULL)
        return NRBAC_REASON_MALFORMED_REQUEST;
    if (!question->opening && (action == NULL || *action == '\0')) {
        question->fault = "`action.name` is missing";
        return NRBAC_REASON_MALFORMED_REQUEST;
    }
    if (question->policy == NULL)
        return NRBAC_REASON_NO_POLICY;
    if (question->stopped)
        return NRBAC_REASON_POLICY_STALE;
    if (question->request->application != NULL)
        question->application = nr_table_application_of(&question->policy->table,
                                                        question->request->application);
    nrbac_reason reason = question->opening ? NRBAC_REASON_NOT_EVALUATED
                                            : find_target(question);
    bool refused = question->stranger ||
                   nr_application_finding(question->request) == NRBAC_REFUSED;
    if (reason == NRBAC_REASON_NOT_EVALUATED && refused)
        return NRBAC_REASON_APPLICATION_NOT_AUTHENTICATED;
    if (reason != NRBAC_REASON_NOT_EVALUATED || question->opening)
        return reason;
    if (question->target.kind == NR_TARGET_OPERATION)
        return nr_pattern_judge(question);
    return NRBAC_REASON_NOT_EVALUATED;
}

static bool roleless_additional(const nr_question *question)
{
    return question->policy->table.header->roleless_additional != 0;
}

/* The user's own checks, in order. Without a user that anything depends on there
 * are none. */
static nrbac_reason check_user(nr_question *question)
{
    bool operation = question->target.kind == NR_TARGET_OPERATION;
    if (operation) {
        if (!nr_pattern_judges_user(question))
            return NRBAC_REASON_OPENED;
        nrbac_reason reason = nr_check_person(question->request, question->now);
        if (reason == NRBAC_REASON_OPENED)
            reason = nr_pattern_assurance(question);
        if (reason != NRBAC_REASON_NOT_EVALUATED)
            return reason;
    }
    question->standing = nr_stand(question->request, roleless_additional(question),
                                  question->now);
    if (!operation || question->standing.reason != NRBAC_REASON_OPENED)
        return question->standing.reason;
    nrbac_reason reason = nr_pattern_record(question);
    return reason == NRBAC_REASON_NOT_EVALUATED ? NRBAC_REASON_OPENED : reason;
}

nrbac_status nr_question_decide(nr_question *question)
{
    question->application = NR_NONE;
    question->pattern = NR_NONE;
    if (question->now == 0)
        question->now = question->request->time;
    if (question->clock == 0)
        question->clock = nr_time_now();
    if (question->now == 0)
        question->now = question->clock / NR_SECOND;
    question->verdict.reason = check_question(question);
    if (question->verdict.reason != NRBAC_REASON_NOT_EVALUATED)
        return NRBAC_OK;
    question->verdict.reason = check_user(question);
    if (question->verdict.reason != NRBAC_REASON_OPENED)
        return NRBAC_OK;
    question->facts = nr_facts_of(question->request, &question->standing);
    if (question->target.kind == NR_TARGET_OPERATION)
        question->facts.application = NULL; /* judged already, by its own rules */
    NR_TRY(nr_holding_make(&question->document->arena, &question->policy->table,
                           &question->facts, &question->holding));
    if (!question->opening)
        question->verdict = decide_name(question, &question->holding);
    return NRBAC_OK;
}

static nrbac_reason stand_in_session(nr_question *question)
{
    const nrbac_request *request = question->request;
    nr_standing *standing = &question->standing;
    if (question->policy == NULL)
        return NRBAC_REASON_NO_POLICY;
    if (question->stopped)
        return NRBAC_REASON_POLICY_STALE;
    *standing = nr_stand(request, roleless_additional(question), question->now);
    if (standing->valid_until != 0 && standing->valid_until <= question->now)
        return NRBAC_REASON_EVIDENCE_EXPIRED;
    const char *action = request->action == NULL ? "" : request->action;
    question->target = nr_policy_target(question->policy, action);
    if (question->target.kind != NR_TARGET_UNKNOWN)
        return standing->reason;
    return nr_code_names_activity(action, strlen(action))
               ? NRBAC_REASON_UNKNOWN_ACTIVITY
               : NRBAC_REASON_UNKNOWN_FUNCTION;
}

nrbac_status nr_question_decide_in_session(nr_question *question)
{
    question->application = NR_NONE;
    question->pattern = NR_NONE;
    question->verdict.reason = stand_in_session(question);
    if (question->verdict.reason != NRBAC_REASON_OPENED)
        return NRBAC_OK;
    question->facts = nr_facts_of(question->request, &question->standing);
    NR_TRY(nr_holding_make(&question->document->arena, &question->policy->table,
                           &question->facts, &question->holding));
    question->verdict = decide_name(question, &question->holding);
    return NRBAC_OK;
}

nr_verdict nr_question_decide_as(const nr_question *question, nr_arena *scratch,
                                 const nrbac_profile *profile)
{
    nr_standing standing = nr_stand_as(question->request, profile,
                                       roleless_additional(question), question->now);
    if (standing.reason != NRBAC_REASON_OPENED || question->opening)
        return (nr_verdict){ .reason = standing.reason };
    nr_facts facts = nr_facts_of(question->request, &standing);
    nr_holding holding;
    nr_arena_reset(scratch);
    if (nr_holding_make(scratch, &question->policy->table, &facts, &holding) !=
        NRBAC_OK)
        return (nr_verdict){ .reason = NRBAC_REASON_NOT_EVALUATED };
    return decide_name(question, &holding);
}
