/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: a profile in force, folded into one bit a name.
 *
 * A session is the front of a slab's place (api/slab.h), and all that a check reads: a
 * word that says how many names have their bit here, or, of a session that is stopped,
 * that none have; and behind it the bits. <nrbac/nrbac.h> reads both in line and says
 * what is frozen of them. Everything else is in the back.
 *
 * Both are atomics, written in place when a policy is published: each check sees the old
 * answer or the new one, never a mixture, and no reader has to be waited for. Names keep
 * their numbers for ever, so a bit never changes its meaning. Names that came after the
 * session and have no room have their bits in a block in the back; when that is too
 * small, a larger one takes over and the smaller one is kept until the session closes,
 * since a check may still be reading it.
 *
 * A session that is closed is stopped first, so that until its place is taken again a
 * check by mistake is answered no.
 *
 * What a full decision reads (`view`) is freed when it is replaced, so whoever decides
 * is counted, in one of two rooms. Whoever replaces a view waits until both rooms have
 * been empty since: then nobody can have the old one. Before waiting for a room it
 * sends newcomers to the other one, so that the wait is no longer than a decision.
 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#define NRBAC_NO_INLINE /* nrbac_check is defined here */
#include "api/kept.h"
#include "api/permits.h"
#include "api/recording.h"
#include "base/codes.h"

#include <sched.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The lower half of the state is the room, in names, or 0; the upper half the
 * nrbac_reason that stops the session, or 0. One word, so that both change at once. */
struct nrbac_session {
    _Atomic uint64_t state;
    _Atomic uint64_t bits[];
};

/* The bits of names for which the session itself has no room. */
typedef struct latecomers latecomers;
struct latecomers {
    latecomers *retired; /* the smaller one before it */
    uint32_t count;
    _Atomic uint64_t bits[];
};

/* A session under one policy. One block, with room for what is held. */
typedef struct view {
    nr_policy *policy;
    nr_held held;
    nr_arena arena; /* begins in `room` */
    alignas(max_align_t) char room[];
} view;

/* A cache line, so that those who decide in two sessions do not meet there. */
typedef struct back {
    alignas(
        NR_LINE_SIZE) _Atomic uint32_t room; /* lowest bit: which is for newcomers */
    _Atomic uint32_t deciding[2];            /* how many are in each room */
    _Atomic(view *) view; /* NULL: memory was out when the policy was published */
    nrbac_session *next, **link; /* in engine->sessions, guarded by engine->lock */
    nr_kept *kept;
    int64_t expiry; /* when its evidence ends, by the clock; 0: never */
    _Atomic(latecomers *) latecomers; /* NULL: none yet */
} back;

_Static_assert(sizeof(back) == NR_LINE_SIZE, "a back is a cache line");

static back *back_of(const nrbac_session *session)
{
    return nr_slab_back(session);
}

nrbac_engine *nr_session_engine(const nrbac_session *session)
{
    return nr_slab_of(session)->owner;
}

nr_slabs nr_session_places(nrbac_engine *engine)
{
    return (nr_slabs){ .owner = engine, .back_size = sizeof(back) };
}

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
static const view *view_enter(back *of, uint32_t *room)
{
    *room = atomic_load_explicit(&of->room, memory_order_relaxed) & 1;
    atomic_fetch_add(&of->deciding[*room], 1);
    return atomic_load(&of->view);
}

static void view_leave(back *of, uint32_t room)
{
    atomic_fetch_sub_explicit(&of->deciding[room], 1, memory_order_release);
}

/* The engine is locked, so that nobody else replaces it. */
static void view_swap(back *of, view *next)
{
    view *last = atomic_exchange(&of->view, next);
    for (int rooms = 2; rooms > 0; rooms--) {
        uint32_t left = atomic_fetch_add(&of->room, 1) & 1;
        while (atomic_load(&of->deciding[left]) != 0)
            (void)sched_yield();
    }
    view_free(last);
}

/* What the session comes to under the policy in force. NULL: out of memory. Locked. */
static view *view_make(nrbac_engine *engine, const nr_kept *kept, int64_t clock)
{
    nr_policy *policy = engine->current;
    size_t room = nr_holding_size(&policy->table, nr_kept_workgroups(kept));
    view *v = malloc(sizeof(*v) + room);
    if (v == NULL)
        return NULL;
    v->policy = policy;
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    v->arena = (nr_arena){ .at = v->room, .end = v->room + room };
    if (nr_held_make(&v->arena, &engine->scratch, policy, kept, clock, &v->held) ==
        NRBAC_OK)
        return v;
    view_free(v);
    return NULL;
}

