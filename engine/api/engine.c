/* SPDX-License-Identifier: Apache-2.0 */
/* Needs POSIX.1-2008 (pthread_condattr_setclock) and MAP_ANONYMOUS. */
#define _DEFAULT_SOURCE
#include "api/follow.h"

#include "api/permits.h"
#include "api/scribe.h"
#include "base/codes.h"
#include "base/hex.h"
#include "share/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    NAME_MAX_COUNT = 1 << 20, /* numbers given in an engine's life */
    WATCH_INTERVAL_MS = 100,
    FOLLOW_INTERVAL_MS = 30, /* what is seen is acted on within 100 ms, with room */
};

static bool be_recorded(nrbac_engine *engine)
{
    engine->scribe = nr_scribe_create();
    engine->recorder = nr_scribe_take;
    engine->recorder_context = engine->scribe;
    return engine->scribe != NULL;
}

nrbac_status nrbac_engine_create(unsigned flags, nrbac_engine **out)
{
    *out = NULL;
    if ((flags & ~(unsigned)(NRBAC_ENGINE_UNWATCHED | NRBAC_ENGINE_RECORDED)) != 0)
        return NRBAC_E_ARGUMENT;
    nrbac_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL)
        return NRBAC_E_MEMORY;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&engine->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&engine->lock, NULL);
    pthread_mutex_init(&engine->glance, NULL);
    engine->names.arena = &engine->arena;
    engine->obligations.arena = &engine->obligation_arena;
    engine->places = nr_session_places(engine);
    engine->unwatched = (flags & NRBAC_ENGINE_UNWATCHED) != 0;
    engine->process = getpid();
    if ((flags & NRBAC_ENGINE_RECORDED) != 0 && !be_recorded(engine)) {
        nrbac_engine_destroy(engine);
        return NRBAC_E_MEMORY;
    }
    *out = engine;
    return NRBAC_OK;
}

void nrbac_engine_destroy(nrbac_engine *engine)
{
    /* A forked child has no watcher, but a condition for which one seems to wait, and
     * maybe locks that nobody will give back. */
    if (engine == NULL || engine->process != getpid())
        return;
    pthread_mutex_lock(&engine->lock);
    bool watching = engine->watching;
    engine->ending = true;
    pthread_cond_signal(&engine->wake);
    pthread_mutex_unlock(&engine->lock);
    if (watching)
        pthread_join(engine->watcher, NULL);
    nr_follow_destroy(atomic_load(&engine->follow));
    nr_scribe_destroy(engine->scribe);
    nr_policy_release(engine->current);
    nr_arena_finish(&engine->arena);
    nr_arena_finish(&engine->obligation_arena);
    nr_arena_finish(&engine->scratch);
    nr_slabs_finish(&engine->places);
    pthread_cond_destroy(&engine->wake);
    pthread_mutex_destroy(&engine->glance);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

uint32_t nrbac_engine_generation(const nrbac_engine *engine)
{
    return atomic_load_explicit(&engine->generation, memory_order_acquire);
}

/* ---- The policy in force ---------------------------------------------------- */

nr_policy *nr_policy_take(nrbac_engine *engine, bool *stopped)
{
    pthread_mutex_lock(&engine->glance);
    nr_policy *policy = engine->current;
    if (stopped != NULL)
        *stopped = nr_engine_is_stopped(engine);
    if (policy != NULL)
        atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&engine->glance);
    return policy;
}

void nr_policy_release(nr_policy *policy)
{
    if (policy == NULL)
        return;
    if (atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) != 1)
        return;
    if (policy->mapped)
        munmap(policy->image, policy->size);
    else
        free(policy->image);
    free(policy->obligations);
    free(policy->targets);
    free(policy->followers);
    free(policy);
}

nr_target nr_policy_target(const nr_policy *policy, const char *name)
{
    nr_target target = { .kind = NR_TARGET_FUNCTION };
    if (nr_code_names_activity(name, strlen(name))) {
        target.kind = NR_TARGET_ACTIVITY;
        target.number = nr_table_activity_of(&policy->table, name);
    } else {
        target.number = nr_table_function_of(&policy->table, name);
    }
    return target.number == NR_NONE ? (nr_target){ .kind = NR_TARGET_UNKNOWN } : target;
}

