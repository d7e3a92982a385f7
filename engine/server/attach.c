/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "server/attach.h"

#include "server/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AGAIN_MS = 10 };

nrbac_value *nr_method_attach(nr_call *call)
{
    nr_connection *connection = call->connection;
    if (!nr_server_shares(call->server, &connection->peer))
        return nr_call_refuse(call, NR_FAULT_NOT_ALLOWED,
                              "only the daemon's own user, root and the users in "
                              "`attach_users` may have the table");
    call->later = true;
    connection->handing = NR_HAND_TABLE;
    connection->handing_id = call->id;
    return NULL;
}

nrbac_value *nr_method_takeover(nr_call *call)
{
    nr_connection *connection = call->connection;
    if (!nr_server_trusts(call->server, &connection->peer))
        return nr_call_refuse(call, NR_FAULT_NOT_ALLOWED,
                              "only the daemon's own user, root and the users in "
                              "`reload_users` may do this");
    if (!call->server->listener.ours)
        return nr_call_refuse(call, NR_FAULT_NOT_ALLOWED,
                              "the socket was passed by the service manager, which can "
                              "start a successor on it");
    if (call->server->stopped)
        return nr_call_refuse(call, NR_FAULT_NOT_ALLOWED,
                              "all deciding is stopped, and a successor would go on: "
                              "release it first");
    call->later = true;
    connection->handing = NR_HAND_LISTENER;
    connection->handing_id = call->id;
    return NULL;
}

static nrbac_value *refuse_ring(nr_call *call, nr_fault fault, const char *why)
{
    nr_count(&call->worker->metrics.audit_ring_refused, 1);
    return nr_call_refuse(call, fault, why);
}

/* A program of another release is told so before anything of it is read. */
static nrbac_value *refuse_version(nr_call *call, int64_t version)
{
    const nr_peer *peer = &call->connection->peer;
    nr_log("an audit ring of version %" PRId64 " was asked for (uid %" PRIu32
           ", pid %" PRId32 "), and those of this release are of version %d: what that "
           "program decides cannot be recorded",
           version, peer->uid, peer->pid, NR_RING_VERSION);
    return refuse_ring(call, NR_FAULT_BAD_PARAMS,
                       "the rings of this release are of another version");
}

nrbac_value *nr_method_ring(nr_call *call)
{
    nr_connection *connection = call->connection;
    const nrbac_value *version = nrbac_value_at(call->params, 0);
    if (nrbac_value_kind(version) != NRBAC_KIND_INTEGER)
        return nr_call_bad_params(call);
    if (nr_server_recorder(call->server) == NULL)
        return refuse_ring(call, NR_FAULT_NOT_ALLOWED,
                           "there is no audit trail to take records into");
    if (!nr_server_shares(call->server, &connection->peer))
        return refuse_ring(call, NR_FAULT_NOT_ALLOWED,
                           "only the daemon's own user, root and the users in "
                           "`attach_users` may have a ring");
    if (nrbac_value_integer(version) != NR_RING_VERSION)
        return refuse_version(call, nrbac_value_integer(version));
    if (connection->ring != NULL)
        return refuse_ring(call, NR_FAULT_OVER_LIMIT, "this connection has its ring");
    connection->ring = nr_rings_add(connection);
    if (connection->ring == NULL)
        return refuse_ring(call, NR_FAULT_OVER_LIMIT, "there is no memory for it");
    call->later = true;
    connection->handing = NR_HAND_RING;
    connection->handing_id = call->id;
    return NULL;
}

/* What is in force at the moment of sending, as the descriptors are: locked for both. */
static nrbac_value *tell_table(const nr_server *server, nrbac_document *document)
{
    const nr_shared *shared = &server->shared;
    const int64_t numbers[] = { (int64_t)shared->status.generation,
                                (int64_t)shared->status.image_size,
                                server->options->stale_seconds };
    static const char *const keys[] = { "generation", "size", "stale_seconds" };
    nrbac_value *map = nrbac_new_map(document);
    for (size_t i = 0; i < NR_COUNT(keys); i++)
        nrbac_set(document, map, keys[i], nrbac_new_integer(document, numbers[i]));
    nrbac_set(document, map, "digest", nrbac_new_text(document, shared->digest));
    return map;
}

