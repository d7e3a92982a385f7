/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the baseline gives each role for each area of work.
 *
 * A cell is made of entries. Cells made of the same entries share their row and
 * their grants, so an entry of many roles and areas costs a cell for each pair
 * but its activities once: memory follows what the policy says.
 */
#include "compile/build.h"

#include <stdlib.h>
#include <string.h>

enum { PAIR_MAX = 1 << 24, GRANT_MAX = 1 << 26 };

/* An entry that gives something to a role in an area. */
typedef struct pair {
    uint32_t role;
    uint32_t area; /* number + 1, so that 0, no area, comes first */
    uint32_t entry;
} pair;

/* What a set of entries gives together. */
typedef struct bundle {
    uint32_t row;
    nr_range grants;
} bundle;

typedef struct gathering {
    nr_draft *draft;
    struct {
        pair *items;
        size_t count, room;
    } pairs;
    nr_pile sets; /* of entries; number -> bundle */
    struct {
        bundle *items;
        size_t count, room;
    } bundles;
    uint32_t *entries; /* room for those of one cell */
    uint32_t *seen_in; /* by activity: bundle + 1 */
    uint64_t *row;
} gathering;

static void add_pair(gathering *baseline, uint32_t role, uint32_t area, uint32_t entry)
{
    nr_draft *draft = baseline->draft;
    if (baseline->pairs.count >= PAIR_MAX) {
        nr_draft_fail(draft, NRBAC_E_LIMIT,
                      "the baseline names more than %d pairs of role and area of work",
                      (int)PAIR_MAX);
        return;
    }
    pair *place = nr_draft_added(draft, nr_list_add(&draft->arena, &baseline->pairs));
    if (place != NULL)
        *place = (pair){ role, area, entry };
}

/* An entry whose areas are all obsolete matches nobody; it does not become an
 * entry without areas. */
static void spread_entry(gathering *baseline, uint32_t number)
{
    nr_draft *draft = baseline->draft;
    const nr_model *model = draft->model;
    const nr_entry *entry = &model->baseline.items[number];
    for (size_t r = 0; r < entry->roles.count && draft->status == NRBAC_OK; r++) {
        uint32_t role = entry->roles.items[r].index;
        if (!nr_code_in_use(&model->roles, role))
            continue;
        if (entry->areas.count == 0)
            add_pair(baseline, draft->role.number_of[role], 0, number);
        for (size_t a = 0; a < entry->areas.count && draft->status == NRBAC_OK; a++) {
            uint32_t area = entry->areas.items[a].index;
            if (nr_code_in_use(&model->areas, area))
                add_pair(baseline, draft->role.number_of[role],
                         draft->area.number_of[area] + 1, number);
        }
    }
}

static int by_place(const void *left, const void *right)
{
    const pair *a = left;
    const pair *b = right;
    if (a->role != b->role)
        return a->role < b->role ? -1 : 1;
    if (a->area != b->area)
        return a->area < b->area ? -1 : 1;
    return (a->entry > b->entry) - (a->entry < b->entry);
}

static int by_activity(const void *left, const void *right)
{
    uint32_t a = ((const nr_table_grant *)left)->activity;
    uint32_t b = ((const nr_table_grant *)right)->activity;
    return (a > b) - (a < b);
}

static void add_closure(gathering *baseline, uint32_t activity)
{
    nr_draft *draft = baseline->draft;
    uint32_t closure = draft->activities.items[activity].closure;
    if (closure == NR_NONE)
        nr_bits_add(baseline->row, activity);
    else
        nr_bits_unite(baseline->row, nr_draft_row_at(draft, closure), draft->words);
}

