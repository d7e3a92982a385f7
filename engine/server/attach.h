/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing descriptors over, the shared table's, an audit ring's or, to a successor, the
 * listening socket's: they ride on the first byte of one answer. They cannot be sent among
 * other bytes, so the answer waits until all that came before it is written, and nothing
 * behind it is answered until it is.
 */
#ifndef NR_ATTACH_H
#define NR_ATTACH_H

#include "server/methods.h"

/* attach [] */
nrbac_value *nr_method_attach(nr_call *call);
/* ring [] */
nrbac_value *nr_method_ring(nr_call *call);
/* takeover [] */
nrbac_value *nr_method_takeover(nr_call *call);

/* Hands over what the connection waits for, with nothing else to be written before
 * it. If the peer's socket is full it goes on waiting, and is tried again soon. */
void nr_attach_hand_over(nr_connection *connection);

#endif
