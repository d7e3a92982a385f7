/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test file: subjects by name, then tests that say what each may do.
 */
#include "cli/suite.h"
#include "text/yaml.h"

#include <stdlib.h>
#include <string.h>

/* What is being read. */
typedef struct suite_reading {
    nr_suite *suite;
    const nr_source *source;
    struct {
        nr_test_subject *items;
        size_t count, room;
    } subjects;
} suite_reading;

static nr_diags *diags_of(suite_reading *reading)
{
    return &reading->suite->diags;
}

static nr_arena *arena_of(suite_reading *reading)
{
    return &reading->suite->arena;
}

/* ---- Subjects ---- */

static bool is_decimal(const char *text)
{
    size_t size = strlen(text);
    size_t digits = strspn(text, "0123456789");
    return size > 0 && size <= 18 && digits == size && (text[0] != '0' || size == 1);
}

static nrbac_value *scalar_of(nrbac_document *document, const nr_node *node, bool texts)
{
    if (nr_node_is_nothing(node))
        return nrbac_new_null(document);
    if (texts || !node->plain)
        return nrbac_new_text_of(document, node->text, node->size);
    if (is_decimal(node->text))
        return nrbac_new_integer(document, strtoll(node->text, NULL, 10));
    if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)
        return nrbac_new_boolean(document, node->text[0] == 't');
    return nrbac_new_text_of(document, node->text, node->size);
}

/* YAML as the JSON that an application would have sent. In our own `profile`
 * all is text, so codes and ids need no quotes there. The reader of YAML bounds
 * the depth. */
static nrbac_value *value_of(nrbac_document *document, const nr_node *node, bool texts)
{
    if (node->kind == NR_NODE_SCALAR)
        return scalar_of(document, node, texts);
    bool is_map = node->kind == NR_NODE_MAPPING;
    nrbac_value *value = is_map ? nrbac_new_map(document) : nrbac_new_list(document);
    for (const nr_node *child = node->first; child != NULL; child = child->next) {
        bool below = texts || (is_map && strcmp(child->key, "profile") == 0);
        nrbac_value *item = value_of(document, child, below);
        if (is_map)
            nrbac_set(document, value, child->key, item);
        else
            nrbac_append(document, value, item);
    }
    return value;
}

/* A file is named from the folder of the test file. */
static const char *path_beside(suite_reading *reading, const char *name)
{
    const char *here = reading->source->path;
    const char *slash = strrchr(here, '/');
    if (name[0] == '/' || slash == NULL)
        return name;
    return nr_arena_format(arena_of(reading), "%.*s/%s", (int)(slash - here), here,
                           name);
}

static nrbac_value *subject_of_file(suite_reading *reading, const nr_node *node)
{
    const char *name = nr_node_text(node, "`file`", diags_of(reading));
    const char *path = name == NULL ? NULL : path_beside(reading, name);
    const char *why = "";
    const nrbac_value *value = NULL;
    nrbac_error error = { "" };
    if (path == NULL)
        return NULL;
    nr_source *source = nr_source_read(arena_of(reading), path, NR_READ_FOLLOW, &why);
    if (source == NULL) {
        nr_diag_add(diags_of(reading), NR_DIAG_UNUSABLE_FILE, node->at, "`%s`: %s",
                    name, why);
        return NULL;
    }
    nrbac_document *document = reading->suite->document;
    if (nrbac_json_read(document, source->text, source->size, &value, &error) !=
        NRBAC_OK) {
        nr_diag_add(diags_of(reading), NR_DIAG_UNUSABLE_FILE, node->at, "`%s`: %s",
                    name, error.text);
        return NULL;
    }
    if (nrbac_value_kind(value) == NRBAC_KIND_MAP)
        return nrbac_value_copy(document, value);
    nr_diag_add(diags_of(reading), NR_DIAG_UNUSABLE_FILE, node->at,
                "`%s` is not a request's subject, which is an object", name);
    return NULL;
}

