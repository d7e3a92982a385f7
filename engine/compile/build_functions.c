/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/build.h"

#include <assert.h>

static uint32_t operand_of(nr_draft *draft, const nr_requirement *requirement)
{
    switch (requirement->atom) {
    case NR_ATOM_ACTIVITY:
        return draft->activity.number_of[requirement->code.index];
    case NR_ATOM_ROLE:
        return draft->role.number_of[requirement->code.index];
    case NR_ATOM_AREA:
        return draft->area.number_of[requirement->code.index];
    case NR_ATOM_WORKGROUP:
    case NR_ATOM_ORGANISATION:
    case NR_ATOM_ACTING_AS:
        return nr_draft_text(draft, requirement->text);
    case NR_ATOM_AAL:
    case NR_ATOM_IAL:
    case NR_ATOM_PROOFING:
        return (uint32_t)requirement->level;
    case NR_ALL:
    case NR_ANY:
    case NR_ATOM_ORGANISATION_REQUEST:
    case NR_ATOM_ON_BEHALF_OF:
        break;
    }
    return 0;
}

static void add_node(nr_draft *draft, const nr_requirement *requirement)
{
    nr_range obligations = nr_draft_obligations(draft, &requirement->obligations);
    uint32_t operand = operand_of(draft, requirement);
    nr_table_node *node = nr_draft_add(draft, nodes);
    if (node != NULL) {
        *node = (nr_table_node){
            .atom = requirement->atom,
            .size = 1,
            .operand = operand,
            .obligations = obligations,
        };
    }
}

/* `open` are the groups around the current place: who
 * comes next after them, and where their node stands, to be given its size. */
nr_range nr_draft_requirement(nr_draft *draft, const nr_requirement *root)
{
    struct {
        const nr_requirement *next;
        uint32_t node;
    } open[NR_REQUIREMENT_DEPTH_MAX];
    uint32_t depth = 0;
    uint32_t first = (uint32_t)draft->nodes.count;
    const nr_requirement *at = root;
    while (at != NULL && draft->status == NRBAC_OK) {
        uint32_t node = (uint32_t)draft->nodes.count;
        bool group = at->atom == NR_ALL || at->atom == NR_ANY;
        if (node - first >= NR_REQUIREMENT_NODE_MAX ||
            (group && depth == NR_REQUIREMENT_DEPTH_MAX)) {
            nr_draft_fail(draft, NRBAC_E_LIMIT,
                          "a requirement is deeper than %d or has more than %d parts",
                          (int)NR_REQUIREMENT_DEPTH_MAX, (int)NR_REQUIREMENT_NODE_MAX);
            break;
        }
        add_node(draft, at);
        const nr_requirement *next = at == root ? NULL : at->next;
        if (group) {
            assert(at->children != NULL && "an empty group reached the build");
            open[depth].next = next;
            open[depth++].node = node;
            next = at->children;
        }
        while (next == NULL && depth != 0 && draft->status == NRBAC_OK) {
            next = open[--depth].next;
            draft->nodes.items[open[depth].node].size = (uint32_t)draft->nodes.count -
                                                        open[depth].node;
        }
        at = next;
    }
    return (nr_range){ first, (uint32_t)draft->nodes.count - first };
}

static nr_range add_messages(nr_draft *draft, const nr_function *function)
{
    nr_range range = { (uint32_t)draft->messages.count, 0 };
    for (size_t i = 0; i < function->messages.count; i++) {
        nr_table_message *message = nr_draft_add(draft, messages);
        if (message == NULL)
            return (nr_range){ 0 };
        message->outcome = nr_draft_text(draft, function->messages.items[i].outcome);
        message->text = nr_draft_text(draft, function->messages.items[i].text);
        range.count++;
    }
    return range.count == 0 ? (nr_range){ 0 } : range;
}

void nr_build_functions(nr_draft *draft)
{
    for (uint32_t n = 0; n < draft->function.count; n++) {
        uint32_t index = draft->function.index_of[n];
        const nr_function *function = &draft->model->functions.items[index];
        assert(function->require != NULL && "a function without a requirement");
        nr_table_function *record = nr_draft_add(draft, functions);
        if (record == NULL)
            return;
        record->id = nr_draft_text(draft, function->id);
        record->name = nr_draft_text(draft, function->name);
        record->origin = nr_draft_origin(draft, function->at);
        record->suspension = NR_NONE;
        record->nodes = nr_draft_requirement(draft, function->require);
        record->obligations = nr_draft_obligations(draft, &function->obligations);
        record->messages = add_messages(draft, function);
        record->record_first = function->record_first;
    }
}

/* The set's codes in use, as listed, each once. */
static nr_range add_members(nr_draft *draft, const nr_mentions *mentions)
{
    uint32_t *members = nr_draft_array(draft, mentions->count, uint32_t);
    if (members == NULL)
        return (nr_range){ 0 };
    size_t count = 0;
    for (size_t i = 0; i < mentions->count; i++) {
        uint32_t index = mentions->items[i].index;
        if (!nr_code_in_use(&draft->model->activities, index))
            continue;
        uint32_t member = draft->activity.number_of[index];
        bool is_new = true;
        for (size_t m = 0; m < count && is_new; m++)
            is_new = members[m] != member;
        if (is_new)
            members[count++] = member;
    }
    return nr_draft_numbers(draft, members, count);
}

void nr_build_exclusives(nr_draft *draft)
{
    for (size_t i = 0; i < draft->model->exclusives.count; i++) {
        const nr_exclusive *set = &draft->model->exclusives.items[i];
        nr_table_exclusive *record = nr_draft_add(draft, exclusives);
        if (record == NULL)
            return;
        record->name = nr_draft_text(draft, set->name);
        record->origin = nr_draft_origin(draft, set->at);
        record->on_conflict = set->on_conflict;
        record->activities = add_members(draft, &set->activities);
    }
}

/* Where the record of what is suspended keeps its suspension; NULL: nowhere, for an
 * application that the policy does not declare. */
static uint32_t *place_of(nr_draft *draft, const nr_suspension *suspension)
{
    uint32_t index = suspension->what.index;
    switch (suspension->kind) {
    case NR_SUSPENDED_ACTIVITY:
        return &draft->activities.items[draft->activity.number_of[index]].suspension;
    case NR_SUSPENDED_ROLE:
        return &draft->roles.items[draft->role.number_of[index]].suspension;
    case NR_SUSPENDED_FUNCTION:
        return &draft->functions.items[draft->function.number_of[index]].suspension;
    case NR_SUSPENDED_APPLICATION:
        if (index == NR_NONE)
            break;
        return &draft->applications.items[draft->application.number_of[index]]
                    .suspension;
    }
    return NULL;
}

/* Where several suspend the same thing, the first is the one that is told. */
void nr_build_suspensions(nr_draft *draft)
{
    for (size_t i = 0; i < draft->model->suspensions.count; i++) {
        const nr_suspension *suspension = &draft->model->suspensions.items[i];
        nr_table_suspension *record = nr_draft_add(draft, suspensions);
        if (record == NULL)
            return;
        record->kind = suspension->kind;
        record->what = nr_draft_text(draft, suspension->what.code);
        record->reason = nr_draft_text(draft, suspension->reason);
        record->until = nr_draft_text(draft, suspension->until);
        record->origin = nr_draft_origin(draft, suspension->at);
        uint32_t *place = place_of(draft, suspension);
        if (place != NULL && *place == NR_NONE)
            *place = (uint32_t)i;
    }
}
