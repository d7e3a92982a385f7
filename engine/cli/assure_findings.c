/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reader should see first: what fails, what is missing, what is unusual.
 */
#include "cli/assure.h"

#include <string.h>

typedef struct finding_kind {
    const char *code;
    const char *weight; /* "failure", "gap", "note" */
    const char *message;
} finding_kind;

typedef struct finder {
    nrbac_document *document;
    const nr_assured *from;
    const nrbac_value *report;
    nrbac_value *findings;
} finder;

static void set_text(const finder *find, nrbac_value *map, const char *key,
                     const char *text)
{
    nrbac_set(find->document, map, key, nrbac_new_text(find->document, text));
}

/* A finding, with the list of what it is about. */
static nrbac_value *add_finding(const finder *find, const finding_kind *kind,
                                nrbac_value *about)
{
    nrbac_value *finding = nrbac_append(find->document, find->findings,
                                        nrbac_new_map(find->document));
    set_text(find, finding, "code", kind->code);
    set_text(find, finding, "weight", kind->weight);
    set_text(find, finding, "message", kind->message);
    return nrbac_set(find->document, finding, "about", about);
}

static void add_unless_empty(const finder *find, const finding_kind *kind,
                             nrbac_value *about)
{
    if (nrbac_value_count(about) > 0)
        add_finding(find, kind, about);
}

/* ---- Rows ---------------------------------------------------------------------------- */

static bool is(const nrbac_value *value, const char *member)
{
    return nrbac_value_boolean(nrbac_value_find(value, member));
}

static bool holds_text(const nrbac_value *list, const char *text)
{
    for (size_t i = 0; i < nrbac_value_count(list); i++)
        if (strcmp(nrbac_value_text(nrbac_value_at(list, i)), text) == 0)
            return true;
    return false;
}

static bool lacks_permit(const nrbac_value *row)
{
    return holds_text(nrbac_value_find(row, "gaps"), "no-permitting-test");
}

static bool lacks_denial(const nrbac_value *row)
{
    return holds_text(nrbac_value_find(row, "gaps"), "no-denying-test");
}

/* None of its patterns is of use; an application that is stopped is told apart. */
static bool is_never_permitted(const nrbac_value *row)
{
    const nrbac_value *patterns = nrbac_value_find(row, "patterns");
    for (size_t i = 0; i < nrbac_value_count(patterns); i++)
        if (is(nrbac_value_at(patterns, i), "usable"))
            return false;
    return true;
}

static bool is_unauthorised(const nrbac_value *row, const nrbac_value *pattern)
{
    (void)row;
    return is(pattern, "usable") && nr_assure_is_unauthorised(pattern);
}

static bool is_open(const nrbac_value *row, const nrbac_value *pattern)
{
    (void)row;
    return strcmp(nr_text_at(pattern, "pattern"), "open-access") == 0;
}

/* ---- Requirements that ask for nothing that somebody was given ---- */

/* Whether whoever meets the part has something that was given to them: a role, an
 * activity. Levels, organisations and what a request says of itself are not. As deep
 * as requirements may be written. */
static bool asks_for_grant(const nrbac_value *part)
{
    static const char *const granted[] = { "activity", "role", "area_of_work",
                                           "workgroup", "proofing" };
    const char *key = nrbac_value_key(part, 0);
    const nrbac_value *parts = nrbac_value_at(part, 0);
    if (key == NULL)
        return false;
    for (size_t i = 0; i < NR_COUNT(granted); i++)
        if (strcmp(key, granted[i]) == 0)
            return true;
    if (nrbac_value_kind(parts) != NRBAC_KIND_LIST)
        return false;
    bool any = strcmp(key, "any") == 0;
    for (size_t i = 0; i < nrbac_value_count(parts); i++)
        if (asks_for_grant(nrbac_value_at(parts, i)) != any)
            return !any;
    return any;
}

static bool takes_any_user(const nrbac_value *row)
{
    const nrbac_value *requirement = nrbac_value_find(row, "requirement");
    return nrbac_value_kind(requirement) == NRBAC_KIND_MAP &&
           !asks_for_grant(requirement);
}

/* Where some test permits the operation, but none under this pattern. */
static bool is_untried(const nrbac_value *row, const nrbac_value *pattern)
{
    const nrbac_value *proved = nrbac_value_find(row, "proved_patterns");
    return is(pattern, "usable") && nrbac_value_count(proved) > 0 &&
           !holds_text(proved, nr_text_at(pattern, "pattern"));
}

/* Found by looking at a row, or at each of its patterns. */
typedef struct row_finding {
    finding_kind kind;
    bool (*row)(const nrbac_value *row);
    bool (*pattern)(const nrbac_value *row, const nrbac_value *pattern);
} row_finding;

