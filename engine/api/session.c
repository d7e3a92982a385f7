/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: a profile in force, folded into one bit a name.
 *
 * What a check reads is one word that says go or stop, and one word of `permits`.
 * Both are atomics, written in place when a policy is published: each check sees
 * the old answer or the new one, never a mixture, and no reader has to be waited
 * for. Names keep their numbers for ever, so a bit never changes its meaning;
 * when there are more names than room, a larger block takes over and the smaller
 * one is kept until the session closes, since a check may still be reading it.
 *
 * What a full decision reads (`view`) is freed when it is replaced, so whoever decides
 * is counted, in one of two rooms. Whoever replaces a view waits until both rooms have
 * been empty since: then nobody can have the old one. Before waiting for a room it
 * sends newcomers to the other one, so that the wait is no longer than a decision.
 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "api/kept.h"
#include "api/permits.h"
#include "api/recording.h"
#include "base/codes.h"

#include <sched.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct permits permits;
struct permits {
    permits *retired; /* the smaller one before it; NULL: the session's first */
    uint32_t count;   /* of bits */
    _Atomic uint64_t words[];
};

/* A session under one policy. One block, with room for what is held. */
typedef struct view {
    nr_policy *policy;
    nr_held held;
    nr_arena arena; /* begins in `room` */
    alignas(max_align_t) char room[];
} view;

/* What a check reads stands last, and its first permits behind it in the same block:
 * with many sessions a check costs what it costs to bring that memory in. */
struct nrbac_session {
    _Atomic uint32_t room;        /* its lowest bit: which one is for newcomers */
    _Atomic uint32_t deciding[2]; /* how many are in each room */
    _Atomic(view *) view; /* NULL: memory was out when the policy was published */
    nrbac_session *next, **link; /* in engine->sessions, guarded by engine->lock */
    nr_kept *kept;
    nrbac_engine *engine;
    _Atomic(permits *) bits;
    _Atomic uint32_t stop; /* 0: go; else the nrbac_reason that stops it */
};

/* ---- Views ---------------------------------------------------------------------- */

static void view_free(view *v)
{
    if (v == NULL)
        return;
    nr_policy_release(v->policy);
    nr_arena_finish(&v->arena);
    free(v);
}

/* Holds the view until view_leave() of the same room. What is counted here before the
 * view is read is seen by whoever replaced it before that: both orders are sequentially
 * consistent. */
static const view *view_enter(nrbac_session *session, uint32_t *room)
{
    *room = atomic_load_explicit(&session->room, memory_order_relaxed) & 1;
    atomic_fetch_add(&session->deciding[*room], 1);
    return atomic_load(&session->view);
}

static void view_leave(nrbac_session *session, uint32_t room)
{
    atomic_fetch_sub_explicit(&session->deciding[room], 1, memory_order_release);
}

/* The engine is locked, so that nobody else replaces it. */
static void view_swap(nrbac_session *session, view *next)
{
    view *last = atomic_exchange(&session->view, next);
    for (int rooms = 2; rooms > 0; rooms--) {
        uint32_t left = atomic_fetch_add(&session->room, 1) & 1;
        while (atomic_load(&session->deciding[left]) != 0)
            (void)sched_yield();
    }
    view_free(last);
}

/* What the session comes to under the policy in force. NULL: out of memory. Locked. */
static view *view_make(const nrbac_session *session, int64_t clock)
{
    nr_policy *policy = session->engine->current;
    size_t room = nr_holding_size(&policy->table, nr_kept_workgroups(session->kept));
    view *v = malloc(sizeof(*v) + room);
    if (v == NULL)
        return NULL;
    v->policy = policy;
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    v->arena = (nr_arena){ .at = v->room, .end = v->room + room };
    if (nr_held_make(&v->arena, &session->engine->scratch, policy, session->kept, clock,
                     &v->held) == NRBAC_OK)
        return v;
    view_free(v);
    return NULL;
}

/* ---- Bits ------------------------------------------------------------------------ */

static permits *permits_of(const nrbac_session *session)
{
    return atomic_load_explicit(&session->bits, memory_order_relaxed);
}

