/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile: a policy folder to one file, which appears whole or not at all.
 */
#define _DEFAULT_SOURCE /* mkstemp, fchmod */

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/reports.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- Progress, if it takes long and somebody watches ---- */

enum { PATIENCE_SECONDS = 2 };

typedef struct progress_watch {
    struct timespec started;
    bool terminal;
    bool shown;
} progress_watch;

static void show_progress(void *context, unsigned permille)
{
    progress_watch *watch = context;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (!watch->terminal || now.tv_sec - watch->started.tv_sec <= PATIENCE_SECONDS)
        return;
    fprintf(stderr, "\rcomparing the table with the rules: %u %%", permille / 10);
    (void)fflush(stderr);
    watch->shown = true;
}

static void clear_progress(const progress_watch *watch)
{
    if (watch->shown)
        fputs("\r\033[K", stderr);
}

/* ---- The file ---- */

static nr_exit write_all(int fd, const char *bytes, size_t size, const char *path)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return nr_say_system("cannot write `%s`: %s", path, strerror(errno));
        bytes += put;
        size -= (size_t)put;
    }
    return NR_EXIT_OK;
}

/* A rename is durable once its folder is. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - path);
    (void)snprintf(folder, sizeof folder, "%.*s", (int)size, path);
    if (slash == NULL)
        (void)snprintf(folder, sizeof folder, ".");
    else if (size == 0)
        (void)snprintf(folder, sizeof folder, "/");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

/* Fills the new file and puts it in the old one's place. */
static nr_exit fill_and_rename(int fd, const char *temporary, const char *path,
                               const void *bytes, size_t size)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    nr_exit end = write_all(fd, bytes, size, path);
    bool failed = end == NR_EXIT_OK &&
                  (fchmod(fd, 0666 & ~mask) != 0 || fsync(fd) != 0);
    failed |= close(fd) != 0 && end == NR_EXIT_OK;
    if (end == NR_EXIT_OK && !failed)
        failed = rename(temporary, path) != 0;
    if (failed)
        end = nr_say_system("cannot write `%s`: %s", path, strerror(errno));
    if (end != NR_EXIT_OK)
        (void)unlink(temporary);
    else
        sync_folder(path);
    return end;
}

static nr_exit write_file(const char *given, const void *bytes, size_t size)
{
    char path[PATH_MAX], temporary[PATH_MAX];
    struct stat info;
    /* A link to the file stays one; what is not a file is not replaced by one. */
    if (realpath(given, path) == NULL)
        (void)snprintf(path, sizeof path, "%s", given);
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return nr_say_system("cannot write `%s`: it is not a regular file", given);
    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return nr_say_system("cannot write `%s`: %s", given, strerror(ENAMETOOLONG));
    int fd = mkstemp(temporary);
    if (fd < 0)
        return nr_say_system("cannot write `%s`: %s", given, strerror(errno));
    return fill_and_rename(fd, temporary, path, bytes, size);
}

/* ---- What came of it: on stderr, since the file is the output ---- */

static void print_number(const nrbac_value *value, const char *label)
{
    if (nrbac_value_kind(value) == NRBAC_KIND_INTEGER)
        fprintf(stderr, "%-15s %lld\n", label, (long long)nrbac_value_integer(value));
}

static void print_summary(const nrbac_value *info, const char *path, size_t size)
{
    const nrbac_value *counts = nrbac_value_find(info, "counts");
    fprintf(stderr, "%-15s %s %s\n", "policy", nr_text_at(info, "name"),
            nr_text_at(info, "version"));
    if (nr_text_at(info, "nrd_version")[0] != '\0')
        fprintf(stderr, "%-15s %s\n", "NRD version", nr_text_at(info, "nrd_version"));
    fprintf(stderr, "%-15s %s\n", "provenance", nr_text_at(info, "provenance"));
    fprintf(stderr, "%-15s %s\n", "digest", nr_text_at(info, "digest"));
    for (size_t i = 0; i < nrbac_value_count(counts); i++) {
        char label[64];
        (void)snprintf(label, sizeof label, "%s", nrbac_value_key(counts, i));
        for (char *at = label; *at != '\0'; at++)
            if (*at == '_')
                *at = ' ';
        print_number(nrbac_value_at(counts, i), label);
    }
    print_number(nrbac_value_find(info, "compared_cells"), "cells compared");
    fprintf(stderr, "%-15s %s, %zu bytes\n", "file", path, size);
}

