/* SPDX-License-Identifier: Apache-2.0 */
#include "server/metrics.h"

#include <string.h>

static const char *const method_names[NR_METHOD_COUNT] = {
#define NRBAC_METHOD(NAME, wire, doc) [NR_METHOD_##NAME] = (wire),
#include <nrbac/method.def>
#undef NRBAC_METHOD
};

nr_method nr_method_find(const char *name)
{
    for (size_t i = 0; i < NR_METHOD_COUNT; i++)
        if (strcmp(method_names[i], name) == 0)
            return (nr_method)i;
    return NR_METHOD_COUNT;
}

void nr_metrics_findings(nr_metrics *metrics, const nrbac_findings *findings)
{
    nr_count(&metrics->evidence_verified, findings->user == NRBAC_VERIFIED ||
                                              findings->application == NRBAC_VERIFIED);
    nr_count(&metrics->evidence_refused,
             findings->user == NRBAC_REFUSED || findings->application == NRBAC_REFUSED);
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
        set(document, effects, nrbac_effect_slug((nrbac_effect)i),
            nr_counted(&metrics->effects[i]));
    nrbac_value *reasons = nrbac_set(document, map, "by_reason",
                                     nrbac_new_map(document));
    for (size_t i = 0; i < NR_REASON_ROOM; i++)
        if (nr_counted(&metrics->reasons[i]) != 0)
            set(document, reasons, nrbac_reason_slug((nrbac_reason)i),
                nr_counted(&metrics->reasons[i]));
    return map;
}

/* Every member is a counter. */
void nr_metrics_add(nr_metrics *sum, const nr_metrics *more)
{
    nr_counter *to = (nr_counter *)sum;
    const nr_counter *from = (const nr_counter *)more;
    for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
        nr_count(&to[i], nr_counted(&from[i]));
}

nrbac_value *nr_metrics_tell(const nr_metrics *metrics, nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    nrbac_value *requests = nrbac_set(document, map, "requests",
                                      nrbac_new_map(document));
    for (size_t i = 0; i < NR_METHOD_COUNT; i++)
        set(document, requests, method_names[i], nr_counted(&metrics->requests[i]));
    nrbac_value *faults = nrbac_set(document, map, "errors", nrbac_new_map(document));
#define NRBAC_FAULT(NAME, slug, doc) \
    set(document, faults, slug, nr_counted(&metrics->faults[NR_FAULT_##NAME]));
#include <nrbac/fault.def>
#undef NRBAC_FAULT
    nrbac_set(document, map, "decisions", decisions(metrics, document));
    set(document, map, "connections_accepted",
        nr_counted(&metrics->connections_accepted));
    set(document, map, "connections_refused",
        nr_counted(&metrics->connections_refused));
    set(document, map, "connections_idle", nr_counted(&metrics->connections_idle));
    set(document, map, "bytes_received", nr_counted(&metrics->bytes_received));
    set(document, map, "bytes_sent", nr_counted(&metrics->bytes_sent));
    set(document, map, "evidence_verified", nr_counted(&metrics->evidence_verified));
    set(document, map, "evidence_refused", nr_counted(&metrics->evidence_refused));
    set(document, map, "sessions_opened", nr_counted(&metrics->sessions_opened));
    set(document, map, "sessions_revoked", nr_counted(&metrics->sessions_revoked));
    set(document, map, "reloads_ok", nr_counted(&metrics->reloads_ok));
    set(document, map, "reloads_failed", nr_counted(&metrics->reloads_failed));
    set(document, map, "audit_records", nr_counted(&metrics->audit_records));
    set(document, map, "audit_batches", nr_counted(&metrics->audit_batches));
    set(document, map, "audit_refused", nr_counted(&metrics->audit_refused));
    set(document, map, "audit_ring_records", nr_counted(&metrics->audit_ring_records));
    set(document, map, "audit_ring_gaps", nr_counted(&metrics->audit_ring_gaps));
    set(document, map, "audit_ring_refused", nr_counted(&metrics->audit_ring_refused));
    return map;
}
