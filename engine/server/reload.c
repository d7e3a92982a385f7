/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing: prepare aside, publish if sound, else keep what there is.
 */
#include "server/connection.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/server.h"
#include "share/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* The memory for others comes first: what cannot be given to them is not published
 * here either, so that all decide on one policy. */
static void put_in_force(nr_server *server, nr_candidate *candidate)
{
    int memory = nr_memory_seal(candidate->image, candidate->size);
    if (memory < 0) {
        candidate->status = NRBAC_E_MEMORY;
        (void)snprintf(candidate->error.text, sizeof(candidate->error.text),
                       "the shared table: %s", nr_errno(errno).text);
        return;
    }
    candidate->status = nrbac_engine_load_image(server->engine, candidate->image,
                                                candidate->size, &candidate->error);
    if (candidate->status != NRBAC_OK) {
        (void)close(memory);
        return;
    }
    nrbac_document_reset(server->document);
    nr_shared_publish(&server->shared, memory, candidate->size,
                      nrbac_policy_info(server->engine, server->document));
}

static bool publish(nr_server *server, nr_candidate *candidate)
{
    if (candidate->status == NRBAC_OK)
        put_in_force(server, candidate);
    return candidate->status == NRBAC_OK;
}

bool nr_server_load(nr_server *server)
{
    nr_candidate candidate;
    nr_candidate_prepare(&candidate, server->options, NULL); /* they are open already */
    bool published = publish(server, &candidate);
    nr_candidate_report(&candidate, NULL);
    nr_candidate_finish(&candidate);
    return published;
}

static void on_work(uv_work_t *work)
{
    nr_server *server = work->data;
    nr_candidate_prepare(&server->reloads.candidate, server->options, server->verifier);
}

/* The outcome is kept for health: of a failed one, everything that was wrong. */
static void keep_outcome(nr_server *server)
{
    nr_reloads *reloads = &server->reloads;
    nr_candidate_finish(&reloads->last);
    reloads->happened = true;
    reloads->last_at = (int64_t)time(NULL);
    if (reloads->candidate.status == NRBAC_OK)
        nr_candidate_finish(&reloads->candidate);
    else
        reloads->last = reloads->candidate;
    reloads->candidate = (nr_candidate){ .status = NRBAC_OK };
}

static void on_done(uv_work_t *work, int cancelled)
{
    nr_server *server = work->data;
    nr_reloads *reloads = &server->reloads;
    (void)cancelled; /* nothing cancels it */
    reloads->running = false;
    bool published = publish(server, &reloads->candidate);
    nr_candidate_report(&reloads->candidate, server->verifier);
    if (published) {
        server->metrics.reloads_ok++;
        nr_log("reloaded, generation %" PRIu32,
               nrbac_engine_generation(server->engine));
    } else {
        server->metrics.reloads_failed++;
        nr_log("not reloaded, generation %" PRIu32 " stays in force",
               nrbac_engine_generation(server->engine));
    }
    keep_outcome(server);
    nr_server_poll(server);
    if (!server->draining)
        nr_notify_ready();
    /* Who waits for the next one is answered with this one when there is none. */
    nr_connections_reloaded(server, server->draining ? UINT64_MAX : reloads->started);
    if (reloads->again && !server->draining) {
        reloads->again = false;
        (void)nr_server_reload(server);
    }
    nr_server_settle(server);
}

uint64_t nr_server_reload(nr_server *server)
{
    nr_reloads *reloads = &server->reloads;
    if (reloads->running) {
        reloads->again = true;
        return reloads->started + 1;
    }
    reloads->work.data = server;
    reloads->running = true;
    reloads->started++;
    nr_notify_reloading();
    (void)uv_queue_work(&server->loop, &reloads->work, on_work, on_done);
    return reloads->started;
}

nrbac_value *nr_server_last_reload(const nr_server *server, nrbac_document *document)
{
    const nr_reloads *reloads = &server->reloads;
    if (!reloads->happened)
        return nrbac_new_null(document);
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
