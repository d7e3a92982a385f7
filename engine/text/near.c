/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the distance of two names is the number of letters that are
 * wrong, missing, added or swapped with their neighbour (optimal string
 * alignment). Three rows of the usual table are enough, and a row that is
 * already too far ends the comparison.
 */
#include "text/diag.h"

#include <string.h>

enum { LONGEST = 64, TOO_FAR = 1000 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* A letter in the wrong case is no distance: it is what was meant. */
static bool same(char a, char b)
{
    return lower(a) == lower(b);
}

/* One row of the table; the least number in it. */
static unsigned next_row(const char *a, size_t i, const char *b, size_t b_size,
                         unsigned rows[3][LONGEST + 1])
{
    unsigned *row = rows[i % 3];
    const unsigned *above = rows[(i + 2) % 3];
    const unsigned *two_above = rows[(i + 1) % 3];
    row[0] = (unsigned)i;
    unsigned smallest = row[0];
    for (size_t j = 1; j <= b_size; j++) {
        row[j] = above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
        row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
        if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
            row[j] = least(row[j], two_above[j - 2] + 1);
        smallest = least(smallest, row[j]);
    }
    return smallest;
}

static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size,
                         unsigned limit)
{
    size_t difference = a_size > b_size ? a_size - b_size : b_size - a_size;
    if (a_size > LONGEST || b_size > LONGEST || difference > limit)
        return TOO_FAR;
    unsigned rows[3][LONGEST + 1];
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_size; i++)
        if (next_row(a, i, b, b_size, rows) > limit)
            return TOO_FAR;
    return rows[a_size % 3][b_size];
}

const char *nr_nearest_name(const char *name, const char *const *candidates,
                            size_t count)
{
    size_t size = strlen(name);
    unsigned limit = size < 3 ? 0 : size < 6 ? 1 : size < 12 ? 2 : 3;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        unsigned far = distance(name, size, candidates[i], strlen(candidates[i]),
                                limit);
        if (far > limit)
            continue;
        nearest = candidates[i];
        if (far == 0)
            return nearest;
        limit = far - 1;
    }
    return nearest;
}
