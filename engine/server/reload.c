/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing: prepare aside, publish if sound, else keep what there is. All of that is
 * done aside, since each part takes longer than a check, and the engine lets others
 * decide meanwhile. A worker's loop only begins it, and tells those who wait.
 *
 * Aside means on another processor too, if we may use several: a thread begins where the
 * one that began it runs, as often as not, and on one processor the loop would wait until
 * the thread's slice is over, which is longer than a reload takes. Its priority stays what
 * it is: it takes locks that others wait for, and who suspends something wants it soon.
 */
#define _GNU_SOURCE /* sched_setaffinity, sched_getcpu */
#include "server/log.h"
#include "server/notify.h"
#include "server/server.h"
#include "share/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Takes the memory over. What followers had before goes when nobody maps it any more. */
static void tell_followers(nr_server *server, int memory, size_t size,
                           nrbac_document *document)
{
    const nrbac_value *info = nrbac_policy_info(server->engine, document);
    pthread_mutex_lock(&server->lock);
    int last = nr_shared_publish(&server->shared, memory, size, info);
    pthread_mutex_unlock(&server->lock);
    if (last >= 0)
        (void)close(last);
}

static void fail(nr_candidate *candidate)
{
    candidate->status = NRBAC_E_MEMORY;
    (void)snprintf(candidate->error.text, sizeof(candidate->error.text),
                   "the shared table: %s", nr_errno(errno).text);
}

/* What others need comes first: what cannot be given to them is not published here
 * either, so that all decide on one policy. */
static void put_in_force(nr_server *server, nr_candidate *candidate)
{
    nrbac_document *document = nrbac_document_create();
    int memory = document == NULL ? -1
                                  : nr_memory_seal(candidate->image, candidate->size);
    if (memory < 0) {
        fail(candidate);
    } else {
        candidate->status = nrbac_engine_load_image(server->engine, candidate->image,
                                                    candidate->size, &candidate->error);
        if (candidate->status == NRBAC_OK)
            tell_followers(server, memory, candidate->size, document);
        else
            (void)close(memory);
    }
    nrbac_document_destroy(document);
}

static void publish(nr_server *server, nr_candidate *candidate)
{
    nr_candidate_keep(candidate, nr_server_recorder(server));
    if (candidate->status == NRBAC_OK)
        put_in_force(server, candidate);
}

bool nr_server_prepare(nr_server *server)
{
    nr_candidate *candidate = &server->reloads.candidate;
    nr_candidate_prepare(candidate, server->options, NULL); /* they are open already */
    nr_candidate_report(candidate, NULL);
    return candidate->status == NRBAC_OK;
}

bool nr_server_load(nr_server *server)
{
    nr_candidate *candidate = &server->reloads.candidate;
    publish(server, candidate);
    bool published = candidate->status == NRBAC_OK;
    if (!published)
        nr_log("%s", candidate->error.text);
    nr_candidate_finish(candidate);
    return published;
}

/* Where there is no other one, or the system does not let us, the thread stays. */
static void leave_processor(int processor)
{
    cpu_set_t others;
    if (processor < 0 || sched_getaffinity(0, sizeof(others), &others) != 0)
        return;
    CPU_CLR((size_t)processor, &others);
    if (CPU_COUNT(&others) != 0)
        (void)sched_setaffinity(0, sizeof(others), &others);
}

static void *prepare(void *context)
{
    nr_server *server = context;
    nr_candidate *candidate = &server->reloads.candidate;
    leave_processor(server->reloads.processor);
    nr_candidate_prepare(candidate, server->options, server->verifier);
    publish(server, candidate);
    nr_candidate_report(candidate, server->verifier);
    nr_candidate_drop(candidate);
    nr_log(candidate->status == NRBAC_OK ? "reloaded, generation %" PRIu32
                                         : "not reloaded, generation %" PRIu32
                                           " stays in force",
           nrbac_engine_generation(server->engine));
    atomic_store(&server->reloads.done, true);
    (void)uv_async_send(&server->workers[0].wake);
    return NULL;
}

/* The outcome is kept for health: of a failed one, everything that was wrong. */
static void keep_outcome(nr_server *server)
{
    nr_reloads *reloads = &server->reloads;
    pthread_mutex_lock(&server->lock);
    nr_candidate_finish(&reloads->last);
    reloads->happened = true;
    reloads->last_at = (int64_t)time(NULL);
    if (reloads->candidate.status == NRBAC_OK)
        nr_candidate_finish(&reloads->candidate);
    else
        reloads->last = reloads->candidate;
    reloads->candidate = (nr_candidate){ .status = NRBAC_OK };
    pthread_mutex_unlock(&server->lock);
}

