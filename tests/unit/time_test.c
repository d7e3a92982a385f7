/* SPDX-License-Identifier: Apache-2.0 */
/* Times as texts: RFC 3339, its edges, and every day until 9999. */
#include "base/base.h"
#include "check.h"
#include "subject/subject.h"

enum { NOW = 1795424400 }; /* 2026-11-23T09:00:00Z */

static void times_are_rfc_3339(void)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: not a time */
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2026-11-23T09:00:00Z", NOW },
        { "2026-11-23t09:00:00z", NOW },
        { "2026-11-23T10:00:00+01:00", NOW },
        { "2026-11-23T08:30:00-00:30", NOW },
        { "2026-11-23T09:00:00.999999999Z", NOW },
        { "2000-02-29T00:00:00Z", 951782400 },
        { "2016-12-31T23:59:60Z", 1483228800 },
        { "9999-12-31T23:59:59Z", 253402300799 },
        { "9999-12-31T23:59:59-00:01", -1 },
        { "1970-01-01T00:00:00+00:01", -1 },
        { "1969-12-31T23:59:59Z", -1 },
        { "2100-02-29T00:00:00Z", -1 },
        { "2023-02-29T00:00:00Z", -1 },
        { "2026-13-01T00:00:00Z", -1 },
        { "2026-00-01T00:00:00Z", -1 },
        { "2026-04-31T00:00:00Z", -1 },
        { "2026-04-00T00:00:00Z", -1 },
        { "2026-11-23T24:00:00Z", -1 },
        { "2026-11-23T09:60:00Z", -1 },
        { "2026-11-23T09:00:60Z", -1 },
        { "2026-11-23T09:00:00", -1 },
        { "2026-11-23T09:00Z", -1 },
        { "2026-11-23T09:00:00.Z", -1 },
        { "2026-11-23 09:00:00Z", -1 },
        { "2026-11-23T09:00:00Z ", -1 },
        { " 2026-11-23T09:00:00Z", -1 },
        { "2026-11-23T09:00:00+24:00", -1 },
        { "2026-11-23T09:00:00+0100", -1 },
        { "26-11-23T09:00:00Z", -1 },
        { "2026-11-23", -1 },
        { "", -1 },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        int64_t seconds = -1;
        CHECK_INT(nr_time_read(cases[i].text, &seconds), cases[i].seconds >= 0);
        CHECK_INT(seconds, cases[i].seconds);
    }
    CHECK(!nr_time_read(NULL, &(int64_t){ 0 }));
}

static void times_survive_the_way_there_and_back(void)
{
    char text[NR_TIME_SIZE];
    for (int64_t day = 0; day <= 2932896; day++) { /* every day until 9999 */
        int64_t seconds = day * 86400 + day * 7919 % 86400, back = -1;
        nr_time_write(seconds, text);
        if (!nr_time_read(text, &back) || back != seconds)
            CHECK_INT(back, seconds);
    }
    nr_time_write(NOW, text);
    CHECK_STR(text, "2026-11-23T09:00:00Z");
    nr_time_write(INT64_MIN, text);
    CHECK_STR(text, "1970-01-01T00:00:00Z");
    nr_time_write(INT64_MAX, text);
    CHECK_STR(text, "9999-12-31T23:59:59Z");
}

/* The days of four hundred years and more, one after the other. */
static void days_survive_the_way_there_and_back(void)
{
    char day[NR_DAY_SIZE], before[NR_DAY_SIZE] = "1969-12-31";
    for (int64_t number = 0; number < 150000; number++) {
        int64_t again = -1;
        nr_day_write(number * NR_DAY_SECONDS + 86399, day);
        if (strcmp(before, day) >= 0 || !nr_date_read(day, &again) ||
            again != number * NR_DAY_SECONDS)
            CHECK_INT(again, number * NR_DAY_SECONDS);
        memcpy(before, day, sizeof(day));
    }
    static const char *const wrong[] = { "2026-02-29", "2100-02-29",  "2026-13-01",
                                         "2026-1-1",   "2026-01-01 ", "" };
    for (size_t i = 0; i < NR_COUNT(wrong); i++)
        CHECK(!nr_date_read(wrong[i], &(int64_t){ 0 }));
}

int main(void)
{
    times_are_rfc_3339();
    times_survive_the_way_there_and_back();
    days_survive_the_way_there_and_back();
    return check_report();
}
