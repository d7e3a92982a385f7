/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nrbac: may this user do that? Decisions on National RBAC, in process.
 *
 * The three steps of a program:
 *
 *   nrbac_engine_create, nrbac_engine_load     a policy is loaded and published
 *   nrbac_prepare, nrbac_session_open          names become numbers, a user a session
 *   nrbac_check                                one bit test
 *   nrbac_check_text                           the same for a name as text
 *
 * or, for a whole question at once, nrbac_evaluate. <nrbac/recorder.h> has every
 * decision recorded, and so does NRBAC_ENGINE_RECORDED.
 *
 * This library opens compiled policies and needs libc alone; <nrbac/policy.h>
 * compiles policy folders and reads JSON. Nothing here prints, exits or keeps
 * global state. Any number of threads may use one engine at once, also while
 * another publishes a policy; one session may be checked by many threads, and
 * is closed by one. No check takes a lock. Pointers given are borrowed for the
 * call unless said otherwise. S1 to S26 are the rules listed in nrbac-policy(5).
 *
 * A process that forks opens its engines afterwards. In a child, sessions of the
 * parent's engine would answer for ever as they did at the fork: nothing expires, is
 * revoked or replaced there, and a lock that somebody held is never given back. So of
 * what its parent made a child may call nrbac_engine_destroy() alone, which frees
 * nothing there.
 */
#ifndef NRBAC_NRBAC_H
#define NRBAC_NRBAC_H

#include <nrbac/types.h>
#include <nrbac/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Engine ------------------------------------------------------------- */

typedef struct nrbac_engine nrbac_engine;   /* opaque */
typedef struct nrbac_session nrbac_session; /* opaque; belongs to its engine */

typedef enum nrbac_engine_flags {
    /* No thread watches the clock: the caller calls nrbac_poll() at least every
     * 100 ms, as an event loop can. Without it the engine starts one thread, with
     * the first session that can expire, or to follow a daemon. */
    NRBAC_ENGINE_UNWATCHED = 1 << 0,
    /* Every decision gets into the audit trail of the daemon that the engine follows
     * (`shm:`), by memory that both share: <nrbac/recorder.h> says which are decisions,
     * and what is promised. What cannot be put there within 50 ms is denied
     * not-recorded, and so is at once what follows, until there is room. Such an
     * engine opens nothing else, and has no recorder of the caller's. */
    NRBAC_ENGINE_RECORDED = 1 << 1,
} nrbac_engine_flags;

/* Creates an engine without a policy: it answers no-policy to everything.
 * The caller owns *out and destroys it after its last session. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_engine_create(unsigned flags,
                                                          nrbac_engine **out);
NRBAC_API void nrbac_engine_destroy(nrbac_engine *engine); /* NULL is fine */