/* Properties as they stand; the type follows from their shape. */
static nrbac_value *subject_of_properties(suite_reading *reading, const nr_node *node)
{
    nrbac_document *document = reading->suite->document;
    bool patient = nr_node_find(node, "nhs_login") != NULL;
    nrbac_value *subject = nrbac_new_map(document);
    nrbac_set(document, subject, "type",
              nrbac_new_text(document, patient ? "patient" : "healthcare-worker"));
    nrbac_set(document, subject, "properties", value_of(document, node, false));
    return subject;
}

/* Whether the mapping holds what subjects are made of, `file` or not, and nothing
 * else. */
static bool has_known_keys(suite_reading *reading, const nr_node *node,
                           const char *what, bool file)
{
    static const char *const keys[] = { "file",         "profile", "userinfo",
                                        "id_token",     "saml",    "nhs_login",
                                        "role_profile", "aal",     "ial" };
    size_t before = diags_of(reading)->count;
    size_t first = file ? 0 : 1;
    for (const nr_node *child = node->first; child != NULL; child = child->next) {
        bool known = false;
        for (size_t i = first; i < NR_COUNT(keys); i++)
            known |= strcmp(child->key, keys[i]) == 0;
        if (!known)
            nr_node_unknown_key(child, what, keys + first, NR_COUNT(keys) - first,
                                diags_of(reading));
    }
    return diags_of(reading)->count == before;
}

static nrbac_value *read_subject(suite_reading *reading, const nr_node *node)
{
    if (!nr_node_is_mapping(node, "a subject", diags_of(reading)) ||
        !has_known_keys(reading, node, "a subject", true))
        return NULL;
    const nr_node *file = nr_node_find(node, "file");
    if (file == NULL)
        return subject_of_properties(reading, node);
    if (node->count == 1)
        return subject_of_file(reading, file);
    nr_diag_add(diags_of(reading), NR_DIAG_BAD_VALUE, file->key_at,
                "`file` stands alone: the subject is what the file says");
    return NULL;
}

static void read_subjects(suite_reading *reading, const nr_node *node)
{
    if (nr_node_is_nothing(node) ||
        !nr_node_is_mapping(node, "`subjects`", diags_of(reading)))
        return;
    for (const nr_node *child = node->first; child != NULL; child = child->next) {
        nr_test_subject *subject = nr_list_add(arena_of(reading), &reading->subjects);
        if (subject == NULL) {
            diags_of(reading)->failed = true;
            return;
        }
        subject->name = child->key;
        subject->subject = read_subject(reading, child);
    }
}

static nrbac_value *find_subject(suite_reading *reading, const nr_node *node)
{
    const char *name = nr_node_text(node, "`subject`", diags_of(reading));
    if (name == NULL)
        return NULL;
    for (size_t i = 0; i < reading->subjects.count; i++)
        if (strcmp(reading->subjects.items[i].name, name) == 0)
            return reading->subjects.items[i].subject;

    nr_diag *diag = nr_diag_add(diags_of(reading), NR_DIAG_UNKNOWN_NAME, node->at,
                                "there is no subject `%s` in this file", name);
    const char **names = nr_arena_new_array(arena_of(reading),
                                            reading->subjects.count + 1, const char *);
    for (size_t i = 0; names != NULL && i < reading->subjects.count; i++)
        names[i] = reading->subjects.items[i].name;
    const char *nearest = names == NULL
                              ? NULL
                              : nr_nearest_name(name, names, reading->subjects.count);
    if (nearest != NULL)
        nr_diag_help(diags_of(reading), diag, "did you mean `%s`?", nearest);
    return NULL;
}

/* ---- Expectations ---- */

static nr_expected *add_expected(suite_reading *reading, nr_test *test, nr_span at,
                                 const char *asked)
{
    nr_expected *expected = nr_list_add(arena_of(reading), &test->expected);
    if (expected == NULL) {
        diags_of(reading)->failed = true;
        return NULL;
    }
    expected->at = at;
    expected->asked = asked;
    return expected;
}

