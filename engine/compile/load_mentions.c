/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all sections have in common: declaring a name once, and mentioning codes.
 */
#include "compile/loader.h"

#include <string.h>

/* Whether one folder extends another, by whatever way. */
static bool extends(const nr_loader *loader, size_t folder, size_t other)
{
    bool reached[NR_FOLDER_MAX] = { false };
    size_t waiting[NR_FOLDER_MAX];
    size_t count = 0;
    waiting[count++] = folder;
    reached[folder] = true;
    while (count > 0) {
        const nr_folder *at = loader->folders.items[waiting[--count]];
        for (size_t i = 0; i < at->extends.count; i++) {
            size_t next = at->extends.items[i].folder;
            if (next == other)
                return true;
            if (!reached[next])
                waiting[count++] = next;
            reached[next] = true;
        }
    }
    return false;
}

static void tell_twice(nr_loader *loader, const nr_declared *declared, const char *name,
                       nr_span first, nr_span at)
{
    size_t owner = loader->owners.items[first.source->index];
    bool altered = owner != loader->folder && extends(loader, loader->folder, owner);
    nr_diag *diag = altered ? nr_diag_add(
                                  loader->diags, NR_DIAG_NATIONAL_ALTERED, at,
                                  "%s `%.100s` belongs to an extended policy, which "
                                  "may be added to but not altered",
                                  declared->what, name)
                            : nr_diag_add(loader->diags, NR_DIAG_DUPLICATE_DEFINITION,
                                          at, "%s `%.100s` is defined twice",
                                          declared->what, name);
    nr_diag_related(diag, first, "first defined at");
    if (altered)
        nr_diag_help(loader->diags, diag,
                     "leave it out here; `suspend` alone takes something away");
}

bool nr_loader_declare(nr_loader *loader, nr_declared *declared, const char *name,
                       nr_span at)
{
    size_t size = strlen(name);
    uint32_t known = nr_names_find(&declared->names, name, size);
    if (known != NR_NONE) {
        tell_twice(loader, declared, name, declared->places.items[known], at);
        return false;
    }
    nr_span *place = nr_list_add(loader->arena, &declared->places);
    if (place == NULL || nr_names_intern(&declared->names, name, size) == NR_NONE) {
        loader->diags->failed = true;
        return false;
    }
    *place = at;
    return true;
}

bool nr_loader_has_room(nr_loader *loader, size_t count, size_t limit, nr_span at,
                        const char *what)
{
    if (count < limit)
        return true;
    nr_diag_add(loader->diags, NR_DIAG_TOO_LARGE, at, "more than %zu %s", limit, what);
    return false;
}

const char *nr_loader_take_text(nr_loader *loader, const nr_node *node,
                                const char *what)
{
    return node == NULL ? NULL : nr_node_text(node, what, loader->diags);
}

/* Blanks at both ends belong to nothing. */
static void split(const nr_node *node, size_t *start, size_t *end, size_t *name)
{
    const char *text = node->text;
    *start = strspn(text, " \t\n");
    *end = *start + strcspn(text + *start, " \t\n");
    *name = *end + strspn(text + *end, " \t\n");
}

bool nr_loader_take_mention(nr_loader *loader, const nr_node *node, const char *what,
                            nr_mention *out)
{
    *out = (nr_mention){ .index = NR_NONE };
    if (nr_node_text(node, what, loader->diags) == NULL)
        return false;
    size_t start;
    size_t end;
    size_t name;
    split(node, &start, &end, &name);
    if (start == end) {
        nr_diag_add(loader->diags, NR_DIAG_BAD_VALUE, node->at, "%s is empty", what);
        return false;
    }
    out->code = nr_arena_copy(loader->arena, node->text + start, end - start);
    out->named = name == node->size ? NULL : node->text + name;
    out->at = nr_node_part(node, start, end);
    if (out->code == NULL)
        loader->diags->failed = true;
    return out->code != NULL;
}

void nr_loader_take_some(nr_loader *loader, const nr_node *node, const char *what,
                         nr_mentions *out)
{
    nr_loader_take_mentions(loader, node, what, out);
    if (node != NULL && node->kind == NR_NODE_SEQUENCE && node->first == NULL)
        nr_diag_add(loader->diags, NR_DIAG_BAD_VALUE, node->at, "%s is empty", what);
}

void nr_loader_take_mentions(nr_loader *loader, const nr_node *node, const char *what,
                             nr_mentions *out)
{
    if (node == NULL || !nr_node_is_sequence(node, what, loader->diags))
        return;
    for (const nr_node *item = node->first; item != NULL; item = item->next) {
        nr_mention mention;
        if (!nr_loader_take_mention(loader, item, what, &mention))
            continue;
        nr_mention *place = nr_list_add(loader->arena, out);
        if (place == NULL) {
            loader->diags->failed = true;
            return;
        }
        *place = mention;
    }
}