static nrbac_name intern(nrbac_engine *engine, const char *name)
{
    size_t size = strlen(name);
    uint32_t known = nr_names_find(&engine->names, name, size);
    if (known != NR_NONE)
        return known + 1;
    if (engine->names.count >= NAME_MAX_COUNT)
        return 0;
    uint32_t number = nr_names_intern(&engine->names, name, size);
    if (number == NR_NONE)
        return 0;
    uint32_t digits = nr_code_digits(name, size);
    if (digits != NR_NONE)
        atomic_store_explicit(&engine->codes[digits], number + 1, memory_order_release);
    return number + 1;
}

nrbac_name nrbac_prepare(nrbac_engine *engine, const char *name)
{
    pthread_mutex_lock(&engine->glance);
    nrbac_name number = intern(engine, name);
    pthread_mutex_unlock(&engine->glance);
    return number;
}

nrbac_name nrbac_name_find(const nrbac_engine *engine, const char *name, size_t size)
{
    return nr_engine_name_of(engine, name, size);
}

nrbac_name nrbac_name_count(nrbac_engine *engine)
{
    pthread_mutex_lock(&engine->glance);
    nrbac_name count = engine->names.count;
    pthread_mutex_unlock(&engine->glance);
    return count;
}

static nrbac_status no_number(const nrbac_engine *engine)
{
    return engine->names.count >= NAME_MAX_COUNT ? NRBAC_E_LIMIT : NRBAC_E_MEMORY;
}

/* Gives every name of the policy its number. */
static nrbac_status intern_names(nrbac_engine *engine, const nr_table *table)
{
    for (uint32_t i = 0; i < table->activities_count; i++)
        if (intern(engine, nr_table_text(table, table->activities[i].code)) == 0)
            return no_number(engine);
    for (uint32_t i = 0; i < table->functions_count; i++)
        if (intern(engine, nr_table_text(table, table->functions[i].id)) == 0)
            return no_number(engine);
    return NRBAC_OK;
}

/* The names, and what each of those that there are now stands for. Texts once
 * given stay where they are, so they are looked at without holding anybody up. */
static nrbac_status number_names(nrbac_engine *engine, nr_policy *policy)
{
    pthread_mutex_lock(&engine->glance);
    nrbac_status status = intern_names(engine, &policy->table);
    const char *const *texts = engine->names.texts;
    policy->target_count = engine->names.count + 1;
    pthread_mutex_unlock(&engine->glance);
    NR_TRY(status);

    policy->targets = calloc(policy->target_count, sizeof(*policy->targets));
    if (policy->targets == NULL)
        return NRBAC_E_MEMORY;
    for (uint32_t n = 1; n < policy->target_count; n++)
        policy->targets[n] = nr_policy_target(policy, texts[n - 1]);
    for (uint32_t n = 0; n < policy->table.functions_count; n++)
        policy->records_first |= policy->table.functions[n].record_first ==
                                 NR_RECORD_SYNC;
    policy->followers = nr_followers_make(policy);
    return policy->followers == NULL ? NRBAC_E_MEMORY : NRBAC_OK;
}

static nrbac_status name_obligations(nrbac_engine *engine, nr_policy *policy)
{
    const nr_table *table = &policy->table;
    policy->obligations = calloc(table->obligations_count + 1u, sizeof(char *));
    if (policy->obligations == NULL)
        return NRBAC_E_MEMORY;
    for (uint32_t i = 0; i < table->obligations_count; i++) {
        const char *id = nr_table_text(table, table->obligations[i].id);
        uint32_t number = nr_names_intern(&engine->obligations, id, strlen(id));
        if (number == NR_NONE)
            return NRBAC_E_MEMORY;
        policy->obligations[i] = engine->obligations.texts[number];
    }
    return NRBAC_OK;
}

/* Under the lock: from here on the policy is in force for whoever asks next, and
 * every open session has been opened anew on it. */