/* permit: [...] and deny: [...]. */
static void read_names(suite_reading *reading, nr_test *test, const nr_node *node,
                       bool permit)
{
    const char *what = permit ? "`permit`" : "`deny`";
    if (nr_node_is_nothing(node) || !nr_node_is_sequence(node, what, diags_of(reading)))
        return;
    for (const nr_node *child = node->first; child != NULL; child = child->next) {
        const char *asked = nr_node_text(child, "a name", diags_of(reading));
        nr_expected *expected = asked == NULL
                                    ? NULL
                                    : add_expected(reading, test, child->at, asked);
        if (expected == NULL)
            continue;
        expected->refused = !permit;
        expected->effect = permit ? NRBAC_PERMIT : NRBAC_DENY;
    }
}

static const struct {
    const char *slug;
    nrbac_effect effect;
} effects[] = {
#define NRBAC_EFFECT(number, NAME, slug) { slug, NRBAC_##NAME },
#include <nrbac/effect.def>
#undef NRBAC_EFFECT
};

static const struct {
    const char *slug;
    nrbac_effect effect;
} reasons[] = {
#define NRBAC_REASON(number, NAME, slug, effect, message, doc) { slug, NRBAC_##effect },
#include <nrbac/reason.def>
#undef NRBAC_REASON
};

/* The words of "permit requirement-met with ask, tell". */
typedef struct expect_phrase {
    suite_reading *reading;
    const nr_node *node;
    const char *at; /* the rest */
} expect_phrase;

static const char *next_word(expect_phrase *phrase)
{
    phrase->at += strspn(phrase->at, " ");
    size_t size = strcspn(phrase->at, " ");
    if (size == 0)
        return NULL;
    const char *word = nr_arena_copy(arena_of(phrase->reading), phrase->at, size);
    phrase->at += size;
    if (word == NULL)
        diags_of(phrase->reading)->failed = true;
    return word;
}

/* The place of the word that was read last. */
static nr_span word_place(const expect_phrase *phrase, const char *word)
{
    size_t end = (size_t)(phrase->at - phrase->node->text);
    return nr_node_part(phrase->node, end - strlen(word), end);
}

static bool read_effect(expect_phrase *phrase, nr_expected *expected)
{
    const char *word = next_word(phrase);
    if (word == NULL)
        return false;
    for (size_t i = 0; i < NR_COUNT(effects); i++) {
        if (strcmp(effects[i].slug, word) == 0) {
            expected->effect = effects[i].effect;
            return true;
        }
    }
    const char *slugs[NR_COUNT(effects)];
    for (size_t i = 0; i < NR_COUNT(effects); i++)
        slugs[i] = effects[i].slug;
    nr_diags *diags = diags_of(phrase->reading);
    nr_diag *diag = nr_diag_add(diags, NR_DIAG_BAD_VALUE, word_place(phrase, word),
                                "`%s` is not an effect", word);
    const char *nearest = nr_nearest_name(word, slugs, NR_COUNT(slugs));
    if (nearest != NULL)
        nr_diag_help(diags, diag, "did you mean `%s`?", nearest);
    else
        nr_diag_help(diags, diag, "permit, deny, indeterminate or not-applicable");
    return false;
}

