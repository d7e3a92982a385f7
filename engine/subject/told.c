/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as a document, and back: every member of nrbac_request and of what it
 * refers to stands in one of the tables below, and nowhere else. What is NULL, 0 or
 * empty is not told, so that reading into zeroed memory gives it back.
 */
#include "base/value.h"

#include <nrbac/recorder.h>

#include <limits.h>
#include <string.h>

typedef enum form {
    TEXT,
    LIST,   /* of texts; those that are NULL name nothing, and are not told */
    WORD,   /* an enum, by its word; one that has none by its number */
    LEVEL,  /* an int, shifted by one */
    MOMENT, /* Unix seconds */
    FLAG,
} form;

typedef struct words {
    const char *const *items;
    size_t count;
} words;

typedef struct member {
    const char *key;
    form form;
    size_t at;    /* where the record has it */
    size_t count; /* where it has the count of a LIST */
    const words *words;
} member;

typedef struct members {
    const member *items;
    size_t count;
} members;

static const char *const type_words[] = { "none", "healthcare-worker", "patient" };
static const char *const evidence_words[] = { "profile", "cis2", "cis1", "nhs-login" };
static const char *const finding_words[] = { "asserted", "verified", "refused" };
static const char *const grant_words[] = { "unknown", "application", "cis2",
                                           "nhs-login" };

#define WORDS(array)   (&(const words){ (array), NR_COUNT(array) })
#define MEMBERS(array) ((members){ (array), NR_COUNT(array) })

static const member asked_members[] = {
    { "action", TEXT, offsetof(nrbac_request, action), 0, NULL },
    { "nhs_number", TEXT, offsetof(nrbac_request, nhs_number), 0, NULL },
    { "time", MOMENT, offsetof(nrbac_request, time), 0, NULL },
};

static const member request_members[] = {
    { "organisation", TEXT, offsetof(nrbac_request, organisation), 0, NULL },
    { "application", TEXT, offsetof(nrbac_request, application), 0, NULL },
    { "api", TEXT, offsetof(nrbac_request, api), 0, NULL },
    { "authenticated_by", TEXT, offsetof(nrbac_request, authenticated_by), 0, NULL },
    { "pattern", TEXT, offsetof(nrbac_request, pattern), 0, NULL },
    { "acting_as", TEXT, offsetof(nrbac_request, acting_as), 0, NULL },
    { "on_behalf_of", TEXT, offsetof(nrbac_request, on_behalf_of), 0, NULL },
};

static const member subject_members[] = {
    { "type", WORD, offsetof(nrbac_subject, type), 0, WORDS(type_words) },
    { "evidence", WORD, offsetof(nrbac_subject, evidence), 0, WORDS(evidence_words) },
    { "id", TEXT, offsetof(nrbac_subject, id), 0, NULL },
    { "nhs_number", TEXT, offsetof(nrbac_subject, nhs_number), 0, NULL },
    { "actor", TEXT, offsetof(nrbac_subject, actor), 0, NULL },
    { "sid", TEXT, offsetof(nrbac_subject, sid), 0, NULL },
    { "token_choice", TEXT, offsetof(nrbac_subject, token_choice), 0, NULL },
    { "caller_choice", TEXT, offsetof(nrbac_subject, caller_choice), 0, NULL },
    { "aal", LEVEL, offsetof(nrbac_subject, aal), 0, NULL },
    { "ial", LEVEL, offsetof(nrbac_subject, ial), 0, NULL },
    { "proofing", LEVEL, offsetof(nrbac_subject, proofing), 0, NULL },
    { "expires_at", MOMENT, offsetof(nrbac_subject, expires_at), 0, NULL },
    { "mismatched", FLAG, offsetof(nrbac_subject, mismatched), 0, NULL },
    { "inactive", FLAG, offsetof(nrbac_subject, inactive), 0, NULL },
    { "training", FLAG, offsetof(nrbac_subject, training), 0, NULL },
};

static const member profile_members[] = {
    { "id", TEXT, offsetof(nrbac_profile, id), 0, NULL },
    { "role", TEXT, offsetof(nrbac_profile, role), 0, NULL },
    { "organisation", TEXT, offsetof(nrbac_profile, organisation), 0, NULL },
    { "areas_of_work", LIST, offsetof(nrbac_profile, areas_of_work),
      offsetof(nrbac_profile, area_of_work_count), NULL },
    { "activities", LIST, offsetof(nrbac_profile, activities),
      offsetof(nrbac_profile, activity_count), NULL },
    { "workgroups", LIST, offsetof(nrbac_profile, workgroups),
      offsetof(nrbac_profile, workgroup_count), NULL },
    { "opens_at", MOMENT, offsetof(nrbac_profile, opens_at), 0, NULL },
    { "closes_at", MOMENT, offsetof(nrbac_profile, closes_at), 0, NULL },
};

