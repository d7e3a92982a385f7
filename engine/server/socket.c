/* SPDX-License-Identifier: Apache-2.0 */
/* Needs more than C11: struct ucred, SOCK_CLOEXEC, flock. */
#define _GNU_SOURCE
#include "server/socket.h"

#include "server/log.h"
#include "share/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PASSED_FD = 3,  /* where systemd's descriptors begin */
    BACKLOG = 4096, /* of which the kernel keeps what net.core.somaxconn allows */
    LOCK_TRIES = 100,
    LOCK_WAIT_MS = 20,
    TAKE_WAIT_MS = 10000,
};

/* ---- Passed by systemd ------------------------------------------------------ */

static long environment_number(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    long number = text == NULL ? 0 : strtol(text, &end, 10);
    return text == NULL || end == text || *end != '\0' ? 0 : number;
}

static bool is_listening_stream(int fd)
{
    int kind = 0;
    int accepts = 0;
    int family = 0;
    socklen_t size = sizeof(int);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 &&
           kind == SOCK_STREAM && family == AF_UNIX && accepts != 0;
}

bool nr_listener_passed(nr_listener *out)
{
    *out = (nr_listener){ .fd = -1 };
    long count = environment_number("LISTEN_FDS");
    bool for_us = environment_number("LISTEN_PID") == (long)getpid();
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDNAMES");
    if (!for_us || count < 1)
        return true;
    if (count > 1 || !is_listening_stream(PASSED_FD)) {
        nr_log("one listening Unix stream socket may be passed; this is not one");
        return false;
    }
    (void)fcntl(PASSED_FD, F_SETFD, FD_CLOEXEC);
    out->fd = PASSED_FD;
    out->path = "passed by the service manager";
    return true;
}

/* ---- Made by us -------------------------------------------------------------- */

static bool fill_address(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address->sun_path)) {
        nr_log("the socket's path is longer than %zu bytes: `%s`",
               sizeof(address->sun_path) - 1, path);
        return false;
    }
    memcpy(address->sun_path, path, strlen(path));
    return true;
}

/* Two daemons that start at once may both find a stale file, and the second would
 * remove the first one's socket: looking, removing and binding are one step under
 * a lock on the folder, which leaves no file behind. -1 after saying why. */
static int lock_folder(const char *path)
{
    char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
    memcpy(copy, path, strlen(path) + 1);
    const char *folder = dirname(copy);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        nr_log("the socket's folder `%s`: %s", folder, nr_errno(errno).text);
        return -1;
    }
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        (void)poll(NULL, 0, LOCK_WAIT_MS);
    }
    nr_log("the socket's folder `%s` is locked by another process", folder);
    (void)close(fd);
    return -1;
}

/* Whether the path is free, after removing a socket that nobody serves. */
static bool make_room(const struct sockaddr_un *address)
{
    struct stat found;
    if (lstat(address->sun_path, &found) != 0) {
        if (errno == ENOENT)
            return true;
        nr_log("`%s`: %s", address->sun_path, nr_errno(errno).text);
        return false;
    }
    if (!S_ISSOCK(found.st_mode)) {
        nr_log("`%s` exists and is not a socket", address->sun_path);
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int result = fd < 0
                     ? -1
                     : connect(fd, (const struct sockaddr *)address, sizeof(*address));
    bool refused = fd >= 0 && result != 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        (void)close(fd);
    if (!refused)
        nr_log("another daemon is serving `%s`", address->sun_path);
    else if (unlink(address->sun_path) != 0)
        nr_log("cannot remove the stale socket `%s`: %s", address->sun_path,
               nr_errno(errno).text);
    else
        return true;
    return false;
}

static bool bind_here(nr_listener *out, const struct sockaddr_un *address, mode_t mode)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* The mode is there from the first moment: nobody can connect before it. */
    mode_t before = umask((mode_t)(0777 & ~mode));
    int result = fd < 0 ? -1
                        : bind(fd, (const struct sockaddr *)address, sizeof(*address));
    (void)umask(before);
    struct stat made;
    if (result != 0 || listen(fd, BACKLOG) != 0 ||
        lstat(address->sun_path, &made) != 0) {
        nr_log("cannot listen on `%s`: %s", address->sun_path, nr_errno(errno).text);
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    out->fd = fd;
    out->ours = true;
    out->device = made.st_dev;
    out->inode = made.st_ino;
    return true;
}

bool nr_listener_bind(nr_listener *out, const char *path, mode_t mode)
{
    *out = (nr_listener){ .fd = -1, .path = path };
    struct sockaddr_un address;
    if (!fill_address(&address, path))
        return false;
    int lock = lock_folder(path);
    if (lock < 0)
        return false;
    bool bound = make_room(&address) && bind_here(out, &address, mode);
    (void)close(lock);
    return bound;
}

bool nr_listener_take(nr_listener *out, const char *path)
{
    nr_fetch fetch = NR_FETCH_NONE;
    nrbac_error error = { { 0 } };
    struct stat made;
    fetch.wanted = NR_WANT_LISTENER;
    *out = (nr_listener){ .fd = -1, .path = path };
    nrbac_status status = nr_fetch_step(&fetch, path, TAKE_WAIT_MS, &error);
    if (status == NRBAC_E_IO)
        return true;
    if (status != NRBAC_OK || !is_listening_stream(fetch.image) ||
        lstat(path, &made) != 0) {
        nr_log("cannot take over: %s", error.text);
        nr_fetch_drop(&fetch);
        return false;
    }
    *out = (nr_listener){ fetch.image, path, true, made.st_dev, made.st_ino };
    return true;
}

int nr_listener_accept(const nr_listener *listener)
{
    return accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void nr_listener_unlink(const nr_listener *listener)
{
    struct stat found;
    if (listener->ours && lstat(listener->path, &found) == 0 &&
        found.st_dev == listener->device && found.st_ino == listener->inode)
        (void)unlink(listener->path);
}

nr_peer nr_peer_of(int fd)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return (nr_peer){ .known = false };
    return (nr_peer){ true, credentials.uid, credentials.gid, credentials.pid };
}
