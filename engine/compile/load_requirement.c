/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a function takes: nested `all` and `any` over atoms. The nesting is
 * walked with the path held here; its depth has a limit of its own, because the
 * table evaluates it too.
 */
#include "compile/loader.h"

#include <string.h>

enum {
    ALL,
    ANY,
    ACTIVITY,
    ROLE,
    AREA,
    WORKGROUP,
    ORGANISATION,
    AAL,
    IAL,
    PROOFING,
    ACTING_AS,
    ON_BEHALF_OF,
    FORMS,
    OBLIGATIONS = FORMS,
    FIELDS,
};

static const nr_field fields[FIELDS] = {
    [ALL] = { "all", false },
    [ANY] = { "any", false },
    [ACTIVITY] = { "activity", false },
    [ROLE] = { "role", false },
    [AREA] = { "area_of_work", false },
    [WORKGROUP] = { "workgroup", false },
    [ORGANISATION] = { "organisation", false },
    [AAL] = { "aal", false },
    [IAL] = { "ial", false },
    [PROOFING] = { "proofing", false },
    [ACTING_AS] = { "acting_as", false },
    [ON_BEHALF_OF] = { "on_behalf_of", false },
    [OBLIGATIONS] = { "obligations", false },
};

static const nr_atom atoms[FORMS] = {
    [ALL] = NR_ALL,
    [ANY] = NR_ANY,
    [ACTIVITY] = NR_ATOM_ACTIVITY,
    [ROLE] = NR_ATOM_ROLE,
    [AREA] = NR_ATOM_AREA,
    [WORKGROUP] = NR_ATOM_WORKGROUP,
    [ORGANISATION] = NR_ATOM_ORGANISATION,
    [AAL] = NR_ATOM_AAL,
    [IAL] = NR_ATOM_IAL,
    [PROOFING] = NR_ATOM_PROOFING,
    [ACTING_AS] = NR_ATOM_ACTING_AS,
    [ON_BEHALF_OF] = NR_ATOM_ON_BEHALF_OF,
};

/* An `all` or `any` whose children are being taken. */
typedef struct open_list {
    nr_requirement **place; /* where the next child goes */
    const nr_node *next;
} open_list;

typedef struct requirement_walk {
    nr_loader *loader;
    open_list levels[NR_REQUIREMENT_DEPTH_MAX];
    size_t depth;
    size_t count;
    bool fine;
} requirement_walk;

static bool take_level(nr_loader *loader, const nr_node *node, nr_requirement *out)
{
    int64_t level = 0;
    bool aal = out->atom == NR_ATOM_AAL;
    if (!nr_node_integer(node, aal ? "`aal`" : "`ial`", aal ? 1 : 0, 3, &level,
                         loader->diags))
        return false;
    out->level = (int)level;
    return true;
}

static bool take_proofing(nr_loader *loader, const nr_node *node, nr_requirement *out)
{
    static const char *const words[] = { "P0", "P5", "P9" };
    static const int levels[] = { 0, 5, 9 };
    int word = nr_node_choice(node, "`proofing`", words, NR_COUNT(words),
                              loader->diags);
    if (word < 0)
        return false;
    out->level = levels[word];
    return true;
}

static bool take_organisation(nr_loader *loader, const nr_node *node,
                              nr_requirement *out)
{
    const char *text = nr_node_text(node, "`organisation`", loader->diags);
    if (text == NULL)
        return false;
    if (strcmp(text, "request") == 0)
        out->atom = NR_ATOM_ORGANISATION_REQUEST;
    else
        out->text = text;
    return true;
}

/* Whoever it is: the atom asks only that somebody is named. */
static bool take_on_behalf_of(nr_loader *loader, const nr_node *node)
{
    static const char *const words[] = { "named" };
    return nr_node_choice(node, "`on_behalf_of`", words, NR_COUNT(words),
                          loader->diags) == 0;
}

/* Opens the list of an `all` or `any`. */
static bool take_children(requirement_walk *walk, const nr_node *node,
                          nr_requirement *out)
{
    nr_diags *diags = walk->loader->diags;
    const char *what = out->atom == NR_ALL ? "`all`" : "`any`";
    if (!nr_node_is_sequence(node, what, diags))
        return false;
    if (node->first == NULL) {
        nr_diag_add(diags, out->atom == NR_ALL ? NR_DIAG_ALWAYS_MET : NR_DIAG_NEVER_MET,
                    node->at, "%s of nothing would be met by %s", what,
                    out->atom == NR_ALL ? "everybody" : "nobody");
        return false;
    }
    if (walk->depth == NR_REQUIREMENT_DEPTH_MAX) {
        nr_diag_add(diags, NR_DIAG_TOO_LARGE, node->at,
                    "a requirement nested more than %d levels deep",
                    NR_REQUIREMENT_DEPTH_MAX);
        return false;
    }
    walk->levels[walk->depth++] = (open_list){ &out->children, node->first };
    return true;
}

