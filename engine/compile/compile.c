/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole way from a folder to an image, and what it is called from outside.
 *
 * No image leaves here that the slow twin has not agreed to, cell by cell.
 */
#include "compile/compile.h"

#include "compile/agree.h"

#include <stdlib.h>
#include <string.h>

struct nrbac_build {
    nr_arena arena; /* everything but the image */
    const char *folder;
    nr_model model;
    nr_diags diags;
    nrbac_diagnostic *told;
    size_t told_count;
    void *image;
    size_t image_size;
};

/* ---- The stages ---------------------------------------------------------------------- */

/* Each stage is entered whatever the ones before found: all mistakes in one run. */
static nrbac_status read_policy(nrbac_build *build,
                                const nrbac_compile_options *options)
{
    NR_TRY(nr_load(&build->model, build->folder, options->policy_root, &build->diags));
    NR_TRY(nr_resolve(&build->model, &build->diags));
    NR_TRY(nr_check(&build->model, &build->diags));
    nr_diags_sort(&build->diags);
    return build->diags.failed ? NRBAC_E_MEMORY : NRBAC_OK;
}

static bool is_unreadable(const nr_diags *diags)
{
    for (size_t i = 0; i < diags->count; i++)
        if (diags->items[i].code == NR_DIAG_UNREADABLE_FOLDER)
            return true;
    return false;
}

static nrbac_status judge(const nrbac_build *build, unsigned flags)
{
    const nr_diags *diags = &build->diags;
    if (is_unreadable(diags))
        return NRBAC_E_IO;
    bool strict = (flags & NRBAC_COMPILE_STRICT) != 0;
    bool bad = diags->error_count > 0 || (strict && diags->count + diags->left_out > 0);
    return bad ? NRBAC_E_POLICY : NRBAC_OK;
}

/* Nowhere in particular: it is the policy as a whole, or we ourselves. */
static nrbac_status tell_whole(nrbac_build *build, nr_diag_code code, const char *text,
                               nrbac_status status)
{
    nr_diag *diag = nr_diag_add(&build->diags, code, (nr_span){ 0 }, "%s", text);
    if (code == NR_DIAG_TWIN_DIFFERS)
        nr_diag_help(&build->diags, diag,
                     "this is a fault of nrbac, not of the policy; please report it");
    return build->diags.failed ? NRBAC_E_MEMORY : status;
}

static nrbac_status compare(nrbac_build *build, const nrbac_compile_options *options)
{
    nr_table table;
    nrbac_error error = { "" };
    nrbac_status status = nr_table_open(&table, build->image, build->image_size,
                                        &error);
    if (status == NRBAC_E_MEMORY)
        return status;
    if (status != NRBAC_OK)
        return tell_whole(build, NR_DIAG_TWIN_DIFFERS, error.text, NRBAC_E_TWIN);
    nr_twin_report report;
    NR_TRY(nr_agree(&build->arena, &build->model, &table, options, &report));
    if (report.differs)
        return tell_whole(build, NR_DIAG_TWIN_DIFFERS, report.difference, NRBAC_E_TWIN);
    nr_seal_image(build->image, build->image_size, report.compared);
    return NRBAC_OK;
}

static nrbac_status make_image(nrbac_build *build, const nrbac_compile_options *options)
{
    nrbac_error error = { "" };
    nrbac_status status = nr_build_image(&build->model, &build->image,
                                         &build->image_size, &error);
    if (status == NRBAC_E_LIMIT)
        return tell_whole(build, NR_DIAG_TOO_LARGE, error.text, NRBAC_E_POLICY);
    if (status == NRBAC_OK)
        status = compare(build, options);
    if (status != NRBAC_OK) {
        free(build->image);
        build->image = NULL;
        build->image_size = 0;
    }
    return status;
}

/* ---- What is told of it ---------------------------------------------------------------- */

static nrbac_status tell(nrbac_build *build, unsigned flags)
{
    const nr_diags *diags = &build->diags;
    build->told = nr_arena_new_array(&build->arena, diags->count, nrbac_diagnostic);
    if (build->told == NULL)
        return NRBAC_E_MEMORY;
    for (size_t i = 0; i < diags->count; i++) {
        nrbac_diagnostic *out = &build->told[i];
        if (!nr_diag_tell(&build->arena, &diags->items[i], out))
            return NRBAC_E_MEMORY;
        if (*out->file == '\0')
            out->file = build->folder;
        if ((flags & NRBAC_COMPILE_STRICT) != 0)
            out->severity = NRBAC_SEVERITY_ERROR;
        build->told_count++;
    }
    return NRBAC_OK;
}

static nrbac_status compile(nrbac_build *build, const nrbac_compile_options *options)
{
    nrbac_status status = read_policy(build, options);
    if (status == NRBAC_OK)
        status = judge(build, options->flags);
    if (status == NRBAC_OK && (options->flags & NRBAC_COMPILE_VALIDATE) == 0)
        status = make_image(build, options);
    nrbac_status told = tell(build, options->flags);
    return told == NRBAC_OK ? status : told;
}

nrbac_status nrbac_compile(const char *folder, const nrbac_compile_options *options,
                           nrbac_build **out)
{
    static const nrbac_compile_options none;
    if (out == NULL)
        return NRBAC_E_ARGUMENT;
    *out = NULL;
    if (folder == NULL)
        return NRBAC_E_ARGUMENT;
    nrbac_build *build = calloc(1, sizeof(*build));
    if (build == NULL)
        return NRBAC_E_MEMORY;
    build->model.arena = &build->arena;
    build->diags.arena = &build->arena;
    build->folder = nr_arena_string(&build->arena, folder);
    if (build->folder == NULL) {
        nrbac_build_destroy(build);
        return NRBAC_E_MEMORY;
    }
    *out = build;
    return compile(build, options == NULL ? &none : options);
}

void nrbac_build_destroy(nrbac_build *build)
{
    if (build == NULL)
        return;
    free(build->image);
    nr_arena_finish(&build->arena);
    free(build);
}

size_t nrbac_build_diagnostic_count(const nrbac_build *build)
{
    return build == NULL ? 0 : build->told_count;
}

const nrbac_diagnostic *nrbac_build_diagnostic(const nrbac_build *build, size_t index)
{
    return index < nrbac_build_diagnostic_count(build) ? &build->told[index] : NULL;
}

const void *nrbac_build_image(const nrbac_build *build, size_t *size)
{
    if (size != NULL)
        *size = build == NULL ? 0 : build->image_size;
    return build == NULL ? NULL : build->image;
}

/* ---- Help ------------------------------------------------------------------------------ */

const nrbac_diagnostic_help *nrbac_diagnostic_help_at(size_t index)
{
    return index < NR_DIAG_COUNT ? nr_diag_help_of((nr_diag_code)index) : NULL;
}

const nrbac_diagnostic_help *nrbac_diagnostic_help_find(const char *code)
{
    for (size_t i = 0; code != NULL && i < NR_DIAG_COUNT; i++) {
        const nrbac_diagnostic_help *help = nrbac_diagnostic_help_at(i);
        if (strcmp(help->code, code) == 0 || strcmp(help->slug, code) == 0)
            return help;
    }
    return NULL;
}
