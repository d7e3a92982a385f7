/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status page (engine/share/status.c): one writer, in turns, and readers without a
 * lock. A publication writes two words that belong together, a revocation a place of
 * the ring and their count.
 *
 * Memory is weak. What the writer stores waits in its buffer and becomes visible in any
 * order, except that a release store comes after all stores before it, and stores to one
 * word keep their order. A reader's loads happen in any order, except that none comes
 * before an acquire load that stands before it, and loads of one word keep their order.
 *
 * One reader is enough: readers write nothing. A writer that dies is one that is not
 * scheduled any more, so every state here is one of those in which it may have died.
 *
 * holds  safety  what is accepted is of one moment, and misses no revocation
 * holds  seen    whatever is written last is read in the end
 *
 * breaks safety  BREAK_WORD_RELEASE   words may be seen before the odd turn
 * breaks safety  BREAK_EVEN_RELEASE   the even turn may be seen before the words
 * breaks safety  BREAK_TURN_ACQUIRE   words may be loaded before the first turn
 * breaks safety  BREAK_WORD_ACQUIRE   the last turn may be loaded before the words
 * breaks safety  BREAK_ODD_REFUSED    a reader begins though the turn is odd
 * breaks safety  BREAK_SECOND_LOOK    a reader does not look at the turn again
 * breaks safety  BREAK_ODD_TURN       the writer does not make the turn odd
 * breaks safety  BREAK_RING_BOUND     a reader takes more revocations than are kept
 * breaks seen    BREAK_EVEN_TURN      the writer does not make the turn even
 * breaks seen    BREAK_LOOK_AGAIN     what was not accepted is not looked at again
 */
#define PUBLICATIONS 2
#define REVOCATIONS  3
#define RING         2
#define BUFFER       4

/* The words of the page. */
#define TURN         0
#define GENERATION   1
#define DIGEST       2
#define REVOKED      3
#define FIRST_OF_RING 4
#define WORDS        6

#ifdef BREAK_WORD_RELEASE
#define WORD_RELEASE false
#else
#define WORD_RELEASE true
#endif
#ifdef BREAK_EVEN_RELEASE
#define EVEN_RELEASE false
#else
#define EVEN_RELEASE true
#endif

byte page[WORDS];

/* ---- Stores ------------------------------------------------------------------------ */

typedef stored {
    byte word;
    byte value;
    bool release
};
stored buffer[BUFFER];
byte buffered;

inline store(at, what, is_release)
{
    atomic {
        buffered < BUFFER;
        buffer[buffered].word = at;
        buffer[buffered].value = what;
        buffer[buffered].release = is_release;
        buffered++
    }
}

#define OTHERS(i, j) (buffer[i].word != buffer[j].word)
#define FREE_1 (buffered > 1 && !buffer[1].release && OTHERS(1, 0))
#define FREE_2 (buffered > 2 && !buffer[2].release && OTHERS(2, 0) && OTHERS(2, 1))
#define FREE_3 \
    (buffered > 3 && !buffer[3].release && OTHERS(3, 0) && OTHERS(3, 1) && OTHERS(3, 2))

active proctype memory()
{
    byte i;
end:
    do
    :: atomic {
        if
        :: buffered > 0 -> i = 0
        :: FREE_1 -> i = 1 /* overtakes: if broken */
        :: FREE_2 -> i = 2 /* if broken */
        :: FREE_3 -> i = 3 /* if broken */
        fi;
        page[buffer[i].word] = buffer[i].value;
        do
        :: i + 1 < buffered ->
            buffer[i].word = buffer[i + 1].word;
            buffer[i].value = buffer[i + 1].value;
            buffer[i].release = buffer[i + 1].release;
            i++
        :: else -> break
        od;
        buffered--;
        buffer[buffered].word = 0;
        buffer[buffered].value = 0;
        buffer[buffered].release = false;
        i = 0
    }
    od
}

/* ---- Writing ----------------------------------------------------------------------- */

