/* SPDX-License-Identifier: Apache-2.0 */
/* Many calls under way: the test is both ends, one step after the other. */
#include "check.h"

#include "wire/rpc.h"

#include <nrbac/client.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static nrbac_document *document;
static nrbac_error error;

typedef struct pair {
    nrbac_client *client;
    int far; /* the daemon's end */
} pair;

static pair connected(void)
{
    pair made = { NULL, -1 };
    char folder[] = "/tmp/nrbac-many-XXXXXX";
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (mkdtemp(folder) == NULL)
        abort();
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/nrbacd.sock",
                   folder);
    int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listening, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listening, 1) != 0)
        abort();
    CHECK_INT(nrbac_client_connect(folder, 200, &made.client, &error), NRBAC_OK);
    made.far = accept(listening, NULL, NULL);
    (void)close(listening);
    (void)unlink(address.sun_path);
    (void)rmdir(folder);
    nrbac_document_reset(document);
    return made;
}

static void finish(pair *it)
{
    nrbac_client_disconnect(it->client);
    if (it->far >= 0)
        (void)close(it->far);
}

static void answer(const pair *it, uint32_t call, const char *text)
{
    nr_buffer out = { 0 };
    nr_rpc_write_result(&out, call, nrbac_new_text(document, text));
    CHECK_INT(write(it->far, out.bytes, out.size), (long long)out.size);
    nr_buffer_finish(&out);
}

static void refuse(const pair *it, const uint32_t *call)
{
    nr_buffer out = { 0 };
    nr_rpc_write_fault(&out, call, NR_FAULT_OVER_LIMIT, "no more");
    CHECK_INT(write(it->far, out.bytes, out.size), (long long)out.size);
    nr_buffer_finish(&out);
}

static nrbac_status receive(const pair *it, uint32_t *call, const nrbac_value **result)
{
    return nrbac_client_receive(it->client, document, call, result, &error);
}

/* In whatever order answers come, each says which call it is of. */
static void answers_find_their_calls(void)
{
    pair it = connected();
    uint32_t calls[3], call;
    const nrbac_value *result = NULL;
    for (size_t i = 0; i < NR_COUNT(calls); i++)
        CHECK_INT(nrbac_client_send(it.client, "echo", NULL, &calls[i], &error),
                  NRBAC_OK);
    CHECK(calls[0] != 0 && calls[0] != calls[1] && calls[1] != calls[2]);
    CHECK_INT(nrbac_client_unsent(it.client), 0);
    CHECK_INT(receive(&it, &call, &result), NRBAC_E_TIMEOUT);
    answer(&it, calls[2], "third");
    answer(&it, calls[0], "first");
    refuse(&it, &calls[1]);
    CHECK_INT(receive(&it, &call, &result), NRBAC_OK);
    CHECK_INT(call, calls[2]);
    CHECK_STR(nrbac_value_text(result), "third");
    CHECK_INT(receive(&it, &call, &result), NRBAC_OK);
    CHECK_INT(call, calls[0]);
    CHECK_INT(receive(&it, &call, &result), NRBAC_E_REFUSED);
    CHECK_INT(call, calls[1]);
    CHECK(result == NULL);
    CHECK_STR(nrbac_client_fault(it.client), "over-limit");
    CHECK_INT(receive(&it, &call, &result), NRBAC_E_TIMEOUT);
    CHECK_STR(nrbac_client_fault(it.client), "");
    finish(&it);
}

static void an_answer_counts_when_it_is_whole(void)
{
    pair it = connected();
    uint32_t sent, call;
    const nrbac_value *result = NULL;
    nr_buffer out = { 0 };
    CHECK_INT(nrbac_client_send(it.client, "echo", NULL, &sent, &error), NRBAC_OK);
    nr_rpc_write_result(&out, sent, nrbac_new_text(document, "whole"));
    for (size_t i = 0; i < out.size; i++) {
        CHECK_INT(receive(&it, &call, &result), NRBAC_E_TIMEOUT);
        CHECK_INT(write(it.far, out.bytes + i, 1), 1);
    }
    CHECK_INT(receive(&it, &call, &result), NRBAC_OK);
    CHECK_STR(nrbac_value_text(result), "whole");
    nr_buffer_finish(&out);
    finish(&it);
}

