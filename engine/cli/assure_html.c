/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as one HTML file that needs nothing else: no script, no image, no
 * other file. What comes from the policy goes through nr_html() and is escaped.
 */
#include "cli/assure.h"
#include "cli/html.h"

#include <string.h>

static const char *text_of(const nrbac_value *value)
{
    const char *text = nrbac_value_text(value);
    return text == NULL ? "" : text;
}

static bool is_map(const nrbac_value *value)
{
    return nrbac_value_kind(value) == NRBAC_KIND_MAP;
}

static size_t number_at(const nrbac_value *value, const char *path)
{
    return (size_t)nrbac_value_integer(nr_member_at(value, path));
}

/* ---- The head ------------------------------------------------------------------------- */

static void put_style(FILE *out)
{
    fputs("<style>\n", out);
    for (const char *const *line = nr_assure_style; *line != NULL; line++)
        fprintf(out, "%s\n", *line);
    fputs("</style>\n", out);
}

static void put_fact(const nr_assure_view *view, const char *what, const char *value)
{
    nr_html(view->out, "<dt>%s</dt><dd><bdi>%s</bdi></dd>\n", what, value);
}

static void put_head(const nr_assure_view *view)
{
    const nrbac_value *policy = nrbac_value_find(view->report, "policy");
    const char *application = nr_text_at(view->report, "application");
    const char *name = nr_text_at(policy, "name");
    const char *version = nr_text_at(policy, "version");
    nr_html(view->out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" "
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<title>Who answers for what: %s %s</title>\n",
            name, version);
    put_style(view->out);
    nr_html(view->out,
            "</head>\n<body>\n<header>\n<p class=\"kind\">Who answers for what: "
            "authentication and authorisation, with the tests that prove it</p>\n"
            "<h1><bdi>%s</bdi> <bdi>%s</bdi></h1>\n<dl class=\"facts\">\n",
            name, version);
    put_fact(view, "Application", application[0] == '\0' ? "all" : application);
    put_fact(view, "Policy",
             nr_assure_format(view, "%s (%s)", nr_text_at(policy, "path"),
                              nr_text_at(policy, "kind")));
    put_fact(view, "NRD version", nr_assure_stated(policy, "nrd_version"));
    put_fact(view, "Provenance", nr_text_at(policy, "provenance"));
    put_fact(view, "Digest (SHA-256)", nr_text_at(policy, "digest"));
    put_fact(view, "Made",
             nr_assure_format(view, "%s by nrbac %s",
                              nr_text_at(view->report, "made_at"),
                              nr_text_at(view->report, "nrbac_version")));
    fputs("</dl>\n</header>\n", view->out);
}

static void put_contents(const nr_assure_view *view)
{
    const nrbac_value *applications = nrbac_value_find(view->report, "applications");
    fputs("<nav aria-label=\"Contents\">\n<h2>Contents</h2>\n<ol>\n"
          "<li><a href=\"#summary\">Summary</a></li>\n"
          "<li><a href=\"#findings\">Findings</a></li>\n",
          view->out);
    for (size_t i = 0; i < nrbac_value_count(applications); i++)
        nr_html(view->out, "<li><a href=\"#application-%zu\"><bdi>%s</bdi></a></li>\n",
                i + 1, nr_text_at(nrbac_value_at(applications, i), "id"));
    if (nrbac_value_count(nrbac_value_find(view->report, "open")) > 0)
        fputs("<li><a href=\"#open\">Open to anybody</a></li>\n", view->out);
    if (nrbac_value_count(nrbac_value_find(view->report, "refusals")) > 0)
        fputs("<li><a href=\"#refusals\">Refused to applications</a></li>\n",
              view->out);
    fputs("<li><a href=\"#words\">Words used</a></li>\n"
          "<li><a href=\"#limits\">What this does not show</a></li>\n"
          "</ol>\n</nav>\n<main>\n",
          view->out);
}

