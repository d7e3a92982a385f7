/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Gregorian calendar by counting days in eras of 400 years, whose years begin in
 * March: then leap days come last and no month needs a table.
 */
#include "verify/calendar.h"

#include <string.h>

enum { ERA_DAYS = 146097, EPOCH_DAYS = 719468 /* from 0000-03-01 to 1970-01-01 */ };

typedef struct civil {
    int64_t year, month, day;
} civil;

static int64_t days_of(civil date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = year / 400;
    int64_t in_era = year - era * 400;
    int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t in_year = (153 * month + 2) / 5 + date.day - 1;
    return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + in_year -
           EPOCH_DAYS;
}

static civil civil_of(int64_t days)
{
    int64_t all = days + EPOCH_DAYS;
    int64_t era = all / ERA_DAYS;
    int64_t in_era = all - era * ERA_DAYS;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153;
    civil date = { .day = in_year - (153 * month + 2) / 5 + 1,
                   .month = month < 10 ? month + 3 : month - 9 };
    date.year = year + era * 400 + (date.month <= 2);
    return date;
}

static bool take(const char **at, int digits, int64_t *number)
{
    *number = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *number = *number * 10 + (**at - '0');
    }
    return true;
}

bool nr_day_read(const char *text, int64_t *seconds)
{
    civil date = { 0 };
    const char *at = text;
    if (!take(&at, 4, &date.year) || *at++ != '-' || !take(&at, 2, &date.month) ||
        *at++ != '-' || !take(&at, 2, &date.day) || *at != '\0')
        return false;
    if (date.year < 1970 || date.month < 1 || date.month > 12 || date.day < 1)
        return false;
    int64_t days = days_of(date);
    civil again = civil_of(days);
    *seconds = days * NR_DAY_SECONDS;
    return again.month == date.month && again.day == date.day;
}

static void put(char *at, int digits, int64_t number)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        at[i] = (char)('0' + number % 10);
}

static int64_t within(int64_t seconds)
{
    int64_t first = -(int64_t)(EPOCH_DAYS - 306) * NR_DAY_SECONDS; /* 0001-01-01 */
    if (seconds < first)
        return first;
    return seconds > NR_MOMENT_LAST ? NR_MOMENT_LAST : seconds;
}

static int64_t day_number(int64_t seconds)
{
    int64_t days = seconds / NR_DAY_SECONDS;
    return seconds % NR_DAY_SECONDS < 0 ? days - 1 : days;
}

void nr_day_write(int64_t seconds, char text[NR_DAY_SIZE])
{
    civil date = civil_of(day_number(within(seconds)));
    memcpy(text, "0000-00-00", NR_DAY_SIZE);
    put(text, 4, date.year);
    put(text + 5, 2, date.month);
    put(text + 8, 2, date.day);
}

void nr_moment_write(int64_t seconds, char text[NR_MOMENT_SIZE])
{
    int64_t moment = within(seconds);
    int64_t clock = moment - day_number(moment) * NR_DAY_SECONDS;
    nr_day_write(moment, text);
    memcpy(text + 10, "T00:00:00Z", NR_MOMENT_SIZE - 10);
    put(text + 11, 2, clock / 3600);
    put(text + 14, 2, clock / 60 % 60);
    put(text + 17, 2, clock % 60);
}
