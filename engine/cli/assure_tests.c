/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tests prove what: each expectation of an operation beside that operation.
 */
#include "cli/assure.h"

#include <string.h>

static void set_text(nrbac_document *document, nrbac_value *map, const char *key,
                     const char *text)
{
    nrbac_set(document, map, key, nrbac_new_text(document, text));
}

/* The file as seen from the policy's folder, as all other places are. */
static const char *file_of(const nr_assured *from, const nr_span *at)
{
    const char *path = at->source == NULL ? "" : at->source->path;
    size_t size = strlen(from->path);
    while (size > 1 && from->path[size - 1] == '/')
        size--;
    if (strncmp(path, from->path, size) != 0)
        return path;
    path += size;
    return path + strspn(path, "/");
}

static nrbac_value *proof_of(nrbac_document *document, const nr_assured *from,
                             const nr_test *test, const nr_expected *expected)
{
    nr_arena scratch = { 0 };
    nrbac_value *proof = nrbac_new_map(document);
    set_text(document, proof, "test", test->name);
    set_text(document, proof, "file", file_of(from, &expected->at));
    nrbac_set(document, proof, "line",
              nrbac_new_integer(document, nr_line_of(expected->at)));
    set_text(document, proof, "pattern", expected->pattern);
    set_text(document, proof, "expected", nr_expected_text(&scratch, expected));
    set_text(document, proof, "came", expected->came);
    nrbac_set(document, proof, "passed", nrbac_new_boolean(document, expected->passed));
    nr_arena_finish(&scratch);
    return proof;
}

static bool is_about(const nr_test *test, const char *application, const char *api)
{
    const char *asked_api = test->given.texts[NR_OVERRIDE_API];
    const char *asking = test->given.texts[NR_OVERRIDE_APPLICATION];
    if (asked_api == NULL || strcmp(asked_api, api) != 0)
        return false;
    if (application == NULL || asking == NULL)
        return application == asking;
    return strcmp(application, asking) == 0;
}

/* A permit that was expected and came, or a refusal. What the policy could not
 * even understand is refused too, and proves nothing of it. */
static bool is_proof(const nr_expected *expected, bool permit)
{
    return expected->passed && expected->understood && expected->permitted == permit;
}

static bool wants_permit(const nr_expected *expected)
{
    return !expected->refused && expected->effect == NRBAC_PERMIT;
}

/* ---- A row ----------------------------------------------------------------------------- */

/* The tests of one row as they are collected. */
typedef struct row_proofs {
    nrbac_document *document;
    const nr_assured *from;
    nrbac_value *row, *permits, *denies;
    uint64_t proved; /* by pattern of the row: a test permits under it */
    bool permitted, denied;
} row_proofs;

static void add_proof(row_proofs *proofs, const nr_test *test,
                      const nr_expected *expected)
{
    const nrbac_value *patterns = nrbac_value_find(proofs->row, "patterns");
    nrbac_append(proofs->document,
                 wants_permit(expected) ? proofs->permits : proofs->denies,
                 proof_of(proofs->document, proofs->from, test, expected));
    proofs->permitted |= is_proof(expected, true);
    proofs->denied |= is_proof(expected, false);
    for (size_t i = 0; is_proof(expected, true) && i < nrbac_value_count(patterns); i++)
        if (strcmp(nr_text_at(nrbac_value_at(patterns, i), "pattern"),
                   expected->pattern) == 0)
            proofs->proved |= 1ull << i;
}

static void collect(row_proofs *proofs, const char *application)
{
    const nr_suite *suite = proofs->from->suite;
    const char *api = nr_text_at(proofs->row, "api");
    const char *operation = nr_text_at(proofs->row, "operation");
    for (size_t t = 0; suite != NULL && t < suite->tests.count; t++) {
        const nr_test *test = &suite->tests.items[t];
        if (!is_about(test, application, api))
            continue;
        for (size_t e = 0; e < test->expected.count; e++)
            if (strcmp(test->expected.items[e].asked, operation) == 0)
                add_proof(proofs, test, &test->expected.items[e]);
    }
}

/* A compiled policy has no tests, so that none can be missing. */
static void set_gaps(const row_proofs *proofs)
{
    nrbac_document *document = proofs->document;
    bool reachable = nrbac_value_boolean(nrbac_value_find(proofs->row, "reachable"));
    nrbac_value *gaps = nrbac_set(document, proofs->row, "gaps",
                                  nrbac_new_list(document));
    if (proofs->from->suite == NULL)
        return;
    if (reachable && !proofs->permitted)
        nrbac_append(document, gaps, nrbac_new_text(document, "no-permitting-test"));
    if (!proofs->denied)
        nrbac_append(document, gaps, nrbac_new_text(document, "no-denying-test"));
}

