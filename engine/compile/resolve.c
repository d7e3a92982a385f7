/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolving: every code and name that the policy mentions becomes the index of
 * what was declared; a replaced code becomes its replacement.
 */
#include "base/names.h"
#include "compile/compile.h"

#include <string.h>

/* Beyond so many mistakes nobody reads suggestions, and each costs a search. */
enum { SUGGESTIONS_MAX = 200 };

/* How something declared is called, to be compared with a name after its id. */
typedef struct known_name {
    const char *name; /* NULL: none given */
    nr_span at;
} known_name;

/* What one sort of mention may name. */
typedef struct name_list {
    const char *what;    /* "job role" */
    const char *article; /* "a job role" */
    const char *section; /* "job_roles", where it is declared */
    nr_code_kind kind;   /* NR_CODE_NONE: names, not codes */
    nr_codes *codes;     /* NULL: names */
    nr_names names;      /* number = index in the model */
    struct {
        known_name *items; /* by the same number */
        size_t count, room;
    } known;
} name_list;

typedef struct resolving {
    nr_model *model;
    nr_diags *diags;
    name_list activities, roles, areas, obligations, functions, apis, applications;
    name_list *operations; /* of each API */
    bool silent; /* something was not read, so that nothing is surely unknown */
} resolving;

/* ---- Dictionaries ------------------------------------------------------------------ */

static bool learn(name_list *dictionary, const char *id, const char *name, nr_span at)
{
    known_name *known = nr_list_add(dictionary->names.arena, &dictionary->known);
    if (known == NULL)
        return false;
    *known = (known_name){ .name = name, .at = at };
    return nr_names_intern(&dictionary->names, id, strlen(id)) != NR_NONE;
}

/* Learns everything of a list of the model whose items have id, name and place. */
#define LEARN_LIST(dictionary, list)                                             \
    do {                                                                         \
        for (size_t i_ = 0; i_ < (list).count; i_++)                             \
            if (!learn((dictionary), (list).items[i_].id, (list).items[i_].name, \
                       (list).items[i_].at))                                     \
                return false;                                                    \
    } while (0)

static bool learn_codes(name_list *dictionary, nr_arena *arena, nr_codes *codes)
{
    dictionary->codes = codes;
    dictionary->names.arena = arena;
    for (size_t i = 0; i < codes->count; i++)
        if (!learn(dictionary, codes->items[i].code, codes->items[i].name,
                   codes->items[i].at))
            return false;
    return true;
}

static bool learn_operations(resolving *resolver)
{
    nr_model *model = resolver->model;
    resolver->operations = nr_arena_new_array(model->arena, model->apis.count,
                                              name_list);
    if (resolver->operations == NULL)
        return false;
    for (size_t i = 0; i < model->apis.count; i++) {
        resolver->operations[i] = (name_list){ .what = "operation",
                                               .section = "operations",
                                               .names.arena = model->arena };
        LEARN_LIST(&resolver->operations[i], model->apis.items[i].operations);
    }
    return true;
}

static bool learn_all(resolving *resolver)
{
    nr_model *model = resolver->model;
    nr_arena *arena = model->arena;
    resolver->activities = (name_list){ .what = "activity",
                                        .article = "an activity",
                                        .section = "activities",
                                        .kind = NR_CODE_ACTIVITY };
    resolver->roles = (name_list){ .what = "job role",
                                   .article = "a job role",
                                   .section = "job_roles",
                                   .kind = NR_CODE_ROLE };
    resolver->areas = (name_list){ .what = "area of work",
                                   .article = "an area of work",
                                   .section = "areas_of_work",
                                   .kind = NR_CODE_AREA };
    resolver->obligations = (name_list){ .what = "obligation",
                                         .section = "obligations",
                                         .names.arena = arena };
    resolver->functions = (name_list){ .what = "function",
                                       .section = "functions",
                                       .names.arena = arena };
    resolver->apis = (name_list){ .what = "API",
                                  .section = "apis",
                                  .names.arena = arena };
    resolver->applications = (name_list){ .what = "application",
                                          .section = "applications",
                                          .names.arena = arena };
    LEARN_LIST(&resolver->obligations, model->obligations);
    LEARN_LIST(&resolver->functions, model->functions);
    LEARN_LIST(&resolver->apis, model->apis);
    LEARN_LIST(&resolver->applications, model->applications);
    return learn_operations(resolver) &&
           learn_codes(&resolver->activities, arena, &model->activities) &&
           learn_codes(&resolver->roles, arena, &model->roles) &&
           learn_codes(&resolver->areas, arena, &model->areas);
}