/* The first to say it is the origin; entries stand in the order of loading. */
static void grant(gathering *baseline, const nr_mention *mention)
{
    nr_draft *draft = baseline->draft;
    uint32_t activity = draft->activity.number_of[mention->index];
    uint32_t stamp = (uint32_t)baseline->bundles.count;
    if (!nr_code_in_use(&draft->model->activities, mention->index) ||
        baseline->seen_in[activity] == stamp || draft->status != NRBAC_OK)
        return;
    if (draft->grants.count >= GRANT_MAX) {
        nr_draft_fail(draft, NRBAC_E_LIMIT, "the baseline makes more than %d grants",
                      (int)GRANT_MAX);
        return;
    }
    baseline->seen_in[activity] = stamp;
    nr_table_grant *place = nr_draft_add(draft, grants);
    if (place == NULL)
        return;
    *place = (nr_table_grant){ activity, nr_draft_origin(draft, mention->at) };
    add_closure(baseline, activity);
}

static void make_bundle(gathering *baseline, size_t entry_count)
{
    nr_draft *draft = baseline->draft;
    bundle *made = nr_draft_added(draft,
                                  nr_list_add(&draft->arena, &baseline->bundles));
    if (made == NULL)
        return;
    memset(baseline->row, 0, draft->words * sizeof(uint64_t));
    uint32_t first = (uint32_t)draft->grants.count;
    for (size_t e = 0; e < entry_count; e++) {
        const nr_mentions *activities =
            &draft->model->baseline.items[baseline->entries[e]].activities;
        for (size_t i = 0; i < activities->count; i++)
            grant(baseline, &activities->items[i]);
    }
    uint32_t count = (uint32_t)draft->grants.count - first;
    if (count == 0 || draft->status != NRBAC_OK)
        return;
    qsort(&draft->grants.items[first], count, sizeof(nr_table_grant), by_activity);
    *made = (bundle){ nr_draft_row(draft, baseline->row), { first, count } };
}

/* The pairs of one role and area, from `at`; returns where the next ones begin. */
static size_t make_cell(gathering *baseline, size_t at)
{
    nr_draft *draft = baseline->draft;
    const pair *pairs = baseline->pairs.items;
    size_t entry_count = 0;
    size_t next = at;
    for (; next < baseline->pairs.count && pairs[next].role == pairs[at].role &&
           pairs[next].area == pairs[at].area;
         next++)
        if (next == at || pairs[next].entry != pairs[next - 1].entry)
            baseline->entries[entry_count++] = pairs[next].entry;

    bool is_new;
    uint32_t number = nr_pile_add(&baseline->sets, baseline->entries,
                                  entry_count * sizeof(uint32_t), &is_new);
    if (number == NR_NONE)
        draft->status = NRBAC_E_MEMORY;
    else if (is_new)
        make_bundle(baseline, entry_count);
    if (draft->status != NRBAC_OK || baseline->bundles.items[number].grants.count == 0)
        return next;

    nr_range *cells = &draft->roles.items[pairs[at].role].cells;
    if (cells->count++ == 0)
        cells->first = (uint32_t)draft->cells.count;
    nr_table_cell *cell = nr_draft_add(draft, cells);
    const bundle *gives = &baseline->bundles.items[number];
    if (cell != NULL) {
        *cell = (nr_table_cell){
            .area = pairs[at].area == 0 ? NR_NONE : pairs[at].area - 1,
            .row = gives->row,
            .grants = gives->grants,
        };
    }
    return next;
}

void nr_build_baseline(nr_draft *draft)
{
    const nr_model *model = draft->model;
    gathering baseline = {
        .draft = draft,
        .sets = { .arena = &draft->arena },
        .entries = nr_draft_array(draft, model->baseline.count, uint32_t),
        .seen_in = nr_draft_array(draft, draft->activity.count, uint32_t),
        .row = nr_draft_array(draft, draft->words, uint64_t),
    };
    for (uint32_t e = 0; e < model->baseline.count && draft->status == NRBAC_OK; e++)
        spread_entry(&baseline, e);
    if (draft->status != NRBAC_OK || baseline.pairs.count == 0)
        return;
    qsort(baseline.pairs.items, baseline.pairs.count, sizeof(pair), by_place);
    for (size_t at = 0; at < baseline.pairs.count && draft->status == NRBAC_OK;)
        at = make_cell(&baseline, at);
}
