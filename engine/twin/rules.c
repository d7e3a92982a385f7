/* SPDX-License-Identifier: Apache-2.0 */
#include "twin/rules.h"

#include <assert.h>
#include <string.h>

const nr_requirement *nr_walk_next(nr_walk *walk)
{
    const nr_requirement *current = walk->next;
    if (current == NULL)
        return NULL;
    const nr_requirement *sibling = walk->below_root ? current->next : NULL;
    walk->below_root = true;
    walk->next = sibling;
    if (nr_is_group(current)) {
        assert(walk->depth < NR_COUNT(walk->after));
        walk->after[walk->depth++] = sibling;
        walk->next = current->children;
    }
    while (walk->next == NULL && walk->depth != 0)
        walk->next = walk->after[--walk->depth];
    return current;
}

/* ---- Setting up -------------------------------------------------------------- */

static uint32_t *meanings(nr_arena *arena, const nr_codes *codes)
{
    uint32_t *meant = nr_arena_new_array(arena, codes->count, uint32_t);
    for (uint32_t i = 0; meant != NULL && i < codes->count; i++) {
        const nr_code *code = &codes->items[i];
        meant[i] = i;
        if (code->status == NR_OBSOLETE && code->replaced_by.code != NULL)
            meant[i] = code->replaced_by.index;
    }
    return meant;
}

static void note_suspensions(nr_rules *rules)
{
    const nr_model *model = rules->model;
    for (size_t i = 0; i < model->suspensions.count; i++) {
        const nr_suspension *suspension = &model->suspensions.items[i];
        uint32_t index = suspension->what.index;
        if (suspension->kind == NR_SUSPENDED_ACTIVITY)
            rules->activity_suspended[rules->meant_activity[index]] = true;
        else if (suspension->kind == NR_SUSPENDED_ROLE)
            rules->role_suspended[rules->meant_role[index]] = true;
        else if (suspension->kind == NR_SUSPENDED_FUNCTION)
            rules->guarded[index].suspended = true;
    }
}

/* Which entries speak of which role. */
static bool list_entries(nr_arena *arena, nr_rules *rules)
{
    const nr_model *model = rules->model;
    size_t roles = model->roles.count;
    size_t total = 0;
    rules->entry_first = nr_arena_new_array(arena, roles + 2, uint32_t);
    if (rules->entry_first == NULL)
        return false;
    uint32_t *counts = rules->entry_first + 1; /* one further, to be filled below */
    for (size_t e = 0; e < model->baseline.count; e++) {
        for (size_t r = 0; r < model->baseline.items[e].roles.count; r++) {
            counts[rules->meant_role[model->baseline.items[e].roles.items[r].index] +
                   1]++;
            total++;
        }
    }
    rules->entries = nr_arena_new_array(arena, total, uint32_t);
    if (rules->entries == NULL)
        return false;
    for (size_t r = 0; r < roles; r++)
        counts[r + 1] += counts[r];
    for (size_t e = 0; e < model->baseline.count; e++) {
        for (size_t r = 0; r < model->baseline.items[e].roles.count; r++) {
            uint32_t role =
                rules->meant_role[model->baseline.items[e].roles.items[r].index];
            rules->entries[counts[role]++] = (uint32_t)e;
        }
    }
    return true;
}

static bool list_guarded(nr_arena *arena, nr_rules *rules)
{
    const nr_model *model = rules->model;
    size_t count = model->functions.count;
    for (size_t a = 0; a < model->apis.count; a++)
        count += model->apis.items[a].operations.count;
    rules->guarded = nr_arena_new_array(arena, count, nr_guarded);
    if (rules->guarded == NULL)
        return false;
    for (uint32_t f = 0; f < model->functions.count; f++) {
        const nr_function *function = &model->functions.items[f];
        rules->guarded[rules->guarded_count++] = (nr_guarded){
            .id = function->id,
            .index = f,
            .require = function->require,
            .obligations = &function->obligations,
        };
    }
    for (size_t a = 0; a < model->apis.count; a++) {
        const nr_api *api = &model->apis.items[a];
        for (size_t o = 0; o < api->operations.count; o++) {
            const nr_operation *operation = &api->operations.items[o];
            rules->guarded[rules->guarded_count++] = (nr_guarded){
                .api = api->id,
                .id = operation->id,
                .require = operation->require,
                .obligations = &operation->obligations,
            };
        }
    }
    return true;
}