/* Opens a compiled policy (mapped, verified) and publishes it. On failure the
 * last policy stays in force and *error says why; error may be NULL. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_engine_load(nrbac_engine *engine,
                                                        const char *path,
                                                        nrbac_error *error);
/* The same from memory; the bytes are copied. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_engine_load_image(nrbac_engine *engine,
                                                              const void *image,
                                                              size_t size,
                                                              nrbac_error *error);
/* Opens a policy by where it is, and publishes it:
 *
 *   shm:/run/nrbac/nrbacd.sock  the table of the daemon that serves this socket, or
 *   shm:/run/nrbac              the socket nrbacd.sock in this folder
 *   file:/run/nrbac/table       the table that a daemon publishes in this folder
 *   file:national.nrb           a compiled policy, as nrbac_engine_load()
 *   anything else               the same, by its path alone
 *
 * On a daemon's table the engine follows the daemon from then on: it decides in this
 * process on the daemon's image, takes each new policy within 100 ms of its
 * publication, ends sessions that are revoked there, and numbers its generations as
 * the daemon does. While the daemon has not been heard of for as long as it promised
 * to be, or has stopped all deciding, everything is answered policy-stale; when it is
 * back the engine goes on, and so do its sessions. An engine made with
 * NRBAC_ENGINE_UNWATCHED does all of this in nrbac_poll(), which then may wait for the
 * daemon, up to 20 ms, when there is a new policy to take.
 *
 * An engine that follows a daemon keeps to it: opening or loading anything else is
 * NRBAC_E_ARGUMENT, and so is anything but `shm:` with NRBAC_ENGINE_RECORDED.
 * NRBAC_E_IO: there is no daemon, or nothing in the folder; NRBAC_E_REFUSED: the daemon
 * does not give its table to this user, or takes no records; NRBAC_E_LIMIT: it has no
 * room for one more now; NRBAC_E_VERSION: it is of a release with other images or rings;
 * NRBAC_E_TIMEOUT, NRBAC_E_FORMAT, NRBAC_E_IMAGE: what is there cannot be used. On
 * failure nothing changes. A process that forks opens engines after it: a child has
 * no watcher, and no ring. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_engine_open(nrbac_engine *engine,
                                                        const char *source,
                                                        nrbac_error *error);
/* Stops all deciding with policy-stale, or lets it go on again. */
NRBAC_API void nrbac_engine_stop(nrbac_engine *engine, bool stopped);
/* The number of the last publication; 0 before the first. */
NRBAC_API uint32_t nrbac_engine_generation(const nrbac_engine *engine);

/* Ends what has expired at `now` (Unix seconds), and looks at the daemon that is
 * followed. Needed only by engines made with NRBAC_ENGINE_UNWATCHED. Returns the
 * earliest expiry still to come, or 0; who follows a daemon polls all the same. */
NRBAC_API int64_t nrbac_poll(nrbac_engine *engine, int64_t now);

/* ---- Who asks ------------------------------------------------------------ */

/* A role profile (S6 to S9). Codes may be full triples, as received. */
typedef struct nrbac_profile {
    const char *id;   /* person_roleid, uniqueIdentifier; may be NULL */
    const char *role; /* "S8000:G8000:R8001", "R8001", "local:..."; may be NULL */
    const char *organisation; /* ODS code; may be NULL */
    const char *const *areas_of_work;
    size_t area_of_work_count;
    const char *const *activities; /* additional ones alone, not the baseline's */
    size_t activity_count;
    const char *const *workgroups;
    size_t workgroup_count;
    int64_t opens_at;  /* Unix seconds; 0: always was open (S8) */
    int64_t closes_at; /* closed from then on; 0: never closes */
} nrbac_profile;

typedef enum nrbac_subject_type {
    NRBAC_SUBJECT_NONE = 0, /* an unattended system */
    NRBAC_HEALTHCARE_WORKER,
    NRBAC_PATIENT,
} nrbac_subject_type;

/* What a user's evidence is; the security patterns ask for one kind or another. */
typedef enum nrbac_evidence {
    NRBAC_EVIDENCE_PROFILE = 0, /* what the application says it knows */
    NRBAC_EVIDENCE_CIS2,
    NRBAC_EVIDENCE_CIS1,
    NRBAC_EVIDENCE_NHS_LOGIN,
} nrbac_evidence;

/* A user as evidence shows them. Zero or NULL wherever nothing is known. */
typedef struct nrbac_subject {
    nrbac_subject_type type;
    nrbac_evidence evidence;
    const char *id; /* the person: CIS2 or NHS login sub, SAML uid */
    const char
        *nhs_number;   /* of a patient, as the evidence states it; NULL: it does not */
    const char *actor; /* who acts for a patient: act.sub; NULL: the patient */
    const char *sid;   /* the login session, for revocation; may be NULL */
    const nrbac_profile *profiles;
    size_t profile_count;
    const char *token_choice;  /* selected_roleid; "" is present but empty (S7.1) */
    const char *caller_choice; /* NHSD-Session-URID (S7.2); NULL: none */
    int aal;                   /* NRBAC_LEVEL(1..3) or unknown */
    int ial;                   /* NRBAC_LEVEL(0..3) or unknown */
    int proofing;              /* NRBAC_LEVEL(0, 5 or 9) or unknown */
    int64_t expires_at;        /* Unix seconds; 0: not stated (S26) */
    bool mismatched;           /* the evidence names more than one person (S5) */
    bool inactive;             /* the directory says: not active (S8) */
    bool training;             /* ssbMode 1 (S10) */
} nrbac_subject;

