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
 * What a full decision reads (`view`) is counted, and swapped under the
 * session's own lock.
 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "api/engine.h"

#include "base/codes.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct permits permits;
struct permits {
    permits *retired; /* the smaller one before it */
    uint32_t count;   /* of bits */
    _Atomic uint64_t words[];
};

/* A session under one policy. */
typedef struct view {
    atomic_uint references;
    nr_policy *policy;
    nr_standing standing;
    nr_facts facts;
    nr_holding holding;
    nr_arena arena;
} view;

struct nrbac_session {
    _Atomic uint32_t stop; /* 0: go; else the nrbac_reason that stops it */
    _Atomic(permits *) bits;
    pthread_mutex_t lock; /* guards `view` */
    view *view;           /* NULL: memory was out when the policy was published */
    nrbac_engine *engine;
    nrbac_session *next, **link; /* in engine->sessions, guarded by engine->lock */
    nrbac_request request;       /* a copy of its own, in `arena` */
    nrbac_findings findings;     /* of it, without texts */
    int64_t valid_until;
    int64_t behind; /* seconds from the request's time to the clock's; 0: the same */
    nr_arena arena;
};

/* ---- A copy of the request ---------------------------------------------------- */

static const char *copy_text(nr_arena *arena, const char *text, bool *failed)
{
    if (text == NULL)
        return NULL;
    char *copy = nr_arena_string(arena, text);
    *failed |= copy == NULL;
    return copy;
}

static const char *const *copy_texts(nr_arena *arena, const char *const *texts,
                                     size_t count, bool *failed)
{
    if (count == 0)
        return NULL;
    const char **copy = nr_arena_new_array(arena, count, const char *);
    *failed |= copy == NULL;
    for (size_t i = 0; copy != NULL && i < count; i++)
        copy[i] = copy_text(arena, texts[i], failed);
    return copy;
}

static void copy_profile(nr_arena *arena, nrbac_profile *p, bool *failed)
{
    p->id = copy_text(arena, p->id, failed);
    p->role = copy_text(arena, p->role, failed);
    p->organisation = copy_text(arena, p->organisation, failed);
    p->areas_of_work = copy_texts(arena, p->areas_of_work, p->area_of_work_count,
                                  failed);
    p->activities = copy_texts(arena, p->activities, p->activity_count, failed);
    p->workgroups = copy_texts(arena, p->workgroups, p->workgroup_count, failed);
}

static nrbac_status copy_request(nrbac_session *session, const nrbac_request *request)
{
    nr_arena *arena = &session->arena;
    bool failed = false;
    session->request = *request;
    session->findings = (nrbac_findings){
        .user = nr_user_finding(request),
        .application = nr_application_finding(request),
        .expires_at = request->findings == NULL ? 0 : request->findings->expires_at,
    };
    session->request.findings = &session->findings;
    nrbac_subject *subject = &session->request.subject;
    subject->id = copy_text(arena, subject->id, &failed);
    subject->sid = copy_text(arena, subject->sid, &failed);
    subject->token_choice = copy_text(arena, subject->token_choice, &failed);
    subject->caller_choice = copy_text(arena, subject->caller_choice, &failed);
    subject->nhs_number = copy_text(arena, subject->nhs_number, &failed);
    subject->actor = copy_text(arena, subject->actor, &failed);
    session->request.action = NULL; /* a session is asked many names, of no API */
    session->request.api = NULL;
    session->request.authenticated_by = NULL;
    session->request.pattern = NULL;
    session->request.organisation = copy_text(arena, request->organisation, &failed);
    session->request.nhs_number = copy_text(arena, request->nhs_number, &failed);
    session->request.application = copy_text(arena, request->application, &failed);
    session->request.acting_as = copy_text(arena, request->acting_as, &failed);
    session->request.on_behalf_of = copy_text(arena, request->on_behalf_of, &failed);

    nrbac_profile *profiles = nr_arena_new_array(arena, subject->profile_count,
                                                 nrbac_profile);
    if (failed || profiles == NULL)
        return NRBAC_E_MEMORY;
    for (size_t i = 0; i < subject->profile_count; i++) {
        profiles[i] = subject->profiles[i];
        copy_profile(arena, &profiles[i], &failed);
    }
    subject->profiles = profiles;
    return failed ? NRBAC_E_MEMORY : NRBAC_OK;
}