static const member finding_members[] = {
    { "user", WORD, offsetof(nrbac_findings, user), 0, WORDS(finding_words) },
    { "application", WORD, offsetof(nrbac_findings, application), 0,
      WORDS(finding_words) },
    { "grant", WORD, offsetof(nrbac_findings, grant), 0, WORDS(grant_words) },
    { "fault", TEXT, offsetof(nrbac_findings, fault), 0, NULL },
    { "verified", LIST, offsetof(nrbac_findings, verified),
      offsetof(nrbac_findings, verified_count), NULL },
    { "expires_at", MOMENT, offsetof(nrbac_findings, expires_at), 0, NULL },
    { "expiring", LIST, offsetof(nrbac_findings, expiring),
      offsetof(nrbac_findings, expiring_count), NULL },
};

_Static_assert(sizeof(nrbac_subject_type) == sizeof(int) &&
                   sizeof(nrbac_evidence) == sizeof(int) &&
                   sizeof(nrbac_finding) == sizeof(int) &&
                   sizeof(nrbac_grant) == sizeof(int),
               "words are read and written as int");

/* ---- Telling ----------------------------------------------------------------------- */

static void tell_texts(nrbac_document *document, nrbac_value *map, const member *m,
                       const void *record)
{
    const char *const *texts;
    size_t count;
    memcpy(&texts, (const char *)record + m->at, sizeof(texts));
    memcpy(&count, (const char *)record + m->count, sizeof(count));
    if (count == 0)
        return;
    nrbac_value *list = nrbac_set(document, map, m->key, nrbac_new_list(document));
    for (size_t i = 0; i < count; i++)
        if (texts[i] != NULL)
            nrbac_append(document, list, nrbac_new_text(document, texts[i]));
}

static void tell_text(nrbac_document *document, nrbac_value *map, const member *m,
                      const void *record)
{
    const char *text;
    memcpy(&text, (const char *)record + m->at, sizeof(text));
    if (text != NULL)
        nrbac_set(document, map, m->key, nrbac_new_text(document, text));
}

static int int_at(const member *m, const void *record)
{
    int number;
    memcpy(&number, (const char *)record + m->at, sizeof(number));
    return number;
}

static nrbac_value *word_of(nrbac_document *document, const words *known, int number)
{
    return number > 0 && (size_t)number < known->count
               ? nrbac_new_text(document, known->items[number])
               : nrbac_new_integer(document, number);
}

/* NULL: not to be told. */
static nrbac_value *number_of(nrbac_document *document, const member *m,
                              const void *record)
{
    int64_t moment;
    bool flag;
    switch (m->form) {
    case MOMENT:
        memcpy(&moment, (const char *)record + m->at, sizeof(moment));
        return moment == 0 ? NULL : nrbac_new_integer(document, moment);
    case FLAG:
        memcpy(&flag, (const char *)record + m->at, sizeof(flag));
        return flag ? nrbac_new_boolean(document, true) : NULL;
    case LEVEL:
        moment = int_at(m, record);
        return moment == 0 ? NULL : nrbac_new_integer(document, moment - 1);
    case WORD:
        return int_at(m, record) == 0 ? NULL
                                      : word_of(document, m->words, int_at(m, record));
    case TEXT:
    case LIST:
        break;
    }
    return NULL;
}

static void tell(nrbac_document *document, nrbac_value *map, members of,
                 const void *record)
{
    for (size_t i = 0; i < of.count; i++) {
        const member *m = &of.items[i];
        nrbac_value *number;
        if (m->form == TEXT)
            tell_text(document, map, m, record);
        else if (m->form == LIST)
            tell_texts(document, map, m, record);
        else if ((number = number_of(document, m, record)) != NULL)
            nrbac_set(document, map, m->key, number);
    }
}

static void tell_subject(nrbac_document *document, nrbac_value *map,
                         const nrbac_subject *subject)
{
    nrbac_value *told = nrbac_new_map(document);
    tell(document, told, MEMBERS(subject_members), subject);
    if (subject->profile_count != 0) {
        nrbac_value *profiles = nrbac_set(document, told, "profiles",
                                          nrbac_new_list(document));
        for (size_t i = 0; i < subject->profile_count; i++) {
            nrbac_value *profile = nrbac_append(document, profiles,
                                                nrbac_new_map(document));
            tell(document, profile, MEMBERS(profile_members), &subject->profiles[i]);
        }
    }
    if (nrbac_value_count(told) != 0)
        nrbac_set(document, map, "subject", told);
}

