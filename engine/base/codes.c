/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codes.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool four_digits(const char *text)
{
    return is_digit(text[0]) && is_digit(text[1]) && is_digit(text[2]) &&
           is_digit(text[3]);
}

static bool is_area(const char *text, size_t size)
{
    return size == 17 && text[0] == 'P' && four_digits(text + 1) && text[5] == ':' &&
           text[6] == 'Q' && four_digits(text + 7) && text[11] == ':' &&
           text[12] == 'T' && four_digits(text + 13);
}

static bool is_local(const char *text, size_t size)
{
    if (size < 7 || size > NR_CODE_SIZE_MAX || memcmp(text, "local:", 6) != 0)
        return false;
    for (size_t i = 6; i < size; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !is_digit(c) && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

nr_code_kind nr_code_kind_of(const char *text, size_t size)
{
    if (size == 5 && four_digits(text + 1)) {
        if (text[0] == 'B')
            return NR_CODE_ACTIVITY;
        if (text[0] == 'R' || text[0] == 'E')
            return NR_CODE_ROLE;
        return NR_CODE_NONE;
    }
    if (is_area(text, size))
        return NR_CODE_AREA;
    return is_local(text, size) ? NR_CODE_LOCAL : NR_CODE_NONE;
}

static bool names_role(const char *text)
{
    nr_code_kind kind = nr_code_kind_of(text, strlen(text));
    return kind == NR_CODE_ROLE || kind == NR_CODE_LOCAL;
}

const char *nr_code_role_of(const char *text)
{
    if (text == NULL || names_role(text))
        return text;
    if (strncmp(text, "local:", 6) == 0)
        return NULL;
    const char *first_colon = strchr(text, ':');
    const char *second_colon = first_colon == NULL ? NULL
                                                   : strchr(first_colon + 1, ':');
    return second_colon != NULL && names_role(second_colon + 1) ? second_colon + 1
                                                                : NULL;
}