/* How much came at the daemon's end by now. */
static size_t drained(const pair *it)
{
    char bytes[8192];
    size_t sum = 0;
    for (ssize_t got; (got = recv(it->far, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0;)
        sum += (size_t)got;
    return sum;
}

/* A daemon that does not read holds up no sender, and gets everything once it does. */
static void what_is_not_taken_is_kept(void)
{
    enum { LARGE = 1 << 20 };
    pair it = connected();
    char *text = calloc(1, LARGE + 1);
    memset(text, 'x', LARGE);
    nrbac_value *params = nrbac_new_list(document);
    nrbac_append(document, params, nrbac_new_text(document, text));
    uint32_t call;
    CHECK_INT(nrbac_client_send(it.client, "echo", params, &call, &error), NRBAC_OK);
    size_t left = nrbac_client_unsent(it.client);
    CHECK(left > 0 && left < LARGE);
    CHECK_INT(nrbac_client_flush(it.client, &error), NRBAC_OK);
    CHECK_INT(nrbac_client_unsent(it.client), (long long)left);
    size_t came = 0;
    while (nrbac_client_unsent(it.client) > 0) {
        came += drained(&it);
        CHECK_INT(nrbac_client_flush(it.client, &error), NRBAC_OK);
    }
    came += drained(&it);
    CHECK(came > LARGE && came < LARGE + 32);
    free(text);
    finish(&it);
}

/* What the daemon would not take is not sent, and is nobody's end. */
static void a_message_can_be_too_large(void)
{
    pair it = connected();
    uint32_t call;
    char text[100] = "";
    memset(text, 'x', sizeof(text) - 1);
    nrbac_value *params = nrbac_new_list(document);
    nrbac_append(document, params, nrbac_new_text(document, text));
    nrbac_client_limit(it.client, 100);
    CHECK_INT(nrbac_client_send(it.client, "echo", params, &call, &error),
              NRBAC_E_LIMIT);
    CHECK_INT(call, 0);
    CHECK_INT(nrbac_client_unsent(it.client), 0);
    CHECK_INT(nrbac_client_send(it.client, "echo", NULL, &call, &error), NRBAC_OK);
    CHECK_INT((long long)drained(&it), 9);
    nrbac_client_limit(it.client, 0);
    CHECK_INT(nrbac_client_send(it.client, "echo", params, &call, &error), NRBAC_OK);
    finish(&it);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

/* The descriptor may be polled until the client goes, whatever happens to it. */
static void the_end_is_told_and_the_descriptor_stays(void)
{
    pair it = connected();
    uint32_t sent, call;
    const nrbac_value *result = NULL;
    int fd = nrbac_client_descriptor(it.client);
    CHECK_INT(nrbac_client_send(it.client, "echo", NULL, &sent, &error), NRBAC_OK);
    answer(&it, sent, "last words");
    (void)close(it.far);
    it.far = -1;
    CHECK_INT(nrbac_client_send(it.client, "echo", NULL, &sent, &error), NRBAC_OK);
    CHECK_INT(receive(&it, &call, &result), NRBAC_OK);
    CHECK_STR(nrbac_value_text(result), "last words");
    CHECK_INT(receive(&it, &call, &result), NRBAC_E_IO);
    CHECK_INT(receive(&it, &call, &result), NRBAC_E_IO);
    CHECK_INT(nrbac_client_send(it.client, "echo", NULL, &sent, &error), NRBAC_E_IO);
    CHECK_INT(sent, 0);
    CHECK_INT(nrbac_client_flush(it.client, &error), NRBAC_E_IO);
    CHECK_INT(nrbac_client_descriptor(it.client), fd);
    CHECK(is_open(fd));
    finish(&it);
    CHECK(!is_open(fd));
}

static void nonsense_is_the_end(void)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = { { "\xc1", 1 },
                  { "\x94\x00\x01\xa1"
                    "a\x90",
                    6 },
                  { "\x94\x01\xff\xc0\xc0", 5 },
                  { "\xdd\xff\xff\xff\xff", 5 },
                  { "\x01", 1 } };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        pair it = connected();
        uint32_t call;
        const nrbac_value *result = NULL;
        CHECK_INT(write(it.far, cases[i].bytes, cases[i].size),
                  (long long)cases[i].size);
        CHECK_INT(receive(&it, &call, &result), NRBAC_E_FORMAT);
        CHECK_INT(receive(&it, &call, &result), NRBAC_E_IO);
        CHECK(result == NULL);
        finish(&it);
    }
}

/* A daemon that has too many connections already. */
static void a_connection_can_be_refused(void)
{
    pair it = connected();
    uint32_t call = 7;
    const nrbac_value *result = NULL;
    refuse(&it, NULL);
    CHECK_INT(receive(&it, &call, &result), NRBAC_E_REFUSED);
    CHECK_INT(call, 0);
    CHECK_STR(nrbac_client_fault(it.client), "over-limit");
    CHECK_INT(receive(&it, &call, &result), NRBAC_E_IO);
    finish(&it);
}

int main(void)
{
    document = nrbac_document_create();
    answers_find_their_calls();
    an_answer_counts_when_it_is_whole();
    what_is_not_taken_is_kept();
    a_message_can_be_too_large();
    the_end_is_told_and_the_descriptor_stays();
    nonsense_is_the_end();
    a_connection_can_be_refused();
    nrbac_document_destroy(document);
    return check_report();
}