static bool read_reason(expect_phrase *phrase, nr_expected *expected, const char *word)
{
    nr_diags *diags = diags_of(phrase->reading);
    const char *slugs[NR_COUNT(reasons)];
    for (size_t i = 0; i < NR_COUNT(reasons); i++) {
        slugs[i] = reasons[i].slug;
        if (strcmp(reasons[i].slug, word) != 0)
            continue;
        expected->reason = word;
        if (reasons[i].effect == expected->effect)
            return true;
        nr_diag_add(diags, NR_DIAG_BAD_VALUE, word_place(phrase, word),
                    "`%s` is a reason to %s, not to %s", word,
                    nrbac_effect_slug(reasons[i].effect),
                    nrbac_effect_slug(expected->effect));
        return false;
    }
    nr_diag *diag = nr_diag_add(diags, NR_DIAG_UNKNOWN_NAME, word_place(phrase, word),
                                "`%s` is not a reason", word);
    const char *nearest = nr_nearest_name(word, slugs, NR_COUNT(slugs));
    if (nearest != NULL)
        nr_diag_help(diags, diag, "did you mean `%s`?", nearest);
    return false;
}

static int by_text(const void *a, const void *b)
{
    const char *const *one = a, *const *other = b;
    return strcmp(*one, *other);
}

/* "ask, tell": the rest of the phrase. */
static bool read_obligations(expect_phrase *phrase, nr_expected *expected)
{
    nr_arena *arena = arena_of(phrase->reading);
    expected->with = true;
    expected->obligations = nr_arena_new_array(arena, NRBAC_OBLIGATION_MAX,
                                               const char *);
    while (expected->obligations != NULL) {
        phrase->at += strspn(phrase->at, " ,");
        size_t size = strcspn(phrase->at, " ,");
        if (size == 0)
            break;
        if (expected->obligation_count == NRBAC_OBLIGATION_MAX) {
            nr_diag_add(diags_of(phrase->reading), NR_DIAG_BAD_VALUE, phrase->node->at,
                        "no permit carries more than %d obligations",
                        (int)NRBAC_OBLIGATION_MAX);
            return false;
        }
        const char *id = nr_arena_copy(arena, phrase->at, size);
        if (id == NULL)
            break;
        expected->obligations[expected->obligation_count++] = id;
        phrase->at += size;
    }
    if (expected->obligations == NULL || *phrase->at != '\0') {
        diags_of(phrase->reading)->failed = true;
        return false;
    }
    qsort(expected->obligations, expected->obligation_count, sizeof(const char *),
          by_text);
    if (expected->obligation_count > 0)
        return true;
    nr_diag_add(diags_of(phrase->reading), NR_DIAG_BAD_VALUE, phrase->node->at,
                "`with` is followed by obligations");
    return false;
}

static bool read_phrase(expect_phrase *phrase, nr_expected *expected)
{
    if (!read_effect(phrase, expected))
        return false;
    const char *word = next_word(phrase);
    if (word != NULL && strcmp(word, "with") != 0) {
        if (!read_reason(phrase, expected, word))
            return false;
        word = next_word(phrase);
    }
    if (word == NULL)
        return true;
    if (strcmp(word, "with") == 0)
        return read_obligations(phrase, expected);
    nr_diag_add(diags_of(phrase->reading), NR_DIAG_BAD_VALUE, word_place(phrase, word),
                "`%s` is one word too many: an effect, a reason, `with` obligations",
                word);
    return false;
}

static void read_expect(suite_reading *reading, nr_test *test, const nr_node *node)
{
    if (nr_node_is_nothing(node) ||
        !nr_node_is_mapping(node, "`expect`", diags_of(reading)))
        return;
    for (const nr_node *child = node->first; child != NULL; child = child->next) {
        const char *text = nr_node_text(child, "an expectation", diags_of(reading));
        nr_expected *expected = text == NULL ? NULL
                                             : add_expected(reading, test,
                                                            child->key_at, child->key);
        if (expected != NULL)
            (void)read_phrase(&(expect_phrase){ reading, child, text }, expected);
    }
}

/* ---- Tests ---- */

static const char *optional_text(suite_reading *reading, const nr_node *node,
                                 const char *what)
{
    return node == NULL ? NULL : nr_node_text(node, what, diags_of(reading));
}

