/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POLICY on a command line: a folder or a compiled file, opened the same way.
 */
#define _POSIX_C_SOURCE 200809L /* stat */

#include "cli/ask.h"
#include "cli/reports.h"
#include "text/render.h"

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

/* ---- With evidence that is checked --------------------------------------------------- */

static nr_exit open_verifier(const char *path, nrbac_verifier **out)
{
    nrbac_status status = nrbac_verifier_open(path, out);
    (void)fflush(stdout);
    for (size_t i = 0; *out != NULL && i < nrbac_verifier_diagnostic_count(*out); i++)
        nr_diag_render(nrbac_verifier_diagnostic(*out, i), 0, stderr);
    if (status == NRBAC_OK)
        return NR_EXIT_OK;
    if (status == NRBAC_E_POLICY)
        return nr_say_no("the evidence settings `%s` have mistakes", path);
    return nr_say_system("cannot use the evidence settings `%s`: %s", path,
                         nrbac_status_text(status));
}

nr_exit nr_judge_open(const nr_arguments *arguments, nr_judge *judge)
{
    const char *evidence = nr_option_value(arguments, "evidence");
    nr_exit end = nr_policy_open(nr_operand(arguments, 0), &judge->engine);
    if (end == NR_EXIT_OK && evidence != NULL)
        end = open_verifier(evidence, &judge->verifier);
    return end;
}

void nr_judge_close(nr_judge *judge)
{
    nrbac_verifier_close(judge->verifier);
    nrbac_engine_destroy(judge->engine);
}

/* Whoever holds the request here is trusted with it: a certificate in it counts, and
 * its time. */
nr_exit nr_judge_verify(const nr_judge *judge, nrbac_document *document,
                        const nrbac_value **request, nrbac_findings *findings,
                        nrbac_ask *ask)
{
    const nrbac_verify_options how = {
        .flags = NRBAC_VERIFY_TLS_ENDED | NRBAC_VERIFY_REQUEST_TIME,
    };
    if (judge->verifier == NULL || *request == NULL)
        return NR_EXIT_OK;
    if (nrbac_verify(judge->verifier, *request, &how, document, request, findings) !=
        NRBAC_OK)
        return nr_say_memory();
    ask->findings = findings;
    return NR_EXIT_OK;
}