static void put_summary(const nr_assure_view *view)
{
    static const struct {
        const char *path, *what;
    } numbers[] = {
        { "counts.applications", "applications" },
        { "counts.rows", "operations they may call" },
        { "counts.rows_proved", "proved both ways by passed tests" },
        { "counts.rows_with_gaps", "with gaps in their tests" },
        { "tests.passed", "tests passed" },
        { "tests.failed", "tests failed" },
    };
    fputs("<section id=\"summary\">\n<h2>Summary</h2>\n<ul class=\"numbers\">\n",
          view->out);
    for (size_t i = 0; i < NR_COUNT(numbers); i++)
        nr_html(view->out, "<li><b>%zu</b> %s</li>\n",
                number_at(view->report, numbers[i].path), numbers[i].what);
    fputs("</ul>\n<ul>\n", view->out);
    for (const char *const *line = nr_assure_principles; *line != NULL; line++)
        nr_html(view->out, "<li>%s</li>\n", *line);
    fputs("</ul>\n</section>\n", view->out);
}

/* ---- Findings ------------------------------------------------------------------------- */

static void begin_group(const nr_assure_view *view, const nrbac_value *item)
{
    const char *application = nr_text_at(item, "application");
    const char *patterns = nr_assure_list(view, nrbac_value_find(item, "patterns"),
                                          ", ", "");
    nr_html(view->out, "<p><b><bdi>%s</bdi></b>%s<bdi>%s</bdi>%s%s: ", application,
            application[0] == '\0' ? "" : ", ", nr_text_at(item, "api"),
            patterns[0] == '\0' ? "" : ", under ", patterns);
}

static void put_operations(const nr_assure_view *view, const nrbac_value *about)
{
    const nrbac_value *last = NULL;
    for (size_t i = 0; i < nrbac_value_count(about); i++) {
        const nrbac_value *item = nrbac_value_at(about, i);
        if (nr_assure_goes_on(view, last, item))
            fputs(", ", view->out);
        else
            begin_group(view, item);
        nr_html(view->out, "<code>%s</code>", nr_text_at(item, "operation"));
        if (!nr_assure_goes_on(view, item, nrbac_value_at(about, i + 1)))
            fputs("</p>\n", view->out);
        last = item;
    }
}

static void put_others(const nr_assure_view *view, const nrbac_value *about)
{
    for (size_t i = 0; i < nrbac_value_count(about); i++) {
        const nrbac_value *item = nrbac_value_at(about, i);
        const char *reason = nr_text_at(item, "reason");
        if (nrbac_value_find(item, "test") != NULL) {
            nr_html(view->out,
                    "<p><bdi>%s</bdi>: <code>%s</code> expected %s, came <b>%s</b> "
                    "<span class=\"place\">%s</span></p>\n",
                    nr_text_at(item, "test"), nr_text_at(item, "asked"),
                    nr_text_at(item, "expected"), nr_text_at(item, "came"),
                    nr_assure_place(view, item));
        } else {
            nr_html(view->out, "<p>%s%s<b><bdi>%s</bdi></b>%s<bdi>%s</bdi></p>\n",
                    nr_text_at(item, "kind"),
                    nrbac_value_find(item, "kind") == NULL ? "" : " ",
                    nrbac_value_find(item, "kind") == NULL
                        ? nr_text_at(item, "application")
                        : nr_text_at(item, "what"),
                    reason[0] == '\0' ? "" : ": ", reason);
        }
    }
}

static void put_finding(const nr_assure_view *view, const nrbac_value *finding)
{
    static const struct {
        const char *weight, *word;
    } weights[] = { { "failure", "FAILED" }, { "gap", "GAP" }, { "note", "note" } };
    const nrbac_value *about = nrbac_value_find(finding, "about");
    const char *weight = nr_text_at(finding, "weight");
    const char *word = weight;
    for (size_t i = 0; i < NR_COUNT(weights); i++)
        if (strcmp(weights[i].weight, weight) == 0)
            word = weights[i].word;
    nr_html(view->out,
            "<tbody><tr><td><span class=\"tag %s\">%s</span></td>"
            "<th scope=\"row\">%s <span class=\"note\">%s</span></th><td>",
            weight, word, nr_text_at(finding, "message"), nr_text_at(finding, "code"));
    bool operations = nrbac_value_find(nrbac_value_at(about, 0), "operation") != NULL;
    if (operations)
        put_operations(view, about);
    else
        put_others(view, about);
    if (nrbac_value_count(about) == 0)
        fputs("the whole policy", view->out);
    fputs("</td></tr></tbody>\n", view->out);
}

