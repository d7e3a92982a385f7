/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Having decisions recorded. Nothing is locked while the recorder has its turn, and the
 * policy that decided is held, not looked up again: by then another may be in force.
 */
#include "api/recording.h"
#include "api/kept.h"

#include <stdalign.h>
#include <string.h>

enum {
    ACTION_MAX = 256, /* bytes; the longest name that a request may have, too */
    ACTION_SIZE = ACTION_MAX + sizeof("\u2026"),
    RECALLING = 1024, /* bytes of lists that an ordinary user's evidence needs */
};

void nrbac_engine_set_recorder(nrbac_engine *engine, nrbac_recorder *recorder,
                               void *context)
{
    if (engine->scribe != NULL)
        return;
    engine->recorder = recorder;
    engine->recorder_context = context;
}

static const char *digest_of(const nr_policy *policy)
{
    return policy == NULL ? "" : policy->digest;
}

static bool record(const nrbac_engine *engine, nrbac_record *of)
{
    return engine->recorder != NULL && engine->recorder(engine->recorder_context, of);
}

static bool goes_first(const nr_policy *policy, const char *name)
{
    if (policy == NULL || !policy->records_first || name == NULL)
        return false;
    nr_target target = nr_policy_target(policy, name);
    return target.kind == NR_TARGET_FUNCTION &&
           policy->table.functions[target.number].record_first == NR_RECORD_SYNC;
}

/* ---- Whole questions ----------------------------------------------------------------- */

bool nr_recording_question(const nrbac_engine *engine, nr_question *question,
                           const nrbac_value *answer)
{
    if (engine->recorder == NULL)
        return true;
    const nrbac_request *request = question->fault == NULL ? question->request : NULL;
    const nrbac_profile *profile = request == NULL
                                       ? NULL
                                       : nr_chosen_profile(&request->subject);
    nrbac_decision decision = nr_decision_of(question->policy, &question->verdict);
    bool recorded = record(
        engine,
        &(nrbac_record){
            .kind = question->opening ? NRBAC_RECORDED_OPENING
                                      : NRBAC_RECORDED_QUESTION,
            .flags = question->stranger ? NRBAC_ASK_STRANGER : 0,
            .decision = &decision,
            .digest = digest_of(question->policy),
            .at = question->clock,
            .time = question->now,
            .action = request == NULL || question->opening ? NULL : request->action,
            .nhs_number = request == NULL ? NULL : request->nhs_number,
            .first = request != NULL && request->api == NULL && !question->opening &&
                     goes_first(question->policy, request->action),
            .request = request,
            .fault = question->fault,
            .profile = profile,
            .organisation = request == NULL ? NULL
                                            : nr_organisation_of(request, profile),
            .answer = answer,
        });
    if (!recorded)
        question->verdict = (nr_verdict){ .reason = NRBAC_REASON_NOT_RECORDED };
    return recorded;
}

static void deny_unrecorded(nrbac_decision *decision)
{
    decision->effect = NRBAC_DENY;
    decision->reason = NRBAC_REASON_NOT_RECORDED;
    decision->obligation_count = 0;
}

/* ---- Sessions -------------------------------------------------------------------------- */

static bool record_opening(const nrbac_engine *engine, const nrbac_request *request,
                           const nr_policy *policy, nr_moment at,
                           const nrbac_decision *decision)
{
    const nrbac_profile *profile = nr_chosen_profile(&request->subject);
    return record(engine, &(nrbac_record){
                              .kind = NRBAC_RECORDED_OPENING,
                              .decision = decision,
                              .digest = digest_of(policy),
                              .at = at.clock,
                              .time = at.time,
                              .nhs_number = request->nhs_number,
                              .request = request,
                              .profile = profile,
                              .organisation = nr_organisation_of(request, profile),
                          });
}

nrbac_decision nrbac_session_open(nrbac_engine *engine, const nrbac_request *request,
                                  nrbac_session **out)
{
    nr_policy *policy;
    nr_moment at;
    nrbac_decision decision = nr_session_open(engine, request, &policy, &at, out);
    if (engine->recorder != NULL && decision.reason != NRBAC_REASON_NOT_EVALUATED &&
        !record_opening(engine, request, policy, at, &decision)) {
        nrbac_session_close(*out);
        *out = NULL;
        deny_unrecorded(&decision);
    }
    nr_policy_release(policy);
    return decision;
}

