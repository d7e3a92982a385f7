/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections that are lists or small maps: baseline, obligations, exclusive,
 * suspend, settings.
 */
#include "compile/loader.h"

#include <string.h>

static bool out_of_memory(nr_loader *loader)
{
    loader->diags->failed = true;
    return false;
}

/* ---- baseline ---------------------------------------------------------------------- */

enum { ROLES, AREAS, ACTIVITIES, ENTRY_FIELDS };

static const nr_field entry_fields[ENTRY_FIELDS] = {
    [ROLES] = { "roles", true },
    [AREAS] = { "areas_of_work", false },
    [ACTIVITIES] = { "activities", true },
};

static bool take_entry(nr_loader *loader, const nr_node *node)
{
    const nr_node *values[ENTRY_FIELDS];
    if (!nr_node_fields(node, "a baseline entry", entry_fields, ENTRY_FIELDS, values,
                        loader->diags))
        return true;
    nr_entry *entry = nr_list_add(loader->arena, &loader->model->baseline);
    if (entry == NULL)
        return out_of_memory(loader);
    *entry = (nr_entry){ .at = node->at, .national = loader->national };
    nr_loader_take_some(loader, values[ROLES], "`roles`", &entry->roles);
    nr_loader_take_some(loader, values[AREAS], "`areas_of_work`", &entry->areas);
    nr_loader_take_some(loader, values[ACTIVITIES], "`activities`", &entry->activities);
    return true;
}

void nr_loader_take_baseline(nr_loader *loader, const nr_node *section)
{
    if (!nr_node_is_sequence(section, "`baseline`", loader->diags))
        return;
    for (const nr_node *node = section->first; node != NULL; node = node->next)
        if (!take_entry(loader, node))
            return;
}

/* ---- obligations ------------------------------------------------------------------- */

/* An id is one word: it stands in answers, on the socket and in tests. */
static bool is_word(nr_loader *loader, const nr_node *node, const char *what)
{
    size_t size = strlen(node->key);
    if (size > 0 && size <= 128 && node->key[strcspn(node->key, " \t\n")] == '\0')
        return true;
    nr_diag_add(loader->diags, NR_DIAG_BAD_VALUE, node->key_at,
                "the name of %s is one word of up to 128 bytes", what);
    return false;
}

void nr_loader_take_obligations(nr_loader *loader, const nr_node *section)
{
    static const nr_field fields[] = { { "name", false } };
    nr_model *model = loader->model;
    if (!nr_node_is_mapping(section, "`obligations`", loader->diags))
        return;
    for (const nr_node *node = section->first; node != NULL; node = node->next) {
        if (!is_word(loader, node, "an obligation") ||
            !nr_loader_declare(loader, &loader->obligations, node->key, node->key_at))
            continue;
        if (!nr_loader_has_room(loader, model->obligations.count, NR_OBLIGATION_MAX,
                                node->key_at, "obligations"))
            return;
        nr_obligation *obligation = nr_list_add(loader->arena, &model->obligations);
        if (obligation == NULL) {
            out_of_memory(loader);
            return;
        }
        *obligation = (nr_obligation){ .id = node->key, .at = node->key_at };
        const nr_node *values[NR_COUNT(fields)];
        if (!nr_node_is_nothing(node) &&
            nr_node_fields(node, "an obligation", fields, NR_COUNT(fields), values,
                           loader->diags))
            obligation->name = nr_loader_take_text(loader, values[0], "`name`");
    }
}

/* ---- exclusive --------------------------------------------------------------------- */

enum { SET_NAME, SET_ACTIVITIES, ON_CONFLICT, SET_FIELDS };

static const nr_field set_fields[SET_FIELDS] = {
    [SET_NAME] = { "name", true },
    [SET_ACTIVITIES] = { "activities", true },
    [ON_CONFLICT] = { "on_conflict", false },
};

static nr_on_conflict take_on_conflict(nr_loader *loader, const nr_node *node)
{
    static const char *const words[] = {
        [NR_CONFLICT_DENY] = "deny",
        [NR_CONFLICT_WARN] = "warn",
        [NR_CONFLICT_PREFER_FIRST] = "prefer-first",
    };
    if (node == NULL)
        return NR_CONFLICT_DENY;
    int word = nr_node_choice(node, "`on_conflict`", words, NR_COUNT(words),
                              loader->diags);
    return word < 0 ? NR_CONFLICT_DENY : (nr_on_conflict)word;
}

static bool take_set(nr_loader *loader, const nr_node *node)
{
    nr_model *model = loader->model;
    const nr_node *values[SET_FIELDS];
    if (!nr_node_fields(node, "an exclusive set", set_fields, SET_FIELDS, values,
                        loader->diags))
        return true;
    const char *name = nr_loader_take_text(loader, values[SET_NAME], "`name`");
    if (name == NULL ||
        !nr_loader_declare(loader, &loader->exclusives, name, values[SET_NAME]->at))
        return true;
    if (!nr_loader_has_room(loader, model->exclusives.count, NR_EXCLUSIVE_MAX, node->at,
                            "exclusive sets"))
        return false;
    nr_exclusive *set = nr_list_add(loader->arena, &model->exclusives);
    if (set == NULL)
        return out_of_memory(loader);
    *set = (nr_exclusive){ .name = name, .at = node->at };
    nr_loader_take_some(loader, values[SET_ACTIVITIES], "`activities`",
                        &set->activities);
    set->on_conflict = take_on_conflict(loader, values[ON_CONFLICT]);
    return true;
}

