/* SPDX-License-Identifier: Apache-2.0 */
#include "table/holding.h"

static uint64_t *new_row(nr_arena *arena, uint32_t words)
{
    return nr_arena_new_array(arena, words, uint64_t);
}

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
static nrbac_status complete(nr_arena *arena, nr_holding *holding)
{
    const nr_table *table = holding->table;
    uint64_t *closed = new_row(arena, table->words);
    uint64_t *effective = new_row(arena, table->words);
    uint64_t *excluded = new_row(arena, table->words);
    if (closed == NULL || effective == NULL || excluded == NULL)
        return NRBAC_E_MEMORY;

    nr_bits_unite(closed, holding->baseline, table->words);
    for (uint32_t a = nr_bits_next(holding->additional, table->words, 0); a != NR_NONE;
         a = nr_bits_next(holding->additional, table->words, a + 1))
        add_closure(table, closed, a);
    holding->closed = closed;

    for (uint32_t i = 0; i < table->exclusives_count; i++)
        judge_set(holding, &table->exclusives[i], excluded);
    holding->excluded = excluded;

    nr_bits_unite(effective, closed, table->words);
    nr_bits_without(effective, excluded, table->words);
    take_suspended_away(table, effective);
    holding->effective = effective;
    return NRBAC_OK;
}

nrbac_status nr_holding_make(nr_arena *arena, const nr_table *table,
                             const nr_facts *facts, nr_holding *holding)
{
    uint64_t *areas = new_row(arena, nr_bits_words(table->areas_count));
    uint64_t *additional = new_row(arena, table->words);
    uint64_t *baseline = new_row(arena, table->words);
    if (areas == NULL || additional == NULL || baseline == NULL)
        return NRBAC_E_MEMORY;

    for (size_t i = 0; i < facts->area_of_work_count; i++) {
        uint32_t area = nr_table_area_of(table, facts->areas_of_work[i]);
        if (area != NR_NONE)
            nr_bits_add(areas, area);
    }
    for (size_t i = 0; i < facts->activity_count; i++) {
        uint32_t activity = nr_table_activity_of(table, facts->activities[i]);
        if (activity != NR_NONE && table->activities[activity].status != NR_OBSOLETE)
            nr_bits_add(additional, activity);
    }
    *holding = (nr_holding){
        .table = table,
        .facts = facts,
        .role = facts->role == NULL ? NR_NONE : nr_table_role_of(table, facts->role),
        .areas = areas,
        .additional = additional,
        .baseline = baseline,
    };
    unite_baseline(holding, baseline);
    return complete(arena, holding);
}

nrbac_status nr_holding_with(nr_arena *arena, const nr_holding *holding,
                             const uint32_t *more, uint32_t more_count,
                             nr_holding *with)
{
    uint64_t *additional = new_row(arena, holding->table->words);
    if (additional == NULL)
        return NRBAC_E_MEMORY;
    nr_bits_unite(additional, holding->additional, holding->table->words);
    for (uint32_t i = 0; i < more_count; i++)
        nr_bits_add(additional, more[i]);
    *with = *holding;
    with->additional = additional;
    return complete(arena, with);
}
