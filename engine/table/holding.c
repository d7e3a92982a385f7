/* SPDX-License-Identifier: Apache-2.0 */
#include "table/holding.h"

#include <stdlib.h>
#include <string.h>

/* What one code brings: itself and all it includes; an obsolete one nothing. */
static void add_closure(const nr_table *table, uint64_t *row, uint32_t activity)
{
    const nr_table_activity *record = &table->activities[activity];
    if (record->status == NR_OBSOLETE)
        return;
    if (record->closure == NR_NONE)
        nr_bits_add(row, activity);
    else
        nr_bits_unite(row, nr_table_row(table, record->closure), table->words);
}

/* S12, S13: the role's entries without area, and those of any area held. */
static void unite_baseline(const nr_holding *holding, uint64_t *row)
{
    if (holding->role == NR_NONE)
        return;
    const nr_table *table = holding->table;
    const nr_table_role *role = &table->roles[holding->role];
    for (uint32_t i = 0; i < role->cells.count; i++) {
        const nr_table_cell *cell = &table->cells[role->cells.first + i];
        if (cell->area == NR_NONE || nr_bits_has(holding->areas, cell->area))
            nr_bits_unite(row, nr_table_row(table, cell->row), table->words);
    }
}

/* S22: each set judges the closure as it was; what they take away unites. */
static void judge_set(const nr_holding *holding, const nr_table_exclusive *set,
                      uint64_t *excluded)
{
    const uint32_t *members = &holding->table->numbers[set->activities.first];
    uint32_t held = 0;
    for (uint32_t i = 0; i < set->activities.count; i++)
        held += nr_bits_has(holding->closed, members[i]);
    if (held < 2 || set->on_conflict == NR_CONFLICT_WARN)
        return;
    bool spare_next = set->on_conflict == NR_CONFLICT_PREFER_FIRST;
    for (uint32_t i = 0; i < set->activities.count; i++) {
        if (!nr_bits_has(holding->closed, members[i]))
            continue;
        if (!spare_next)
            nr_bits_add(excluded, members[i]);
        spare_next = false;
    }
}

static void take_suspended_away(const nr_table *table, uint64_t *row)
{
    for (uint32_t i = 0; i < table->suspensions_count; i++) {
        if (table->suspensions[i].kind != NR_SUSPENDED_ACTIVITY)
            continue;
        uint32_t activity = nr_table_activity_of(
            table, nr_table_text(table, table->suspensions[i].what));
        if (activity != NR_NONE)
            nr_bits_drop(row, activity);
    }
}

/* From baseline and additional to everything that follows from them. */
static void complete(nr_holding *holding)
{
    const nr_table *table = holding->table;
    uint32_t words = table->words;
    size_t size = (size_t)words * sizeof(uint64_t);

    memcpy(holding->closed, holding->baseline, size);
    for (uint32_t a = nr_bits_next(holding->additional, words, 0); a != NR_NONE;
         a = nr_bits_next(holding->additional, words, a + 1))
        add_closure(table, holding->closed, a);

    memset(holding->excluded, 0, size);
    for (uint32_t i = 0; i < table->exclusives_count; i++)
        judge_set(holding, &table->exclusives[i], holding->excluded);

    for (uint32_t w = 0; w < words; w++)
        holding->effective[w] = holding->closed[w] & ~holding->excluded[w];
    take_suspended_away(table, holding->effective);
}

/* Whoever asks is stopped: the role in force, or the application. */
static bool is_suspended(const nr_table *table, uint32_t role, const char *name)
{
    if (role != NR_NONE && table->roles[role].suspension != NR_NONE)
        return true;
    uint32_t application = name == NULL ? NR_NONE
                                        : nr_table_application_of(table, name);
    return application != NR_NONE &&
           table->applications[application].suspension != NR_NONE;
}

enum { ROWS = 5, ALIGNMENT = 16 }; /* of an arena, whatever it holds */