inline begin_turn()
{
#ifndef BREAK_ODD_TURN
    turn++;
    store(TURN, turn, true)
#else
    turn++
#endif
}

inline end_turn()
{
    turn++;
#ifndef BREAK_EVEN_TURN
    store(TURN, turn, EVEN_RELEASE)
#endif
}

active proctype writer()
{
    byte turn, published, revoked;
    do
    :: published < PUBLICATIONS ->
        published++;
        begin_turn();
        store(GENERATION, published, WORD_RELEASE);
        store(DIGEST, published, WORD_RELEASE);
        end_turn()
    :: revoked < REVOCATIONS ->
        revoked++;
        begin_turn();
        store(FIRST_OF_RING + (revoked - 1) % RING, revoked, WORD_RELEASE);
        store(REVOKED, revoked, WORD_RELEASE);
        end_turn()
    :: published == PUBLICATIONS && revoked == REVOCATIONS -> break
    od
}

/* ---- Reading ----------------------------------------------------------------------- */

/* A reading is seven loads: the turn, the words, and the turn again. */
#define LOADS       7
#define LAST        6
#define BIT(i)      (1 << (i))
#define DONE(i)     ((done & BIT(i)) != 0)
#define WORDS_BELOW(i) (BIT(i) - BIT(1))
#define WORDS_DONE(i)  ((done & WORDS_BELOW(i)) == WORDS_BELOW(i))

#ifdef BREAK_TURN_ACQUIRE
#define AFTER_TURN true
#else
#define AFTER_TURN DONE(0)
#endif
#ifdef BREAK_WORD_ACQUIRE
#define AFTER_WORDS(i) true
#else
#define AFTER_WORDS(i) WORDS_DONE(i)
#endif

#ifdef BREAK_ODD_REFUSED
#define IS_EVEN true
#else
#define IS_EVEN (got[0] % 2 == 0)
#endif
#ifdef BREAK_SECOND_LOOK
#define IS_SAME true
#else
#define IS_SAME (got[0] == got[LAST])
#endif

byte generation_seen, revoked_seen; /* by the reader */

inline load(i, word)
{
    got[i] = page[word];
    done = done | BIT(i)
}

#define CAN_LOAD(i) (!DONE(i) && AFTER_TURN && AFTER_WORDS(i))

inline look()
{
    done = 0;
    do
    :: !DONE(0) -> load(0, TURN)
    :: CAN_LOAD(1) -> load(1, GENERATION)
    :: CAN_LOAD(2) -> load(2, DIGEST)
    :: CAN_LOAD(3) -> load(3, REVOKED)
    :: CAN_LOAD(4) -> load(4, FIRST_OF_RING)
    :: CAN_LOAD(5) -> load(5, FIRST_OF_RING + 1)
    :: !DONE(LAST) && DONE(0) && AFTER_WORDS(LAST) -> load(LAST, TURN)
    :: done == BIT(LOADS) - 1 -> break
    od
}

/* More than are kept: any session may be meant, so all are ended, and none is missed. */
#ifdef BREAK_RING_BOUND
#define IS_LOST false
#else
#define IS_LOST (got[3] - revoked_seen > RING)
#endif

inline accept()
{
    d_step {
        assert(got[1] == got[2]);
        assert(got[1] >= generation_seen && got[3] >= revoked_seen);
        generation_seen = got[1];
        if
        :: IS_LOST -> revoked_seen = got[3]
        :: else ->
            do
            :: revoked_seen < got[3] ->
                assert(got[FIRST_OF_RING + revoked_seen % RING] == revoked_seen + 1);
                revoked_seen++
            :: else -> break
            od
        fi
    }
}

active proctype reader()
{
    byte got[LOADS];
    byte done;
end:
    do
    :: look();
        if
        :: IS_EVEN && IS_SAME -> accept()
#ifdef BREAK_LOOK_AGAIN
        :: else -> break
#else
        :: else
#endif
        fi
    od
}

ltl seen { <> (generation_seen == PUBLICATIONS && revoked_seen == REVOCATIONS) }
