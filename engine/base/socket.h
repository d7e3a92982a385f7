/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a daemon is reached: the path of its socket, or of the folder that it lies in.
 */
#ifndef NR_SOCKET_H
#define NR_SOCKET_H

#include "base/base.h"

#include <sys/socket.h>
#include <sys/un.h>

/* The address of a path; a folder means the socket NR_SOCKET_NAME in it. False: too
 * long for a socket. */
#define NR_SOCKET_NAME "nrbacd.sock"
bool nr_socket_address(struct sockaddr_un *address, const char *path);

#endif