static size_t most_owed(const nr_rules *rules)
{
    size_t most = 0;
    for (size_t i = 0; i < rules->guarded_count; i++) {
        const nr_guarded *guarded = &rules->guarded[i];
        size_t count = guarded->obligations->count;
        nr_walk walk = { .next = guarded->require };
        for (const nr_requirement *at; (at = nr_walk_next(&walk)) != NULL;)
            count += at->obligations.count;
        most = count > most ? count : most;
    }
    return most;
}

nrbac_status nr_rules_start(nr_arena *arena, nr_rules *rules, const nr_model *model)
{
    size_t activities = model->activities.count;
    *rules = (nr_rules){
        .model = model,
        .meant_activity = meanings(arena, &model->activities),
        .meant_role = meanings(arena, &model->roles),
        .meant_area = meanings(arena, &model->areas),
        .activity_suspended = nr_arena_new_array(arena, activities, bool),
        .role_suspended = nr_arena_new_array(arena, model->roles.count, bool),
        .in_baseline = nr_arena_new_array(arena, activities, uint64_t),
        .in_closure = nr_arena_new_array(arena, activities, uint64_t),
        .excluded = nr_arena_new_array(arena, activities, uint64_t),
        .counted = nr_arena_new_array(arena, activities, uint64_t),
        .held = nr_arena_new_array(arena, activities, uint32_t),
    };
    if (!list_guarded(arena, rules))
        return NRBAC_E_MEMORY;
    rules->owed = nr_arena_new_array(arena, most_owed(rules), uint32_t);
    if (rules->meant_activity == NULL || rules->meant_role == NULL ||
        rules->meant_area == NULL || rules->activity_suspended == NULL ||
        rules->role_suspended == NULL || rules->in_baseline == NULL ||
        rules->in_closure == NULL || rules->excluded == NULL ||
        rules->counted == NULL || rules->held == NULL || rules->owed == NULL ||
        !list_entries(arena, rules))
        return NRBAC_E_MEMORY;
    note_suspensions(rules);
    return NRBAC_OK;
}

/* ---- Effective activities ------------------------------------------------------ */

static bool is_obsolete(const nr_codes *codes, uint32_t index)
{
    return codes->items[index].status == NR_OBSOLETE;
}

/* S17, S19: an obsolete code grants nothing. */
static void hold(nr_rules *rules, uint32_t activity)
{
    if (is_obsolete(&rules->model->activities, activity) ||
        rules->in_closure[activity] == rules->now)
        return;
    rules->in_closure[activity] = rules->now;
    rules->held[rules->held_count++] = activity;
}

/* S14: inclusion is transitive. What is held from `from` on is followed. */
static void follow_inclusion(nr_rules *rules, size_t from)
{
    for (size_t i = from; i < rules->held_count; i++) {
        const nr_mentions *includes = &rules->model->activities.items[rules->held[i]]
                                           .includes;
        for (size_t n = 0; n < includes->count; n++)
            hold(rules, rules->meant_activity[includes->items[n].index]);
    }
}

/* S12, S13: an entry without areas matches always, one with areas if any of them
 * is held, by the full code; an obsolete one matches nobody. */
static bool entry_matches(const nr_rules *rules, const nr_entry *entry)
{
    if (entry->areas.count == 0)
        return true;
    for (size_t i = 0; i < entry->areas.count; i++) {
        uint32_t area = rules->meant_area[entry->areas.items[i].index];
        if (is_obsolete(&rules->model->areas, area))
            continue;
        for (size_t n = 0; n < rules->who->area_count; n++)
            if (rules->meant_area[rules->who->areas[n]] == area)
                return true;
    }
    return false;
}

