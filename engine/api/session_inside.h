/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session is inside, for session.c, which opens, ends and re-opens it, and for
 * asking.c. session.c says why what they do at once is safe.
 */
#ifndef NR_SESSION_INSIDE_H
#define NR_SESSION_INSIDE_H

#define NRBAC_NO_INLINE /* nrbac_check is defined in asking.c */
#include "api/kept.h"

#include <stdalign.h>

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

static inline back *back_of(const nrbac_session *session)
{
    return nr_slab_back(session);
}

static inline nrbac_engine *engine_of(const nrbac_session *session)
{
    return nr_slab_of(session)->owner;
}

/* Holds the view until view_leave() of the same room. What is counted here before the
 * view is read is seen by whoever replaced it before that: both orders are sequentially
 * consistent. */
static inline const view *view_enter(back *of, uint32_t *room)
{
    *room = atomic_load_explicit(&of->room, memory_order_relaxed) & 1;
    atomic_fetch_add(&of->deciding[*room], 1);
    return atomic_load(&of->view);
}

static inline void view_leave(back *of, uint32_t room)
{
    atomic_fetch_sub_explicit(&of->deciding[room], 1, memory_order_release);
}

/* Why the session is stopped; 0: it goes. */
static inline uint32_t stop_of(uint64_t state)
{
    return (uint32_t)(state >> 32);
}

static inline uint64_t state_of(const nrbac_session *session)
{
    return atomic_load_explicit(&session->state, memory_order_acquire);
}

#endif
