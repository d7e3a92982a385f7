/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML of evidence settings, without `applications` (settings_applications.c).
 */
#include "verify/settings_read.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SKEW_STANDARD = 10, WARN_DAYS_STANDARD = 30 };

const char *nr_settings_keep(nr_settings_reading *reading, const char *text)
{
    const char *copy = nr_arena_string(&reading->settings->arena, text);
    reading->diags.failed |= copy == NULL;
    return copy == NULL ? "" : copy;
}

const char *nr_settings_text(nr_settings_reading *reading, const nr_node *node,
                             const char *what)
{
    const char *text = node == NULL ? NULL : nr_node_text(node, what, &reading->diags);
    return text == NULL ? NULL : nr_settings_keep(reading, text);
}

void nr_settings_words(nr_settings_reading *reading, const nr_node *node,
                       const char *what, nr_words *words)
{
    nr_diags *diags = &reading->diags;
    if (node == NULL || !nr_node_is_sequence(node, what, diags))
        return;
    if (node->count == 0)
        nr_diag_add(diags, NR_DIAG_BAD_VALUE, node->at, "%s is empty", what);
    if (node->count > NR_WORD_MAX) {
        nr_diag_add(diags, NR_DIAG_TOO_LARGE, node->at, "%s has more than %d items",
                    what, NR_WORD_MAX);
        return;
    }
    for (const nr_node *item = node->first; item != NULL; item = item->next) {
        const char *text = nr_settings_text(reading, item, what);
        const char **place = text == NULL
                                 ? NULL
                                 : nr_list_add(&reading->settings->arena, words);
        if (place != NULL)
            *place = text;
        else if (text != NULL)
            diags->failed = true;
    }
}

int64_t nr_settings_day(nr_settings_reading *reading, const nr_node *node,
                        const char *what)
{
    const char *text = node == NULL ? NULL : nr_node_text(node, what, &reading->diags);
    int64_t seconds = 0;
    if (text == NULL || nr_date_read(text, &seconds))
        return seconds == 0 && text != NULL ? 1 : seconds; /* 0 is "no end" */
    nr_diag_add(&reading->diags, NR_DIAG_BAD_VALUE, node->at,
                "%s must be a day such as 2027-03-31, but is `%.40s`", what, text);
    return 0;
}

/* ---- Files --------------------------------------------------------------------------- */

/* A file is named from the folder of the settings. */
static const char *path_of(nr_settings_reading *reading, const char *name)
{
    const char *here = reading->settings->path;
    const char *slash = strrchr(here, '/');
    if (name[0] == '/' || slash == NULL)
        return name;
    const char *path = nr_arena_format(&reading->settings->arena, "%.*s/%s",
                                       (int)(slash - here), here, name);
    reading->diags.failed |= path == NULL;
    return path == NULL ? "" : path;
}

static uint32_t find_file(const nr_settings *settings, const char *name,
                          nr_file_kind kind)
{
    for (size_t i = 0; i < settings->files.count; i++) {
        const nr_file *file = &settings->files.items[i];
        if (file->kind == kind && strcmp(file->name, name) == 0)
            return (uint32_t)i;
    }
    return NR_NONE;
}

uint32_t nr_settings_file(nr_settings_reading *reading, const nr_node *node,
                          const char *what, nr_file_kind kind)
{
    nr_settings *settings = reading->settings;
    const char *name = nr_settings_text(reading, node, what);
    if (name == NULL)
        return NR_NONE;
    uint32_t number = find_file(settings, name, kind);
    if (number != NR_NONE)
        return number;
    nr_file *file = nr_list_add(&settings->arena, &settings->files);
    nr_span *place = nr_list_add(reading->diags.arena, &reading->places);
    if (file == NULL || place == NULL) {
        reading->diags.failed = true;
        return NR_NONE;
    }
    *file = (nr_file){ .kind = kind, .name = name, .path = path_of(reading, name) };
    *place = node->at;
    return (uint32_t)(settings->files.count - 1);
}

/* ---- Small parts --------------------------------------------------------------------- */

unsigned nr_settings_algorithms(nr_settings_reading *reading, const nr_node *node)
{
    nr_diags *diags = &reading->diags;
    unsigned bits = 0;
    if (node == NULL)
        return NR_ALGORITHMS_ALL;
    if (!nr_node_is_sequence(node, "`algorithms`", diags))
        return 0;
    if (node->count == 0)
        nr_diag_add(diags, NR_DIAG_BAD_VALUE, node->at, "`algorithms` is empty");
    for (const nr_node *item = node->first; item != NULL; item = item->next) {
        int number = nr_node_choice(item, "an algorithm", nr_algorithm_names,
                                    NR_ALGORITHM_COUNT, diags);
        if (number >= 0)
            bits |= 1u << number;
    }
    return bits;
}