static void record_outcome(nr_server *server)
{
    char detail[NR_DIGEST_HEX + 64];
    const nr_candidate *candidate = &server->reloads.candidate;
    (void)snprintf(detail, sizeof(detail),
                   "{\"ok\":%s,\"generation\":%" PRIu32 ",\"digest\":\"%s\"}",
                   candidate->status == NRBAC_OK ? "true" : "false",
                   nrbac_engine_generation(server->engine), candidate->digest);
    nr_recording_event(&server->workers[0], NR_EVENT_RELOAD, NULL, detail);
}

static void end(nr_server *server)
{
    nr_metrics *metrics = &server->workers[0].metrics;
    bool published = server->reloads.candidate.status == NRBAC_OK;
    nr_count(published ? &metrics->reloads_ok : &metrics->reloads_failed, 1);
    server->reloads.running = false;
    record_outcome(server);
    keep_outcome(server);
    if (!server->draining)
        nr_notify_ready();
    /* Who waits for the next one is answered with this one when there is none. */
    uint64_t ended = server->draining ? UINT64_MAX : server->reloads.started;
    for (uint32_t i = 0; i < server->worker_count; i++)
        nr_worker_tell_reloaded(&server->workers[i], ended);
}

uint64_t nr_server_reload(nr_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->reloads.asked = true;
    uint64_t number = server->reloads.started + 1;
    pthread_mutex_unlock(&server->lock);
    (void)uv_async_send(&server->workers[0].wake);
    return number;
}

/* The thread of the last one has nothing left to do but to end, for which nobody waits
 * before the next one begins. */
void nr_server_join_reload(nr_server *server)
{
    nr_reloads *reloads = &server->reloads;
    if (reloads->ended)
        (void)pthread_join(reloads->thread, NULL);
    reloads->ended = false;
}

/* A thread each time: libuv's, once started, end the process if they cannot be, and
 * make every system call of the others dearer as long as they wait. */
static void begin(nr_server *server)
{
    nr_reloads *reloads = &server->reloads;
    sigset_t all, before;
    nr_server_join_reload(server);
    reloads->processor = sched_getcpu();
    atomic_store(&reloads->done, false);
    reloads->running = true;
    nr_notify_reloading();
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int bad = pthread_create(&reloads->thread, NULL, prepare, server);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (bad == 0)
        return;
    reloads->candidate.status = NRBAC_E_MEMORY;
    (void)snprintf(reloads->candidate.error.text, sizeof(reloads->candidate.error.text),
                   "cannot start a thread: %s", nr_errno(bad).text);
    end(server);
}

static bool is_due(nr_server *server)
{
    nr_reloads *reloads = &server->reloads;
    pthread_mutex_lock(&server->lock);
    bool due = reloads->asked && !reloads->running && !server->draining;
    if (due) {
        reloads->asked = false;
        reloads->started++;
    }
    pthread_mutex_unlock(&server->lock);
    return due;
}

void nr_server_attend_reloads(nr_server *server)
{
    if (server->reloads.running && atomic_load(&server->reloads.done)) {
        server->reloads.ended = true;
        end(server);
    }
    if (is_due(server))
        begin(server);
}

static nrbac_value *tell_last(const nr_reloads *reloads, nrbac_document *document)
{
    char at[32] = "";
    struct tm utc;
    time_t seconds = (time_t)reloads->last_at;
    if (gmtime_r(&seconds, &utc) != NULL)
        (void)strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &utc);

    bool ok = reloads->last.status == NRBAC_OK;
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "ok", nrbac_new_boolean(document, ok));
    nrbac_set(document, map, "at", nrbac_new_text(document, at));
    if (ok)
        return map;
    nrbac_set(document, map, "error",
              nrbac_new_text(document, reloads->last.error.text));
    nrbac_set(document, map, "mistakes",
              nrbac_value_copy(document, reloads->last.list));
    return map;
}

nrbac_value *nr_server_last_reload(nr_server *server, nrbac_document *document,
                                   bool *ok)
{
    nr_reloads *reloads = &server->reloads;
    pthread_mutex_lock(&server->lock);
    *ok = reloads->last.status == NRBAC_OK;
    nrbac_value *told = reloads->happened ? tell_last(reloads, document)
                                          : nrbac_new_null(document);
    pthread_mutex_unlock(&server->lock);
    return told;
}
