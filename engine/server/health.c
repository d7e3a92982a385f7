/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon tells of itself: its policy, its health and its metrics.
 */
#include "server/methods.h"

#include <time.h>

nrbac_value *nr_method_policy(nr_call *call)
{
    return nrbac_policy_info(call->server->engine, call->document);
}

/* What there is now, beside what happened. */
static void set_present(nr_call *call, nrbac_value *map, const nr_metrics *metrics)
{
    nr_call_set_number(call, map, "connections", nr_server_connections(call->server));
    nr_call_set_number(call, map, "sessions",
                       (int64_t)(nr_counted(&metrics->sessions_opened) -
                                 nr_counted(&metrics->sessions_closed)));
}

/* How the trail is. NULL: there is none. */
static nrbac_value *tell_audit(nr_call *call, nr_trail_state *state)
{
    nr_recorder *recorder = nr_server_recorder(call->server);
    nrbac_document *document = call->document;
    if (recorder == NULL)
        return NULL;
    nr_recorder_look(recorder, state);
    bool failing = atomic_load(&recorder->failing);
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "durability",
              nrbac_new_text(document,
                             recorder->options->audit_batched ? "batched" : "sync"));
    nrbac_set(document, map, "trouble",
              failing ? nrbac_new_text(document, nr_trail_status_slug(state->trouble))
                      : nrbac_new_null(document));
    nr_call_set_number(call, map, "records", (int64_t)state->head.seq);
    nr_call_set_number(call, map, "synced", (int64_t)state->synced);
    nr_call_set_number(call, map, "checkpoint", (int64_t)state->checkpoint);
    nr_call_set_number(call, map, "failures", (int64_t)state->failures);
    nr_call_set_number(call, map, "free_bytes", (int64_t)state->free_bytes);
    nrbac_set(document, map, "low", nrbac_new_boolean(document, state->low));
    nrbac_set(document, map, "reserve_spent",
              nrbac_new_boolean(document, state->reserve_spent));
    nrbac_set(document, map, "unpublished",
              nrbac_new_boolean(document, state->unpublished));
    nrbac_set(document, map, "held", nrbac_new_boolean(document, state->held));
    return map;
}

/* The worst that is so. */
static const char *health_word(nr_server *server, const nr_trail_state *trail,
                               bool sound)
{
    const nr_recorder *recorder = nr_server_recorder(server);
    if (server->stopped)
        return "stopped";
    if (recorder != NULL && atomic_load(&recorder->failing))
        return "failing";
    bool ok = sound && !trail->low && !trail->reserve_spent && !trail->unpublished;
    return ok ? "ok" : "degraded";
}

nrbac_value *nr_method_health(nr_call *call)
{
    nr_server *server = call->server;
    nrbac_document *document = call->document;
    bool sound;
    nrbac_value *evidence = nr_evidence_tell(server, document, &sound);
    bool reloaded;
    nrbac_value *last = nr_server_last_reload(server, document, &reloaded);
    nr_trail_state trail = { .low = false };
    nrbac_value *audit = tell_audit(call, &trail);
    const char *status = health_word(server, &trail, sound && reloaded);
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "status", nrbac_new_text(document, status));
    nr_call_set_number(call, map, "generation",
                       nrbac_engine_generation(server->engine));
    nr_call_set_number(call, map, "uptime_seconds",
                       (int64_t)time(NULL) - server->started_at);
    nr_metrics metrics;
    nr_server_metrics(server, &metrics);
    set_present(call, map, &metrics);
    nrbac_set(document, map, "last_reload", last);
    if (evidence != NULL)
        nrbac_set(document, map, "evidence", evidence);
    if (audit != NULL)
        nrbac_set(document, map, "audit", audit);
    return map;
}

nrbac_value *nr_method_metrics(nr_call *call)
{
    nr_metrics metrics;
    nr_server_metrics(call->server, &metrics);
    nrbac_value *map = nr_metrics_tell(&metrics, call->document);
    set_present(call, map, &metrics);
    return map;
}
