/* SPDX-License-Identifier: Apache-2.0 */
#include "server/attach.h"

#include <nrbac/policy.h>
#include <stdlib.h>
#include <string.h>

nrbac_value *nr_call_refuse(nr_call *call, nr_fault fault, const char *text)
{
    call->fault = fault;
    call->text = text;
    return NULL;
}

nrbac_value *nr_call_bad_params(nr_call *call)
{
    return nr_call_refuse(call, NR_FAULT_BAD_PARAMS, call->usage);
}

/* Checks what the request presents; false: out of memory. */
static bool verify(const nr_call *call, nrbac_document *document, nr_asking *asking)
{
    nr_server *server = call->server;
    const nr_options *options = server->options;
    nrbac_verify_options how = { .occasion = call->occasion };
    if (server->verifier == NULL)
        return true;
    if (nr_caller_ended_tls(options, &call->connection->peer))
        how.flags |= NRBAC_VERIFY_TLS_ENDED;
    if (options->trust_request_time)
        how.flags |= NRBAC_VERIFY_REQUEST_TIME;
    if (nrbac_verify(server->verifier, asking->request, &how, document,
                     &asking->request, &asking->findings) != NRBAC_OK)
        return false;
    asking->ask.findings = &asking->findings;
    nr_metrics_findings(&call->worker->metrics, &asking->findings);
    return true;
}

bool nr_call_asking(const nr_call *call, const nrbac_value *request, unsigned flags,
                    nrbac_document *document, nr_asking *asking)
{
    const nr_options *options = call->server->options;
    *asking = (nr_asking){ .request = request, .ask.flags = flags };
    if (!verify(call, document, asking))
        return false;
    asking->ask.flags |= nr_caller_flags(&options->bindings,
                                         options->trust_applications,
                                         &call->connection->peer, asking->request);
    if (options->trust_request_time)
        asking->ask.flags |= NRBAC_ASK_REQUEST_TIME;
    return true;
}

static nrbac_value *not_allowed(nr_call *call)
{
    return nr_call_refuse(call, NR_FAULT_NOT_ALLOWED,
                          "only the daemon's own user, root and the users in "
                          "`reload_users` may do this");
}

void nr_call_set_number(nr_call *call, nrbac_value *map, const char *key,
                        int64_t number)
{
    nrbac_set(call->document, map, key, nrbac_new_integer(call->document, number));
}

/* ---- About the daemon --------------------------------------------------------- */

static nrbac_value *limits_of(nr_call *call)
{
    const nr_limits *limits = &call->server->options->limits;
    nrbac_value *map = nrbac_new_map(call->document);
#define NR_LIMIT(name, key, standard, least, most, doc) \
    nr_call_set_number(call, map, #name, limits->name);
    NR_LIMITS
#undef NR_LIMIT
    return map;
}

/* Whether a map asks for numbers; false after refusing what says neither. */
static bool read_numbers(nr_call *call, const nrbac_value *map, bool *wanted)
{
    const nrbac_value *numbers = nrbac_value_find(map, "numbers");
    nrbac_kind kind = nrbac_value_kind(numbers);
    *wanted = kind == NRBAC_KIND_BOOLEAN && nrbac_value_boolean(numbers);
    if (kind != NRBAC_KIND_BOOLEAN && kind != NRBAC_KIND_NULL)
        (void)nr_call_bad_params(call);
    return call->fault == NR_FAULT_NONE;
}

/* From here on the connection may ask by numbers. */
static void tell_numbers(nr_call *call, nrbac_value *answer, nrbac_value *numbers)
{
    nrbac_set(call->document, answer, "numbers", numbers);
    call->connection->numbers = nrbac_name_count(call->server->engine);
}

static nrbac_value *hello(nr_call *call)
{
    const nrbac_value *client = nrbac_value_at(call->params, 0);
    bool numbers;
    if (client != NULL && nrbac_value_kind(client) != NRBAC_KIND_MAP)
        return nr_call_bad_params(call);
    if (!read_numbers(call, client, &numbers))
        return NULL;
    nrbac_document *document = call->document;
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "server", nrbac_new_text(document, "nrbacd"));
    nrbac_set(document, map, "version", nrbac_new_text(document, nrbac_version()));
    nrbac_set(document, map, "policy",
              nrbac_policy_info(call->server->engine, document));
    nrbac_set(document, map, "limits", limits_of(call));
    if (numbers)
        tell_numbers(call, map, nrbac_policy_names(call->server->engine, document));
    return map;
}

