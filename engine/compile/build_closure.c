/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each activity includes, directly or not, and what includes it.
 *
 * Inclusion has no cycles (a policy with one does not come here), so an activity
 * is finished once everything it includes is: a walk to the deepest first, with
 * its own stack, since a chain may be as long as the list of activities.
 */
#include "compile/build.h"

#include <assert.h>

typedef enum progress { NEW = 0, OPEN, DONE } progress;

typedef struct step {
    uint32_t activity;
    uint32_t edge; /* the next one to follow */
} step;

typedef struct inclusion_walk {
    nr_draft *draft;
    uint8_t *progress; /* by activity */
    step *stack;
    uint32_t depth;
    uint64_t *row; /* room to make one in */
} inclusion_walk;

static void finish(inclusion_walk *walk, nr_table_activity *record, uint32_t activity)
{
    nr_draft *draft = walk->draft;
    walk->progress[activity] = DONE;
    if (record->includes.count == 0)
        return;
    for (uint32_t i = 0; i < draft->words; i++)
        walk->row[i] = 0;
    nr_bits_add(walk->row, activity);
    for (uint32_t i = 0; i < record->includes.count; i++) {
        uint32_t included = draft->edges.items[record->includes.first + i].activity;
        uint32_t closure = draft->activities.items[included].closure;
        if (closure == NR_NONE)
            nr_bits_add(walk->row, included);
        else
            nr_bits_unite(walk->row, nr_draft_row_at(draft, closure), draft->words);
    }
    record->closure = nr_draft_row(draft, walk->row);
}

static void walk_from(inclusion_walk *walk, uint32_t start)
{
    nr_draft *draft = walk->draft;
    walk->stack[0] = (step){ start, 0 };
    walk->depth = 1;
    walk->progress[start] = OPEN;
    while (walk->depth != 0 && draft->status == NRBAC_OK) {
        step *top = &walk->stack[walk->depth - 1];
        nr_table_activity *record = &draft->activities.items[top->activity];
        if (top->edge == record->includes.count) {
            finish(walk, record, top->activity);
            walk->depth--;
            continue;
        }
        uint32_t next = draft->edges.items[record->includes.first + top->edge].activity;
        top->edge++;
        assert(walk->progress[next] != OPEN && "an inclusion cycle reached the build");
        if (walk->progress[next] != NEW)
            continue;
        walk->progress[next] = OPEN;
        walk->stack[walk->depth++] = (step){ next, 0 };
    }
}

/* Edges stand in order of their includer, so each list comes out in order. */
static void build_included_by(nr_draft *draft)
{
    uint32_t count = draft->activity.count;
    uint32_t *filled = nr_draft_array(draft, count, uint32_t);
    uint32_t *includers = nr_draft_array(draft, draft->edges.count, uint32_t);
    if (draft->status != NRBAC_OK || draft->edges.count == 0)
        return;
    nr_table_activity *records = draft->activities.items;
    for (size_t e = 0; e < draft->edges.count; e++)
        records[draft->edges.items[e].activity].included_by.count++;
    uint32_t first = 0;
    for (uint32_t n = 0; n < count; n++) {
        filled[n] = first;
        first += records[n].included_by.count;
    }
    for (uint32_t n = 0; n < count; n++) {
        for (uint32_t i = 0; i < records[n].includes.count; i++) {
            uint32_t e = records[n].includes.first + i;
            includers[filled[draft->edges.items[e].activity]++] = n;
        }
    }
    nr_range all = nr_draft_numbers(draft, includers, draft->edges.count);
    for (uint32_t n = 0; n < count; n++)
        if (records[n].included_by.count != 0)
            records[n].included_by.first = all.first + filled[n] -
                                           records[n].included_by.count;
}

void nr_build_closures(nr_draft *draft)
{
    uint32_t count = draft->activity.count;
    inclusion_walk walk = {
        .draft = draft,
        .progress = nr_draft_array(draft, count, uint8_t),
        .stack = nr_draft_array(draft, (size_t)count + 1, step),
        .row = nr_draft_array(draft, (size_t)draft->words + 1, uint64_t),
    };
    if (walk.progress == NULL || walk.stack == NULL || walk.row == NULL)
        return;
    for (uint32_t n = 0; n < count && draft->status == NRBAC_OK; n++)
        if (walk.progress[n] == NEW)
            walk_from(&walk, n);
    build_included_by(draft);
}
