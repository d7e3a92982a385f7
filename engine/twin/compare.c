/* SPDX-License-Identifier: Apache-2.0 */
#include "twin/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

nr_who *nr_comparison_who(nr_comparison *comparison)
{
    nr_who *who = &comparison->who;
    *who = (nr_who){ .role = NR_NONE,
                     .areas = who->areas,
                     .activities = who->activities,
                     .workgroups = who->workgroups };
    return who;
}

/* Each once, which also bounds how many there are. */
static bool is_listed(const uint32_t *list, size_t count, uint32_t index)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == index)
            return true;
    return false;
}

void nr_who_add_area(nr_comparison *comparison, uint32_t area)
{
    nr_who *who = &comparison->who;
    if (!is_listed(who->areas, who->area_count, area))
        who->areas[who->area_count++] = area;
}

void nr_who_add_activity(nr_comparison *comparison, uint32_t activity)
{
    nr_who *who = &comparison->who;
    if (!is_listed(who->activities, who->activity_count, activity))
        who->activities[who->activity_count++] = activity;
}

void nr_who_add_workgroup(nr_comparison *comparison, const char *workgroup)
{
    nr_who *who = &comparison->who;
    if (who->workgroup_count < NR_REQUIREMENT_NODE_MAX)
        who->workgroups[who->workgroup_count++] = workgroup;
}

nrbac_status nr_comparison_take(nr_comparison *comparison)
{
    const nr_model *model = comparison->model;
    const nr_who *who = &comparison->who;
    nr_rules_take(&comparison->rules, who);
    for (size_t i = 0; i < who->area_count; i++)
        comparison->codes[0][i] = model->areas.items[who->areas[i]].code;
    for (size_t i = 0; i < who->activity_count; i++)
        comparison->codes[1][i] = model->activities.items[who->activities[i]].code;
    nr_twin_profile profile = {
        .role = who->role == NR_NONE ? who->role_code
                                     : model->roles.items[who->role].code,
        .areas = comparison->codes[0],
        .area_count = who->area_count,
        .activities = comparison->codes[1],
        .activity_count = who->activity_count,
        .workgroups = who->workgroups,
        .workgroup_count = who->workgroup_count,
        .acting_organisation = who->acting,
        .request_organisation = who->request,
        .acting_as = who->capacity,
        .on_behalf_of = who->other,
        .aal = who->aal,
        .ial = who->ial,
        .proofing = who->proofing,
    };
    return comparison->table->take(comparison->table->context, &profile);
}

/* ---- Telling what differs -------------------------------------------------------- */

static void say(nr_twin_report *report, const char *format, ...) NR_PRINTF(2, 3);

static void say(nr_twin_report *report, const char *format, ...)
{
    size_t used = strlen(report->difference);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(report->difference + used, sizeof(report->difference) - used,
                    format, arguments);
    va_end(arguments);
}

static void say_codes(nr_twin_report *report, const char *what,
                      const char *const *codes, size_t count)
{
    enum { SHOWN = 8 };
    if (count == 0)
        return;
    say(report, " %s", what);
    for (size_t i = 0; i < count && i < SHOWN; i++)
        say(report, "%s%s", i == 0 ? " " : ", ", codes[i]);
    if (count > SHOWN)
        say(report, " and %zu more", count - SHOWN);
}

static void say_level(nr_twin_report *report, const char *what, int level)
{
    if (level != NRBAC_LEVEL_UNKNOWN)
        say(report, " %s %d", what, level - NRBAC_LEVEL(0));
}

