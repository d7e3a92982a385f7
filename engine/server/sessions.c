/* SPDX-License-Identifier: Apache-2.0 */
#include "server/sessions.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 8 };

bool nr_sessions_add(nr_sessions *sessions, nr_session_entry entry)
{
    if (sessions->count == sessions->room) {
        size_t room = sessions->room == 0 ? FIRST_ROOM : sessions->room * 2;
        nr_session_entry *entries = realloc(sessions->entries, room * sizeof(*entries));
        if (entries == NULL)
            return false;
        sessions->entries = entries;
        sessions->room = room;
    }
    sessions->entries[sessions->count++] = entry;
    sessions->opened_by += entry.opened_by;
    return true;
}

/* Numbers only grow, so none stands further behind the first than it is larger; most
 * stand just there, since most connections open theirs in a row and keep them. */
nr_session_entry *nr_sessions_find(const nr_sessions *sessions, int64_t number)
{
    size_t count = sessions->count;
    if (count == 0 || number < sessions->entries[0].number)
        return NULL;
    uint64_t furthest = (uint64_t)number - (uint64_t)sessions->entries[0].number;
    if (furthest < count && sessions->entries[furthest].number == number)
        return &sessions->entries[furthest];
    size_t low = 0;
    size_t high = furthest < count ? (size_t)furthest : count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sessions->entries[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < count && sessions->entries[low].number == number;
    return found ? &sessions->entries[low] : NULL;
}

static void end(nr_session_entry *entry)
{
    nrbac_session_close(entry->session);
    nr_case_release(entry->shared);
}

bool nr_sessions_close(nr_sessions *sessions, int64_t number)
{
    nr_session_entry *entry = nr_sessions_find(sessions, number);
    if (entry == NULL)
        return false;
    sessions->opened_by -= entry->opened_by;
    end(entry);
    size_t after = (size_t)(sessions->entries + sessions->count - entry) - 1;
    memmove(entry, entry + 1, after * sizeof(*entry));
    sessions->count--;
    return true;
}

void nr_sessions_finish(nr_sessions *sessions)
{
    for (size_t i = 0; i < sessions->count; i++)
        end(&sessions->entries[i]);
    free(sessions->entries);
    *sessions = (nr_sessions){ 0 };
}