/* A name as a text that ends, with nothing in it that would end it sooner. */
static void write_action(char to[ACTION_SIZE], const nrbac_called *name)
{
    size_t size = name->size;
    if (size > ACTION_MAX)
        for (size = ACTION_MAX; size > 0 && (name->text[size] & 0xC0) == 0x80; size--)
            continue; /* back to where a character begins */
    for (size_t i = 0; i < size; i++)
        to[i] = name->text[i];
    for (char *end; (end = memchr(to, '\0', size)) != NULL;)
        *end = '?';
    static const char ellipsis[] = "\u2026";
    if (size < name->size)
        memcpy(to + size, ellipsis, sizeof(ellipsis));
    else
        to[size] = '\0';
}

/* The clock may go on between deciding and here, and the evidence end meanwhile: what
 * is told is a moment at which the decision is what it is. */
static nr_moment moment_of(const nr_kept *kept, int64_t clock, nrbac_reason reason)
{
    nr_moment moment = { clock, nr_kept_time(kept, clock / NR_SECOND) };
    int64_t ends = nr_kept_valid_until(kept);
    bool ended = reason == NRBAC_REASON_EVIDENCE_EXPIRED;
    if (ends == 0 || ended == (moment.time >= ends) ||
        reason == NRBAC_REASON_SESSION_REVOKED || reason == NRBAC_REASON_POLICY_STALE ||
        reason == NRBAC_REASON_NO_POLICY)
        return moment;
    int64_t end = nr_kept_expiry(kept) * NR_SECOND;
    return ended ? (nr_moment){ end, ends } : (nr_moment){ end - 1, ends - 1 };
}

/* Tells the circumstances too, unless the recorder knows them, and still does. */
static bool record_in_session(const nrbac_engine *engine, nr_kept *kept,
                              nrbac_record of)
{
    alignas(max_align_t) char room[RECALLING];
    nr_arena arena = { .at = room, .end = room + sizeof(room) };
    nr_recalled recalled;
    bool told = false;
    of.nhs_number = nr_kept_nhs_number(kept);
    of.circumstances = nr_kept_circumstances(kept);
    if (of.circumstances != 0) {
        told = record(engine, &of);
        if (told || of.circumstances != 0)
            return told;
    }
    if (nr_kept_recall(kept, &arena, &recalled) == NRBAC_OK) {
        recalled.request.action = of.action;
        recalled.request.time = of.time;
        of.request = &recalled.request;
        of.profile = nr_chosen_profile(&recalled.request.subject);
        of.organisation = nr_organisation_of(&recalled.request, of.profile);
        told = record(engine, &of);
        nr_kept_name_circumstances(kept, of.circumstances);
    }
    nr_arena_finish(&arena);
    return told;
}

static void decide_recorded(nrbac_session *session, const void *held,
                            nrbac_recorded kind, nrbac_called name,
                            nrbac_decision *decision)
{
    nr_kept *kept = nr_session_kept(session);
    int64_t clock = nr_time_now();
    nr_policy *policy = nr_session_decide(session, held, &name, decision);
    if (kind == NRBAC_RECORDED_CHECK && decision->obligation_count != 0) {
        decision->effect = NRBAC_DENY;
        decision->reason = NRBAC_REASON_OBLIGATIONS_APPLY;
        decision->obligation_count = 0;
    }
    char action[ACTION_SIZE];
    write_action(action, &name);
    nr_moment at = moment_of(kept, clock, decision->reason);
    nrbac_record of = {
        .kind = kind,
        .decision = decision,
        .digest = digest_of(policy),
        .at = at.clock,
        .time = at.time,
        .action = action,
        .first = goes_first(policy, action),
    };
    if (!record_in_session(nr_session_engine(session), kept, of))
        deny_unrecorded(decision);
    nr_policy_release(policy);
}

void nr_recording_decide(nrbac_session *session, const void *held, nrbac_called name,
                         nrbac_decision *decision)
{
    decide_recorded(session, held, NRBAC_RECORDED_DECISION, name, decision);
}

static bool check_recorded(nrbac_session *session, nrbac_called name)
{
    nrbac_decision decision = { 0 };
    decide_recorded(session, NULL, NRBAC_RECORDED_CHECK, name, &decision);
    return decision.effect == NRBAC_PERMIT;
}

bool nrbac_check_recorded(nrbac_session *session, nrbac_name name)
{
    return check_recorded(session, (nrbac_called){ .number = name });
}

bool nrbac_check_text_recorded(nrbac_session *session, const char *name, size_t size)
{
    return check_recorded(session, (nrbac_called){ .text = name, .size = size });
}
