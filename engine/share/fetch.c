/* SPDX-License-Identifier: Apache-2.0 */
/* Needs more than C11: SOCK_CLOEXEC, MSG_CMSG_CLOEXEC, memmem. */
#define _GNU_SOURCE
#include "share/fetch.h"

#include "base/socket.h"
#include "share/ring.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* [0, 1, "attach", []], and how its answer begins: [1, 1, nil, ... */
static const uint8_t attach[] = {
    0x94, 0, 1, 0xa6, 'a', 't', 't', 'a', 'c', 'h', 0x90
};
static const uint8_t takeover[] = { 0x94, 0,   1,   0xa8, 't', 'a', 'k',
                                    'e',  'o', 'v', 'e',  'r', 0x90 };
static const uint8_t ring[] = { 0x94, 0,   1,   0xa4, 'r',
                                'i',  'n', 'g', 0x91, NR_RING_VERSION };
static const uint8_t answer[] = { 0x94, 1, 1, 0xc0 };

static const struct question {
    const uint8_t *bytes;
    size_t size;
    size_t descriptors;  /* that the answer brings */
    const char *refused; /* what its refusal means */
    const char *other;   /* and any other answer */
} questions[] = {
    [NR_WANT_TABLE] = { attach, sizeof(attach), 2,
                        "the daemon gives its table to other users",
                        "the daemon has no table to give" },
    [NR_WANT_LISTENER] = { takeover, sizeof(takeover), 1,
                           "the daemon does not let this user succeed it, its socket "
                           "belongs to the service manager, or all deciding is stopped",
                           "the daemon cannot be succeeded" },
    [NR_WANT_RING] = { ring, sizeof(ring), 1,
                       "the daemon keeps no audit trail, or takes no records of this "
                       "user",
                       "the daemon takes no records" },
};

enum { DESCRIPTORS_MAX = 8 };

static nrbac_status fail(nrbac_error *error, nrbac_status status, const char *path,
                         const char *why)
{
    if (error != NULL)
        (void)snprintf(error->text, sizeof(error->text), "%.150s: %s", path, why);
    return status;
}

static nrbac_status fail_errno(nrbac_error *error, const char *path, int number)
{
    char room[64];
    return fail(error, NRBAC_E_IO, path, strerror_r(number, room, sizeof(room)));
}

void nr_fetch_drop(nr_fetch *fetch)
{
    int fds[] = { fetch->socket, fetch->image, fetch->page };
    for (size_t i = 0; i < NR_COUNT(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    *fetch = NR_FETCH_NONE;
}

/* ---- Asking -------------------------------------------------------------------- */

/* A Unix socket connects at once or not at all. */
static nrbac_status ask(nr_fetch *fetch, const char *path, nrbac_error *error)
{
    const struct question *question = &questions[fetch->wanted];
    struct sockaddr_un address;
    if (!nr_socket_address(&address, path))
        return fail(error, NRBAC_E_ARGUMENT, path, "too long for a socket");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail_errno(error, path, errno);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        send(fd, question->bytes, question->size, MSG_NOSIGNAL) !=
            (ssize_t)question->size) {
        int number = errno;
        (void)close(fd);
        if (number == EAGAIN) /* its queue is full; there is nothing to wait for */
            return fail(error, NRBAC_E_TIMEOUT, path, "the daemon does not accept");
        return fail_errno(error, path, number);
    }
    fetch->socket = fd;
    return NRBAC_OK;
}

/* ---- Receiving ----------------------------------------------------------------- */

/* The descriptors of a message; how many. */
static size_t take_descriptors(struct msghdr *message, int fds[DESCRIPTORS_MAX])
{
    size_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL;
         c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here && count < DESCRIPTORS_MAX; i++)
            memcpy(&fds[count++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
    return count;
}

/* Of an error, by its code. */
static nrbac_status meaning(const uint8_t *bytes, size_t size)
{
    static const struct {
        const char *code;
        nrbac_status status;
    } meanings[] = { { "not-allowed", NRBAC_E_REFUSED },
                     { "over-limit", NRBAC_E_LIMIT },
                     { "bad-params", NRBAC_E_VERSION } };
    for (size_t i = 0; i < NR_COUNT(meanings); i++)
        if (memmem(bytes, size, meanings[i].code, strlen(meanings[i].code)) != NULL)
            return meanings[i].status;
    return NRBAC_E_FORMAT;
}

static const char *why(const struct question *question, nrbac_status status)
{
    switch (status) {
    case NRBAC_E_REFUSED:
        return question->refused;
    case NRBAC_E_LIMIT:
        return "the daemon has no room for it now";
    case NRBAC_E_VERSION:
        return "the daemon is of another release, which does this in another way";
    default:
        return question->other;
    }
}

static nrbac_status judge(nr_fetch *fetch, const uint8_t *bytes, size_t size,
                          const int *fds, size_t count)
{
    size_t wanted = questions[fetch->wanted].descriptors;
    if (count >= wanted && size >= sizeof(answer) &&
        memcmp(bytes, answer, sizeof(answer)) == 0) {
        fetch->image = fds[0];
        if (wanted > 1)
            fetch->page = fds[1];
        return NRBAC_OK;
    }
    return meaning(bytes, size);
}

static nrbac_status receive(nr_fetch *fetch, const char *path, nrbac_error *error)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
    uint8_t bytes[1024];
    struct iovec place = { bytes, sizeof(bytes) };
    struct msghdr message = { .msg_iov = &place,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof(control) };
    ssize_t size = recvmsg(fetch->socket, &message, MSG_CMSG_CLOEXEC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return NRBAC_E_TIMEOUT;
    if (size < 0)
        return fail_errno(error, path, errno);
    if (size == 0)
        return fail(error, NRBAC_E_IO, path, "the daemon hung up");
    int fds[DESCRIPTORS_MAX];
    size_t count = take_descriptors(&message, fds);
    nrbac_status status = judge(fetch, bytes, (size_t)size, fds, count);
    const struct question *question = &questions[fetch->wanted];
    for (size_t i = status == NRBAC_OK ? question->descriptors : 0; i < count; i++)
        (void)close(fds[i]);
    return status == NRBAC_OK ? status
                              : fail(error, status, path, why(question, status));
}

nrbac_status nr_fetch_step(nr_fetch *fetch, const char *path, int wait_ms,
                           nrbac_error *error)
{
    if (fetch->socket < 0)
        NR_TRY(ask(fetch, path, error));
    struct pollfd poller = { .fd = fetch->socket, .events = POLLIN };
    nrbac_status status = NRBAC_E_TIMEOUT;
    if (poll(&poller, 1, wait_ms) > 0)
        status = receive(fetch, path, error);
    if (status == NRBAC_E_TIMEOUT)
        return fail(error, status, path, "the daemon does not answer");
    if (status == NRBAC_OK && fetch->wanted == NR_WANT_RING)
        return NRBAC_OK;
    (void)close(fetch->socket);
    fetch->socket = -1;
    return status;
}
