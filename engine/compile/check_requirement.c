/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requirements that nobody can meet, that nearly everybody meets, or that could
 * bring more obligations than a decision holds.
 *
 * For each part is worked out, from the leaves up, who could meet it at all: one
 * of which job roles, at one of which organisations, and with which activities
 * at once; and in which capacity the request must ask. What is left open counts as possible, so nothing possible is refused.
 */
#include "base/names.h"
#include "compile/checks.h"

#include <string.h>

/* Numbers of one sort; `open`: any will do. Sorted by nothing, few. */
typedef struct choice_set {
    bool open;
    uint32_t *items;
    size_t count;
} choice_set;

typedef struct part_facts {
    const char *impossible; /* why nobody can meet it; NULL: somebody may */
    bool weak;              /* a level of 0 is all that it asks for */
    size_t obligations;     /* the most that it can bring */
    choice_set roles, organisations, capacities;
    choice_set activities; /* held by whoever meets it */
} part_facts;

typedef struct open_part {
    const nr_requirement *node;
    const nr_requirement *next;
    part_facts facts;
    bool begun;
} open_part;

typedef struct requirement_check {
    nr_checking *checking;
    nr_arena arena; /* for one function or operation at a time */
    nr_names texts; /* of organisations and capacities */
    bool out_of_memory;
    /* The exclusive sets that forbid two of their codes at once, by activity. */
    uint32_t *set_first, *sets;
    uint32_t *set_stamps, *set_activity;
    uint32_t *obligation_stamps;
    uint32_t stamp;
} requirement_check;

/* ---- Choices -------------------------------------------------------------------------- */

static bool has(const choice_set *choice, uint32_t item)
{
    for (size_t i = 0; i < choice->count; i++)
        if (choice->items[i] == item)
            return true;
    return false;
}

static choice_set one(requirement_check *analysis, uint32_t item)
{
    uint32_t *items = nr_arena_new(&analysis->arena, uint32_t);
    if (items == NULL) {
        analysis->out_of_memory = true;
        return (choice_set){ .open = true };
    }
    *items = item;
    return (choice_set){ .items = items, .count = 1 };
}

static choice_set unite(requirement_check *analysis, choice_set a, choice_set b)
{
    if (a.open || b.open)
        return (choice_set){ .open = true };
    uint32_t *items = nr_arena_new_array(&analysis->arena, a.count + b.count, uint32_t);
    if (items == NULL) {
        analysis->out_of_memory = true;
        return (choice_set){ .open = true };
    }
    size_t count = a.count;
    if (count > 0)
        memcpy(items, a.items, count * sizeof(*items));
    for (size_t i = 0; i < b.count; i++)
        if (!has(&a, b.items[i]))
            items[count++] = b.items[i];
    return (choice_set){ .items = items, .count = count };
}

/* In place, in the memory of `a`. */
static choice_set intersect(choice_set a, choice_set b)
{
    if (a.open)
        return b;
    if (b.open)
        return a;
    size_t count = 0;
    for (size_t i = 0; i < a.count; i++)
        if (has(&b, a.items[i]))
            a.items[count++] = a.items[i];
    a.count = count;
    return a;
}

/* ---- Atoms ------------------------------------------------------------------------------ */

static void look_at_activity(requirement_check *analysis, const nr_requirement *node,
                             part_facts *facts)
{
    if (node->code.index == NR_NONE)
        return;
    const nr_code *code = &analysis->checking->model->activities
                               .items[node->code.index];
    if (code->status == NR_OBSOLETE)
        facts->impossible = "an obsolete activity is held by nobody";
    facts->activities = one(analysis, node->code.index);
}