static nrbac_value *reload(nr_call *call)
{
    nr_connection *connection = call->connection;
    if (!nr_server_trusts(call->server, &connection->peer))
        return not_allowed(call);
    uint64_t number = nr_server_reload(call->server);
    call->later = true;
    if (!call->notification) {
        connection->reload = number;
        connection->reload_id = call->id;
    }
    return NULL;
}

/* ---- Sessions --------------------------------------------------------------------- */

/* Takes the session over, or closes it; the answer gains its number. */
static nrbac_value *keep_session(nr_call *call, nrbac_session *session,
                                 nrbac_value *answer)
{
    int64_t number = atomic_fetch_add(&call->server->session_count, 1) + 1;
    if (!nr_sessions_add(&call->connection->sessions,
                         (nr_session_entry){ .number = number,
                                             .opened_by = call->size,
                                             .session = session })) {
        nrbac_session_close(session);
        return NULL;
    }
    nr_count(&call->worker->metrics.sessions_opened, 1);
    if (nrbac_session_valid_until(session) != 0)
        nr_server_expects(call->server);
    nr_call_set_number(call, answer, "session", number);
    return answer;
}

/* The numbers of the names that the answer lists under `key`. */
static void add_numbers(nr_call *call, const nrbac_value *answer, const char *key,
                        nrbac_value *numbers)
{
    const nrbac_value *names = nrbac_value_find(answer, key);
    for (size_t i = 0; i < nrbac_value_count(names); i++) {
        const nrbac_value *name = nrbac_value_at(names, i);
        const char *text = nrbac_value_text(name);
        nr_call_set_number(
            call, numbers, text,
            nrbac_name_find(call->server->engine, text, nrbac_value_text_size(name)));
    }
}

static nrbac_value *with_numbers(nr_call *call, nrbac_value *answer)
{
    nrbac_value *numbers = nrbac_new_map(call->document);
    add_numbers(call, answer, "activities", numbers);
    add_numbers(call, answer, "functions", numbers);
    tell_numbers(call, answer, numbers);
    return answer;
}

/* False after refusing. */
static bool may_open(nr_call *call)
{
    const nr_sessions *sessions = &call->connection->sessions;
    uint64_t most = call->server->options->limits.sessions;
    if (sessions->count >= most)
        (void)nr_call_refuse(call, NR_FAULT_OVER_LIMIT,
                             "more sessions on one connection than `sessions`");
    else if (sessions->opened_by >= most * NR_SESSION_OPENED_BY)
        (void)nr_call_refuse(call, NR_FAULT_OVER_LIMIT,
                             "the sessions of this connection were opened by more than "
                             "`sessions` times 8 KiB: close some");
    return call->fault == NR_FAULT_NONE;
}

static nrbac_value *open_session(nr_call *call)
{
    const nrbac_value *request = nrbac_value_at(call->params, 0);
    bool numbers;
    if (nrbac_value_kind(request) != NRBAC_KIND_MAP)
        return nr_call_bad_params(call);
    if (!read_numbers(call, nrbac_value_find(request, "options"), &numbers))
        return NULL;
    if (!may_open(call))
        return NULL;
    nrbac_value *answer = NULL;
    nrbac_session *session = NULL;
    nr_asking asking;
    if (!nr_call_asking(call, request, 0, call->document, &asking))
        return NULL;
    nrbac_decision decision = nrbac_session_open_document(
        call->server->engine, asking.request, &asking.ask, call->document, &answer,
        &session);
    nr_metrics_decision(&call->worker->metrics, &decision);
    if (session == NULL)
        return answer;
    answer = keep_session(call, session, answer);
    return numbers && answer != NULL ? with_numbers(call, answer) : answer;
}

/* The session that the first parameter names; NULL after refusing. */
static nrbac_session *session_of(nr_call *call)
{
    const nrbac_value *number = nrbac_value_at(call->params, 0);
    if (nrbac_value_kind(number) != NRBAC_KIND_INTEGER) {
        (void)nr_call_bad_params(call);
        return NULL;
    }
    nr_session_entry *entry = nr_sessions_find(&call->connection->sessions,
                                               nrbac_value_integer(number));
    nr_recording_expect(call->connection, call->message, entry);
    if (entry != NULL)
        return entry->session;
    (void)nr_call_refuse(call, NR_FAULT_UNKNOWN_SESSION,
                         "no such session on this connection");
    return NULL;
}

