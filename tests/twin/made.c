/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include <stdlib.h>
#include <string.h>

enum { LINES = 4096 };

/* Tests stop where memory does. */
static void *must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

#define ADD(made, list) must(nr_list_add(&(made)->arena, &(list)))

static nr_span next_line(made_policy *made)
{
    uint32_t start = made->line++ % LINES * 2;
    return (nr_span){ &made->source, start, start + 1 };
}

void made_start(made_policy *made)
{
    *made = (made_policy){ 0 };
    char *text = must(nr_arena_alloc(&made->arena, LINES * 2));
    for (size_t i = 0; i < LINES; i++)
        memcpy(text + 2 * i, "x\n", 2);
    made->source = (nr_source){
        .origin = "made.yaml", .path = "made.yaml", .text = text, .size = LINES * 2
    };
    made->model = (nr_model){ .arena = &made->arena,
                              .name = "made",
                              .version = "1",
                              .nrd_version = "27.2",
                              .provenance = NR_PROVENANCE_EXAMPLE };
    if (!nr_source_count_lines(&made->arena, &made->source))
        abort();
    nr_source **place = ADD(made, made->model.sources);
    *place = &made->source;
}

void made_finish(made_policy *made)
{
    nr_arena_finish(&made->arena);
}

static uint32_t add_code(made_policy *made, nr_codes *codes, const char *code)
{
    nr_code *record = ADD(made, *codes);
    record->code = must(nr_arena_string(&made->arena, code));
    record->name = must(nr_arena_format(&made->arena, "Name of %s", code));
    record->at = next_line(made);
    record->replaced_by.index = NR_NONE;
    return (uint32_t)codes->count - 1;
}

uint32_t made_activity(made_policy *made, const char *code)
{
    return add_code(made, &made->model.activities, code);
}

uint32_t made_role(made_policy *made, const char *code)
{
    uint32_t index = add_code(made, &made->model.roles, code);
    made->model.roles.items[index].staff_group = "S8000";
    return index;
}

uint32_t made_area(made_policy *made, const char *code)
{
    return add_code(made, &made->model.areas, code);
}

uint32_t made_obligation(made_policy *made, const char *id)
{
    nr_obligation *record = ADD(made, made->model.obligations);
    *record = (nr_obligation){ .id = must(nr_arena_string(&made->arena, id)),
                               .at = next_line(made) };
    return (uint32_t)made->model.obligations.count - 1;
}

void made_retire(nr_codes *codes, uint32_t index, uint32_t replacement)
{
    nr_code *code = &codes->items[index];
    code->status = NR_OBSOLETE;
    if (replacement == NR_NONE)
        return;
    code->replaced_by.code = codes->items[replacement].code;
    code->replaced_by.index = replacement;
}

/* As resolve does it: written is the old code, meant is the new one. */
static void mention(made_policy *made, nr_mentions *mentions, const nr_codes *codes,
                    uint32_t index)
{
    const nr_code *code = &codes->items[index];
    bool replaced = code->status == NR_OBSOLETE && code->replaced_by.code != NULL;
    nr_mention *place = ADD(made, *mentions);
    *place = (nr_mention){ .code = code->code,
                           .at = next_line(made),
                           .index = replaced ? code->replaced_by.index : index };
}

static void mention_all(made_policy *made, nr_mentions *mentions, const nr_codes *codes,
                        const uint32_t *indexes)
{
    for (; *indexes != NR_NONE; indexes++)
        mention(made, mentions, codes, *indexes);
}

void made_include(made_policy *made, uint32_t activity, uint32_t included)
{
    nr_codes *codes = &made->model.activities;
    mention(made, &codes->items[activity].includes, codes, included);
}

nr_entry *made_entry(made_policy *made)
{
    nr_entry *entry = ADD(made, made->model.baseline);
    entry->at = next_line(made);
    return entry;
}

void made_entry_roles(made_policy *made, nr_entry *entry, const uint32_t *roles)
{
    mention_all(made, &entry->roles, &made->model.roles, roles);
}

void made_entry_areas(made_policy *made, nr_entry *entry, const uint32_t *areas)
{
    mention_all(made, &entry->areas, &made->model.areas, areas);
}

void made_entry_activities(made_policy *made, nr_entry *entry,
                           const uint32_t *activities)
{
    mention_all(made, &entry->activities, &made->model.activities, activities);
}

