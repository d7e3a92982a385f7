/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/checking.h"

#include "base/time.h"

#include <string.h>

bool nr_refuse(nr_check *check, const char *what, ...)
{
    if (check->fault != NULL)
        return false;
    nr_arena *arena = &check->document->arena;
    va_list arguments;
    va_start(arguments, what);
    const char *rest = nr_arena_format_v(arena, what, arguments);
    va_end(arguments);
    check->fault = rest == NULL
                       ? NULL
                       : nr_arena_format(arena, "`%s` %s", check->member, rest);
    check->no_memory |= check->fault == NULL;
    return false;
}

void nr_rely_on(nr_check *check, const char *name, int64_t ends_at)
{
    char day[NR_DAY_SIZE];
    nr_arena *arena = &check->document->arena;
    if (ends_at == 0 || ends_at - check->now > check->snapshot->settings->warn_seconds)
        return;
    nr_day_write(ends_at, day);
    const char *text = nr_arena_format(arena, "%s %s", name, day);
    if (text == NULL) {
        check->no_memory = true;
        return;
    }
    for (size_t i = 0; i < check->expiring.count; i++)
        if (strcmp(check->expiring.items[i], text) == 0)
            return;
    const char **place = nr_list_add(arena, &check->expiring);
    if (place == NULL)
        check->no_memory = true;
    else
        *place = text;
}