static nrbac_value *close_session(nr_call *call)
{
    if (session_of(call) == NULL)
        return NULL;
    int64_t number = nrbac_value_integer(nrbac_value_at(call->params, 0));
    (void)nr_sessions_close(&call->connection->sessions, number);
    nr_count(&call->worker->metrics.sessions_closed, 1);
    return nrbac_new_boolean(call->document, true);
}

/* A name is a text, or a number that this connection may use. */
static bool is_name(const nr_call *call, const nrbac_value *name)
{
    int64_t number = nrbac_value_integer(name);
    if (nrbac_value_kind(name) != NRBAC_KIND_INTEGER)
        return nrbac_value_kind(name) == NRBAC_KIND_TEXT;
    return number >= 1 && number <= call->connection->numbers;
}

/* What is asked of a session, name by name, and what was answered so far. */
typedef struct asked {
    nr_call *call;
    const nrbac_value *names; /* a list; NULL: `one` is asked */
    const nrbac_value *one;
    size_t at;
    nrbac_value *rows, *row; /* row: the last of them */
} asked;

static bool next_name(void *context, nrbac_called *called)
{
    asked *all = context;
    size_t count = all->names == NULL ? 1 : nrbac_value_count(all->names);
    if (all->at == count)
        return false;
    const nrbac_value *name = all->names == NULL ? all->one
                                                 : nrbac_value_at(all->names, all->at);
    all->at++;
    *called = (nrbac_called){ nrbac_value_text(name), nrbac_value_text_size(name),
                              (nrbac_name)nrbac_value_integer(name) };
    return true;
}

/* [decision, reason, generation, [obligations]] */
static void add_row(void *context, const nrbac_decision *decision)
{
    asked *all = context;
    nrbac_document *document = all->call->document;
    nr_metrics_decision(&all->call->worker->metrics, decision);
    nrbac_value *row = all->row = nrbac_append(document, all->rows,
                                               nrbac_new_list(document));
    nrbac_append(document, row,
                 nrbac_new_boolean(document, decision->effect == NRBAC_PERMIT));
    nrbac_append(document, row,
                 nrbac_new_text(document, nrbac_reason_slug(decision->reason)));
    nrbac_append(document, row, nrbac_new_integer(document, decision->generation));
    nrbac_value *obligations = nrbac_append(document, row, nrbac_new_list(document));
    for (uint32_t i = 0; i < decision->obligation_count; i++)
        nrbac_append(document, obligations,
                     nrbac_new_text(document, decision->obligations[i]));
}

static void decide(nrbac_session *session, asked *all)
{
    all->rows = nrbac_new_list(all->call->document);
    nrbac_decide_each(session, next_name, add_row, all);
}

static nrbac_value *check(nr_call *call)
{
    const nrbac_value *name = nrbac_value_at(call->params, 1);
    if (!is_name(call, name))
        return nr_call_bad_params(call);
    nrbac_session *session = session_of(call);
    if (session == NULL)
        return NULL;
    asked all = { .call = call, .one = name };
    decide(session, &all);
    return all.row;
}

static nrbac_value *check_many(nr_call *call)
{
    const nrbac_value *names = nrbac_value_at(call->params, 1);
    size_t count = nrbac_value_count(names);
    if (nrbac_value_kind(names) != NRBAC_KIND_LIST)
        return nr_call_bad_params(call);
    for (size_t i = 0; i < count; i++)
        if (!is_name(call, nrbac_value_at(names, i)))
            return nr_call_bad_params(call);
    if (count > call->server->options->limits.batch)
        return nr_call_refuse(call, NR_FAULT_OVER_LIMIT,
                              "more questions in one call than `batch`");
    nrbac_session *session = session_of(call);
    if (session == NULL)
        return NULL;
    asked all = { .call = call, .names = names };
    decide(session, &all);
    return all.rows;
}

/* A member that nobody knows would be left out of what must match, and more would
 * be ended than was meant: it is refused. */
static bool read_revocation(const nrbac_value *map, nrbac_revocation *out)
{
    for (size_t i = 0; i < nrbac_value_count(map); i++) {
        const char *key = nrbac_value_key(map, i);
        const char *text = nrbac_value_text(nrbac_value_at(map, i));
        if (key == NULL || text == NULL)
            return false;
        if (strcmp(key, "sid") == 0)
            out->sid = text;
        else if (strcmp(key, "sub") == 0)
            out->sub = text;
        else if (strcmp(key, "role_profile") == 0)
            out->role_profile = text;
        else
            return false;
    }
    return nrbac_value_kind(map) == NRBAC_KIND_MAP && nrbac_value_count(map) > 0;
}

