/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as a document: a row for each operation that each application may
 * call, and for each that anybody may.
 */
#include "cli/assure.h"

#include <string.h>

/* Where making the report stands. */
typedef struct report_maker {
    nrbac_document *document;
    const nr_assured *from;
} report_maker;

static void set_text(const report_maker *maker, nrbac_value *map, const char *key,
                     const char *text)
{
    nrbac_set(maker->document, map, key, nrbac_new_text(maker->document, text));
}

/* Members of one map in another; a report is read only, so it may share them. */
static void copy_members(const report_maker *maker, nrbac_value *to,
                         const nrbac_value *from, const char *const *keys)
{
    for (; *keys != NULL; keys++)
        nrbac_set(maker->document, to, *keys,
                  nrbac_value_copy(maker->document, nrbac_value_find(from, *keys)));
}

static const nrbac_value *member_with_id(const nrbac_value *list, const char *id)
{
    for (size_t i = 0; i < nrbac_value_count(list); i++)
        if (strcmp(nr_text_at(nrbac_value_at(list, i), "id"), id) == 0)
            return nrbac_value_at(list, i);
    return NULL;
}

static bool has_text(const nrbac_value *list, const char *text)
{
    for (size_t i = 0; i < nrbac_value_count(list); i++) {
        const char *item = nrbac_value_text(nrbac_value_at(list, i));
        if (item != NULL && strcmp(item, text) == 0)
            return true;
    }
    return false;
}

/* ---- Patterns ------------------------------------------------------------------------ */

/* The ways that the pattern takes and the application has. */
static nrbac_value *ways_of(const report_maker *maker, const nrbac_value *pattern,
                            const nrbac_value *application)
{
    const nrbac_value *has = nrbac_value_find(application, "authenticated_by");
    const nrbac_value *takes = nr_member_at(pattern, "application.ways");
    nrbac_value *list = nrbac_new_list(maker->document);
    for (size_t i = 0; i < nrbac_value_count(takes); i++) {
        const char *way = nrbac_value_text(nrbac_value_at(takes, i));
        if (has_text(has, way))
            nrbac_append(maker->document, list, nrbac_new_text(maker->document, way));
    }
    return list;
}

/* A pattern as this application can use it. `usable`: it can authenticate as the
 * pattern wants, and the pattern can lead to a permit. */
static nrbac_value *pattern_for(const report_maker *maker, const nrbac_value *pattern,
                                const nrbac_value *application)
{
    static const char *const about_application[] = { "authenticated_by",
                                                     "authorised_by", "decided_by",
                                                     NULL };
    static const char *const others[] = { "user", "aal", "supplier", NULL };
    bool open = nrbac_value_count(nr_member_at(pattern, "application.ways")) == 0;
    bool can_permit = nrbac_value_boolean(nrbac_value_find(pattern, "can_permit"));
    nrbac_value *ways = ways_of(maker, pattern, application);
    bool usable = can_permit && (open || nrbac_value_count(ways) > 0);
    nrbac_value *map = nrbac_new_map(maker->document);
    set_text(maker, map, "pattern", nr_text_at(pattern, "pattern"));
    nrbac_set(maker->document, map, "usable",
              nrbac_new_boolean(maker->document, usable));
    nrbac_set(maker->document, map, "can_permit",
              nrbac_new_boolean(maker->document, can_permit));
    nrbac_value *part = nrbac_set(maker->document, map, "application",
                                  nrbac_new_map(maker->document));
    nrbac_set(maker->document, part, "ways", ways);
    copy_members(maker, part, nrbac_value_find(pattern, "application"),
                 about_application);
    copy_members(maker, map, pattern, others);
    return map;
}

static bool is_open(const nrbac_value *pattern)
{
    return strcmp(nr_text_at(pattern, "pattern"), "open-access") == 0;
}

/* ---- Rows ---------------------------------------------------------------------------- */

