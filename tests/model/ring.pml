/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit ring (share/ring.h): memory that one client process, with all its threads,
 * shares with the daemon, which takes each record that was written there into the trail.
 *
 *   reserved          how many places there have been; place p lies in slot p % SLOTS
 *   slot.turn         p + 1: the record of place p is there
 *   let_go            the daemon's (`taken` there): the places before it are free again
 *
 * A client looks at `reserved` and at `let_go` (acquire). If the place is free, it takes it
 * by compare-and-swap, writes its record, and publishes it by a release store of the turn;
 * only then it answers. If it is not free, the ring is full: it waits, for a bounded time,
 * or answers `not-recorded`. Counting `reserved` up without looking first would be one step
 * less, but could not be taken back.
 *
 * The daemon takes places in order, and lets each go (release) only after its record is in
 * the trail. A daemon that comes back begins at `let_go`: so a record that its predecessor
 * took, and did not come to let go, is in the trail twice, under the same place. A place
 * that is reserved and not published is waited for as long as the client lives, whose
 * connection the kernel ends; afterwards it is a gap, and the trail says so. Whether the
 * client is gone is asked before the slot is looked at.
 *
 * A daemon that comes back has other memory, into which the client copies the ring while
 * it is shut, and everything that was reserved is published: nothing else happens
 * meanwhile, so that it is the same memory here. tests/unit/ring_threads_test.c does it.
 *
 * A record is two words here. Those that belong to no order happen in any. A client may
 * die at any moment, with all its threads, and the daemon too, and comes back.
 *
 * holds  safety    what is taken is whole, and is the record of its place; none is taken
 *                  twice by one daemon, and what was answered is taken or waits, and is
 *                  no gap
 * holds  drained   what is reserved is taken, or is a gap, in the end, and its slot free
 *
 * breaks safety    BREAK_PUBLISH_RELEASE the turn may be seen before the record
 * breaks safety    BREAK_TAKE_ACQUIRE    the record may be read before the turn
 * breaks safety    BREAK_FREE_RELEASE    the slot may be seen free before it is read
 * breaks safety    BREAK_LOOK_FIRST      a place is reserved without a look at its slot
 * breaks safety    BREAK_COMPARE         a place is reserved that may not be the one looked at
 * breaks safety    BREAK_ANSWER_LAST     a client answers before it has published
 * breaks safety    BREAK_GONE_FIRST      the client is asked for after the look at the slot
 * breaks safety    BREAK_GONE            a place is given up though the client lives
 * breaks safety    BREAK_BEGIN           a new daemon begins at what is reserved
 * breaks safety    BREAK_COMMIT_FIRST    a slot is let go before its record is in the trail
 * breaks drained   BREAK_GAP             a place is waited for though the client is gone
 * breaks drained   BREAK_LET_GO          what was taken is not let go
 */
#define SLOTS   2
#define PLACES  3

byte reserved;
byte turn[SLOTS];
byte first[SLOTS]; /* the two words of a record */
byte second[SLOTS];
bool client_gone;
bool daemon_dies;
byte let_go;

/* The trail: on disk, so it outlives the daemon. Here only whether a record is there. */
bool taken[PLACES];

/* What only the properties look at. */
byte written[PLACES]; /* the record of each place; 0: none */
bool answered[PLACES];
bool by_this_one[PLACES]; /* the daemon that there is has taken it */

/* ---- The client ------------------------------------------------------------------------ */

#ifdef BREAK_LOOK_FIRST
#define IS_FREE true
#else
#define IS_FREE (place < let_go + SLOTS)
#endif

#ifdef BREAK_COMPARE
#define IS_STILL true
#else
#define IS_STILL (reserved == place)
#endif

/* False: full, or somebody was faster. */
inline reserve()
{
    place = reserved;
    if
    :: IS_FREE ->
        atomic {
            if
            :: IS_STILL ->
                place = reserved;
                reserved++;
                written[place] = record;
                has = true
            :: else
            fi
        }
    :: else
    fi
}

#ifdef BREAK_PUBLISH_RELEASE
#define MAY_PUBLISH true
#else
#define MAY_PUBLISH (done == 3)
#endif