static void put_findings(const nr_assure_view *view)
{
    const nrbac_value *findings = nrbac_value_find(view->report, "findings");
    fputs("<section id=\"findings\">\n<h2>Findings</h2>\n", view->out);
    if (nrbac_value_count(findings) == 0) {
        fputs("<p>None.</p>\n</section>\n", view->out);
        return;
    }
    fputs("<table>\n<caption>What fails, what is missing, what is unusual</caption>\n"
          "<colgroup><col style=\"width:8%\"><col style=\"width:37%\">"
          "<col style=\"width:55%\"></colgroup>\n"
          "<thead><tr><th scope=\"col\">Weight</th><th scope=\"col\">Finding</th>"
          "<th scope=\"col\">About</th></tr></thead>\n",
          view->out);
    for (size_t i = 0; i < nrbac_value_count(findings); i++)
        put_finding(view, nrbac_value_at(findings, i));
    fputs("</table>\n</section>\n", view->out);
}

/* ---- Rows ----------------------------------------------------------------------------- */

/* As deep as requirements may be written. */
static void put_part(const nr_assure_view *view, const nrbac_value *part)
{
    const nrbac_value *parts = nrbac_value_at(part, 0);
    nr_html(view->out, "<bdi>%s</bdi>", nr_assure_part(view, part));
    if (nrbac_value_kind(parts) != NRBAC_KIND_LIST)
        return;
    fputs("<ul>", view->out);
    for (size_t i = 0; i < nrbac_value_count(parts); i++) {
        fputs("<li>", view->out);
        put_part(view, nrbac_value_at(parts, i));
        fputs("</li>", view->out);
    }
    fputs("</ul>", view->out);
}

static void put_requirement(const nr_assure_view *view, const nrbac_value *row)
{
    const nrbac_value *requirement = nrbac_value_find(row, "requirement");
    const nrbac_value *obligations = nrbac_value_find(row, "obligations");
    if (is_map(requirement))
        put_part(view, requirement);
    else
        fputs("nothing of the user", view->out);
    for (size_t i = 0; i < nrbac_value_count(obligations); i++)
        nr_html(view->out, "<p>obliged to: %s</p>",
                nr_assure_obligation(view, nrbac_value_at(obligations, i)));
    if (strcmp(nr_text_at(row, "delegation"), "allowed") == 0)
        fputs("<p>others may act for a patient</p>", view->out);
}

static bool has_gap(const nrbac_value *row, const char *gap)
{
    const nrbac_value *gaps = nrbac_value_find(row, "gaps");
    for (size_t i = 0; i < nrbac_value_count(gaps); i++)
        if (strcmp(text_of(nrbac_value_at(gaps, i)), gap) == 0)
            return true;
    return false;
}

static void put_outcome(const nr_assure_view *view, const nrbac_value *proof)
{
    const char *expected = nr_text_at(proof, "expected");
    const char *came = nr_text_at(proof, "came");
    if (strcmp(expected, came) == 0)
        nr_html(view->out, "<span class=\"note\">as expected: <b>%s</b>", came);
    else
        nr_html(view->out, "<span class=\"note\">expected %s, came <b>%s</b>", expected,
                came);
    nr_html(view->out, ", %s</span></li>", nr_assure_place(view, proof));
}