static part_facts facts_of_atom(requirement_check *analysis, const nr_requirement *node)
{
    part_facts facts = {
        .roles.open = true,
        .organisations.open = true,
        .capacities.open = true,
    };
    facts.obligations = node->obligations.count;
    switch (node->atom) {
    case NR_ATOM_ACTIVITY:
        look_at_activity(analysis, node, &facts);
        break;
    case NR_ATOM_ROLE:
        if (node->code.index != NR_NONE)
            facts.roles = one(analysis, node->code.index);
        break;
    case NR_ATOM_ORGANISATION:
        facts.organisations = one(
            analysis,
            nr_names_intern(&analysis->texts, node->text, strlen(node->text)));
        break;
    case NR_ATOM_ACTING_AS:
        facts.capacities = one(analysis, nr_names_intern(&analysis->texts, node->text,
                                                         strlen(node->text)));
        break;
    case NR_ATOM_IAL:
    case NR_ATOM_PROOFING:
        facts.weak = node->level == 0;
        break;
    case NR_ALL:
    case NR_ANY:
    case NR_ATOM_AREA:
    case NR_ATOM_WORKGROUP:
    case NR_ATOM_ORGANISATION_REQUEST:
    case NR_ATOM_AAL:
    case NR_ATOM_ON_BEHALF_OF:
        break;
    }
    return facts;
}

/* ---- Exclusive sets ------------------------------------------------------------------------ */

/* How many sets each activity is in, or which ones, once their places are known. */
static void go_through_sets(requirement_check *analysis, bool placing)
{
    const nr_model *model = analysis->checking->model;
    uint32_t *first = analysis->set_first;
    for (uint32_t i = 0; i < model->exclusives.count; i++) {
        const nr_exclusive *set = &model->exclusives.items[i];
        if (set->on_conflict == NR_CONFLICT_WARN)
            continue;
        for (size_t k = 0; k < set->activities.count; k++) {
            uint32_t activity = set->activities.items[k].index;
            if (activity != NR_NONE && placing)
                analysis->sets[first[activity + 1]++] = i;
            else if (activity != NR_NONE)
                first[activity + 2]++;
        }
    }
}

static nrbac_status index_sets(requirement_check *analysis)
{
    const nr_model *model = analysis->checking->model;
    nr_arena *scratch = analysis->checking->scratch;
    size_t activities = model->activities.count;
    size_t sets = model->exclusives.count;
    size_t mentions = 0;
    for (size_t i = 0; i < sets; i++)
        mentions += model->exclusives.items[i].activities.count;
    analysis->set_first = nr_arena_new_array(scratch, activities + 2, uint32_t);
    analysis->sets = nr_arena_new_array(scratch, mentions, uint32_t);
    analysis->set_stamps = nr_arena_new_array(scratch, sets, uint32_t);
    analysis->set_activity = nr_arena_new_array(scratch, sets, uint32_t);
    analysis->obligation_stamps = nr_arena_new_array(scratch, model->obligations.count,
                                                     uint32_t);
    if (analysis->set_first == NULL || analysis->sets == NULL ||
        analysis->set_stamps == NULL || analysis->set_activity == NULL ||
        analysis->obligation_stamps == NULL)
        return NRBAC_E_MEMORY;
    go_through_sets(analysis, false);
    for (size_t i = 2; i < activities + 2; i++)
        analysis->set_first[i] += analysis->set_first[i - 1];
    go_through_sets(analysis, true);
    return NRBAC_OK;
}

/* Whether two of the activities cannot count at once; why, or NULL. */
static const char *conflict(requirement_check *analysis, const choice_set *activities)
{
    const nr_model *model = analysis->checking->model;
    analysis->stamp++;
    for (size_t i = 0; i < activities->count; i++) {
        uint32_t activity = activities->items[i];
        for (uint32_t k = analysis->set_first[activity];
             k < analysis->set_first[activity + 1]; k++) {
            uint32_t set = analysis->sets[k];
            bool other = analysis->set_stamps[set] == analysis->stamp &&
                         analysis->set_activity[set] != activity;
            if (other) {
                return nr_arena_format(
                    &analysis->arena,
                    "`%s` and `%s` never count together, by the exclusive set `%s`",
                    model->activities.items[analysis->set_activity[set]].code,
                    model->activities.items[activity].code,
                    model->exclusives.items[set].name);
            }
            analysis->set_stamps[set] = analysis->stamp;
            analysis->set_activity[set] = activity;
        }
    }
    return NULL;
}

