/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a daemon of a few lines, which misbehaves as it is told. */
#include "check.h"

#include "wire/rpc.h"

#include <nrbac/client.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the daemon does with each request that it reads. */
typedef enum deed {
    ANSWER,        /* a result: the parameters as they came */
    REFUSE,        /* an error */
    SAY_NOTHING,   /* until the client gives up */
    ANSWER_LATE,   /* the last answer first, then this one */
    HANG_UP,       /* closes instead */
    TALK_NONSENSE, /* bytes that are no MessagePack */
    SEND_A_REQUEST,
    ROW,          /* a row of `check` */
    NUMBERED_ROW, /* with as many obligations as the name's number says */
    ROWS,
    TOO_MANY_OBLIGATIONS,
} deed;

typedef struct scripted {
    const deed *deeds;
    size_t count;
    int listening;
    char folder[64];
    char path[96];
    pthread_t thread;
} scripted;

static nrbac_value *row(nrbac_document *document, bool permitted, size_t obligations)
{
    nrbac_value *list = nrbac_new_list(document);
    nrbac_append(document, list, nrbac_new_boolean(document, permitted));
    nrbac_append(document, list, nrbac_new_text(document, "requirement-met"));
    nrbac_append(document, list, nrbac_new_integer(document, 7));
    nrbac_value *ids = nrbac_append(document, list, nrbac_new_list(document));
    for (size_t i = 0; i < obligations; i++)
        nrbac_append(document, ids, nrbac_new_text(document, "notify-access"));
    return list;
}

static void answer(nr_buffer *out, deed what, uint32_t id, nrbac_document *document,
                   const nrbac_value *params)
{
    nrbac_value *rows = nrbac_new_list(document);
    switch (what) {
    case ANSWER:
        nr_rpc_write_result(out, id, params);
        break;
    case ANSWER_LATE:
        nr_rpc_write_result(out, id - 1, nrbac_new_text(document, "late"));
        nr_rpc_write_result(out, id, params);
        break;
    case REFUSE:
        nr_rpc_write_fault(out, &id, NR_FAULT_NOT_ALLOWED, "no");
        break;
    case TALK_NONSENSE:
        nr_buffer_append(out, "\xc1", 1);
        break;
    case SEND_A_REQUEST:
        nr_rpc_write_request(out, id, "hello", NULL);
        break;
    case ROW:
        nr_rpc_write_result(out, id, row(document, true, 2));
        break;
    case NUMBERED_ROW:
        nr_rpc_write_result(
            out, id,
            row(document, true,
                (size_t)nrbac_value_integer(nrbac_value_at(params, 1))));
        break;
    case ROWS:
        nrbac_append(document, rows, row(document, true, 0));
        nrbac_append(document, rows, row(document, false, 0));
        nr_rpc_write_result(out, id, rows);
        break;
    case TOO_MANY_OBLIGATIONS:
        nr_rpc_write_result(out, id, row(document, true, NRBAC_OBLIGATION_MAX + 1));
        break;
    case SAY_NOTHING:
    case HANG_UP:
        break;
    }
}

/* Reads one request, whole; false: the client is gone. */
static bool read_request(int fd, nr_buffer *in, nrbac_document *document, nr_rpc *frame)
{
    static const nr_scan_limits limits = { .size = 1 << 20,
                                           .elements = 1000,
                                           .depth = 32 };
    nr_scan scan = { 0 };
    uint8_t bytes[512];
    const char *problem = NULL;
    nr_buffer_finish(in);
    while (nr_scan_next(&scan, in->bytes, in->size, &limits) == NR_SCAN_PARTIAL) {
        ssize_t got = read(fd, bytes, sizeof(bytes));
        if (got <= 0)
            return false;
        nr_buffer_append(in, bytes, (size_t)got);
    }
    return nr_rpc_read(document, in->bytes, in->size, frame, &problem) == NRBAC_OK;
}

static void *serve(void *context)
{
    scripted *daemon = context;
    nrbac_document *document = nrbac_document_create();
    nr_buffer in = { 0 };
    int fd = accept(daemon->listening, NULL, NULL);
    for (size_t i = 0; i < daemon->count; i++) {
        nr_rpc frame;
        if (daemon->deeds[i] == HANG_UP || !read_request(fd, &in, document, &frame))
            break;
        nr_buffer out = { 0 };
        answer(&out, daemon->deeds[i], frame.id, document, frame.params);
        for (size_t at = 0; at < out.size; at++) /* byte by byte */
            (void)!write(fd, out.bytes + at, 1);
        nr_buffer_finish(&out);
    }
    (void)close(fd);
    nr_buffer_finish(&in);
    nrbac_document_destroy(document);
    return NULL;
}

