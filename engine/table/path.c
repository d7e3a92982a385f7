/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A search backwards from the activity asked for, over what includes it, until
 * the first grants are met; then forwards again, always to the earliest code
 * that is one step nearer. So the path is a shortest one, and of those the
 * first in code order.
 */
#include "table/path.h"

typedef struct path_search {
    const nr_holding *holding;
    bool baseline;
    uint32_t *distance; /* to the activity asked for, plus 1; 0: not met */
    uint32_t *queue;
    uint32_t queued;
} path_search;

/* The grant of an activity in one cell; NULL: the cell does not name it. */
static const nr_table_grant *find_grant(const nr_table *table,
                                        const nr_table_cell *cell, uint32_t activity)
{
    uint32_t low = 0;
    uint32_t high = cell->grants.count;
    const nr_table_grant *grants = &table->grants[cell->grants.first];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (grants[middle].activity < activity)
            low = middle + 1;
        else
            high = middle;
    }
    return low < cell->grants.count && grants[low].activity == activity ? &grants[low]
                                                                        : NULL;
}

static const nr_table_grant *baseline_grant(const nr_holding *holding,
                                            uint32_t activity)
{
    if (holding->role == NR_NONE)
        return NULL;
    const nr_table *table = holding->table;
    nr_range cells = table->roles[holding->role].cells;
    for (uint32_t i = 0; i < cells.count; i++) {
        const nr_table_cell *cell = &table->cells[cells.first + i];
        if (cell->area != NR_NONE && !nr_bits_has(holding->areas, cell->area))
            continue;
        const nr_table_grant *grant = find_grant(table, cell, activity);
        if (grant != NULL)
            return grant;
    }
    return NULL;
}

static bool is_granted(const path_search *search, uint32_t activity)
{
    return search->baseline ? baseline_grant(search->holding, activity) != NULL
                            : nr_bits_has(search->holding->additional, activity);
}

/* Breadth first; of the nearest grants, the earliest code. */
static uint32_t find_start(path_search *search, uint32_t activity)
{
    const nr_table *table = search->holding->table;
    uint32_t start = NR_NONE;
    search->queue[search->queued++] = activity;
    search->distance[activity] = 1;
    for (uint32_t i = 0; i < search->queued; i++) {
        uint32_t at = search->queue[i];
        if (start != NR_NONE && search->distance[at] > search->distance[start])
            break;
        if (at < start && is_granted(search, at))
            start = at;
        nr_range parents = table->activities[at].included_by;
        for (uint32_t p = 0; p < parents.count; p++) {
            uint32_t parent = table->numbers[parents.first + p];
            if (search->distance[parent] != 0)
                continue;
            search->distance[parent] = search->distance[at] + 1;
            search->queue[search->queued++] = parent;
        }
    }
    return start;
}

/* The earliest code that `at` includes and that is one step nearer. */
static const nr_table_edge *next_edge(const path_search *search, uint32_t at)
{
    const nr_table *table = search->holding->table;
    nr_range edges = table->activities[at].includes;
    for (uint32_t i = 0; i < edges.count; i++) {
        const nr_table_edge *edge = &table->edges[edges.first + i];
        if (search->distance[edge->activity] == search->distance[at] - 1)
            return edge;
    }
    return NULL;
}

static nr_origin origin_of_start(const path_search *search, uint32_t start)
{
    const nr_table_grant *grant = search->baseline
                                      ? baseline_grant(search->holding, start)
                                      : NULL;
    return grant == NULL ? (nr_origin){ 0 } : grant->origin;
}

static nrbac_status walk(nr_arena *arena, const path_search *search, uint32_t start,
                         nr_path *path)
{
    uint32_t length = search->distance[start];
    path->steps = nr_arena_new_array(arena, length, nr_step);
    if (path->steps == NULL)
        return NRBAC_E_MEMORY;
    path->steps[0] = (nr_step){ start, origin_of_start(search, start) };
    path->count = 1;
    while (path->count < length) {
        const nr_table_edge *edge = next_edge(search,
                                              path->steps[path->count - 1].activity);
        if (edge == NULL)
            break;
        path->steps[path->count++] = (nr_step){ edge->activity, edge->origin };
    }
    return NRBAC_OK;
}

nrbac_status nr_path_find(nr_arena *arena, const nr_holding *holding, uint32_t activity,
                          nr_path *path)
{
    *path = (nr_path){ .baseline = nr_bits_has(holding->baseline, activity) };
    if (!nr_bits_has(holding->closed, activity))
        return NRBAC_OK;
    path_search search = { .holding = holding, .baseline = path->baseline };
    uint32_t count = holding->table->activities_count;
    search.distance = nr_arena_new_array(arena, count, uint32_t);
    search.queue = nr_arena_new_array(arena, count, uint32_t);
    if (search.distance == NULL || search.queue == NULL)
        return NRBAC_E_MEMORY;
    uint32_t start = find_start(&search, activity);
    return start == NR_NONE ? NRBAC_OK : walk(arena, &search, start, path);
}
