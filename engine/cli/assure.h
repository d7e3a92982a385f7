/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report that a supplier shows before going live: who authenticates and who
 * authorises what, what rests on the supplier, and which tests prove it.
 *
 *   the policy, the run of its tests -> one document      (assure.c)
 *   what is missing or weak, on top of it                  (assure_findings.c)
 *   told as JSON, text, or HTML                            (assure_text.c, assure_html.c)
 *
 * schema/assure.md lists the members of the document; the other two forms say
 * nothing that is not in it.
 */
#ifndef NR_ASSURE_H
#define NR_ASSURE_H

#include "cli/suite.h"

/* What a report is made from. */
typedef struct nr_assured {
    const char *path;             /* POLICY, as given */
    const char *application;      /* it alone; NULL: all */
    const char *made_at;          /* RFC 3339 */
    const nrbac_value *policy;    /* nrbac_policy_info() */
    const nrbac_value *catalogue; /* nrbac_apis() */
    const nr_suite *suite;        /* NULL: a compiled policy, which has no tests */
} nr_assured;

/* assure.c. NULL when out of memory. */
nrbac_value *nr_assure_make(nrbac_document *document, const nr_assured *from);

/* assure_tests.c: the tests of one operation as its row shows them: `permits`,
 * `denies`, `gaps`, and `proved` for each pattern. */
void nr_assure_prove(nrbac_document *document, const nr_assured *from, nrbac_value *row,
                     const char *application);
/* `tests`: how the run went. */
nrbac_value *nr_assure_tests(nrbac_document *document, const nr_assured *from);
/* `refusals`: tests of what an application may not call, and of strangers. */
nrbac_value *nr_assure_refusals(nrbac_document *document, const nr_assured *from);

/* assure_findings.c: `findings`, of a report that is else complete. */
nrbac_value *nr_assure_findings(nrbac_document *document, const nr_assured *from,
                                const nrbac_value *report);

/* ---- Telling it ---- */

/* A report being told; texts that are put together live in the arena. */
typedef struct nr_assure_view {
    FILE *out;
    nr_arena *arena;
    const nrbac_value *report;
} nr_assure_view;

nr_exit nr_assure_print_text(const nrbac_value *report);
nr_exit nr_assure_print_html(const nrbac_value *report);

/* assure_words.c: phrases that both forms use. Never NULL. */
const char *nr_assure_stated(const nrbac_value *from, const char *path);
const char *nr_assure_place(const nr_assure_view *view, const nrbac_value *from);
const char *nr_assure_list(const nr_assure_view *view, const nrbac_value *list,
                           const char *between, const char *none);
/* Operations that follow each other in a finding are told together if they share all
 * else. */
bool nr_assure_goes_on(const nr_assure_view *view, const nrbac_value *last,
                       const nrbac_value *item);
const char *nr_assure_application(const nr_assure_view *view,
                                  const nrbac_value *pattern, bool authorised);
const char *nr_assure_user(const nr_assure_view *view, const nrbac_value *pattern,
                           bool authorised);
/* Whether a user takes part whom nobody authorises. */
bool nr_assure_is_unauthorised(const nrbac_value *pattern);
const char *nr_assure_duties(const nr_assure_view *view, const nrbac_value *pattern);
/* Why the pattern is of no use to the row; "": it is of use. */
const char *nr_assure_unusable(const nrbac_value *pattern);
/* One part of a requirement: "all of", "B0820 View Patient Demographics". */
const char *nr_assure_part(const nr_assure_view *view, const nrbac_value *part);
const char *nr_assure_obligation(const nr_assure_view *view, const nrbac_value *id);
/* "3 operations", "1 operation". */
const char *nr_assure_count(const nr_assure_view *view, const char *member,
                            const char *one);
const char *nr_assure_format(const nr_assure_view *view, const char *format, ...)
    NR_PRINTF(2, 3);
/* assure_style.c: the style sheet, in lines; ends with NULL. */
extern const char *const nr_assure_style[];
/* What every reader has to know; ends with NULL. */
extern const char *const nr_assure_principles[];
extern const char *const nr_assure_limits[];

#endif
