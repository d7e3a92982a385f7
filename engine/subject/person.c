/* SPDX-License-Identifier: Apache-2.0 */
#include "subject/evidence.h"

#include <string.h>

static const char before[] = "uid=";
static const char after[] = ",ou=People,o=nhs";

const char *nr_person_of(nr_reader *reader, const char *text)
{
    if (text == NULL || strncmp(text, before, sizeof(before) - 1) != 0)
        return text;
    const char *person = text + sizeof(before) - 1;
    const char *comma = strchr(person, ',');
    if (comma == NULL || strcmp(comma, after) != 0)
        return text;
    const char *copy = nr_arena_copy(reader->arena, person, (size_t)(comma - person));
    if (copy == NULL)
        reader->no_memory = true;
    return copy;
}

bool nr_person_differs(nr_reader *reader, const char *stated, const char *shown)
{
    if (stated == NULL)
        return false;
    const char *one = nr_person_of(reader, stated);
    const char *other = nr_person_of(reader, shown);
    return one == NULL || other == NULL || strcmp(one, other) != 0;
}
