/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moments as Unix seconds, and as the texts that people and protocols write.
 */
#ifndef NR_TIME_H
#define NR_TIME_H

#include "base/base.h"

#define NR_LAST_SECOND INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* RFC 3339 in UTC ("2026-11-23T09:00:00Z", fractions allowed) to Unix seconds;
 * false if it is not one. */
bool nr_time_read(const char *text, int64_t *seconds);
/* YYYYMMDD or YYYY-MM-DD, at midnight UTC; false if it is not one. */
bool nr_date_read(const char *text, int64_t *seconds);
/* RFC 3339 into 21 bytes; what lies beyond the years 1970 to 9999 is written as the
 * nearest of them. */
enum { NR_TIME_SIZE = 21 };
void nr_time_write(int64_t seconds, char text[NR_TIME_SIZE]);

#endif
