/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/build.h"

#include <stdlib.h>
#include <string.h>

typedef struct named {
    const char *code;
    uint32_t index;
} named;

/* Codes of a kind are unique, so this order is total. */
static int by_code(const void *left, const void *right)
{
    return strcmp(((const named *)left)->code, ((const named *)right)->code);
}

static void number(nr_draft *draft, named *items, size_t count, nr_numbering *numbering)
{
    numbering->count = (uint32_t)count;
    numbering->number_of = nr_draft_array(draft, count, uint32_t);
    numbering->index_of = nr_draft_array(draft, count, uint32_t);
    if (draft->status != NRBAC_OK || count == 0)
        return;
    qsort(items, count, sizeof(*items), by_code);
    for (uint32_t i = 0; i < count; i++) {
        numbering->index_of[i] = items[i].index;
        numbering->number_of[items[i].index] = i;
    }
}

/* Numbers the items of a list by the byte order of one of their members. */
#define NUMBER_BY(draft, list, member, numbering)                     \
    do {                                                              \
        named *items_ = nr_draft_array((draft), (list).count, named); \
        if (items_ == NULL)                                           \
            return;                                                   \
        for (uint32_t i_ = 0; i_ < (list).count; i_++)                \
            items_[i_] = (named){ (list).items[i_].member, i_ };      \
        number((draft), items_, (list).count, (numbering));           \
    } while (0)

static void check_limit(nr_draft *draft, size_t count, size_t limit, const char *what)
{
    if (count > limit)
        nr_draft_fail(draft, NRBAC_E_LIMIT,
                      "the policy declares %zu %s; there is room for %zu", count, what,
                      limit);
}

static size_t count_operations(const nr_model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < model->apis.count; i++)
        count += model->apis.items[i].operations.count;
    return count;
}

static void number_operations(nr_draft *draft)
{
    const nr_model *model = draft->model;
    draft->operations_of = nr_draft_array(draft, model->apis.count, nr_numbering);
    for (size_t i = 0; i < model->apis.count && draft->status == NRBAC_OK; i++)
        NUMBER_BY(draft, model->apis.items[i].operations, id, &draft->operations_of[i]);
}

void nr_build_numbering(nr_draft *draft)
{
    const nr_model *model = draft->model;
    check_limit(draft, model->activities.count, NR_ACTIVITY_MAX, "activities");
    check_limit(draft, model->roles.count, NR_ROLE_MAX, "job roles");
    check_limit(draft, model->areas.count, NR_AREA_MAX, "areas of work");
    check_limit(draft, model->obligations.count, NR_OBLIGATION_MAX, "obligations");
    check_limit(draft, model->functions.count, NR_FUNCTION_MAX, "functions");
    check_limit(draft, model->exclusives.count, NR_EXCLUSIVE_MAX, "exclusive sets");
    check_limit(draft, model->apis.count, NR_API_MAX, "APIs");
    check_limit(draft, count_operations(model), NR_OPERATION_MAX, "operations");
    check_limit(draft, model->applications.count, NR_APPLICATION_MAX, "applications");
    if (draft->status != NRBAC_OK)
        return;
    NUMBER_BY(draft, model->activities, code, &draft->activity);
    NUMBER_BY(draft, model->roles, code, &draft->role);
    NUMBER_BY(draft, model->areas, code, &draft->area);
    NUMBER_BY(draft, model->obligations, id, &draft->obligation);
    NUMBER_BY(draft, model->functions, id, &draft->function);
    NUMBER_BY(draft, model->apis, id, &draft->api);
    NUMBER_BY(draft, model->applications, id, &draft->application);
    number_operations(draft);
    draft->words = nr_bits_words(draft->activity.count);
}

/* The number of what replaces a code; chains were refused before. */
static uint32_t replacement(const nr_code *code, const nr_numbering *numbering)
{
    if (code->status != NR_OBSOLETE || code->replaced_by.code == NULL ||
        code->replaced_by.index == NR_NONE)
        return NR_NONE;
    return numbering->number_of[code->replaced_by.index];
}

