/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole questions: a request in, an answer out.
 */
#include "api/recording.h"

enum { OPEN_TRIES = 3 };

/* Holds the policy in force, decides, and writes the answer; NULL: out of memory. The
 * policy is released by end(). */
static nrbac_value *begin(nrbac_engine *engine, nr_question *question)
{
    question->policy = nr_policy_take(engine, &question->stopped);
    if (nr_question_decide(question) != NRBAC_OK)
        return NULL;
    return question->opening ? nr_answer_write_opened(question)
                             : nr_answer_write(question);
}

/* Has the answer recorded, or replaces it by one that says that it could not be. */
static nrbac_decision end(nrbac_engine *engine, nr_question *question,
                          nrbac_value **out)
{
    nrbac_decision decision = { 0 };
    if (*out != NULL && !nr_recording_question(engine, question, *out))
        *out = question->opening ? nr_answer_write_opened(question)
                                 : nr_answer_write(question);
    if (*out != NULL)
        decision = nr_decision_of(question->policy, &question->verdict);
    nr_policy_release(question->policy);
    return decision;
}

nrbac_decision nrbac_evaluate(nrbac_engine *engine, const nrbac_request *request,
                              nrbac_document *document, nrbac_value **out)
{
    nr_question question = { .document = document, .request = request };
    *out = begin(engine, &question);
    return end(engine, &question, out);
}

bool nr_question_read(nrbac_document *document, const nrbac_value *request,
                      const nrbac_ask *ask, bool need_action, nr_reading *reading)
{
    if (nr_request_read(&document->arena, request, need_action, reading) != NRBAC_OK)
        return false;
    if (ask == NULL || (ask->flags & NRBAC_ASK_REQUEST_TIME) == 0)
        reading->request.time = 0;
    /* What nobody checked is refused, whatever the caller says was found. */
    if (reading->unchecked.fault != NULL)
        reading->request.findings = &reading->unchecked;
    else if (ask != NULL)
        reading->request.findings = ask->findings;
    return true;
}

/* Reads the document; false: out of memory. */
static bool read_request(nr_question *question, const nrbac_value *request,
                         const nrbac_ask *ask, nr_reading *reading)
{
    unsigned flags = ask == NULL ? 0 : ask->flags;
    if (!nr_question_read(question->document, request, ask, !question->opening,
                          reading))
        return false;
    if ((flags & NRBAC_ASK_UNPROVEN) != 0 &&
        nr_application_finding(&reading->request) != NRBAC_VERIFIED)
        reading->request.authenticated_by = NULL;
    question->stranger = (flags & NRBAC_ASK_STRANGER) != 0;
    question->request = &reading->request;
    question->fault = reading->fault;
    question->explain = (flags & NRBAC_ASK_EXPLAIN) != 0;
    return true;
}

nrbac_decision nrbac_evaluate_document(nrbac_engine *engine, const nrbac_value *request,
                                       const nrbac_ask *ask, nrbac_document *document,
                                       nrbac_value **out)
{
    nr_question question = { .document = document };
    nr_reading reading = { 0 };
    *out = NULL;
    if (!read_request(&question, request, ask, &reading))
        return (nrbac_decision){ 0 };
    *out = begin(engine, &question);
    return end(engine, &question, out);
}

/* Unrecorded: the answer is. */
static void open_session(nrbac_engine *engine, const nr_question *question,
                         nrbac_session **session)
{
    nr_policy *policy;
    nr_moment at;
    (void)nr_session_open(engine, question->request, &policy, &at, session);
    nr_policy_release(policy);
}

static nrbac_decision end_opened(nrbac_engine *engine, nr_question *question,
                                 nrbac_value **out, nrbac_session **session)
{
    nrbac_decision decision = end(engine, question, out);
    if (decision.effect == NRBAC_PERMIT)
        return decision;
    nrbac_session_close(*session);
    *session = NULL;
    return decision;
}

nrbac_decision nrbac_session_open_document(nrbac_engine *engine,
                                           const nrbac_value *request,
                                           const nrbac_ask *ask,
                                           nrbac_document *document, nrbac_value **out,
                                           nrbac_session **session)
{
    nr_question asked = { .document = document, .opening = true };
    nr_reading reading = { 0 };
    *out = NULL;
    *session = NULL;
    if (!read_request(&asked, request, ask, &reading))
        return (nrbac_decision){ 0 };
    /* A policy may be published between the answer and the session; then both are
     * made anew, so that they agree. */
    for (int tries = 0; tries < OPEN_TRIES; tries++) {
        nr_question question = asked;
        *out = begin(engine, &question);
        if (*out == NULL || question.verdict.reason != NRBAC_REASON_OPENED)
            return end(engine, &question, out);
        open_session(engine, &question, session);
        if (*session != NULL)
            return end_opened(engine, &question, out, session);
        nr_policy_release(question.policy);
    }
    *out = NULL;
    return (nrbac_decision){ 0 };
}
