/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that gives a shared table as nrbacd does, or, when told to, as nrbacd
 * never would. It is another process since the kernel tells the publisher of a page
 * from everybody else by that.
 */
#ifndef GIVER_H
#define GIVER_H

#include "compiled.h"
#include "share/memory.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

/* What it can be told; each is answered when it is done. */
typedef enum giver_order {
    GIVE_ODD = 'o',    /* publishes the policy of odd generations, or of even ones */
    GIVE_EVEN = 'e',   /* with the number after the last one */
    GIVE_MANY = 'm',   /* both in turn, every millisecond, until the next order */
    GIVE_BEATS = 'b',  /* lives for LIFE_NS and says so all the time, as well */
    GIVE_REVOKE = 'r', /* the person "somebody" */
    GIVE_STOP = 's',
    GIVE_GO = 'g',
    GIVE_STALE = 'd',        /* its deadline has passed */
    GIVE_HALF_WRITTEN = 'h', /* as if it had died while it wrote */
    GIVE_NOT_ALLOWED = 'n',  /* from here on: how attach is answered */
    GIVE_UNSEALED = 'u',
    GIVE_FILES = 'f',
    GIVE_ONE = '1',
    GIVE_SWAPPED = 'w',
    GIVE_GARBAGE = 'y',
    GIVE_NOTHING = '0', /* hangs up */
    GIVE_LATE = 'l',    /* does not answer */
    GIVE_WELL = 'k',
} giver_order;

typedef struct giver {
    pid_t pid;
    int orders; /* of the parent: to it, and what it answers */
    char path[64];
} giver;

typedef struct giving {
    int orders, listening, image_fd, page_fd, odd_file;
    nr_status_page *page;
    nr_status status;
    nrbac_build *builds[2];
    char how;
    bool many, beats;
} giving;

enum { LIFE_NS = 200000000 };

static inline void giving_write(giving *g)
{
    g->status.beaten_at = nr_boot_ns();
    g->status.beaten_wall = (int64_t)time(NULL);
    nr_status_write(g->page, &g->status);
}

static inline void giving_publish(giving *g, int even)
{
    size_t size = 0;
    const void *image = nrbac_build_image(g->builds[even], &size);
    if (g->image_fd >= 0)
        (void)close(g->image_fd);
    g->image_fd = nr_memory_seal(image, size);
    g->status.generation++;
    g->status.image_size = size;
    g->status.alive_until = 0;
    /* The digest lies behind magic, version, order, size and checksum. */
    memcpy(g->status.digest, (const char *)image + 32, NR_SHA256_SIZE);
    giving_write(g);
}

static inline bool giving_obey(giving *g, char order)
{
    g->many = g->beats = false;
    if (order == GIVE_ODD || order == GIVE_EVEN)
        giving_publish(g, order == GIVE_EVEN);
    else if (order == GIVE_MANY)
        g->many = true;
    else if (order == GIVE_BEATS)
        g->beats = true;
    else if (order == GIVE_REVOKE)
        nr_status_revoke(g->page, &(nrbac_revocation){ .sub = "somebody" });
    else if (order == GIVE_HALF_WRITTEN)
        (void)atomic_fetch_add(&g->page->turn, 1);
    else if (order == GIVE_STOP || order == GIVE_GO || order == GIVE_STALE) {
        g->status.stopped = order == GIVE_STOP;
        g->status.alive_until = order == GIVE_STALE ? 1 : 0;
        giving_write(g);
    } else
        g->how = order;
    return write(g->orders, &order, 1) == 1;
}

static inline void giving_send(int socket, const void *bytes, size_t size,
                               const int *fds, size_t count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = { 0 };
    struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (count != 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
    }
    (void)sendmsg(socket, &message, MSG_NOSIGNAL);
}

