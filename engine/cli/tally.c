/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tally.h"

#include "base/codes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text, *key;
} dimension_words[NR_DIMENSIONS] = {
    [NR_BY_REASON] = { "by reason", "by_reason" },
    [NR_BY_ROLE] = { "by role", "by_role" },
    [NR_BY_ACTIVITY] = { "by activity", "by_activity" },
    [NR_BY_FUNCTION] = { "by function", "by_function" },
    [NR_BY_ROLE_AND_NAME] = { "by role and name", "by_role_and_name" },
    [NR_BY_ORGANISATION] = { "by organisation", "by_organisation" },
    [NR_BY_APPLICATION] = { "by application", "by_application" },
};

void nr_tallies_begin(nr_tallies *tallies)
{
    *tallies = (nr_tallies){ .totals = { 0 } };
    tallies->users.arena = &tallies->arena;
    for (size_t i = 0; i < NR_DIMENSIONS; i++)
        tallies->by[i].names.arena = &tallies->arena;
}

void nr_tallies_finish(nr_tallies *tallies)
{
    nr_arena_finish(&tallies->arena);
    free(tallies->seen.items);
}

/* ---- Users -------------------------------------------------------------------------- */

/* Where the key is, or would be. */
static size_t place_of(const struct seen_set *set, uint64_t key)
{
    size_t at = (size_t)nr_spread(key, 16) & (set->room - 1);
    while (set->items[at] != 0 && set->items[at] != key)
        at = (at + 1) & (set->room - 1);
    return at;
}

static bool grow(struct seen_set *set)
{
    struct seen_set larger = { .room = set->room == 0 ? 1024 : set->room * 2,
                               .count = set->count };
    larger.items = calloc(larger.room, sizeof(*larger.items));
    if (larger.items == NULL)
        return false;
    for (size_t i = 0; i < set->room; i++)
        if (set->items[i] != 0)
            larger.items[place_of(&larger, set->items[i])] = set->items[i];
    free(set->items);
    *set = larger;
    return true;
}

/* *fresh: it was not there yet. */
static bool see(struct seen_set *set, uint64_t key, bool *fresh)
{
    if (set->count * 2 >= set->room && !grow(set))
        return false;
    size_t at = place_of(set, key);
    *fresh = set->items[at] == 0;
    set->items[at] = key;
    set->count += *fresh;
    return true;
}

/* ---- Counting ------------------------------------------------------------------------ */

static bool count_as(nr_tallies *tallies, nr_dimension dimension, const char *name,
                     const nr_entry *entry, unsigned kind)
{
    nr_tally *tally = &tallies->by[dimension];
    uint32_t row = nr_names_intern(&tally->names, name, strlen(name));
    if (row == NR_NONE)
        return false;
    if (row == tally->rows.count) {
        nr_tally_row *made = nr_list_add(&tallies->arena, &tally->rows);
        if (made == NULL)
            return false;
        *made = (nr_tally_row){ .name = tally->names.texts[row], .first = entry->seq };
    }
    tally->rows.items[row].counts[kind]++;
    const nr_circumstances *circumstances = entry->record.circumstances;
    const char *user = circumstances == NULL ? NULL : circumstances->user;
    if (user == NULL)
        return true;
    uint32_t number = nr_names_intern(&tallies->users, user, strlen(user));
    bool fresh = false;
    uint64_t key = (uint64_t)(dimension + 1) << 60 | (uint64_t)row << 32 | number;
    if (number == NR_NONE || !see(&tallies->seen, key, &fresh))
        return false;
    tally->rows.items[row].users += fresh;
    return true;
}

/* The name asked for, by itself and with the role that asked. */
static bool count_name(nr_tallies *tallies, const nr_entry *entry, unsigned kind)
{
    char name[640], with_role[768];
    const nr_record *record = &entry->record;
    const nr_circumstances *circumstances = record->circumstances;
    if (record->action == NULL)
        return true;
    (void)snprintf(name, sizeof(name), "%s%s%s", record->api == NULL ? "" : record->api,
                   record->api == NULL ? "" : " ", record->action);
    bool activity = record->api == NULL &&
                    nr_code_names_activity(record->action, strlen(record->action));
    if (!count_as(tallies, activity ? NR_BY_ACTIVITY : NR_BY_FUNCTION, name, entry,
                  kind))
        return false;
    if (circumstances == NULL || circumstances->role == NULL)
        return true;
    (void)snprintf(with_role, sizeof(with_role), "%s %s", circumstances->role, name);
    return count_as(tallies, NR_BY_ROLE_AND_NAME, with_role, entry, kind);
}

