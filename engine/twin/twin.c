/* SPDX-License-Identifier: Apache-2.0 */
#include "twin/compare.h"

#include <string.h>

enum {
    /* What a comparison may cost, in questions; beyond it functions and operations
     * are asked in turns, so that each is still asked of many profiles. */
    FUNCTION_QUESTIONS = 4000000,
    COVER_PROFILES = 200000,
    COVER_PROFILES_LEAST = 64,
};

/* ---- Setting up ------------------------------------------------------------------------ */

static void note_area(bool *occurs, const nr_mention *mention)
{
    occurs[mention->index] = true;
}

/* The areas that entries and requirements speak of, and those that are retired,
 * which profiles still carry. */
static bool list_areas(nr_comparison *comparison)
{
    const nr_model *model = comparison->model;
    bool *occurs = nr_arena_new_array(comparison->arena, model->areas.count, bool);
    comparison->areas = nr_arena_new_array(comparison->arena, model->areas.count,
                                           uint32_t);
    if (occurs == NULL || comparison->areas == NULL)
        return false;
    for (size_t e = 0; e < model->baseline.count; e++)
        for (size_t a = 0; a < model->baseline.items[e].areas.count; a++)
            note_area(occurs, &model->baseline.items[e].areas.items[a]);
    for (size_t i = 0; i < comparison->rules.guarded_count; i++) {
        nr_walk walk = { .next = comparison->rules.guarded[i].require };
        for (const nr_requirement *at; (at = nr_walk_next(&walk)) != NULL;)
            if (at->atom == NR_ATOM_AREA)
                note_area(occurs, &at->code);
    }
    for (uint32_t a = 0; a < model->areas.count; a++)
        if (occurs[a] || model->areas.items[a].status == NR_OBSOLETE)
            comparison->areas[comparison->area_count++] = a;
    return true;
}

static bool list_includers(nr_comparison *comparison)
{
    const nr_codes *codes = &comparison->model->activities;
    comparison->includer = nr_arena_new_array(comparison->arena, codes->count,
                                              uint32_t);
    if (comparison->includer == NULL)
        return false;
    for (size_t a = 0; a < codes->count; a++)
        comparison->includer[a] = NR_NONE;
    for (uint32_t a = 0; a < codes->count; a++)
        for (size_t i = 0; i < codes->items[a].includes.count; i++)
            if (codes->items[a].status != NR_OBSOLETE)
                comparison->includer[codes->items[a].includes.items[i].index] = a;
    return true;
}

static nrbac_status start(nr_comparison *comparison)
{
    const nr_model *model = comparison->model;
    nr_arena *arena = comparison->arena;
    size_t areas = model->areas.count + 1;
    size_t activities = model->activities.count + 1;
    comparison->who.areas = nr_arena_new_array(arena, areas, uint32_t);
    comparison->who.activities = nr_arena_new_array(arena, activities, uint32_t);
    comparison->who.workgroups = nr_arena_new_array(arena, NR_REQUIREMENT_NODE_MAX,
                                                    const char *);
    comparison->codes[0] = nr_arena_new_array(arena, areas, const char *);
    comparison->codes[1] = nr_arena_new_array(arena, activities, const char *);
    comparison->touched = nr_arena_new_array(arena, model->exclusives.count, bool);
    if (comparison->touched == NULL || comparison->who.areas == NULL ||
        comparison->who.activities == NULL || comparison->who.workgroups == NULL ||
        comparison->codes[0] == NULL || comparison->codes[1] == NULL)
        return NRBAC_E_MEMORY;
    NR_TRY(nr_rules_start(arena, &comparison->rules, model));
    bool listed = list_areas(comparison) && list_includers(comparison);
    return listed ? NRBAC_OK : NRBAC_E_MEMORY;
}

static void step(nr_comparison *comparison)
{
    comparison->steps_done++;
    unsigned permille = (unsigned)(comparison->steps_done * 1000 / comparison->steps);
    if (permille == comparison->told || comparison->table->progress == NULL)
        return;
    comparison->told = permille;
    comparison->table->progress(comparison->table->context, permille);
}

/* ---- Every role and area ----------------------------------------------------------------- */

/* The functions and operations whose turn it is; one in `turns`. */
static void compare_guarded(nr_comparison *comparison, uint64_t turn, uint64_t turns)
{
    const nr_rules *rules = &comparison->rules;
    for (uint64_t i = turn % turns; i < rules->guarded_count; i += turns)
        nr_compare_guarded(comparison, &rules->guarded[i]);
}

static void stand_well(nr_who *who)
{
    who->acting = who->request = "RBA";
    who->aal = who->ial = NRBAC_LEVEL(3);
    who->proofing = NRBAC_LEVEL(9);
}

/* Role numbers beyond the last: no role, and one that nobody declares. */
static void give_role(nr_comparison *comparison, uint32_t role)
{
    size_t count = comparison->model->roles.count;
    comparison->who.role = role < count ? role : NR_NONE;
    comparison->who.role_code = role == count + 1 ? "R-of-nobody" : NULL;
}

/* Column 0 is no area of work, the last is all of them. */
static void give_areas(nr_comparison *comparison, size_t column)
{
    if (column != 0 && column <= comparison->area_count)
        nr_who_add_area(comparison, comparison->areas[column - 1]);
    for (size_t i = 0; column > comparison->area_count && i < comparison->area_count;
         i++)
        nr_who_add_area(comparison, comparison->areas[i]);
}