static int by_activity(const void *left, const void *right)
{
    uint32_t a = ((const nr_table_edge *)left)->activity;
    uint32_t b = ((const nr_table_edge *)right)->activity;
    return (a > b) - (a < b);
}

/* What an activity includes directly. An obsolete code passes nothing on, and
 * one that was replaced by its own includer leaves nothing to say. */
static nr_range add_edges(nr_draft *draft, uint32_t index)
{
    const nr_codes *codes = &draft->model->activities;
    const nr_mentions *includes = &codes->items[index].includes;
    nr_range range = { (uint32_t)draft->edges.count, 0 };
    if (!nr_code_in_use(codes, index))
        return (nr_range){ 0 };
    for (size_t i = 0; i < includes->count; i++) {
        const nr_mention *mention = &includes->items[i];
        uint32_t target = draft->activity.number_of[mention->index];
        if (!nr_code_in_use(codes, mention->index) || mention->index == index)
            continue;
        bool is_new = true;
        for (size_t e = range.first; e < draft->edges.count && is_new; e++)
            is_new = draft->edges.items[e].activity != target;
        nr_table_edge *edge = is_new ? nr_draft_add(draft, edges) : NULL;
        if (edge != NULL)
            *edge = (nr_table_edge){ target, nr_draft_origin(draft, mention->at) };
    }
    range.count = (uint32_t)draft->edges.count - range.first;
    if (range.count == 0)
        return (nr_range){ 0 };
    qsort(&draft->edges.items[range.first], range.count, sizeof(nr_table_edge),
          by_activity);
    return range;
}

void nr_build_activities(nr_draft *draft)
{
    for (uint32_t n = 0; n < draft->activity.count; n++) {
        uint32_t index = draft->activity.index_of[n];
        const nr_code *code = &draft->model->activities.items[index];
        nr_table_activity *record = nr_draft_add(draft, activities);
        if (record == NULL)
            return;
        record->code = nr_draft_text(draft, code->code);
        record->name = nr_draft_text(draft, code->name);
        record->origin = nr_draft_origin(draft, code->at);
        record->status = code->status;
        record->replaced_by = replacement(code, &draft->activity);
        record->suspension = NR_NONE;
        record->closure = NR_NONE;
        record->includes = add_edges(draft, index);
    }
}

static void build_roles(nr_draft *draft)
{
    for (uint32_t n = 0; n < draft->role.count; n++) {
        const nr_code *code = &draft->model->roles.items[draft->role.index_of[n]];
        nr_table_role *record = nr_draft_add(draft, roles);
        if (record == NULL)
            return;
        record->code = nr_draft_text(draft, code->code);
        record->name = nr_draft_text(draft, code->name);
        record->staff_group = nr_draft_text(draft, code->staff_group);
        record->sub_group = nr_draft_text(draft, code->sub_group);
        record->origin = nr_draft_origin(draft, code->at);
        record->status = code->status;
        record->replaced_by = replacement(code, &draft->role);
        record->suspension = NR_NONE;
    }
}

static void build_areas(nr_draft *draft)
{
    for (uint32_t n = 0; n < draft->area.count; n++) {
        const nr_code *code = &draft->model->areas.items[draft->area.index_of[n]];
        nr_table_area *record = nr_draft_add(draft, areas);
        if (record == NULL)
            return;
        record->code = nr_draft_text(draft, code->code);
        record->name = nr_draft_text(draft, code->name);
        record->origin = nr_draft_origin(draft, code->at);
        record->status = code->status;
        record->replaced_by = replacement(code, &draft->area);
    }
}

void nr_build_other_codes(nr_draft *draft)
{
    build_roles(draft);
    build_areas(draft);
    for (uint32_t n = 0; n < draft->obligation.count; n++) {
        uint32_t index = draft->obligation.index_of[n];
        const nr_obligation *obligation = &draft->model->obligations.items[index];
        nr_table_obligation *record = nr_draft_add(draft, obligations);
        if (record == NULL)
            return;
        record->id = nr_draft_text(draft, obligation->id);
        record->name = nr_draft_text(draft, obligation->name);
    }
}
