/* SPDX-License-Identifier: Apache-2.0 */
/* Needs more than C11: SOCK_CLOEXEC, MSG_NOSIGNAL. */
#define _GNU_SOURCE
#include "server/notify.h"

#include "server/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract name */
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
                         (const struct sockaddr *)&address, size) < 0)
        nr_log("the service manager could not be told: %s", nr_errno(errno).text);
    if (fd >= 0)
        (void)close(fd);
}

void nr_notify_ready(void)
{
    notify("READY=1");
}

void nr_notify_reloading(void)
{
    struct timespec now;
    char state[64];
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                   (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    notify(state);
}

void nr_notify_stopping(void)
{
    notify("STOPPING=1");
}
