/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What activities include and what the baseline grants, in an image: each row of
 * bits must be what the edges and grants beside it add up to.
 */
#include "table/image.h"

#include <stdlib.h>
#include <string.h>

/* ---- Activities and what they include ----------------------------------------- */

static nrbac_status check_rows(const nr_table *table, nrbac_error *error)
{
    uint32_t words = table->words;
    NR_REQUIRE(words == nr_bits_words(table->activities_count), error, "the header", 0,
               "has another width of rows");
    if (words == 0)
        return table->rows_count == 0
                   ? NRBAC_OK
                   : NR_REFUSE_RECORD(error, "row", 0, "is too wide");
    NR_REQUIRE(table->rows_count % words == 0, error, "row", table->rows_count / words,
               "is cut short");
    uint32_t spare = words * 64 - table->activities_count;
    for (uint32_t last = words - 1; spare != 0 && last < table->rows_count;
         last += words)
        NR_REQUIRE(table->rows[last] >> (64 - spare) == 0, error, "row", last / words,
                   "has bits that mean nothing");
    return NRBAC_OK;
}

static bool includes(const nr_table *table, uint32_t activity, uint32_t included)
{
    nr_range range = table->activities[activity].includes;
    uint32_t low = range.first;
    uint32_t high = range.first + range.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->edges[middle].activity < included)
            low = middle + 1;
        else
            high = middle;
    }
    return low < range.first + range.count && table->edges[low].activity == included;
}

/* Its own numbers alone; the others may not have been looked at yet. */
static nrbac_status check_activity(const nr_table *table, uint32_t n,
                                   uint32_t *edges_end, nrbac_error *error)
{
    const nr_table_activity *record = &table->activities[n];
    NR_REQUIRE(nr_image_is_origin(table, record->origin), error, "activity", n,
               "has no origin");
    NR_REQUIRE(nr_image_is_suspension(table, record->suspension, NR_SUSPENDED_ACTIVITY),
               error, "activity", n, "has no sound suspension");
    NR_REQUIRE(nr_image_is_next(record->includes, edges_end, table->edges_count), error,
               "activity", n, "includes nothing sound");
    NR_REQUIRE(record->includes.count == 0 ? record->closure == NR_NONE
                                           : nr_image_is_row(table, record->closure),
               error, "activity", n, "has no closure");
    NR_REQUIRE(record->status != NR_OBSOLETE || record->includes.count == 0, error,
               "activity", n, "is obsolete and includes others");
    for (uint32_t i = 0; i < record->includes.count; i++) {
        const nr_table_edge *edge = &table->edges[record->includes.first + i];
        NR_REQUIRE(nr_image_is_in_use(table, edge->activity) && edge->activity != n &&
                       (i == 0 || edge[-1].activity < edge->activity) &&
                       nr_image_is_origin(table, edge->origin),
                   error, "activity", n, "includes nothing sound");
    }
    return NRBAC_OK;
}

/* Its closure is itself and the closures of what it includes, none of which
 * reaches back: so there is no cycle, and each bit has a path. */
static nrbac_status check_closure(const nr_table *table, uint32_t n, nrbac_error *error)
{
    const nr_table_activity *record = &table->activities[n];
    uint64_t row[NR_IMAGE_WORDS_MAX];
    if (record->includes.count == 0)
        return NRBAC_OK;
    memset(row, 0, table->words * sizeof(uint64_t));
    for (uint32_t i = 0; i < record->includes.count; i++)
        nr_image_add_closure(table, row,
                             table->edges[record->includes.first + i].activity);
    NR_REQUIRE(!nr_bits_has(row, n), error, "activity", n, "includes itself");
    nr_bits_add(row, n);
    NR_REQUIRE(memcmp(row, nr_table_row(table, record->closure),
                      table->words * sizeof(uint64_t)) == 0,
               error, "activity", n, "has another closure than it includes");
    return NRBAC_OK;
}

/* The edges again, the other way round. */
static nrbac_status check_included_by(const nr_table *table, nrbac_error *error)
{
    uint64_t count = 0;
    for (uint32_t n = 0; n < table->activities_count; n++) {
        nr_range range = table->activities[n].included_by;
        NR_REQUIRE(nr_image_is_ascending(table, range, table->activities_count), error,
                   "activity", n, "is included by nothing sound");
        for (uint32_t i = 0; i < range.count; i++)
            NR_REQUIRE(includes(table, table->numbers[range.first + i], n), error,
                       "activity", n, "is not included by what it says");
        count += range.count;
    }
    NR_REQUIRE(count == table->edges_count, error, "edge", count, "is missing");
    return NRBAC_OK;
}

static nrbac_status check_activities(const nr_table *table, nrbac_error *error)
{
    uint32_t edges_end = 0;
    for (uint32_t n = 0; n < table->activities_count; n++)
        NR_TRY(check_activity(table, n, &edges_end, error));
    NR_REQUIRE(edges_end == table->edges_count, error, "edge", edges_end,
               "belongs to no activity");
    for (uint32_t n = 0; n < table->activities_count; n++)
        NR_TRY(check_closure(table, n, error));
    return check_included_by(table, error);
}

