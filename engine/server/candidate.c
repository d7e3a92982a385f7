/* SPDX-License-Identifier: Apache-2.0 */
#include "server/candidate.h"

#include "server/log.h"
#include "text/render.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_SIZE_MAX = 256 << 20,
    MISTAKES_SHOWN = 20, /* by health; stderr gets all */
};

static void fail(nr_candidate *candidate, nrbac_status status, const char *format, ...)
    NR_PRINTF(3, 4);

static void fail(nr_candidate *candidate, nrbac_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(candidate->error.text, sizeof(candidate->error.text), format,
                    arguments);
    va_end(arguments);
    candidate->status = status;
    candidate->image = NULL;
}

/* ---- Reading --------------------------------------------------------------- */

static void compile(nr_candidate *candidate, const nr_options *options)
{
    const nrbac_compile_options how = { .policy_root = options->policy_root };
    nrbac_status status = nrbac_compile(options->policy, &how, &candidate->build);
    if (status != NRBAC_OK) {
        fail(candidate, status, "the policy `%.150s`: %s", options->policy,
             nrbac_status_text(status));
        return;
    }
    candidate->image = nrbac_build_image(candidate->build, &candidate->size);
}

static bool read_all(int fd, char *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = read(fd, bytes + at, size - at);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        at += got < 0 ? 0 : (size_t)got;
    }
    return true;
}

static void read_file(nr_candidate *candidate, const char *path, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    candidate->file = size > FILE_SIZE_MAX ? NULL : malloc(size + 1);
    if (fd < 0)
        fail(candidate, NRBAC_E_IO, "the policy `%.150s`: %s", path,
             nr_errno(errno).text);
    else if (candidate->file == NULL)
        fail(candidate, NRBAC_E_MEMORY, "the policy `%.150s` is too large", path);
    else if (!read_all(fd, candidate->file, size))
        fail(candidate, NRBAC_E_IO, "the policy `%.150s` cannot be read", path);
    else
        candidate->image = candidate->file;
    candidate->size = size;
    if (fd >= 0)
        (void)close(fd);
}

/* ---- Looking --------------------------------------------------------------- */

static void look_at(nr_candidate *candidate, nrbac_engine *engine,
                    const nr_options *options)
{
    nrbac_error error = { { 0 } };
    nrbac_status status = nrbac_engine_load_image(engine, candidate->image,
                                                  candidate->size, &error);
    if (status != NRBAC_OK) {
        fail(candidate, status, "the policy `%.100s`: %.120s", options->policy,
             error.text);
        return;
    }
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *info = document == NULL ? NULL
                                               : nrbac_policy_info(engine, document);
    const char *provenance = nrbac_value_text(nrbac_value_find(info, "provenance"));
    const char *digest = nrbac_value_text(nrbac_value_find(info, "digest"));
    if (digest != NULL)
        (void)snprintf(candidate->digest, sizeof(candidate->digest), "%s", digest);
    bool example = provenance != NULL && strcmp(provenance, "example") == 0;
    if (provenance == NULL) {
        fail(candidate, NRBAC_E_MEMORY, "%s", nrbac_status_text(NRBAC_E_MEMORY));
    } else if (example && !options->allow_example) {
        fail(candidate, NRBAC_E_POLICY,
             "the policy `%.150s` is an example and not for production: "
             "`--allow-example` serves it all the same",
             options->policy);
    }
    nrbac_document_destroy(document);
}

/* An engine of its own opens the image as the serving one will: what is damaged or
 * must not be served never gets near it. */
static void inspect(nr_candidate *candidate, const nr_options *options)
{
    nrbac_engine *engine = NULL;
    nrbac_status status = nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine);
    if (status != NRBAC_OK)
        fail(candidate, status, "%s", nrbac_status_text(status));
    else
        look_at(candidate, engine, options);
    nrbac_engine_destroy(engine);
}

/* ---- Keeping --------------------------------------------------------------- */

void nr_candidate_keep(nr_candidate *candidate, nr_recorder *recorder)
{
    if (candidate->status != NRBAC_OK || recorder == NULL)
        return;
    uint8_t digest[NR_DIGEST_SIZE];
    nr_trail_status status = NR_TRAIL_ARGUMENT;
    if (nr_hex_read(candidate->digest, NR_DIGEST_SIZE, digest))
        status = nr_recorder_keep(recorder, digest, candidate->image, candidate->size);
    if (status != NR_TRAIL_OK)
        fail(candidate, NRBAC_E_IO, "the policy cannot be kept in the audit trail: %s",
             nr_trail_status_text(status));
}