static nrbac_status put_in_force(nrbac_engine *engine, nr_policy *policy)
{
    NR_TRY(number_names(engine, policy));
    NR_TRY(name_obligations(engine, policy));
    nr_policy *last = engine->current;
    if (policy->generation == 0)
        policy->generation = nrbac_engine_generation(engine) + 1;
    pthread_mutex_lock(&engine->glance);
    engine->current = policy;
    pthread_mutex_unlock(&engine->glance);
    for (nrbac_session *s = engine->sessions; s != NULL; s = nr_session_next(s))
        nr_session_reopen(s);
    nr_directories_reopen(engine);
    atomic_store_explicit(&engine->generation, policy->generation,
                          memory_order_release);
    nr_policy_release(last);
    return NRBAC_OK;
}

nrbac_status nr_engine_publish(nrbac_engine *engine, nr_policy *policy,
                               nrbac_error *error)
{
    atomic_init(&policy->references, 1);
    policy->loaded_at = (int64_t)time(NULL);
    nrbac_status status = nr_table_open(&policy->table, policy->image, policy->size,
                                        error);
    if (status == NRBAC_OK) {
        nr_hex_write(policy->table.header->digest, NR_SHA256_SIZE, policy->digest);
        pthread_mutex_lock(&engine->lock);
        status = put_in_force(engine, policy);
        pthread_mutex_unlock(&engine->lock);
        if (status != NRBAC_OK && error != NULL)
            (void)snprintf(error->text, sizeof(error->text), "%s",
                           nrbac_status_text(status));
    }
    if (status != NRBAC_OK)
        nr_policy_release(policy);
    return status;
}

static nrbac_status fail(nrbac_error *error, nrbac_status status, const char *what,
                         int number)
{
    char why[128];
    if (number == 0 || strerror_r(number, why, sizeof(why)) != 0)
        (void)snprintf(why, sizeof(why), "%s", nrbac_status_text(status));
    if (error != NULL)
        (void)snprintf(error->text, sizeof(error->text), "%s: %s", what, why);
    return status;
}

/* What its daemon publishes would take the place of anything loaded here, and what is
 * decided on anything loaded here would be in no daemon's trail. */
static bool follows(nrbac_engine *engine, nrbac_error *error)
{
    bool follows = atomic_load_explicit(&engine->follow, memory_order_acquire) != NULL;
    if (!follows && engine->scribe == NULL)
        return false;
    const char *why = follows ? "this engine follows a daemon; load into another one"
                              : "this engine has its decisions recorded by a daemon: "
                                "open its table with shm:";
    if (error != NULL)
        (void)snprintf(error->text, sizeof(error->text), "%s", why);
    return true;
}

nrbac_status nrbac_engine_load_image(nrbac_engine *engine, const void *image,
                                     size_t size, nrbac_error *error)
{
    if (follows(engine, error))
        return NRBAC_E_ARGUMENT;
    nr_policy *policy = calloc(1, sizeof(*policy));
    if (policy == NULL)
        return fail(error, NRBAC_E_MEMORY, "loading", 0);
    policy->size = size;
    policy->image = malloc(size == 0 ? 1 : size);
    if (policy->image == NULL) {
        free(policy);
        return fail(error, NRBAC_E_MEMORY, "loading", 0);
    }
    memcpy(policy->image, image, size);
    return nr_engine_publish(engine, policy, error);
}

nrbac_status nrbac_engine_load(nrbac_engine *engine, const char *path,
                               nrbac_error *error)
{
    if (follows(engine, error))
        return NRBAC_E_ARGUMENT;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return fail(error, NRBAC_E_IO, path, errno);
    nr_policy *policy = calloc(1, sizeof(*policy));
    if (policy == NULL) {
        close(file);
        return fail(error, NRBAC_E_MEMORY, path, 0);
    }
    nrbac_status status = nr_memory_copy(file, &policy->image, &policy->size);
    policy->mapped = true;
    close(file);
    if (status == NRBAC_OK)
        return nr_engine_publish(engine, policy, error);
    free(policy);
    return fail(error, status, path, 0);
}

/* ---- Time ------------------------------------------------------------------- */

int64_t nrbac_poll(nrbac_engine *engine, int64_t now)
{
    nr_follow_poll(engine);
    int64_t next = atomic_load_explicit(&engine->next_expiry, memory_order_acquire);
    if (next == 0 || now < next)
        return next;
    pthread_mutex_lock(&engine->lock);
    next = nr_directories_expire(engine, now);
    for (nrbac_session *s = engine->sessions; s != NULL; s = nr_session_next(s))
        next = nr_earliest(next, nr_session_expire(s, now));
    atomic_store_explicit(&engine->next_expiry, next, memory_order_release);
    pthread_mutex_unlock(&engine->lock);
    return next;
}