/* Room for the names of now and some to come. NULL: out of memory. */
static permits *permits_with_room(nrbac_session *session, uint32_t words)
{
    permits *now = permits_of(session);
    if (words * 64 <= now->count)
        return now;
    uint32_t room = now->count / 64 * 2;
    if (room < words)
        room = words;
    permits *larger = calloc(1, sizeof(*larger) + (size_t)room * sizeof(uint64_t));
    if (larger == NULL)
        return NULL;
    larger->count = room * 64;
    larger->retired = now;
    return larger;
}

static bool fold(nrbac_session *session, const view *v)
{
    bool opened = v->held.reason == NRBAC_REASON_OPENED;
    uint32_t words = 0;
    const uint64_t *row = nr_permits_make(&session->engine->scratch, v->policy,
                                          opened ? &v->held.holding : NULL, &words);
    permits *bits = row == NULL ? NULL : permits_with_room(session, words);
    if (bits == NULL)
        return false;
    for (uint32_t w = 0; w < bits->count / 64; w++)
        atomic_store_explicit(&bits->words[w], w < words ? row[w] : 0,
                              memory_order_relaxed);
    atomic_store_explicit(&session->bits, bits, memory_order_release);
    return true;
}

/* ---- Opening, re-opening, closing ------------------------------------------------- */

static void link_session(nrbac_engine *engine, nrbac_session *session)
{
    session->link = &engine->sessions;
    session->next = engine->sessions;
    if (session->next != NULL)
        session->next->link = &session->next;
    engine->sessions = session;
}

static void session_free(nrbac_session *session)
{
    view_free(atomic_load_explicit(&session->view, memory_order_relaxed));
    for (permits *bits = permits_of(session), *next; bits->retired != NULL;
         bits = next) {
        next = bits->retired;
        free(bits);
    }
    free(session->kept);
    free(session);
}

/* Stands under the policy in force and lets checks see it. Without memory for that the
 * session has no view, and its bits are not to be trusted. Locked. */
static bool enter(nrbac_session *session, int64_t clock)
{
    view *v = view_make(session, clock);
    bool entered = v != NULL && fold(session, v);
    nr_arena_reset(&session->engine->scratch);
    view_swap(session, v);
    return entered;
}

static nrbac_session *session_make(nrbac_engine *engine, const nrbac_request *request,
                                   const nr_standing *standing, int64_t behind)
{
    uint32_t words = nr_bits_words(engine->current->target_count);
    nrbac_session *session = calloc(1, sizeof(*session) + sizeof(permits) +
                                           (size_t)words * sizeof(uint64_t));
    if (session == NULL)
        return NULL;
    permits *first = (permits *)(session + 1);
    first->count = words * 64;
    atomic_init(&session->bits, first);
    session->engine = engine;
    session->kept = nr_kept_make(request, standing, behind);
    if (session->kept != NULL)
        return session;
    session_free(session);
    return NULL;
}

/* What happens at a time that a request states, or now. */
static int64_t time_of(const nrbac_request *request, int64_t clock)
{
    if (request->time == 0)
        return clock;
    if (request->time < 0)
        return 1;
    return request->time > NR_LAST_SECOND ? NR_LAST_SECOND : request->time;
}

/* Locked. A session is kept only of a permit, and only if its end will be noticed: its
 * bits must not outlive its evidence. */
static nrbac_decision open_session(nrbac_engine *engine, const nrbac_request *request,
                                   nr_moment *at, nrbac_session **out)
{
    const nr_policy *policy = engine->current;
    nr_verdict verdict = { .reason = NRBAC_REASON_NO_POLICY };
    if (policy == NULL)
        return nr_decision_of(NULL, &verdict);
    verdict.reason = NRBAC_REASON_POLICY_STALE;
    if (nr_engine_is_stopped(engine))
        return nr_decision_of(policy, &verdict);
    int64_t clock = at->clock / NR_SECOND;
    int64_t now = at->time;
    nr_standing standing = nr_stand(
        request, policy->table.header->roleless_additional != 0, now);
    verdict.reason = standing.reason;
    if (standing.reason != NRBAC_REASON_OPENED)
        return nr_decision_of(policy, &verdict);
    nrbac_session *session = session_make(engine, request, &standing, clock - now);
    if (session == NULL)
        return (nrbac_decision){ 0 };
    if (!enter(session, clock) ||
        !nr_engine_watch(engine, nr_kept_expiry(session->kept))) {
        session_free(session);
        return (nrbac_decision){ 0 };
    }
    link_session(engine, session);
    *out = session;
    return nr_decision_of(policy, &verdict);
}