/* Three stores, seen in any order that the release allows. */
inline write_record()
{
    do
    :: (done & 1) == 0 -> d_step { first[place % SLOTS] = record; done = done | 1 }
    :: (done & 2) == 0 -> d_step { second[place % SLOTS] = record; done = done | 2 }
    :: (done & 4) == 0 && MAY_PUBLISH ->
        d_step { turn[place % SLOTS] = place + 1; done = done | 4 }
    :: done == 7 -> done = 0; break
    od
}

/* Makes the records from one number to another. */
proctype client(byte record, last)
{
    byte place, done;
    bool has;
    {
        do
        :: record <= last ->
            do
            :: !has -> reserve()
            :: !has -> break /* it has waited for long enough: `not-recorded` */
            :: has -> break
            od;
            if
            :: has ->
#ifdef BREAK_ANSWER_LAST
                answered[place] = true;
#endif
                write_record();
                atomic {
                answered[place] = true;
                assert(let_go <= place || taken[place]);
                has = false
            }
            :: else
            fi;
            place = 0;
            record++
        :: else -> break
        od
    } unless {
        atomic { client_gone -> record = 0; place = 0; done = 0; has = false }
    }
}

/* ---- The daemon ------------------------------------------------------------------------ */

/* One transaction. */
inline commit_record()
{
    d_step {
        assert(one == two && one == written[next]);
        assert(!by_this_one[next]);
        by_this_one[next] = true;
        taken[next] = true
    }
}

inline commit_gap()
{
    d_step {
        assert(!answered[next])
    }
}

inline free_slot()
{
#ifndef BREAK_LET_GO
    d_step {
        assert(!answered[next] || taken[next]);
        let_go = next + 1
    }
#else
    skip
#endif
}

#ifdef BREAK_TAKE_ACQUIRE
#define ACQUIRED(look, read) if :: look; read :: read; look fi
#else
#define ACQUIRED(look, read) look; read
#endif

#ifdef BREAK_FREE_RELEASE
#define RELEASED(read, free) if :: read; free :: free; read fi
#else
#define RELEASED(read, free) read; free
#endif

inline read_words()
{
    one = first[next % SLOTS];
    two = second[next % SLOTS]
}

inline look_at_slot()
{
    seen = turn[next % SLOTS]
}

inline take_record()
{
#if defined(BREAK_COMMIT_FIRST)
    read_words();
    free_slot();
    commit_record()
#elif defined(BREAK_FREE_RELEASE)
    RELEASED(read_words(), free_slot());
    commit_record()
#elif defined(BREAK_TAKE_ACQUIRE)
    commit_record();
    free_slot()
#else
    read_words();
    commit_record();
    free_slot()
#endif
}

inline look_at_client()
{
    gone = client_gone
}

inline take_turn()
{
#ifndef BREAK_GONE_FIRST
    look_at_client();
#endif
#ifdef BREAK_TAKE_ACQUIRE
    ACQUIRED(look_at_slot(), read_words());
#else
    look_at_slot();
#endif
#ifdef BREAK_GONE_FIRST
    look_at_client();
#endif
    if
    :: seen == next + 1 -> take_record(); next++
#ifndef BREAK_GAP
#ifdef BREAK_GONE
    :: seen != next + 1 && next < reserved ->
#else
    :: seen != next + 1 && gone && next < reserved ->
#endif
        commit_gap();
        free_slot();
        next++
#endif
    :: else
    fi;
    d_step { seen = 0; one = 0; two = 0; gone = false }
}

inline begin()
{
#ifdef BREAK_BEGIN
    next = reserved;
#else
    next = let_go;
#endif
}

proctype daemon()
{
    byte next, seen, one, two;
    bool gone;
end:
    do
    :: {
        begin();
        do
        :: take_turn()
        od
    } unless {
        atomic {
            daemon_dies ->
            daemon_dies = false;
            by_this_one[0] = false;
            by_this_one[1] = false;
            by_this_one[2] = false;
            next = 0;
            seen = 0;
            one = 0;
            two = 0;
            gone = false
        }
    }
    od
}

/* ---- What may happen --------------------------------------------------------------------- */

proctype fate()
{
    bool has_died;
    do
    :: atomic { !has_died -> has_died = true; daemon_dies = true }
    :: !client_gone -> client_gone = true
    :: break
    od
}

init
{
    atomic {
#ifdef LIVENESS
        run client(1, 1);
        run client(2, 2);
#else
        run client(1, 2);
        run client(3, 3);
#endif
        run daemon();
        run fate()
    }
}

ltl drained { [] <> (let_go == reserved) }