static void hold_baseline(nr_rules *rules)
{
    if (rules->who->role == NR_NONE)
        return;
    uint32_t role = rules->meant_role[rules->who->role];
    if (is_obsolete(&rules->model->roles, role))
        return;
    for (uint32_t i = rules->entry_first[role]; i < rules->entry_first[role + 1]; i++) {
        const nr_entry *entry = &rules->model->baseline.items[rules->entries[i]];
        if (!entry_matches(rules, entry))
            continue;
        for (size_t n = 0; n < entry->activities.count; n++)
            hold(rules, rules->meant_activity[entry->activities.items[n].index]);
    }
}

/* S22: with two or more of its codes held, `deny` takes all of them away,
 * `prefer-first` all but the first listed one held, `warn` none. Whether they are
 * held is asked of the closure, whatever other sets took away. */
static void judge(nr_rules *rules, const nr_exclusive *set)
{
    size_t held = 0;
    uint32_t first = NR_NONE;
    rules->set_now++;
    for (size_t i = 0; i < set->activities.count; i++) {
        uint32_t member = rules->meant_activity[set->activities.items[i].index];
        if (rules->in_closure[member] != rules->now ||
            rules->counted[member] == rules->set_now)
            continue;
        rules->counted[member] = rules->set_now;
        first = held == 0 ? member : first;
        held++;
    }
    if (held < 2 || set->on_conflict == NR_CONFLICT_WARN)
        return;
    for (size_t i = 0; i < set->activities.count; i++) {
        uint32_t member = rules->meant_activity[set->activities.items[i].index];
        bool spared = set->on_conflict == NR_CONFLICT_PREFER_FIRST && member == first;
        if (rules->in_closure[member] == rules->now && !spared)
            rules->excluded[member] = rules->now;
    }
}

void nr_rules_take(nr_rules *rules, const nr_who *who)
{
    rules->who = who;
    rules->now++;
    rules->held_count = 0;
    hold_baseline(rules);
    follow_inclusion(rules, 0);
    for (size_t i = 0; i < rules->held_count; i++)
        rules->in_baseline[rules->held[i]] = rules->now;

    size_t from = rules->held_count;
    for (size_t i = 0; i < who->activity_count; i++)
        hold(rules, rules->meant_activity[who->activities[i]]);
    follow_inclusion(rules, from);
    for (size_t i = 0; i < rules->model->exclusives.count; i++)
        judge(rules, &rules->model->exclusives.items[i]);
}

static bool holder_is_suspended(const nr_rules *rules)
{
    return rules->who->role != NR_NONE &&
           rules->role_suspended[rules->meant_role[rules->who->role]];
}

nrbac_reason nr_rules_activity(const nr_rules *rules, uint32_t activity)
{
    if (holder_is_suspended(rules) || rules->activity_suspended[activity])
        return NRBAC_REASON_SUSPENDED;
    if (rules->in_closure[activity] != rules->now)
        return NRBAC_REASON_NOT_GRANTED;
    if (rules->excluded[activity] == rules->now)
        return NRBAC_REASON_EXCLUSIVE_CONFLICT;
    return rules->in_baseline[activity] == rules->now
               ? NRBAC_REASON_GRANTED_BY_BASELINE
               : NRBAC_REASON_GRANTED_BY_ADDITIONAL;
}

/* ---- Requirements ---------------------------------------------------------------- */

/* What is taken as true, to find out why a requirement fails. */
typedef struct relaxation {
    bool levels, proofing, organisations, exclusives, suspensions;
} relaxation;

static bool activity_counts(const nr_rules *rules, uint32_t activity,
                            const relaxation *relaxed)
{
    return rules->in_closure[activity] == rules->now &&
           (rules->excluded[activity] != rules->now || relaxed->exclusives) &&
           (!rules->activity_suspended[activity] || relaxed->suspensions);
}

static bool area_is_held(const nr_rules *rules, uint32_t area)
{
    for (size_t i = 0; i < rules->who->area_count; i++)
        if (rules->meant_area[rules->who->areas[i]] == area)
            return true;
    return false;
}

