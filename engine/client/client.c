/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests go out of one buffer, and answers come into another. A call at a time
 * waits for both; whoever has many under way waits elsewhere. Answers to calls that
 * timed out may still come; they are passed over.
 */
#include <nrbac/client.h>

#include "client/channel.h"
#include "wire/rpc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT_MS = 5000, FAULT_SIZE = 64 };

/* An answer can be larger than any question: `open` lists what a user may do. */
static const nr_scan_limits answer_limits = {
    .size = (size_t)64 << 20,
    .elements = (size_t)4 << 20,
    .depth = NR_WIRE_DEPTH_MAX,
};

struct nrbac_client {
    nr_channel channel;
    pid_t process; /* that connected */
    int timeout_ms;
    bool gone; /* the connection is of no use any more */
    uint32_t last_id;
    size_t limit;     /* of a message, in bytes; 0: none */
    nr_buffer output; /* what the socket has not taken yet */
    nr_buffer input;
    nr_scan scan;
    nrbac_document *document; /* of the typed calls */
    char fault[FAULT_SIZE];
};

static nrbac_status fail(nrbac_error *error, nrbac_status status, const char *format,
                         ...) NR_PRINTF(3, 4);

static nrbac_status fail(nrbac_error *error, nrbac_status status, const char *format,
                         ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (error != NULL)
        (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return status;
}

typedef struct text_of_errno {
    char text[96];
} text_of_errno;

static text_of_errno errno_text(int number)
{
    text_of_errno out;
    if (strerror_r(number, out.text, sizeof(out.text)) != 0)
        (void)snprintf(out.text, sizeof(out.text), "error %d", number);
    return out;
}

/* ---- Connecting ------------------------------------------------------------ */

static nrbac_status explain_connect(nrbac_status status, const char *path,
                                    nrbac_error *error)
{
    if (status == NRBAC_E_TIMEOUT)
        return fail(error, status, "the daemon at `%s` did not accept in time", path);
    return fail(error, status, "cannot connect to `%.120s`: %s", path,
                errno_text(errno).text);
}

nrbac_status nrbac_client_connect(const char *path, int timeout_ms, nrbac_client **out,
                                  nrbac_error *error)
{
    *out = NULL;
    nrbac_client *client = calloc(1, sizeof(*client));
    nrbac_document *document = nrbac_document_create();
    if (client == NULL || document == NULL) {
        nrbac_document_destroy(document);
        free(client);
        return fail(error, NRBAC_E_MEMORY, "%s", nrbac_status_text(NRBAC_E_MEMORY));
    }
    client->document = document;
    client->process = getpid();
    client->timeout_ms = timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS;
    nrbac_status status = nr_channel_connect(&client->channel, path,
                                             nr_clock_ms() + client->timeout_ms);
    if (status != NRBAC_OK) {
        status = explain_connect(status, path, error);
        nrbac_client_disconnect(client);
        return status;
    }
    *out = client;
    return NRBAC_OK;
}

void nrbac_client_disconnect(nrbac_client *client)
{
    if (client == NULL)
        return;
    nr_channel_close(&client->channel);
    nr_buffer_finish(&client->output);
    nr_buffer_finish(&client->input);
    nrbac_document_destroy(client->document);
    free(client);
}

void nrbac_client_limit(nrbac_client *client, size_t message_bytes)
{
    client->limit = message_bytes;
}

const char *nrbac_client_fault(const nrbac_client *client)
{
    return client->fault;
}

/* ---- Calling --------------------------------------------------------------- */

/* A child of fork() has its parent's socket, and would read and write amid its calls. */
static nrbac_status usable(const nrbac_client *client, nrbac_error *error)
{
    if (client->process != getpid())
        return fail(error, NRBAC_E_IO,
                    "the connection is the parent process's: a child connects itself");
    if (client->gone)
        return fail(error, NRBAC_E_IO, "the connection is gone");
    return NRBAC_OK;
}

static void hang_up(nrbac_client *client)
{
    client->gone = true;
    nr_channel_hang_up(&client->channel);
}

static nrbac_status give_up(nrbac_client *client, nrbac_status status,
                            nrbac_error *error)
{
    int saved = errno;
    hang_up(client);
    if (status == NRBAC_E_IO && saved != 0)
        return fail(error, status, "the connection to the daemon failed: %s",
                    errno_text(saved).text);
    if (status == NRBAC_E_IO)
        return fail(error, status, "the daemon closed the connection");
    if (status == NRBAC_E_FORMAT)
        return fail(error, status, "what the daemon sent is not the protocol");
    return fail(error, status, "%s", nrbac_status_text(status));
}

static nrbac_status refused(nrbac_client *client, const nr_rpc *frame,
                            nrbac_error *error)
{
    const char *code = nrbac_value_text(nrbac_value_find(frame->error, "code"));
    const char *text = nrbac_value_text(nrbac_value_find(frame->error, "message"));
    (void)snprintf(client->fault, sizeof(client->fault), "%s",
                   code == NULL ? "" : code);
    if (error != NULL)
        (void)snprintf(error->text, sizeof(error->text), "%.60s: %.180s", client->fault,
                       text == NULL ? "" : text);
    if (!frame->has_id)
        hang_up(client);
    return NRBAC_E_REFUSED;
}

/* Takes one frame from the front of what has come, waiting for the rest of it. */
static nrbac_status next_frame(nrbac_client *client, int64_t deadline,
                               nrbac_document *document, nr_rpc *frame)
{
    nr_scan_result result;
    while ((result = nr_scan_next(&client->scan, client->input.bytes,
                                  client->input.size, &answer_limits)) ==
           NR_SCAN_PARTIAL)
        NR_TRY(nr_channel_receive(&client->channel, &client->input, deadline));
    if (result != NR_SCAN_READY)
        return NRBAC_E_FORMAT;
    const char *problem = NULL;
    size_t size = client->scan.at;
    nrbac_status status = nr_rpc_read(document, client->input.bytes, size, frame,
                                      &problem);
    nr_buffer_drop(&client->input, size);
    client->scan = (nr_scan){ 0 };
    if (status == NRBAC_OK && frame->kind != NR_RPC_RESPONSE)
        return NRBAC_E_FORMAT;
    return status;
}

static nrbac_status receive(nrbac_client *client, int64_t deadline,
                            nrbac_document *document, const nrbac_value **result,
                            nrbac_error *error)
{
    for (;;) {
        nr_rpc frame;
        nrbac_status status = next_frame(client, deadline, document, &frame);
        if (status == NRBAC_E_TIMEOUT)
            return fail(error, status, "%s", nrbac_status_text(status));
        if (status != NRBAC_OK)
            return give_up(client, status, error);
        if (frame.has_id && frame.id != client->last_id)
            continue;
        if (nrbac_value_kind(frame.error) != NRBAC_KIND_NULL)
            return refused(client, &frame, error);
        *result = frame.result;
        return NRBAC_OK;
    }
}

/* A daemon that sheds connections says why and closes, so a failed send is not
 * the end: its reason may be waiting to be read. */
static nrbac_status send_output(nrbac_client *client, int64_t deadline,
                                nrbac_error *error)
{
    nrbac_status status = client->output.failed
                              ? NRBAC_E_MEMORY
                              : nr_channel_send(&client->channel, &client->output,
                                                deadline);
    if (status == NRBAC_E_IO && (errno == EPIPE || errno == ECONNRESET)) {
        nr_buffer_drop(&client->output, client->output.size);
        return NRBAC_OK;
    }
    if (status != NRBAC_OK && status != NRBAC_E_TIMEOUT)
        return give_up(client, status, error);
    return status == NRBAC_OK ? status
                              : fail(error, status, "%s", nrbac_status_text(status));
}

static nrbac_status send_request(nrbac_client *client, const char *method,
                                 const nrbac_value *params, int64_t deadline,
                                 nrbac_error *error)
{
    client->fault[0] = '\0';
    NR_TRY(usable(client, error));
    if (++client->last_id == 0) /* 0 is nobody's number */
        client->last_id = 1;
    size_t before = client->output.size;
    nr_rpc_write_request(&client->output, client->last_id, method, params);
    size_t size = client->output.size - before;
    if (client->limit != 0 && size > client->limit) {
        client->output.size = before;
        return fail(error, NRBAC_E_LIMIT,
                    "the message has %zu bytes, and the daemon takes %zu", size,
                    client->limit);
    }
    return send_output(client, deadline, error);
}

nrbac_status nrbac_client_call(nrbac_client *client, const char *method,
                               const nrbac_value *params, nrbac_document *document,
                               const nrbac_value **result, nrbac_error *error)
{
    *result = NULL;
    int64_t deadline = nr_clock_ms() + client->timeout_ms;
    nrbac_status status = send_request(client, method, params, deadline, error);
    if (status == NRBAC_E_TIMEOUT)
        return give_up(client, status, error); /* half a request may be out */
    NR_TRY(status);
    return receive(client, deadline, document, result, error);
}

/* ---- Many calls under way ---------------------------------------------------- */

int nrbac_client_descriptor(const nrbac_client *client)
{
    return client->channel.fd;
}

size_t nrbac_client_unsent(const nrbac_client *client)
{
    return client->gone ? 0 : client->output.size;
}

nrbac_status nrbac_client_flush(nrbac_client *client, nrbac_error *error)
{
    NR_TRY(usable(client, error));
    nrbac_status status = send_output(client, 0, error);
    return status == NRBAC_E_TIMEOUT ? NRBAC_OK : status;
}

nrbac_status nrbac_client_send(nrbac_client *client, const char *method,
                               const nrbac_value *params, uint32_t *call,
                               nrbac_error *error)
{
    *call = 0;
    nrbac_status status = send_request(client, method, params, 0, error);
    if (status != NRBAC_OK && status != NRBAC_E_TIMEOUT)
        return status;
    *call = client->last_id;
    return NRBAC_OK;
}

nrbac_status nrbac_client_receive(nrbac_client *client, nrbac_document *document,
                                  uint32_t *call, const nrbac_value **result,
                                  nrbac_error *error)
{
    *call = 0;
    *result = NULL;
    client->fault[0] = '\0';
    NR_TRY(usable(client, error));
    nr_rpc frame;
    nrbac_status status = next_frame(client, 0, document, &frame);
    if (status == NRBAC_E_TIMEOUT)
        return fail(error, status, "no answer has come");
    if (status != NRBAC_OK)
        return give_up(client, status, error);
    *call = frame.has_id ? frame.id : 0;
    if (nrbac_value_kind(frame.error) != NRBAC_KIND_NULL)
        return refused(client, &frame, error);
    *result = frame.result;
    return NRBAC_OK;
}

/* ---- Questions ------------------------------------------------------------- */

static nrbac_value *new_params(nrbac_client *client)
{
    nrbac_document_reset(client->document);
    return nrbac_new_list(client->document);
}

static nrbac_status ask(nrbac_client *client, const char *method,
                        const nrbac_value *params, const nrbac_value **result,
                        nrbac_error *error)
{
    *result = NULL;
    if (nrbac_document_status(client->document) != NRBAC_OK)
        return fail(error, NRBAC_E_MEMORY, "%s", nrbac_status_text(NRBAC_E_MEMORY));
    return nrbac_client_call(client, method, params, client->document, result, error);
}

nrbac_status nrbac_client_evaluate(nrbac_client *client, const nrbac_value *request,
                                   const nrbac_value **answer, nrbac_error *error)
{
    nrbac_value *params = new_params(client);
    nrbac_append(client->document, params, nrbac_value_copy(client->document, request));
    return ask(client, "evaluate", params, answer, error);
}

nrbac_status nrbac_client_open(nrbac_client *client, const nrbac_value *request,
                               int64_t *session, const nrbac_value **answer,
                               nrbac_error *error)
{
    *session = 0;
    nrbac_value *params = new_params(client);
    nrbac_append(client->document, params, nrbac_value_copy(client->document, request));
    NR_TRY(ask(client, "open", params, answer, error));
    *session = nrbac_value_integer(nrbac_value_find(*answer, "session"));
    return NRBAC_OK;
}

static nrbac_value *session_params(nrbac_client *client, int64_t session)
{
    nrbac_value *params = new_params(client);
    nrbac_append(client->document, params,
                 nrbac_new_integer(client->document, session));
    return params;
}

nrbac_status nrbac_client_close(nrbac_client *client, int64_t session,
                                nrbac_error *error)
{
    const nrbac_value *closed = NULL;
    return ask(client, "close", session_params(client, session), &closed, error);
}

/* [decision, reason, generation, [obligations]] */
bool nrbac_client_read_answer(const nrbac_value *row, nrbac_client_answer *out)
{
    const nrbac_value *obligations = nrbac_value_at(row, 3);
    const char *reason = nrbac_value_text(nrbac_value_at(row, 1));
    size_t count = nrbac_value_count(obligations);
    *out = (nrbac_client_answer){ 0 };
    if (reason == NULL || count > NRBAC_OBLIGATION_MAX ||
        nrbac_value_kind(nrbac_value_at(row, 0)) != NRBAC_KIND_BOOLEAN ||
        nrbac_value_kind(obligations) != NRBAC_KIND_LIST)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *id = nrbac_value_text(nrbac_value_at(obligations, i));
        if (id == NULL)
            return false;
        out->obligations[i] = id;
    }
    out->obligation_count = count;
    out->permitted = nrbac_value_boolean(nrbac_value_at(row, 0));
    out->reason = reason;
    out->generation = (uint32_t)nrbac_value_integer(nrbac_value_at(row, 2));
    return true;
}

