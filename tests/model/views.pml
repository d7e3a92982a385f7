/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is decided on is freed when nobody has it any more: a session's view by two rooms
 * (engine/api/session.c), a policy, with its image, by its count (engine/api/engine.c).
 *
 * A decider counts itself into the room for newcomers, takes the view, and leaves. Whoever
 * publishes puts the new view in place and then waits, twice, for the room of now, after
 * sending newcomers to the other one. An evaluator has no session: it takes the policy in
 * force under the glance lock, with a reference of its own.
 *
 * Two accesses whose order the code asks for happen in that order; a broken one happens
 * in either.
 *
 * holds  safety    nobody uses a view or a policy that is freed
 * holds  replaced  whoever publishes never waits for ever, however many keep deciding, and
 *                  what is replaced is freed in the end
 *
 * breaks safety    BREAK_COUNT_ORDER   a decider may load the view before it is counted
 * breaks safety    BREAK_SWAP_ORDER    the rooms may be looked at before the view is replaced
 * breaks safety    BREAK_LEAVE_RELEASE a decider may leave before it has used the view
 * breaks safety    BREAK_FIRST_ROOM    the first room is not waited for
 * breaks safety    BREAK_SECOND_ROOM   the second room is not waited for
 * breaks safety    BREAK_VIEW_REFERENCE neither the view nor the publisher keeps the policy
 *                                       until the view is gone (one of them would do)
 * breaks safety    BREAK_GLANCE        a policy is found and counted in two steps
 * breaks safety    BREAK_RELEASE_ORDER a reference may be let go before the last use
 * breaks replaced  BREAK_RELEASE_LAST  the publisher keeps its reference to what it replaced
 * breaks replaced  BREAK_NEWCOMERS     newcomers are not sent to the other room
 */
#define POLICIES 4 /* the first is in force at the beginning; its view has its number */
#define EVALUATIONS 3 /* a lock's fairness is not ours to prove, so not for ever */

byte current;                    /* the policy in force */
byte references[POLICIES];
bool policy_freed[POLICIES];
bool glance;                     /* the lock */

byte view;                       /* of the one session there is */
bool view_freed[POLICIES];
byte room;
byte deciding[2];

byte published;

inline lock_glance()
{
    atomic { !glance -> glance = true }
}

inline unlock_glance()
{
    glance = false
}

inline use_policy(p)
{
    assert(!policy_freed[p])
}

inline release_policy(p)
{
    d_step {
        assert(references[p] > 0);
        references[p]--;
        if
        :: references[p] == 0 -> policy_freed[p] = true
        :: else
        fi
    }
}

/* Two steps in their order, or in either. */
#define IN_ORDER(first, second) first; second
#define IN_EITHER_ORDER(first, second) \
    if                                 \
    :: first; second                   \
    :: second; first                   \
    fi

#ifdef BREAK_COUNT_ORDER
#define COUNTED(first, second) IN_EITHER_ORDER(first, second)
#else
#define COUNTED(first, second) IN_ORDER(first, second)
#endif
#ifdef BREAK_LEAVE_RELEASE
#define USED(first, second) IN_EITHER_ORDER(first, second)
#else
#define USED(first, second) IN_ORDER(first, second)
#endif
#ifdef BREAK_RELEASE_ORDER
#define HELD(first, second) IN_EITHER_ORDER(first, second)
#else
#define HELD(first, second) IN_ORDER(first, second)
#endif

/* ---- Deciding in a session ----------------------------------------------------------- */

inline use_view(v)
{
    d_step {
        assert(!view_freed[v]);
        use_policy(v)
    }
}

proctype decider()
{
    byte in, has;
end:
    do
    :: in = room % 2; /* a hint: it may be old by the time that it is used */
        COUNTED(deciding[in]++, has = view);
        USED(use_view(has), deciding[in]--);
        d_step { in = 0; has = 0 }
    od
}

/* ---- Evaluating without one ---------------------------------------------------------- */

proctype evaluator()
{
    byte has, times;
    do
    :: times < EVALUATIONS ->
        times++;
#ifndef BREAK_GLANCE
        lock_glance();
#endif
        has = current;
        references[has]++;
#ifndef BREAK_GLANCE
        unlock_glance();
#endif
        HELD(use_policy(has), release_policy(has));
        has = 0
    :: else -> break
    od
}

/* ---- Publishing ------------------------------------------------------------------------ */

inline wait_for_room()
{
#ifndef BREAK_NEWCOMERS
    atomic { left = room % 2; room = (room + 1) % 4 };
#else
    left = room % 2;
#endif
    deciding[left] == 0
}

inline wait_for_rooms()
{
#ifndef BREAK_FIRST_ROOM
    wait_for_room();
#else
    room = (room + 1) % 4;
#endif
#ifndef BREAK_SECOND_ROOM
    wait_for_room()
#else
    room = (room + 1) % 4
#endif
}

inline make_view(p)
{
#ifndef BREAK_VIEW_REFERENCE
    references[p]++
#else
    skip
#endif
}

inline free_view(v)
{
    view_freed[v] = true;
#ifndef BREAK_VIEW_REFERENCE
    release_policy(v)
#endif
}

#ifdef BREAK_SWAP_ORDER
#define SWAPPED(first, second) IN_EITHER_ORDER(first, second)
#else
#define SWAPPED(first, second) IN_ORDER(first, second)
#endif

proctype publisher()
{
    byte last, next, left;
    do
    :: published < POLICIES - 1 ->
        last = current;
        next = last + 1;
        references[next] = 1;
        lock_glance();
        current = next;
        unlock_glance();
#ifdef BREAK_VIEW_REFERENCE
        release_policy(last);
#endif
        make_view(next);
        SWAPPED(view = next, wait_for_rooms());
        free_view(last);
#if !defined(BREAK_RELEASE_LAST) && !defined(BREAK_VIEW_REFERENCE)
        release_policy(last);
#endif
        published++
    :: else -> break
    od;
    assert(!policy_freed[current] && references[current] >= 1)
}

init
{
    atomic {
        references[0] = 1;
        make_view(0);
        run decider();
        run decider();
        run evaluator();
        run publisher()
    }
}

#define ALL_FREED (policy_freed[0] && policy_freed[1] && policy_freed[2])

ltl replaced { <> (published == POLICIES - 1 && ALL_FREED) }