/* ---- Bits ------------------------------------------------------------------------ */

static uint32_t words_of(const nrbac_session *session)
{
    return (uint32_t)((nr_slab_of(session)->front_size - sizeof(*session)) /
                      sizeof(uint64_t));
}

/* Room for the words that the session itself has none for, and some to come. NULL: out
 * of memory. */
static latecomers *latecomers_with_room(back *of, uint32_t words)
{
    latecomers *now = atomic_load_explicit(&of->latecomers, memory_order_relaxed);
    uint32_t room = now == NULL ? 0 : now->count / 64;
    if (words <= room && now != NULL)
        return now;
    room = room * 2 < words ? words : room * 2;
    latecomers *larger = calloc(1, sizeof(*larger) + (size_t)room * sizeof(uint64_t));
    if (larger == NULL)
        return NULL;
    larger->count = room * 64;
    larger->retired = now;
    return larger;
}

/* Words of a row from `from` on; there is nothing behind its end. */
static void write_bits(_Atomic uint64_t *bits, uint32_t count, const uint64_t *row,
                       uint32_t words, uint32_t from)
{
    for (uint32_t w = 0; w < count; w++)
        atomic_store_explicit(&bits[w], from + w < words ? row[from + w] : 0,
                              memory_order_relaxed);
}

static bool fold(nrbac_session *session, const view *v)
{
    bool opened = v->held.reason == NRBAC_REASON_OPENED;
    back *of = back_of(session);
    uint32_t here = words_of(session);
    uint32_t words = 0;
    const uint64_t *row = nr_permits_make(&nr_session_engine(session)->scratch,
                                          v->policy, opened ? &v->held.holding : NULL,
                                          &words);
    if (row == NULL)
        return false;
    if (words > here) {
        latecomers *late = latecomers_with_room(of, words - here);
        if (late == NULL)
            return false;
        write_bits(late->bits, late->count / 64, row, words, here);
        atomic_store_explicit(&of->latecomers, late, memory_order_release);
    }
    write_bits(session->bits, here, row, words, 0);
    return true;
}

/* ---- Going and stopped ------------------------------------------------------------ */

static uint64_t going_state(const nrbac_session *session)
{
    return (uint64_t)words_of(session) * 64;
}

static uint64_t stopped_state(nrbac_reason reason)
{
    return (uint64_t)reason << 32;
}

/* Why the session is stopped; 0: it goes. */
static uint32_t stop_of(uint64_t state)
{
    return (uint32_t)(state >> 32);
}

static uint64_t state_of(const nrbac_session *session)
{
    return atomic_load_explicit(&session->state, memory_order_acquire);
}

/* Not ended, though it may be held up by a stale policy. */
static bool is_going(uint64_t state)
{
    return stop_of(state) == 0 || stop_of(state) == NRBAC_REASON_POLICY_STALE;
}

/* The first reason stays: a session revoked does not become merely expired. A stale
 * policy is no end: it may be over again, and what ends the session meanwhile stays. */
void nr_session_stop(nrbac_session *session, nrbac_reason reason)
{
    uint64_t now = state_of(session);
    bool done = false;
    while (!done && is_going(now))
        done = atomic_compare_exchange_weak_explicit(
            &session->state, &now, stopped_state(reason), memory_order_acq_rel,
            memory_order_acquire);
}

void nr_session_resume(nrbac_session *session)
{
    uint64_t stale = stopped_state(NRBAC_REASON_POLICY_STALE);
    (void)atomic_compare_exchange_strong_explicit(
        &session->state, &stale, going_state(session), memory_order_acq_rel,
        memory_order_acquire);
}

int64_t nr_session_expire(nrbac_session *session, int64_t now)
{
    int64_t expiry = back_of(session)->expiry;
    if (now < expiry || expiry == 0)
        return expiry;
    nr_session_stop(session, NRBAC_REASON_EVIDENCE_EXPIRED);
    return 0;
}

/* ---- Opening, re-opening, closing ------------------------------------------------- */

static void link_session(nrbac_engine *engine, nrbac_session *session)
{
    back *of = back_of(session);
    of->link = &engine->sessions;
    of->next = engine->sessions;
    if (of->next != NULL)
        back_of(of->next)->link = &of->next;
    engine->sessions = session;
}