static void put_proofs(const nr_assure_view *view, const nrbac_value *row, bool permit)
{
    const nrbac_value *proofs = nrbac_value_find(row, permit ? "permits" : "denies");
    if (nrbac_value_count(proofs) > 0)
        fputs("<ul class=\"tests\">", view->out);
    for (size_t i = 0; i < nrbac_value_count(proofs); i++) {
        const nrbac_value *proof = nrbac_value_at(proofs, i);
        bool passed = nrbac_value_boolean(nrbac_value_find(proof, "passed"));
        nr_html(view->out, "<li><span class=\"%s\">%s</span> <bdi>%s</bdi><br>",
                passed ? "passed" : "failed", passed ? "passed" : "FAILED",
                nr_text_at(proof, "test"));
        put_outcome(view, proof);
    }
    if (nrbac_value_count(proofs) > 0)
        fputs("</ul>", view->out);
    if (has_gap(row, permit ? "no-permitting-test" : "no-denying-test"))
        nr_html(view->out,
                "<p><span class=\"tag gap\">GAP</span> no passed test %s</p>",
                permit ? "permits it" : "denies it");
}

/* A pattern's slug, which breaks after its slash alone. */
static void put_slug(const nr_assure_view *view, const char *slug)
{
    const char *slash = strchr(slug, '/');
    int size = slash == NULL ? 0 : (int)(slash - slug) + 1;
    nr_html(view->out, "<td>%s<wbr><span class=\"whole\">%s</span>",
            nr_assure_format(view, "%.*s", size, slug), slug + size);
}

static void put_pattern(const nr_assure_view *view, const nrbac_value *pattern)
{
    const char *unusable = nr_assure_unusable(pattern);
    put_slug(view, nr_text_at(pattern, "pattern"));
    if (unusable[0] != '\0') {
        nr_html(view->out, "</td><td colspan=\"3\" class=\"note\">%s</td>", unusable);
        return;
    }
    nr_html(view->out,
            "</td><td><p>authenticated by %s</p><p>authorised by %s</p></td>"
            "<td><p>authenticated by %s</p>",
            nr_assure_application(view, pattern, false),
            nr_assure_application(view, pattern, true),
            nr_assure_user(view, pattern, false));
    if (nr_assure_is_unauthorised(pattern))
        fputs("<p>authorised by <span class=\"tag nobody\">NOBODY</span></p></td>",
              view->out);
    else
        nr_html(view->out, "<p>authorised by %s</p></td>",
                nr_assure_user(view, pattern, true));
    nr_html(view->out, "<td>%s</td>", nr_assure_duties(view, pattern));
}

/* An operation is a body of its own, with a line for each pattern, so that paper
 * does not break within it. */
static void put_row(const nr_assure_view *view, const nrbac_value *row)
{
    const nrbac_value *patterns = nrbac_value_find(row, "patterns");
    size_t lines = nrbac_value_count(patterns);
    nr_html(view->out,
            "<tbody><tr><th scope=\"rowgroup\" rowspan=\"%zu\"><code>%s</code>"
            "<span class=\"name\"><bdi>%s</bdi></span>"
            "<span class=\"place\">%s</span></th>",
            lines, nr_text_at(row, "operation"), nr_text_at(row, "name"),
            nr_assure_place(view, row));
    for (size_t i = 0; i < lines; i++) {
        if (i > 0)
            fputs("<tr>", view->out);
        put_pattern(view, nrbac_value_at(patterns, i));
        if (i == 0) {
            nr_html(view->out, "<td rowspan=\"%zu\">", lines);
            put_requirement(view, row);
            nr_html(view->out, "</td><td rowspan=\"%zu\">", lines);
            put_proofs(view, row, true);
            nr_html(view->out, "</td><td rowspan=\"%zu\">", lines);
            put_proofs(view, row, false);
            fputs("</td>", view->out);
        }
        fputs("</tr>", view->out);
    }
    fputs("</tbody>\n", view->out);
}

static const nrbac_value *api_of(const nr_assure_view *view, const char *id)
{
    const nrbac_value *apis = nrbac_value_find(view->report, "apis");
    for (size_t i = 0; i < nrbac_value_count(apis); i++)
        if (strcmp(nr_text_at(nrbac_value_at(apis, i), "id"), id) == 0)
            return nrbac_value_at(apis, i);
    return NULL;
}

