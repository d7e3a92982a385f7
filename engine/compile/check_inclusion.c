/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What activities include (S14): depth first, with the path held here, so that
 * each circle is found when its last step is looked at, and each closure is made
 * of closures that are ready.
 */
#include "compile/checks.h"

enum { NAMED_MAX = 24 }; /* activities of a circle that a message names */

typedef struct visit {
    uint32_t activity;
    size_t next; /* of its includes */
} visit;

typedef struct inclusion_walk {
    nr_checking *checking;
    visit *path;
    size_t depth;
    uint32_t *places; /* by activity: its place on the path + 1; 0: not on it */
    bool *finished;
} inclusion_walk;

static void tell_cycle(inclusion_walk *inclusion, const nr_mention *closing)
{
    nr_checking *checking = inclusion->checking;
    const nr_codes *activities = &checking->model->activities;
    size_t from = inclusion->places[closing->index] - 1;
    const char *text = "";
    checking->cyclic = true;
    for (size_t i = from; i < inclusion->depth && text != NULL; i++) {
        if (i - from == NAMED_MAX) {
            text = nr_arena_format(checking->scratch, "%s... -> ", text);
            break;
        }
        text = nr_arena_format(checking->scratch, "%s`%s` -> ", text,
                               activities->items[inclusion->path[i].activity].code);
    }
    nr_diag_add(checking->diags, NR_DIAG_INCLUSION_CYCLE, closing->at,
                "activities include each other in a circle: %s`%s`",
                text == NULL ? "" : text, activities->items[closing->index].code);
}

static bool is_national_mention(const nr_checking *checking, uint32_t index)
{
    return checking->model->activities.items[index].national;
}

/* All that it includes is finished, unless a circle goes through it. */
static void make_closure(const nr_checking *checking, uint32_t activity)
{
    const nr_code *code = &checking->model->activities.items[activity];
    size_t start = (size_t)activity * checking->words;
    uint64_t *row = checking->closures + start;
    uint64_t *national = checking->national_closures + start;
    if (code->status == NR_OBSOLETE)
        return;
    nr_bits_add(row, activity);
    if (code->national)
        nr_bits_add(national, activity);
    for (size_t i = 0; i < code->includes.count; i++) {
        uint32_t included = code->includes.items[i].index;
        if (included == NR_NONE)
            continue;
        size_t from = (size_t)included * checking->words;
        nr_bits_unite(row, checking->closures + from, checking->words);
        if (code->national && is_national_mention(checking, included))
            nr_bits_unite(national, checking->national_closures + from,
                          checking->words);
    }
}

static void enter(inclusion_walk *inclusion, uint32_t activity)
{
    inclusion->path[inclusion->depth++] = (visit){ activity, 0 };
    inclusion->places[activity] = (uint32_t)inclusion->depth;
}

static void leave(inclusion_walk *inclusion)
{
    uint32_t activity = inclusion->path[--inclusion->depth].activity;
    inclusion->places[activity] = 0;
    inclusion->finished[activity] = true;
    make_closure(inclusion->checking, activity);
}

static void walk_from(inclusion_walk *inclusion, uint32_t activity)
{
    const nr_codes *activities = &inclusion->checking->model->activities;
    enter(inclusion, activity);
    while (inclusion->depth > 0) {
        visit *top = &inclusion->path[inclusion->depth - 1];
        const nr_mentions *includes = &activities->items[top->activity].includes;
        if (top->next == includes->count) {
            leave(inclusion);
            continue;
        }
        const nr_mention *mention = &includes->items[top->next++];
        if (mention->index == NR_NONE || inclusion->finished[mention->index])
            continue;
        if (inclusion->places[mention->index] != 0)
            tell_cycle(inclusion, mention);
        else
            enter(inclusion, mention->index);
    }
}

nrbac_status nr_check_inclusion(nr_checking *checking)
{
    uint32_t count = (uint32_t)checking->model->activities.count;
    nr_arena *scratch = checking->scratch;
    checking->words = nr_bits_words(count);
    size_t size = (size_t)count * checking->words;
    checking->closures = nr_arena_new_array(scratch, size, uint64_t);
    checking->national_closures = nr_arena_new_array(scratch, size, uint64_t);
    inclusion_walk inclusion = {
        .checking = checking,
        .path = nr_arena_new_array(scratch, count, visit),
        .places = nr_arena_new_array(scratch, count, uint32_t),
        .finished = nr_arena_new_array(scratch, count, bool),
    };
    if (checking->closures == NULL || checking->national_closures == NULL ||
        inclusion.path == NULL || inclusion.places == NULL ||
        inclusion.finished == NULL)
        return NRBAC_E_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        if (!inclusion.finished[i])
            walk_from(&inclusion, i);
    return NRBAC_OK;
}
