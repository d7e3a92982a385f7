/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of a policy: what somebody expects it to decide, beside the policy.
 *
 *   read     the files ending in _test.yaml -> tests      (suite_read.c)
 *   run      each expectation asked of the policy          (suite_run.c)
 *   report   pretty, TAP, JUnit or JSON                    (suite_report.c)
 *
 * All of it belongs to the suite's arena and document.
 */
#ifndef NR_SUITE_H
#define NR_SUITE_H

#include "cli/ask.h"
#include "text/diag.h"

/* What is expected of one name, and what came. */
typedef struct nr_expected {
    nr_span at;
    const char *asked;
    bool refused; /* anything but a permit will do */
    nrbac_effect effect;
    const char *reason; /* NULL: any */
    bool with;          /* exactly these obligations: */
    const char **obligations;
    size_t obligation_count;
    /* After the run: */
    bool passed;
    bool permitted;
    bool understood;     /* the question was one that the policy could judge */
    const char *pattern; /* the security pattern judged; "": none */
    const char *came;    /* "deny not-granted" */
    const char *story;   /* of a failure: what explain says */
} nr_expected;

typedef struct nr_test {
    const char *name;
    nr_span at;
    bool unattended;      /* the test asks without a user */
    nrbac_value *subject; /* NULL if unattended */
    const char *time;     /* NULL: now */
    nr_overrides given;
    struct {
        nr_expected *items;
        size_t count, room;
    } expected;
    size_t failures; /* after the run */
} nr_test;

/* A user of a test file. */
typedef struct nr_test_subject {
    const char *name;
    nrbac_value *subject; /* NULL: there was a mistake, told already */
} nr_test_subject;

typedef struct nr_suite {
    nr_arena arena;
    nrbac_document *document;
    nr_diags diags;
    size_t file_count;
    struct {
        nr_test *items;
        size_t count, room;
    } tests;
    size_t passed, failed; /* tests, after the run */
} nr_suite;

/* Finds and reads every test file under the folder. Mistakes in them go to
 * suite->diags; only the world makes this fail. */
nr_exit nr_suite_read(nr_suite *suite, const char *folder);
/* Reads one file. */
void nr_suite_read_file(nr_suite *suite, const nr_source *source);
void nr_suite_finish(nr_suite *suite);
/* Tells mistakes in test files, as those of policies are told; NR_EXIT_OK: there are
 * none. */
nr_exit nr_suite_tell_mistakes(nr_suite *suite);

/* Leaves only tests whose name holds the pattern, or matches it. */
void nr_suite_choose(nr_suite *suite, const char *pattern);

nr_exit nr_suite_run(nr_suite *suite, nrbac_engine *engine);

nr_exit nr_suite_report(const nr_suite *suite, const char *format);
/* "deny not-granted", "permit with notify-access": what was expected. */
const char *nr_expected_text(nr_arena *arena, const nr_expected *expected);

#endif