/* One operation, as an application calls it (NULL: anybody, under open access). */
static nrbac_value *row_for(const report_maker *maker, const nrbac_value *api,
                            const nrbac_value *operation,
                            const nrbac_value *application)
{
    static const char *const members[] = { "name",       "file",        "line",
                                           "delegation", "obligations", "requirement",
                                           NULL };
    const nrbac_value *patterns = nrbac_value_find(operation, "patterns");
    nrbac_value *row = nrbac_new_map(maker->document);
    set_text(maker, row, "api", nr_text_at(api, "id"));
    set_text(maker, row, "operation", nr_text_at(operation, "id"));
    copy_members(maker, row, operation, members);
    nrbac_value *list = nrbac_set(maker->document, row, "patterns",
                                  nrbac_new_list(maker->document));
    for (size_t i = 0; i < nrbac_value_count(patterns); i++) {
        const nrbac_value *pattern = nrbac_value_at(patterns, i);
        if (application != NULL || is_open(pattern))
            nrbac_append(maker->document, list,
                         pattern_for(maker, pattern, application));
    }
    return row;
}

/* What can lead to a permit at all: a test that shows one can be asked for. */
static bool is_reachable(const nrbac_value *row, const nrbac_value *application)
{
    const nrbac_value *patterns = nrbac_value_find(row, "patterns");
    bool usable = false;
    for (size_t i = 0; i < nrbac_value_count(patterns); i++)
        usable |= nrbac_value_boolean(
            nrbac_value_find(nrbac_value_at(patterns, i), "usable"));
    if (application == NULL)
        return usable;
    return usable && strcmp(nr_text_at(application, "status"), "closed") != 0 &&
           nrbac_value_kind(nrbac_value_find(application, "suspended")) ==
               NRBAC_KIND_NULL;
}

static void add_row(const report_maker *maker, nrbac_value *rows, nrbac_value *row,
                    const nrbac_value *application)
{
    nrbac_set(maker->document, row, "reachable",
              nrbac_new_boolean(maker->document, is_reachable(row, application)));
    nr_assure_prove(maker->document, maker->from, row,
                    application == NULL ? NULL : nr_text_at(application, "id"));
    nrbac_append(maker->document, rows, row);
}

static nrbac_value *rows_of(const report_maker *maker, const nrbac_value *application)
{
    const nrbac_value *apis = nrbac_value_find(maker->from->catalogue, "apis");
    const nrbac_value *allowed = nrbac_value_find(application, "apis");
    nrbac_value *rows = nrbac_new_list(maker->document);
    for (size_t i = 0; i < nrbac_value_count(allowed); i++) {
        const nrbac_value *api = member_with_id(apis, nrbac_value_key(allowed, i));
        const nrbac_value *ids = nrbac_value_at(allowed, i);
        for (size_t k = 0; k < nrbac_value_count(ids); k++) {
            const nrbac_value *operation = member_with_id(
                nrbac_value_find(api, "operations"),
                nrbac_value_text(nrbac_value_at(ids, k)));
            add_row(maker, rows, row_for(maker, api, operation, application),
                    application);
        }
    }
    return rows;
}

static nrbac_value *open_rows(const report_maker *maker)
{
    const nrbac_value *apis = nrbac_value_find(maker->from->catalogue, "apis");
    nrbac_value *rows = nrbac_new_list(maker->document);
    for (size_t i = 0; i < nrbac_value_count(apis); i++) {
        const nrbac_value *api = nrbac_value_at(apis, i);
        const nrbac_value *operations = nrbac_value_find(api, "operations");
        for (size_t k = 0; k < nrbac_value_count(operations); k++) {
            nrbac_value *row = row_for(maker, api, nrbac_value_at(operations, k), NULL);
            if (nrbac_value_count(nrbac_value_find(row, "patterns")) > 0)
                add_row(maker, rows, row, NULL);
        }
    }
    return rows;
}

/* ---- Applications and APIs ------------------------------------------------------------- */

static nrbac_value *applications_of(const report_maker *maker)
{
    static const char *const members[] = {
        "id",     "name",      "file", "line", "authenticated_by", "organisations",
        "status", "suspended", NULL
    };
    const nrbac_value *all = nrbac_value_find(maker->from->catalogue, "applications");
    const char *wanted = maker->from->application;
    nrbac_value *list = nrbac_new_list(maker->document);
    for (size_t i = 0; i < nrbac_value_count(all); i++) {
        const nrbac_value *application = nrbac_value_at(all, i);
        if (wanted != NULL && strcmp(wanted, nr_text_at(application, "id")) != 0)
            continue;
        nrbac_value *map = nrbac_append(maker->document, list,
                                        nrbac_new_map(maker->document));
        copy_members(maker, map, application, members);
        nrbac_set(maker->document, map, "operations", rows_of(maker, application));
    }
    return list;
}