nr_requirement *made_group(made_policy *made, nr_atom atom)
{
    nr_requirement *group = must(nr_arena_new(&made->arena, nr_requirement));
    group->atom = atom;
    group->at = next_line(made);
    group->code.index = NR_NONE;
    return group;
}

nr_requirement *made_child(made_policy *made, nr_requirement *parent,
                           nr_requirement *child)
{
    (void)made;
    nr_requirement **place = &parent->children;
    while (*place != NULL)
        place = &(*place)->next;
    *place = child;
    return child;
}

nr_requirement *made_code(made_policy *made, nr_atom atom, uint32_t index)
{
    nr_requirement *node = made_group(made, atom);
    const nr_codes *codes = atom == NR_ATOM_ACTIVITY ? &made->model.activities
                            : atom == NR_ATOM_ROLE   ? &made->model.roles
                                                     : &made->model.areas;
    nr_mentions one = { 0 };
    mention(made, &one, codes, index);
    node->code = one.items[0];
    return node;
}

nr_requirement *made_text(made_policy *made, nr_atom atom, const char *text)
{
    nr_requirement *node = made_group(made, atom);
    node->text = text;
    return node;
}

nr_requirement *made_level(made_policy *made, nr_atom atom, int level)
{
    nr_requirement *node = made_group(made, atom);
    node->level = level;
    return node;
}

static void owe(made_policy *made, nr_mentions *mentions, uint32_t obligation)
{
    nr_mention *place = ADD(made, *mentions);
    *place = (nr_mention){ .code = made->model.obligations.items[obligation].id,
                           .at = next_line(made),
                           .index = obligation };
}

void made_owes(made_policy *made, nr_requirement *requirement, uint32_t obligation)
{
    owe(made, &requirement->obligations, obligation);
}

nr_function *made_function(made_policy *made, const char *id, nr_requirement *require)
{
    nr_function *function = ADD(made, made->model.functions);
    function->id = must(nr_arena_string(&made->arena, id));
    function->at = next_line(made);
    function->require = require;
    return function;
}

void made_function_owes(made_policy *made, nr_function *function, uint32_t obligation)
{
    owe(made, &function->obligations, obligation);
}

uint32_t made_api(made_policy *made, const char *id)
{
    nr_api *api = ADD(made, made->model.apis);
    api->id = must(nr_arena_string(&made->arena, id));
    api->at = next_line(made);
    return (uint32_t)made->model.apis.count - 1;
}

nr_operation *made_operation(made_policy *made, uint32_t api, const char *id,
                             uint32_t patterns, nr_requirement *require)
{
    nr_operation *operation = ADD(made, made->model.apis.items[api].operations);
    operation->id = must(nr_arena_string(&made->arena, id));
    operation->at = next_line(made);
    operation->patterns = patterns;
    operation->require = require;
    return operation;
}

void made_operation_owes(made_policy *made, nr_operation *operation,
                         uint32_t obligation)
{
    owe(made, &operation->obligations, obligation);
}

nr_application *made_application(made_policy *made, const char *id, uint32_t proofs)
{
    nr_application *application = ADD(made, made->model.applications);
    application->id = must(nr_arena_string(&made->arena, id));
    application->at = next_line(made);
    application->proofs = proofs;
    application->any_organisation = true;
    return application;
}

void made_allow(made_policy *made, nr_application *application, uint32_t api,
                uint32_t operation)
{
    nr_allowance *allowance = ADD(made, application->allowances);
    const nr_api *called = &made->model.apis.items[api];
    allowance->api = (nr_mention){ .code = called->id,
                                   .at = next_line(made),
                                   .index = api };
    allowance->all = operation == NR_NONE;
    if (allowance->all)
        return;
    nr_mention *place = ADD(made, allowance->operations);
    *place = (nr_mention){ .code = called->operations.items[operation].id,
                           .at = next_line(made),
                           .index = operation };
}

void made_acts_for(made_policy *made, nr_application *application,
                   const char *organisation)
{
    nr_mention *place = ADD(made, application->organisations);
    *place = (nr_mention){ .code = organisation,
                           .at = next_line(made),
                           .index = NR_NONE };
    application->any_organisation = false;
}

void made_message(made_policy *made, nr_function *function, const char *text)
{
    nr_message *message = ADD(made, function->messages);
    *message = (nr_message){ .outcome = "", .text = text };
}