/* `params` lack the name, which comes last. */
static nrbac_status check(nrbac_client *client, nrbac_value *params, nrbac_value *name,
                          nrbac_client_answer *answer, nrbac_error *error)
{
    *answer = (nrbac_client_answer){ 0 };
    nrbac_append(client->document, params, name);
    const nrbac_value *row = NULL;
    NR_TRY(ask(client, "check", params, &row, error));
    return nrbac_client_read_answer(row, answer)
               ? NRBAC_OK
               : give_up(client, NRBAC_E_FORMAT, error);
}

nrbac_status nrbac_client_check(nrbac_client *client, int64_t session, const char *name,
                                nrbac_client_answer *answer, nrbac_error *error)
{
    nrbac_value *params = session_params(client, session);
    return check(client, params, nrbac_new_text(client->document, name), answer, error);
}

nrbac_status nrbac_client_check_number(nrbac_client *client, int64_t session,
                                       uint32_t number, nrbac_client_answer *answer,
                                       nrbac_error *error)
{
    nrbac_value *params = session_params(client, session);
    return check(client, params, nrbac_new_integer(client->document, number), answer,
                 error);
}

nrbac_status nrbac_client_check_many(nrbac_client *client, int64_t session,
                                     const char *const *names,
                                     nrbac_client_answer *answers, nrbac_error *error)
{
    nrbac_value *params = session_params(client, session);
    nrbac_value *list = nrbac_append(client->document, params,
                                     nrbac_new_list(client->document));
    size_t count = 0;
    for (; names[count] != NULL; count++) {
        answers[count] = (nrbac_client_answer){ 0 };
        nrbac_append(client->document, list,
                     nrbac_new_text(client->document, names[count]));
    }
    const nrbac_value *rows = NULL;
    NR_TRY(ask(client, "check_many", params, &rows, error));
    bool whole = nrbac_value_count(rows) == count;
    for (size_t i = 0; i < count && whole; i++)
        whole = nrbac_client_read_answer(nrbac_value_at(rows, i), &answers[i]);
    if (whole)
        return NRBAC_OK;
    for (size_t i = 0; i < count; i++)
        answers[i] = (nrbac_client_answer){ 0 };
    return give_up(client, NRBAC_E_FORMAT, error);
}

nrbac_status nrbac_client_policy(nrbac_client *client, const nrbac_value **policy,
                                 nrbac_error *error)
{
    return ask(client, "policy", new_params(client), policy, error);
}
