/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing: prepare aside, publish if sound, else keep what there is. All of that is
 * done aside, since each part takes longer than a check, and the engine lets others
 * decide meanwhile. A worker's loop only begins it, and tells those who wait.
 */
#include "server/log.h"
#include "server/notify.h"
#include "server/server.h"
#include "share/memory.h"

#include <errno.h>
#include <inttypes.h>
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

static void on_work(uv_work_t *work)
{
    nr_server *server = work->data;
    nr_candidate *candidate = &server->reloads.candidate;
    nr_candidate_prepare(candidate, server->options, server->verifier);
    publish(server, candidate);
    nr_candidate_report(candidate, server->verifier);
    nr_candidate_drop(candidate);
    nr_log(candidate->status == NRBAC_OK ? "reloaded, generation %" PRIu32
                                         : "not reloaded, generation %" PRIu32
                                           " stays in force",
           nrbac_engine_generation(server->engine));
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

static void on_done(uv_work_t *work, int cancelled)
{
    nr_server *server = work->data;
    (void)cancelled; /* nothing cancels it */
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

void nr_server_begin_reload(nr_server *server)
{
    nr_reloads *reloads = &server->reloads;
    pthread_mutex_lock(&server->lock);
    bool begin = reloads->asked && !reloads->running && !server->draining;
    if (begin) {
        reloads->asked = false;
        reloads->started++;
    }
    pthread_mutex_unlock(&server->lock);
    if (!begin)
        return;
    reloads->work.data = server;
    reloads->running = true;
    nr_notify_reloading();
    (void)uv_queue_work(&server->workers[0].loop, &reloads->work, on_work, on_done);
}

/* ---- Threads ------------------------------------------------------------------- */

static void on_nothing(uv_work_t *work)
{
    (void)work;
}

static void on_nothing_done(uv_work_t *work, int cancelled)
{
    nr_server *server = work->data;
    (void)cancelled;
    server->reloads.running = false;
    (void)uv_async_send(&server->workers[0].wake);
}

void nr_server_prepare_reloads(nr_server *server)
{
    nr_reloads *reloads = &server->reloads;
    reloads->work.data = server;
    reloads->running = true;
    (void)uv_queue_work(&server->workers[0].loop, &reloads->work, on_nothing,
                        on_nothing_done);
}

/* ---- Telling ------------------------------------------------------------------- */

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