/* Opens the image as any reader of the file will, and tells what is in it. */
static nr_exit tell(const nr_arguments *arguments, const void *image, size_t size)
{
    const char *path = nr_option_value(arguments, "output");
    nrbac_engine *engine = NULL;
    nrbac_document *document = nrbac_document_create();
    nrbac_error error = { "" };
    nr_exit end = NR_EXIT_OK;
    if (document == NULL ||
        nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine) != NRBAC_OK)
        end = nr_say_memory();
    else if (nrbac_engine_load_image(engine, image, size, &error) != NRBAC_OK)
        end = nr_say_system("cannot open what was compiled: %s", error.text);

    const nrbac_value *info = end == NR_EXIT_OK ? nrbac_policy_info(engine, document)
                                                : NULL;
    if (end == NR_EXIT_OK && info == NULL)
        end = nr_say_memory();
    else if (end == NR_EXIT_OK && nr_format_is(arguments, "json"))
        end = nr_print_json(info, NRBAC_JSON_INDENT);
    else if (end == NR_EXIT_OK)
        print_summary(info, path, size);
    nrbac_engine_destroy(engine);
    nrbac_document_destroy(document);
    return end;
}

static nr_exit finish(const nr_arguments *arguments, const nrbac_build *build,
                      nrbac_status status)
{
    const char *folder = arguments->operands[0];
    nr_report report = { build, nr_option_given(arguments, "strict") };
    if (build != NULL)
        nr_report_print(&report, stderr);
    if (status == NRBAC_E_POLICY)
        return nr_say_no("`%s` has mistakes, so nothing is written", folder);
    if (status != NRBAC_OK)
        return nr_say_system("cannot compile `%s`: %s", folder,
                             nrbac_status_text(status));
    size_t size;
    const void *image = nrbac_build_image(build, &size);
    nr_exit end = write_file(nr_option_value(arguments, "output"), image, size);
    return end == NR_EXIT_OK ? tell(arguments, image, size) : end;
}

static nr_exit run(const nr_arguments *arguments)
{
    if (!nr_option_given(arguments, "output"))
        return nr_say_usage(arguments->command, "`compile` needs --output");

    nr_exit end = nr_need_folder(arguments->operands[0]);
    if (end != NR_EXIT_OK)
        return end;

    progress_watch watch = { .terminal = isatty(STDERR_FILENO) == 1 };
    (void)clock_gettime(CLOCK_MONOTONIC, &watch.started);
    nrbac_compile_options options = {
        .flags = nr_option_given(arguments, "strict") ? NRBAC_COMPILE_STRICT : 0,
        .policy_root = nr_option_value(arguments, "policy-root"),
        .progress = show_progress,
        .context = &watch,
    };
    nrbac_build *build = NULL;
    nrbac_status status = nrbac_compile(arguments->operands[0], &options, &build);
    clear_progress(&watch);
    end = finish(arguments, build, status);
    nrbac_build_destroy(build);
    return end;
}

static const nr_option options[] = {
    { "output", 'o', "FILE", "where the compiled policy goes" },
    { "strict", 0, NULL, "warnings are mistakes" },
    { "policy-root", 0, "DIR", "`extends` may not leave this folder" },
    { "format", 0, "text|json", "text for people, json for programs" },
    { 0 },
};

const nr_command nr_cmd_compile = {
    .name = "compile",
    .synopsis = "compile DIR -o FILE.nrb [OPTIONS]",
    .summary =
        "Compiles a policy folder to one file.\n\n"
        "Every cell of the compiled table is compared with the rules as they are\n"
        "written. The file is the same bytes for the same input on every machine,\n"
        "and appears whole or not at all.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
