/* SPDX-License-Identifier: Apache-2.0 */
#include "server/metrics.h"

#include <string.h>

static const char *const method_names[NR_METHOD_COUNT] = {
#define NRBAC_METHOD(NAME, wire, doc) [NR_METHOD_##NAME] = (wire),
#include <nrbac/method.def>
#undef NRBAC_METHOD
};

const char *nr_method_name(nr_method method)
{
    return method < NR_METHOD_COUNT ? method_names[method] : "unknown";
}

nr_method nr_method_find(const char *name)
{
    for (size_t i = 0; i < NR_METHOD_COUNT; i++)
        if (strcmp(method_names[i], name) == 0)
            return (nr_method)i;
    return NR_METHOD_COUNT;
}

void nr_metrics_decision(nr_metrics *metrics, const nrbac_decision *decision)
{
    if ((size_t)decision->effect < NR_EFFECT_COUNT)
        metrics->effects[decision->effect]++;
    if ((size_t)decision->reason < NR_REASON_ROOM)
        metrics->reasons[decision->reason]++;
}

void nr_metrics_findings(nr_metrics *metrics, const nrbac_findings *findings)
{
    metrics->evidence_verified += findings->user == NRBAC_VERIFIED ||
                                  findings->application == NRBAC_VERIFIED;
    metrics->evidence_refused += findings->user == NRBAC_REFUSED ||
                                 findings->application == NRBAC_REFUSED;
}

static void set(nrbac_document *document, nrbac_value *map, const char *key,
                uint64_t number)
{
    nrbac_set(document, map, key, nrbac_new_integer(document, (int64_t)number));
}

static nrbac_value *decisions(const nr_metrics *metrics, nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    nrbac_value *effects = nrbac_set(document, map, "by_effect",
                                     nrbac_new_map(document));
    for (size_t i = 0; i < NR_EFFECT_COUNT; i++)
        set(document, effects, nrbac_effect_slug((nrbac_effect)i), metrics->effects[i]);
    nrbac_value *reasons = nrbac_set(document, map, "by_reason",
                                     nrbac_new_map(document));
    for (size_t i = 0; i < NR_REASON_ROOM; i++)
        if (metrics->reasons[i] != 0)
            set(document, reasons, nrbac_reason_slug((nrbac_reason)i),
                metrics->reasons[i]);
    return map;
}

nrbac_value *nr_metrics_tell(const nr_metrics *metrics, nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    nrbac_value *requests = nrbac_set(document, map, "requests",
                                      nrbac_new_map(document));
    for (size_t i = 0; i < NR_METHOD_COUNT; i++)
        set(document, requests, method_names[i], metrics->requests[i]);
    nrbac_value *faults = nrbac_set(document, map, "errors", nrbac_new_map(document));
#define NRBAC_FAULT(NAME, slug, doc) \
    set(document, faults, slug, metrics->faults[NR_FAULT_##NAME]);
#include <nrbac/fault.def>
#undef NRBAC_FAULT
    nrbac_set(document, map, "decisions", decisions(metrics, document));
    set(document, map, "connections_accepted", metrics->connections_accepted);
    set(document, map, "connections_refused", metrics->connections_refused);
    set(document, map, "connections_idle", metrics->connections_idle);
    set(document, map, "bytes_received", metrics->bytes_received);
    set(document, map, "bytes_sent", metrics->bytes_sent);
    set(document, map, "evidence_verified", metrics->evidence_verified);
    set(document, map, "evidence_refused", metrics->evidence_refused);
    set(document, map, "sessions_opened", metrics->sessions_opened);
    set(document, map, "sessions_revoked", metrics->sessions_revoked);
    set(document, map, "reloads_ok", metrics->reloads_ok);
    set(document, map, "reloads_failed", metrics->reloads_failed);
    return map;
}