/* One of these words, so that a slip of the pen does not pass for a refusal. */
static const char *one_of(suite_reading *reading, const nr_node *node, const char *what,
                          const char *const *words, size_t count)
{
    int chosen = node == NULL
                     ? -1
                     : nr_node_choice(node, what, words, count, diags_of(reading));
    return chosen < 0 ? NULL : words[chosen];
}

static const char *const ways[] = { "api-key", "signed-jwt", "tls-ma" };

static const char *const patterns[] = {
#define NRBAC_PATTERN(number, NAME, slug, PROOF, USER, aal, doc) slug,
#include <nrbac/pattern.def>
#undef NRBAC_PATTERN
};

/* The application: its id, or `{ id, authenticated_by }`. */
static void read_application(suite_reading *reading, nr_test *test, const nr_node *node)
{
    static const nr_field fields[] = { { "id", true }, { "authenticated_by", false } };
    const nr_node *values[NR_COUNT(fields)];
    const char **texts = test->given.texts;
    if (node == NULL)
        return;
    if (node->kind != NR_NODE_MAPPING) {
        texts[NR_OVERRIDE_APPLICATION] = optional_text(reading, node, "`application`");
        return;
    }
    if (!nr_node_fields(node, "`application`", fields, NR_COUNT(fields), values,
                        diags_of(reading)))
        return;
    texts[NR_OVERRIDE_APPLICATION] = optional_text(reading, values[0], "`id`");
    texts[NR_OVERRIDE_AUTHENTICATED_BY] = one_of(
        reading, values[1], "`authenticated_by`", ways, NR_COUNT(ways));
}

/* Members of maps are merged, all else is replaced. */
static nrbac_value *merged(nrbac_document *document, const nrbac_value *under,
                           const nrbac_value *over)
{
    if (nrbac_value_kind(under) != NRBAC_KIND_MAP ||
        nrbac_value_kind(over) != NRBAC_KIND_MAP)
        return nrbac_value_copy(document, over);
    nrbac_value *made = nrbac_new_map(document);
    for (size_t i = 0; i < nrbac_value_count(under); i++) {
        const char *key = nrbac_value_key(under, i);
        if (nrbac_value_find(over, key) == NULL)
            nrbac_set(document, made, key,
                      nrbac_value_copy(document, nrbac_value_at(under, i)));
    }
    for (size_t i = 0; i < nrbac_value_count(over); i++) {
        const char *key = nrbac_value_key(over, i);
        nrbac_set(
            document, made, key,
            merged(document, nrbac_value_find(under, key), nrbac_value_at(over, i)));
    }
    return made;
}

/* What differs from the subject's properties in this test. */
static void read_evidence(suite_reading *reading, nr_test *test, const nr_node *node)
{
    nrbac_document *document = reading->suite->document;
    if (node == NULL || nr_node_is_nothing(node) ||
        !nr_node_is_mapping(node, "`evidence`", diags_of(reading)) ||
        !has_known_keys(reading, node, "`evidence`", false))
        return;
    if (test->unattended) {
        nr_diag_add(diags_of(reading), NR_DIAG_BAD_VALUE, node->at,
                    "`evidence` changes that of a subject, and this test has none");
        return;
    }
    if (test->subject == NULL)
        return; /* told already */
    nrbac_value *over = nrbac_new_map(document);
    nrbac_set(document, over, "properties", value_of(document, node, false));
    test->subject = merged(document, test->subject, over);
}