nrbac_decision nr_session_open(nrbac_engine *engine, const nrbac_request *request,
                               nr_policy **by, nr_moment *at, nrbac_session **out)
{
    *out = NULL;
    pthread_mutex_lock(&engine->lock);
    at->clock = nr_time_now();
    at->time = time_of(request, at->clock / NR_SECOND);
    *by = engine->current;
    if (*by != NULL)
        atomic_fetch_add_explicit(&(*by)->references, 1, memory_order_relaxed);
    nr_verdict refused = { .reason = NRBAC_REASON_APPLICATION_NOT_AUTHENTICATED };
    nrbac_decision decision = nr_application_finding(request) == NRBAC_REFUSED
                                  ? nr_decision_of(*by, &refused)
                                  : open_session(engine, request, at, out);
    pthread_mutex_unlock(&engine->lock);
    return decision;
}

static void unlink_session(nrbac_session *session)
{
    *session->link = session->next;
    if (session->next != NULL)
        session->next->link = session->link;
}

void nrbac_session_close(nrbac_session *session)
{
    if (session == NULL)
        return;
    pthread_mutex_lock(&session->engine->lock);
    unlink_session(session);
    pthread_mutex_unlock(&session->engine->lock);
    session_free(session);
}

/* Not ended, though it may be held up by a stale policy. */
static bool is_going(const nrbac_session *session)
{
    uint32_t stop = atomic_load_explicit(&session->stop, memory_order_acquire);
    return stop == 0 || stop == NRBAC_REASON_POLICY_STALE;
}

nrbac_engine *nr_session_engine(const nrbac_session *session)
{
    return session->engine;
}

nr_kept *nr_session_kept(const nrbac_session *session)
{
    return session->kept;
}

nr_kept *nr_session_dissolve(nrbac_session *session, bool *going)
{
    nr_kept *kept = session->kept;
    *going = is_going(session);
    session->kept = NULL;
    unlink_session(session);
    session_free(session);
    return kept;
}

void nr_session_reopen(nrbac_session *session)
{
    if (!enter(session, (int64_t)time(NULL)))
        nr_session_stop(session, NRBAC_REASON_NO_POLICY);
}

/* ---- What ends a session ------------------------------------------------------------ */

/* The first reason stays: a session revoked does not become merely expired. A stale
 * policy is no end: it may be over again, and what ends the session meanwhile stays. */
void nr_session_stop(nrbac_session *session, nrbac_reason reason)
{
    uint32_t now = atomic_load_explicit(&session->stop, memory_order_acquire);
    bool done = false;
    while (!done && (now == 0 || now == NRBAC_REASON_POLICY_STALE))
        done = atomic_compare_exchange_weak_explicit(
            &session->stop, &now, (uint32_t)reason, memory_order_acq_rel,
            memory_order_acquire);
}

void nr_session_resume(nrbac_session *session)
{
    uint32_t stale = NRBAC_REASON_POLICY_STALE;
    (void)atomic_compare_exchange_strong_explicit(
        &session->stop, &stale, 0, memory_order_acq_rel, memory_order_acquire);
}

int64_t nr_session_expire(nrbac_session *session, int64_t now)
{
    int64_t expiry = nr_kept_expiry(session->kept);
    if (now < expiry || expiry == 0)
        return expiry;
    nr_session_stop(session, NRBAC_REASON_EVIDENCE_EXPIRED);
    return 0;
}

bool nr_session_names(const nrbac_session *session, nrbac_revocation *names)
{
    if (!is_going(session))
        return false;
    *names = nr_kept_names(session->kept);
    return true;
}

nrbac_session *nr_session_next(const nrbac_session *session)
{
    return session->next;
}

int64_t nrbac_session_valid_until(const nrbac_session *session)
{
    return nr_kept_valid_until(session->kept);
}

/* ---- Asking ------------------------------------------------------------------------- */

static inline bool check(const nrbac_session *session, nrbac_name name)
{
    if (atomic_load_explicit(&session->stop, memory_order_acquire) != 0)
        return false;
    const permits *bits = atomic_load_explicit(&session->bits, memory_order_acquire);
    if (name >= bits->count)
        return false;
    uint64_t word = atomic_load_explicit(&bits->words[name / 64], memory_order_relaxed);
    return (word >> (name % 64) & 1) != 0;
}

