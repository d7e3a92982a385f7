/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each expectation is one whole question, asked at the time that the test gives.
 */
#define _POSIX_C_SOURCE 200809L /* open_memstream */

#include "cli/suite.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

void nr_suite_choose(nr_suite *suite, const char *pattern)
{
    size_t kept = 0;
    for (size_t i = 0; i < suite->tests.count; i++) {
        const nr_test *test = &suite->tests.items[i];
        if (strstr(test->name, pattern) != NULL || fnmatch(pattern, test->name, 0) == 0)
            suite->tests.items[kept++] = *test;
    }
    suite->tests.count = kept;
}

static const nrbac_value *request_of(nrbac_document *document, const nr_test *test,
                                     const char *asked)
{
    nr_overrides overrides = test->given;
    nrbac_value *plain = nrbac_new_map(document);
    overrides.subject = test->subject;
    overrides.texts[NR_OVERRIDE_ACTION] = asked;
    if (test->time != NULL)
        nrbac_set(document,
                  nrbac_set(document, plain, "context", nrbac_new_map(document)),
                  "time", nrbac_new_text(document, test->time));
    return nr_request_make(&overrides, document, plain);
}

/* ---- What came ---- */

static bool same_obligations(const nr_expected *expected, const nrbac_value *list)
{
    if (nrbac_value_count(list) != expected->obligation_count)
        return false;
    for (size_t i = 0; i < expected->obligation_count; i++) {
        bool found = false;
        for (size_t k = 0; k < nrbac_value_count(list); k++) {
            const char *id = nrbac_value_text(nrbac_value_at(list, k));
            found |= id != NULL && strcmp(id, expected->obligations[i]) == 0;
        }
        if (!found)
            return false;
    }
    return true;
}

static bool holds(const nr_expected *expected, const nrbac_value *answer)
{
    if (expected->refused)
        return !nr_answer_permits(answer);
    const char *effect = nr_text_at(answer, "context.effect");
    const char *reason = nr_text_at(answer, "context.reason");
    if (strcmp(effect, nrbac_effect_slug(expected->effect)) != 0)
        return false;
    if (expected->reason != NULL && strcmp(expected->reason, reason) != 0)
        return false;
    return !expected->with ||
           same_obligations(expected, nr_member_at(answer, "context.obligations"));
}

/* What a report says of an answer beside whether it was the expected one. */
static bool note(nr_arena *arena, nr_expected *expected, const nrbac_value *answer)
{
    const char *reason = nr_text_at(answer, "context.reason");
    expected->permitted = nr_answer_permits(answer);
    expected->understood = strcmp(reason, "malformed-request") != 0;
    expected->pattern = nr_arena_string(arena, nr_text_at(answer, "context.pattern"));
    return expected->pattern != NULL;
}

static const char *came_text(nr_arena *arena, const nrbac_value *answer)
{
    const nrbac_value *list = nr_member_at(answer, "context.obligations");
    const char *text = nr_arena_format(arena, "%s %s",
                                       nr_text_at(answer, "context.effect"),
                                       nr_text_at(answer, "context.reason"));
    for (size_t i = 0; text != NULL && i < nrbac_value_count(list); i++)
        text = nr_arena_format(arena, "%s%s%s", text, i == 0 ? " with " : ", ",
                               nrbac_value_text(nrbac_value_at(list, i)));
    return text;
}

const char *nr_expected_text(nr_arena *arena, const nr_expected *expected)
{
    if (expected->refused)
        return "no permit";
    const char *text = nr_arena_format(
        arena, "%s%s%s", nrbac_effect_slug(expected->effect),
        expected->reason == NULL ? "" : " ",
        expected->reason == NULL ? "" : expected->reason);
    for (size_t i = 0; text != NULL && i < expected->obligation_count; i++)
        text = nr_arena_format(arena, "%s%s%s", text, i == 0 ? " with " : ", ",
                               expected->obligations[i]);
    return text == NULL ? "" : text;
}

static const char *story_of(nr_arena *arena, const nrbac_value *answer)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    nr_answer_print_story(out, answer, "");
    const char *copy = fclose(out) == 0 ? nr_arena_copy(arena, text, size) : NULL;
    free(text);
    return copy;
}

/* ---- The run ---- */

typedef struct suite_run {
    nr_suite *suite;
    nrbac_engine *engine;
    nrbac_document *document; /* of one question */
} suite_run;

static bool ask(suite_run *run, const nr_test *test, nr_expected *expected)
{
    nrbac_value *answer;
    nrbac_ask how = { .flags = NRBAC_ASK_REQUEST_TIME };
    nrbac_document_reset(run->document);
    const nrbac_value *request = request_of(run->document, test, expected->asked);
    (void)nrbac_evaluate_document(run->engine, request, &how, run->document, &answer);
    if (answer == NULL || !note(&run->suite->arena, expected, answer))
        return false;
    expected->passed = holds(expected, answer);
    expected->came = came_text(&run->suite->arena, nr_shown(run->document, answer));
    if (expected->passed)
        return expected->came != NULL;
    how.flags |= NRBAC_ASK_EXPLAIN;
    (void)nrbac_evaluate_document(run->engine, request, &how, run->document, &answer);
    if (answer != NULL)
        expected->story = story_of(&run->suite->arena, nr_shown(run->document, answer));
    return expected->came != NULL && expected->story != NULL;
}

nr_exit nr_suite_run(nr_suite *suite, nrbac_engine *engine)
{
    suite_run run = { suite, engine, nrbac_document_create() };
    bool fine = run.document != NULL;
    for (size_t t = 0; fine && t < suite->tests.count; t++) {
        nr_test *test = &suite->tests.items[t];
        for (size_t e = 0; fine && e < test->expected.count; e++) {
            fine = ask(&run, test, &test->expected.items[e]);
            test->failures += !test->expected.items[e].passed;
        }
        suite->passed += test->failures == 0;
        suite->failed += test->failures > 0;
    }
    nrbac_document_destroy(run.document);
    return fine ? NR_EXIT_OK : nr_say_memory();
}