static long interval_ms(nrbac_engine *engine)
{
    return atomic_load_explicit(&engine->follow, memory_order_relaxed) == NULL
               ? WATCH_INTERVAL_MS
               : FOLLOW_INTERVAL_MS;
}

static void *watch(void *context)
{
    nrbac_engine *engine = context;
    pthread_mutex_lock(&engine->lock);
    while (!engine->ending) {
        pthread_mutex_unlock(&engine->lock);
        (void)nrbac_poll(engine, (int64_t)time(NULL));
        pthread_mutex_lock(&engine->lock);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += interval_ms(engine) * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        if (!engine->ending)
            pthread_cond_timedwait(&engine->wake, &engine->lock, &until);
    }
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}

bool nr_engine_start_watcher(nrbac_engine *engine)
{
    if (!engine->unwatched && !engine->watching)
        engine->watching = pthread_create(&engine->watcher, NULL, watch, engine) == 0;
    return engine->unwatched || engine->watching;
}

bool nr_engine_watch(nrbac_engine *engine, int64_t expiry)
{
    if (expiry == 0)
        return true;
    int64_t next = atomic_load_explicit(&engine->next_expiry, memory_order_relaxed);
    if (next == 0 || expiry < next)
        atomic_store_explicit(&engine->next_expiry, expiry, memory_order_release);
    return nr_engine_start_watcher(engine);
}

size_t nr_engine_end(nrbac_engine *engine, nr_means *means, const void *revocation)
{
    size_t ended = nr_directories_end(engine, means, revocation);
    for (nrbac_session *s = engine->sessions; s != NULL; s = nr_session_next(s)) {
        nrbac_revocation names;
        if (!nr_session_names(s, &names) || !means(revocation, &names))
            continue;
        nr_session_stop(s, NRBAC_REASON_SESSION_REVOKED);
        ended++;
    }
    return ended;
}

static bool agrees(const char *wanted, const char *there)
{
    return wanted == NULL || (there != NULL && strcmp(wanted, there) == 0);
}

static bool is_called(const void *revocation, const nrbac_revocation *names)
{
    const nrbac_revocation *which = revocation;
    return agrees(which->sid, names->sid) && agrees(which->sub, names->sub) &&
           agrees(which->role_profile, names->role_profile);
}

size_t nrbac_revoke(nrbac_engine *engine, const nrbac_revocation *which)
{
    if (which->sid == NULL && which->sub == NULL && which->role_profile == NULL)
        return 0;
    pthread_mutex_lock(&engine->lock);
    size_t ended = nr_engine_end(engine, is_called, which);
    pthread_mutex_unlock(&engine->lock);
    return ended;
}

/* ---- Stopping ------------------------------------------------------------------- */

/* Locked. Sessions are opened with the lock held, so none slips through. */
static void stop_or_go(nrbac_engine *engine)
{
    bool stopped = engine->stale || engine->halted;
    if (nr_engine_is_stopped(engine) == stopped)
        return;
    pthread_mutex_lock(&engine->glance);
    atomic_store_explicit(&engine->stopped, stopped, memory_order_release);
    pthread_mutex_unlock(&engine->glance);
    nr_directories_hold(engine);
    for (nrbac_session *s = engine->sessions; s != NULL; s = nr_session_next(s)) {
        if (stopped)
            nr_session_stop(s, NRBAC_REASON_POLICY_STALE);
        else
            nr_session_resume(s);
    }
}

void nr_engine_set_stale(nrbac_engine *engine, bool stale)
{
    pthread_mutex_lock(&engine->lock);
    engine->stale = stale;
    stop_or_go(engine);
    pthread_mutex_unlock(&engine->lock);
}

void nrbac_engine_stop(nrbac_engine *engine, bool stopped)
{
    pthread_mutex_lock(&engine->lock);
    engine->halted = stopped;
    stop_or_go(engine);
    pthread_mutex_unlock(&engine->lock);
}
