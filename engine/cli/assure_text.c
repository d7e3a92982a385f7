/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for a terminal: findings first, then every row.
 */
#include "cli/assure.h"

#include <string.h>

static const char *text_of(const nrbac_value *value)
{
    const char *text = nrbac_value_text(value);
    return text == NULL ? "" : text;
}

/* "gp-system, A system for general practice (applications.yaml:5)" */
static void print_title(const nr_assure_view *view, const nrbac_value *from,
                        const char *id)
{
    const char *name = nr_text_at(from, "name");
    fprintf(view->out, "%s%s%s (%s)", id, name[0] == '\0' ? "" : "  ", name,
            nr_assure_place(view, from));
}

static void print_lines(FILE *out, const char *const *lines)
{
    for (; *lines != NULL; lines++)
        fprintf(out, "  %s\n", *lines);
}

/* ---- The head ------------------------------------------------------------------------- */

static void print_tests(const nr_assure_view *view)
{
    const nrbac_value *failed = nr_member_at(view->report, "tests.failed");
    const nrbac_value *gaps = nr_member_at(view->report, "counts.rows_with_gaps");
    fprintf(view->out,
            "  tests        %s passed, %lld failed; %s proved both ways, %lld with "
            "gaps\n",
            nr_assure_count(view, "tests.passed", "test"),
            (long long)nrbac_value_integer(failed),
            nr_assure_count(view, "counts.rows_proved", "operation"),
            (long long)nrbac_value_integer(gaps));
}

static void print_head(const nr_assure_view *view)
{
    const nrbac_value *policy = nrbac_value_find(view->report, "policy");
    bool run = nrbac_value_boolean(nr_member_at(view->report, "tests.run"));
    fprintf(view->out, "Who answers for what: %s %s\n\n", nr_text_at(policy, "name"),
            nr_text_at(policy, "version"));
    fprintf(view->out, "  policy       %s (%s), NRD %s, provenance %s\n",
            nr_text_at(policy, "path"), nr_text_at(policy, "kind"),
            nr_assure_stated(policy, "nrd_version"), nr_text_at(policy, "provenance"));
    fprintf(view->out, "  digest       %s\n", nr_text_at(policy, "digest"));
    fprintf(view->out, "  made         %s by nrbac %s\n",
            nr_text_at(view->report, "made_at"),
            nr_text_at(view->report, "nrbac_version"));
    fprintf(view->out, "  covers       %s, %s to call\n",
            nr_assure_count(view, "counts.applications", "application"),
            nr_assure_count(view, "counts.rows", "operation"));
    if (run)
        print_tests(view);
    else
        fputs("  tests        none were run\n", view->out);
    fputc('\n', view->out);
    print_lines(view->out, nr_assure_principles);
}

/* ---- Findings ------------------------------------------------------------------------- */

static const char *about_text(const nr_assure_view *view, const nrbac_value *item)
{
    const char *place = nr_assure_place(view, item);
    const char *what = nr_text_at(item, "what");
    if (nrbac_value_find(item, "kind") != NULL)
        return nr_assure_format(view, "%s %s: %s (%s)", nr_text_at(item, "kind"), what,
                                nr_text_at(item, "reason"), place);
    if (nrbac_value_find(item, "test") != NULL) {
        return nr_assure_format(view, "%s (%s), %s: expected %s, came %s",
                                nr_text_at(item, "test"), place,
                                nr_text_at(item, "asked"), nr_text_at(item, "expected"),
                                nr_text_at(item, "came"));
    }
    return nr_assure_format(view, "%s%s%s", nr_text_at(item, "application"),
                            nrbac_value_find(item, "reason") == NULL ? "" : ": ",
                            nr_text_at(item, "reason"));
}

static void begin_group(const nr_assure_view *view, const nrbac_value *item)
{
    const char *application = nr_text_at(item, "application");
    const char *patterns = nr_assure_list(view, nrbac_value_find(item, "patterns"),
                                          ", ", "");
    fprintf(view->out, "           %s%s%s%s%s:", application,
            application[0] == '\0' ? "" : "  ", nr_text_at(item, "api"),
            patterns[0] == '\0' ? "" : ", under ", patterns);
}

static void print_about(const nr_assure_view *view, const nrbac_value *about)
{
    const nrbac_value *last = NULL;
    for (size_t i = 0; i < nrbac_value_count(about); i++) {
        const nrbac_value *item = nrbac_value_at(about, i);
        if (nrbac_value_find(item, "operation") == NULL) {
            fprintf(view->out, "           %s\n", about_text(view, item));
            continue;
        }
        if (!nr_assure_goes_on(view, last, item))
            begin_group(view, item);
        fprintf(view->out, " %s", nr_text_at(item, "operation"));
        if (!nr_assure_goes_on(view, item, nrbac_value_at(about, i + 1)))
            fputc('\n', view->out);
        last = item;
    }
}

