/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon says: one line on stderr for each event, without anything that
 * a person could be known by.
 */
#ifndef NR_LOG_H
#define NR_LOG_H

#include "base/base.h"

/* What the process ends with; documented in nrbacd(8). */
typedef enum nr_daemon_exit {
    NR_DAEMON_OK = 0,
    NR_DAEMON_USAGE = 2,
    NR_DAEMON_FAILED = 3, /* the policy has mistakes, or the world failed */
} nr_daemon_exit;

void nr_log(const char *format, ...) NR_PRINTF(1, 2);

/* What an errno means, on any thread: nr_errno(errno).text, inside the expression
 * that uses it. */
typedef struct nr_errno_text {
    char text[96];
} nr_errno_text;
nr_errno_text nr_errno(int number);

#endif