static const row_finding row_findings[] = {
    { { "user-authorised-by-nobody", "gap",
        "Nobody authorises the user: NHS England does not, and this policy asks nothing "
        "of them." },
      NULL,
      is_unauthorised },
    { { "never-permitted", "gap",
        "Allowed, but never permitted: no pattern offered fits the ways in which the "
        "application authenticates, or a user is required where none is taken." },
      is_never_permitted,
      NULL },
    { { "no-permitting-test", "gap", "No passed test shows that it is permitted." },
      lacks_permit,
      NULL },
    { { "no-denying-test", "gap", "No passed test shows that it is denied." },
      lacks_denial,
      NULL },
    { { "pattern-untried", "gap",
        "Passed tests show that it is permitted, but not under these patterns." },
      NULL,
      is_untried },
    { { "any-user", "note",
        "Asks for nothing that somebody was given: whoever signed in as required may." },
      takes_any_user,
      NULL },
    { { "open-access", "note",
        "Open to anybody: nobody authenticates or authorises the caller." },
      NULL,
      is_open },
};

static nrbac_value *patterns_found(const finder *find, const row_finding *found,
                                   const nrbac_value *row)
{
    const nrbac_value *patterns = nrbac_value_find(row, "patterns");
    nrbac_value *list = nrbac_new_list(find->document);
    for (size_t i = 0; i < nrbac_value_count(patterns); i++) {
        const nrbac_value *pattern = nrbac_value_at(patterns, i);
        if (found->pattern(row, pattern))
            nrbac_append(
                find->document, list,
                nrbac_new_text(find->document, nr_text_at(pattern, "pattern")));
    }
    return list;
}

static void look_at_rows(const finder *find, const row_finding *found,
                         const nrbac_value *application, nrbac_value *about)
{
    const nrbac_value *rows = application == NULL
                                  ? nrbac_value_find(find->report, "open")
                                  : nrbac_value_find(application, "operations");
    for (size_t i = 0; i < nrbac_value_count(rows); i++) {
        const nrbac_value *row = nrbac_value_at(rows, i);
        nrbac_value *patterns = found->pattern == NULL
                                    ? NULL
                                    : patterns_found(find, found, row);
        if (found->row != NULL ? !found->row(row) : nrbac_value_count(patterns) == 0)
            continue;
        nrbac_value *item = nrbac_append(find->document, about,
                                         nrbac_new_map(find->document));
        nrbac_set(find->document, item, "application",
                  application == NULL
                      ? nrbac_new_null(find->document)
                      : nrbac_new_text(find->document, nr_text_at(application, "id")));
        set_text(find, item, "api", nr_text_at(row, "api"));
        set_text(find, item, "operation", nr_text_at(row, "operation"));
        if (patterns != NULL)
            nrbac_set(find->document, item, "patterns", patterns);
    }
}

static void find_in_rows(const finder *find)
{
    const nrbac_value *applications = nrbac_value_find(find->report, "applications");
    for (size_t f = 0; f < NR_COUNT(row_findings); f++) {
        nrbac_value *about = nrbac_new_list(find->document);
        for (size_t i = 0; i < nrbac_value_count(applications); i++)
            look_at_rows(find, &row_findings[f], nrbac_value_at(applications, i),
                         about);
        look_at_rows(find, &row_findings[f], NULL, about);
        add_unless_empty(find, &row_findings[f].kind, about);
    }
}

/* ---- Applications -------------------------------------------------------------------- */

static bool calls_nothing(const nrbac_value *application)
{
    return nrbac_value_count(nrbac_value_find(application, "operations")) == 0;
}

static bool is_suspended(const nrbac_value *application)
{
    return nrbac_value_kind(nrbac_value_find(application, "suspended")) ==
           NRBAC_KIND_MAP;
}

static bool is_closed(const nrbac_value *application)
{
    return strcmp(nr_text_at(application, "status"), "closed") == 0;
}

static void find_in_applications(const finder *find)
{
    static const struct {
        finding_kind kind;
        bool (*found)(const nrbac_value *application);
    } kinds[] = {
        { { "calls-nothing", "note", "These applications may call nothing." },
          calls_nothing },
        { { "application-suspended", "note",
            "These applications are suspended: everything is refused to them." },
          is_suspended },
        { { "application-closed", "note",
            "These applications are closed: everything is refused to them for good." },
          is_closed },
    };
    const nrbac_value *all = nrbac_value_find(find->report, "applications");
    for (size_t k = 0; k < NR_COUNT(kinds); k++) {
        nrbac_value *about = nrbac_new_list(find->document);
        for (size_t i = 0; i < nrbac_value_count(all); i++) {
            const nrbac_value *application = nrbac_value_at(all, i);
            if (!kinds[k].found(application))
                continue;
            nrbac_value *item = nrbac_append(find->document, about,
                                             nrbac_new_map(find->document));
            set_text(find, item, "application", nr_text_at(application, "id"));
            if (is_suspended(application))
                set_text(find, item, "reason",
                         nr_text_at(application, "suspended.reason"));
        }
        add_unless_empty(find, &kinds[k].kind, about);
    }
}