/* ---- Roles and the baseline ------------------------------------------------- */

/* Cells made of the same entries share their grants, so grants that were seen
 * once are remembered by where they start. */
typedef struct seen_grants {
    uint32_t count;
    uint32_t row;
} seen_grants;

static nrbac_status check_grants(const nr_table *table, const nr_table_cell *cell,
                                 uint32_t number, nrbac_error *error)
{
    uint64_t row[NR_IMAGE_WORDS_MAX];
    const nr_table_grant *grants = &table->grants[cell->grants.first];
    memset(row, 0, table->words * sizeof(uint64_t));
    for (uint32_t i = 0; i < cell->grants.count; i++) {
        NR_REQUIRE(nr_image_is_in_use(table, grants[i].activity) &&
                       (i == 0 || grants[i - 1].activity < grants[i].activity) &&
                       nr_image_is_origin(table, grants[i].origin),
                   error, "cell", number, "grants nothing sound");
        /* Closures are closed: one that is in brings nothing more. */
        if (!nr_bits_has(row, grants[i].activity))
            nr_image_add_closure(table, row, grants[i].activity);
    }
    NR_REQUIRE(memcmp(row, nr_table_row(table, cell->row),
                      table->words * sizeof(uint64_t)) == 0,
               error, "cell", number, "has another row than it grants");
    return NRBAC_OK;
}

static nrbac_status check_cell(const nr_table *table, uint32_t number,
                               seen_grants *seen, uint32_t *grants_end,
                               nrbac_error *error)
{
    const nr_table_cell *cell = &table->cells[number];
    NR_REQUIRE(cell->area == NR_NONE || cell->area < table->areas_count, error, "cell",
               number, "has no area of work");
    NR_REQUIRE(nr_image_is_row(table, cell->row) && cell->grants.count != 0 &&
                   nr_image_is_range(cell->grants, table->grants_count),
               error, "cell", number, "has no row");
    seen_grants *before = &seen[cell->grants.first];
    if (cell->grants.first == *grants_end) {
        *grants_end += cell->grants.count;
        *before = (seen_grants){ cell->grants.count, cell->row };
        return check_grants(table, cell, number, error);
    }
    NR_REQUIRE(before->count == cell->grants.count && before->row == cell->row, error,
               "cell", number, "shares grants that are not whole");
    return NRBAC_OK;
}

static nrbac_status check_role(const nr_table *table, uint32_t n, uint32_t *cells_end,
                               nrbac_error *error)
{
    const nr_table_role *record = &table->roles[n];
    NR_REQUIRE(nr_image_is_origin(table, record->origin) &&
                   nr_image_is_text(table, record->staff_group) &&
                   nr_image_is_text(table, record->sub_group),
               error, "job role", n, "has no text");
    NR_REQUIRE(nr_image_is_suspension(table, record->suspension, NR_SUSPENDED_ROLE),
               error, "job role", n, "has no sound suspension");
    NR_REQUIRE(nr_image_is_next(record->cells, cells_end, table->cells_count), error,
               "job role", n, "has no sound cells");
    NR_REQUIRE(record->status != NR_OBSOLETE || record->cells.count == 0, error,
               "job role", n, "is obsolete and has a baseline");
    /* NR_NONE + 1 is 0: without area comes first. */
    const nr_table_cell *cells = &table->cells[record->cells.first];
    for (uint32_t i = 1; i < record->cells.count; i++)
        NR_REQUIRE(cells[i - 1].area + 1 < cells[i].area + 1, error, "job role", n,
                   "has cells out of order");
    return NRBAC_OK;
}

static nrbac_status check_cells(const nr_table *table, seen_grants *seen,
                                nrbac_error *error)
{
    uint32_t grants_end = 0;
    for (uint32_t i = 0; i < table->cells_count; i++)
        NR_TRY(check_cell(table, i, seen, &grants_end, error));
    NR_REQUIRE(grants_end == table->grants_count, error, "grant", grants_end,
               "belongs to no cell");
    return NRBAC_OK;
}

static nrbac_status check_baseline(const nr_table *table, nrbac_error *error)
{
    uint32_t cells_end = 0;
    for (uint32_t n = 0; n < table->roles_count; n++)
        NR_TRY(check_role(table, n, &cells_end, error));
    NR_REQUIRE(cells_end == table->cells_count, error, "cell", cells_end,
               "belongs to no job role");
    for (uint32_t n = 0; n < table->areas_count; n++)
        NR_REQUIRE(nr_image_is_origin(table, table->areas[n].origin), error,
                   "area of work", n, "has no origin");
    seen_grants *seen = calloc((size_t)table->grants_count + 1, sizeof(*seen));
    if (seen == NULL)
        return nr_image_refuse(error, NRBAC_E_MEMORY, "out of memory");
    nrbac_status status = check_cells(table, seen, error);
    free(seen);
    return status;
}

nrbac_status nr_image_check_grants(const nr_table *table, nrbac_error *error)
{
    NR_TRY(check_rows(table, error));
    NR_TRY(check_activities(table, error));
    return check_baseline(table, error);
}