/* ---- Mistakes -------------------------------------------------------------- */

static size_t mistake_count(const nr_candidate *candidate,
                            const nrbac_verifier *verifier)
{
    if (candidate->evidence)
        return nrbac_verifier_diagnostic_count(verifier);
    return candidate->build == NULL ? 0
                                    : nrbac_build_diagnostic_count(candidate->build);
}

static const nrbac_diagnostic *mistake_at(const nr_candidate *candidate,
                                          const nrbac_verifier *verifier, size_t index)
{
    return candidate->evidence ? nrbac_verifier_diagnostic(verifier, index)
                               : nrbac_build_diagnostic(candidate->build, index);
}

/* For health, which may be asked while the next reload reads everything again. */
static void keep_mistakes(nr_candidate *candidate, const nrbac_verifier *verifier)
{
    nrbac_document *document = candidate->mistakes = nrbac_document_create();
    if (document == NULL)
        return;
    nrbac_value *list = nrbac_new_list(document);
    size_t count = mistake_count(candidate, verifier);
    for (size_t i = 0; i < count && i < MISTAKES_SHOWN; i++) {
        const nrbac_diagnostic *mistake = mistake_at(candidate, verifier, i);
        nrbac_value *map = nrbac_append(document, list, nrbac_new_map(document));
        nrbac_set(document, map, "code", nrbac_new_text(document, mistake->code));
        nrbac_set(document, map, "file", nrbac_new_text(document, mistake->file));
        nrbac_set(document, map, "line", nrbac_new_integer(document, mistake->line));
        nrbac_set(document, map, "message", nrbac_new_text(document, mistake->message));
    }
    candidate->list = list;
}

void nr_candidate_report(const nr_candidate *candidate, const nrbac_verifier *verifier)
{
    for (size_t i = 0; i < mistake_count(candidate, verifier); i++)
        nr_diag_render(mistake_at(candidate, verifier, i), 0, stderr);
    if (candidate->status != NRBAC_OK)
        nr_log("%s", candidate->error.text);
}

/* ---- The whole ------------------------------------------------------------- */

/* Last, so that nothing changes unless all is sound. */
static void reopen_evidence(nr_candidate *candidate, const nr_options *options,
                            nrbac_verifier *verifier)
{
    nrbac_status status = nrbac_verifier_reopen(verifier);
    if (status == NRBAC_OK)
        return;
    candidate->evidence = true;
    fail(candidate, status, "the evidence settings `%.150s`: %s", options->evidence,
         status == NRBAC_E_POLICY ? "they have mistakes" : nrbac_status_text(status));
}

void nr_candidate_prepare(nr_candidate *candidate, const nr_options *options,
                          nrbac_verifier *verifier)
{
    *candidate = (nr_candidate){ .status = NRBAC_OK };
    struct stat found;
    if (stat(options->policy, &found) != 0)
        fail(candidate, NRBAC_E_IO, "the policy `%.150s`: %s", options->policy,
             nr_errno(errno).text);
    else if (S_ISDIR(found.st_mode))
        compile(candidate, options);
    else if (S_ISREG(found.st_mode))
        read_file(candidate, options->policy, (size_t)found.st_size);
    else
        fail(candidate, NRBAC_E_IO, "the policy `%.150s` is neither folder nor file",
             options->policy);
    if (candidate->status == NRBAC_OK)
        inspect(candidate, options);
    if (candidate->status == NRBAC_OK && verifier != NULL)
        reopen_evidence(candidate, options, verifier);
    if (candidate->status != NRBAC_OK)
        keep_mistakes(candidate, verifier);
}

void nr_candidate_drop(nr_candidate *candidate)
{
    nrbac_build_destroy(candidate->build);
    free(candidate->file);
    candidate->build = NULL;
    candidate->file = NULL;
    candidate->image = NULL;
}

void nr_candidate_finish(nr_candidate *candidate)
{
    nr_candidate_drop(candidate);
    nrbac_document_destroy(candidate->mistakes);
    *candidate = (nr_candidate){ .status = NRBAC_OK };
}
