/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as texts, without the C library's: those know time zones and locales,
 * and RFC 3339 in UTC needs neither.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "base/time.h"

#include <string.h>
#include <time.h>

enum { DAY = NR_DAY_SECONDS, YEAR_FIRST = 1970, YEAR_LAST = 9999 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes exactly `digits` digits; false if they are not there. */
static bool take_number(const char **at, int digits, int *number)
{
    *number = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (!is_digit(**at))
            return false;
        *number = *number * 10 + (**at - '0');
    }
    return true;
}

static bool take_char(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Leap days before a year, counted from year 0. */
static int leap_days_before(int year)
{
    int last = year - 1;
    return last / 4 - last / 100 + last / 400;
}

/* The first second of a day of the calendar; false if there is no such day. */
static bool day_start(int year, int month, int day, int64_t *seconds)
{
    if (year < YEAR_FIRST || month < 1 || month > 12 || day < 1 ||
        day > days_in(year, month))
        return false;
    int64_t days = (int64_t)(year - YEAR_FIRST) * 365 + leap_days_before(year) -
                   leap_days_before(YEAR_FIRST) + day - 1;
    for (int m = 1; m < month; m++)
        days += days_in(year, m);
    *seconds = days * DAY;
    return true;
}

/* "2026-11-23" or, where the dashes may be left out, "20261123". */
static bool take_day(const char **at, bool dashes, int64_t *seconds)
{
    int year, month, day;
    return take_number(at, 4, &year) && (!dashes || take_char(at, '-')) &&
           take_number(at, 2, &month) && (!dashes || take_char(at, '-')) &&
           take_number(at, 2, &day) && day_start(year, month, day, seconds);
}

/* "09:00:00", with a fraction that does not count. A leap second is the next
 * minute's first, as Unix time has it. */
static bool take_clock(const char **at, int *seconds, bool *leap)
{
    int hour, minute, second;
    if (!take_number(at, 2, &hour) || !take_char(at, ':') ||
        !take_number(at, 2, &minute) || !take_char(at, ':') ||
        !take_number(at, 2, &second) || hour > 23 || minute > 59 || second > 60)
        return false;
    if (take_char(at, '.')) {
        if (!is_digit(**at))
            return false;
        while (is_digit(**at))
            (*at)++;
    }
    *seconds = hour * 3600 + minute * 60 + second;
    *leap = second == 60;
    return true;
}

/* "Z", "+01:00" or "-01:00", in seconds. */
static bool take_offset(const char **at, int *seconds)
{
    *seconds = 0;
    if (take_char(at, 'Z') || take_char(at, 'z'))
        return true;
    int sign = **at == '-' ? -1 : 1;
    int hours, minutes;
    if ((!take_char(at, '+') && !take_char(at, '-')) || !take_number(at, 2, &hours) ||
        !take_char(at, ':') || !take_number(at, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool nr_time_read(const char *text, int64_t *seconds)
{
    const char *at = text;
    int64_t day;
    int clock, offset;
    bool leap;
    if (text == NULL || !take_day(&at, true, &day) ||
        (!take_char(&at, 'T') && !take_char(&at, 't')) ||
        !take_clock(&at, &clock, &leap) || !take_offset(&at, &offset) || *at != '\0')
        return false;
    int64_t moment = day + clock - offset;
    if (moment < 0 || moment > NR_LAST_SECOND || (leap && moment % DAY != 0))
        return false;
    *seconds = moment;
    return true;
}

bool nr_date_read(const char *text, int64_t *seconds)
{
    const char *at = text;
    bool dashes = text != NULL && strchr(text, '-') != NULL;
    int64_t day;
    if (text == NULL || !take_day(&at, dashes, &day) || *at != '\0')
        return false;
    *seconds = day;
    return true;
}

static void put_number(char *at, int digits, int number)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        at[i] = (char)('0' + number % 10);
}

void nr_time_write(int64_t seconds, char text[NR_TIME_SIZE])
{
    if (seconds < 0)
        seconds = 0;
    if (seconds > NR_LAST_SECOND)
        seconds = NR_LAST_SECOND;
    int days = (int)(seconds / DAY), clock = (int)(seconds % DAY);
    int year = YEAR_FIRST + days / 366, month = 1; /* not too late; then upwards */
    days -= (year - YEAR_FIRST) * 365 + leap_days_before(year) -
            leap_days_before(YEAR_FIRST);
    for (; days >= (is_leap(year) ? 366 : 365); year++)
        days -= is_leap(year) ? 366 : 365;
    for (; days >= days_in(year, month); month++)
        days -= days_in(year, month);

    memcpy(text, "0000-00-00T00:00:00Z", NR_TIME_SIZE);
    put_number(text, 4, year);
    put_number(text + 5, 2, month);
    put_number(text + 8, 2, days + 1);
    put_number(text + 11, 2, clock / 3600);
    put_number(text + 14, 2, clock / 60 % 60);
    put_number(text + 17, 2, clock % 60);
}

void nr_day_write(int64_t seconds, char text[NR_DAY_SIZE])
{
    char whole[NR_TIME_SIZE];
    nr_time_write(seconds, whole);
    memcpy(text, whole, NR_DAY_SIZE - 1);
    text[NR_DAY_SIZE - 1] = '\0';
}

int64_t nr_time_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NR_SECOND + now.tv_nsec / 1000;
}