nr_exclusive *made_exclusive(made_policy *made, const char *name, nr_on_conflict rule,
                             const uint32_t *activities)
{
    nr_exclusive *set = ADD(made, made->model.exclusives);
    set->name = must(nr_arena_string(&made->arena, name));
    set->at = next_line(made);
    set->on_conflict = rule;
    mention_all(made, &set->activities, &made->model.activities, activities);
    return set;
}

void made_suspend(made_policy *made, nr_suspended_kind kind, uint32_t index)
{
    nr_mentions one = { 0 };
    if (kind == NR_SUSPENDED_ACTIVITY)
        mention(made, &one, &made->model.activities, index);
    else if (kind == NR_SUSPENDED_ROLE)
        mention(made, &one, &made->model.roles, index);
    nr_suspension *suspension = ADD(made, made->model.suspensions);
    suspension->kind = kind;
    suspension->reason = "because";
    suspension->at = next_line(made);
    if (one.count != 0)
        suspension->what = one.items[0];
    else
        suspension->what = (nr_mention){
            .code = kind == NR_SUSPENDED_FUNCTION
                        ? made->model.functions.items[index].id
                        : made->model.applications.items[index].id,
            .index = index,
        };
}

/* ---- By chance ----------------------------------------------------------------- */

uint32_t made_chance(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(*state >> 8) * below >> 24);
}

static const uint32_t no_more = NR_NONE;

static void random_codes(made_policy *made, uint32_t *state, made_sizes sizes)
{
    for (uint32_t i = 0; i < sizes.activities; i++)
        made_activity(made, nr_arena_format(&made->arena, "B%04u", i * 7919u % 10000u));
    for (uint32_t i = 0; i < sizes.roles; i++)
        made_role(made, nr_arena_format(&made->arena, "R%04u", i * 7919u % 10000u));
    for (uint32_t i = 0; i < sizes.areas; i++)
        made_area(made, nr_arena_format(&made->arena, "P%04u:Q0001:T0001", i));
    nr_codes *kinds[] = { &made->model.activities, &made->model.roles,
                          &made->model.areas };
    for (size_t k = 0; k < NR_COUNT(kinds); k++)
        for (uint32_t i = 1; i < kinds[k]->count; i++) {
            uint32_t luck = made_chance(state, 20);
            if (luck == 0)
                made_retire(kinds[k], i, NR_NONE);
            else if (luck == 1 && kinds[k]->items[i - 1].status != NR_OBSOLETE)
                made_retire(kinds[k], i, i - 1);
        }
}

static void random_list(made_policy *made, uint32_t *state, nr_mentions *mentions,
                        const nr_codes *codes, uint32_t most)
{
    uint32_t count = codes->count == 0 ? 0 : 1 + made_chance(state, most);
    for (uint32_t i = 0; i < count; i++)
        mention(made, mentions, codes, made_chance(state, (uint32_t)codes->count));
}

static nr_requirement *random_atom(made_policy *made, uint32_t *state)
{
    const nr_model *model = &made->model;
    switch (made_chance(state, 14)) {
    case 0:
        return made_code(made, NR_ATOM_ROLE,
                         made_chance(state, (uint32_t)model->roles.count));
    case 1:
        if (model->areas.count != 0)
            return made_code(made, NR_ATOM_AREA,
                             made_chance(state, (uint32_t)model->areas.count));
        return made_text(made, NR_ATOM_WORKGROUP, "2");
    case 2:
        return made_text(made, NR_ATOM_WORKGROUP, "1");
    case 3:
        return made_text(made, NR_ATOM_ORGANISATION, "RBA");
    case 4:
        return made_text(made, NR_ATOM_ORGANISATION_REQUEST, NULL);
    case 5:
        return made_level(made, NR_ATOM_AAL, 1 + (int)made_chance(state, 3));
    case 6:
        return made_level(made, NR_ATOM_IAL, (int)made_chance(state, 4));
    case 7:
        return made_level(made, NR_ATOM_PROOFING, 5);
    case 8:
        return made_text(made, NR_ATOM_ACTING_AS,
                         made_chance(state, 2) ? "clinician" : "admin");
    case 9:
        return made_text(made, NR_ATOM_ON_BEHALF_OF, NULL);
    default:
        return made_code(made, NR_ATOM_ACTIVITY,
                         made_chance(state, (uint32_t)model->activities.count));
    }
}

