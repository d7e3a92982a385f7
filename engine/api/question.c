/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "api/question.h"

#include "base/codes.h"

#include <string.h>
#include <time.h>

nr_facts nr_facts_of(const nrbac_request *request, const nr_standing *standing)
{
    nr_facts facts = {
        .role = standing->role,
        .acting_organisation = standing->acting_organisation,
        .request_organisation = request->organisation,
        .application = request->application,
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

static nr_verdict decide_name(const nr_holding *holding, nr_target target)
{
    return target.kind == NR_TARGET_ACTIVITY
               ? nr_decide_activity(holding, target.number)
               : nr_decide_function(holding, target.number);
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
    if (question->opening)
        return NRBAC_REASON_NOT_EVALUATED;
    question->target = nr_policy_target(question->policy, action);
    if (question->target.kind != NR_TARGET_UNKNOWN)
        return NRBAC_REASON_NOT_EVALUATED;
    return nr_code_names_activity(action, strlen(action))
               ? NRBAC_REASON_UNKNOWN_ACTIVITY
               : NRBAC_REASON_UNKNOWN_FUNCTION;
}

static bool roleless_additional(const nr_question *question)
{
    return question->policy->table.header->roleless_additional != 0;
}

nrbac_status nr_question_decide(nr_question *question)
{
    question->now = question->request->time != 0 ? question->request->time
                                                 : (int64_t)time(NULL);
    question->verdict.reason = check_question(question);
    if (question->verdict.reason != NRBAC_REASON_NOT_EVALUATED)
        return NRBAC_OK;
    question->standing = nr_stand(question->request, roleless_additional(question),
                                  question->now);
    question->verdict.reason = question->standing.reason;
    if (question->standing.reason != NRBAC_REASON_OPENED)
        return NRBAC_OK;
    question->facts = nr_facts_of(question->request, &question->standing);
    NR_TRY(nr_holding_make(&question->document->arena, &question->policy->table,
                           &question->facts, &question->holding));
    if (!question->opening)
        question->verdict = decide_name(&question->holding, question->target);
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
    return decide_name(&holding, question->target);
}
