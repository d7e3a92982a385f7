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
#include "api/session_inside.h"

#include "api/permits.h"
#include "api/recording.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