/* ---- The policy ------------------------------------------------------------------------ */

static void find_in_policy(const finder *find)
{
    static const finding_kind failed = { "test-failed", "failure",
                                         "Tests fail: the policy does not decide what "
                                         "its authors expect." };
    static const finding_kind example = {
        "example-policy", "gap",
        "The policy says of itself that it is an example: nobody answers for it."
    };
    static const finding_kind compiled = {
        "no-tests", "gap",
        "This is a compiled policy, which has no tests: nothing here is proved. Give "
        "the folder that it was compiled from."
    };
    static const finding_kind untested = {
        "no-tests", "gap", "The policy has no tests: nothing here is proved."
    };
    static const finding_kind without = {
        "no-apis", "gap",
        "The policy declares no APIs. Its functions and codes are not what this report "
        "is about."
    };
    const nrbac_value *failures = nr_member_at(find->report, "tests.failures");
    add_unless_empty(find, &failed, nrbac_value_copy(find->document, failures));
    if (strcmp(nr_text_at(find->report, "policy.provenance"), "example") == 0)
        add_finding(find, &example, nrbac_new_list(find->document));
    if (!nrbac_value_boolean(nr_member_at(find->report, "tests.run")))
        add_finding(find, find->from->suite == NULL ? &compiled : &untested,
                    nrbac_new_list(find->document));
    if (nrbac_value_count(nrbac_value_find(find->report, "apis")) == 0)
        add_finding(find, &without, nrbac_new_list(find->document));
}

/* Codes that are suspended, and therefore count for nobody. */
static void find_suspensions(const finder *find)
{
    static const finding_kind kind = { "code-suspended", "note",
                                       "Suspended: these count for nobody." };
    const nrbac_value *all = nrbac_value_find(find->from->catalogue, "suspended");
    nrbac_value *about = nrbac_new_list(find->document);
    for (size_t i = 0; i < nrbac_value_count(all); i++) {
        const nrbac_value *one = nrbac_value_at(all, i);
        if (strcmp(nr_text_at(one, "kind"), "application") != 0)
            nrbac_append(find->document, about, nrbac_value_copy(find->document, one));
    }
    add_unless_empty(find, &kind, about);
}

static bool is_called(const finder *find, const char *api, const char *operation)
{
    const nrbac_value *all = nrbac_value_find(find->from->catalogue, "applications");
    for (size_t i = 0; i < nrbac_value_count(all); i++) {
        const nrbac_value *apis = nrbac_value_find(nrbac_value_at(all, i), "apis");
        if (holds_text(nrbac_value_find(apis, api), operation))
            return true;
    }
    return false;
}

static bool is_offered_openly(const nrbac_value *operation)
{
    const nrbac_value *patterns = nrbac_value_find(operation, "patterns");
    for (size_t i = 0; i < nrbac_value_count(patterns); i++)
        if (is_open(operation, nrbac_value_at(patterns, i)))
            return true;
    return false;
}

static void look_for_uncalled(const finder *find, const nrbac_value *api,
                              nrbac_value *about)
{
    const nrbac_value *operations = nrbac_value_find(api, "operations");
    for (size_t i = 0; i < nrbac_value_count(operations); i++) {
        const nrbac_value *operation = nrbac_value_at(operations, i);
        if (is_offered_openly(operation) ||
            is_called(find, nr_text_at(api, "id"), nr_text_at(operation, "id")))
            continue;
        nrbac_value *item = nrbac_append(find->document, about,
                                         nrbac_new_map(find->document));
        set_text(find, item, "api", nr_text_at(api, "id"));
        set_text(find, item, "operation", nr_text_at(operation, "id"));
    }
}

static void find_uncalled(const finder *find)
{
    static const finding_kind kind = { "uncalled-operation", "note",
                                       "No application may call these operations, so "
                                       "they have no row." };
    const nrbac_value *apis = nrbac_value_find(find->from->catalogue, "apis");
    nrbac_value *about = nrbac_new_list(find->document);
    for (size_t i = 0; i < nrbac_value_count(apis); i++)
        look_for_uncalled(find, nrbac_value_at(apis, i), about);
    add_unless_empty(find, &kind, about);
}

nrbac_value *nr_assure_findings(nrbac_document *document, const nr_assured *from,
                                const nrbac_value *report)
{
    finder find = { document, from, report, nrbac_new_list(document) };
    find_in_policy(&find);
    find_in_rows(&find);
    find_in_applications(&find);
    find_suspensions(&find);
    if (from->application == NULL)
        find_uncalled(&find);
    return find.findings;
}