bool nr_tallies_count(nr_tallies *tallies, const nr_entry *entry, const char *reason,
                      unsigned kind)
{
    const nr_circumstances *circumstances = entry->record.circumstances;
    tallies->totals[kind]++;
    if (!count_as(tallies, NR_BY_REASON, reason, entry, kind) ||
        !count_name(tallies, entry, kind))
        return false;
    if (circumstances == NULL)
        return true;
    const struct {
        nr_dimension dimension;
        const char *name;
    } who[] = {
        { NR_BY_ROLE, circumstances->role },
        { NR_BY_ORGANISATION, circumstances->organisation },
        { NR_BY_APPLICATION, circumstances->application },
    };
    for (size_t i = 0; i < NR_COUNT(who); i++)
        if (who[i].name != NULL &&
            !count_as(tallies, who[i].dimension, who[i].name, entry, kind))
            return false;
    return true;
}

/* ---- Telling ------------------------------------------------------------------------- */

static uint64_t sum_of(const nr_tally_row *row)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < NR_TALLY_KINDS; i++)
        sum += row->counts[i];
    return sum;
}

/* The largest first; of equal ones by name. */
static int by_size(const void *left, const void *right)
{
    const nr_tally_row *a = left, *b = right;
    uint64_t first = sum_of(a), second = sum_of(b);
    if (first != second)
        return first > second ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* Nothing is counted after that: rows have no longer the places of their names. */
static void sort(nr_tally *tally)
{
    if (tally->rows.count > 1)
        qsort(tally->rows.items, tally->rows.count, sizeof(*tally->rows.items),
              by_size);
}

static void print_row(const nr_tally_row *row,
                      const nr_kind_words words[NR_TALLY_KINDS])
{
    const char *separator = "";
    fputs("  ", stdout);
    nr_show_text(stdout, row->name);
    int pad = 32 - (int)strlen(row->name);
    printf("%*s", pad > 2 ? pad : 2, "");
    for (size_t i = 0; i < NR_TALLY_KINDS; i++) {
        if (row->counts[i] == 0)
            continue;
        printf("%s%" PRIu64 " %s", separator, row->counts[i], words[i].text);
        separator = ", ";
    }
    printf("; %" PRIu64 " %s; first in record %" PRIu64 "\n", row->users,
           row->users == 1 ? "user" : "users", row->first);
}

void nr_tallies_print(nr_tallies *tallies, const nr_kind_words words[NR_TALLY_KINDS],
                      size_t rows)
{
    for (size_t d = 0; d < NR_DIMENSIONS; d++) {
        nr_tally *tally = &tallies->by[d];
        if (tally->rows.count == 0)
            continue;
        sort(tally);
        printf("\n%s\n", dimension_words[d].text);
        for (size_t i = 0; i < tally->rows.count && i < rows; i++)
            print_row(&tally->rows.items[i], words);
        if (tally->rows.count > rows)
            printf("  and %zu more: --rows shows more of them\n",
                   tally->rows.count - rows);
    }
}

void nr_tallies_tell(nr_tallies *tallies, const nr_kind_words words[NR_TALLY_KINDS],
                     nrbac_document *document, nrbac_value *map)
{
    for (size_t d = 0; d < NR_DIMENSIONS; d++) {
        nr_tally *tally = &tallies->by[d];
        nrbac_value *list = nrbac_set(document, map, dimension_words[d].key,
                                      nrbac_new_list(document));
        sort(tally);
        for (size_t i = 0; i < tally->rows.count; i++) {
            const nr_tally_row *row = &tally->rows.items[i];
            nrbac_value *told = nrbac_append(document, list, nrbac_new_map(document));
            nrbac_set(document, told, "name", nrbac_new_text(document, row->name));
            for (size_t k = 0; k < NR_TALLY_KINDS; k++)
                nrbac_set(document, told, words[k].key,
                          nrbac_new_integer(document, (int64_t)row->counts[k]));
            nrbac_set(document, told, "users",
                      nrbac_new_integer(document, (int64_t)row->users));
            nrbac_set(document, told, "first",
                      nrbac_new_integer(document, (int64_t)row->first));
        }
    }
}