static void begin_table(const nr_assure_view *view, const nrbac_value *api,
                        const char *caller)
{
    static const char *const columns[] = { "Operation",
                                           "Pattern",
                                           "Application",
                                           "User",
                                           "Rests on the supplier",
                                           "Required of the user",
                                           "Tests that permit",
                                           "Tests that deny" };
    static const char *const widths[] = {
        "11", "10", "11", "11", "10", "19", "14", "14"
    };
    const nrbac_value *policy = nrbac_value_find(view->report, "policy");
    nr_html(view->out,
            "<table>\n<caption><code>%s</code> <bdi>%s</bdi> <span class=\"note\">"
            "RBAC %s, local user %s, %s</span></caption>\n<colgroup>",
            nr_text_at(api, "id"), nr_text_at(api, "name"), nr_text_at(api, "rbac"),
            nr_text_at(api, "local_user"), nr_assure_place(view, api));
    for (size_t i = 0; i < NR_COUNT(widths); i++)
        nr_html(view->out, "<col style=\"width:%s%s\">", widths[i], "%");
    nr_html(view->out,
            "</colgroup>\n<thead><tr class=\"running\"><th colspan=\"8\"><bdi>%s</bdi> "
            "<bdi>%s</bdi>, digest %s; <bdi>%s</bdi> calls <bdi>%s</bdi></th></tr><tr>",
            nr_text_at(policy, "name"), nr_text_at(policy, "version"),
            nr_assure_format(view, "%.12s", nr_text_at(policy, "digest")), caller,
            nr_text_at(api, "id"));
    for (size_t i = 0; i < NR_COUNT(columns); i++)
        nr_html(view->out, "<th scope=\"col\">%s</th>", columns[i]);
    fputs("</tr></thead>\n", view->out);
}

/* A table for each API; rows of one API stand together. */
static void put_rows(const nr_assure_view *view, const nrbac_value *rows,
                     const char *caller)
{
    const char *last = NULL;
    for (size_t i = 0; i < nrbac_value_count(rows); i++) {
        const nrbac_value *row = nrbac_value_at(rows, i);
        const char *id = nr_text_at(row, "api");
        if (last == NULL || strcmp(last, id) != 0) {
            if (last != NULL)
                fputs("</table>\n", view->out);
            begin_table(view, api_of(view, id), caller);
        }
        last = id;
        put_row(view, row);
    }
    if (last != NULL)
        fputs("</table>\n", view->out);
}

static void put_application(const nr_assure_view *view, const nrbac_value *application,
                            size_t number)
{
    const nrbac_value *suspended = nrbac_value_find(application, "suspended");
    const nrbac_value *organisations = nrbac_value_find(application, "organisations");
    const nrbac_value *rows = nrbac_value_find(application, "operations");
    nr_html(view->out,
            "<section class=\"application\" id=\"application-%zu\">\n"
            "<h2><bdi>%s</bdi></h2>\n<dl class=\"facts\">\n",
            number, nr_text_at(application, "id"));
    put_fact(view, "Name", nr_assure_stated(application, "name"));
    put_fact(view, "Authenticates by",
             nr_assure_list(view, nrbac_value_find(application, "authenticated_by"),
                            ", ", "nothing"));
    put_fact(view, "Acts for",
             nrbac_value_kind(organisations) == NRBAC_KIND_LIST
                 ? nr_assure_list(view, organisations, ", ", "no organisation")
                 : "any organisation");
    put_fact(view, "Declared at", nr_assure_place(view, application));
    fputs("</dl>\n", view->out);
    if (strcmp(nr_text_at(application, "status"), "closed") == 0)
        fputs(
            "<p class=\"warning\">Closed: everything is refused to it for good.</p>\n",
            view->out);
    if (is_map(suspended)) {
        nr_html(view->out,
                "<p class=\"warning\">Suspended: everything is refused to it. "
                "<bdi>%s</bdi></p>\n",
                nr_text_at(suspended, "reason"));
    }
    if (nrbac_value_count(rows) == 0)
        fputs("<p>It may call nothing.</p>\n", view->out);
    put_rows(view, rows, nr_text_at(application, "id"));
    fputs("</section>\n", view->out);
}

