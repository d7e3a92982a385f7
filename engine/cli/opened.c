/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POLICY on a command line: a folder or a compiled file, opened the same way.
 */
#define _POSIX_C_SOURCE 200809L /* stat */

#include "cli/ask.h"
#include "cli/reports.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The engine's errors may start with the path, which ours say already. */
static const char *without_path(const char *text, const char *path)
{
    size_t size = strlen(path);
    bool named = strncmp(text, path, size) == 0 && strncmp(text + size, ": ", 2) == 0;
    return named ? text + size + 2 : text;
}

/* Compiles a folder and publishes what came of it. */
static nr_exit open_folder(nrbac_engine *engine, const char *path)
{
    nrbac_build *build = NULL;
    nrbac_error error = { "" };
    nrbac_status status = nrbac_compile(path, NULL, &build);
    size_t size = 0;
    const void *image = build == NULL ? NULL : nrbac_build_image(build, &size);
    nr_exit end = NR_EXIT_OK;

    /* Lints are for `validate`; beside mistakes they are told all the same. */
    if (status != NRBAC_OK && build != NULL)
        nr_report_print(&(nr_report){ build, false }, stderr);
    if (status == NRBAC_E_POLICY)
        end = nr_say_no("`%s` has mistakes, so nothing is decided", path);
    else if (status != NRBAC_OK)
        end = nr_say_system("cannot compile `%s`: %s", path, nrbac_status_text(status));
    else if (nrbac_engine_load_image(engine, image, size, &error) != NRBAC_OK)
        end = nr_say_system("cannot load `%s`: %s", path, error.text);
    nrbac_build_destroy(build);
    return end;
}

nr_exit nr_policy_open(const char *path, nrbac_engine **out)
{
    nrbac_error error = { "" };
    struct stat info;
    nrbac_engine *engine;
    nr_exit end = NR_EXIT_OK;

    *out = NULL;
    if (stat(path, &info) != 0)
        return nr_say_system("cannot open `%s`: %s", path, strerror(errno));
    /* Nothing here lives long enough to need a watch on the clock. */
    if (nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine) != NRBAC_OK)
        return nr_say_memory();

    if (S_ISDIR(info.st_mode))
        end = open_folder(engine, path);
    else if (nrbac_engine_load(engine, path, &error) != NRBAC_OK)
        end = nr_say_system("cannot load `%s`: %s", path,
                            without_path(error.text, path));
    if (end == NR_EXIT_OK)
        *out = engine;
    else
        nrbac_engine_destroy(engine);
    return end;
}