void nr_loader_take_exclusive(nr_loader *loader, const nr_node *section)
{
    if (!nr_node_is_sequence(section, "`exclusive`", loader->diags))
        return;
    for (const nr_node *node = section->first; node != NULL; node = node->next)
        if (!take_set(loader, node))
            return;
}

/* ---- suspend ----------------------------------------------------------------------- */

enum {
    WHAT_ACTIVITY = NR_SUSPENDED_ACTIVITY,
    WHAT_ROLE = NR_SUSPENDED_ROLE,
    WHAT_FUNCTION = NR_SUSPENDED_FUNCTION,
    WHAT_APPLICATION = NR_SUSPENDED_APPLICATION,
    WHAT_KINDS,
    REASON = WHAT_KINDS,
    UNTIL,
    SUSPEND_FIELDS,
};

static const nr_field suspend_fields[SUSPEND_FIELDS] = {
    [WHAT_ACTIVITY] = { "activity", false },
    [WHAT_ROLE] = { "role", false },
    [WHAT_FUNCTION] = { "function", false },
    [WHAT_APPLICATION] = { "application", false },
    [REASON] = { "reason", false },
    [UNTIL] = { "until", false },
};

static bool is_digits(const char *text, size_t count)
{
    return strspn(text, "0123456789") >= count;
}

static bool is_date(const char *text)
{
    static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (strlen(text) != 10 || !is_digits(text, 4) || text[4] != '-' ||
        !is_digits(text + 5, 2) || text[7] != '-' || !is_digits(text + 8, 2))
        return false;
    int month = (text[5] - '0') * 10 + (text[6] - '0');
    int day = (text[8] - '0') * 10 + (text[9] - '0');
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

static const char *take_until(nr_loader *loader, const nr_node *node)
{
    const char *text = nr_loader_take_text(loader, node, "`until`");
    if (text == NULL || is_date(text))
        return text;
    nr_diag *diag = nr_diag_add(loader->diags, NR_DIAG_BAD_VALUE, node->at,
                                "`%.80s` is not a date", text);
    nr_diag_help(loader->diags, diag, "write it as in 2026-12-01");
    return NULL;
}

/* Which one thing is suspended; SUSPEND_FIELDS after a diagnostic. */
static size_t find_what(nr_loader *loader, const nr_node *node,
                        const nr_node *const *values)
{
    size_t what = SUSPEND_FIELDS;
    for (size_t i = 0; i < WHAT_KINDS; i++) {
        if (values[i] == NULL)
            continue;
        if (what != SUSPEND_FIELDS) {
            nr_diag_add(loader->diags, NR_DIAG_BAD_VALUE, values[i]->key_at,
                        "a suspension names one thing; write a second entry");
            return SUSPEND_FIELDS;
        }
        what = i;
    }
    if (what == SUSPEND_FIELDS)
        nr_diag_add(loader->diags, NR_DIAG_MISSING_KEY, node->at,
                    "a suspension needs one of `activity`, `role`, `function` and "
                    "`application`");
    return what;
}

static bool take_suspension(nr_loader *loader, const nr_node *node)
{
    const nr_node *values[SUSPEND_FIELDS];
    nr_mention mention;
    if (!nr_node_fields(node, "a suspension", suspend_fields, SUSPEND_FIELDS, values,
                        loader->diags))
        return true;
    const char *reason = nr_loader_take_text(loader, values[REASON], "`reason`");
    const char *until = take_until(loader, values[UNTIL]);
    size_t what = find_what(loader, node, values);
    if (what == SUSPEND_FIELDS ||
        !nr_loader_take_mention(loader, values[what], "what is suspended", &mention))
        return true;
    nr_suspension *suspension = nr_list_add(loader->arena, &loader->model->suspensions);
    if (suspension == NULL)
        return out_of_memory(loader);
    *suspension = (nr_suspension){
        .kind = (nr_suspended_kind)what,
        .what = mention,
        .reason = reason,
        .until = until,
        .at = node->at,
    };
    return true;
}

void nr_loader_take_suspend(nr_loader *loader, const nr_node *section)
{
    if (!nr_node_is_sequence(section, "`suspend`", loader->diags))
        return;
    for (const nr_node *node = section->first; node != NULL; node = node->next)
        if (!take_suspension(loader, node))
            return;
}

/* ---- settings ---------------------------------------------------------------------- */

void nr_loader_take_settings(nr_loader *loader, const nr_node *section)
{
    static const nr_field fields[] = { { "roleless_profiles", false } };
    static const char *const words[] = { "none", "additional" };
    const nr_node *values[NR_COUNT(fields)];
    if (!nr_node_fields(section, "`settings`", fields, NR_COUNT(fields), values,
                        loader->diags))
        return;
    const nr_node *roleless = values[0];
    if (roleless == NULL ||
        !nr_loader_declare(loader, &loader->settings, roleless->key, roleless->key_at))
        return;
    int word = nr_node_choice(roleless, "`roleless_profiles`", words, NR_COUNT(words),
                              loader->diags);
    loader->model->roleless_additional = word == 1;
}
