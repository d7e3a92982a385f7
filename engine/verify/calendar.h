/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days and moments as texts, UTC.
 */
#ifndef NR_CALENDAR_H
#define NR_CALENDAR_H

#include "base/base.h"

enum { NR_DAY_SECONDS = 86400, NR_DAY_SIZE = 11, NR_MOMENT_SIZE = 21 };

/* The latest moment that has four digits for its year: 9999-12-31T23:59:59Z. */
#define NR_MOMENT_LAST INT64_C(253402300799)

/* "2027-03-31" to its midnight; false if there is no such day. */
bool nr_day_read(const char *text, int64_t *seconds);

/* And back. Moments outside the years 0 to 9999 are written as the nearest within. */
void nr_day_write(int64_t seconds, char text[NR_DAY_SIZE]);
void nr_moment_write(int64_t seconds, char text[NR_MOMENT_SIZE]);

/* The earlier of two moments, 0 being none. */
static inline int64_t nr_sooner(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a == 0 ? b : a;
    return a < b ? a : b;
}

#endif