/* What came of the evidence that a request presented: schema/evidence.md. */
typedef enum nrbac_finding {
    NRBAC_ASSERTED = 0, /* nobody checked it: the caller says so */
    NRBAC_VERIFIED,     /* it was checked and found sound */
    NRBAC_REFUSED,      /* it was checked, or could not be, and does not count */
} nrbac_finding;

/* For whom an access token lets the application act, by its scope. */
typedef enum nrbac_grant {
    NRBAC_GRANT_UNKNOWN = 0, /* no access token was presented */
    NRBAC_GRANT_APPLICATION, /* for itself alone */
    NRBAC_GRANT_CIS2,        /* for a user of CIS2 */
    NRBAC_GRANT_NHS_LOGIN,   /* for a patient, by NHS login */
} nrbac_grant;

/* nrbac_verify() finds these; a program that checks evidence in its own way may
 * state them too. Zeroed: nothing was checked. */
typedef struct nrbac_findings {
    nrbac_finding user;
    nrbac_finding application;
    nrbac_grant grant;
    const char *fault; /* why something is refused, in one sentence; NULL: nothing is */
    const char *const *verified; /* the members found sound: "id_token", ... */
    size_t verified_count;
    int64_t expires_at; /* when the application's evidence ends; 0: not stated */
    const char *const *expiring; /* credentials near their end: "gp.pem 2026-12-24" */
    size_t expiring_count;
} nrbac_findings;

/* A whole question. */
typedef struct nrbac_request {
    nrbac_subject subject;
    const char *action;       /* an activity code or a function's name */
    const char *organisation; /* where the user acts (S9); NULL: not named */
    const char *nhs_number;   /* whose record is asked for; NULL: not named */
    const char *application;  /* the calling application, as asserted; NULL: none */
    /* For an operation of an API (then `action` names the operation); else NULL. */
    const char *api;
    const char
        *authenticated_by; /* "api-key", "signed-jwt", "tls-ma"; NULL: not said */
    const char *pattern;   /* the security pattern used; NULL: the evidence shows it */
    /* In which of their capacities the user asks (for e-RS, a business function),
     * and for whom, as the request states them; NULL: not stated. */
    const char *acting_as;
    const char *on_behalf_of;
    const nrbac_findings *findings; /* NULL: nothing was checked */
    int64_t time;                   /* Unix seconds; 0: now */
} nrbac_request;

/* ---- Sessions ------------------------------------------------------------ */

/* The number of a name (activity code or function), for nrbac_check. Prepare
 * once, keep it: a number never changes its meaning and is never reused while
 * the engine lives, whatever policy is published. The name need not be in the
 * policy yet; until it is, checks answer no. Returns 0, which always checks as
 * no, when out of memory or for more than 1,048,576 names. */
typedef uint32_t nrbac_name;
NRBAC_API nrbac_name nrbac_prepare(nrbac_engine *engine, const char *name);

/* The number that a name has been given, by nrbac_prepare or because a policy that
 * was published has it; 0: none. The text has `size` bytes and need not be terminated.
 * Nothing is remembered or locked. */
NRBAC_API nrbac_name nrbac_name_find(const nrbac_engine *engine, const char *name,
                                     size_t size);
/* How many numbers have been given: those from 1 to it. */
NRBAC_API nrbac_name nrbac_name_count(nrbac_engine *engine);

/* Opens a session for the role profile in force. What the subject points to is
 * copied. *out is NULL unless the decision is a permit (reason opened). The
 * request's action is ignored; a time that it states is when the session begins,
 * and from there goes on with the clock. The caller owns *out. */