static bool take_form(requirement_walk *walk, const nr_node *node, nr_requirement *out)
{
    nr_loader *loader = walk->loader;
    switch (out->atom) {
    case NR_ALL:
    case NR_ANY:
        return take_children(walk, node, out);
    case NR_ATOM_ACTIVITY:
        return nr_loader_take_mention(loader, node, "`activity`", &out->code);
    case NR_ATOM_ROLE:
        return nr_loader_take_mention(loader, node, "`role`", &out->code);
    case NR_ATOM_AREA:
        return nr_loader_take_mention(loader, node, "`area_of_work`", &out->code);
    case NR_ATOM_WORKGROUP:
        out->text = nr_node_text(node, "`workgroup`", loader->diags);
        return out->text != NULL;
    case NR_ATOM_ORGANISATION:
    case NR_ATOM_ORGANISATION_REQUEST:
        return take_organisation(loader, node, out);
    case NR_ATOM_AAL:
    case NR_ATOM_IAL:
        return take_level(loader, node, out);
    case NR_ATOM_PROOFING:
        return take_proofing(loader, node, out);
    case NR_ATOM_ACTING_AS:
        out->text = nr_node_text(node, "`acting_as`", loader->diags);
        return out->text != NULL;
    case NR_ATOM_ON_BEHALF_OF:
        return take_on_behalf_of(loader, node);
    }
    return false;
}

/* Which one form a mapping has; FORMS after a diagnostic. */
static size_t find_form(nr_loader *loader, const nr_node *node,
                        const nr_node *const *values)
{
    size_t form = FORMS;
    for (size_t i = 0; i < FORMS; i++) {
        if (values[i] == NULL)
            continue;
        if (form != FORMS) {
            nr_diag *diag = nr_diag_add(loader->diags, NR_DIAG_BAD_VALUE,
                                        values[i]->key_at,
                                        "a requirement asks for one thing, not for "
                                        "`%s` and `%s` side by side",
                                        fields[form].key, fields[i].key);
            nr_diag_help(loader->diags, diag, "nest them: all: [{ ... }, { ... }]");
            return FORMS;
        }
        form = i;
    }
    if (form == FORMS && node->count <= (values[OBLIGATIONS] == NULL ? 0u : 1u)) {
        nr_diag *diag = nr_diag_add(loader->diags, NR_DIAG_MISSING_KEY, node->at,
                                    "the requirement asks for nothing");
        nr_diag_help(loader->diags, diag,
                     "write an activity, or `all` or `any` of some");
    }
    return form;
}

static bool take_mapping(requirement_walk *walk, const nr_node *node,
                         nr_requirement *out)
{
    const nr_node *values[FIELDS];
    nr_loader *loader = walk->loader;
    if (!nr_node_fields(node, "a requirement", fields, FIELDS, values, loader->diags))
        return false;
    nr_loader_take_mentions(loader, values[OBLIGATIONS], "`obligations`",
                            &out->obligations);
    size_t form = find_form(loader, node, values);
    if (form == FORMS)
        return false;
    out->atom = atoms[form];
    return take_form(walk, values[form], out);
}

static bool refuse_list(nr_loader *loader, const nr_node *node)
{
    nr_diag *diag = nr_diag_add(
        loader->diags, NR_DIAG_WRONG_TYPE, node->at,
        "a requirement must be a code or a mapping, but is a list");
    nr_diag_help(loader->diags, diag, "say whether it takes `all` or `any` of them");
    return false;
}

/* One node; a wrong one spoils the requirement, and the rest is still looked at. */
static nr_requirement *take_node(requirement_walk *walk, const nr_node *node)
{
    nr_loader *loader = walk->loader;
    if (!nr_loader_has_room(loader, walk->count++, NR_REQUIREMENT_NODE_MAX, node->at,
                            "parts in one requirement")) {
        walk->depth = 0;
        walk->fine = false;
        return NULL;
    }
    nr_requirement *out = nr_arena_new(loader->arena, nr_requirement);
    if (out == NULL) {
        loader->diags->failed = true;
        walk->fine = false;
        return NULL;
    }
    *out = (nr_requirement){ .at = node->at, .code.index = NR_NONE };
    if (node->kind == NR_NODE_SEQUENCE) {
        walk->fine = refuse_list(loader, node);
    } else if (node->kind == NR_NODE_SCALAR) {
        out->atom = NR_ATOM_ACTIVITY;
        walk->fine &= nr_loader_take_mention(loader, node, "a requirement", &out->code);
    } else {
        walk->fine &= take_mapping(walk, node, out);
    }
    return out;
}

nr_requirement *nr_loader_take_requirement(nr_loader *loader, const nr_node *node)
{
    requirement_walk walk = { .loader = loader, .fine = true };
    nr_requirement *root = take_node(&walk, node);
    while (walk.depth > 0 && !loader->diags->failed) {
        open_list *top = &walk.levels[walk.depth - 1];
        if (top->next == NULL) {
            walk.depth--;
            continue;
        }
        const nr_node *next = top->next;
        nr_requirement **place = top->place;
        top->next = next->next;
        nr_requirement *child = take_node(&walk, next);
        if (child == NULL)
            break;
        *place = child;
        top->place = &child->next;
    }
    return walk.fine ? root : NULL;
}