bool nrbac_check(const nrbac_session *session, nrbac_name name)
{
    return check(session, name);
}

NR_APART static bool check_any(const nrbac_session *session, const char *name,
                               size_t size)
{
    return check(session, nr_engine_name_of(session->engine, name, size));
}

bool nrbac_check_text(const nrbac_session *session, const char *name, size_t size)
{
    uint32_t digits = nr_code_digits(name, size);
    if (digits == NR_NONE)
        return check_any(session, name, size);
    return check(session, nr_engine_code_of(session->engine, digits));
}

/* Says a reason without obligations; what stands in their place stays. */
static void tell(nrbac_decision *out, nrbac_reason reason, uint32_t generation)
{
    out->effect = nrbac_reason_effect(reason);
    out->reason = reason;
    out->generation = generation;
    out->obligation_count = 0;
}

/* What stops the session now; 0: nothing. Looks at the clock itself, so that a
 * full decision is never later than the watcher. */
static uint32_t stopped(nrbac_session *session)
{
    uint32_t stop = atomic_load_explicit(&session->stop, memory_order_acquire);
    if (stop == 0 && nr_kept_valid_until(session->kept) != 0) {
        (void)nr_session_expire(session, (int64_t)time(NULL));
        stop = atomic_load_explicit(&session->stop, memory_order_acquire);
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
static bool decide_number(const view *v, nrbac_name name, nrbac_decision *out)
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
         nrbac_engine_generation(session->engine));
    return true;
}

/* A reference to the view's policy, for who asks for one. */
static inline void say_policy(const view *v, nr_policy **by)
{
    if (by == NULL)
        return;
    *by = v == NULL ? NULL : v->policy;
    if (*by != NULL)
        atomic_fetch_add_explicit(&(*by)->references, 1, memory_order_relaxed);
}

/* The name is looked up after the view is held, whose policy had its names numbered
 * before it was published: so none of them is missed. */
static inline void decide_text(nrbac_session *session, const char *name, size_t size,
                               nrbac_decision *decision, nr_policy **by)
{
    uint32_t room;
    uint32_t stop = stopped(session);
    const view *v = view_enter(session, &room);
    if (!cannot_decide(session, stop, v, decision)) {
        uint32_t digits = nr_code_digits(name, size);
        nrbac_name number = digits == NR_NONE
                                ? nr_engine_name_of(session->engine, name, size)
                                : nr_engine_code_of(session->engine, digits);
        if (!decide_number(v, number, decision))
            tell(decision, unknown(name, size), v->policy->generation);
    }
    say_policy(v, by);
    view_leave(session, room);
}

static inline void decide(nrbac_session *session, nrbac_name name,
                          nrbac_decision *decision, nr_policy **by)
{
    uint32_t room;
    uint32_t stop = stopped(session);
    const view *v = view_enter(session, &room);
    if (!cannot_decide(session, stop, v, decision) &&
        !decide_number(v, name, decision)) {
        const char *text = text_of(session->engine, name);
        tell(decision, unknown(text, strlen(text)), v->policy->generation);
    }
    say_policy(v, by);
    view_leave(session, room);
}

nr_policy *nr_session_decide(nrbac_session *session, nr_called *name,
                             nrbac_decision *decision)
{
    nr_policy *by;
    if (name->text != NULL) {
        decide_text(session, name->text, name->size, decision, &by);
        return by;
    }
    decide(session, name->number, decision, &by);
    name->text = text_of(session->engine, name->number);
    name->size = strlen(name->text);
    return by;
}

void nrbac_decide_text_into(nrbac_session *session, const char *name, size_t size,
                            nrbac_decision *decision)
{
    if (session->engine->recorder == NULL)
        decide_text(session, name, size, decision, NULL);
    else
        nr_recording_decide(session, (nr_called){ .text = name, .size = size },
                            decision);
}

void nrbac_decide_into(nrbac_session *session, nrbac_name name,
                       nrbac_decision *decision)
{
    if (session->engine->recorder == NULL)
        decide(session, name, decision, NULL);
    else
        nr_recording_decide(session, (nr_called){ .number = name }, decision);
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
    decide(session, name, &decision, NULL);
    return decision.effect == NRBAC_PERMIT && decision.obligation_count != 0
               ? NRBAC_REASON_OBLIGATIONS_APPLY
               : decision.reason;
}
