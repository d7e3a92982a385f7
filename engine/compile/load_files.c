/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a folder: found in byte order of their paths, so that a policy is
 * the same on every machine, and read only if they are what they seem to be.
 */
#include "compile/loader.h"
#include "text/character.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRY_MAX = 2 * NR_FILE_MAX };

/* A path from the folder, and how deep it lies. */
typedef struct found_path {
    const char *path;
    size_t depth;
} found_path;

typedef struct folder_search {
    nr_loader *loader;
    nr_folder *folder;
    struct {
        found_path *items;
        size_t count, room;
    } folders; /* "" is the folder itself */
    struct {
        found_path *items;
        size_t count, room;
    } files;
} folder_search;

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name);
    size_t end_size = strlen(end);
    return size > end_size && strcmp(name + size - end_size, end) == 0;
}

static const char *join(nr_arena *arena, const char *folder, const char *name)
{
    if (*folder == '\0')
        return nr_arena_string(arena, name);
    const char *slash = ends_with(folder, "/") || strcmp(folder, "/") == 0 ? "" : "/";
    return nr_arena_format(arena, "%s%s%s", folder, slash, name);
}

nr_source *nr_loader_stand_in(nr_loader *loader, const char *path, const char *origin)
{
    nr_source *source = nr_arena_new(loader->arena, nr_source);
    if (source == NULL || path == NULL) {
        loader->diags->failed = true;
        return NULL;
    }
    *source = (nr_source){
        .path = path,
        .origin = origin,
        .index = (uint32_t)loader->model->sources.count,
    };
    return source;
}

/* A diagnostic at a file that is not read. */
static nr_diag *tell(folder_search *search, nr_diag_code code, const char *path,
                     const char *what)
{
    nr_loader *loader = search->loader;
    const char *shown = join(loader->arena, search->folder->source->path, path);
    nr_source *source = nr_loader_stand_in(loader, shown, "");
    search->folder->unread |= code != NR_DIAG_FILE_IGNORED;
    return nr_diag_add(loader->diags, code, (nr_span){ .source = source }, "%s", what);
}

static bool is_test(const char *name)
{
    return ends_with(name, "_test.yaml");
}

/* A link is a mistake if the author may believe that policy is read through it. */
static void look_at_link(folder_search *search, int folder, const char *name,
                         const char *path)
{
    struct stat target;
    bool dangles = fstatat(folder, name, &target, 0) != 0;
    if (!ends_with(name, ".yaml") && (dangles || !S_ISDIR(target.st_mode)))
        return;
    nr_diag *diag = tell(search, NR_DIAG_UNUSABLE_FILE, path,
                         "a symbolic link is not followed");
    nr_diag_help(search->loader->diags, diag,
                 "put the file itself here, or name its folder in `extends`");
}

static void remember(folder_search *search, bool folder, const char *path, size_t depth)
{
    nr_arena *arena = search->loader->arena;
    found_path *found = folder ? nr_list_add(arena, &search->folders)
                               : nr_list_add(arena, &search->files);
    if (found == NULL) {
        search->loader->diags->failed = true;
        return;
    }
    found->path = path;
    found->depth = depth;
}

