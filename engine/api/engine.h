/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine from inside: the policy in force, the names, the sessions.
 *
 * Two mutexes. `lock` is held by whoever changes things: while a policy is
 * published and every session re-opened on it, while a session is opened or
 * closed. Nobody who decides waits for it. `glance` guards what deciding looks
 * at, the pointer to what is in force and the names, and is held for no longer
 * than reading or writing that takes. Readers take a counted reference to what is
 * in force and keep it as long as they look at it, so the last reader of an old
 * policy frees it.
 *
 *   lock order: follow->lock, then engine->lock, then engine->glance
 */
#ifndef NR_ENGINE_H
#define NR_ENGINE_H

#include "api/slab.h"
#include "base/codes.h"
#include "base/names.h"
#include "subject/subject.h"
#include "table/holding.h"

#include <nrbac/recorder.h>

#include <pthread.h>
#include <stdatomic.h>

/* What a name's number stands for in one policy. */
typedef struct nr_target {
    enum {
        NR_TARGET_UNKNOWN = 0,
        NR_TARGET_ACTIVITY,
        NR_TARGET_FUNCTION,
        NR_TARGET_OPERATION, /* of an API; never what a name alone stands for */
    } kind;
    uint32_t number;
} nr_target;

typedef struct nr_followers nr_followers; /* api/permits.h */

/* A policy in force, shared and counted. Never written after publishing. */
typedef struct nr_policy {
    atomic_uint references;
    nr_table table;
    void *image;
    size_t size;
    bool mapped;
    uint32_t generation; /* 0 until published, unless its publisher counts them */
    int64_t loaded_at;
    char digest[2 * NR_SHA256_SIZE + 1];
    const char **obligations; /* ids by number; texts live as long as the engine */
    nr_target *targets;       /* by name number: those known when it was published */
    uint32_t target_count;
    nr_followers *followers;
    bool records_first; /* some function asks for it (NR_RECORD_SYNC) */
} nr_policy;

typedef struct nr_follow nr_follow; /* follow.h */
typedef struct nr_scribe nr_scribe; /* scribe.h */

struct nrbac_engine {
    pthread_mutex_t lock;
    pthread_mutex_t glance;
    /* Holds a reference; NULL before the first publication. Written with both
     * mutexes held, read with either. */
    nr_policy *current;
    _Atomic uint32_t generation;
    /* Number n of the API is n - 1 here. Given under `glance`, found without a lock. */
    nr_names names;
    nr_arena arena; /* of the names, which live as long as the engine; `glance` */
    /* Of each activity code B0000 to B9999 its number; 0: none yet. Written like the
     * names, read without a lock: a number once there never changes. */
    _Atomic nrbac_name codes[NR_ACTIVITY_CODES];
    nr_arena obligation_arena; /* `lock`, as the obligations */
    nr_names obligations;
    nr_arena scratch;             /* for one session at a time; `lock` */
    nr_slabs places;              /* of sessions; `lock` */
    nrbac_session *sessions;      /* all that are open */
    nrbac_directory *directories; /* and all directories of more */
    _Atomic int64_t next_expiry;  /* of any session still going; 0: none */
    _Atomic(nr_follow *) follow;  /* set once; NULL: this engine follows nobody */
    bool stale;                   /* what it follows cannot be relied on; `lock` */
    bool halted;                  /* nrbac_engine_stop(); `lock` */
    atomic_bool stopped;          /* either; written with both mutexes held */
    nrbac_recorder *recorder;     /* NULL: none; set while nobody decides */
    void *recorder_context;
    nr_scribe *scribe; /* the engine's own recorder; NULL: it has none */
    pid_t process;     /* that created it */
    bool unwatched;
    bool watching; /* the thread runs */
    bool ending;
    pthread_t watcher;
    pthread_cond_t wake;
};

/* The policy in force, with a reference of the caller's own; NULL: none. *stopped (may
 * be NULL): whether nobody decides, at the same moment: a policy that was replaced while
 * all was stopped must not be decided on by who meets it just before, and goes on after. */
nr_policy *nr_policy_take(nrbac_engine *engine, bool *stopped);
void nr_policy_release(nr_policy *policy); /* NULL is fine */

/* Places for an engine's sessions, none yet. */
nr_slabs nr_session_places(nrbac_engine *engine);
/* Re-opens a session under engine->current and lets checks see it. The engine is
 * locked. When memory is out, the session answers no to everything. */
void nr_session_reopen(nrbac_session *session);
/* Ends a session if its evidence has expired; returns when it will, or 0. */
int64_t nr_session_expire(nrbac_session *session, int64_t now);
/* What a revocation may call it; false: it has ended already. Locked. */
bool nr_session_names(const nrbac_session *session, nrbac_revocation *names);
void nr_session_stop(nrbac_session *session, nrbac_reason reason);
/* Lets a session go on that a stale policy stopped, and nothing else. */
void nr_session_resume(nrbac_session *session);
nrbac_session *nr_session_next(const nrbac_session *session);

/* Whether somebody called so is meant by a revocation. */
typedef bool nr_means(const void *revocation, const nrbac_revocation *names);

/* Ends every session, also in directories, that is meant; returns how many. Locked. */
size_t nr_engine_end(nrbac_engine *engine, nr_means *means, const void *revocation);

/* The same for every session in a directory; expiring returns the earliest expiry to
 * come, or 0, and ending how many it ended. Holding lets them stop or go on as the
 * engine is stopped or not. The engine is locked. */
void nr_directories_reopen(nrbac_engine *engine);
int64_t nr_directories_expire(nrbac_engine *engine, int64_t now);
size_t nr_directories_end(nrbac_engine *engine, nr_means *means,
                          const void *revocation);
void nr_directories_hold(nrbac_engine *engine);

/* Sees to it that the expiry is noticed: starts the watcher if this engine has one
 * and it does not run yet; false if it cannot be started. Locked. */
bool nr_engine_watch(nrbac_engine *engine, int64_t expiry);

/* Starts the watcher if this engine has one and it does not run yet; false if it
 * cannot be started. Locked. */
bool nr_engine_start_watcher(nrbac_engine *engine);

/* Takes a policy with image and size over, whatever comes of it, and publishes it. */
nrbac_status nr_engine_publish(nrbac_engine *engine, nr_policy *policy,
                               nrbac_error *error);

/* While a policy is stale nobody decides: sessions stop, and none are opened. */
void nr_engine_set_stale(nrbac_engine *engine, bool stale);
static inline bool nr_engine_is_stopped(const nrbac_engine *engine)
{
    return atomic_load_explicit(&engine->stopped, memory_order_acquire);
}

/* What a name written by anybody stands for. */
nr_target nr_policy_target(const nr_policy *policy, const char *name);

/* The facts of a request for its standing; borrowed from both. */
nr_facts nr_facts_of(const nrbac_request *request, const nr_standing *standing);

/* A verdict in the words of the public decision. */
nrbac_decision nr_decision_of(const nr_policy *policy, const nr_verdict *verdict);

/* The number of a name by its text, for checks: neither locks nor remembers. 0, whose
 * bit is never set, if it has none. */
static inline nrbac_name nr_engine_name_of(const nrbac_engine *engine, const char *name,
                                           size_t size)
{
    return nr_names_find(&engine->names, name, size) + 1;
}

/* The same for a code, by nr_code_digits(). */
static inline nrbac_name nr_engine_code_of(const nrbac_engine *engine, uint32_t digits)
{
    return atomic_load_explicit(&engine->codes[digits], memory_order_acquire);
}

#endif
