/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deciding again what a record tells: as a whole question was decided, or as a session
 * answers.
 */
#include "api/question.h"

static void check_has_no_obligations(nr_verdict *verdict)
{
    if (verdict->obligation_count != 0)
        *verdict = (nr_verdict){ .reason = NRBAC_REASON_OBLIGATIONS_APPLY };
}

static nrbac_status decide(nr_question *question, nrbac_recorded kind)
{
    if (question->fault != NULL || kind == NRBAC_RECORDED_QUESTION ||
        kind == NRBAC_RECORDED_OPENING)
        return nr_question_decide(question);
    NR_TRY(nr_question_decide_in_session(question));
    if (kind == NRBAC_RECORDED_CHECK)
        check_has_no_obligations(&question->verdict);
    return NRBAC_OK;
}

static nrbac_request request_of(const nrbac_record *record)
{
    nrbac_request request = { 0 };
    if (record->request != NULL)
        request = *record->request;
    request.action = record->action;
    request.nhs_number = record->nhs_number;
    request.time = record->time;
    return request;
}

nrbac_decision nrbac_decide_again(nrbac_engine *engine, const nrbac_record *record,
                                  nrbac_document *document, nrbac_value **answer)
{
    nrbac_request request = request_of(record);
    nr_question question = {
        .document = document,
        .request = &request,
        .fault = record->fault,
        .explain = answer != NULL,
        .opening = record->kind == NRBAC_RECORDED_OPENING,
        .stranger = (record->flags & NRBAC_ASK_STRANGER) != 0,
        .now = record->time,
    };
    question.policy = nr_policy_take(engine, &question.stopped);
    nrbac_decision decision = { 0 };
    if (record->request == NULL && record->fault == NULL)
        question.fault = "the record does not tell the request";
    bool decided = decide(&question, record->kind) == NRBAC_OK;
    if (decided && answer != NULL) {
        *answer = question.opening ? nr_answer_write_opened(&question)
                                   : nr_answer_write(&question);
        decided = *answer != NULL;
    }
    if (decided)
        decision = nr_decision_of(question.policy, &question.verdict);
    nr_policy_release(question.policy);
    return decision;
}