void nr_assure_prove(nrbac_document *document, const nr_assured *from, nrbac_value *row,
                     const char *application)
{
    row_proofs proofs = { .document = document,
                          .from = from,
                          .row = row,
                          .permits = nrbac_new_list(document),
                          .denies = nrbac_new_list(document) };
    collect(&proofs, application);
    nrbac_set(document, row, "permits", proofs.permits);
    nrbac_set(document, row, "denies", proofs.denies);
    set_gaps(&proofs);
    nrbac_value *proved = nrbac_set(document, row, "proved_patterns",
                                    nrbac_new_list(document));
    const nrbac_value *patterns = nrbac_value_find(row, "patterns");
    for (size_t i = 0; i < nrbac_value_count(patterns); i++) {
        const char *slug = nr_text_at(nrbac_value_at(patterns, i), "pattern");
        if ((proofs.proved >> i & 1) != 0)
            nrbac_append(document, proved, nrbac_new_text(document, slug));
    }
}

/* ---- The run ----------------------------------------------------------------------------- */

static nrbac_value *failures_of(nrbac_document *document, const nr_assured *from)
{
    const nr_suite *suite = from->suite;
    nrbac_value *list = nrbac_new_list(document);
    for (size_t t = 0; suite != NULL && t < suite->tests.count; t++) {
        const nr_test *test = &suite->tests.items[t];
        for (size_t e = 0; e < test->expected.count; e++) {
            const nr_expected *expected = &test->expected.items[e];
            if (expected->passed)
                continue;
            nrbac_value *failure = nrbac_append(
                document, list, proof_of(document, from, test, expected));
            set_text(document, failure, "asked", expected->asked);
        }
    }
    return list;
}

nrbac_value *nr_assure_tests(nrbac_document *document, const nr_assured *from)
{
    const nr_suite *suite = from->suite;
    nrbac_value *map = nrbac_new_map(document);
    const struct {
        const char *key;
        size_t count;
    } counts[] = {
        { "files", suite == NULL ? 0 : suite->file_count },
        { "passed", suite == NULL ? 0 : suite->passed },
        { "failed", suite == NULL ? 0 : suite->failed },
    };
    nrbac_set(document, map, "run",
              nrbac_new_boolean(document, suite != NULL && suite->tests.count > 0));
    for (size_t i = 0; i < NR_COUNT(counts); i++)
        nrbac_set(document, map, counts[i].key,
                  nrbac_new_integer(document, (int64_t)counts[i].count));
    nrbac_set(document, map, "failures", failures_of(document, from));
    return map;
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static const nrbac_value *application_named(const nr_assured *from, const char *id)
{
    const nrbac_value *all = nrbac_value_find(from->catalogue, "applications");
    for (size_t i = 0; i < nrbac_value_count(all); i++)
        if (strcmp(nr_text_at(nrbac_value_at(all, i), "id"), id) == 0)
            return nrbac_value_at(all, i);
    return NULL;
}

/* Whether the application may call the operation, so that it has a row. */
static bool may_call(const nrbac_value *application, const char *api,
                     const char *operation)
{
    const nrbac_value *ids = nrbac_value_find(nrbac_value_find(application, "apis"),
                                              api);
    for (size_t i = 0; i < nrbac_value_count(ids); i++)
        if (strcmp(nrbac_value_text(nrbac_value_at(ids, i)), operation) == 0)
            return true;
    return false;
}

static bool belongs_here(const nr_assured *from, const nr_test *test,
                         const nr_expected *expected)
{
    const char *api = test->given.texts[NR_OVERRIDE_API];
    const char *asking = test->given.texts[NR_OVERRIDE_APPLICATION];
    if (api == NULL || asking == NULL || !is_proof(expected, false))
        return false;
    if (from->application != NULL && strcmp(from->application, asking) != 0)
        return false;
    return !may_call(application_named(from, asking), api, expected->asked);
}

nrbac_value *nr_assure_refusals(nrbac_document *document, const nr_assured *from)
{
    const nr_suite *suite = from->suite;
    nrbac_value *list = nrbac_new_list(document);
    for (size_t t = 0; suite != NULL && t < suite->tests.count; t++) {
        const nr_test *test = &suite->tests.items[t];
        for (size_t e = 0; e < test->expected.count; e++) {
            const nr_expected *expected = &test->expected.items[e];
            if (!belongs_here(from, test, expected))
                continue;
            nrbac_value *refusal = nrbac_append(
                document, list, proof_of(document, from, test, expected));
            set_text(document, refusal, "application",
                     test->given.texts[NR_OVERRIDE_APPLICATION]);
            set_text(document, refusal, "api", test->given.texts[NR_OVERRIDE_API]);
            set_text(document, refusal, "operation", expected->asked);
        }
    }
    return list;
}