/* ---- all and any ----------------------------------------------------------------------------- */

static void add_to_all(requirement_check *analysis, part_facts *sum, part_facts child)
{
    if (sum->impossible == NULL)
        sum->impossible = child.impossible;
    sum->weak = sum->weak && child.weak;
    sum->obligations += child.obligations;
    sum->roles = intersect(sum->roles, child.roles);
    sum->organisations = intersect(sum->organisations, child.organisations);
    sum->capacities = intersect(sum->capacities, child.capacities);
    sum->activities = unite(analysis, sum->activities, child.activities);
    if (sum->impossible != NULL)
        return;
    if (!sum->roles.open && sum->roles.count == 0)
        sum->impossible = "a profile has one job role";
    else if (!sum->organisations.open && sum->organisations.count == 0)
        sum->impossible = "a profile acts for one organisation";
    else if (!sum->capacities.open && sum->capacities.count == 0)
        sum->impossible = "a request is made in one capacity";
    else if (child.activities.count > 0)
        sum->impossible = conflict(analysis, &sum->activities);
}

/* `begun`: an earlier alternative was possible. */
static void add_to_any(requirement_check *analysis, part_facts *sum, part_facts child,
                       bool *begun)
{
    sum->weak = sum->weak || child.weak;
    if (child.obligations > sum->obligations)
        sum->obligations = child.obligations;
    if (child.impossible != NULL) {
        if (!*begun && sum->impossible == NULL)
            sum->impossible = child.impossible;
        return;
    }
    sum->impossible = NULL;
    if (!*begun) {
        sum->roles = child.roles;
        sum->organisations = child.organisations;
        sum->capacities = child.capacities;
        sum->activities = child.activities;
    } else {
        sum->roles = unite(analysis, sum->roles, child.roles);
        sum->organisations = unite(analysis, sum->organisations, child.organisations);
        sum->capacities = unite(analysis, sum->capacities, child.capacities);
        sum->activities = intersect(sum->activities, child.activities);
    }
    *begun = true;
}

static open_part open_frame(const nr_requirement *node)
{
    return (open_part){
        .node = node,
        .next = node->children,
        .facts = {
            .weak = node->atom == NR_ALL,
            .roles.open = true,
            .organisations.open = true,
            .capacities.open = true,
        },
    };
}

static bool is_atom(const nr_requirement *node)
{
    return node->atom != NR_ALL && node->atom != NR_ANY;
}

static void add_child(requirement_check *analysis, open_part *frame, part_facts child)
{
    if (frame->node->atom == NR_ALL)
        add_to_all(analysis, &frame->facts, child);
    else
        add_to_any(analysis, &frame->facts, child, &frame->begun);
}

static part_facts facts_of(requirement_check *analysis, const nr_requirement *root)
{
    open_part frames[NR_REQUIREMENT_DEPTH_MAX];
    size_t depth = 0;
    if (is_atom(root))
        return facts_of_atom(analysis, root);
    frames[depth++] = open_frame(root);
    for (;;) {
        open_part *top = &frames[depth - 1];
        const nr_requirement *child = top->next;
        if (child == NULL) {
            part_facts done = top->facts;
            done.obligations += top->node->obligations.count;
            if (--depth == 0)
                return done;
            add_child(analysis, &frames[depth - 1], done);
            continue;
        }
        top->next = child->next;
        if (is_atom(child))
            add_child(analysis, top, facts_of_atom(analysis, child));
        else
            frames[depth++] = open_frame(child);
    }
}

/* ---- Functions and operations -------------------------------------------------------------------------------- */

/* A function, or an operation of an API. */
typedef struct guarded {
    const char *id;
    nr_span at;
    const nr_requirement *require;
    const nr_mentions *obligations;
} guarded;