static void read_given(suite_reading *reading, nr_test *test, const nr_node *node)
{
    static const nr_field fields[] = {
        { "role_profile", false }, { "organisation", false }, { "api", false },
        { "record", false },       { "acting_as", false },    { "on_behalf_of", false },
        { "pattern", false },      { "time", false },         { "application", false },
        { "evidence", false }
    };
    static const struct {
        nr_override member;
        const char *what;
    } texts[] = { { NR_OVERRIDE_ROLE_PROFILE, "`role_profile`" },
                  { NR_OVERRIDE_ORGANISATION, "`organisation`" },
                  { NR_OVERRIDE_API, "`api`" },
                  { NR_OVERRIDE_RECORD, "`record`" },
                  { NR_OVERRIDE_ACTING_AS, "`acting_as`" },
                  { NR_OVERRIDE_ON_BEHALF_OF, "`on_behalf_of`" } };
    const nr_node *values[NR_COUNT(fields)];
    if (nr_node_is_nothing(node) ||
        !nr_node_fields(node, "`given`", fields, NR_COUNT(fields), values,
                        diags_of(reading)))
        return;
    for (size_t i = 0; i < NR_COUNT(texts); i++)
        test->given.texts[texts[i].member] = optional_text(reading, values[i],
                                                           texts[i].what);
    test->given.texts[NR_OVERRIDE_PATTERN] = one_of(reading, values[6], "`pattern`",
                                                    patterns, NR_COUNT(patterns));
    test->time = optional_text(reading, values[7], "`time`");
    read_application(reading, test, values[8]);
    read_evidence(reading, test, values[9]);
}

static void read_test(suite_reading *reading, const nr_node *node)
{
    static const nr_field fields[] = { { "name", true },   { "subject", false },
                                       { "given", false }, { "permit", false },
                                       { "deny", false },  { "expect", false } };
    const nr_node *values[NR_COUNT(fields)];
    if (!nr_node_fields(node, "a test", fields, NR_COUNT(fields), values,
                        diags_of(reading)))
        return;
    nr_test *test = nr_list_add(arena_of(reading), &reading->suite->tests);
    if (test == NULL) {
        diags_of(reading)->failed = true;
        return;
    }
    test->at = node->at;
    if (values[0] != NULL)
        test->name = nr_node_text(values[0], "`name`", diags_of(reading));
    if (values[1] != NULL)
        test->subject = find_subject(reading, values[1]);
    test->unattended = values[1] == NULL;
    read_given(reading, test, values[2]);
    if (values[3] != NULL)
        read_names(reading, test, values[3], true);
    if (values[4] != NULL)
        read_names(reading, test, values[4], false);
    if (values[5] != NULL)
        read_expect(reading, test, values[5]);
    if (values[3] == NULL && values[4] == NULL && values[5] == NULL)
        nr_diag_add(diags_of(reading), NR_DIAG_MISSING_KEY, node->at,
                    "a test expects something: `permit`, `deny` or `expect`");
}

static bool read_header(suite_reading *reading, const nr_node *root)
{
    const nr_node *version = nr_node_find(root, "nrbac-test");
    int64_t number;
    if (version == NULL || root->first != version) {
        nr_diag *diag = nr_diag_add(diags_of(reading), NR_DIAG_MISSING_HEADER, root->at,
                                    "a test file starts with its version");
        nr_diag_help(diags_of(reading), diag, "nrbac-test: 1");
        return false;
    }
    return nr_node_integer(version, "`nrbac-test`", 1, 1, &number, diags_of(reading));
}

void nr_suite_read_file(nr_suite *suite, const nr_source *source)
{
    static const nr_field fields[] = { { "nrbac-test", true },
                                       { "subjects", false },
                                       { "tests", true } };
    const nr_node *values[NR_COUNT(fields)];
    suite_reading reading = { .suite = suite, .source = source };
    nr_node *root = nr_yaml_read(&suite->arena, source, &suite->diags);
    if (root == NULL || !nr_node_is_mapping(root, "a test file", &suite->diags) ||
        !read_header(&reading, root) ||
        !nr_node_fields(root, "a test file", fields, NR_COUNT(fields), values,
                        &suite->diags))
        return;
    if (values[1] != NULL)
        read_subjects(&reading, values[1]);
    if (nr_node_is_nothing(values[2]) ||
        !nr_node_is_sequence(values[2], "`tests`", &suite->diags))
        return;
    for (const nr_node *child = values[2]->first; child != NULL; child = child->next)
        read_test(&reading, child);
}