static const char *weight_word(const nrbac_value *finding)
{
    const char *weight = nr_text_at(finding, "weight");
    if (strcmp(weight, "failure") == 0)
        return "FAILED";
    return strcmp(weight, "gap") == 0 ? "GAP" : "note";
}

static void print_findings(const nr_assure_view *view)
{
    const nrbac_value *findings = nrbac_value_find(view->report, "findings");
    fprintf(view->out, "\nfindings (%zu)\n", nrbac_value_count(findings));
    if (nrbac_value_count(findings) == 0)
        fputs("  none\n", view->out);
    for (size_t i = 0; i < nrbac_value_count(findings); i++) {
        const nrbac_value *finding = nrbac_value_at(findings, i);
        const nrbac_value *about = nrbac_value_find(finding, "about");
        fprintf(view->out, "  %-6s %s", weight_word(finding),
                nr_text_at(finding, "message"));
        if (nrbac_value_count(about) > 0)
            fprintf(view->out, " (%zu)", nrbac_value_count(about));
        fprintf(view->out, " [%s]\n", nr_text_at(finding, "code"));
        print_about(view, about);
    }
}

/* ---- Rows ----------------------------------------------------------------------------- */

static void label(const nr_assure_view *view, const char *text)
{
    fprintf(view->out, "      %-13s ", text);
}

/* As deep as requirements may be written. */
static void print_requirement(const nr_assure_view *view, const nrbac_value *part,
                              int depth)
{
    const nrbac_value *parts = nrbac_value_at(part, 0);
    label(view, depth == 0 ? "requires" : "");
    fprintf(view->out, "%*s%s\n", 2 * depth, "", nr_assure_part(view, part));
    if (nrbac_value_kind(parts) != NRBAC_KIND_LIST)
        return;
    for (size_t i = 0; i < nrbac_value_count(parts); i++)
        print_requirement(view, nrbac_value_at(parts, i), depth + 1);
}

static void print_pattern(const nr_assure_view *view, const nrbac_value *pattern)
{
    const char *unusable = nr_assure_unusable(pattern);
    label(view, "under");
    fprintf(view->out, "%s%s%s\n", nr_text_at(pattern, "pattern"),
            unusable[0] == '\0' ? "" : ", ", unusable);
    const struct {
        const char *what, *who;
    } lines[] = {
        { "application authenticated by", nr_assure_application(view, pattern, false) },
        { "application authorised by", nr_assure_application(view, pattern, true) },
        { "user authenticated by", nr_assure_user(view, pattern, false) },
        { "user authorised by", nr_assure_user(view, pattern, true) },
        { "rests on the supplier", nr_assure_duties(view, pattern) },
    };
    for (size_t i = 0; unusable[0] == '\0' && i < NR_COUNT(lines); i++) {
        label(view, "");
        fprintf(view->out, "  %-28s  %s\n", lines[i].what, lines[i].who);
    }
}

static void print_proofs(const nr_assure_view *view, const nrbac_value *proofs,
                         const char *what)
{
    for (size_t i = 0; i < nrbac_value_count(proofs); i++) {
        const nrbac_value *proof = nrbac_value_at(proofs, i);
        bool passed = nrbac_value_boolean(nrbac_value_find(proof, "passed"));
        label(view, i == 0 ? what : "");
        fprintf(view->out, "%-6s  %s (%s)\n", passed ? "ok" : "FAILED",
                nr_text_at(proof, "test"), nr_assure_place(view, proof));
        label(view, "");
        fprintf(view->out, "          expected %s, came %s%s%s\n",
                nr_text_at(proof, "expected"), nr_text_at(proof, "came"),
                nr_text_at(proof, "pattern")[0] == '\0' ? "" : ", under ",
                nr_text_at(proof, "pattern"));
    }
}

static void print_gaps(const nr_assure_view *view, const nrbac_value *gaps)
{
    for (size_t i = 0; i < nrbac_value_count(gaps); i++) {
        bool permit = strcmp(text_of(nrbac_value_at(gaps, i)), "no-permitting-test") ==
                      0;
        label(view, "GAP");
        fprintf(view->out, "no passed test shows that it is %s\n",
                permit ? "permitted" : "denied");
    }
}