NRBAC_API nrbac_decision nrbac_session_open(nrbac_engine *engine,
                                            const nrbac_request *request,
                                            nrbac_session **out);
NRBAC_API void nrbac_session_close(nrbac_session *session); /* NULL is fine */

/* May the user do this? One load, one bit test; never blocks, allocates or
 * fails. True only for a permit without obligations on a session that has
 * neither expired nor been revoked. With gcc and clang it is in line,
 * as defined below, unless NRBAC_NO_INLINE is defined. */
NRBAC_API bool nrbac_check(const nrbac_session *session, nrbac_name name);

/* What nrbac_check asks of a session in which it finds no bit for the name: because
 * the session is stopped, or the name came after it. */
NRBAC_API bool nrbac_check_beyond(const nrbac_session *session, nrbac_name name);

/* The same by the name's text, of `size` bytes and not necessarily terminated: one
 * look into the names that the engine knows, then nrbac_check. Nothing is remembered
 * and nothing locked, so the name may come from anybody; one that the policy does not
 * know answers no. */
NRBAC_API bool nrbac_check_text(const nrbac_session *session, const char *name,
                                size_t size);

#if defined(__GNUC__) && !defined(NRBAC_NO_INLINE)
/* Frozen, and for nrbac_check alone: a session is an array of 64-bit words. The lower
 * half of the first is its room, the count of names that have their bit in the words
 * behind it: bit n % 64 of word 1 + n / 64. The room becomes 0 and comes back while
 * others check, and bits change. A library that keeps bits elsewhere leaves the room at
 * 0, which sends programs compiled earlier to nrbac_check_beyond. The library exports
 * nrbac_check as well, for bindings and whoever takes its address; it does the same. */
extern inline __attribute__((gnu_inline)) bool nrbac_check(const nrbac_session *session,
                                                           nrbac_name name)
{
#ifdef __cplusplus
    const uint64_t *words = reinterpret_cast<const uint64_t *>(session);
    uint32_t room = static_cast<uint32_t>(__atomic_load_n(words, __ATOMIC_ACQUIRE));
#else
    const uint64_t *words = (const void *)session;
    uint32_t room = (uint32_t)__atomic_load_n(words, __ATOMIC_ACQUIRE);
#endif
    if (__builtin_expect(name >= room, 0))
        return nrbac_check_beyond(session, name);
    uint64_t word = __atomic_load_n(&words[1] + name / 64, __ATOMIC_RELAXED);
    return (word >> (name % 64) & 1) != 0;
}
#endif

/* Why nrbac_check answers as it does: a permit's or refusal's reason, or
 * NRBAC_REASON_OBLIGATIONS_APPLY where nrbac_decide would permit with obligations. */
NRBAC_API nrbac_reason nrbac_check_reason(nrbac_session *session, nrbac_name name);

/* The decision with its reason and obligations; for a name whose permit carries
 * obligations, this is the question to ask. Never allocates or fails, unless it is
 * recorded (<nrbac/recorder.h>). */
NRBAC_API nrbac_decision nrbac_decide(nrbac_session *session, nrbac_name name);

/* The same by its text, which is not remembered: for names that come from
 * somebody who may make them up. */
NRBAC_API nrbac_decision nrbac_decide_text(nrbac_session *session, const char *name);

/* Both for whoever asks very often: into the caller's decision, of whose obligations
 * no more is written than there are. The text has `size` bytes and need not be
 * terminated. */
NRBAC_API void nrbac_decide_into(nrbac_session *session, nrbac_name name,
                                 nrbac_decision *decision);
NRBAC_API void nrbac_decide_text_into(nrbac_session *session, const char *name,
                                      size_t size, nrbac_decision *decision);

/* Several decisions under one policy: none of them is by another than the first, also if
 * one is published meanwhile, which waits until all are made. `next` writes the next
 * name, as a text or a number, and returns false after the last; `each` is told what was
 * decided on it, in a decision of which no more is written than is meant. Neither may
 * use the engine. */
