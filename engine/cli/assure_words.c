/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phrases of a report. What parties and duties are called is the library's to
 * say; here the words are put together.
 */
#include "cli/assure.h"

#include <string.h>

const char *const nr_assure_principles[] = {
    "Under a user-restricted pattern NHS England authenticates the user and does not "
    "authorise them: the calling application must, and its supplier has to show that "
    "it does.",
    "Under an application-restricted pattern nobody at NHS England authenticates a user "
    "at all: whoever uses the application is its supplier's to answer for.",
    "Under a combined pattern the application is told nothing of who the user is: it "
    "can decide only on the profile that it holds itself.",
    NULL,
};

const char *const nr_assure_limits[] = {
    "It shows what the policy decides, and that its tests were run on it now. It does "
    "not show that the application asks before each call and obeys the answer.",
    "Tests say what an application knows of its user. It does not show that this was "
    "checked: how tokens, keys and certificates are verified is in the evidence "
    "settings of the daemon or the application that asks (nrbac-evidence(5)), and each "
    "answer says what was verified.",
    "Where the policy states what NHS England's APIs ask for, it is only as right as "
    "whoever wrote it.",
    NULL,
};

const char *nr_assure_format(const nr_assure_view *view, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *text = nr_arena_format_v(view->arena, format, arguments);
    va_end(arguments);
    return text == NULL ? "" : text;
}

const char *nr_assure_stated(const nrbac_value *from, const char *path)
{
    const char *text = nr_text_at(from, path);
    return text[0] == '\0' ? "not stated" : text;
}

const char *nr_assure_place(const nr_assure_view *view, const nrbac_value *from)
{
    return nr_assure_format(
        view, "%s:%lld", nr_text_at(from, "file"),
        (long long)nrbac_value_integer(nrbac_value_find(from, "line")));
}

const char *nr_assure_list(const nr_assure_view *view, const nrbac_value *list,
                           const char *between, const char *none)
{
    const char *text = none;
    for (size_t i = 0; i < nrbac_value_count(list); i++) {
        const char *item = nrbac_value_text(nrbac_value_at(list, i));
        text = i == 0 ? item : nr_assure_format(view, "%s%s%s", text, between, item);
    }
    return text == NULL ? "" : text;
}

const char *nr_assure_count(const nr_assure_view *view, const char *member,
                            const char *one)
{
    int64_t count = nrbac_value_integer(nr_member_at(view->report, member));
    return nr_assure_format(view, "%lld %s%s", (long long)count, one,
                            count == 1 ? "" : "s");
}

bool nr_assure_goes_on(const nr_assure_view *view, const nrbac_value *last,
                       const nrbac_value *item)
{
    static const char *const shared[] = { "application", "api" };
    const nrbac_value *one = nrbac_value_find(last, "patterns");
    const nrbac_value *other = nrbac_value_find(item, "patterns");
    if (last == NULL || item == NULL)
        return false;
    for (size_t i = 0; i < NR_COUNT(shared); i++)
        if (strcmp(nr_text_at(last, shared[i]), nr_text_at(item, shared[i])) != 0)
            return false;
    return strcmp(nr_assure_list(view, one, " ", ""),
                  nr_assure_list(view, other, " ", "")) == 0;
}

/* ---- Who ------------------------------------------------------------------------------ */

/* "the API platform" */
static const char *party(const nr_assure_view *view, const char *slug)
{
    const nrbac_value *parties = nr_member_at(view->report, "words.parties");
    return nr_text_at(nrbac_value_find(parties, slug), "label");
}

static bool is(const nrbac_value *value, const char *path, const char *text)
{
    return strcmp(nr_text_at(value, path), text) == 0;
}

const char *nr_assure_application(const nr_assure_view *view,
                                  const nrbac_value *pattern, bool authorised)
{
    const nrbac_value *ways = nr_member_at(pattern, "application.ways");
    const char *by = nr_text_at(pattern, "application.authorised_by");
    if (authorised && strcmp(by, "nobody") == 0)
        return "nobody";
    if (authorised)
        return nr_assure_format(view, "%s, and this policy", party(view, by));
    const char *who = party(view, nr_text_at(pattern, "application.authenticated_by"));
    if (nrbac_value_count(ways) == 0)
        return who;
    return nr_assure_format(view, "%s, by %s", who,
                            nr_assure_list(view, ways, " or ", ""));
}

static const char *who_authenticates(const nr_assure_view *view,
                                     const nrbac_value *pattern)
{
    const char *by = nr_text_at(pattern, "user.authenticated_by");
    const char *service = nr_text_at(pattern, "user.identity_service");
    const nrbac_value *aal = nrbac_value_find(pattern, "aal");
    if (is(pattern, "user.takes", "nobody"))
        return "nobody: no user takes part";
    if (is(pattern, "user.authenticated_by", "application"))
        return "the application itself; nobody at NHS England";
    const char *text = service[0] == '\0' || strcmp(service, by) == 0
                           ? party(view, by)
                           : nr_assure_format(view, "%s, with %s", party(view, by),
                                              party(view, service));
    if (nrbac_value_kind(aal) == NRBAC_KIND_INTEGER)
        text = nr_assure_format(view, "%s, at AAL%lld", text,
                                (long long)nrbac_value_integer(aal));
    return text;
}