static nr_requirement *random_requirement(made_policy *made, uint32_t *state)
{
    nr_requirement *root = made_group(made, made_chance(state, 2) ? NR_ALL : NR_ANY);
    uint32_t count = 1 + made_chance(state, 3);
    for (uint32_t i = 0; i < count; i++) {
        nr_requirement *child = made_child(made, root, random_atom(made, state));
        if (made_chance(state, 3) == 0) {
            nr_requirement *group = made_group(made,
                                               made_chance(state, 2) ? NR_ALL : NR_ANY);
            made_child(made, group, random_atom(made, state));
            made_child(made, group, random_atom(made, state));
            child = made_child(made, root, group);
        }
        if (made_chance(state, 2) == 0)
            made_owes(made, child, made_chance(state, 4));
    }
    return root;
}

static void random_apis(made_policy *made, uint32_t *state, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t api = made_api(made,
                                nr_arena_format(&made->arena, "api-%u", i * 17 % 1000));
        for (uint32_t o = made_chance(state, 40); o > 0; o--) {
            nr_operation *operation = made_operation(
                made, api, nr_arena_format(&made->arena, "o%u", o * 7 % 41),
                1 + made_chance(state, (1u << NR_PATTERN_COUNT) - 1),
                made_chance(state, 3) ? random_requirement(made, state) : NULL);
            operation->delegation = made_chance(state, 2) == 0;
            if (made_chance(state, 3) == 0)
                made_operation_owes(made, operation, made_chance(state, 4));
        }
    }
    for (uint32_t i = 0; i < count * 2; i++) {
        nr_application *application = made_application(
            made, nr_arena_format(&made->arena, "app-%u", i * 17 % 1000),
            made_chance(state, 8));
        for (uint32_t n = made_chance(state, 6); n > 0; n--) {
            uint32_t api = made_chance(state, count);
            uint32_t offered = (uint32_t)made->model.apis.items[api].operations.count;
            bool all = offered == 0 || made_chance(state, 4) == 0;
            made_allow(made, application, api,
                       all ? NR_NONE : made_chance(state, offered));
        }
        if (made_chance(state, 2) == 0)
            made_acts_for(made, application, made_chance(state, 2) ? "RBA" : "Y51");
    }
}

void made_random(made_policy *made, uint32_t seed, made_sizes sizes)
{
    uint32_t state = seed * 2654435761u + 1;
    made_start(made);
    nr_model *model = &made->model;
    random_codes(made, &state, sizes);
    for (uint32_t i = 1; i < sizes.activities; i++)
        for (uint32_t n = made_chance(&state, 3); n > 0; n--) {
            /* Towards smaller indexes, also after replacement: never a cycle. */
            uint32_t target = made_chance(&state, i);
            if (model->activities.items[i].replaced_by.index != target)
                made_include(made, i, target);
        }
    for (uint32_t i = 0; i < sizes.entries; i++) {
        nr_entry *entry = made_entry(made);
        random_list(made, &state, &entry->roles, &model->roles, 3);
        if (made_chance(&state, 2) == 0)
            random_list(made, &state, &entry->areas, &model->areas, 3);
        random_list(made, &state, &entry->activities, &model->activities, 4);
    }
    for (uint32_t i = 0; i < 4; i++)
        made_obligation(made, nr_arena_format(&made->arena, "tell-%u", 9 - i));
    for (uint32_t i = 0; i < sizes.functions; i++) {
        nr_function *function = made_function(
            made, nr_arena_format(&made->arena, "f%u", i * 17 % 1000),
            random_requirement(made, &state));
        if (made_chance(&state, 3) == 0)
            made_function_owes(made, function, made_chance(&state, 4));
    }
    for (uint32_t i = 0; i < sizes.exclusives; i++) {
        nr_exclusive *set = made_exclusive(
            made, nr_arena_format(&made->arena, "set %u", i),
            (nr_on_conflict)made_chance(&state, 3), &no_more);
        random_list(made, &state, &set->activities, &model->activities, 4);
    }
    random_apis(made, &state, sizes.apis);
    if (sizes.functions > 3)
        made_suspend(made, NR_SUSPENDED_FUNCTION, made_chance(&state, sizes.functions));
    if (sizes.roles > 3)
        made_suspend(made, NR_SUSPENDED_ROLE, made_chance(&state, sizes.roles));
    if (sizes.activities > 3)
        made_suspend(made, NR_SUSPENDED_ACTIVITY,
                     made_chance(&state, sizes.activities));
}