static void record_revocation(nr_call *call, const nrbac_revocation *which,
                              size_t count)
{
    nrbac_document *document = call->document;
    nr_arena arena = { 0 };
    char *detail = NULL;
    if (nr_server_recorder(call->server) == NULL)
        return;
    nrbac_value *map = nrbac_new_map(document);
    if (which->sid != NULL)
        nrbac_set(document, map, "sid", nrbac_new_text(document, which->sid));
    if (which->sub != NULL) {
        const char *kept = nr_keep_person(&call->worker->recording.keeping, which->sub,
                                          &arena);
        nrbac_set(document, map, "sub", nrbac_new_text(document, kept));
    }
    if (which->role_profile != NULL)
        nrbac_set(document, map, "role_profile",
                  nrbac_new_text(document, which->role_profile));
    nr_call_set_number(call, map, "ended", (int64_t)count);
    if (nrbac_json_write(map, NRBAC_JSON_COMPACT, &detail, NULL) == NRBAC_OK)
        nr_recording_event(call->worker, NR_EVENT_REVOKE, &call->connection->peer,
                           detail);
    free(detail);
    nr_arena_finish(&arena);
}

static nrbac_value *end_sessions(nr_call *call)
{
    if (!nr_server_trusts(call->server, &call->connection->peer))
        return not_allowed(call);
    nrbac_revocation which = { 0 };
    if (!read_revocation(nrbac_value_at(call->params, 0), &which))
        return nr_call_bad_params(call);
    size_t count = nr_server_revoke(call->server, &which);
    nr_count(&call->worker->metrics.sessions_revoked, count);
    record_revocation(call, &which, count);
    return nrbac_new_integer(call->document, (int64_t)count);
}

static nrbac_value *stop(nr_call *call)
{
    const nrbac_value *stopped = nrbac_value_at(call->params, 0);
    if (!nr_server_trusts(call->server, &call->connection->peer))
        return not_allowed(call);
    if (nrbac_value_kind(stopped) != NRBAC_KIND_BOOLEAN)
        return nr_call_bad_params(call);
    nr_server_stop(call->server, nrbac_value_boolean(stopped));
    nr_recording_event(call->worker,
                       nrbac_value_boolean(stopped) ? NR_EVENT_STOP : NR_EVENT_RESUME,
                       &call->connection->peer, NULL);
    return nrbac_new_boolean(call->document, call->server->stopped);
}

/* ---- The table ------------------------------------------------------------------------ */

typedef struct method {
    nrbac_value *(*run)(nr_call *call);
    size_t least; /* parameters */
    size_t most;
    bool notifiable; /* it does something, even if nobody hears the result */
    const char *usage;
} method;

static const method methods[NR_METHOD_COUNT] = {
    [NR_METHOD_HELLO] = { hello, 0, 1, false,
                          "`hello` takes [] or [{client, version, numbers}], `numbers` "
                          "a boolean" },
    [NR_METHOD_EVALUATE] = { nr_method_evaluate, 1, 1, false,
                             "`evaluate` takes [request], a map" },
    [NR_METHOD_EVALUATIONS] = { nr_method_evaluations, 1, 1, false,
                                "`evaluations` takes [{evaluations: [...], options: "
                                "{evaluations_semantic}}] and defaults" },
    [NR_METHOD_OPEN] = { open_session, 1, 1, false,
                         "`open` takes [request], a map; "
                         "its options.numbers is a boolean" },
    [NR_METHOD_CHECK] = { check, 2, 2, false,
                          "`check` takes [session, name], an integer and a text or "
                          "a number told by `hello` or `open`" },
    [NR_METHOD_CHECK_MANY] = { check_many, 2, 2, false,
                               "`check_many` takes [session, [name...]], an integer "
                               "and a list of texts or numbers told by `hello` or "
                               "`open`" },
    [NR_METHOD_REVOKE] = { end_sessions, 1, 1, true,
                           "`revoke` takes [{sid | sub | role_profile}], texts" },
    [NR_METHOD_CLOSE] = { close_session, 1, 1, true,
                          "`close` takes [session], an integer" },
    [NR_METHOD_EXPLAIN] = { nr_method_explain, 1, 1, false,
                            "`explain` takes [request], a map" },
    [NR_METHOD_POLICY] = { nr_method_policy, 0, 0, false, "`policy` takes []" },
    [NR_METHOD_HEALTH] = { nr_method_health, 0, 0, false, "`health` takes []" },
    [NR_METHOD_METRICS] = { nr_method_metrics, 0, 0, false, "`metrics` takes []" },
    [NR_METHOD_RELOAD] = { reload, 0, 0, true, "`reload` takes []" },
    [NR_METHOD_ATTACH] = { nr_method_attach, 0, 0, false, "`attach` takes []" },
    [NR_METHOD_RING] = { nr_method_ring, 1, 1, false,
                         "`ring` takes [version], an integer" },
    [NR_METHOD_TAKEOVER] = { nr_method_takeover, 0, 0, false, "`takeover` takes []" },
    [NR_METHOD_STOP] = { stop, 1, 1, true, "`stop` takes [stopped], a boolean" },
};