static nrbac_value *apis_of(const report_maker *maker)
{
    static const char *const members[] = { "id",   "name",       "file", "line",
                                           "rbac", "local_user", NULL };
    const nrbac_value *apis = nrbac_value_find(maker->from->catalogue, "apis");
    nrbac_value *list = nrbac_new_list(maker->document);
    for (size_t i = 0; i < nrbac_value_count(apis); i++) {
        nrbac_value *map = nrbac_append(maker->document, list,
                                        nrbac_new_map(maker->document));
        copy_members(maker, map, nrbac_value_at(apis, i), members);
    }
    return list;
}

/* ---- Counts ------------------------------------------------------------------------------ */

typedef struct row_counts {
    int64_t rows, proved, gaps;
} row_counts;

static void count_rows(row_counts *counts, const nrbac_value *rows)
{
    for (size_t i = 0; i < nrbac_value_count(rows); i++) {
        const nrbac_value *row = nrbac_value_at(rows, i);
        bool gap = nrbac_value_count(nrbac_value_find(row, "gaps")) > 0;
        bool proved = nrbac_value_count(nrbac_value_find(row, "permits")) > 0 ||
                      nrbac_value_count(nrbac_value_find(row, "denies")) > 0;
        counts->rows++;
        counts->gaps += gap;
        counts->proved += proved && !gap;
    }
}

static nrbac_value *counts_of(const report_maker *maker, const nrbac_value *report)
{
    const nrbac_value *applications = nrbac_value_find(report, "applications");
    row_counts counts = { 0 };
    for (size_t i = 0; i < nrbac_value_count(applications); i++)
        count_rows(&counts,
                   nrbac_value_find(nrbac_value_at(applications, i), "operations"));
    count_rows(&counts, nrbac_value_find(report, "open"));
    const struct {
        const char *key;
        int64_t count;
    } told[] = {
        { "applications", (int64_t)nrbac_value_count(applications) },
        { "apis", (int64_t)nrbac_value_count(nrbac_value_find(report, "apis")) },
        { "rows", counts.rows },
        { "rows_proved", counts.proved },
        { "rows_with_gaps", counts.gaps },
    };
    nrbac_value *map = nrbac_new_map(maker->document);
    for (size_t i = 0; i < NR_COUNT(told); i++)
        nrbac_set(maker->document, map, told[i].key,
                  nrbac_new_integer(maker->document, told[i].count));
    return map;
}

/* ---- The report --------------------------------------------------------------------------- */

static nrbac_value *policy_of(const report_maker *maker)
{
    static const char *const members[] = { "name",       "version", "nrd_version",
                                           "provenance", "digest",  NULL };
    nrbac_value *map = nrbac_new_map(maker->document);
    set_text(maker, map, "path", maker->from->path);
    set_text(maker, map, "kind", maker->from->suite == NULL ? "compiled" : "folder");
    copy_members(maker, map, maker->from->policy, members);
    return map;
}

nrbac_value *nr_assure_make(nrbac_document *document, const nr_assured *from)
{
    static const char *const words[] = { "suspended", "obligations", "names", "words",
                                         NULL };
    report_maker maker = { document, from };
    nrbac_value *report = nrbac_new_map(document);
    nrbac_set(document, report, "nrbac-assure", nrbac_new_integer(document, 1));
    set_text(&maker, report, "made_at", from->made_at);
    set_text(&maker, report, "nrbac_version", nrbac_version());
    nrbac_set(document, report, "policy", policy_of(&maker));
    nrbac_set(document, report, "application",
              from->application == NULL ? nrbac_new_null(document)
                                        : nrbac_new_text(document, from->application));
    nrbac_set(document, report, "tests", nr_assure_tests(document, from));
    nrbac_set(document, report, "applications", applications_of(&maker));
    nrbac_set(document, report, "open", open_rows(&maker));
    nrbac_set(document, report, "apis", apis_of(&maker));
    nrbac_set(document, report, "refusals", nr_assure_refusals(document, from));
    nrbac_set(document, report, "counts", counts_of(&maker, report));
    nrbac_set(document, report, "findings", nr_assure_findings(document, from, report));
    copy_members(&maker, report, from->catalogue, words);
    return nrbac_document_status(document) == NRBAC_OK ? report : NULL;
}