static void say_profile(nr_comparison *comparison)
{
    nr_twin_report *report = comparison->report;
    const nr_who *who = &comparison->who;
    const char *role = who->role == NR_NONE
                           ? who->role_code
                           : comparison->model->roles.items[who->role].code;
    say(report, "a profile with %s %s", role == NULL ? "no" : "job role",
        role == NULL ? "job role" : role);
    say_codes(report, "areas of work", comparison->codes[0], who->area_count);
    say_codes(report, "activities", comparison->codes[1], who->activity_count);
    say_codes(report, "workgroups", who->workgroups, who->workgroup_count);
    if (who->acting != NULL)
        say(report, " acting for %s", who->acting);
    if (who->request != NULL)
        say(report, " asked for %s", who->request);
    if (who->capacity != NULL)
        say(report, " acting as %s", who->capacity);
    if (who->other != NULL)
        say(report, " on behalf of %s", who->other);
    say_level(report, "aal", who->aal);
    say_level(report, "ial", who->ial);
    say_level(report, "proofing", who->proofing);
}

static void say_outcome(nr_twin_report *report, const nr_twin_outcome *outcome)
{
    say(report, "%s", nrbac_reason_slug(outcome->reason));
    say_codes(report, "with", outcome->obligations, outcome->obligation_count);
}

/* What was asked for; api NULL: an activity or a function. */
typedef struct named {
    const char *name, *api;
} named;

static void differ(nr_comparison *comparison, named asked, const nr_twin_outcome *rules,
                   const nr_twin_outcome *table)
{
    nr_twin_report *report = comparison->report;
    report->differs = true;
    report->difference[0] = '\0';
    say_profile(comparison);
    say(report, ": for `%s`", asked.name);
    if (asked.api != NULL)
        say(report, " of `%s`", asked.api);
    say(report, " the rules say ");
    say_outcome(report, rules);
    say(report, ", the table says ");
    say_outcome(report, table);
}

/* ---- Asking both -------------------------------------------------------------------- */

void nr_compare_activities(nr_comparison *comparison)
{
    const nr_codes *activities = &comparison->model->activities;
    const nr_twin_table *table = comparison->table;
    const nr_rules *rules = &comparison->rules;
    if (comparison->report->differs)
        return;
    for (uint32_t i = 0; i < activities->count; i++) {
        nrbac_reason want = nr_rules_activity(rules, rules->meant_activity[i]);
        nrbac_reason got = table->ask_activity(table->context, i,
                                               activities->items[i].code);
        if (got != want) {
            nr_twin_outcome left = { .reason = want };
            nr_twin_outcome right = { .reason = got };
            differ(comparison, (named){ activities->items[i].code, NULL }, &left,
                   &right);
            return;
        }
        comparison->report->compared++;
    }
}

static bool is_same(const nr_twin_outcome *a, const nr_twin_outcome *b)
{
    if (a->reason != b->reason || a->obligation_count != b->obligation_count)
        return false;
    for (size_t i = 0; i < a->obligation_count; i++)
        if (strcmp(a->obligations[i], b->obligations[i]) != 0)
            return false;
    return true;
}

void nr_compare_guarded(nr_comparison *comparison, const nr_guarded *guarded)
{
    const nr_twin_table *table = comparison->table;
    if (comparison->report->differs)
        return;
    nr_twin_outcome want = nr_rules_guarded(&comparison->rules, guarded);
    nr_twin_outcome got = guarded->api == NULL
                              ? table->ask_function(table->context, guarded->index,
                                                    guarded->id)
                              : table->ask_operation(table->context, guarded->api,
                                                     guarded->id);
    if (is_same(&want, &got))
        comparison->report->compared++;
    else
        differ(comparison, (named){ guarded->id, guarded->api }, &want, &got);
}

void nr_compare_allowed(nr_comparison *comparison, const nr_application *application,
                        const nr_guarded *operation, bool allowed)
{
    nr_twin_report *report = comparison->report;
    const nr_twin_table *table = comparison->table;
    if (report->differs)
        return;
    if (table->ask_allowed(table->context, application->id, operation->api,
                           operation->id) == allowed) {
        report->compared++;
        return;
    }
    report->differs = true;
    say(report,
        "application `%s` %s call `%s` of `%s` by the rules, and %s by the table",
        application->id, allowed ? "may" : "may not", operation->id, operation->api,
        allowed ? "may not" : "may");
}