/* ---- Views ---------------------------------------------------------------------- */

static void view_release(view *v)
{
    if (v == NULL)
        return;
    if (atomic_fetch_sub_explicit(&v->references, 1, memory_order_acq_rel) != 1)
        return;
    nr_policy_release(v->policy);
    nr_arena_finish(&v->arena);
    free(v);
}

static view *view_take(nrbac_session *session)
{
    pthread_mutex_lock(&session->lock);
    view *v = session->view;
    if (v != NULL)
        atomic_fetch_add_explicit(&v->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&session->lock);
    return v;
}

static void view_swap(nrbac_session *session, view *next)
{
    pthread_mutex_lock(&session->lock);
    view *last = session->view;
    session->view = next;
    pthread_mutex_unlock(&session->lock);
    view_release(last);
}

/* Takes over the caller's reference to the policy. NULL: out of memory. */
static view *view_make(nr_policy *policy, const nrbac_request *request, int64_t now)
{
    view *v = calloc(1, sizeof(*v));
    if (v == NULL) {
        nr_policy_release(policy);
        return NULL;
    }
    atomic_init(&v->references, 1);
    v->policy = policy;
    v->standing = nr_stand(request, policy->table.header->roleless_additional != 0,
                           now);
    v->facts = nr_facts_of(request, &v->standing);
    if (v->standing.reason == NRBAC_REASON_OPENED &&
        nr_holding_make(&v->arena, &policy->table, &v->facts, &v->holding) !=
            NRBAC_OK) {
        view_release(v);
        return NULL;
    }
    return v;
}

static nr_verdict view_decide(const view *v, nr_target target)
{
    if (v->standing.reason != NRBAC_REASON_OPENED)
        return (nr_verdict){ .reason = v->standing.reason };
    if (target.kind == NR_TARGET_ACTIVITY)
        return nr_decide_activity(&v->holding, target.number);
    return nr_decide_function(&v->holding, target.number);
}

/* ---- Bits ------------------------------------------------------------------------ */

/* Room for the names of now and some to come. */
static permits *permits_with_room(nrbac_session *session, uint32_t count)
{
    permits *now = atomic_load_explicit(&session->bits, memory_order_relaxed);
    if (now != NULL && count <= now->count)
        return now;
    uint32_t room = now == NULL ? 0 : now->count * 2;
    if (room < count + 64)
        room = count + 64;
    permits *larger = calloc(1, sizeof(*larger) +
                                    (size_t)nr_bits_words(room) * sizeof(uint64_t));
    if (larger == NULL)
        return NULL;
    larger->count = room;
    larger->retired = now;
    return larger;
}

static uint64_t word_of(const view *v, uint32_t first)
{
    uint64_t word = 0;
    for (uint32_t n = first; n < first + 64 && n < v->policy->target_count; n++) {
        nr_target target = v->policy->targets[n];
        if (target.kind == NR_TARGET_UNKNOWN)
            continue;
        nr_verdict verdict = view_decide(v, target);
        if (nrbac_reason_effect(verdict.reason) == NRBAC_PERMIT &&
            verdict.obligation_count == 0)
            word |= UINT64_C(1) << (n % 64);
    }
    return word;
}