nrbac_value *nrbac_request_tell(const nrbac_request *request, unsigned parts,
                                nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    if ((parts & NRBAC_TELL_ASKED) != 0)
        tell(document, map, MEMBERS(asked_members), request);
    if ((parts & NRBAC_TELL_CIRCUMSTANCES) != 0) {
        tell_subject(document, map, &request->subject);
        tell(document, map, MEMBERS(request_members), request);
        if (request->findings != NULL)
            tell(document,
                 nrbac_set(document, map, "findings", nrbac_new_map(document)),
                 MEMBERS(finding_members), request->findings);
    }
    return document->failed ? NULL : map;
}

/* ---- Comparing --------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_texts(const member *m, const void *a, const void *b)
{
    const char *const *texts[2];
    size_t counts[2];
    memcpy(&texts[0], (const char *)a + m->at, sizeof(texts[0]));
    memcpy(&texts[1], (const char *)b + m->at, sizeof(texts[1]));
    memcpy(&counts[0], (const char *)a + m->count, sizeof(counts[0]));
    memcpy(&counts[1], (const char *)b + m->count, sizeof(counts[1]));
    if (counts[0] != counts[1])
        return false;
    for (size_t i = 0; i < counts[0]; i++)
        if (!same_text(texts[0][i], texts[1][i]))
            return false;
    return true;
}

static bool same_member(const member *m, const void *a, const void *b)
{
    const char *texts[2];
    switch (m->form) {
    case TEXT:
        memcpy(&texts[0], (const char *)a + m->at, sizeof(texts[0]));
        memcpy(&texts[1], (const char *)b + m->at, sizeof(texts[1]));
        return same_text(texts[0], texts[1]);
    case LIST:
        return same_texts(m, a, b);
    case MOMENT:
        return memcmp((const char *)a + m->at, (const char *)b + m->at,
                      sizeof(int64_t)) == 0;
    case FLAG:
        return memcmp((const char *)a + m->at, (const char *)b + m->at, sizeof(bool)) ==
               0;
    default:
        return int_at(m, a) == int_at(m, b);
    }
}

static bool same(members of, const void *a, const void *b)
{
    for (size_t i = 0; i < of.count; i++)
        if (!same_member(&of.items[i], a, b))
            return false;
    return true;
}

static bool same_subject(const nrbac_subject *a, const nrbac_subject *b)
{
    if (a->profile_count != b->profile_count || !same(MEMBERS(subject_members), a, b))
        return false;
    for (size_t i = 0; i < a->profile_count; i++)
        if (!same(MEMBERS(profile_members), &a->profiles[i], &b->profiles[i]))
            return false;
    return true;
}

bool nrbac_request_same(const nrbac_request *a, const nrbac_request *b)
{
    if ((a->findings == NULL) != (b->findings == NULL))
        return false;
    return same_subject(&a->subject, &b->subject) &&
           same(MEMBERS(request_members), a, b) &&
           (a->findings == NULL ||
            same(MEMBERS(finding_members), a->findings, b->findings));
}

/* ---- Reading ----------------------------------------------------------------------- */

static nrbac_status read_list(nrbac_document *document, const member *m,
                              const nrbac_value *value, void *record)
{
    size_t count = nrbac_value_count(value);
    if (nrbac_value_kind(value) != NRBAC_KIND_LIST)
        return NRBAC_E_FORMAT;
    const char **texts = nr_arena_new_array(&document->arena, count, const char *);
    if (texts == NULL)
        return NRBAC_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        texts[i] = nrbac_value_text(nrbac_value_at(value, i));
        if (texts[i] == NULL)
            return NRBAC_E_FORMAT;
    }
    memcpy((char *)record + m->at, &texts, sizeof(texts));
    memcpy((char *)record + m->count, &count, sizeof(count));
    return NRBAC_OK;
}

static bool int_of(int64_t number, int *out)
{
    if (number < INT_MIN || number > INT_MAX)
        return false;
    *out = (int)number;
    return true;
}

static bool read_word(const words *known, const nrbac_value *value, int *out)
{
    const char *text = nrbac_value_text(value);
    for (size_t i = 0; text != NULL && i < known->count; i++) {
        *out = (int)i;
        if (strcmp(text, known->items[i]) == 0)
            return true;
    }
    return text == NULL && int_of(nrbac_value_integer(value), out);
}