bool nr_assure_is_unauthorised(const nrbac_value *pattern)
{
    return is(pattern, "user.authorised_by", "nobody") &&
           !is(pattern, "user.takes", "nobody");
}

const char *nr_assure_user(const nr_assure_view *view, const nrbac_value *pattern,
                           bool authorised)
{
    if (!authorised)
        return who_authenticates(view, pattern);
    if (is(pattern, "user.takes", "nobody"))
        return "nobody";
    if (nr_assure_is_unauthorised(pattern))
        return "NOBODY";
    bool combined = is(pattern, "user.authenticated_by", "api-platform");
    return nr_assure_format(
        view, "the application, by this policy%s%s",
        is(pattern, "user.takes", "patient") ? ", for the patient's own record" : "",
        combined ? ", on what it holds of the user itself" : "");
}

const char *nr_assure_duties(const nr_assure_view *view, const nrbac_value *pattern)
{
    const nrbac_value *words = nr_member_at(view->report, "words.duties");
    const nrbac_value *duties = nrbac_value_find(pattern, "supplier");
    const char *text = "";
    for (size_t i = 0; i < nrbac_value_count(duties); i++) {
        const char *slug = nrbac_value_text(nrbac_value_at(duties, i));
        text = nr_assure_format(view, "%s%s%s", text, i == 0 ? "" : "; ",
                                nr_text_at(nrbac_value_find(words, slug), "label"));
    }
    return text;
}

const char *nr_assure_unusable(const nrbac_value *pattern)
{
    if (nrbac_value_boolean(nrbac_value_find(pattern, "usable")))
        return "";
    return nrbac_value_boolean(nrbac_value_find(pattern, "can_permit"))
               ? "not usable: the application does not authenticate in this way"
               : "never permits: the operation requires a user, and takes none";
}

/* ---- What is required ------------------------------------------------------------------- */

/* A code with its name, where the policy gives it one. */
static const char *code(const nr_assure_view *view, const char *text)
{
    const char *name = nrbac_value_text(
        nrbac_value_find(nrbac_value_find(view->report, "names"), text));
    return name == NULL || name[0] == '\0'
               ? text
               : nr_assure_format(view, "%s %s", text, name);
}

const char *nr_assure_obligation(const nr_assure_view *view, const nrbac_value *id)
{
    const char *text = nrbac_value_text(id);
    if (text == NULL)
        return "";
    const char *name = nrbac_value_text(
        nrbac_value_find(nrbac_value_find(view->report, "obligations"), text));
    return name == NULL || name[0] == '\0'
               ? text
               : nr_assure_format(view, "%s (%s)", name, text);
}

/* What each kind of part is in words; `%s` is its text, and its name if it has one. */
static const struct {
    const char *key;
    const char *words;
} atoms[] = {
    { "activity", "%s" },
    { "role", "job role %s" },
    { "area_of_work", "area of work %s" },
    { "workgroup", "workgroup %s" },
    { "organisation", "acting for %s" },
    { "aal", "AAL%s or higher" },
    { "ial", "IAL%s or higher" },
    { "proofing", "identity proofing at %s or higher" },
    { "acting_as", "acting as %s" },
    { "on_behalf_of", "saying on whose behalf" },
};

static const char *atom(const nr_assure_view *view, const char *key, const char *text)
{
    if (strcmp(key, "organisation") == 0 && strcmp(text, "request") == 0)
        return "acting for the organisation that the request names";
    for (size_t i = 0; i < NR_COUNT(atoms); i++) {
        if (strcmp(atoms[i].key, key) != 0)
            continue;
        const char *hole = strstr(atoms[i].words, "%s");
        return hole == NULL
                   ? atoms[i].words
                   : nr_assure_format(view, "%.*s%s%s", (int)(hole - atoms[i].words),
                                      atoms[i].words, text, hole + 2);
    }
    return nr_assure_format(view, "%s %s", key, text);
}

static const char *number(const nr_assure_view *view, const nrbac_value *value)
{
    return nr_assure_format(view, "%lld", (long long)nrbac_value_integer(value));
}

static const char *with_obligations(const nr_assure_view *view, const char *text,
                                    const nrbac_value *obligations)
{
    for (size_t i = 0; i < nrbac_value_count(obligations); i++)
        text = nr_assure_format(
            view, "%s%s%s", text, i == 0 ? ", obliged to: " : "; ",
            nr_assure_obligation(view, nrbac_value_at(obligations, i)));
    return text;
}

const char *nr_assure_part(const nr_assure_view *view, const nrbac_value *part)
{
    const char *key = nrbac_value_key(part, 0);
    const nrbac_value *operand = nrbac_value_at(part, 0);
    const char *text = "";
    if (key == NULL)
        return "";
    if (nrbac_value_kind(operand) == NRBAC_KIND_LIST)
        text = nr_assure_format(view, "%s of", key);
    else if (nrbac_value_kind(operand) == NRBAC_KIND_INTEGER)
        text = atom(view, key, number(view, operand));
    else
        text = atom(view, key, code(view, nr_text_at(part, key)));
    return with_obligations(view, text, nrbac_value_find(part, "obligations"));
}
