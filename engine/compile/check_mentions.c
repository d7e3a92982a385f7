/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes that are on their way out, where rules mention them, and obligations that
 * nothing mentions.
 */
#include "compile/checks.h"

typedef struct mention_check {
    nr_checking *checking;
    /* By index: a legacy code is told once, at its first mention. */
    bool *told_roles, *told_activities, *told_areas;
    bool *used; /* obligations */
} mention_check;

static void tell_legacy(nr_diags *diags, const char *what, const nr_mention *mention,
                        const nr_code *code)
{
    nr_diag *diag = nr_diag_add(diags, NR_DIAG_LEGACY_USED, mention->at,
                                "%s `%s` is legacy", what, code->code);
    nr_diag_related(diag, code->at, "declared at");
}

static void tell_obsolete(nr_diags *diags, nr_diag_code why, const char *what,
                          const nr_mention *mention, const nr_code *code)
{
    nr_diag *diag = nr_diag_add(
        diags, why, mention->at,
        why == NR_DIAG_OBSOLETE_BASELINE
            ? "%s `%s` is obsolete, so its baseline never counts"
            : "%s `%s` is obsolete and grants nothing",
        what, code->code);
    nr_diag_related(diag, code->at, "declared at");
}

static void look_at(nr_diags *diags, const nr_mention *mention, const nr_codes *codes,
                    bool *told, const char *what)
{
    if (mention->index == NR_NONE || !nr_check_is_own(mention->at))
        return;
    const nr_code *code = &codes->items[mention->index];
    if (code->status == NR_OBSOLETE) {
        tell_obsolete(diags, NR_DIAG_OBSOLETE_USED, what, mention, code);
    } else if (code->status == NR_LEGACY && !told[mention->index]) {
        told[mention->index] = true;
        tell_legacy(diags, what, mention, code);
    }
}

static void look_at_role(mention_check *check, const nr_mention *mention)
{
    look_at(check->checking->diags, mention, &check->checking->model->roles,
            check->told_roles, "job role");
}

static void look_at_activity(mention_check *check, const nr_mention *mention)
{
    look_at(check->checking->diags, mention, &check->checking->model->activities,
            check->told_activities, "activity");
}

static void look_at_area(mention_check *check, const nr_mention *mention)
{
    look_at(check->checking->diags, mention, &check->checking->model->areas,
            check->told_areas, "area of work");
}

/* A baseline for an obsolete role is an error wherever it stands. */
static void check_baseline_role(mention_check *check, const nr_mention *mention)
{
    const nr_codes *roles = &check->checking->model->roles;
    if (mention->index != NR_NONE && roles->items[mention->index].status == NR_OBSOLETE)
        tell_obsolete(check->checking->diags, NR_DIAG_OBSOLETE_BASELINE, "job role",
                      mention, &roles->items[mention->index]);
    else
        look_at_role(check, mention);
}

static void check_entries(mention_check *check)
{
    const nr_model *model = check->checking->model;
    for (size_t i = 0; i < model->baseline.count; i++) {
        const nr_entry *entry = &model->baseline.items[i];
        for (size_t k = 0; k < entry->roles.count; k++)
            check_baseline_role(check, &entry->roles.items[k]);
        for (size_t k = 0; k < entry->areas.count; k++)
            look_at_area(check, &entry->areas.items[k]);
        for (size_t k = 0; k < entry->activities.count; k++)
            look_at_activity(check, &entry->activities.items[k]);
    }
    for (size_t i = 0; i < model->activities.count; i++) {
        const nr_mentions *includes = &model->activities.items[i].includes;
        for (size_t k = 0; k < includes->count; k++)
            look_at_activity(check, &includes->items[k]);
    }
}

static void mark_used(mention_check *check, const nr_mentions *obligations)
{
    for (size_t i = 0; i < obligations->count; i++)
        if (obligations->items[i].index != NR_NONE)
            check->used[obligations->items[i].index] = true;
}

static void check_node(mention_check *check, const nr_requirement *node)
{
    mark_used(check, &node->obligations);
    if (node->atom == NR_ATOM_ACTIVITY)
        look_at_activity(check, &node->code);
    else if (node->atom == NR_ATOM_ROLE)
        look_at_role(check, &node->code);
    else if (node->atom == NR_ATOM_AREA)
        look_at_area(check, &node->code);
}

static void check_requirement(mention_check *check, const nr_requirement *root)
{
    const nr_requirement *waiting[NR_REQUIREMENT_DEPTH_MAX + 1];
    size_t depth = 0;
    if (root != NULL)
        waiting[depth++] = root;
    while (depth > 0) {
        const nr_requirement *node = waiting[--depth];
        check_node(check, node);
        if (node != root && node->next != NULL)
            waiting[depth++] = node->next;
        if (node->children != NULL)
            waiting[depth++] = node->children;
    }
}

static void check_operations(mention_check *check)
{
    const nr_model *model = check->checking->model;
    for (size_t i = 0; i < model->apis.count; i++) {
        const nr_api *api = &model->apis.items[i];
        for (size_t k = 0; k < api->operations.count; k++) {
            mark_used(check, &api->operations.items[k].obligations);
            check_requirement(check, api->operations.items[k].require);
        }
    }
}

static void check_obligations(const mention_check *check)
{
    const nr_model *model = check->checking->model;
    for (size_t i = 0; i < model->functions.count; i++)
        if (model->functions.items[i].require == NULL)
            return; /* it may have been mentioned where nothing could be read */
    if (model->apis.count > 0 && check->checking->diags->error_count > 0)
        return; /* the same of an operation, which may do without a requirement */
    for (size_t i = 0; i < model->obligations.count; i++) {
        const nr_obligation *obligation = &model->obligations.items[i];
        if (!check->used[i] && nr_check_is_own(obligation->at))
            nr_diag_add(check->checking->diags, NR_DIAG_UNUSED_OBLIGATION,
                        obligation->at, "no permit brings the obligation `%s`",
                        obligation->id);
    }
}

nrbac_status nr_check_mentions(nr_checking *checking)
{
    const nr_model *model = checking->model;
    nr_arena *scratch = checking->scratch;
    mention_check check = {
        .checking = checking,
        .told_roles = nr_arena_new_array(scratch, model->roles.count, bool),
        .told_activities = nr_arena_new_array(scratch, model->activities.count, bool),
        .told_areas = nr_arena_new_array(scratch, model->areas.count, bool),
        .used = nr_arena_new_array(scratch, model->obligations.count, bool),
    };
    if (check.told_roles == NULL || check.told_activities == NULL ||
        check.told_areas == NULL || check.used == NULL)
        return NRBAC_E_MEMORY;
    check_entries(&check);
    for (size_t i = 0; i < model->functions.count; i++) {
        mark_used(&check, &model->functions.items[i].obligations);
        check_requirement(&check, model->functions.items[i].require);
    }
    check_operations(&check);
    check_obligations(&check);
    return NRBAC_OK;
}
