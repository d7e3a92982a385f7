/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who speaks for which application: the kernel says who the peer is, and the
 * configuration to whom an application belongs.
 *
 *   the application that a request names    what the peer says of it
 *   bound to this peer                      counts
 *   bound to another                        is refused: application-not-authenticated
 *   bound to none, and the peer is to some  is refused too: it speaks for its own alone
 *   bound to none, and neither is the peer  counts if `trust_applications` says so
 */
#ifndef NR_CALLERS_H
#define NR_CALLERS_H

#include "server/socket.h"

#include <nrbac/value.h>

typedef struct nr_options nr_options;

enum { NR_ID_UNMAPPED = 65534 };   /* a user or group that our namespace has not */
#define NR_ID_MAX (UINT32_MAX - 1) /* the largest that names somebody */

/* An application's peer; all that is stated must be so. */
typedef struct nr_binding {
    const char *application;
    bool has_uid, has_gid;
    uid_t uid;
    gid_t gid;
} nr_binding;

typedef struct nr_bindings {
    nr_binding *items;
    size_t count, room;
} nr_bindings;

/* What is to be asked differently of a request from this peer: nrbac_ask_flags. */
unsigned nr_caller_flags(const nr_bindings *bindings, bool trust_unbound,
                         const nr_peer *peer, const nrbac_value *request);

/* Whether this peer has ended the TLS connections of applications, so that it knows who
 * was at their other end: a gateway, or an application's own peer. */
bool nr_caller_ended_tls(const nr_options *options, const nr_peer *peer);

#endif