static nrbac_client *start(scripted *daemon, const deed *deeds, size_t count)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    *daemon = (scripted){ .deeds = deeds, .count = count };
    (void)snprintf(daemon->folder, sizeof(daemon->folder), "/tmp/nrbac-client-XXXXXX");
    if (mkdtemp(daemon->folder) == NULL)
        abort();
    (void)snprintf(daemon->path, sizeof(daemon->path), "%s/nrbacd.sock",
                   daemon->folder);
    memcpy(address.sun_path, daemon->path, sizeof(daemon->path));
    daemon->listening = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(daemon->listening, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(daemon->listening, 4) != 0 ||
        pthread_create(&daemon->thread, NULL, serve, daemon) != 0)
        abort();
    nrbac_client *client = NULL;
    nrbac_error error;
    CHECK_INT(nrbac_client_connect(daemon->path, 200, &client, &error), NRBAC_OK);
    return client;
}

static void stop(scripted *daemon, nrbac_client *client)
{
    nrbac_client_disconnect(client);
    (void)pthread_join(daemon->thread, NULL);
    (void)close(daemon->listening);
    (void)unlink(daemon->path);
    (void)rmdir(daemon->folder);
}

static nrbac_status call(nrbac_client *client, const nrbac_value **result,
                         nrbac_error *error)
{
    static nrbac_document *document;
    if (client == NULL) {
        nrbac_document_destroy(document);
        return NRBAC_OK;
    }
    if (document == NULL)
        document = nrbac_document_create();
    nrbac_value *params = nrbac_new_list(document);
    nrbac_append(document, params, nrbac_new_text(document, "asked"));
    return nrbac_client_call(client, "echo", params, document, result, error);
}

static void nobody_serves_the_socket(void)
{
    nrbac_client *client = NULL;
    nrbac_error error;
    CHECK_INT(nrbac_client_connect("/nowhere/socket", 200, &client, &error),
              NRBAC_E_IO);
    CHECK_STR(error.text,
              "cannot connect to `/nowhere/socket`: No such file or directory");
    CHECK(client == NULL);
    char path[200];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    CHECK_INT(nrbac_client_connect(path, 200, &client, &error), NRBAC_E_IO);
    CHECK_INT(nrbac_client_connect(path, 200, &client, NULL), NRBAC_E_IO);
    nrbac_client_disconnect(NULL);
}

static void a_folder_means_the_socket_in_it(void)
{
    scripted daemon;
    nrbac_client_disconnect(start(&daemon, NULL, 0));
    (void)pthread_join(daemon.thread, NULL);
    nrbac_client *client = NULL;
    nrbac_error error;
    CHECK_INT(nrbac_client_connect(daemon.folder, 200, &client, &error), NRBAC_OK);
    nrbac_client_disconnect(client);
    (void)close(daemon.listening);
    (void)unlink(daemon.path);
    CHECK_INT(nrbac_client_connect(daemon.folder, 200, &client, &error), NRBAC_E_IO);
    (void)rmdir(daemon.folder);
}

static void answers_and_refusals_are_told_apart(void)
{
    static const deed deeds[] = { ANSWER, REFUSE, ANSWER };
    scripted daemon;
    nrbac_client *client = start(&daemon, deeds, NR_COUNT(deeds));
    const nrbac_value *result = NULL;
    nrbac_error error;
    CHECK_INT(call(client, &result, &error), NRBAC_OK);
    CHECK_STR(nrbac_value_text(nrbac_value_at(result, 0)), "asked");
    CHECK_STR(nrbac_client_fault(client), "");
    CHECK_INT(call(client, &result, &error), NRBAC_E_REFUSED);
    CHECK_STR(nrbac_client_fault(client), "not-allowed");
    CHECK_STR(error.text, "not-allowed: no");
    CHECK(result == NULL);
    CHECK_INT(call(client, &result, &error), NRBAC_OK);
    CHECK_STR(nrbac_client_fault(client), "");
    stop(&daemon, client);
}

