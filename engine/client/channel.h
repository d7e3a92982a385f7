/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Unix stream socket with a deadline on everything.
 */
#ifndef NR_CHANNEL_H
#define NR_CHANNEL_H

#include "wire/wire.h"

typedef struct nr_channel {
    int fd; /* -1: not connected */
} nr_channel;

/* Milliseconds of a clock that is never set; a deadline is a point on it. */
int64_t nr_clock_ms(void);

/* Each returns NRBAC_OK, NRBAC_E_TIMEOUT, or NRBAC_E_IO with errno set (0: the
 * other side closed). A deadline of 0 is not waited for. */
NRBAC_MUST_USE nrbac_status nr_channel_connect(nr_channel *channel, const char *path,
                                               int64_t deadline);
/* Sends all of the buffer, and drops from its front what is sent. */
NRBAC_MUST_USE nrbac_status nr_channel_send(nr_channel *channel, nr_buffer *buffer,
                                            int64_t deadline);
/* Waits for some bytes and appends them. */
NRBAC_MUST_USE nrbac_status nr_channel_receive(nr_channel *channel, nr_buffer *buffer,
                                               int64_t deadline);
/* Ends the connection and keeps the descriptor, which somebody may be polling. */
void nr_channel_hang_up(nr_channel *channel);
void nr_channel_close(nr_channel *channel);

#endif