static inline void giving_answer(giving *g, int socket)
{
    static const char well[] = "\x94\x01\x01\xc0\x80";
    static const char refusal[] = "\x94\x01\x01\x81\xa4"
                                  "code\xabnot-allowed\xc0";
    int fds[2] = { g->image_fd, g->page_fd };
    size_t count = 2;
    size_t size = sizeof(well) - 1;
    const char *bytes = well;
    if (g->how == GIVE_UNSEALED)
        fds[0] = memfd_create("loose", MFD_ALLOW_SEALING);
    if (g->how == GIVE_FILES)
        fds[0] = fds[1] = g->odd_file;
    if (g->how == GIVE_SWAPPED) {
        fds[0] = g->page_fd;
        fds[1] = g->image_fd;
    }
    if (g->how == GIVE_ONE)
        count = 1;
    if (g->how == GIVE_GARBAGE)
        bytes = "HTTP/1.1 400 Bad Request";
    if (g->how == GIVE_NOT_ALLOWED) {
        bytes = refusal;
        size = sizeof(refusal) - 1;
        count = 0;
    }
    if (g->how != GIVE_NOTHING)
        giving_send(socket, bytes, size, fds, count);
    if (g->how == GIVE_UNSEALED)
        (void)close(fds[0]);
}

/* One at a time; a question that is to be left open stays so until the next. */
static inline void giving_accept(giving *g)
{
    static int open_question = -1;
    char question[64];
    int socket = accept(g->listening, NULL, NULL);
    if (open_question >= 0)
        (void)close(open_question);
    open_question = -1;
    ssize_t got = read(socket, question, sizeof(question));
    if (got != 11 || memcmp(question,
                            "\x94\0\1\xa6"
                            "attach\x90",
                            11) != 0)
        _exit(3);
    if (g->how == GIVE_LATE) {
        open_question = socket;
        return;
    }
    giving_answer(g, socket);
    (void)close(socket);
}

static inline void giving_run(giving *g)
{
    struct pollfd polled[] = { { .fd = g->orders, .events = POLLIN },
                               { .fd = g->listening, .events = POLLIN } };
    for (;;) {
        char order = 0;
        if (poll(polled, 2, g->many || g->beats ? 1 : -1) < 0)
            _exit(4);
        if (g->beats) {
            g->status.alive_until = nr_boot_ns() + LIFE_NS;
            giving_write(g);
        }
        if (g->many)
            giving_publish(g, g->status.generation % 2 == 1);
        if (polled[1].revents != 0)
            giving_accept(g);
        if (polled[0].revents != 0 &&
            (read(g->orders, &order, 1) != 1 || !giving_obey(g, order)))
            _exit(0);
    }
}

static inline int giver_listen(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, path, strlen(path));
    (void)unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                   listen(fd, 64) == 0
               ? fd
               : -1;
}

/* Begins with the policy of odd generations, as number 1. */
static inline giver giver_start(const char *path, nrbac_build *odd, nrbac_build *even)
{
    giver made = { .pid = -1 };
    int pair[2];
    (void)snprintf(made.path, sizeof(made.path), "%s", path);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    int listening = giver_listen(path);
    CHECK(listening >= 0);
    made.orders = pair[0];
    made.pid = fork();
    if (made.pid != 0) {
        (void)close(pair[1]);
        (void)close(listening);
        return made;
    }
    (void)close(pair[0]);
    giving g = { .orders = pair[1],
                 .listening = listening,
                 .image_fd = -1,
                 .odd_file = open("/proc/self/exe", O_RDONLY),
                 .builds = { odd, even },
                 .how = GIVE_WELL };
    g.page = nr_memory_make_page(&g.page_fd);
    if (g.page == NULL)
        _exit(2);
    giving_publish(&g, 0);
    giving_run(&g);
    _exit(0);
}

static inline void giver_tell(giver *to, giver_order order)
{
    char byte = (char)order;
    CHECK(write(to->orders, &byte, 1) == 1 && read(to->orders, &byte, 1) == 1);
}

/* Kills it, as it stands. */
static inline void giver_end(giver *it)
{
    (void)kill(it->pid, SIGKILL);
    (void)waitpid(it->pid, NULL, 0);
    (void)close(it->orders);
}

#endif
