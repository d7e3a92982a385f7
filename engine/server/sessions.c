/* SPDX-License-Identifier: Apache-2.0 */
#include "server/sessions.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 8 };

bool nr_sessions_add(nr_sessions *sessions, int64_t number, nrbac_session *session)
{
    if (sessions->count == sessions->room) {
        size_t room = sessions->room == 0 ? FIRST_ROOM : sessions->room * 2;
        nr_session_entry *entries = realloc(sessions->entries, room * sizeof(*entries));
        if (entries == NULL)
            return false;
        sessions->entries = entries;
        sessions->room = room;
    }
    sessions->entries[sessions->count++] = (nr_session_entry){ number, session };
    return true;
}

static nr_session_entry *find(const nr_sessions *sessions, int64_t number)
{
    size_t low = 0;
    size_t high = sessions->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sessions->entries[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < sessions->count && sessions->entries[low].number == number;
    return found ? &sessions->entries[low] : NULL;
}

nrbac_session *nr_sessions_find(const nr_sessions *sessions, int64_t number)
{
    const nr_session_entry *entry = find(sessions, number);
    return entry == NULL ? NULL : entry->session;
}

bool nr_sessions_close(nr_sessions *sessions, int64_t number)
{
    nr_session_entry *entry = find(sessions, number);
    if (entry == NULL)
        return false;
    nrbac_session_close(entry->session);
    size_t after = (size_t)(sessions->entries + sessions->count - entry) - 1;
    memmove(entry, entry + 1, after * sizeof(*entry));
    sessions->count--;
    return true;
}

void nr_sessions_finish(nr_sessions *sessions)
{
    for (size_t i = 0; i < sessions->count; i++)
        nrbac_session_close(sessions->entries[i].session);
    free(sessions->entries);
    *sessions = (nr_sessions){ 0 };
}
