/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened since the start, in numbers that only grow. Each worker counts for
 * itself; what is told is their sum.
 */
#ifndef NR_METRICS_H
#define NR_METRICS_H

#include "wire/rpc.h"

#include <nrbac/nrbac.h>

#include <stdatomic.h>

/* NR_METHOD_CHECK and so on, from schema/nrbac/method.def. */
typedef enum nr_method {
#define NRBAC_METHOD(NAME, wire, doc) NR_METHOD_##NAME,
#include <nrbac/method.def>
#undef NRBAC_METHOD
    NR_METHOD_COUNT,
} nr_method;

/* NR_METHOD_COUNT: there is none of that name. */
nr_method nr_method_find(const char *name);

enum { NR_EFFECT_COUNT = 4, NR_REASON_ROOM = 256, NR_FAULT_ROOM = 16 };

/* One thread counts, any thread reads. */
typedef _Atomic uint64_t nr_counter;

static inline uint64_t nr_counted(const nr_counter *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void nr_count(nr_counter *counter, uint64_t more)
{
    atomic_store_explicit(counter, nr_counted(counter) + more, memory_order_relaxed);
}

typedef struct nr_metrics {
    nr_counter requests[NR_METHOD_COUNT];
    nr_counter effects[NR_EFFECT_COUNT];
    nr_counter reasons[NR_REASON_ROOM];
    nr_counter faults[NR_FAULT_ROOM];
    nr_counter connections_accepted;
    nr_counter connections_refused;
    nr_counter connections_idle; /* closed for it */
    nr_counter bytes_received;
    nr_counter bytes_sent;
    nr_counter evidence_verified; /* questions with some that was found sound */
    nr_counter evidence_refused;
    nr_counter sessions_opened;
    nr_counter sessions_closed;
    nr_counter sessions_revoked;
    nr_counter reloads_ok;
    nr_counter reloads_failed;
    nr_counter audit_records;
    nr_counter audit_batches;
    nr_counter audit_refused;      /* decisions that could not be recorded */
    nr_counter audit_ring_records; /* taken from rings, also if taken again */
    nr_counter audit_ring_gaps;    /* rings that ended with something missing */
    nr_counter audit_ring_refused; /* asked for and not given, or not read to its end */
} nr_metrics;

static inline void nr_metrics_decision(nr_metrics *metrics,
                                       const nrbac_decision *decision)
{
    if ((size_t)decision->effect < NR_EFFECT_COUNT)
        nr_count(&metrics->effects[decision->effect], 1);
    if ((size_t)decision->reason < NR_REASON_ROOM)
        nr_count(&metrics->reasons[decision->reason], 1);
}
void nr_metrics_findings(nr_metrics *metrics, const nrbac_findings *findings);
/* Adds what the other has counted; `sum` is the caller's own. */
void nr_metrics_add(nr_metrics *sum, const nr_metrics *more);
nrbac_value *nr_metrics_tell(const nr_metrics *metrics, nrbac_document *document);

#endif
