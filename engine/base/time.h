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
/* The day alone, into 11 bytes. */
enum { NR_DAY_SIZE = 11, NR_DAY_SECONDS = 86400 };
void nr_day_write(int64_t seconds, char text[NR_DAY_SIZE]);

/* The system's clock: µs since 1970. */
enum { NR_SECOND = 1000000 };
int64_t nr_time_now(void);

/* The earlier of two moments, 0 being none. */
static inline int64_t nr_earliest(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a == 0 ? b : a;
    return a < b ? a : b;
}

#endif
