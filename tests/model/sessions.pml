/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of one engine (engine/api/engine.c): they are opened, re-opened on a new policy,
 * stopped for two reasons, let go on, and revoked, each under the engine's lock.
 *
 * Two threads publish, one stops and lets go on for either reason (the policy is stale,
 * nrbac_engine_stop), one revokes the person of both sessions, and session 1 is opened
 * while they do.
 *
 * holds  safety    whenever nobody has the lock, every session stands on the policy in
 *                  force and is stopped if its engine is, and a session revoked stays so
 *
 * breaks safety    BREAK_OPEN_LOCKED    a session is opened without the lock
 * breaks safety    BREAK_OPEN_REFUSED   a session is opened in an engine that is stopped
 * breaks safety    BREAK_PUBLISH_LOCKED a policy is published without the lock
 * breaks safety    BREAK_STOP_LOCKED    sessions are stopped without the lock
 * breaks safety    BREAK_BOTH_REASONS   one reason that is over lifts the stop of the other
 * breaks safety    BREAK_FIRST_REASON   a stop takes the place of a revocation
 * breaks safety    BREAK_RESUME_STALE   going on lifts every stop
 */
#define SESSIONS 2

mtype = { GOING, STALE, REVOKED };

typedef session {
    bool open;
    mtype stop;
    byte policy
};

session sessions[SESSIONS];
byte current = 1;
bool stale, halted, stopped;
bool lock;
bool revoked; /* session 0 was */

inline take_lock()
{
    atomic { !lock -> lock = true }
}

#ifdef BREAK_FIRST_REASON
#define MAY_STOP(s) true
#else
#define MAY_STOP(s) (sessions[s].stop != REVOKED)
#endif
#ifdef BREAK_RESUME_STALE
#define MAY_RESUME(s) true
#else
#define MAY_RESUME(s) (sessions[s].stop == STALE)
#endif

inline stop_session(s, reason)
{
    if
    :: sessions[s].open && MAY_STOP(s) -> sessions[s].stop = reason
    :: else
    fi
}

inline resume_session(s)
{
    if
    :: sessions[s].open && MAY_RESUME(s) -> sessions[s].stop = GOING
    :: else
    fi
}

/* ---- Publishing ---------------------------------------------------------------------------- */

inline reopen_session(s)
{
    if
    :: sessions[s].open -> sessions[s].policy = current
    :: else
    fi
}

proctype publisher()
{
#ifndef BREAK_PUBLISH_LOCKED
    take_lock();
#endif
    current++;
    reopen_session(0);
    reopen_session(1);
#ifndef BREAK_PUBLISH_LOCKED
    lock = false
#endif
}

/* ---- Stopping -------------------------------------------------------------------------------- */

#ifdef BREAK_BOTH_REASONS
#define IS_OVER(other) true
#else
#define IS_OVER(other) (!other)
#endif

inline stop_all()
{
    stopped = true;
    stop_session(0, STALE);
    stop_session(1, STALE)
}

inline resume_all()
{
    stopped = false;
    resume_session(0);
    resume_session(1)
}

inline locked_for_stop()
{
#ifndef BREAK_STOP_LOCKED
    take_lock()
#else
    skip
#endif
}

inline unlocked_after_stop()
{
#ifndef BREAK_STOP_LOCKED
    lock = false
#else
    skip
#endif
}

inline set_reason(reason, other)
{
    locked_for_stop();
    reason = true;
    if
    :: !stopped -> stop_all()
    :: else
    fi;
    unlocked_after_stop()
}

inline clear_reason(reason, other)
{
    locked_for_stop();
    reason = false;
    if
    :: stopped && IS_OVER(other) -> resume_all()
    :: else
    fi;
    unlocked_after_stop()
}

proctype follower()
{
    set_reason(stale, halted);
    clear_reason(stale, halted)
}

proctype operator()
{
    set_reason(halted, stale);
    clear_reason(halted, stale)
}

proctype revoker()
{
    take_lock();
    stop_session(0, REVOKED);
    revoked = true;
    lock = false
}

/* ---- Opening ----------------------------------------------------------------------------------- */

#ifdef BREAK_OPEN_REFUSED
#define MAY_OPEN true
#else
#define MAY_OPEN (!stopped)
#endif

proctype opener()
{
#ifndef BREAK_OPEN_LOCKED
    take_lock();
#endif
    if
    :: MAY_OPEN ->
        sessions[1].policy = current;
        sessions[1].open = true
    :: else
    fi;
#ifndef BREAK_OPEN_LOCKED
    lock = false
#endif
}

/* ---- What holds ---------------------------------------------------------------------------------- */

#define MUST_STOP (stale || halted)
#define IS_RIGHT(s) \
    (!sessions[s].open || \
     (sessions[s].policy == current && (sessions[s].stop != GOING || !MUST_STOP)))

active proctype observer()
{
end:
    do
    :: d_step {
        !lock ->
        assert(IS_RIGHT(0) && IS_RIGHT(1));
        assert(stopped == MUST_STOP);
        assert(!revoked || sessions[0].stop == REVOKED)
    }
    od
}

init
{
    atomic {
        sessions[0].open = true;
        sessions[0].policy = 1;
        sessions[0].stop = GOING;
        sessions[1].stop = GOING;
        run publisher();
        run publisher();
        run follower();
        run operator();
        run revoker();
        run opener()
    }
}