static nrbac_value *run(nr_call *call, nr_method which)
{
    if (which == NR_METHOD_COUNT)
        return nr_call_refuse(call, NR_FAULT_UNKNOWN_METHOD, "no such method");
    const method *row = &methods[which];
    nr_count(&call->worker->metrics.requests[which], 1);
    call->usage = row->usage;
    if (call->notification && !row->notifiable) {
        call->later = true; /* nobody would hear it, so it is not worked out */
        return NULL;
    }
    size_t count = nrbac_value_count(call->params);
    if (nrbac_value_kind(call->params) != NRBAC_KIND_LIST || count < row->least ||
        count > row->most)
        return nr_call_bad_params(call);
    return row->run(call);
}

/* Puts what came of the call into the output, in place of anything half written. */
static void finish(nr_call *call, const nrbac_value *result, size_t start)
{
    nr_buffer *output = &call->connection->output;
    bool whole = nrbac_document_status(call->document) == NRBAC_OK;
    if (call->fault == NR_FAULT_NONE && !call->written && !call->later &&
        (result == NULL || !whole))
        (void)nr_call_refuse(call, NR_FAULT_OVER_LIMIT, "out of memory");
    if (call->fault != NR_FAULT_NONE)
        nr_count(&call->worker->metrics.faults[call->fault], 1);
    if (call->notification || call->later)
        return;
    call->connection->in_flight++;
    if (call->written)
        return;
    if (!output->failed)
        output->size = start;
    if (call->fault == NR_FAULT_NONE)
        nr_rpc_write_result(output, call->id, result);
    else
        nr_rpc_write_fault(output, &call->id, call->fault, call->text);
}

/* What cannot be read is answered, and ends the connection unless it is known
 * which request it was. */
static bool refuse_frame(nr_connection *connection, const nr_rpc *frame,
                         const char *problem)
{
    nr_count(&connection->worker->metrics.faults[NR_FAULT_BAD_MESSAGE], 1);
    connection->in_flight++;
    nr_connection_frame(connection, NR_METHOD_COUNT);
    nr_rpc_write_fault(&connection->output, frame->has_id ? &frame->id : NULL,
                       NR_FAULT_BAD_MESSAGE, problem);
    return frame->has_id;
}

bool nr_methods_answer(nr_connection *connection, const uint8_t *bytes, size_t size)
{
    nr_worker *worker = connection->worker;
    nrbac_document_reset(worker->document);
    nr_rpc frame;
    const char *problem = NULL;
    nrbac_status status = nr_rpc_read(worker->document, bytes, size, &frame, &problem);
    if (status != NRBAC_OK)
        return refuse_frame(connection, &frame,
                            problem == NULL ? "out of memory" : problem);
    if (frame.kind == NR_RPC_RESPONSE)
        return refuse_frame(connection, &(nr_rpc){ 0 },
                            "a response where a request is due");
    nr_call call = {
        .server = worker->server,
        .worker = worker,
        .connection = connection,
        .params = frame.params,
        .document = worker->document,
        .occasion = atomic_fetch_add(&worker->server->occasions, 1) + 1,
        .id = frame.id,
        .message = frame.has_id ? (uint64_t)frame.id + 1 : 0,
        .size = size,
        .notification = frame.kind == NR_RPC_NOTIFICATION,
    };
    size_t start = connection->output.size;
    nr_method which = nr_method_find(frame.method);
    if (!call.notification)
        nr_connection_frame(connection, which);
    nr_recording_expect(connection, call.message, NULL);
    finish(&call, run(&call, which), start);
    return true;
}
