/* SPDX-License-Identifier: Apache-2.0 */
/* Needs more than C11: sockets, poll, SOCK_CLOEXEC, MSG_NOSIGNAL. */
#define _GNU_SOURCE
#include "client/channel.h"

#include "base/socket.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 8192, RETRY_MS = 10 };

int64_t nr_clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int left_ms(int64_t deadline)
{
    int64_t left = deadline - nr_clock_ms();
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static nrbac_status wait_for(nr_channel *channel, short events, int64_t deadline)
{
    struct pollfd poller = { .fd = channel->fd, .events = events };
    if (deadline == 0)
        return NRBAC_E_TIMEOUT;
    for (;;) {
        int ready = poll(&poller, 1, left_ms(deadline));
        if (ready > 0)
            return NRBAC_OK;
        if (ready == 0)
            return NRBAC_E_TIMEOUT;
        if (errno != EINTR)
            return NRBAC_E_IO;
    }
}

/* A Unix socket whose queue is full says EAGAIN and offers nothing to wait for. */
static nrbac_status try_connect(nr_channel *channel, const struct sockaddr_un *address,
                                int64_t deadline)
{
    while (connect(channel->fd, (const struct sockaddr *)address, sizeof(*address)) !=
           0) {
        if (errno != EAGAIN && errno != EINTR)
            return NRBAC_E_IO;
        if (left_ms(deadline) == 0)
            return NRBAC_E_TIMEOUT;
        (void)poll(NULL, 0, RETRY_MS);
    }
    return NRBAC_OK;
}

nrbac_status nr_channel_connect(nr_channel *channel, const char *path, int64_t deadline)
{
    struct sockaddr_un address;
    channel->fd = -1;
    if (!nr_socket_address(&address, path)) {
        errno = ENAMETOOLONG;
        return NRBAC_E_IO;
    }
    channel->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (channel->fd < 0)
        return NRBAC_E_IO;
    nrbac_status status = try_connect(channel, &address, deadline);
    if (status != NRBAC_OK) {
        int saved = errno;
        nr_channel_close(channel);
        errno = saved;
    }
    return status;
}

nrbac_status nr_channel_send(nr_channel *channel, nr_buffer *buffer, int64_t deadline)
{
    while (buffer->size > 0) {
        ssize_t sent = send(channel->fd, buffer->bytes, buffer->size, MSG_NOSIGNAL);
        if (sent >= 0) {
            nr_buffer_drop(buffer, (size_t)sent);
        } else if (errno == EAGAIN) {
            NR_TRY(wait_for(channel, POLLOUT, deadline));
        } else if (errno != EINTR) {
            return NRBAC_E_IO;
        }
    }
    return NRBAC_OK;
}

nrbac_status nr_channel_receive(nr_channel *channel, nr_buffer *buffer,
                                int64_t deadline)
{
    uint8_t chunk[CHUNK];
    for (;;) {
        ssize_t got = recv(channel->fd, chunk, sizeof(chunk), 0);
        if (got > 0) {
            nr_buffer_append(buffer, chunk, (size_t)got);
            return buffer->failed ? NRBAC_E_MEMORY : NRBAC_OK;
        }
        if (got == 0) {
            errno = 0;
            return NRBAC_E_IO;
        }
        if (errno == EAGAIN)
            NR_TRY(wait_for(channel, POLLIN, deadline));
        else if (errno != EINTR)
            return NRBAC_E_IO;
    }
}

void nr_channel_hang_up(nr_channel *channel)
{
    if (channel->fd >= 0)
        (void)shutdown(channel->fd, SHUT_RDWR);
}

void nr_channel_close(nr_channel *channel)
{
    if (channel->fd >= 0)
        (void)close(channel->fd);
    channel->fd = -1;
}