static void print_row(const nr_assure_view *view, const nrbac_value *row)
{
    const nrbac_value *patterns = nrbac_value_find(row, "patterns");
    const nrbac_value *requirement = nrbac_value_find(row, "requirement");
    const nrbac_value *obligations = nrbac_value_find(row, "obligations");
    fputs("\n    ", view->out);
    print_title(view, row, nr_text_at(row, "operation"));
    fputc('\n', view->out);
    for (size_t i = 0; i < nrbac_value_count(patterns); i++)
        print_pattern(view, nrbac_value_at(patterns, i));
    if (nrbac_value_kind(requirement) == NRBAC_KIND_MAP) {
        print_requirement(view, requirement, 0);
    } else {
        label(view, "requires");
        fputs("nothing of the user\n", view->out);
    }
    for (size_t i = 0; i < nrbac_value_count(obligations); i++) {
        label(view, i == 0 ? "obliged to" : "");
        fprintf(view->out, "%s\n",
                nr_assure_obligation(view, nrbac_value_at(obligations, i)));
    }
    print_proofs(view, nrbac_value_find(row, "permits"), "permitted");
    print_proofs(view, nrbac_value_find(row, "denies"), "denied");
    print_gaps(view, nrbac_value_find(row, "gaps"));
}

static void print_api(const nr_assure_view *view, const nrbac_value *api)
{
    fputs("\n  ", view->out);
    print_title(view, api, nr_text_at(api, "id"));
    fprintf(view->out, ", rbac %s, local user %s\n", nr_text_at(api, "rbac"),
            nr_text_at(api, "local_user"));
}

static void print_rows(const nr_assure_view *view, const nrbac_value *rows)
{
    const nrbac_value *apis = nrbac_value_find(view->report, "apis");
    const char *last = "";
    for (size_t i = 0; i < nrbac_value_count(rows); i++) {
        const nrbac_value *row = nrbac_value_at(rows, i);
        const char *id = nr_text_at(row, "api");
        for (size_t k = 0; strcmp(id, last) != 0 && k < nrbac_value_count(apis); k++)
            if (strcmp(nr_text_at(nrbac_value_at(apis, k), "id"), id) == 0)
                print_api(view, nrbac_value_at(apis, k));
        last = id;
        print_row(view, row);
    }
}

static void print_application(const nr_assure_view *view,
                              const nrbac_value *application)
{
    const nrbac_value *suspended = nrbac_value_find(application, "suspended");
    const nrbac_value *organisations = nrbac_value_find(application, "organisations");
    fputc('\n', view->out);
    print_title(view, application, nr_text_at(application, "id"));
    fputc('\n', view->out);
    fprintf(view->out, "  authenticates by %s; acts for %s\n",
            nr_assure_list(view, nrbac_value_find(application, "authenticated_by"),
                           ", ", "nothing"),
            nrbac_value_kind(organisations) == NRBAC_KIND_LIST
                ? nr_assure_list(view, organisations, ", ", "no organisation")
                : "any organisation");
    if (strcmp(nr_text_at(application, "status"), "closed") == 0)
        fputs("  CLOSED: everything is refused to it for good\n", view->out);
    if (nrbac_value_kind(suspended) == NRBAC_KIND_MAP)
        fprintf(view->out, "  SUSPENDED: %s (%s)\n", nr_text_at(suspended, "reason"),
                nr_assure_place(view, suspended));
    if (nrbac_value_count(nrbac_value_find(application, "operations")) == 0)
        fputs("  may call nothing\n", view->out);
    print_rows(view, nrbac_value_find(application, "operations"));
}

/* ---- All of it ------------------------------------------------------------------------ */

static void print_refusals(const nr_assure_view *view)
{
    const nrbac_value *refusals = nrbac_value_find(view->report, "refusals");
    if (nrbac_value_count(refusals) > 0)
        fputs("\nrefused, as tests show, to applications that may not call it\n",
              view->out);
    for (size_t i = 0; i < nrbac_value_count(refusals); i++) {
        const nrbac_value *one = nrbac_value_at(refusals, i);
        fprintf(view->out, "  %s  %s %s: %s, %s (%s)\n", nr_text_at(one, "application"),
                nr_text_at(one, "api"), nr_text_at(one, "operation"),
                nr_text_at(one, "came"), nr_text_at(one, "test"),
                nr_assure_place(view, one));
    }
}

static void print_all(const nr_assure_view *view)
{
    const nrbac_value *applications = nrbac_value_find(view->report, "applications");
    const nrbac_value *open = nrbac_value_find(view->report, "open");
    print_head(view);
    print_findings(view);
    for (size_t i = 0; i < nrbac_value_count(applications); i++)
        print_application(view, nrbac_value_at(applications, i));
    if (nrbac_value_count(open) > 0)
        fputs("\nopen to anybody, without an application\n", view->out);
    print_rows(view, open);
    print_refusals(view);
    fputs("\nwhat this does not show\n", view->out);
    print_lines(view->out, nr_assure_limits);
}

nr_exit nr_assure_print_text(const nrbac_value *report)
{
    nr_arena arena = { 0 };
    print_all(&(nr_assure_view){ stdout, &arena, report });
    nr_arena_finish(&arena);
    return NR_EXIT_OK;
}
