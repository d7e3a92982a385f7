/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table in a folder (engine/share/folder.c, engine/api/follow.c): one daemon after
 * another publishes there, and a follower looks when it comes to it. A file that is
 * replaced is gone, so each daemon first keeps what the one before it said at last.
 *
 * One reading of a file is one step here, since files are replaced by renames. A daemon
 * is told apart by its page's key, here its number. Three of them come one after the
 * other, as their lock has it; any may revoke the session, which began under the first.
 * Somebody may spoil a status once, and the last daemon's heart beats on.
 *
 * holds  safety   nobody is ended who is not revoked, unless more than one daemon came
 *                 between two looks, or a status was spoilt
 * holds  revoked  who is revoked is ended in the end
 *
 * breaks safety   BREAK_KEEP        a daemon does not keep what was there
 * breaks safety   BREAK_KEEP_FIRST  it keeps it when it has published already
 * breaks revoked  BREAK_LOCK        a daemon begins while the last one still revokes
 * breaks revoked  BREAK_KEEP_STALE  what was kept stays when a status is spoilt
 * breaks revoked  BREAK_LAST_WORDS  a new page is taken without what the last one said
 * breaks revoked  BREAK_SAME_KEY    what another daemon said is taken for the last words
 */
#define NONE    0 /* no file, or none that can be read */
#define DAEMONS 3

typedef file {
    byte key;
    bool revoked
};

file status, before;

bool ended;

/* What only the properties look at. */
bool meant;
bool spoilt;
byte begun; /* how many daemons have begun */

/* ---- The daemons, one after the other ----------------------------------------------------- */

inline keep()
{
    d_step {
        begun = number;
#ifdef BREAK_KEEP_STALE
        if
        :: status.key != NONE ->
            before.key = status.key;
            before.revoked = status.revoked
        :: else
        fi
#elif !defined(BREAK_KEEP)
        before.key = status.key;
        before.revoked = status.revoked
#endif
    }
}

/* And each heartbeat. */
inline publish()
{
    d_step { status.key = number; status.revoked = mine }
}

/* Told when it is published, so that dying in between revokes nobody. */
inline revoke()
{
    if
    :: d_step { !meant -> meant = true; mine = true; status.key = number; status.revoked = true }
    :: skip
    fi;
    if
    :: d_step { !spoilt -> spoilt = true; status.key = NONE; status.revoked = false }
    :: skip
    fi
}

inline succeed()
{
    number++;
    mine = false;
#ifdef BREAK_KEEP_FIRST
    publish();
    keep()
#else
    keep();
    publish()
#endif
}

proctype daemons()
{
    byte number = 1;
    bool mine;
    publish();
    do
#ifdef BREAK_LOCK
    :: number < DAEMONS -> number++; keep(); number--; revoke(); number++; mine = false; publish()
#else
    :: number < DAEMONS -> revoke(); succeed()
#endif
    :: else -> break
    od;
    revoke();
    publish()
}

/* ---- Following ------------------------------------------------------------------------------ */

#ifdef BREAK_SAME_KEY
#define IS_LAST(last) (last.key != NONE)
#else
#define IS_LAST(last) (last.key == key)
#endif

inline hear_last_words()
{
#ifndef BREAK_LAST_WORDS
    d_step { last.key = before.key; last.revoked = before.revoked };
    if
    :: IS_LAST(last) -> ended = ended || last.revoked
    :: else ->
        d_step {
            assert(ended || meant || spoilt || begun - key > 1);
            ended = true
        }
    fi;
    d_step { last.key = NONE; last.revoked = false }
#else
    skip
#endif
}

proctype follower()
{
    file now, last;
    byte key = 1;
end:
    do
    :: d_step { status.key != NONE; now.key = status.key; now.revoked = status.revoked };
        if
        :: now.key != key -> hear_last_words(); key = now.key
        :: else
        fi;
        ended = ended || now.revoked
    od
}

init
{
    atomic {
        run daemons();
        run follower()
    }
}

ltl revoked { [] (meant -> <> ended) }