static uint32_t find(const name_list *dictionary, const char *name)
{
    return nr_names_find(&dictionary->names, name, strlen(name));
}

/* ---- What is wrong with a mention ---------------------------------------------------- */

/* The kind of code that it is instead; NULL: none. */
static const name_list *other_kind(const resolving *resolver, const name_list *meant,
                                   const char *code)
{
    const name_list *all[] = { &resolver->activities, &resolver->roles,
                               &resolver->areas };
    nr_code_kind kind = nr_code_kind_of(code, strlen(code));
    for (size_t i = 0; i < NR_COUNT(all); i++)
        if (all[i] != meant && (all[i]->kind == kind || find(all[i], code) != NR_NONE))
            return all[i];
    return NULL;
}

static void suggest(resolving *resolver, const name_list *dictionary, nr_diag *diag,
                    const char *name)
{
    nr_diags *diags = resolver->diags;
    if (diags->count > SUGGESTIONS_MAX)
        return;
    const char *near = nr_nearest_name(name, dictionary->names.texts,
                                       dictionary->names.count);
    if (near == NULL && dictionary->codes != NULL &&
        nr_code_kind_of(name, strlen(name)) == NR_CODE_NONE) {
        nr_diag_help(diags, diag, "codes of your own start with `local:`");
        return;
    }
    if (near == NULL) {
        nr_diag_help(diags, diag, "declare it under `%s:`", dictionary->section);
        return;
    }
    const char *called = dictionary->known.items[find(dictionary, near)].name;
    if (called == NULL)
        nr_diag_help(diags, diag, "did you mean `%s`?", near);
    else
        nr_diag_help(diags, diag, "did you mean `%s` (%.80s)?", near, called);
}

