/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened since the start, in numbers that only grow.
 */
#ifndef NR_METRICS_H
#define NR_METRICS_H

#include "wire/rpc.h"

#include <nrbac/nrbac.h>

/* NR_METHOD_CHECK and so on, from schema/nrbac/method.def. */
typedef enum nr_method {
#define NRBAC_METHOD(NAME, wire, doc) NR_METHOD_##NAME,
#include <nrbac/method.def>
#undef NRBAC_METHOD
    NR_METHOD_COUNT,
} nr_method;

const char *nr_method_name(nr_method method);
/* NR_METHOD_COUNT: there is none of that name. */
nr_method nr_method_find(const char *name);

enum { NR_EFFECT_COUNT = 4, NR_REASON_ROOM = 256, NR_FAULT_ROOM = 16 };

typedef struct nr_metrics {
    uint64_t requests[NR_METHOD_COUNT];
    uint64_t effects[NR_EFFECT_COUNT];
    uint64_t reasons[NR_REASON_ROOM];
    uint64_t faults[NR_FAULT_ROOM];
    uint64_t connections_accepted;
    uint64_t connections_refused;
    uint64_t connections_idle; /* closed for it */
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t evidence_verified; /* questions with some that was found sound */
    uint64_t evidence_refused;
    uint64_t sessions_opened;
    uint64_t sessions_revoked;
    uint64_t reloads_ok;
    uint64_t reloads_failed;
} nr_metrics;

void nr_metrics_decision(nr_metrics *metrics, const nrbac_decision *decision);
void nr_metrics_findings(nr_metrics *metrics, const nrbac_findings *findings);
nrbac_value *nr_metrics_tell(const nr_metrics *metrics, nrbac_document *document);

#endif
