/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding test files: every folder below, in byte order, no symbolic links.
 */
#define _POSIX_C_SOURCE 200809L /* opendir, lstat */

#include "cli/suite.h"
#include "text/render.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 32 };

typedef struct paths {
    const char **items;
    size_t count, room;
} paths;

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static nr_exit find_below(nr_suite *suite, const char *folder, int depth, paths *found);

static nr_exit look_at(nr_suite *suite, const char *path, int depth, paths *found)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return NR_EXIT_OK; /* gone since it was listed */
    if (S_ISDIR(info.st_mode))
        return find_below(suite, path, depth + 1, found);
    if (!ends_with(path, "_test.yaml"))
        return NR_EXIT_OK;
    const char **place = nr_list_add(&suite->arena, found);
    if (place == NULL)
        return nr_say_memory();
    *place = path;
    return NR_EXIT_OK;
}

static nr_exit find_below(nr_suite *suite, const char *folder, int depth, paths *found)
{
    nr_exit end = NR_EXIT_OK;
    struct dirent *entry;
    DIR *directory = depth > DEPTH_MAX ? NULL : opendir(folder);
    if (directory == NULL)
        return nr_say_system("cannot read `%s`: %s", folder,
                             depth > DEPTH_MAX ? "too deep" : strerror(errno));
    while (end == NR_EXIT_OK && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        const char *path = nr_arena_format(&suite->arena, "%s/%s", folder,
                                           entry->d_name);
        end = path == NULL ? nr_say_memory() : look_at(suite, path, depth, found);
    }
    (void)closedir(directory);
    return end;
}

static int by_text(const void *a, const void *b)
{
    const char *const *one = a, *const *other = b;
    return strcmp(*one, *other);
}

static nr_exit read_one(nr_suite *suite, const char *path, uint32_t index)
{
    const char *why = "";
    nr_source *source = nr_source_read(&suite->arena, path, 0, &why);
    if (source != NULL && nr_source_count_lines(&suite->arena, source)) {
        source->index = index;
        nr_suite_read_file(suite, source);
        return NR_EXIT_OK;
    }
    nr_source *unread = nr_arena_new(&suite->arena, nr_source);
    if (source != NULL || unread == NULL)
        return nr_say_memory();
    *unread = (nr_source){ .origin = path, .path = path, .index = index };
    nr_diag_add(&suite->diags, NR_DIAG_UNUSABLE_FILE, (nr_span){ unread, 0, 0 }, "%s",
                why);
    return NR_EXIT_OK;
}

nr_exit nr_suite_read(nr_suite *suite, const char *folder)
{
    paths found = { 0 };
    suite->document = nrbac_document_create();
    suite->diags.arena = &suite->arena;
    if (suite->document == NULL)
        return nr_say_memory();
    /* "policy/" and "policy" name the same files. */
    char *clean = nr_arena_string(&suite->arena, folder);
    if (clean == NULL)
        return nr_say_memory();
    for (size_t size = strlen(clean); size > 1 && clean[size - 1] == '/'; size--)
        clean[size - 1] = '\0';

    nr_exit end = find_below(suite, clean, 0, &found);
    if (found.count > 1)
        qsort(found.items, found.count, sizeof *found.items, by_text);
    for (size_t i = 0; end == NR_EXIT_OK && i < found.count; i++)
        end = read_one(suite, found.items[i], (uint32_t)i);
    suite->file_count = found.count;
    bool failed = suite->diags.failed ||
                  nrbac_document_status(suite->document) != NRBAC_OK;
    return end == NR_EXIT_OK && failed ? nr_say_memory() : end;
}

void nr_suite_finish(nr_suite *suite)
{
    nrbac_document_destroy(suite->document);
    nr_arena_finish(&suite->arena);
}

nr_exit nr_suite_tell_mistakes(nr_suite *suite)
{
    nr_diags_sort(&suite->diags);
    for (size_t i = 0; i < suite->diags.count; i++) {
        nrbac_diagnostic told;
        if (!nr_diag_tell(&suite->arena, &suite->diags.items[i], &told))
            return nr_say_memory();
        nr_diag_render(&told, 0, stderr);
    }
    return suite->diags.count == 0
               ? NR_EXIT_OK
               : nr_say_no("the tests have mistakes, so none is run");
}