static void tell_unknown(resolving *resolver, const name_list *meant,
                         const nr_mention *mention)
{
    nr_diags *diags = resolver->diags;
    const char *code = mention->code;
    const name_list *other = meant->codes == NULL ? NULL
                                                  : other_kind(resolver, meant, code);
    if (other != NULL) {
        nr_diag_add(diags, NR_DIAG_WRONG_KIND, mention->at, "`%s` is %s, %s is meant",
                    code, other->article, meant->article);
        return;
    }
    if (resolver->silent)
        return;
    nr_diag *diag = nr_diag_add(
        diags, meant->codes == NULL ? NR_DIAG_UNKNOWN_NAME : NR_DIAG_UNKNOWN_CODE,
        mention->at, "%s `%.100s` is not declared", meant->what, code);
    suggest(resolver, meant, diag, code);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static const char *skip_blanks(const char *text)
{
    while (is_blank(*text))
        text++;
    return text;
}

/* Letter case and blanks aside: names are typed by people, and wrapped by editors. */
static bool same_name(const char *a, const char *b)
{
    for (;;) {
        a = skip_blanks(a);
        b = skip_blanks(b);
        if (*a == '\0' || *b == '\0')
            return *a == *b;
        if (lower(*a) != lower(*b))
            return false;
        a++;
        b++;
    }
}

/* A name that is another code's was mostly meant, and the code is wrong. */
static void suggest_code(resolving *resolver, const name_list *dictionary,
                         nr_diag *diag, const char *name)
{
    nr_diags *diags = resolver->diags;
    if (dictionary->codes == NULL || diags->count > SUGGESTIONS_MAX)
        return;
    for (size_t i = 0; i < dictionary->codes->count; i++) {
        const nr_code *code = &dictionary->codes->items[i];
        if (code->name == NULL || !same_name(code->name, name))
            continue;
        nr_diag_help(diags, diag, "`%.100s` is `%s`; correct the code or the name",
                     code->name, code->code);
        return;
    }
    nr_diag_help(diags, diag, "correct the code or the name");
}

static void check_name(resolving *resolver, const name_list *dictionary,
                       const nr_mention *mention, uint32_t index)
{
    if (mention->named == NULL)
        return;
    const char *name = dictionary->known.items[index].name;
    if (name != NULL && same_name(name, mention->named))
        return;
    nr_diag *diag = name == NULL
                        ? nr_diag_add(
                              resolver->diags, NR_DIAG_NAME_MISMATCH, mention->at,
                              "`%s` is declared without a name, not as `%.100s`",
                              mention->code, mention->named)
                        : nr_diag_add(resolver->diags, NR_DIAG_NAME_MISMATCH,
                                      mention->at, "`%s` is `%.100s`, not `%.100s`",
                                      mention->code, name, mention->named);
    nr_diag_related(diag, dictionary->known.items[index].at, "declared at");
    suggest_code(resolver, dictionary, diag, mention->named);
}

/* ---- Mentions ------------------------------------------------------------------------ */

static void resolve_one(resolving *resolver, const name_list *dictionary,
                        nr_mention *mention)
{
    uint32_t index = find(dictionary, mention->code);
    mention->index = index;
    if (index == NR_NONE) {
        tell_unknown(resolver, dictionary, mention);
        return;
    }
    check_name(resolver, dictionary, mention, index);
    if (dictionary->codes == NULL)
        return;
    const nr_code *code = &dictionary->codes->items[index];
    if (code->replaced_by.code != NULL && code->replaced_by.index != NR_NONE)
        mention->index = code->replaced_by.index;
}

static void resolve_list(resolving *resolver, const name_list *dictionary,
                         nr_mentions *mentions)
{
    for (size_t i = 0; i < mentions->count; i++)
        resolve_one(resolver, dictionary, &mentions->items[i]);
}

/* ---- Replacements: one step, so that one look shows what a code means ----------------- */

static void check_chain(resolving *resolver, const name_list *dictionary, uint32_t from)
{
    nr_code *code = &dictionary->codes->items[from];
    const nr_code *to = &dictionary->codes->items[code->replaced_by.index];
    if (to->replaced_by.code == NULL && to->status != NR_OBSOLETE)
        return;
    nr_diag *diag = nr_diag_add(resolver->diags, NR_DIAG_REPLACEMENT_CHAIN,
                                code->replaced_by.at,
                                "the replacement `%s` is itself %s", to->code,
                                to->replaced_by.code == NULL ? "obsolete" : "replaced");
    nr_diag_related(diag, to->at, "declared at");
}

static void resolve_replacements(resolving *resolver, const name_list *dictionary)
{
    nr_codes *codes = dictionary->codes;
    for (size_t i = 0; i < codes->count; i++) {
        nr_mention *mention = &codes->items[i].replaced_by;
        if (mention->code == NULL)
            continue;
        mention->index = find(dictionary, mention->code);
        if (mention->index == NR_NONE)
            tell_unknown(resolver, dictionary, mention);
        else
            check_name(resolver, dictionary, mention, mention->index);
    }
    for (size_t i = 0; i < codes->count; i++)
        if (codes->items[i].replaced_by.index != NR_NONE)
            check_chain(resolver, dictionary, (uint32_t)i);
}

/* ---- Everything that mentions ---------------------------------------------------------- */

static void resolve_requirement_node(resolving *resolver, nr_requirement *node)
{
    resolve_list(resolver, &resolver->obligations, &node->obligations);
    if (node->atom == NR_ATOM_ACTIVITY)
        resolve_one(resolver, &resolver->activities, &node->code);
    else if (node->atom == NR_ATOM_ROLE)
        resolve_one(resolver, &resolver->roles, &node->code);
    else if (node->atom == NR_ATOM_AREA)
        resolve_one(resolver, &resolver->areas, &node->code);
}

/* Parents before children; the path is held here, its depth was checked by load. */
static void resolve_requirement(resolving *resolver, nr_requirement *root)
{
    nr_requirement *waiting[NR_REQUIREMENT_DEPTH_MAX + 1];
    size_t depth = 0;
    if (root != NULL)
        waiting[depth++] = root;
    while (depth > 0) {
        nr_requirement *node = waiting[--depth];
        resolve_requirement_node(resolver, node);
        if (node != root && node->next != NULL)
            waiting[depth++] = node->next;
        if (node->children != NULL)
            waiting[depth++] = node->children;
    }
}

static void resolve_functions(resolving *resolver)
{
    nr_model *model = resolver->model;
    for (size_t i = 0; i < model->functions.count; i++) {
        nr_function *function = &model->functions.items[i];
        resolve_list(resolver, &resolver->obligations, &function->obligations);
        resolve_requirement(resolver, function->require);
    }
}

static void resolve_apis(resolving *resolver)
{
    nr_model *model = resolver->model;
    for (size_t i = 0; i < model->apis.count; i++) {
        nr_api *api = &model->apis.items[i];
        for (size_t k = 0; k < api->operations.count; k++) {
            nr_operation *operation = &api->operations.items[k];
            resolve_list(resolver, &resolver->obligations, &operation->obligations);
            resolve_requirement(resolver, operation->require);
        }
    }
}

/* `apis: all`: an allowance for each API that there is. */
static void allow_everything(resolving *resolver, nr_application *application)
{
    const nr_model *model = resolver->model;
    for (size_t i = 0; i < model->apis.count; i++) {
        nr_allowance *allowance = nr_list_add(model->arena, &application->allowances);
        if (allowance == NULL) {
            resolver->diags->failed = true;
            return;
        }
        *allowance = (nr_allowance){ .all = true,
                                     .api = { .code = model->apis.items[i].id,
                                              .at = application->at,
                                              .index = NR_NONE } };
    }
}

static void resolve_applications(resolving *resolver)
{
    nr_model *model = resolver->model;
    for (size_t i = 0; i < model->applications.count; i++) {
        nr_application *application = &model->applications.items[i];
        if (application->every_api)
            allow_everything(resolver, application);
        for (size_t k = 0; k < application->allowances.count; k++) {
            nr_allowance *allowance = &application->allowances.items[k];
            resolve_one(resolver, &resolver->apis, &allowance->api);
            if (allowance->api.index != NR_NONE)
                resolve_list(resolver, &resolver->operations[allowance->api.index],
                             &allowance->operations);
        }
    }
}

static void resolve_suspension(resolving *resolver, nr_suspension *suspension)
{
    switch (suspension->kind) {
    case NR_SUSPENDED_ACTIVITY:
        resolve_one(resolver, &resolver->activities, &suspension->what);
        break;
    case NR_SUSPENDED_ROLE:
        resolve_one(resolver, &resolver->roles, &suspension->what);
        break;
    case NR_SUSPENDED_FUNCTION:
        resolve_one(resolver, &resolver->functions, &suspension->what);
        break;
    case NR_SUSPENDED_APPLICATION:
        resolve_one(resolver, &resolver->applications, &suspension->what);
        break;
    }
}

/* After these nothing can be said to be undeclared: it may stand where nothing
 * could be read. */
static bool is_unread(const nr_diags *diags)
{
    for (size_t i = 0; i < diags->count; i++) {
        nr_diag_code code = diags->items[i].code;
        if (code == NR_DIAG_YAML_SYNTAX || code == NR_DIAG_NOT_TEXT ||
            code == NR_DIAG_YAML_FEATURE || code == NR_DIAG_TOO_LARGE ||
            code == NR_DIAG_UNUSABLE_FILE || code == NR_DIAG_BAD_EXTENDS ||
            code == NR_DIAG_UNREADABLE_FOLDER)
            return true;
    }
    return diags->left_out > 0;
}

nrbac_status nr_resolve(nr_model *model, nr_diags *diags)
{
    resolving resolver = { .model = model, .diags = diags, .silent = is_unread(diags) };
    if (!learn_all(&resolver))
        return NRBAC_E_MEMORY;
    resolve_replacements(&resolver, &resolver.activities);
    resolve_replacements(&resolver, &resolver.roles);
    resolve_replacements(&resolver, &resolver.areas);
    for (size_t i = 0; i < model->activities.count; i++)
        resolve_list(&resolver, &resolver.activities,
                     &model->activities.items[i].includes);
    for (size_t i = 0; i < model->baseline.count; i++) {
        nr_entry *entry = &model->baseline.items[i];
        resolve_list(&resolver, &resolver.roles, &entry->roles);
        resolve_list(&resolver, &resolver.areas, &entry->areas);
        resolve_list(&resolver, &resolver.activities, &entry->activities);
    }
    resolve_functions(&resolver);
    resolve_apis(&resolver);
    resolve_applications(&resolver);
    for (size_t i = 0; i < model->exclusives.count; i++)
        resolve_list(&resolver, &resolver.activities,
                     &model->exclusives.items[i].activities);
    for (size_t i = 0; i < model->suspensions.count; i++)
        resolve_suspension(&resolver, &model->suspensions.items[i]);
    return diags->failed ? NRBAC_E_MEMORY : NRBAC_OK;
}
