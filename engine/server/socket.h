/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening socket, where it comes from and where it goes; and who is at the
 * other end of a connection.
 */
#ifndef NR_SOCKET_H
#define NR_SOCKET_H

#include "audit/record.h" /* nr_peer */

#include <sys/types.h>

typedef struct nr_listener {
    int fd; /* -1: none */
    const char *path;
    bool ours; /* we made the file, so we remove it; not one that was passed */
    dev_t device;
    ino_t inode;
} nr_listener;

/* The socket that systemd passed (LISTEN_FDS, LISTEN_PID); fd -1: none was. False
 * after saying what is wrong with it. The environment is cleared of it. */
bool nr_listener_passed(nr_listener *out);

/* Makes the socket with these permissions. A file that nobody serves is replaced;
 * false after saying why not, such as another daemon serving it. */
bool nr_listener_bind(nr_listener *out, const char *path, mode_t mode);

/* Takes over the socket of the daemon that serves this path, which then ends; fd -1:
 * nobody serves it. False after saying why not. */
bool nr_listener_take(nr_listener *out, const char *path);

/* A connection that has come, which neither blocks nor is inherited; -1 with errno. */
int nr_listener_accept(const nr_listener *listener);

/* Removes our file, if it is still ours. */
void nr_listener_unlink(const nr_listener *listener);

/* The peer of a connection, as the kernel knows it. */
nr_peer nr_peer_of(int fd);

#endif
