/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a unit test says: CHECK(condition), CHECK_INT(got, want), CHECK_STR(got,
 * want); main ends with `return check_report();`.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int check_passed;
static int check_failed;

static inline bool check_note(bool good, const char *file, int line)
{
    if (good) {
        check_passed++;
        return true;
    }
    check_failed++;
    printf("%s:%d: ", file, line);
    return false;
}

static inline void check_condition(bool good, const char *text, const char *file,
                                   int line)
{
    if (!check_note(good, file, line))
        printf("%s does not hold\n", text);
}

static inline void check_int(long long got, long long want, const char *file, int line)
{
    if (!check_note(got == want, file, line))
        printf("got %lld, want %lld\n", got, want);
}

static inline void check_str(const char *got, const char *want, const char *file,
                             int line)
{
    bool same = got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;
    if (!check_note(same, file, line))
        printf("got `%s`, want `%s`\n", got == NULL ? "(null)" : got,
               want == NULL ? "(null)" : want);
}

static inline int check_report(void)
{
    printf("%d passed, %d failed\n", check_passed, check_failed);
    return check_failed == 0 ? 0 : 1;
}

#define CHECK(condition) check_condition((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(got, want) \
    check_int((long long)(got), (long long)(want), __FILE__, __LINE__)
#define CHECK_STR(got, want) check_str((got), (want), __FILE__, __LINE__)

#endif
