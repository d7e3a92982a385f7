/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers whose records could not be written: each is replaced by one that permits
 * nothing. They have not left yet, and stand in the output one after the other.
 */
#include "server/recording.h"

#include "server/connection.h"

#include <nrbac/nrbac.h>
#include <string.h>

static const char *message(void)
{
#define NRBAC_REASON(number, NAME, slug, effect, message, doc) \
    if (NRBAC_REASON_##NAME == NRBAC_REASON_NOT_RECORDED)      \
        return (message);
#include <nrbac/reason.def>
#undef NRBAC_REASON
    return "";
}

static nrbac_value *shared(const nrbac_value *value)
{
    union {
        const nrbac_value *read;
        nrbac_value *placed;
    } both = { .read = value };
    return both.placed;
}

static void keep(nrbac_document *document, nrbac_value *map, const nrbac_value *context,
                 const char *key)
{
    const nrbac_value *value = nrbac_value_find(context, key);
    if (value != NULL)
        nrbac_set(document, map, key, shared(value));
}

/* The context as of a denial: what is true of the question, whatever came of it, and
 * nothing of what would have been. */
static nrbac_value *deny(nrbac_document *document, const nrbac_value *context)
{
    static const char *const kept[] = { "names", "warnings", "valid_until", "policy" };
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "effect", nrbac_new_text(document, "deny"));
    nrbac_set(document, map, "reason", nrbac_new_text(document, "not-recorded"));
    keep(document, map, context, "asked");
    if (nrbac_value_find(context, "path") != NULL) {
        nrbac_set(document, map, "path", nrbac_new_list(document));
        nrbac_set(document, map, "granted_by", nrbac_new_null(document));
    }
    keep(document, map, context, "decided_by");
    keep(document, map, context, "profile");
    nrbac_set(document, map, "message", nrbac_new_text(document, message()));
    keep(document, map, context, "evidence");
    nrbac_set(document, map, "obligations", nrbac_new_list(document));
    for (size_t i = 0; i < NR_COUNT(kept); i++)
        keep(document, map, context, kept[i]);
    return map;
}

static nrbac_value *withdraw_answer(nrbac_document *document, const nrbac_value *answer)
{
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "decision", nrbac_new_boolean(document, false));
    nrbac_set(document, map, "context",
              deny(document, nrbac_value_find(answer, "context")));
    return map;
}

static nrbac_value *withdraw_answers(nrbac_document *document,
                                     const nrbac_value *result)
{
    const nrbac_value *answers = nrbac_value_find(result, "evaluations");
    if (answers == NULL)
        return withdraw_answer(document, result); /* it was asked as one */
    nrbac_value *map = nrbac_new_map(document);
    nrbac_value *list = nrbac_set(document, map, "evaluations",
                                  nrbac_new_list(document));
    for (size_t i = 0; i < nrbac_value_count(answers); i++)
        nrbac_append(document, list,
                     withdraw_answer(document, nrbac_value_at(answers, i)));
    return map;
}

/* [decision, reason, generation, [obligations]] */
static nrbac_value *withdraw_row(nrbac_document *document, const nrbac_value *row)
{
    nrbac_value *list = nrbac_new_list(document);
    nrbac_append(document, list, nrbac_new_boolean(document, false));
    nrbac_append(document, list, nrbac_new_text(document, "not-recorded"));
    nrbac_append(document, list, shared(nrbac_value_at(row, 2)));
    nrbac_append(document, list, nrbac_new_list(document));
    return list;
}

static nrbac_value *withdraw_rows(nrbac_document *document, const nrbac_value *rows)
{
    nrbac_value *list = nrbac_new_list(document);
    for (size_t i = 0; i < nrbac_value_count(rows); i++)
        nrbac_append(document, list, withdraw_row(document, nrbac_value_at(rows, i)));
    return list;
}

static nrbac_value *withdraw_session(nr_connection *connection,
                                     nrbac_document *document,
                                     const nrbac_value *opened)
{
    const nrbac_value *number = nrbac_value_find(opened, "session");
    if (number != NULL &&
        nr_sessions_close(&connection->sessions, nrbac_value_integer(number)))
        nr_count(&connection->worker->metrics.sessions_closed, 1);
    return deny(document, opened);
}

/* NULL: nothing was decided. */
static nrbac_value *withdraw(nr_connection *connection, nr_method method,
                             nrbac_document *document, const nrbac_value *result)
{
    switch (method) {
    case NR_METHOD_EVALUATE:
    case NR_METHOD_EXPLAIN:
        return withdraw_answer(document, result);
    case NR_METHOD_EVALUATIONS:
        return withdraw_answers(document, result);
    case NR_METHOD_OPEN:
        return withdraw_session(connection, document, result);
    case NR_METHOD_CHECK:
        return withdraw_row(document, result);
    case NR_METHOD_CHECK_MANY:
        return withdraw_rows(document, result);
    default:
        return NULL;
    }
}

static void withdraw_frame(nr_connection *connection, nr_method method,
                           const uint8_t *bytes, size_t size)
{
    nrbac_document *document = connection->worker->document;
    nr_rpc frame;
    if (size == 0)
        return; /* it is answered later */
    const char *problem;
    nrbac_document_reset(document);
    bool read = nr_rpc_read(document, bytes, size, &frame, &problem) == NRBAC_OK;
    bool failed = read && nrbac_value_kind(frame.error) != NRBAC_KIND_NULL;
    nrbac_value *denied = read && !failed
                              ? withdraw(connection, method, document, frame.result)
                              : NULL;
    if (!read || nrbac_document_status(document) != NRBAC_OK)
        connection->output.failed = true; /* no answer is better than this one */
    else if (denied != NULL)
        nr_rpc_write_result(&connection->output, frame.id, denied);
    else
        nr_buffer_append(&connection->output, bytes, size);
}

void nr_withdraw(nr_connection *connection)
{
    nr_buffer answers = connection->output;
    connection->output = (nr_buffer){ .failed = answers.failed };
    const nr_frame *frames = (const nr_frame *)(const void *)connection->frames.bytes;
    size_t count = connection->frames.size / sizeof(*frames);
    if (count != 0)
        nr_buffer_append(&connection->output, answers.bytes, frames[0].start);
    for (size_t i = 0; i < count; i++) {
        size_t end = i + 1 < count ? frames[i + 1].start : answers.size;
        withdraw_frame(connection, frames[i].method, answers.bytes + frames[i].start,
                       end - frames[i].start);
    }
    nr_buffer_finish(&answers);
}