typedef struct nrbac_called {
    const char *text; /* of `size` bytes, need not be terminated; NULL: by its number */
    size_t size;
    nrbac_name number;
} nrbac_called;
typedef bool nrbac_next_name(void *context, nrbac_called *name);
typedef void nrbac_each_decision(void *context, const nrbac_decision *decision);
NRBAC_API void nrbac_decide_each(nrbac_session *session, nrbac_next_name *next,
                                 nrbac_each_decision *each, void *context);

/* When the session's evidence expires (Unix seconds); 0: not stated. */
NRBAC_API int64_t nrbac_session_valid_until(const nrbac_session *session);

/* Ends sessions (S26); every check of theirs is session-revoked from then on. Sessions
 * that are opened later are not meant: the same evidence opens one until it expires.
 * Members that are not NULL must all match; all NULL matches nothing. Returns
 * how many ended. */
typedef struct nrbac_revocation {
    const char *sid;          /* the login session */
    const char *sub;          /* the person */
    const char *role_profile; /* the profile in force */
} nrbac_revocation;
NRBAC_API size_t nrbac_revoke(nrbac_engine *engine, const nrbac_revocation *which);

/* ---- A directory of users -------------------------------------------------- */

/* For programs that hold many sessions and are told user and activity as texts. A
 * user's place takes about 150 bytes beside what the session keeps of the
 * evidence; it stays until the directory is destroyed, also while the user is not
 * there, so keys should be users (or their role profiles), not logins. */
typedef struct nrbac_directory nrbac_directory; /* opaque; belongs to its engine */

/* Creates an empty directory; `users` is how many are expected, of whom there may be
 * more. The caller owns *out and destroys it before the engine, while nobody uses it;
 * its sessions go with it. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_directory_create(nrbac_engine *engine,
                                                             size_t users,
                                                             nrbac_directory **out);
NRBAC_API void nrbac_directory_destroy(nrbac_directory *directory); /* NULL is fine */

/* Gives the user a session, in place of the one that the user may have. The directory
 * takes the session over: on NRBAC_OK it is closed for the caller, and nobody else may
 * be using it. It ends as any other, by its evidence and by revocation. On failure the
 * caller keeps it, and the user what was there: NRBAC_E_MEMORY; NRBAC_E_ARGUMENT: an
 * empty user, or a session of another engine. Any thread may put and remove, also
 * while others check; the two wait for each other and for a policy being published,
 * and no check waits for them. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_directory_put(nrbac_directory *directory,
                                                          const char *user, size_t size,
                                                          nrbac_session *session);
/* Ends the user's session. From here on every check that begins answers no, and one
 * that is under way answers as before or no. False: there was none. */
NRBAC_API bool nrbac_directory_remove(nrbac_directory *directory, const char *user,
                                      size_t size);

/* nrbac_check_text on the user's session; no for a user who has none. Neither text
 * need be terminated. While a session is being replaced the answer may be no. */
NRBAC_API bool nrbac_directory_check(const nrbac_directory *directory, const char *user,
                                     size_t user_size, const char *name,
                                     size_t name_size);

/* ---- Whole questions ------------------------------------------------------ */

/* Answers are documents of the shape that nrbac-protocol(7) shows, built into
 * the caller's document, which is not reset first. *answer is NULL only when
 * out of memory. The decision returned is the answer's. */
NRBAC_API nrbac_decision nrbac_evaluate(nrbac_engine *engine,
                                        const nrbac_request *request,
                                        nrbac_document *document, nrbac_value **answer);

typedef enum nrbac_ask_flags {
    NRBAC_ASK_EXPLAIN = 1 << 0,      /* with everything that led to it */
    NRBAC_ASK_REQUEST_TIME = 1 << 1, /* context.time counts, instead of the clock */
    /* The caller is not known to be the application that it names: what it says of
     * its own authentication does not count. */
    NRBAC_ASK_UNPROVEN = 1 << 2,
    /* The caller is known not to be it: application-not-authenticated. */
    NRBAC_ASK_STRANGER = 1 << 3,
} nrbac_ask_flags;

