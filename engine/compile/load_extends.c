/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders that a policy consists of: the one given, and what `extends` names.
 */
#include "compile/loader.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A path while it is being shortened. */
typedef struct brief_path {
    char *text;
    size_t size;
    size_t fixed; /* what ".." may not take away */
} brief_path;

static void drop_last(brief_path *brief)
{
    while (brief->size > brief->fixed && brief->text[brief->size - 1] != '/')
        brief->size--;
    if (brief->size > brief->fixed)
        brief->size--;
}

static void add_part(brief_path *brief, const char *part, size_t size)
{
    if (brief->size > 0 && brief->text[brief->size - 1] != '/')
        brief->text[brief->size++] = '/';
    memcpy(brief->text + brief->size, part, size);
    brief->size += size;
}

/* Drops "." and "name/..", by the text alone. Nothing left is "". */
static char *shorten(nr_arena *arena, const char *path)
{
    brief_path brief = { .text = nr_arena_alloc(arena, strlen(path) + 2) };
    if (brief.text == NULL)
        return NULL;
    if (*path == '/')
        brief.text[brief.size++] = '/';
    brief.fixed = brief.size;
    while (*path != '\0') {
        size_t part = strcspn(path, "/");
        bool up = part == 2 && memcmp(path, "..", 2) == 0;
        if (up && brief.size > brief.fixed)
            drop_last(&brief);
        else if (part > 0 && !(part == 1 && *path == '.'))
            add_part(&brief, path, part);
        if (up && brief.size >= 2 && memcmp(brief.text + brief.size - 2, "..", 2) == 0)
            brief.fixed = brief.size;
        path += part;
        path += *path == '/';
    }
    brief.text[brief.size] = '\0';
    return brief.text;
}

/* The path as people like to read it, if it surely leads to the same place. */
static const char *shown_as(nr_arena *arena, const char *path)
{
    char *brief = shorten(arena, path);
    struct stat one;
    struct stat other;
    if (brief == NULL || stat(path, &one) != 0 ||
        stat(*brief == '\0' ? "." : brief, &other) != 0)
        return path;
    return one.st_ino == other.st_ino && one.st_dev == other.st_dev ? brief : path;
}

static char *real_of(nr_loader *loader, const char *path)
{
    char *real = realpath(path, NULL);
    char *copy = real == NULL ? NULL : nr_arena_string(loader->arena, real);
    if (real != NULL && copy == NULL)
        loader->diags->failed = true;
    free(real);
    return copy;
}

/* Whether a real path is the folder or lies in it. */
static bool lies_in(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    if (strcmp(folder, "/") == 0)
        return true;
    return strncmp(path, folder, size) == 0 &&
           (path[size] == '\0' || path[size] == '/');
}

static nr_folder *add_folder(nr_loader *loader, const char *path, const char *origin,
                             const char *real)
{
    nr_folder **place = nr_list_add(loader->arena, &loader->folders);
    nr_folder *folder = nr_arena_new(loader->arena, nr_folder);
    const char *shown = shown_as(loader->arena, path);
    nr_source *source = nr_loader_stand_in(loader, shown, origin);
    if (place == NULL || folder == NULL || source == NULL) {
        loader->diags->failed = true;
        return NULL;
    }
    *folder = (nr_folder){
        .path = path,
        .origin = origin,
        .real = real,
        .source = source,
    };
    *place = folder;
    return folder;
}

static bool refuse_folder(nr_loader *loader, const char *path, const char *why)
{
    nr_source *source = nr_loader_stand_in(loader, path, "");
    nr_diag_add(loader->diags, NR_DIAG_UNREADABLE_FOLDER, (nr_span){ .source = source },
                "%s", why);
    return false;
}

bool nr_loader_add_root(nr_loader *loader, const char *path)
{
    const char *root = loader->policy_root;
    const char *copy = nr_arena_string(loader->arena, path);
    const char *real = real_of(loader, path);
    struct stat stat_of;
    if (real == NULL)
        return refuse_folder(loader, copy, "the folder does not exist");
    if (stat(path, &stat_of) != 0 || !S_ISDIR(stat_of.st_mode))
        return refuse_folder(loader, copy, "this is not a folder");
    if (root != NULL) {
        loader->policy_root = real_of(loader, root);
        if (loader->policy_root == NULL)
            return refuse_folder(loader, nr_arena_string(loader->arena, root),
                                 "the policy root does not exist");
    }
    return add_folder(loader, copy, "", real) != NULL;
}