/* And its letting go of the connection does not end it. */
static void a_forked_child_leaves_its_parents_connection_alone(void)
{
    static const deed deeds[] = { ANSWER, ANSWER };
    scripted daemon;
    nrbac_client *client = start(&daemon, deeds, NR_COUNT(deeds));
    const nrbac_value *result = NULL;
    nrbac_error error;
    CHECK_INT(call(client, &result, &error), NRBAC_OK);
    pid_t child = fork();
    if (child == 0) {
        bool refused = call(client, &result, &error) == NRBAC_E_IO &&
                       strstr(error.text, "parent process's") != NULL;
        nrbac_client_disconnect(client);
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    CHECK_INT(call(client, &result, &error), NRBAC_OK);
    stop(&daemon, client);
}

/* A call that nobody answers ends in time, and its answer is not taken for the
 * next one's. */
static void a_late_answer_is_passed_over(void)
{
    static const deed deeds[] = { SAY_NOTHING, ANSWER_LATE };
    scripted daemon;
    nrbac_client *client = start(&daemon, deeds, NR_COUNT(deeds));
    const nrbac_value *result = NULL;
    nrbac_error error;
    CHECK_INT(call(client, &result, &error), NRBAC_E_TIMEOUT);
    CHECK_INT(call(client, &result, &error), NRBAC_OK);
    CHECK_STR(nrbac_value_text(nrbac_value_at(result, 0)), "asked");
    stop(&daemon, client);
}

/* Writing to a daemon that is gone is a status, not a signal. */
static void a_daemon_that_is_gone_is_a_status(void)
{
    static const deed deeds[] = { HANG_UP };
    scripted daemon;
    CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    nrbac_client *client = start(&daemon, deeds, NR_COUNT(deeds));
    const nrbac_value *result = NULL;
    nrbac_error error;
    (void)poll(NULL, 0, 50);
    CHECK_INT(call(client, &result, &error), NRBAC_E_IO);
    CHECK_STR(error.text, "the daemon closed the connection");
    CHECK_INT(call(client, &result, &error), NRBAC_E_IO);
    CHECK_STR(error.text, "the connection is gone");
    stop(&daemon, client);
}

static void nonsense_ends_the_connection(void)
{
    static const deed first[] = { TALK_NONSENSE };
    static const deed second[] = { SEND_A_REQUEST };
    static const deed *const cases[] = { first, second };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        scripted daemon;
        nrbac_client *client = start(&daemon, cases[i], 1);
        const nrbac_value *result = NULL;
        nrbac_error error;
        CHECK_INT(call(client, &result, &error), NRBAC_E_FORMAT);
        CHECK(result == NULL);
        CHECK_INT(call(client, &result, &error), NRBAC_E_IO);
        stop(&daemon, client);
    }
}

/* What cannot be read as a decision is no permit. */
static void rows_are_read_as_decisions(void)
{
    static const deed deeds[] = { ROW, ROWS, ROWS, TOO_MANY_OBLIGATIONS };
    static const char *const names[] = { "B0820", "B0825", NULL };
    static const char *const more[] = { "B0820", NULL };
    scripted daemon;
    nrbac_client *client = start(&daemon, deeds, NR_COUNT(deeds));
    nrbac_client_answer answers[2];
    nrbac_error error;
    CHECK_INT(nrbac_client_check(client, 1, "B0820", answers, &error), NRBAC_OK);
    CHECK(answers[0].permitted);
    CHECK_STR(answers[0].reason, "requirement-met");
    CHECK_INT(answers[0].generation, 7);
    CHECK_INT(answers[0].obligation_count, 2);
    CHECK_STR(answers[0].obligations[1], "notify-access");

    CHECK_INT(nrbac_client_check_many(client, 1, names, answers, &error), NRBAC_OK);
    CHECK(answers[0].permitted);
    CHECK(!answers[1].permitted);
    CHECK_INT(nrbac_client_check_many(client, 1, more, answers, &error),
              NRBAC_E_FORMAT); /* two answers to one question */
    CHECK(!answers[0].permitted);
    stop(&daemon, client);

    static const deed numbered[] = { NUMBERED_ROW, TOO_MANY_OBLIGATIONS };
    client = start(&daemon, numbered, NR_COUNT(numbered));
    CHECK_INT(nrbac_client_check_number(client, 1, 3, answers, &error), NRBAC_OK);
    CHECK(answers[0].permitted);
    CHECK_INT(answers[0].obligation_count, 3);
    CHECK_INT(nrbac_client_check_number(client, 1, 3, answers, &error), NRBAC_E_FORMAT);
    CHECK(!answers[0].permitted);
    stop(&daemon, client);

    client = start(&daemon, &deeds[3], 1);
    CHECK_INT(nrbac_client_check(client, 1, "B0820", answers, &error), NRBAC_E_FORMAT);
    CHECK(!answers[0].permitted);
    CHECK_INT(answers[0].obligation_count, 0);
    stop(&daemon, client);
}

int main(void)
{
    nobody_serves_the_socket();
    a_folder_means_the_socket_in_it();
    answers_and_refusals_are_told_apart();
    a_forked_child_leaves_its_parents_connection_alone();
    a_late_answer_is_passed_over();
    a_daemon_that_is_gone_is_a_status();
    nonsense_ends_the_connection();
    rows_are_read_as_decisions();
    (void)call(NULL, NULL, NULL);
    return check_report();
}