static void put_applications(const nr_assure_view *view)
{
    const nrbac_value *applications = nrbac_value_find(view->report, "applications");
    const nrbac_value *open = nrbac_value_find(view->report, "open");
    for (size_t i = 0; i < nrbac_value_count(applications); i++)
        put_application(view, nrbac_value_at(applications, i), i + 1);
    if (nrbac_value_count(open) == 0)
        return;
    fputs("<section class=\"application\" id=\"open\">\n<h2>Open to anybody</h2>\n"
          "<p>These may be called without an application that anybody knows.</p>\n",
          view->out);
    put_rows(view, open, "anybody");
    fputs("</section>\n", view->out);
}

/* ---- The end ---------------------------------------------------------------------------- */

static void put_refusals(const nr_assure_view *view)
{
    const nrbac_value *refusals = nrbac_value_find(view->report, "refusals");
    if (nrbac_value_count(refusals) == 0)
        return;
    fputs("<section id=\"refusals\">\n<h2>Refused to applications</h2>\n<table>\n"
          "<caption>Passed tests of what an application may not call, or is not known "
          "for</caption>\n<thead><tr><th scope=\"col\">Application</th>"
          "<th scope=\"col\">Operation</th><th scope=\"col\">Came</th>"
          "<th scope=\"col\">Test</th></tr></thead>\n<tbody>\n",
          view->out);
    for (size_t i = 0; i < nrbac_value_count(refusals); i++) {
        const nrbac_value *one = nrbac_value_at(refusals, i);
        nr_html(view->out,
                "<tr><th scope=\"row\"><bdi>%s</bdi></th><td><bdi>%s</bdi> "
                "<code>%s</code></td><td>%s</td><td><bdi>%s</bdi> "
                "<span class=\"place\">%s</span></td></tr>\n",
                nr_text_at(one, "application"), nr_text_at(one, "api"),
                nr_text_at(one, "operation"), nr_text_at(one, "came"),
                nr_text_at(one, "test"), nr_assure_place(view, one));
    }
    fputs("</tbody></table>\n</section>\n", view->out);
}

static void put_words(const nr_assure_view *view, const char *path, const char *caption)
{
    const nrbac_value *words = nr_member_at(view->report, path);
    nr_html(view->out,
            "<table>\n<caption>%s</caption>\n<colgroup><col style=\"width:30%s\"><col>"
            "</colgroup>\n<thead><tr><th scope=\"col\">In this report</th>"
            "<th scope=\"col\">Means</th></tr></thead>\n<tbody>\n",
            caption, "%");
    for (size_t i = 0; i < nrbac_value_count(words); i++)
        nr_html(view->out, "<tr><th scope=\"row\">%s</th><td>%s</td></tr>\n",
                nr_text_at(nrbac_value_at(words, i), "label"),
                nr_text_at(nrbac_value_at(words, i), "doc"));
    fputs("</tbody></table>\n", view->out);
}

static void put_end(const nr_assure_view *view)
{
    fputs("<section id=\"words\">\n<h2>Words used</h2>\n", view->out);
    put_words(view, "words.patterns", "Security patterns of NHS England's APIs");
    put_words(view, "words.parties", "Who authenticates and who authorises");
    put_words(view, "words.duties", "What rests on the supplier");
    fputs(
        "</section>\n<section id=\"limits\">\n<h2>What this does not show</h2>\n<ul>\n",
        view->out);
    for (const char *const *line = nr_assure_limits; *line != NULL; line++)
        nr_html(view->out, "<li>%s</li>\n", *line);
    nr_html(
        view->out,
        "</ul>\n</section>\n</main>\n<footer>Made %s by nrbac %s from policy digest "
        "<code>%s</code>.</footer>\n</body>\n</html>\n",
        nr_text_at(view->report, "made_at"), nr_text_at(view->report, "nrbac_version"),
        nr_text_at(view->report, "policy.digest"));
}

nr_exit nr_assure_print_html(const nrbac_value *report)
{
    nr_arena arena = { 0 };
    nr_assure_view view = { stdout, &arena, report };
    put_head(&view);
    put_contents(&view);
    put_summary(&view);
    put_findings(&view);
    put_applications(&view);
    put_refusals(&view);
    put_end(&view);
    nr_arena_finish(&arena);
    return NR_EXIT_OK;
}