static bool fold(nrbac_session *session, const view *v)
{
    permits *bits = permits_with_room(session, v->policy->target_count);
    if (bits == NULL)
        return false;
    for (uint32_t w = 0; w < nr_bits_words(bits->count); w++)
        atomic_store_explicit(&bits->words[w], word_of(v, w * 64),
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
    view_release(session->view);
    for (permits *bits = atomic_load(&session->bits), *next; bits != NULL;
         bits = next) {
        next = bits->retired;
        free(bits);
    }
    nr_arena_finish(&session->arena);
    pthread_mutex_destroy(&session->lock);
    free(session);
}

/* A request may state its time. From there the session's time goes on with the
 * clock, so that its evidence still ends. */
static int64_t seconds_behind(const nrbac_request *request)
{
    int64_t stated = request->time;
    if (stated == 0)
        return 0;
    if (stated < 0 || stated > NR_LAST_SECOND)
        stated = stated < 0 ? 0 : NR_LAST_SECOND;
    return (int64_t)time(NULL) - stated;
}

static int64_t now_of(const nrbac_session *session)
{
    return (int64_t)time(NULL) - session->behind;
}

/* When the clock shows the end of the session's evidence; 0: never. */
static int64_t expiry_of(const nrbac_session *session)
{
    if (session->valid_until == 0 || session->valid_until > NR_LAST_SECOND)
        return session->valid_until;
    int64_t expiry = session->valid_until + session->behind;
    return expiry > 0 ? expiry : 1;
}

static nrbac_session *session_make(nrbac_engine *engine, const nrbac_request *request)
{
    nrbac_session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        return NULL;
    pthread_mutex_init(&session->lock, NULL);
    session->engine = engine;
    session->behind = seconds_behind(request);
    if (copy_request(session, request) == NRBAC_OK)
        return session;
    session_free(session);
    return NULL;
}

/* Opens it on the policy in force and makes it known, or frees it. */
static nrbac_decision session_start(nrbac_engine *engine, nrbac_session *session,
                                    nrbac_session **out)
{
    nrbac_decision decision = { .reason = NRBAC_REASON_NOT_EVALUATED };
    pthread_mutex_lock(&engine->lock);
    nr_policy *policy = engine->current;
    if (policy == NULL) {
        decision.effect = NRBAC_INDETERMINATE;
        decision.reason = NRBAC_REASON_NO_POLICY;
    } else if (nr_engine_is_stopped(engine)) {
        decision.reason = NRBAC_REASON_POLICY_STALE;
        decision.generation = policy->generation;
    } else {
        atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
        view *v = view_make(policy, &session->request, now_of(session));
        session->view = v;
        if (v != NULL && fold(session, v)) {
            decision = nr_decision_of(policy,
                                      &(nr_verdict){ .reason = v->standing.reason });
            session->valid_until = v->standing.valid_until;
        }
    }
    if (decision.effect == NRBAC_PERMIT && !nr_engine_watch(engine, expiry_of(session)))
        decision = (nrbac_decision){ 0 }; /* its bits would outlive its evidence */
    if (decision.effect == NRBAC_PERMIT) {
        link_session(engine, session);
        *out = session;
    }
    pthread_mutex_unlock(&engine->lock);
    if (*out == NULL)
        session_free(session);
    return decision;
}

nrbac_decision nrbac_session_open(nrbac_engine *engine, const nrbac_request *request,
                                  nrbac_session **out)
{
    *out = NULL;
    if (nr_application_finding(request) == NRBAC_REFUSED) {
        return (nrbac_decision){
            .reason = NRBAC_REASON_APPLICATION_NOT_AUTHENTICATED,
            .generation = nrbac_engine_generation(engine),
        };
    }
    nrbac_session *session = session_make(engine, request);
    if (session == NULL)
        return (nrbac_decision){ 0 };
    return session_start(engine, session, out);
}

void nrbac_session_close(nrbac_session *session)
{
    if (session == NULL)
        return;
    pthread_mutex_lock(&session->engine->lock);
    *session->link = session->next;
    if (session->next != NULL)
        session->next->link = session->link;
    pthread_mutex_unlock(&session->engine->lock);
    session_free(session);
}

void nr_session_reopen(nrbac_session *session)
{
    nr_policy *policy = session->engine->current;
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    view *v = view_make(policy, &session->request, now_of(session));
    bool folded = v != NULL && fold(session, v);
    if (!folded)
        nr_session_stop(session, NRBAC_REASON_NO_POLICY);
    view_swap(session, v);
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
    int64_t expiry = expiry_of(session);
    if (now < expiry || expiry == 0)
        return expiry;
    nr_session_stop(session, NRBAC_REASON_EVIDENCE_EXPIRED);
    return 0;
}

static bool agrees(const char *wanted, const char *there)
{
    return wanted == NULL || (there != NULL && strcmp(wanted, there) == 0);
}

bool nr_session_names(const nrbac_session *session, nrbac_revocation *names)
{
    uint32_t stop = atomic_load_explicit(&session->stop, memory_order_acquire);
    if (stop != 0 && stop != NRBAC_REASON_POLICY_STALE)
        return false;
    const nrbac_profile *profile = session->view == NULL
                                       ? NULL
                                       : session->view->standing.profile;
    *names = (nrbac_revocation){
        .sid = session->request.subject.sid,
        .sub = session->request.subject.id,
        .role_profile = profile == NULL ? NULL : profile->id,
    };
    return true;
}

bool nr_session_matches(const nrbac_session *session, const nrbac_revocation *which)
{
    nrbac_revocation names;
    if (which->sid == NULL && which->sub == NULL && which->role_profile == NULL)
        return false;
    return nr_session_names(session, &names) && agrees(which->sid, names.sid) &&
           agrees(which->sub, names.sub) &&
           agrees(which->role_profile, names.role_profile);
}

nrbac_session *nr_session_next(const nrbac_session *session)
{
    return session->next;
}

int64_t nrbac_session_valid_until(const nrbac_session *session)
{
    return session->valid_until;
}

/* ---- Asking ------------------------------------------------------------------------- */

bool nrbac_check(const nrbac_session *session, nrbac_name name)
{
    if (atomic_load_explicit(&session->stop, memory_order_acquire) != 0)
        return false;
    const permits *bits = atomic_load_explicit(&session->bits, memory_order_acquire);
    if (name >= bits->count)
        return false;
    uint64_t word = atomic_load_explicit(&bits->words[name / 64], memory_order_relaxed);
    return (word >> (name % 64) & 1) != 0;
}

static nrbac_decision refuse(const nrbac_session *session, nrbac_reason reason)
{
    return (nrbac_decision){ .effect = nrbac_reason_effect(reason),
                             .reason = reason,
                             .generation = nrbac_engine_generation(session->engine) };
}

/* What stops the session now; 0: nothing. Looks at the clock itself, so that a
 * full decision is never later than the watcher. */
static uint32_t stopped(nrbac_session *session)
{
    uint32_t stop = atomic_load_explicit(&session->stop, memory_order_acquire);
    if (stop == 0 && session->valid_until != 0) {
        (void)nr_session_expire(session, (int64_t)time(NULL));
        stop = atomic_load_explicit(&session->stop, memory_order_acquire);
    }
    return stop;
}

static nrbac_decision decide_target(const view *v, nr_target target, const char *name)
{
    nr_verdict verdict = { .reason = NRBAC_REASON_UNKNOWN_FUNCTION };
    if (target.kind != NR_TARGET_UNKNOWN)
        verdict = view_decide(v, target);
    else if (nr_code_names_activity(name, strlen(name)))
        verdict.reason = NRBAC_REASON_UNKNOWN_ACTIVITY;
    return nr_decision_of(v->policy, &verdict);
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

nrbac_decision nrbac_decide_text(nrbac_session *session, const char *name)
{
    uint32_t stop = stopped(session);
    if (stop != 0)
        return refuse(session, (nrbac_reason)stop);
    view *v = view_take(session);
    if (v == NULL)
        return refuse(session, NRBAC_REASON_NO_POLICY);
    nrbac_decision decision = decide_target(v, nr_policy_target(v->policy, name), name);
    view_release(v);
    return decision;
}

nrbac_decision nrbac_decide(nrbac_session *session, nrbac_name name)
{
    uint32_t stop = stopped(session);
    if (stop != 0)
        return refuse(session, (nrbac_reason)stop);
    view *v = view_take(session);
    if (v == NULL)
        return refuse(session, NRBAC_REASON_NO_POLICY);
    nr_target target = { .kind = NR_TARGET_UNKNOWN };
    if (name < v->policy->target_count)
        target = v->policy->targets[name];
    const char *text = target.kind == NR_TARGET_UNKNOWN ? text_of(session->engine, name)
                                                        : "";
    nrbac_decision decision = decide_target(v, target, text);
    view_release(v);
    return decision;
}

nrbac_reason nrbac_check_reason(nrbac_session *session, nrbac_name name)
{
    nrbac_decision decision = nrbac_decide(session, name);
    return decision.effect == NRBAC_PERMIT && decision.obligation_count != 0
               ? NRBAC_REASON_OBLIGATIONS_APPLY
               : decision.reason;
}