void nr_settings_own(nr_settings_reading *reading, nr_owned owned, const char *text,
                     nr_span at)
{
    nr_arena *arena = &reading->settings->arena;
    uint32_t before = owned.owners->names.count;
    uint32_t number = nr_names_intern(&owned.owners->names, text, strlen(text));
    if (number != NR_NONE && number < before) {
        uint32_t other = owned.owners->applications.items[number];
        nr_diag_add(&reading->diags, NR_DIAG_DUPLICATE_DEFINITION, at,
                    "%s belongs to `%s` already", owned.what,
                    reading->settings->applications.items[other].id);
        return;
    }
    uint32_t *place = number == NR_NONE
                          ? NULL
                          : nr_list_add(arena, &owned.owners->applications);
    if (place == NULL)
        reading->diags.failed = true;
    else
        *place = owned.application;
}

static void read_require(nr_settings_reading *reading, const nr_node *node)
{
    static const char *const words[] = { "application", "id_token", "userinfo" };
    nr_settings *settings = reading->settings;
    if (node == NULL || !nr_node_is_sequence(node, "`require`", &reading->diags))
        return;
    for (const nr_node *item = node->first; item != NULL; item = item->next) {
        int word = nr_node_choice(item, "what `require` lists", words, NR_COUNT(words),
                                  &reading->diags);
        settings->require_application |= word == 0;
        settings->require_id_token |= word == 1;
        settings->require_userinfo |= word == 2;
    }
}

static void read_api(nr_settings_reading *reading, const nr_node *node)
{
    nr_settings *settings = reading->settings;
    const char *name = nr_settings_text(reading, node, "an API's name in scopes");
    if (name == NULL)
        return;
    if (strpbrk(name, " \t") != NULL) {
        nr_diag_add(&reading->diags, NR_DIAG_BAD_VALUE, node->at,
                    "an API's name in scopes holds no blanks");
        return;
    }
    const char **place = nr_list_add(&settings->arena, &settings->api_names);
    if (place == NULL ||
        nr_names_intern(&settings->apis, node->key, strlen(node->key)) == NR_NONE)
        reading->diags.failed = true;
    else
        *place = name;
}

static void read_apis(nr_settings_reading *reading, const nr_node *node)
{
    if (node == NULL || !nr_node_is_mapping(node, "`apis`", &reading->diags))
        return;
    if (node->count > NR_API_MAX)
        nr_diag_add(&reading->diags, NR_DIAG_TOO_LARGE, node->key_at,
                    "`apis` has more than %d items", NR_API_MAX);
    for (const nr_node *child = node->first; child != NULL; child = child->next)
        read_api(reading, child);
}

/* ---- Issuers ------------------------------------------------------------------------- */

static void read_trust(nr_settings_reading *reading, const nr_node *const *values,
                       nr_trust *trust)
{
    trust->issuer = nr_settings_text(reading, values[0], "`issuer`");
    nr_settings_words(reading, values[1], "`audience`", &trust->audience);
    trust->keys = nr_settings_file(reading, values[2], "`keys`", NR_FILE_KEYS);
    trust->algorithms = nr_settings_algorithms(reading, values[3]);
}

/* A token says only who issued it, so that must name one. */
static void check_issuer(nr_settings_reading *reading, const nr_issuer *issuer,
                         nr_span at)
{
    const nr_settings *settings = reading->settings;
    for (size_t i = 0; i + 1 < settings->issuers.count; i++) {
        const nr_issuer *other = &settings->issuers.items[i];
        if (other->kind == issuer->kind && other->trust.issuer != NULL &&
            strcmp(other->trust.issuer, issuer->trust.issuer) == 0)
            nr_diag_add(&reading->diags, NR_DIAG_DUPLICATE_DEFINITION, at,
                        "the issuer `%.80s` is `%s` already, of the same kind",
                        issuer->trust.issuer, other->name);
    }
}

static void read_issuer(nr_settings_reading *reading, const nr_node *node)
{
    static const nr_field fields[] = { { "issuer", true },
                                       { "audience", true },
                                       { "keys", true },
                                       { "algorithms", false },
                                       { "kind", true } };
    static const char *const kinds[NR_ISSUER_KIND_COUNT] = {
        [NR_ISSUER_CIS2] = "cis2",
        [NR_ISSUER_NHS_LOGIN] = "nhs-login",
        [NR_ISSUER_PLATFORM] = "platform",
    };
    const nr_node *values[NR_COUNT(fields)];
    nr_settings *settings = reading->settings;
    if (!nr_node_fields(node, "an issuer", fields, NR_COUNT(fields), values,
                        &reading->diags))
        return;
    nr_issuer *issuer = nr_list_add(&settings->arena, &settings->issuers);
    if (issuer == NULL) {
        reading->diags.failed = true;
        return;
    }
    *issuer = (nr_issuer){ .name = nr_settings_keep(reading, node->key) };
    read_trust(reading, values, &issuer->trust);
    int kind = values[4] == NULL
                   ? -1
                   : nr_node_choice(values[4], "`kind`", kinds, NR_ISSUER_KIND_COUNT,
                                    &reading->diags);
    issuer->kind = kind < 0 ? NR_ISSUER_KIND_COUNT : (nr_issuer_kind)kind;
    if (issuer->trust.issuer != NULL)
        check_issuer(reading, issuer, values[0]->at);
}