static nrbac_value *tell_listener(nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "version", nrbac_new_text(document, nrbac_version()));
    nrbac_set(document, map, "pid", nrbac_new_integer(document, (int64_t)getpid()));
    return map;
}

static nrbac_value *tell_ring(nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "version", nrbac_new_integer(document, NR_RING_VERSION));
    nrbac_set(document, map, "places", nrbac_new_integer(document, NR_RING_PLACES));
    return map;
}

static nrbac_value *tell(const nr_connection *connection, nrbac_document *document)
{
    switch (connection->handing) {
    case NR_HAND_TABLE:
        return tell_table(connection->worker->server, document);
    case NR_HAND_RING:
        return tell_ring(document);
    default:
        return tell_listener(document);
    }
}

static void write_answer(const nr_connection *connection, nr_buffer *out)
{
    nrbac_document *document = connection->worker->document;
    nrbac_document_reset(document);
    nrbac_value *map = tell(connection, document);
    if (nrbac_document_status(document) == NRBAC_OK)
        nr_rpc_write_result(out, connection->handing_id, map);
    else
        out->failed = true;
}

/* How many bytes the peer's socket took; -1 with errno. */
static ssize_t send_with(int socket, const nr_buffer *bytes, const int *fds,
                         size_t count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = { 0 };
    struct iovec part = { bytes->bytes, bytes->size };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent;
}

static void on_again(uv_timer_t *timer)
{
    if (!nr_connections_hand_over(timer->data))
        (void)uv_timer_stop(timer);
}

/* libuv knows nothing of what is sent past it, so it cannot say when there is room. */
static void try_again(nr_worker *worker)
{
    if (uv_is_active((uv_handle_t *)&worker->again) == 0)
        (void)uv_timer_start(&worker->again, on_again, AGAIN_MS, AGAIN_MS);
}

/* What the connection waits for; locked. -1: the socket is not to be had any more. Only
 * one may succeed us: a second one would remove the first one's socket when it ends. */
static int descriptor_for(const nr_connection *connection)
{
    const nr_server *server = connection->worker->server;
    switch (connection->handing) {
    case NR_HAND_TABLE:
        return server->shared.image_fd;
    case NR_HAND_RING:
        return connection->ring->fd;
    default:
        return server->retiring || server->stopped ? -1 : server->listener.fd;
    }
}

/* The answer and its descriptors; how many bytes of it the peer took, or -1. */
static ssize_t hand_over(nr_connection *connection, nr_buffer *answer)
{
    nr_server *server = connection->worker->server;
    uv_os_fd_t socket = -1;
    ssize_t sent = -1;
    pthread_mutex_lock(&server->lock);
    bool is_table = connection->handing == NR_HAND_TABLE;
    const int fds[] = { descriptor_for(connection), server->shared.page_fd };
    write_answer(connection, answer);
    errno = EBADF;
    if (!answer->failed && uv_fileno((uv_handle_t *)&connection->pipe, &socket) == 0)
        sent = send_with(socket, answer, fds, is_table ? 2 : 1);
    if (sent >= 0 && connection->handing == NR_HAND_LISTENER)
        nr_server_retire(server);
    pthread_mutex_unlock(&server->lock);
    return sent;
}

void nr_attach_hand_over(nr_connection *connection)
{
    nr_worker *worker = connection->worker;
    nr_buffer answer = { 0 };
    ssize_t sent = hand_over(connection, &answer);
    /* The other: more descriptors are on their way than this user may have open. */
    if (sent < 0 && (errno == EAGAIN || errno == ETOOMANYREFS)) {
        try_again(worker);
    } else if (sent < 0) {
        nr_connection_close(connection);
    } else {
        if (connection->handing == NR_HAND_RING)
            nr_rings_handed(connection->ring);
        connection->handing = NR_HAND_NOTHING;
        connection->active_at = uv_now(&worker->loop);
        nr_count(&worker->metrics.bytes_sent, (uint64_t)sent);
        nr_buffer_append(&connection->output, answer.bytes + sent,
                         answer.size - (size_t)sent);
    }
    nr_buffer_finish(&answer);
}
