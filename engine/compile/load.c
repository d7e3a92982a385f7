/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading: from folders of files to the model, as it is written.
 */
#include "compile/loader.h"

#include <string.h>

typedef struct section_row {
    const char *key;
    void (*take)(nr_loader *loader, const nr_node *section);
} section_row;

/* The header and the policy's own section are looked at before. */
static void skip_section(nr_loader *loader, const nr_node *section)
{
    (void)loader;
    (void)section;
}

static const section_row sections[] = {
    { "nrbac", skip_section },
    { "policy", skip_section },
    { "activities", nr_loader_take_activities },
    { "job_roles", nr_loader_take_roles },
    { "areas_of_work", nr_loader_take_areas },
    { "baseline", nr_loader_take_baseline },
    { "obligations", nr_loader_take_obligations },
    { "functions", nr_loader_take_functions },
    { "exclusive", nr_loader_take_exclusive },
    { "suspend", nr_loader_take_suspend },
    { "settings", nr_loader_take_settings },
    { "apis", nr_loader_take_apis },
    { "applications", nr_loader_take_applications },
};

static void take_section(nr_loader *loader, const nr_node *node)
{
    const char *names[NR_COUNT(sections)];
    for (size_t i = 0; i < NR_COUNT(sections); i++) {
        names[i] = sections[i].key;
        if (strcmp(names[i], node->key) == 0) {
            sections[i].take(loader, node);
            return;
        }
    }
    nr_node_unknown_key(node, "a policy file", names, NR_COUNT(names), loader->diags);
}

/* ---- The header ---------------------------------------------------------------- */

/* False: the file is something else, and nothing of it is policy. */
static bool tell_no_header(nr_loader *loader, const nr_node *root)
{
    bool test = nr_node_find(root, "nrbac-test") != NULL;
    nr_span at = root->first == NULL ? root->at : root->first->key_at;
    nr_diag *diag = nr_diag_add(loader->diags, NR_DIAG_MISSING_HEADER, at,
                                "the file does not start with `nrbac: 1`");
    nr_diag_help(loader->diags, diag,
                 test ? "a file of tests has a name ending `_test.yaml`"
                      : "write `nrbac: 1` as its first line");
    return !test;
}

static bool check_header(nr_loader *loader, const nr_node *root)
{
    nr_diags *diags = loader->diags;
    const nr_node *header = nr_node_find(root, "nrbac");
    if (header == NULL)
        return tell_no_header(loader, root);
    int64_t version = 0;
    if (header != root->first)
        nr_diag_add(diags, NR_DIAG_MISSING_HEADER, header->key_at,
                    "`nrbac: 1` must be the first key of the file");
    if (!nr_node_integer(header, "`nrbac`", 0, INT32_MAX, &version, diags))
        return true;
    if (version == 1)
        return true;
    nr_diag *diag = nr_diag_add(
        diags, NR_DIAG_MISSING_HEADER, header->at,
        "version %lld of the language is not known to this release",
        (long long)version);
    nr_diag_help(diags, diag, "this release reads `nrbac: 1`");
    return false;
}

/* ---- Reading --------------------------------------------------------------------- */

static void find_policy(nr_loader *loader, nr_folder *folder, const nr_node *root)
{
    const nr_node *policy = nr_node_find(root, "policy");
    if (policy == NULL)
        return;
    if (folder->policy == NULL) {
        folder->policy = policy;
        return;
    }
    nr_diag *diag = nr_diag_add(loader->diags, NR_DIAG_POLICY_SECTION, policy->key_at,
                                "`policy` is in a second file of the same folder");
    nr_diag_related(diag, folder->policy->key_at, "first written at");
}

static nrbac_status follow_extends(nr_loader *loader, nr_folder *folder)
{
    const nr_node *extends = nr_node_find(folder->policy, "extends");
    if (extends == NULL || !nr_node_is_sequence(extends, "`extends`", loader->diags))
        return NRBAC_OK;
    for (const nr_node *entry = extends->first; entry != NULL; entry = entry->next)
        (void)nr_loader_extend(loader, folder, entry);
    return loader->diags->failed ? NRBAC_E_MEMORY : NRBAC_OK;
}

static nrbac_status read_folder(nr_loader *loader, nr_folder *folder)
{
    NR_TRY(nr_loader_read_folder(loader, folder));
    for (size_t i = 0; i < folder->files.count; i++) {
        nr_file *file = &folder->files.items[i];
        if (file->root != NULL && !check_header(loader, file->root))
            file->root = NULL;
        if (file->root != NULL)
            find_policy(loader, folder, file->root);
        folder->unread |= file->root == NULL;
    }
    if (folder->policy != NULL)
        return follow_extends(loader, folder);
    if (folder->unread)
        return NRBAC_OK; /* it may stand in what was not read */
    nr_span at = { .source = folder->source };
    nr_diag *diag = nr_diag_add(loader->diags, NR_DIAG_POLICY_SECTION, at,
                                folder->files.count == 0
                                    ? "the folder holds no policy"
                                    : "no file of the folder has the section `policy`");
    nr_diag_help(loader->diags, diag,
                 "write `policy: { name: ..., version: ... }` into one `.yaml` file");
    return NRBAC_OK;
}

/* ---- The policy's own section ------------------------------------------------------ */

enum { NAME, VERSION, NRD_VERSION, PROVENANCE, EXTENDS, POLICY_FIELDS };

static const nr_field policy_fields[POLICY_FIELDS] = {
    [NAME] = { "name", false },
    [VERSION] = { "version", false },
    [NRD_VERSION] = { "nrd_version", false },
    [PROVENANCE] = { "provenance", false },
    [EXTENDS] = { "extends", false },
};

