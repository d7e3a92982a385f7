/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following a daemon (engine/api/follow.c): its page says which image is in force, who is
 * revoked and whether anybody may decide; a session here does as it says, also when the
 * daemon dies and another one, with a page of its own, takes its place.
 *
 * One look at a page is one step here: page.pml proves that. What a policy grants is its
 * image's number. The first daemon publishes images 1 and 2, may be stopped, may lose its
 * heart for a while, may revoke the session, and dies. A second one may come, which
 * publishes image 3. Both count their generations from 1.
 *
 * holds  safety    every answer is of the image that its generation names, and what begins
 *                  after a stop is not answered by the policy that was stopped, unless its
 *                  daemon lets it go on
 * holds  followed  if there is a second daemon, all decide on its policy in the end
 * holds  halted    if there is none, nobody decides in the end
 * holds  revoked   who is revoked is ended, though the daemon dies at once
 *
 * breaks safety    BREAK_IMAGE_FIRST    a status names an image before it can be had
 * breaks safety    BREAK_DIGEST         an image is taken for a status that names another
 * breaks safety    BREAK_LIFT_BEHIND    a stop is lifted before the new policy is taken
 * breaks safety    BREAK_REOPEN_FIRST   a new page is judged before its policy is taken
 * breaks safety    BREAK_RESUME_RELEASE the lifted stop may be seen before the new bits
 * breaks safety    BREAK_CHECK_ACQUIRE  a check may load the bits before the stop word
 * breaks followed  BREAK_PUBLISHER_LOCK nobody notices that the page's daemon has died
 * breaks halted    BREAK_DEADLINE       a page counts for ever
 * breaks revoked   BREAK_LAST_LOOK      a dead daemon's page is left without a last look
 * breaks revoked   BREAK_SEEN           whoever reads what an image is of counts the
 *                                       revocations as seen
 */
#define OLD    0 /* pages, by their daemons */
#define NEW    1
#define NOBODY 9 /* no image may answer */

mtype = { GOING, STALE, REVOKED };

typedef status {
    byte generation;
    byte image;
    bool stopped;
    bool alive; /* its deadline has not passed */
    bool revoked
};

status page[2];
byte given[2];   /* the image that the daemon hands out with its page */
bool serving[2]; /* it lives: answers, and has the page's lock */

/* The session: its stop word, and the image of its bits, as stored and as others see it.
 * At first there is none. */
mtype stop = GOING;
byte stored;
byte bits;

/* What only the properties look at. */
byte floor;  /* the oldest image that may answer what begins now */
byte lowest; /* that `floor` was since the check at hand began */
bool meant;  /* the session is revoked by its daemon */

/* ---- The daemons ----------------------------------------------------------------------- */

inline publish_second()
{
#ifdef BREAK_IMAGE_FIRST
    d_step { page[OLD].generation = 2; page[OLD].image = 2 };
    given[OLD] = 2
#else
    given[OLD] = 2;
    d_step { page[OLD].generation = 2; page[OLD].image = 2 }
#endif
}

proctype daemons()
{
    bool has_published, has_stopped, has_paused;
    do
    :: !has_published -> has_published = true; publish_second()
    :: d_step { !has_stopped -> has_stopped = true; page[OLD].stopped = true }
    :: page[OLD].stopped -> page[OLD].stopped = false
    :: d_step { !has_paused -> has_paused = true; page[OLD].alive = false }
    :: !page[OLD].alive -> page[OLD].alive = true
    :: d_step { !meant -> meant = true; page[OLD].revoked = true }
    :: serving[OLD] = false; break
    od;
    if
    :: d_step {
        given[NEW] = 3;
        page[NEW].generation = 1;
        page[NEW].image = 3;
        page[NEW].alive = true;
        serving[NEW] = true
    }
    :: skip
    fi
}

proctype deadline()
{
    !serving[OLD];
    page[OLD].alive = false
}

/* ---- Following: one thread --------------------------------------------------------------- */

inline copy_page(from, to)
{
    to.generation = page[from].generation;
    to.image = page[from].image;
    to.stopped = page[from].stopped;
    to.alive = page[from].alive;
    to.revoked = page[from].revoked
}

