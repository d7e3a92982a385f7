/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that span declarations.
 */
#include "compile/checks.h"

#include <string.h>
#include <time.h>

/* The origin of an extended policy's file leads out of the root folder. */
bool nr_check_is_own(nr_span at)
{
    return at.source == NULL || strncmp(at.source->origin, "../", 3) != 0;
}

static void check_replacements(const nr_codes *codes, nr_diags *diags)
{
    for (size_t i = 0; i < codes->count; i++) {
        const nr_code *code = &codes->items[i];
        if (code->replaced_by.code == NULL || code->status == NR_OBSOLETE)
            continue;
        nr_diag *diag = nr_diag_add(diags, NR_DIAG_REPLACED_NOT_OBSOLETE,
                                    code->replaced_by.at,
                                    "`%s` is replaced, but not obsolete", code->code);
        nr_diag_help(diags, diag, "add `status: obsolete`, or leave out `replaced_by`");
    }
}

/* A set that has fewer than two different codes never has an effect. */
static void check_exclusives(const nr_model *model, nr_diags *diags)
{
    for (size_t i = 0; i < model->exclusives.count; i++) {
        const nr_exclusive *set = &model->exclusives.items[i];
        bool differ = false;
        bool known = true;
        for (size_t k = 0; k < set->activities.count; k++) {
            known &= set->activities.items[k].index != NR_NONE;
            differ |= set->activities.items[k].index != set->activities.items[0].index;
        }
        if (known && !differ && set->activities.count > 0 && nr_check_is_own(set->at))
            nr_diag_add(diags, NR_DIAG_EXCLUSIVE_SMALL, set->at,
                        "the exclusive set `%s` has fewer than two different codes",
                        set->name);
    }
}

/* Today goes into a warning alone, never into the image: the same policy compiles
 * to the same bytes on any day. */
static bool is_over(const char *until)
{
    char today[16];
    time_t now = time(NULL);
    struct tm day;
    if (gmtime_r(&now, &day) == NULL ||
        strftime(today, sizeof(today), "%Y-%m-%d", &day) == 0)
        return false;
    return strcmp(until, today) < 0;
}

static void check_suspensions(const nr_model *model, nr_diags *diags)
{
    for (size_t i = 0; i < model->suspensions.count; i++) {
        const nr_suspension *suspension = &model->suspensions.items[i];
        if (suspension->until == NULL || !is_over(suspension->until) ||
            !nr_check_is_own(suspension->at))
            continue;
        nr_diag *diag = nr_diag_add(diags, NR_DIAG_SUSPENSION_OVER, suspension->what.at,
                                    "`%s` is still suspended, though only until %s",
                                    suspension->what.code, suspension->until);
        nr_diag_help(diags, diag, "remove the entry, or set a later date");
    }
}

static nrbac_status check_all(nr_checking *checking)
{
    nr_model *model = checking->model;
    nr_diags *diags = checking->diags;
    check_replacements(&model->activities, diags);
    check_replacements(&model->roles, diags);
    check_replacements(&model->areas, diags);
    check_exclusives(model, diags);
    check_suspensions(model, diags);
    NR_TRY(nr_check_inclusion(checking));
    NR_TRY(nr_check_mentions(checking));
    NR_TRY(nr_check_requirements(checking));
    nr_check_apis(checking);
    if (checking->cyclic)
        return NRBAC_OK;
    NR_TRY(nr_check_baseline(checking));
    return diags->error_count == 0 ? nr_check_callers(checking) : NRBAC_OK;
}

nrbac_status nr_check(nr_model *model, nr_diags *diags)
{
    nr_arena scratch = { 0 };
    nr_checking checking = { .model = model, .diags = diags, .scratch = &scratch };
    nrbac_status status = check_all(&checking);
    nr_arena_finish(&scratch);
    return status == NRBAC_OK && diags->failed ? NRBAC_E_MEMORY : status;
}
