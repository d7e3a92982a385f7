/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions that can be made again: a record of each, with everything that it was
 * decided on, told to whoever keeps them; and deciding once more what a record tells.
 *
 *   nrbac_engine_set_recorder    every decision is recorded, or denied not-recorded
 *   nrbac_request_tell, _read    a request as a document, and back, exactly
 *   nrbac_decide_again           a record's decision under the policy of this engine
 *
 * A recorder that says that it could not record changes the decision: nothing is
 * permitted of which there is no record. Without a recorder nothing is recorded.
 */
#ifndef NRBAC_RECORDER_H
#define NRBAC_RECORDER_H

#include <nrbac/nrbac.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- A request as a document ------------------------------------------------ */

/* What of a request is told. The circumstances stay the same as long as a session
 * does; what is asked differs from one question to the next. */
typedef enum nrbac_tell_parts {
    NRBAC_TELL_CIRCUMSTANCES = 1 << 0, /* the subject, and everything else */
    NRBAC_TELL_ASKED = 1 << 1,         /* action, nhs_number, time */
} nrbac_tell_parts;

/* Tells the parts as a map, which schema/audit-request.md describes: what a request
 * does not state is not there. Texts are copied. NULL when out of memory. */
NRBAC_API nrbac_value *nrbac_request_tell(const nrbac_request *request, unsigned parts,
                                          nrbac_document *document);

/* Whether both have the same circumstances, so that what was made of those of one serves
 * for the other. */
NRBAC_API bool nrbac_request_same(const nrbac_request *a, const nrbac_request *b);

/* Reads what was told: fills in what the map states and leaves the rest of *request,
 * which the caller has zeroed, so that parts told apart are read one after the other.
 * Texts are borrowed from the map; lists are made in the document, which may be the
 * map's own. NRBAC_E_FORMAT: it is not such a map, or states something that this
 * release does not know; then *request is not to be used. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_request_read(const nrbac_value *told,
                                                         nrbac_document *document,
                                                         nrbac_request *request);

/* ---- Records ------------------------------------------------------------------ */

/* What was asked. The numbers are stable: they stand in audit trails. */
typedef enum nrbac_recorded {
    NRBAC_RECORDED_QUESTION = 0, /* nrbac_evaluate, nrbac_evaluate_document */
    NRBAC_RECORDED_OPENING = 1,  /* nrbac_session_open, nrbac_session_open_document */
    NRBAC_RECORDED_DECISION = 2, /* nrbac_decide and the like, in a session */
    NRBAC_RECORDED_CHECK = 3,    /* nrbac_check_recorded, nrbac_check_text_recorded */
} nrbac_recorded;

/* A decision and what it was made on. Every pointer is borrowed for the call. */
typedef struct nrbac_record {
    nrbac_recorded kind;
    unsigned flags; /* of nrbac_ask_flags NRBAC_ASK_STRANGER, if that was so */
    const nrbac_decision *decision;
    const char *digest; /* of the policy that decided, in hex; "": none is loaded */
    /* When it was decided, by the clock: µs since 1970. */
    int64_t at;
    /* The time that counted, Unix seconds: the clock's, unless the request states one,
     * or did when its session opened. */
    int64_t time;
    const char *action;     /* the name asked for; NULL: none, as when a session opens.
                             * In a session one over 256 bytes is cut, and ends in an
                             * ellipsis. */
    const char *nhs_number; /* whose record was asked for; NULL: not named */
    /* The policy asks that nobody learns of the decision before its record is safe
     * (`audit: sync` of a function). */
    bool first;
    /* The request as it was decided on. NULL if there is none (`fault`), and in a
     * session whose circumstances the recorder knows already. In a session it has the
     * profile in force alone. */
    const nrbac_request *request;
    /* What the malformed request was missing, in one sentence; NULL: nothing. */
    const char *fault;
    /* The profile that is chosen (S6, S7), also if the request was refused before that
     * mattered; NULL: none, or `request` is NULL. */
    const nrbac_profile *profile;
    /* Where the user acts (S9), or which one the request names; NULL likewise. */
    const char *organisation;
    const nrbac_value *answer; /* as it would be given; NULL in a session */
    /* A number of the recorder's own for the circumstances of a session, 0 at first:
     * what it sets here is there in the session's next record. A recorder that does not
     * know that number any more sets it to 0 and returns false: then it is asked again,
     * with the request. */
    uint64_t circumstances;
} nrbac_record;