inline look()
{
    d_step {
        copy_page(mine, now);
        if
        :: now.revoked && !seen -> seen = true; stop = REVOKED
        :: else
        fi
    }
}

#ifdef BREAK_LIFT_BEHIND
#define IS_BEHIND false
#else
#define IS_BEHIND (stale && now.generation != followed)
#endif
#ifdef BREAK_DEADLINE
#define IS_LATE false
#else
#define IS_LATE (!now.alive)
#endif
#define MUST_STOP (now.stopped || IS_LATE || IS_BEHIND)

/* The lifting is a release: what was stored before it is seen before it. */
#ifdef BREAK_RESUME_RELEASE
#define IS_SEEN true
#else
#define IS_SEEN (bits == stored)
#endif

inline judge()
{
    if
    :: d_step {
        MUST_STOP && !stale ->
        stale = true;
        stop = (stop == GOING -> STALE : stop);
        floor = NOBODY
    }
    :: d_step {
        !MUST_STOP && stale && IS_SEEN ->
        stale = false;
        stop = (stop == STALE -> GOING : stop);
        floor = now.image;
        lowest = (floor < lowest -> floor : lowest)
    }
    :: MUST_STOP == stale
    fi
}

inline publish()
{
    assert(image == (which == NEW -> 3 : its.generation));
    stored = image;
    followed = its.generation
}

inline change_page()
{
    if
    :: which != mine ->
#ifndef BREAK_LAST_LOOK
        look();
#endif
        mine = which;
        seen = false
    :: else
    fi;
    look()
}

#ifdef BREAK_DIGEST
#define IS_OF_IMAGE true
#else
#define IS_OF_IMAGE (its.image == image)
#endif

inline take()
{
    d_step {
        which = (serving[NEW] -> NEW : OLD);
        image = given[which];
        assert(which != mine || image >= now.image)
    };
    d_step {
        copy_page(which, its);
#ifdef BREAK_SEEN
        seen = seen || (which == mine && its.revoked);
#endif
    };
    if
    :: IS_OF_IMAGE ->
#ifdef BREAK_REOPEN_FIRST
        change_page();
        judge();
        publish()
#else
        publish();
        change_page();
        judge()
#endif
    :: else
    fi;
    which = 0;
    image = 0
}

#ifdef BREAK_PUBLISHER_LOCK
#define IS_LEFT false
#else
#define IS_LEFT (!serving[mine])
#endif
#define WANTS_IMAGE (now.generation != followed || IS_LEFT)

proctype follower()
{
    status now, its;
    byte mine = OLD, followed, which, image;
    bool seen, stale;
end:
    do
    :: look();
        judge();
        if
        :: WANTS_IMAGE && (serving[OLD] || serving[NEW]) -> take()
        :: else
        fi
    od
}

/* ---- Whoever decides --------------------------------------------------------------------- */

/* What is stored is seen some time later. */
proctype memory()
{
end:
    do
    :: d_step { bits != stored -> bits = stored }
    od
}

#ifdef BREAK_CHECK_ACQUIRE
#define ACQUIRED(first, second) \
    if                          \
    :: first; second            \
    :: second; first            \
    fi
#else
#define ACQUIRED(first, second) first; second
#endif

proctype checker()
{
    mtype word;
    byte found;
end:
    do
    :: lowest = floor;
        ACQUIRED(word = stop, found = bits);
        d_step {
            assert(word != GOING || found >= lowest);
            word = GOING;
            found = 0;
            lowest = NOBODY
        }
    od
}

init
{
    atomic {
        page[OLD].generation = 1;
        page[OLD].image = 1;
        page[OLD].alive = true;
        given[OLD] = 1;
        serving[OLD] = true;
        lowest = NOBODY;
        run daemons();
        run deadline();
        run follower();
        run memory();
#ifndef LIVENESS
        run checker();
#endif
    }
}

#define IS_FOLLOWED (bits == 3 && stop != STALE)

ltl followed { <> serving[NEW] -> <> IS_FOLLOWED }
ltl halted { <> [] (!serving[OLD] && !serving[NEW]) -> <> (stop != GOING) }
ltl revoked { [] (meant -> <> (stop == REVOKED)) }