/* Words of all rows of a holding: a bit an area, then a bit an activity in each. */
static size_t words_of(const nr_table *table)
{
    return nr_bits_words(table->areas_count) + (size_t)ROWS * table->words;
}

static size_t aligned(size_t count, size_t size)
{
    return (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

size_t nr_holding_size(const nr_table *table, size_t workgroup_count)
{
    return aligned(words_of(table), sizeof(uint64_t)) +
           aligned(workgroup_count, sizeof(char *));
}

static nrbac_status make_rows(nr_arena *arena, nr_holding *holding)
{
    const nr_table *table = holding->table;
    holding->areas = nr_arena_new_array(arena, words_of(table), uint64_t);
    if (holding->areas == NULL)
        return NRBAC_E_MEMORY;
    holding->additional = holding->areas + nr_bits_words(table->areas_count);
    holding->baseline = holding->additional + table->words;
    holding->closed = holding->baseline + table->words;
    holding->effective = holding->closed + table->words;
    holding->excluded = holding->effective + table->words;
    return NRBAC_OK;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A requirement asks for one workgroup of what may be a hundred thousand, and
 * looking for what is nearest asks thousands of times. */
static nrbac_status sort_workgroups(nr_arena *arena, nr_holding *holding)
{
    const nr_facts *facts = holding->facts;
    if (facts->workgroup_count == 0)
        return NRBAC_OK;
    holding->workgroups = nr_arena_new_array(arena, facts->workgroup_count,
                                             const char *);
    if (holding->workgroups == NULL)
        return NRBAC_E_MEMORY;
    for (size_t i = 0; i < facts->workgroup_count; i++)
        if (facts->workgroups[i] != NULL)
            holding->workgroups[holding->workgroup_count++] = facts->workgroups[i];
    if (holding->workgroup_count > 1)
        qsort(holding->workgroups, holding->workgroup_count, sizeof(char *),
              compare_texts);
    return NRBAC_OK;
}

nrbac_status nr_holding_make(nr_arena *arena, const nr_table *table,
                             const nr_facts *facts, nr_holding *holding)
{
    *holding = (nr_holding){
        .table = table,
        .facts = facts,
        .role = facts->role == NULL ? NR_NONE : nr_table_role_of(table, facts->role),
    };
    holding->suspended = is_suspended(table, holding->role, facts->application);
    NR_TRY(make_rows(arena, holding));
    NR_TRY(sort_workgroups(arena, holding));

    for (size_t i = 0; i < facts->area_of_work_count; i++) {
        uint32_t area = nr_table_area_of(table, facts->areas_of_work[i]);
        if (area != NR_NONE)
            nr_bits_add(holding->areas, area);
    }
    for (size_t i = 0; i < facts->activity_count; i++) {
        uint32_t activity = nr_table_activity_of(table, facts->activities[i]);
        if (activity != NR_NONE && table->activities[activity].status != NR_OBSOLETE)
            nr_bits_add(holding->additional, activity);
    }
    unite_baseline(holding, holding->baseline);
    complete(holding);
    return NRBAC_OK;
}

nrbac_status nr_holding_copy(nr_arena *arena, const nr_holding *holding,
                             nr_holding *copy)
{
    *copy = *holding;
    NR_TRY(make_rows(arena, copy));
    memcpy(copy->areas, holding->areas,
           (size_t)nr_bits_words(holding->table->areas_count) * sizeof(uint64_t));
    nr_holding_try(copy, holding, NULL, 0);
    return NRBAC_OK;
}

void nr_holding_try(nr_holding *copy, const nr_holding *holding, const uint32_t *added,
                    uint32_t added_count)
{
    size_t size = (size_t)holding->table->words * sizeof(uint64_t);
    memcpy(copy->baseline, holding->baseline, size);
    memcpy(copy->additional, holding->additional, size);
    for (uint32_t i = 0; i < added_count; i++)
        nr_bits_add(copy->additional, added[i]);
    complete(copy);
}