static void read_issuers(nr_settings_reading *reading, const nr_node *node)
{
    if (node == NULL || !nr_node_is_mapping(node, "`issuers`", &reading->diags))
        return;
    if (node->count > NR_ISSUER_MAX) {
        nr_diag_add(&reading->diags, NR_DIAG_TOO_LARGE, node->key_at,
                    "`issuers` has more than %d issuers", NR_ISSUER_MAX);
        return;
    }
    for (const nr_node *child = node->first; child != NULL; child = child->next)
        read_issuer(reading, child);
}

/* ---- The file ------------------------------------------------------------------------ */

enum {
    KEY_HEADER,
    KEY_ISSUERS,
    KEY_APPLICATIONS,
    KEY_AUTHORITIES,
    KEY_APIS,
    KEY_REQUIRE,
    KEY_SKEW,
    KEY_WARN,
    KEY_COUNT,
};

static const nr_field fields[KEY_COUNT] = {
    [KEY_HEADER] = { "nrbac-evidence", true },
    [KEY_ISSUERS] = { "issuers", false },
    [KEY_APPLICATIONS] = { "applications", false },
    [KEY_AUTHORITIES] = { "authorities", false },
    [KEY_APIS] = { "apis", false },
    [KEY_REQUIRE] = { "require", false },
    [KEY_SKEW] = { "clock_skew", false },
    [KEY_WARN] = { "warn_days", false },
};

static int64_t read_number(nr_settings_reading *reading, const nr_node *node,
                           const char *what, int64_t most, int64_t standard)
{
    int64_t number = standard;
    if (node != NULL)
        (void)nr_node_integer(node, what, 0, most, &number, &reading->diags);
    return number;
}

static bool check_header(nr_settings_reading *reading, const nr_node *root)
{
    nr_diags *diags = &reading->diags;
    const nr_node *version = nr_node_find(root, "nrbac-evidence");
    int64_t number = 0;
    if (version == NULL || root->first != version) {
        nr_span at = root->first == NULL ? root->at : root->first->key_at;
        nr_diag *diag = nr_diag_add(diags, NR_DIAG_MISSING_HEADER, at,
                                    "evidence settings start with their version");
        nr_diag_help(diags, diag, "write `nrbac-evidence: 1` as the first line");
        return false;
    }
    return nr_node_integer(version, "`nrbac-evidence`", 1, 1, &number, diags);
}

static void read_all(nr_settings_reading *reading, const nr_node *root)
{
    const nr_node *values[KEY_COUNT];
    nr_settings *settings = reading->settings;
    if (!nr_node_is_mapping(root, "a file of evidence settings", &reading->diags) ||
        !check_header(reading, root) ||
        !nr_node_fields(root, "a file of evidence settings", fields, KEY_COUNT, values,
                        &reading->diags))
        return;
    read_issuers(reading, values[KEY_ISSUERS]);
    if (values[KEY_AUTHORITIES] != NULL)
        settings->authorities = nr_settings_file(reading, values[KEY_AUTHORITIES],
                                                 "`authorities`", NR_FILE_AUTHORITIES);
    nr_settings_applications(reading, values[KEY_APPLICATIONS]);
    read_apis(reading, values[KEY_APIS]);
    read_require(reading, values[KEY_REQUIRE]);
    settings->clock_skew = read_number(reading, values[KEY_SKEW], "`clock_skew`",
                                       NR_SKEW_MAX, SKEW_STANDARD);
    settings->warn_seconds = NR_DAY_SECONDS *
                             read_number(reading, values[KEY_WARN], "`warn_days`",
                                         NR_WARN_DAYS_MAX, WARN_DAYS_STANDARD);
}

void nr_settings_read(nr_settings_reading *reading, const nr_source *source)
{
    nr_settings *settings = calloc(1, sizeof(*settings));
    reading->settings = settings;
    if (settings == NULL) {
        reading->diags.failed = true;
        return;
    }
    atomic_init(&settings->refs, 1);
    settings->authorities = NR_NONE;
    settings->opened_at = (int64_t)time(NULL);
    settings->ids.names.arena = &settings->arena;
    settings->client_ids.names.arena = &settings->arena;
    settings->assertors.names.arena = &settings->arena;
    settings->apis.arena = &settings->arena;
    settings->path = nr_settings_keep(reading, source->path);
    const nr_node *root = nr_yaml_read(reading->diags.arena, source, &reading->diags);
    if (root != NULL)
        read_all(reading, root);
}