static size_t count_new(requirement_check *analysis, const nr_mentions *obligations)
{
    size_t count = 0;
    for (size_t i = 0; i < obligations->count; i++) {
        uint32_t index = obligations->items[i].index;
        if (index == NR_NONE || analysis->obligation_stamps[index] == analysis->stamp)
            continue;
        analysis->obligation_stamps[index] = analysis->stamp;
        count++;
    }
    return count;
}

/* How many different obligations it mentions at all. */
static size_t count_different(requirement_check *analysis, const guarded *what)
{
    const nr_requirement *waiting[NR_REQUIREMENT_DEPTH_MAX + 1] = { what->require };
    size_t depth = what->require == NULL ? 0 : 1;
    analysis->stamp++;
    size_t count = count_new(analysis, what->obligations);
    while (depth > 0) {
        const nr_requirement *node = waiting[--depth];
        count += count_new(analysis, &node->obligations);
        if (node != what->require && node->next != NULL)
            waiting[depth++] = node->next;
        if (node->children != NULL)
            waiting[depth++] = node->children;
    }
    return count;
}

/* The most that one permit could carry; the same one twice is carried once. */
static size_t most_obligations(requirement_check *analysis, const guarded *what,
                               size_t by_parts)
{
    size_t most = by_parts + what->obligations->count;
    if (most <= NRBAC_OBLIGATION_MAX)
        return most;
    size_t different = count_different(analysis, what);
    return different < most ? different : most;
}

static void tell_meeting(nr_diags *diags, const guarded *what, const part_facts *facts)
{
    if (facts->impossible != NULL) {
        nr_diag *diag = nr_diag_add(diags, NR_DIAG_NEVER_MET, what->require->at,
                                    "nobody can ever meet what `%s` requires",
                                    what->id);
        nr_diag_help(diags, diag, "%s", facts->impossible);
    } else if (facts->weak && nr_check_is_own(what->at)) {
        nr_diag_add(diags, NR_DIAG_WEAK_REQUIREMENT, what->require->at,
                    "`%s` requires no more than the lowest level there is", what->id);
    }
}

static void check_guarded(requirement_check *analysis, const guarded *what)
{
    nr_diags *diags = analysis->checking->diags;
    part_facts facts = { 0 };
    nr_arena_reset(&analysis->arena);
    analysis->texts = (nr_names){ .arena = &analysis->arena };
    if (what->require != NULL) {
        facts = facts_of(analysis, what->require);
        tell_meeting(diags, what, &facts);
    }
    size_t obligations = most_obligations(analysis, what, facts.obligations);
    if (obligations > NRBAC_OBLIGATION_MAX)
        nr_diag_add(diags, NR_DIAG_TOO_MANY_OBLIGATIONS, what->at,
                    "a permit for `%s` could carry %zu obligations, the limit is %d",
                    what->id, obligations, NRBAC_OBLIGATION_MAX);
}

static void check_operations(requirement_check *analysis, const nr_api *api)
{
    for (size_t i = 0; i < api->operations.count; i++) {
        const nr_operation *operation = &api->operations.items[i];
        guarded what = { operation->id, operation->at, operation->require,
                         &operation->obligations };
        check_guarded(analysis, &what);
    }
}

nrbac_status nr_check_requirements(nr_checking *checking)
{
    const nr_model *model = checking->model;
    requirement_check analysis = { .checking = checking };
    NR_TRY(index_sets(&analysis));
    for (size_t i = 0; i < model->functions.count; i++) {
        const nr_function *function = &model->functions.items[i];
        guarded what = { function->id, function->at, function->require,
                         &function->obligations };
        if (function->require != NULL)
            check_guarded(&analysis, &what);
    }
    for (size_t i = 0; i < model->apis.count; i++)
        check_operations(&analysis, &model->apis.items[i]);
    nr_arena_finish(&analysis.arena);
    return analysis.out_of_memory ? NRBAC_E_MEMORY : NRBAC_OK;
}