static nrbac_status read_member(nrbac_document *document, const member *m,
                                const nrbac_value *value, void *record)
{
    static const nrbac_kind kinds[] = {
        [TEXT] = NRBAC_KIND_TEXT,      [LIST] = NRBAC_KIND_LIST,
        [WORD] = NRBAC_KIND_TEXT,      [LEVEL] = NRBAC_KIND_INTEGER,
        [MOMENT] = NRBAC_KIND_INTEGER, [FLAG] = NRBAC_KIND_BOOLEAN,
    };
    char *to = (char *)record + m->at;
    nrbac_kind kind = nrbac_value_kind(value);
    if (kind != kinds[m->form] && !(m->form == WORD && kind == NRBAC_KIND_INTEGER))
        return NRBAC_E_FORMAT;
    const char *text = nrbac_value_text(value);
    int64_t number = nrbac_value_integer(value);
    bool flag = nrbac_value_boolean(value);
    int word = 0;
    switch (m->form) {
    case LIST:
        return read_list(document, m, value, record);
    case TEXT:
        memcpy(to, &text, sizeof(text));
        return NRBAC_OK;
    case MOMENT:
        memcpy(to, &number, sizeof(number));
        return NRBAC_OK;
    case FLAG:
        memcpy(to, &flag, sizeof(flag));
        return NRBAC_OK;
    case LEVEL:
        if (number == INT64_MAX || !int_of(number + 1, &word))
            return NRBAC_E_FORMAT;
        break;
    case WORD:
        if (!read_word(m->words, value, &word))
            return NRBAC_E_FORMAT;
        break;
    }
    memcpy(to, &word, sizeof(word));
    return NRBAC_OK;
}

static const member *member_of(members of, const char *key)
{
    for (size_t i = 0; i < of.count; i++)
        if (strcmp(of.items[i].key, key) == 0)
            return &of.items[i];
    return NULL;
}

/* Reads the members of a map but for the one that is `apart`. */
static nrbac_status read_members(nrbac_document *document, members of,
                                 const char *apart, const nrbac_value *map,
                                 void *record)
{
    if (nrbac_value_kind(map) != NRBAC_KIND_MAP)
        return NRBAC_E_FORMAT;
    for (size_t i = 0; i < nrbac_value_count(map); i++) {
        const char *key = nrbac_value_key(map, i);
        const member *m = member_of(of, key);
        if (m != NULL)
            NR_TRY(read_member(document, m, nrbac_value_at(map, i), record));
        else if (apart == NULL || strcmp(key, apart) != 0)
            return NRBAC_E_FORMAT;
    }
    return NRBAC_OK;
}

static nrbac_status read_profiles(nrbac_document *document, const nrbac_value *list,
                                  nrbac_subject *subject)
{
    size_t count = nrbac_value_count(list);
    if (nrbac_value_kind(list) != NRBAC_KIND_LIST)
        return NRBAC_E_FORMAT;
    nrbac_profile *profiles = nr_arena_new_array(&document->arena, count,
                                                 nrbac_profile);
    if (profiles == NULL)
        return NRBAC_E_MEMORY;
    for (size_t i = 0; i < count; i++)
        NR_TRY(read_members(document, MEMBERS(profile_members), NULL,
                            nrbac_value_at(list, i), &profiles[i]));
    subject->profiles = profiles;
    subject->profile_count = count;
    return NRBAC_OK;
}

static nrbac_status read_subject(nrbac_document *document, const nrbac_value *map,
                                 nrbac_subject *subject)
{
    const nrbac_value *profiles = nrbac_value_find(map, "profiles");
    NR_TRY(read_members(document, MEMBERS(subject_members), "profiles", map, subject));
    return profiles == NULL ? NRBAC_OK : read_profiles(document, profiles, subject);
}

static nrbac_status read_findings(nrbac_document *document, const nrbac_value *map,
                                  nrbac_request *request)
{
    nrbac_findings *findings = nr_arena_new(&document->arena, nrbac_findings);
    if (findings == NULL)
        return NRBAC_E_MEMORY;
    request->findings = findings;
    return read_members(document, MEMBERS(finding_members), NULL, map, findings);
}

static nrbac_status read_request_member(nrbac_document *document, const char *key,
                                        const nrbac_value *value,
                                        nrbac_request *request)
{
    const member *m = member_of(MEMBERS(asked_members), key);
    if (m == NULL)
        m = member_of(MEMBERS(request_members), key);
    if (m != NULL)
        return read_member(document, m, value, request);
    if (strcmp(key, "subject") == 0)
        return read_subject(document, value, &request->subject);
    if (strcmp(key, "findings") == 0)
        return read_findings(document, value, request);
    return NRBAC_E_FORMAT;
}

nrbac_status nrbac_request_read(const nrbac_value *told, nrbac_document *document,
                                nrbac_request *request)
{
    if (nrbac_value_kind(told) != NRBAC_KIND_MAP)
        return NRBAC_E_FORMAT;
    for (size_t i = 0; i < nrbac_value_count(told); i++)
        NR_TRY(read_request_member(document, nrbac_value_key(told, i),
                                   nrbac_value_at(told, i), request));
    return NRBAC_OK;
}