/* How a request document is asked. NULL stands for a zeroed one. */
typedef struct nrbac_ask {
    unsigned flags;                 /* nrbac_ask_flags */
    const nrbac_findings *findings; /* what nrbac_verify() found of it; NULL: nobody
                                     * looked, so that tokens in it are refused */
} nrbac_ask;

/* The same for a request as a document: subject, action, resource and context
 * of the OpenID AuthZEN Authorization API 1.0, the subject's evidence as
 * received from CIS2, CIS1 (SAML), NHS login, or the neutral profile. */
NRBAC_API nrbac_decision nrbac_evaluate_document(nrbac_engine *engine,
                                                 const nrbac_value *request,
                                                 const nrbac_ask *ask,
                                                 nrbac_document *document,
                                                 nrbac_value **answer);

/* Opens a session for the subject of a request document; as
 * nrbac_session_open(), with the answer of nrbac-protocol(7)'s `open` (without
 * its `session` member) built into the document. */
NRBAC_API nrbac_decision nrbac_session_open_document(
    nrbac_engine *engine, const nrbac_value *request, const nrbac_ask *ask,
    nrbac_document *document, nrbac_value **answer, nrbac_session **out);

/* ---- About the policy ------------------------------------------------------ */

/* Everything that a subject's profile in force may do: a map with `effect`,
 * `reason`, `profile`, `activities` and `functions`, each activity with source
 * and path, each function with effect, reason and obligations. */
NRBAC_API nrbac_value *nrbac_what_can(nrbac_engine *engine,
                                      const nrbac_request *request,
                                      nrbac_document *document);

/* The same for the subject of a request document. */
NRBAC_API nrbac_value *nrbac_what_can_document(nrbac_engine *engine,
                                               const nrbac_value *request,
                                               const nrbac_ask *ask,
                                               nrbac_document *document);

/* Who may do NAME: a map with `name`, `roles` (each role and area of work whose
 * baseline reaches it, or, for a function, makes it hold) and `add` (the codes
 * that a Registration Authority could add). NULL when out of memory; the
 * member `reason` is there alone if the name is unknown. */
NRBAC_API nrbac_value *nrbac_who_can(nrbac_engine *engine, const char *name,
                                     nrbac_document *document);

/* Name, version, nrd_version, provenance, digest, generation, counts, loaded_at,
 * compared_cells. NULL when out of memory; without a policy, generation is 0. */
NRBAC_API nrbac_value *nrbac_policy_info(nrbac_engine *engine,
                                         nrbac_document *document);

/* Every name of the policy in force, activity codes first, with its number. */
NRBAC_API nrbac_value *nrbac_policy_names(nrbac_engine *engine,
                                          nrbac_document *document);

/* What the policy says of APIs and applications, and who does what when one is
 * called; schema/assure.md lists every member. A map with
 *
 *   apis          each with id, name, file and line, rbac, local_user, and operations,
 *                 each with its delegation, obligations and requirement (as explained,
 *                 without what holds), and for each of its patterns who authenticates
 *                 and authorises the application and the user, and what rests on the
 *                 application's supplier
 *   applications  each with its ways to authenticate, organisations (null: any),
 *                 status, suspended (null: it is not), and the operations it may call
 *   suspended     all suspensions
 *   obligations, names, words   what the ids, codes and slugs in these mean
 *
 * Without a policy the map is empty. NULL when out of memory. */
NRBAC_API nrbac_value *nrbac_apis(nrbac_engine *engine, nrbac_document *document);

/* The table in force as stable text, in pieces, for golden files. Stops when
 * the sink returns false. NRBAC_E_ARGUMENT without a policy. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_dump(nrbac_engine *engine, nrbac_sink *sink,
                                                 void *context);

#ifdef __cplusplus
}
#endif

#endif