static bool workgroup_is_held(const nr_rules *rules, const char *workgroup)
{
    for (size_t i = 0; i < rules->who->workgroup_count; i++)
        if (strcmp(rules->who->workgroups[i], workgroup) == 0)
            return true;
    return false;
}

static bool acts_for(const nr_rules *rules, const char *organisation)
{
    return rules->who->acting != NULL && organisation != NULL &&
           strcmp(rules->who->acting, organisation) == 0;
}

/* S4: what is not known reaches no level. */
static bool is_at_least(int stated, int level)
{
    return stated != NRBAC_LEVEL_UNKNOWN && stated >= NRBAC_LEVEL(level);
}

static bool atom_holds(const nr_rules *rules, const nr_requirement *atom,
                       const relaxation *relaxed)
{
    const nr_who *who = rules->who;
    switch (atom->atom) {
    case NR_ATOM_ACTIVITY:
        return activity_counts(rules, rules->meant_activity[atom->code.index], relaxed);
    case NR_ATOM_ROLE:
        return who->role != NR_NONE &&
               rules->meant_role[who->role] == rules->meant_role[atom->code.index] &&
               !is_obsolete(&rules->model->roles, rules->meant_role[who->role]);
    case NR_ATOM_AREA:
        return area_is_held(rules, rules->meant_area[atom->code.index]) &&
               !is_obsolete(&rules->model->areas, rules->meant_area[atom->code.index]);
    case NR_ATOM_WORKGROUP:
        return workgroup_is_held(rules, atom->text);
    case NR_ATOM_ORGANISATION:
        return relaxed->organisations || acts_for(rules, atom->text);
    case NR_ATOM_ORGANISATION_REQUEST:
        return relaxed->organisations || acts_for(rules, who->request);
    case NR_ATOM_AAL:
        return relaxed->levels || is_at_least(who->aal, atom->level);
    case NR_ATOM_IAL:
        return relaxed->levels || is_at_least(who->ial, atom->level);
    case NR_ATOM_PROOFING:
        return relaxed->proofing || is_at_least(who->proofing, atom->level);
    case NR_ATOM_ACTING_AS:
        return who->capacity != NULL && strcmp(who->capacity, atom->text) == 0;
    case NR_ATOM_ON_BEHALF_OF:
        return who->other != NULL;
    case NR_ALL:
    case NR_ANY:
        break;
    }
    return false;
}

static void owe(nr_rules *rules, const nr_mentions *obligations)
{
    for (size_t i = 0; i < obligations->count; i++)
        rules->owed[rules->owed_count++] = obligations->items[i].index;
}

/* A group that is being looked at: at which child, and what was owed before. */
typedef struct group {
    const nr_requirement *node;
    const nr_requirement *child;
    size_t owed_before;
} group;

/* What is known of a requirement while it is walked through. */
typedef struct attempt {
    group groups[NR_REQUIREMENT_DEPTH_MAX + 1]; /* around the current node */
    size_t depth;
} attempt;

/* Down to the first atom; the groups passed are open. */
static const nr_requirement *enter(const nr_rules *rules, attempt *trial,
                                   const nr_requirement *at)
{
    for (; nr_is_group(at); at = at->children) {
        assert(trial->depth < NR_COUNT(trial->groups));
        trial->groups[trial->depth++] = (group){ at, at->children, rules->owed_count };
    }
    return at;
}

/* Up from a child that holds or does not, closing every group that it decides;
 * the child to try next, or NULL when the whole requirement is decided. What a
 * failed group owed is forgotten. */
static const nr_requirement *leave(nr_rules *rules, attempt *trial, bool holds)
{
    for (; trial->depth != 0; trial->depth--) {
        group *inner = &trial->groups[trial->depth - 1];
        bool all = inner->node->atom == NR_ALL;
        if (holds == all && inner->child->next != NULL)
            return inner->child = inner->child->next;
        if (holds)
            owe(rules, &inner->node->obligations);
        else
            rules->owed_count = inner->owed_before;
    }
    return NULL;
}

