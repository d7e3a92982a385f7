/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a session: checks, which read its bits, and full decisions, which hold its view.
 */
#include "api/session_inside.h"

#include "api/recording.h"
#include "base/codes.h"

#include <string.h>
#include <time.h>

/* ---- Checks ------------------------------------------------------------------------- */

/* Of a session that is stopped, or for a name that it has no room for. The state comes
 * first: bits met while all is stopped may be of the policy that was stopped, and are
 * nobody's once a state says that it goes on. */
bool nrbac_check_beyond(const nrbac_session *session, nrbac_name name)
{
    uint32_t room = (uint32_t)state_of(session);
    const latecomers *late = atomic_load_explicit(&back_of(session)->latecomers,
                                                  memory_order_acquire);
    if (room == 0 || name < room || late == NULL || name - room >= late->count)
        return false;
    name -= room;
    uint64_t word = atomic_load_explicit(&late->bits[name / 64], memory_order_relaxed);
    return (word >> (name % 64) & 1) != 0;
}

static inline bool check(const nrbac_session *session, nrbac_name name)
{
    if (name >= (uint32_t)state_of(session))
        return nrbac_check_beyond(session, name);
    uint64_t word = atomic_load_explicit(&session->bits[name / 64],
                                         memory_order_relaxed);
    return (word >> (name % 64) & 1) != 0;
}

/* For those who do not have it in line. */
bool nrbac_check(const nrbac_session *session, nrbac_name name)
{
    return check(session, name);
}

NR_APART static bool check_any(const nrbac_session *session, const char *name,
                               size_t size)
{
    return check(session, nr_engine_name_of(nr_session_engine(session), name, size));
}

bool nrbac_check_text(const nrbac_session *session, const char *name, size_t size)
{
    uint32_t digits = nr_code_digits(name, size);
    if (digits == NR_NONE)
        return check_any(session, name, size);
    return check(session, nr_engine_code_of(engine_of(session), digits));
}

/* ---- Decisions ------------------------------------------------------------------------ */

/* Says a reason without obligations; what stands in their place stays. */
static inline void tell(nrbac_decision *out, nrbac_reason reason, uint32_t generation)
{
    out->effect = nrbac_reason_effect(reason);
    out->reason = reason;
    out->generation = generation;
    out->obligation_count = 0;
}

/* What stops the session now; 0: nothing. Looks at the clock itself, so that a
 * full decision is never later than the watcher. */
static uint32_t stopped(nrbac_session *session, const back *of)
{
    uint32_t stop = stop_of(state_of(session));
    if (stop == 0 && of->expiry != 0) {
        (void)nr_session_expire(session, (int64_t)time(NULL));
        stop = stop_of(state_of(session));
    }
    return stop;
}

static nrbac_reason unknown(const char *name, size_t size)
{
    return nr_code_names_activity(name, size) ? NRBAC_REASON_UNKNOWN_ACTIVITY
                                              : NRBAC_REASON_UNKNOWN_FUNCTION;
}

static void decide_function(const view *v, uint32_t function, nrbac_decision *out)
{
    nr_verdict verdict = nr_decide_function(&v->held.holding, function);
    tell(out, verdict.reason, v->policy->generation);
    out->obligation_count = verdict.obligation_count;
    for (uint32_t i = 0; i < verdict.obligation_count; i++)
        out->obligations[i] = v->policy->obligations[verdict.obligations[i]];
}

/* False: the view's policy does not know the name. */
static inline bool decide_number(const view *v, nrbac_name name, nrbac_decision *out)
{
    const nr_policy *policy = v->policy;
    nr_target target = { .kind = NR_TARGET_UNKNOWN };
    if (name < policy->target_count)
        target = policy->targets[name];
    if (target.kind == NR_TARGET_UNKNOWN)
        return false;
    if (v->held.reason != NRBAC_REASON_OPENED)
        tell(out, v->held.reason, policy->generation);
    else if (target.kind == NR_TARGET_ACTIVITY)
        tell(out, nr_activity_reason(&v->held.holding, target.number),
             policy->generation);
    else
        decide_function(v, target.number, out);
    return true;
}

/* The text of a name's number; "" if it was never given. */
static const char *text_of(nrbac_engine *engine, nrbac_name name)
{
    pthread_mutex_lock(&engine->glance);
    const char *text = name == 0 || name > engine->names.count
                           ? ""
                           : engine->names.texts[name - 1];
    pthread_mutex_unlock(&engine->glance);
    return text;
}

/* Says why nothing can be decided, if that is so. */
static bool cannot_decide(nrbac_session *session, uint32_t stop, const view *v,
                          nrbac_decision *out)
{
    if (stop == 0 && v != NULL)
        return false;
    tell(out, stop == 0 ? NRBAC_REASON_NO_POLICY : (nrbac_reason)stop,
         nrbac_engine_generation(nr_session_engine(session)));
    return true;
}

