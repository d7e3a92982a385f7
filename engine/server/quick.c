/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `check` and `check_many` beside the general way: no document, no allocation, no
 * copy. Whatever would be an error is left to the general way, so that there is one
 * place that words it; whatever is answered here is answered as check() and
 * check_many() in methods.c would, and counted as there.
 */
#include "wire/quick.h"
#include "server/methods.h"

static void answer_one(nr_connection *connection, nrbac_session *session,
                       const nr_quick *quick)
{
    nrbac_decision decision; /* as much of it as is needed is written */
    const nr_quick_name *name = &quick->name;
    if (name->text != NULL)
        nrbac_decide_text_into(session, name->text, name->size, &decision);
    else
        nrbac_decide_into(session, name->number, &decision);
    nr_metrics_decision(&connection->worker->metrics, &decision);
    nr_quick_answer(&connection->output, quick, &decision);
}

typedef struct names {
    nr_connection *connection;
    nr_quick *quick;
    uint32_t left;
} names;

static bool next_name(void *context, nrbac_called *called)
{
    names *all = context;
    if (all->left == 0)
        return false;
    all->left--;
    nr_quick_name name = nr_quick_next(all->quick);
    *called = (nrbac_called){ name.text, name.size, name.number };
    return true;
}

static void answer_each(void *context, const nrbac_decision *decision)
{
    const names *all = context;
    nr_metrics_decision(&all->connection->worker->metrics, decision);
    nr_quick_row(&all->connection->output, decision);
}

static void answer_many(nr_connection *connection, nrbac_session *session,
                        nr_quick *quick)
{
    nr_quick_begin(&connection->output, quick);
    nrbac_decide_each(session, next_name, answer_each,
                      &(names){ connection, quick, quick->count });
}

/* False: there is no such session. */
static bool answer(nr_connection *connection, nr_quick *quick)
{
    nr_session_entry *entry = nr_sessions_find(&connection->sessions, quick->session);
    if (entry == NULL)
        return false;
    if (connection->worker->recording.recorder != NULL) {
        nr_recording_expect(connection, (uint64_t)quick->id + 1, entry);
        nr_connection_frame(connection,
                            quick->many ? NR_METHOD_CHECK_MANY : NR_METHOD_CHECK);
    }
    connection->in_flight++;
    if (quick->many)
        answer_many(connection, entry->session, quick);
    else
        answer_one(connection, entry->session, quick);
    return true;
}

/* Not of a message that the scan has begun to look at: it goes on where it was. */
size_t nr_methods_answer_quick(nr_connection *connection, const uint8_t *bytes,
                               size_t size)
{
    nr_worker *worker = connection->worker;
    const nr_limits *limits = &worker->server->options->limits;
    const nr_scan_limits bounds = { limits->message_bytes, limits->elements,
                                    limits->depth };
    nr_quick quick;
    size_t at = 0;
    uint64_t checks = 0;
    uint64_t many = 0;
    while (connection->scan.at == 0 && nr_connection_has_room(connection) &&
           nr_quick_read(bytes + at, size - at, &bounds, connection->numbers, &quick) &&
           quick.count <= limits->batch && answer(connection, &quick)) {
        at += quick.size;
        checks += !quick.many;
        many += quick.many;
    }
    if (at == 0)
        return 0;
    connection->active_at = uv_now(&worker->loop);
    nr_count(&worker->metrics.requests[NR_METHOD_CHECK], checks);
    nr_count(&worker->metrics.requests[NR_METHOD_CHECK_MANY], many);
    return at;
}
