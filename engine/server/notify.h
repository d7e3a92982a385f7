/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service manager is told: sd_notify(3)'s protocol, which is one
 * datagram to the socket that NOTIFY_SOCKET names. Without it nothing is sent.
 */
#ifndef NR_NOTIFY_H
#define NR_NOTIFY_H

#include "base/base.h"

void nr_notify_ready(void);
void nr_notify_reloading(void);
void nr_notify_stopping(void);

#endif