static nrbac_status compare_cells(nr_comparison *comparison)
{
    const nr_model *model = comparison->model;
    size_t rows = model->roles.count + 2;
    size_t columns = comparison->area_count + 1 + (comparison->area_count > 1);
    uint64_t questions = (uint64_t)rows * columns * comparison->rules.guarded_count;
    uint64_t turns = 1 + questions / FUNCTION_QUESTIONS;
    uint64_t turn = 0;
    for (uint32_t role = 0; role < rows; role++) {
        for (size_t column = 0; column < columns; column++) {
            stand_well(nr_comparison_who(comparison));
            give_role(comparison, role);
            give_areas(comparison, column);
            NR_TRY(nr_comparison_take(comparison));
            nr_compare_activities(comparison);
            compare_guarded(comparison, turn++, turns);
            if (comparison->report->differs)
                return NRBAC_OK;
        }
        step(comparison);
    }
    return NRBAC_OK;
}

/* ---- Additional activities and exclusive sets ---------------------------------------------- */

/* Each activity added alone, to somebody without any baseline. */
static nrbac_status compare_additional(nr_comparison *comparison)
{
    uint32_t count = (uint32_t)comparison->model->activities.count;
    for (uint32_t a = 0; a < count && !comparison->report->differs; a++) {
        nr_comparison_who(comparison);
        nr_who_add_activity(comparison, a);
        NR_TRY(nr_comparison_take(comparison));
        nr_compare_activities(comparison);
        step(comparison);
    }
    return NRBAC_OK;
}

/* The members of each set in pairs (two after two, so that a large set costs no
 * more than its length), and all of them. */
static nrbac_status compare_set(nr_comparison *comparison, const nr_exclusive *set)
{
    enum { APART = 3 };
    const nr_mentions *members = &set->activities;
    for (size_t i = 0; i < members->count; i++) {
        for (size_t n = i + 1; n < members->count && n <= i + APART; n++) {
            stand_well(nr_comparison_who(comparison));
            nr_who_add_activity(comparison, members->items[n].index);
            nr_who_add_activity(comparison, members->items[i].index);
            NR_TRY(nr_comparison_take(comparison));
            nr_compare_activities(comparison);
        }
    }
    nr_comparison_who(comparison);
    for (size_t i = members->count; i-- > 0;)
        nr_who_add_activity(comparison, members->items[i].index);
    NR_TRY(nr_comparison_take(comparison));
    nr_compare_activities(comparison);
    return NRBAC_OK;
}

static nrbac_status compare_sets(nr_comparison *comparison)
{
    const nr_model *model = comparison->model;
    for (size_t i = 0; i < model->exclusives.count; i++) {
        NR_TRY(compare_set(comparison, &model->exclusives.items[i]));
        if (comparison->report->differs)
            return NRBAC_OK;
        step(comparison);
    }
    return NRBAC_OK;
}

static nrbac_status compare_covered(nr_comparison *comparison)
{
    const nr_rules *rules = &comparison->rules;
    size_t count = rules->guarded_count;
    size_t most = count == 0 ? 0 : COVER_PROFILES / count;
    if (most < COVER_PROFILES_LEAST)
        most = COVER_PROFILES_LEAST;
    for (size_t i = 0; i < count && !comparison->report->differs; i++) {
        NR_TRY(nr_cover_guarded(comparison, &rules->guarded[i], most));
        step(comparison);
    }
    return NRBAC_OK;
}

/* ---- Applications -------------------------------------------------------------------------- */

/* Notes which operations of one API are allowed; `may` is by operation of it. */
static void note_allowed(const nr_application *application, size_t api, size_t count,
                         bool *may)
{
    for (size_t i = 0; i < application->allowances.count; i++) {
        const nr_allowance *allowance = &application->allowances.items[i];
        if (allowance->api.index != api)
            continue;
        for (size_t o = 0; o < count && allowance->all; o++)
            may[o] = true;
        for (size_t o = 0; o < allowance->operations.count; o++)
            may[allowance->operations.items[o].index] = true;
    }
}

static void compare_application(nr_comparison *comparison, size_t index, bool *may)
{
    const nr_model *model = comparison->model;
    const nr_application *application = &model->applications.items[index];
    const nr_guarded *operation = comparison->rules.guarded + model->functions.count;
    for (size_t a = 0; a < model->apis.count; a++) {
        size_t count = model->apis.items[a].operations.count;
        memset(may, 0, count * sizeof(*may));
        note_allowed(application, a, count, may);
        for (size_t o = 0; o < count; o++)
            nr_compare_allowed(comparison, application, operation++, may[o]);
    }
}

static nrbac_status compare_applications(nr_comparison *comparison)
{
    const nr_model *model = comparison->model;
    bool *may = nr_arena_new_array(comparison->arena,
                                   comparison->rules.guarded_count + 1, bool);
    if (may == NULL)
        return NRBAC_E_MEMORY;
    for (size_t i = 0; i < model->applications.count; i++) {
        compare_application(comparison, i, may);
        step(comparison);
    }
    return NRBAC_OK;
}

nrbac_status nr_twin_compare(nr_arena *arena, const nr_model *model,
                             const nr_twin_table *table, nr_twin_report *report)
{
    *report = (nr_twin_report){ 0 };
    nr_comparison comparison = {
        .arena = arena, .model = model, .table = table, .report = report
    };
    NR_TRY(start(&comparison));
    comparison.steps = model->roles.count + 2 + model->activities.count +
                       model->exclusives.count + comparison.rules.guarded_count +
                       model->applications.count;
    NR_TRY(compare_cells(&comparison));
    NR_TRY(compare_additional(&comparison));
    NR_TRY(compare_sets(&comparison));
    NR_TRY(compare_applications(&comparison));
    return compare_covered(&comparison);
}