/* ---- extends ---------------------------------------------------------------------- */

static bool refuse(nr_loader *loader, const nr_node *entry, const char *what)
{
    nr_diag_add(loader->diags, NR_DIAG_BAD_EXTENDS, entry->at, "`%.200s` %s",
                entry->text, what);
    return false;
}

static bool refuse_missing(nr_loader *loader, const nr_folder *folder,
                           const nr_node *entry)
{
    nr_diag *diag = nr_diag_add(loader->diags, NR_DIAG_BAD_EXTENDS, entry->at,
                                "`%.200s` does not exist", entry->text);
    nr_diag_help(loader->diags, diag, "it is looked for from `%.200s`", folder->path);
    return false;
}

/* Each part of the way must be a folder, not a link to one. */
static bool is_without_links(nr_loader *loader, const nr_folder *folder,
                             const nr_node *entry)
{
    const char *text = entry->text;
    for (size_t size = 0; text[size] != '\0';) {
        size += strcspn(text + size, "/");
        const char *way = nr_arena_format(loader->arena, "%s/%.*s", folder->path,
                                          (int)size, text);
        struct stat stat_of;
        if (way == NULL) {
            loader->diags->failed = true;
            return false;
        }
        if (lstat(way, &stat_of) != 0)
            return refuse_missing(loader, folder, entry);
        if (S_ISLNK(stat_of.st_mode))
            return refuse(loader, entry, "leads through a symbolic link");
        if (!S_ISDIR(stat_of.st_mode))
            return refuse(loader, entry, "is not a folder");
        while (text[size] == '/')
            size++;
    }
    return true;
}

static bool may_extend(nr_loader *loader, const nr_folder *folder, const nr_node *entry,
                       const char *real)
{
    if (real == NULL)
        return refuse(loader, entry, "cannot be reached");
    if (strcmp(real, folder->real) == 0)
        return refuse(loader, entry, "is the policy's own folder");
    if (lies_in(real, folder->real))
        return refuse(loader, entry, "lies inside the policy's own folder");
    if (lies_in(folder->real, real))
        return refuse(loader, entry, "contains the policy's own folder");
    if (loader->policy_root != NULL && !lies_in(real, loader->policy_root))
        return refuse(loader, entry, "lies outside the policy root");
    return true;
}

/* The folder's index, if it is known already; else the count. */
static size_t find_folder(const nr_loader *loader, const char *real)
{
    size_t i = 0;
    while (i < loader->folders.count &&
           strcmp(loader->folders.items[i]->real, real) != 0)
        i++;
    return i;
}

static bool add_extended(nr_loader *loader, const nr_folder *folder,
                         const nr_node *entry, const char *real)
{
    if (loader->folders.count == NR_FOLDER_MAX)
        return refuse(loader, entry, "is one policy too many");
    nr_arena *arena = loader->arena;
    const char *path = nr_arena_format(arena, "%s/%s", folder->path, entry->text);
    const char *way = nr_arena_format(arena, "%s%s%s", folder->origin,
                                      *folder->origin == '\0' ? "" : "/", entry->text);
    const char *origin = way == NULL ? NULL : shorten(arena, way);
    if (path == NULL || origin == NULL) {
        loader->diags->failed = true;
        return false;
    }
    return add_folder(loader, path, origin, real) != NULL;
}

bool nr_loader_extend(nr_loader *loader, nr_folder *folder, const nr_node *entry)
{
    if (nr_node_text(entry, "a folder to extend", loader->diags) == NULL)
        return false;
    if (*entry->text == '/')
        return refuse(loader, entry, "is absolute; write it relative to this folder");
    if (entry->size >= PATH_MAX || !is_without_links(loader, folder, entry))
        return false;
    const char *path = nr_arena_format(loader->arena, "%s/%s", folder->path,
                                       entry->text);
    char *real = path == NULL ? NULL : real_of(loader, path);
    if (!may_extend(loader, folder, entry, real))
        return false;
    size_t index = find_folder(loader, real);
    if (index == loader->folders.count && !add_extended(loader, folder, entry, real))
        return false;
    nr_extend *extend = nr_list_add(loader->arena, &folder->extends);
    if (extend == NULL) {
        loader->diags->failed = true;
        return false;
    }
    *extend = (nr_extend){ .folder = index, .at = entry->at, .text = entry->text };
    return true;
}