/* Node by node. An `all` needs every child and stops at the first that fails; an
 * `any` stops at the first that holds. So the last atom tried decides. */
static bool requirement_holds(nr_rules *rules, const nr_requirement *root,
                              const relaxation *relaxed)
{
    attempt trial = { 0 };
    bool holds = root == NULL; /* nothing is required */
    for (const nr_requirement *at = root; at != NULL;) {
        at = enter(rules, &trial, at);
        holds = atom_holds(rules, at, relaxed);
        if (holds)
            owe(rules, &at->obligations);
        at = leave(rules, &trial, holds);
    }
    return holds;
}

static bool mentions(const nr_requirement *root, nr_atom atom)
{
    nr_walk walk = { .next = root };
    for (const nr_requirement *at; (at = nr_walk_next(&walk)) != NULL;)
        if (at->atom == atom)
            return true;
    return false;
}

/* The contract's order, each step on top of the ones before. */
static nrbac_reason why_not(nr_rules *rules, const nr_requirement *root)
{
    const nr_who *who = rules->who;
    relaxation relaxed = { .levels = true };
    if (requirement_holds(rules, root, &relaxed)) {
        bool unknown = (who->aal == NRBAC_LEVEL_UNKNOWN &&
                        mentions(root, NR_ATOM_AAL)) ||
                       (who->ial == NRBAC_LEVEL_UNKNOWN && mentions(root, NR_ATOM_IAL));
        return unknown ? NRBAC_REASON_ASSURANCE_UNKNOWN
                       : NRBAC_REASON_ASSURANCE_TOO_LOW;
    }
    relaxed.proofing = true;
    if (requirement_holds(rules, root, &relaxed))
        return NRBAC_REASON_PROOFING_TOO_LOW;
    relaxed.organisations = true;
    if (requirement_holds(rules, root, &relaxed)) {
        bool unnamed = who->request == NULL &&
                       mentions(root, NR_ATOM_ORGANISATION_REQUEST);
        return unnamed ? NRBAC_REASON_ORGANISATION_REQUIRED
                       : NRBAC_REASON_ORGANISATION_MISMATCH;
    }
    relaxed.exclusives = true;
    if (requirement_holds(rules, root, &relaxed))
        return NRBAC_REASON_EXCLUSIVE_CONFLICT;
    relaxed.suspensions = true;
    if (requirement_holds(rules, root, &relaxed))
        return NRBAC_REASON_SUSPENDED;
    return NRBAC_REASON_REQUIREMENT_NOT_MET;
}

/* Puts an id where it belongs, unless it is there. */
static void add_obligation(nr_twin_outcome *outcome, const char *id)
{
    size_t at = 0;
    while (at < outcome->obligation_count && strcmp(outcome->obligations[at], id) < 0)
        at++;
    if (at < outcome->obligation_count && strcmp(outcome->obligations[at], id) == 0)
        return;
    assert(outcome->obligation_count < NRBAC_OBLIGATION_MAX);
    for (size_t i = outcome->obligation_count++; i > at; i--)
        outcome->obligations[i] = outcome->obligations[i - 1];
    outcome->obligations[at] = id;
}

nr_twin_outcome nr_rules_guarded(nr_rules *rules, const nr_guarded *guarded)
{
    const relaxation nothing = { 0 };
    nr_twin_outcome outcome = { .reason = NRBAC_REASON_REQUIREMENT_MET };
    rules->owed_count = 0;
    if (holder_is_suspended(rules) || guarded->suspended) {
        outcome.reason = NRBAC_REASON_SUSPENDED;
        return outcome;
    }
    if (!requirement_holds(rules, guarded->require, &nothing)) {
        outcome.reason = why_not(rules, guarded->require);
        return outcome;
    }
    owe(rules, guarded->obligations);
    for (size_t i = 0; i < rules->owed_count; i++)
        add_obligation(&outcome, rules->model->obligations.items[rules->owed[i]].id);
    return outcome;
}