/* Records; false: that could not be done, and the decision becomes not-recorded. Called
 * by the thread that decides, several at once, with nothing locked; it may wait, and
 * then so does the caller. It may not use the engine. */
typedef bool nrbac_recorder(void *context, nrbac_record *record);

/* Every decision from here on is recorded, until another recorder is set; NULL: none
 * is. To be called while nobody decides. nrbac_check, nrbac_check_text and
 * nrbac_directory_check are not recorded, nor is a call that ran out of memory. An engine
 * made with NRBAC_ENGINE_RECORDED keeps the recorder that it has. */
NRBAC_API void nrbac_engine_set_recorder(nrbac_engine *engine, nrbac_recorder *recorder,
                                         void *context);

/* nrbac_check and nrbac_check_text for whoever needs every check recorded. True only if
 * the permit was: also without a recorder the answer is no. */
NRBAC_API bool nrbac_check_recorded(nrbac_session *session, nrbac_name name);
NRBAC_API bool nrbac_check_text_recorded(nrbac_session *session, const char *name,
                                         size_t size);

/* ---- In a daemon's audit trail ------------------------------------------------------ */

/*
 * An engine made with NRBAC_ENGINE_RECORDED has a recorder of its own: an audit ring, 2 MiB
 * of memory that it shares with the daemon whose table it follows. nrbac_engine_open() has
 * it from the daemon with a connection that lasts as long as it does; the engine owns both
 * until it is destroyed. What was put there is the daemon's to take, also afterwards.
 *
 * What is promised. A decision is returned when its record is in that memory: no system
 * call is made for it. The daemon writes it within 50 ms, and then the time that its disk
 * takes. So it outlives the program, however that ends; it outlives the daemon as long as
 * the program runs, which hands it to the next daemon on the same socket when it polls; it
 * does not outlive both, nor the machine. A daemon's `--audit-durability sync` does not
 * change that. What does is `audit: sync` of a function: a decision on it is returned when
 * its record is on disk, like one on the daemon's socket, which takes some 20 ms where little
 * is decided. If it is not there within a second the decision is not-recorded. It cannot be
 * taken back, so it may stand in the trail all the same; then another record of the same
 * name, not-recorded, stands behind it, unless there was no room for that either.
 *
 * When there is no room. 4,096 places wait for the daemon at most. A check takes one, for
 * a name of up to some 100 bytes; what tells who asks, with the first record of a session or
 * of a whole question, takes one for each 248 bytes, up to 256 KiB. Nothing is overwritten:
 * if there is no room for 50 ms, since the daemon is away or cannot write its trail, the
 * decision is not-recorded, and the next one waits again.
 *
 * Threads. Any number of them decide at once, and none waits for another, but for the
 * moment in which the ring is moved to a next daemon's memory.
 *
 * Ends. When the daemon is killed, records that it had written and not yet marked as
 * written are written again by its successor: the same pid and the same number (`message`
 * in schema/audit.md) tell that they are the same. When the program is killed, all that it
 * had put there is taken; what it had begun to put is told as a `gap`, and no decision on
 * that had been returned. An engine that is UNWATCHED looks for the next daemon in
 * nrbac_poll() alone; until then what it decides waits in the ring.
 *
 * Forks. A child has no ring: whatever it decides is not-recorded. It makes an engine of
 * its own.
 *
 * Other releases. A daemon whose rings are of another version gives none (NRBAC_E_VERSION),
 * and one that finds in the ring what it does not know reads no further. Neither is asked
 * again: all is not-recorded until another daemon serves the socket, which is then given
 * all that was not taken. The daemon counts both (`audit_ring_refused`) and logs who it is.
 */

/* ---- Deciding again -------------------------------------------------------------- */

/* Decides what a record tells under the engine's policy, at the record's time: of the
 * record, `kind`, `flags`, `time`, `action`, `nhs_number`, `request` (which a session's
 * record needs too) and `fault` count, and the action and the number are the
 * record's, not the request's. Under the policy that decided it the decision is the
 * same, except for what is no matter of the policy: session-revoked, policy-stale,
 * no-policy, not-recorded. Nothing is recorded. The document is what it works in and
 * is not reset first; `answer` (NULL: the decision alone) is as of nrbac_evaluate, with
 * everything that led to it. */
NRBAC_API nrbac_decision nrbac_decide_again(nrbac_engine *engine,
                                            const nrbac_record *record,
                                            nrbac_document *document,
                                            nrbac_value **answer);

#ifdef __cplusplus
}
#endif

#endif