/* A reference to the view's policy, for who asks for one. */
static inline void say_policy(const view *v, nr_policy **by)
{
    *by = v == NULL ? NULL : v->policy;
    if (*by != NULL)
        atomic_fetch_add_explicit(&(*by)->references, 1, memory_order_relaxed);
}

/* The name is looked up after the view is held, whose policy had its names numbered
 * before it was published: so none of them is missed. */
static inline void decide_text(nrbac_session *session, back *of, const view *v,
                               const char *name, size_t size, nrbac_decision *decision)
{
    if (cannot_decide(session, stopped(session, of), v, decision))
        return;
    uint32_t digits = nr_code_digits(name, size);
    nrbac_name number = digits == NR_NONE
                            ? nr_engine_name_of(engine_of(session), name, size)
                            : nr_engine_code_of(engine_of(session), digits);
    if (!decide_number(v, number, decision))
        tell(decision, unknown(name, size), v->policy->generation);
}

static inline void decide(nrbac_session *session, back *of, const view *v,
                          nrbac_name name, nrbac_decision *decision)
{
    if (cannot_decide(session, stopped(session, of), v, decision) ||
        decide_number(v, name, decision))
        return;
    const char *text = text_of(nr_session_engine(session), name);
    tell(decision, unknown(text, strlen(text)), v->policy->generation);
}

static void decide_called(nrbac_session *session, back *of, const view *v,
                          const nrbac_called *name, nrbac_decision *decision)
{
    if (name->text != NULL)
        decide_text(session, of, v, name->text, name->size, decision);
    else
        decide(session, of, v, name->number, decision);
}

nr_policy *nr_session_decide(nrbac_session *session, const void *held,
                             nrbac_called *name, nrbac_decision *decision)
{
    nr_policy *by;
    uint32_t room = 0;
    back *of = back_of(session);
    const view *v = held == NULL ? view_enter(of, &room) : held;
    decide_called(session, of, v, name, decision);
    say_policy(v, &by);
    if (held == NULL)
        view_leave(of, room);
    if (name->text == NULL) {
        name->text = text_of(nr_session_engine(session), name->number);
        name->size = strlen(name->text);
    }
    return by;
}

static bool is_recorded(const nrbac_session *session)
{
    return engine_of(session)->recorder != NULL;
}

void nrbac_decide_text_into(nrbac_session *session, const char *name, size_t size,
                            nrbac_decision *decision)
{
    uint32_t room;
    back *of = back_of(session);
    if (is_recorded(session)) {
        nr_recording_decide(session, NULL, (nrbac_called){ .text = name, .size = size },
                            decision);
        return;
    }
    const view *v = view_enter(of, &room);
    decide_text(session, of, v, name, size, decision);
    view_leave(of, room);
}

void nrbac_decide_into(nrbac_session *session, nrbac_name name,
                       nrbac_decision *decision)
{
    uint32_t room;
    back *of = back_of(session);
    if (is_recorded(session)) {
        nr_recording_decide(session, NULL, (nrbac_called){ .number = name }, decision);
        return;
    }
    const view *v = view_enter(of, &room);
    decide(session, of, v, name, decision);
    view_leave(of, room);
}

/* Whoever publishes waits for it, as for one decision. */
void nrbac_decide_each(nrbac_session *session, nrbac_next_name *next,
                       nrbac_each_decision *each, void *context)
{
    uint32_t room;
    back *of = back_of(session);
    const view *v = view_enter(of, &room);
    for (nrbac_called name = { 0 }; next(context, &name); name = (nrbac_called){ 0 }) {
        nrbac_decision decision; /* as much of it as is needed is written */
        if (is_recorded(session))
            nr_recording_decide(session, v, name, &decision);
        else
            decide_called(session, of, v, &name, &decision);
        each(context, &decision);
    }
    view_leave(of, room);
}

nrbac_decision nrbac_decide_text(nrbac_session *session, const char *name)
{
    nrbac_decision decision = { 0 };
    nrbac_decide_text_into(session, name, strlen(name), &decision);
    return decision;
}

nrbac_decision nrbac_decide(nrbac_session *session, nrbac_name name)
{
    nrbac_decision decision = { 0 };
    nrbac_decide_into(session, name, &decision);
    return decision;
}

nrbac_reason nrbac_check_reason(nrbac_session *session, nrbac_name name)
{
    nrbac_decision decision = { 0 };
    uint32_t room;
    back *of = back_of(session);
    decide(session, of, view_enter(of, &room), name, &decision);
    view_leave(of, room);
    return decision.effect == NRBAC_PERMIT && decision.obligation_count != 0
               ? NRBAC_REASON_OBLIGATIONS_APPLY
               : decision.reason;
}