static void look_at_entry(folder_search *search, int folder, const char *name,
                          const char *path, size_t depth)
{
    struct stat stat;
    if (fstatat(folder, name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
        return; /* it has just gone away */
    bool read = S_ISDIR(stat.st_mode) || ends_with(name, ".yaml");
    if (read && !nr_text_is_plain(name, strlen(name))) {
        tell(search, NR_DIAG_UNUSABLE_FILE, path, "the name is not plain UTF-8 text");
        return;
    }
    if (S_ISLNK(stat.st_mode))
        look_at_link(search, folder, name, path);
    else if (S_ISDIR(stat.st_mode) && depth == NR_FOLDER_DEPTH_MAX)
        tell(search, NR_DIAG_TOO_LARGE, path, "folders lie too deep within each other");
    else if (S_ISDIR(stat.st_mode))
        remember(search, true, path, depth + 1);
    else if (ends_with(name, ".yml"))
        tell(search, NR_DIAG_FILE_IGNORED, path,
             "the file is not read; name it `.yaml`");
    else if (!ends_with(name, ".yaml") || is_test(name))
        return;
    else if (!S_ISREG(stat.st_mode))
        tell(search, NR_DIAG_UNUSABLE_FILE, path, "not a regular file");
    else
        remember(search, false, path, depth);
}

static void list_entries(folder_search *search, DIR *stream, const found_path *at)
{
    nr_loader *loader = search->loader;
    const found_path here = *at;
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        const char *path = join(loader->arena, here.path, entry->d_name);
        if (path == NULL)
            loader->diags->failed = true;
        if (loader->diags->failed ||
            search->files.count + search->folders.count > ENTRY_MAX)
            return;
        look_at_entry(search, dirfd(stream), entry->d_name, path, here.depth);
    }
}

/* Opens the folder and not what it may have been swapped for by a link. */
static void list_folder(folder_search *search, const found_path *at)
{
    nr_arena *arena = search->loader->arena;
    const char *path = *at->path == '\0' ? search->folder->path
                                         : join(arena, search->folder->path, at->path);
    if (path == NULL) {
        search->loader->diags->failed = true;
        return;
    }
    int how = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int file = open(path, *at->path == '\0' ? how : how | O_NOFOLLOW);
    DIR *stream = file < 0 ? NULL : fdopendir(file);
    if (stream != NULL) {
        list_entries(search, stream, at);
        (void)closedir(stream);
        return;
    }
    if (file >= 0)
        (void)close(file);
    nr_diag_code code = at->depth == 0 &&
                                search->folder == search->loader->folders.items[0]
                            ? NR_DIAG_UNREADABLE_FOLDER
                            : NR_DIAG_UNUSABLE_FILE;
    tell(search, code, at->path, "the folder cannot be read");
}

static int order_of_paths(const void *left, const void *right)
{
    return strcmp(((const found_path *)left)->path, ((const found_path *)right)->path);
}

/* Keeps a source that was read; its index is its place among all of them. */
static bool keep_source(nr_loader *loader, nr_folder *folder, nr_source *source)
{
    nr_source **place = nr_list_add(loader->arena, &loader->model->sources);
    size_t *owner = nr_list_add(loader->arena, &loader->owners);
    nr_file *file = nr_list_add(loader->arena, &folder->files);
    if (place == NULL || owner == NULL || file == NULL) {
        loader->diags->failed = true;
        return false;
    }
    *place = source;
    source->index = (uint32_t)(loader->model->sources.count - 1);
    *owner = 0;
    while (loader->folders.items[*owner] != folder)
        ++*owner;
    *file = (nr_file){ .source = source };
    file->root = nr_yaml_read(loader->arena, source, loader->diags);
    if (file->root != NULL && file->root->kind == NR_NODE_SCALAR &&
        nr_node_is_nothing(file->root)) {
        nr_diag *diag = nr_diag_add(loader->diags, NR_DIAG_MISSING_HEADER,
                                    file->root->at, "the file is empty");
        nr_diag_help(loader->diags, diag, "write `nrbac: 1` as its first line");
        file->root = NULL;
    }
    if (file->root != NULL &&
        !nr_node_is_mapping(file->root, "a policy file", loader->diags))
        file->root = NULL;
    return true;
}

static void read_file(folder_search *search, const char *path)
{
    nr_loader *loader = search->loader;
    nr_folder *folder = search->folder;
    const char *why = NULL;
    const char *opened = join(loader->arena, folder->path, path);
    const char *shown = join(loader->arena, folder->source->path, path);
    const char *origin = join(loader->arena, folder->origin, path);
    if (opened == NULL || shown == NULL || origin == NULL) {
        loader->diags->failed = true;
        return;
    }
    nr_source *source = nr_source_read(loader->arena, opened, 0, &why);
    if (source == NULL) {
        tell(search, NR_DIAG_UNUSABLE_FILE, path,
             nr_arena_format(loader->arena, "the file %s", why));
        return;
    }
    source->path = shown;
    source->origin = origin;
    loader->size += source->size;
    keep_source(loader, folder, source);
}

static bool has_room(folder_search *search)
{
    const nr_loader *loader = search->loader;
    if (loader->model->sources.count < NR_FILE_MAX && loader->size < NR_POLICY_SIZE_MAX)
        return true;
    tell(search, NR_DIAG_TOO_LARGE, "", "the policy has too many or too large files");
    return false;
}

nrbac_status nr_loader_read_folder(nr_loader *loader, nr_folder *folder)
{
    folder_search search = { .loader = loader, .folder = folder };
    remember(&search, true, "", 0);
    for (size_t i = 0; i < search.folders.count && !loader->diags->failed; i++) {
        const found_path at = search.folders.items[i];
        list_folder(&search, &at);
    }
    if (search.files.count > 0)
        qsort(search.files.items, search.files.count, sizeof(found_path),
              order_of_paths);
    for (size_t i = 0; i < search.files.count && !loader->diags->failed; i++) {
        if (!has_room(&search))
            break;
        read_file(&search, search.files.items[i].path);
    }
    return loader->diags->failed ? NRBAC_E_MEMORY : NRBAC_OK;
}