static void take_provenance(nr_loader *loader, const nr_node *node)
{
    static const char *const words[] = { "local", "example" };
    if (node == NULL)
        return;
    int word = nr_node_choice(node, "`provenance`", words, NR_COUNT(words),
                              loader->diags);
    if (word == 1)
        loader->model->provenance = NR_PROVENANCE_EXAMPLE;
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

/* Name and version are those of the root folder; the version of the national
 * database is the first that is found, nearest first. */
static void take_policy(nr_loader *loader, const nr_folder *folder)
{
    const nr_node *values[POLICY_FIELDS];
    if (folder->policy == NULL ||
        !nr_node_fields(folder->policy, "`policy`", policy_fields, POLICY_FIELDS,
                        values, loader->diags))
        return;
    nr_model *model = loader->model;
    const char *name = nr_loader_take_text(loader, values[NAME], "`name`");
    const char *version = nr_loader_take_text(loader, values[VERSION], "`version`");
    const char *nrd = nr_loader_take_text(loader, values[NRD_VERSION], "`nrd_version`");
    if (nrd != NULL && (!loader->national || *model->nrd_version == '\0'))
        model->nrd_version = nrd;
    take_provenance(loader, values[PROVENANCE]);
    if (loader->national)
        return;
    model->name = or_empty(name);
    model->version = or_empty(version);
    if (values[NAME] == NULL || values[VERSION] == NULL)
        nr_diag_add(loader->diags, NR_DIAG_UNNAMED_POLICY, folder->policy->key_at,
                    "the policy has no %s",
                    values[NAME] == NULL ? "`name`" : "`version`");
}

/* ---- Taking ------------------------------------------------------------------------ */

static void take_folder(nr_loader *loader, size_t index)
{
    nr_folder *folder = loader->folders.items[index];
    folder->state = NR_FOLDER_TAKEN;
    loader->folder = index;
    loader->national = index != 0;
    take_policy(loader, folder);
    for (size_t i = 0; i < folder->files.count; i++) {
        const nr_node *root = folder->files.items[i].root;
        if (root == NULL)
            continue;
        for (const nr_node *node = root->first; node != NULL; node = node->next)
            take_section(loader, node);
    }
}

/* The path from the root folder to the one being looked at. */
typedef struct step {
    size_t folder;
    size_t next; /* the next of its extended folders */
} step;

static void tell_loop(nr_loader *loader, const step *steps, size_t depth,
                      const nr_extend *entry)
{
    const char *text = "";
    for (size_t i = 0; i < depth; i++) {
        const nr_folder *folder = loader->folders.items[steps[i].folder];
        if (*text == '\0' && steps[i].folder != entry->folder)
            continue;
        text = nr_arena_format(loader->arena, "%s`%s` -> ", text, folder->source->path);
        if (text == NULL)
            return;
    }
    const nr_folder *closing = loader->folders.items[entry->folder];
    nr_diag_add(loader->diags, NR_DIAG_BAD_EXTENDS, entry->at,
                "the policies extend each other in a circle: %s`%s`", text,
                closing->source->path);
}

/* Depth first, so that what is extended is in the model before what extends it. */
static void take_all(nr_loader *loader)
{
    step steps[NR_FOLDER_MAX] = { { 0, 0 } };
    size_t depth = 1;
    loader->folders.items[0]->state = NR_FOLDER_OPEN;
    while (depth > 0) {
        step *top = &steps[depth - 1];
        const nr_folder *folder = loader->folders.items[top->folder];
        if (top->next == folder->extends.count) {
            take_folder(loader, top->folder);
            depth--;
            continue;
        }
        const nr_extend *entry = &folder->extends.items[top->next++];
        nr_folder *extended = loader->folders.items[entry->folder];
        if (extended->state == NR_FOLDER_OPEN)
            tell_loop(loader, steps, depth, entry);
        if (extended->state != NR_FOLDER_READ)
            continue;
        extended->state = NR_FOLDER_OPEN;
        steps[depth++] = (step){ entry->folder, 0 };
    }
}

static void begin(nr_loader *loader)
{
    struct {
        nr_declared *declared;
        const char *what;
    } kinds[] = {
        { &loader->activities, "activity" },
        { &loader->roles, "job role" },
        { &loader->areas, "area of work" },
        { &loader->functions, "function" },
        { &loader->obligations, "obligation" },
        { &loader->exclusives, "exclusive set" },
        { &loader->settings, "setting" },
        { &loader->apis, "API" },
        { &loader->applications, "application" },
    };
    for (size_t i = 0; i < NR_COUNT(kinds); i++) {
        kinds[i].declared->what = kinds[i].what;
        kinds[i].declared->names.arena = loader->arena;
    }
    loader->model->name = loader->model->version = loader->model->nrd_version = "";
}

nrbac_status nr_load(nr_model *model, const char *folder, const char *policy_root,
                     nr_diags *diags)
{
    nr_loader loader = {
        .model = model,
        .diags = diags,
        .arena = model->arena,
        .policy_root = policy_root,
    };
    begin(&loader);
    if (!nr_loader_add_root(&loader, folder))
        return diags->failed ? NRBAC_E_MEMORY : NRBAC_OK;
    for (size_t i = 0; i < loader.folders.count; i++)
        NR_TRY(read_folder(&loader, loader.folders.items[i]));
    take_all(&loader);
    return diags->failed ? NRBAC_E_MEMORY : NRBAC_OK;
}
