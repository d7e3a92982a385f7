/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections that declare codes: activities, job roles, areas of work.
 */
#include "compile/loader.h"

#include <string.h>

enum {
    NAME,
    STATUS,
    REPLACED_BY,
    COMMON_FIELDS,
    INCLUDES = COMMON_FIELDS, /* of activities */
    ACTIVITY_FIELDS,
    STAFF_GROUP = COMMON_FIELDS, /* of job roles */
    SUB_GROUP,
    ROLE_FIELDS,
    MOST_FIELDS = ROLE_FIELDS,
};

static const nr_field activity_fields[ACTIVITY_FIELDS] = {
    [NAME] = { "name", false },
    [STATUS] = { "status", false },
    [REPLACED_BY] = { "replaced_by", false },
    [INCLUDES] = { "includes", false },
};

static const nr_field role_fields[ROLE_FIELDS] = {
    [NAME] = { "name", false },
    [STATUS] = { "status", false },
    [REPLACED_BY] = { "replaced_by", false },
    [STAFF_GROUP] = { "staff_group", false },
    [SUB_GROUP] = { "sub_group", false },
};

static const nr_field area_fields[COMMON_FIELDS] = {
    [NAME] = { "name", false },
    [STATUS] = { "status", false },
    [REPLACED_BY] = { "replaced_by", false },
};

/* One of the three sections. */
typedef struct code_section {
    const char *section; /* for messages about the whole */
    const char *what;    /* for messages about one */
    const char *spelling;
    nr_code_kind code;
    const nr_field *fields;
    size_t field_count;
    size_t limit;
} code_section;

static const code_section activity_kind = {
    "`activities`",   "an activity",   "national activities are `B` and four digits",
    NR_CODE_ACTIVITY, activity_fields, ACTIVITY_FIELDS,
    NR_ACTIVITY_MAX,
};
static const code_section role_kind = {
    "`job_roles`", "a job role", "national job roles are `R` and four digits",
    NR_CODE_ROLE,  role_fields,  ROLE_FIELDS,
    NR_ROLE_MAX,
};
static const code_section area_kind = {
    "`areas_of_work`",
    "an area of work",
    "national areas of work are P0000:Q0000:T0000",
    NR_CODE_AREA,
    area_fields,
    COMMON_FIELDS,
    NR_AREA_MAX,
};

static const char *kind_name(nr_code_kind code)
{
    switch (code) {
    case NR_CODE_ROLE:
        return "a job role";
    case NR_CODE_ACTIVITY:
        return "an activity";
    case NR_CODE_AREA:
        return "an area of work";
    case NR_CODE_LOCAL:
        return "a local code";
    case NR_CODE_NONE:
        break;
    }
    return "no code";
}

/* Whether the key is spelled like a code that this section declares. */
static bool is_spelled(nr_loader *loader, const code_section *kind, const nr_node *node)
{
    nr_code_kind found = nr_code_kind_of(node->key, strlen(node->key));
    if (found == kind->code || found == NR_CODE_LOCAL)
        return true;
    if (found != NR_CODE_NONE) {
        nr_diag_add(loader->diags, NR_DIAG_WRONG_KIND, node->key_at,
                    "`%s` is %s, %s is meant", node->key, kind_name(found), kind->what);
        return false;
    }
    nr_diag *diag = nr_diag_add(loader->diags, NR_DIAG_BAD_CODE, node->key_at,
                                "`%.100s` is not spelled like %s", node->key,
                                kind->what);
    nr_diag_help(loader->diags, diag, "%s; your own codes start with `local:`",
                 kind->spelling);
    return false;
}

static nr_code_status take_status(nr_loader *loader, const nr_node *node)
{
    static const char *const words[] = {
        [NR_ACTIVE] = "active",
        [NR_LEGACY] = "legacy",
        [NR_OBSOLETE] = "obsolete",
    };
    if (node == NULL)
        return NR_ACTIVE;
    int word = nr_node_choice(node, "`status`", words, NR_COUNT(words), loader->diags);
    return word < 0 ? NR_ACTIVE : (nr_code_status)word;
}

static void take_own_fields(nr_loader *loader, const code_section *kind,
                            const nr_node *const *values, nr_code *code)
{
    if (kind->code == NR_CODE_ACTIVITY)
        nr_loader_take_mentions(loader, values[INCLUDES], "`includes`",
                                &code->includes);
    if (kind->code != NR_CODE_ROLE)
        return;
    code->staff_group = nr_loader_take_text(loader, values[STAFF_GROUP],
                                            "`staff_group`");
    code->sub_group = nr_loader_take_text(loader, values[SUB_GROUP], "`sub_group`");
}

/* Nothing at all after a code declares it without a name. */
static void take_fields(nr_loader *loader, const code_section *kind,
                        const nr_node *node, nr_code *code)
{
    const nr_node *values[MOST_FIELDS];
    if (nr_node_is_nothing(node) ||
        !nr_node_fields(node, kind->what, kind->fields, kind->field_count, values,
                        loader->diags))
        return;
    code->name = nr_loader_take_text(loader, values[NAME], "`name`");
    code->status = take_status(loader, values[STATUS]);
    if (values[REPLACED_BY] != NULL)
        (void)nr_loader_take_mention(loader, values[REPLACED_BY], "`replaced_by`",
                                     &code->replaced_by);
    take_own_fields(loader, kind, values, code);
}

static void take_codes(nr_loader *loader, const code_section *kind,
                       nr_declared *declared, nr_codes *codes, const nr_node *section)
{
    if (!nr_node_is_mapping(section, kind->section, loader->diags))
        return;
    for (const nr_node *node = section->first; node != NULL; node = node->next) {
        if (!is_spelled(loader, kind, node) ||
            !nr_loader_declare(loader, declared, node->key, node->key_at))
            continue;
        if (!nr_loader_has_room(loader, codes->count, kind->limit, node->key_at,
                                "codes of one kind"))
            return;
        nr_code *code = nr_list_add(loader->arena, codes);
        if (code == NULL) {
            loader->diags->failed = true;
            return;
        }
        *code = (nr_code){
            .code = node->key,
            .at = node->key_at,
            .replaced_by.index = NR_NONE,
            .national = loader->national,
        };
        take_fields(loader, kind, node, code);
    }
}

void nr_loader_take_activities(nr_loader *loader, const nr_node *section)
{
    take_codes(loader, &activity_kind, &loader->activities, &loader->model->activities,
               section);
}

void nr_loader_take_roles(nr_loader *loader, const nr_node *section)
{
    take_codes(loader, &role_kind, &loader->roles, &loader->model->roles, section);
}

void nr_loader_take_areas(nr_loader *loader, const nr_node *section)
{
    take_codes(loader, &area_kind, &loader->areas, &loader->model->areas, section);
}