static void unlink_session(nrbac_session *session)
{
    back *of = back_of(session);
    *of->link = of->next;
    if (of->next != NULL)
        back_of(of->next)->link = of->link;
}

/* Locked. */
static void session_free(nrbac_session *session)
{
    back *of = back_of(session);
    atomic_store_explicit(&session->state, 0, memory_order_release);
    view_free(atomic_load_explicit(&of->view, memory_order_relaxed));
    for (latecomers *late = of->latecomers, *next; late != NULL; late = next) {
        next = late->retired;
        free(late);
    }
    free(of->kept);
    nr_slabs_give(&nr_session_engine(session)->places, session);
}

/* Stands under the policy in force and lets checks see it. Without memory for that the
 * session has no view, and its bits are not to be trusted. Locked. */
static bool enter(nrbac_session *session, int64_t clock)
{
    nrbac_engine *engine = nr_session_engine(session);
    back *of = back_of(session);
    view *v = view_make(engine, of->kept, clock);
    bool entered = v != NULL && fold(session, v);
    nr_arena_reset(&engine->scratch);
    view_swap(of, v);
    return entered;
}

/* Not going yet. Locked. */
static nrbac_session *session_make(nrbac_engine *engine, const nrbac_request *request,
                                   const nr_standing *standing, int64_t behind)
{
    uint32_t words = nr_bits_words(engine->current->target_count);
    nr_kept *kept = nr_kept_make(request, standing, behind);
    if (kept == NULL)
        return NULL;
    nrbac_session *session = nr_slabs_take(
        &engine->places, sizeof(*session) + (size_t)words * sizeof(uint64_t));
    if (session == NULL) {
        free(kept);
        return NULL;
    }
    atomic_init(&session->state, 0);
    memset(back_of(session), 0, sizeof(back));
    back_of(session)->kept = kept;
    back_of(session)->expiry = nr_kept_expiry(kept);
    return session;
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
    if (!enter(session, clock) || !nr_engine_watch(engine, back_of(session)->expiry)) {
        session_free(session);
        return (nrbac_decision){ 0 };
    }
    atomic_store_explicit(&session->state, going_state(session), memory_order_release);
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

void nrbac_session_close(nrbac_session *session)
{
    if (session == NULL)
        return;
    nrbac_engine *engine = nr_session_engine(session);
    pthread_mutex_lock(&engine->lock);
    unlink_session(session);
    session_free(session);
    pthread_mutex_unlock(&engine->lock);
}

nr_kept *nr_session_dissolve(nrbac_session *session, bool *going)
{
    nr_kept *kept = back_of(session)->kept;
    *going = is_going(state_of(session));
    back_of(session)->kept = NULL;
    unlink_session(session);
    session_free(session);
    return kept;
}

void nr_session_reopen(nrbac_session *session)
{
    if (!enter(session, (int64_t)time(NULL)))
        nr_session_stop(session, NRBAC_REASON_NO_POLICY);
}

/* ---- About a session ---------------------------------------------------------------- */

nr_kept *nr_session_kept(const nrbac_session *session)
{
    return back_of(session)->kept;
}

bool nr_session_names(const nrbac_session *session, nrbac_revocation *names)
{
    if (!is_going(state_of(session)))
        return false;
    *names = nr_kept_names(back_of(session)->kept);
    return true;
}

nrbac_session *nr_session_next(const nrbac_session *session)
{
    return back_of(session)->next;
}

int64_t nrbac_session_valid_until(const nrbac_session *session)
{
    return nr_kept_valid_until(back_of(session)->kept);
}

/* ---- Asking ------------------------------------------------------------------------- */

/* Of a session that is stopped, or for a name that it has no room for. */
bool nrbac_check_beyond(const nrbac_session *session, nrbac_name name)
{
    const latecomers *late = atomic_load_explicit(&back_of(session)->latecomers,
                                                  memory_order_acquire);
    uint32_t room = (uint32_t)state_of(session);
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
    return check(session, nr_engine_code_of(nr_slab_of(session)->owner, digits));
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
                            ? nr_engine_name_of(nr_session_engine(session), name, size)
                            : nr_engine_code_of(nr_session_engine(session), digits);
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
    return nr_session_engine(session)->recorder != NULL;
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
