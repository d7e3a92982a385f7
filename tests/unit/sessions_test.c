/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions of a connection are found by number, whatever numbers are missing. */
#include "check.h"

#include "server/sessions.h"

#include <stdlib.h>

enum { NUMBERS = 12, FIRST = 5 };

/* They are never looked at. */
static char marks[NUMBERS];

static nrbac_session *mark(int number)
{
    return (nrbac_session *)(void *)&marks[number];
}

/* The numbers whose bits are set are there. */
static void find_all(unsigned there)
{
    nr_sessions sessions = { 0 };
    for (int n = 0; n < NUMBERS; n++)
        if ((there >> n & 1) != 0)
            CHECK(nr_sessions_add(&sessions, (nr_session_entry){ .number = FIRST + n,
                                                                 .session = mark(n) }));
    for (int n = 0; n < NUMBERS; n++) {
        const nr_session_entry *found = nr_sessions_find(&sessions, FIRST + n);
        CHECK((found != NULL) == ((there >> n & 1) != 0));
        CHECK(found == NULL || found->session == mark(n));
    }
    CHECK(nr_sessions_find(&sessions, FIRST - 1) == NULL);
    CHECK(nr_sessions_find(&sessions, FIRST + NUMBERS) == NULL);
    CHECK(nr_sessions_find(&sessions, INT64_MIN) == NULL);
    CHECK(nr_sessions_find(&sessions, INT64_MAX) == NULL);
    free(sessions.entries);
}

int main(void)
{
    for (unsigned there = 0; there < 1u << NUMBERS; there++)
        find_all(there);
    return check_report();
}
