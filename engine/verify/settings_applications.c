/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part `applications` of evidence settings. What proves one application may not
 * prove another: a mistake here would let one of them act as the other.
 */
#include "verify/settings_read.h"

#include "base/hex.h"
#include "verify/certificate.h"

#include <string.h>

enum { SALT_MIN = 16 };

/* What every application has proves something; kept apart by their kinds, so that a
 * subject is not taken for a file. */
typedef struct owners_of_certificates {
    nr_owners files, fingerprints, subjects, hashes;
} owners_of_certificates;

typedef struct application_reading {
    nr_settings_reading *settings;
    nr_application *application;
    uint32_t number;
    owners_of_certificates *owners;
} application_reading;

static nr_diags *diags_of(application_reading *reading)
{
    return &reading->settings->diags;
}

static nr_arena *arena_of(application_reading *reading)
{
    return &reading->settings->settings->arena;
}

/* Room for one more; false when out of memory. */
static bool had_memory(application_reading *reading, const void *place)
{
    diags_of(reading)->failed |= place == NULL;
    return place != NULL;
}

static void own(application_reading *reading, nr_owners *owners, const char *what,
                const char *text, nr_span at)
{
    nr_owned owned = { owners, reading->number, what };
    nr_settings_own(reading->settings, owned, text, at);
}

/* False for a list that is none, or is too long, after a diagnostic. */
static bool is_short_list(application_reading *reading, const nr_node *node,
                          const char *what)
{
    if (node == NULL || !nr_node_is_sequence(node, what, diags_of(reading)))
        return false;
    if (node->count > 0 && node->count <= NR_WORD_MAX)
        return true;
    if (node->count == 0)
        nr_diag_add(diags_of(reading), NR_DIAG_BAD_VALUE, node->at, "%s is empty",
                    what);
    else
        nr_diag_add(diags_of(reading), NR_DIAG_TOO_LARGE, node->at,
                    "%s has more than %d items", what, NR_WORD_MAX);
    return false;
}

/* ---- Client assertions --------------------------------------------------------------- */

static void read_assertion(application_reading *reading, const nr_node *node)
{
    static const nr_field fields[] = { { "issuer", false },
                                       { "audience", true },
                                       { "keys", true },
                                       { "algorithms", false } };
    const nr_node *values[NR_COUNT(fields)];
    nr_settings_reading *settings = reading->settings;
    nr_trust *trust = &reading->application->assertion;
    if (node == NULL || !nr_node_fields(node, "`client_assertion`", fields,
                                        NR_COUNT(fields), values, diags_of(reading)))
        return;
    reading->application->has_assertion = true;
    trust->issuer = values[0] == NULL
                        ? reading->application->id
                        : nr_settings_text(settings, values[0], "`issuer`");
    nr_settings_words(settings, values[1], "`audience`", &trust->audience);
    trust->keys = nr_settings_file(settings, values[2], "`keys`", NR_FILE_KEYS);
    trust->algorithms = nr_settings_algorithms(settings, values[3]);
    if (trust->issuer != NULL)
        own(reading, &settings->settings->assertors, "the issuer of client assertions",
            trust->issuer, values[0] == NULL ? node->key_at : values[0]->at);
}

static void read_client_ids(application_reading *reading, const nr_node *node)
{
    if (!is_short_list(reading, node, "`client_ids`"))
        return;
    for (const nr_node *item = node->first; item != NULL; item = item->next) {
        const char *text = nr_node_text(item, "a client id", diags_of(reading));
        if (text != NULL)
            own(reading, &reading->settings->settings->client_ids, "the client id",
                text, item->at);
    }
}

/* ---- API keys ------------------------------------------------------------------------ */

/* So many bytes in hexadecimal, and nothing else. */
static bool read_hex(const char *text, size_t size, uint8_t *out, size_t bytes)
{
    if (size != 2 * bytes)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        int high = nr_hex_digit(text[2 * i]);
        int low = nr_hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static bool read_hash_text(const char *text, nr_key_hash *hash)
{
    static const char prefix[] = "hmac-sha256:";
    if (strncmp(text, prefix, sizeof(prefix) - 1) != 0)
        return false;
    const char *salt = text + sizeof(prefix) - 1;
    size_t size = strcspn(salt, ":");
    hash->salt_size = size / 2;
    if (salt[size] != ':' || hash->salt_size < SALT_MIN ||
        hash->salt_size > NR_SALT_MAX)
        return false;
    const char *digest = salt + size + 1;
    return read_hex(salt, size, hash->salt, hash->salt_size) &&
           read_hex(digest, strlen(digest), hash->digest, NR_DIGEST_SIZE);
}

/* The text is never shown: it may be the key itself, by mistake. */
static bool read_hash(application_reading *reading, const nr_node *node,
                      nr_key_hash *hash)
{
    const char *text = node == NULL ? NULL
                                    : nr_node_text(node, "`hash`", diags_of(reading));
    if (text == NULL)
        return false;
    if (read_hash_text(text, hash)) {
        own(reading, &reading->owners->hashes, "a hash", text, node->at);
        return true;
    }
    nr_diag *diag = nr_diag_add(diags_of(reading), NR_DIAG_BAD_VALUE, node->at,
                                "`hash` is not the hash of an API key");
    nr_diag_help(diags_of(reading), diag, "`nrbac hash-key` makes one from the key");
    return false;
}

static void read_api_key(application_reading *reading, const nr_node *node)
{
    static const nr_field fields[] = { { "hash", true }, { "expires", false } };
    const nr_node *values[NR_COUNT(fields)];
    nr_key_hash hash = { .salt_size = 0 };
    if (!nr_node_fields(node, "an API key", fields, NR_COUNT(fields), values,
                        diags_of(reading)))
        return;
    bool fine = read_hash(reading, values[0], &hash);
    hash.ends_at = nr_settings_day(reading->settings, values[1], "`expires`");
    hash.name = nr_arena_format(arena_of(reading), "API key %zu of %s",
                                reading->application->api_keys.count + 1,
                                reading->application->id);
    nr_key_hash *place = nr_list_add(arena_of(reading),
                                     &reading->application->api_keys);
    if (had_memory(reading, place) && had_memory(reading, hash.name) && fine)
        *place = hash;
}

static void read_api_keys(application_reading *reading, const nr_node *node)
{
    if (!is_short_list(reading, node, "`api_keys`"))
        return;
    for (const nr_node *item = node->first; item != NULL; item = item->next)
        read_api_key(reading, item);
}

/* ---- Certificates -------------------------------------------------------------------- */

/* "sha256:60:6d:…", the colons between the bytes may be left out. */
static bool read_fingerprint_text(const char *text, uint8_t out[NR_DIGEST_SIZE])
{
    static const char prefix[] = "sha256:";
    char digits[2 * NR_DIGEST_SIZE];
    size_t count = 0;
    if (strncmp(text, prefix, sizeof(prefix) - 1) != 0)
        return false;
    for (const char *at = text + sizeof(prefix) - 1; *at != '\0'; at++) {
        if (*at == ':' && count > 0 && count % 2 == 0 && at[1] != ':' && at[1] != '\0')
            continue;
        if (count == sizeof(digits))
            return false;
        digits[count++] = *at;
    }
    return read_hex(digits, count, out, NR_DIGEST_SIZE);
}

static void read_fingerprint(application_reading *reading, const nr_node *node,
                             nr_certificate_rule *rule)
{
    const char *text = nr_node_text(node, "`fingerprint`", diags_of(reading));
    if (text == NULL)
        return;
    if (!read_fingerprint_text(text, rule->fingerprint)) {
        nr_diag *diag = nr_diag_add(diags_of(reading), NR_DIAG_BAD_VALUE, node->at,
                                    "`fingerprint` is not a SHA-256 fingerprint");
        nr_diag_help(diags_of(reading), diag,
                     "write `sha256:` and 32 bytes in hexadecimal, as in "
                     "`openssl x509 -noout -fingerprint -sha256`");
        return;
    }
    char spelled[2 * NR_DIGEST_SIZE + 1];
    nr_hex_write(rule->fingerprint, NR_DIGEST_SIZE, spelled);
    own(reading, &reading->owners->fingerprints, "the fingerprint", spelled, node->at);
}

static void read_subject(application_reading *reading, const nr_node *node,
                         nr_certificate_rule *rule)
{
    const char *text = nr_node_text(node, "`subject`", diags_of(reading));
    nrbac_error error = { "" };
    if (text == NULL)
        return;
    rule->subject = nr_subject_read(arena_of(reading), text, &error);
    if (rule->subject == NULL) {
        nr_diag_add(diags_of(reading), NR_DIAG_BAD_VALUE, node->at, "`subject` %s",
                    error.text);
        return;
    }
    if (reading->settings->settings->authorities == NR_NONE)
        nr_diag_add(diags_of(reading), NR_DIAG_MISSING_KEY, node->key_at,
                    "a certificate by `subject` needs `authorities`, which sign it");
    own(reading, &reading->owners->subjects, "the subject", rule->subject, node->at);
}

enum { BY_FILE, BY_FINGERPRINT, BY_SUBJECT, EXPIRES, CERTIFICATE_KEYS };

/* How a certificate is told, which is in exactly one way. */
static bool check_ways(application_reading *reading, const nr_node *node,
                       const nr_node *const values[CERTIFICATE_KEYS])
{
    int ways = (values[BY_FILE] != NULL) + (values[BY_FINGERPRINT] != NULL) +
               (values[BY_SUBJECT] != NULL);
    if (ways != 1) {
        nr_diag_add(
            diags_of(reading), ways == 0 ? NR_DIAG_MISSING_KEY : NR_DIAG_BAD_VALUE,
            node->at,
            "a certificate is told by one of `file`, `fingerprint` and `subject`");
    } else if (values[EXPIRES] != NULL && values[BY_FINGERPRINT] == NULL) {
        nr_diag_add(
            diags_of(reading), NR_DIAG_BAD_VALUE, values[EXPIRES]->key_at,
            "`expires` belongs to a `fingerprint`: other certificates are read, "
            "and say themselves when they end");
    }
    return ways == 1;
}

static void read_rule(application_reading *reading,
                      const nr_node *const values[CERTIFICATE_KEYS],
                      nr_certificate_rule *rule)
{
    const char *id = reading->application->id;
    if (values[BY_FILE] != NULL) {
        rule->match = NR_MATCH_FILE;
        rule->file = nr_settings_file(reading->settings, values[BY_FILE], "`file`",
                                      NR_FILE_CERTIFICATE);
        if (rule->file != NR_NONE)
            own(reading, &reading->owners->files, "the file",
                reading->settings->settings->files.items[rule->file].name,
                values[BY_FILE]->at);
    } else if (values[BY_FINGERPRINT] != NULL) {
        rule->match = NR_MATCH_FINGERPRINT;
        read_fingerprint(reading, values[BY_FINGERPRINT], rule);
    } else {
        rule->match = NR_MATCH_SUBJECT;
        read_subject(reading, values[BY_SUBJECT], rule);
    }
    rule->ends_at = nr_settings_day(reading->settings, values[EXPIRES], "`expires`");
    rule->name = nr_arena_format(arena_of(reading), "certificate %zu of %s",
                                 reading->application->certificates.count, id);
    (void)had_memory(reading, rule->name);
}

static void read_certificate(application_reading *reading, const nr_node *node)
{
    static const nr_field fields[CERTIFICATE_KEYS] = {
        [BY_FILE] = { "file", false },
        [BY_FINGERPRINT] = { "fingerprint", false },
        [BY_SUBJECT] = { "subject", false },
        [EXPIRES] = { "expires", false },
    };
    const nr_node *values[CERTIFICATE_KEYS];
    if (!nr_node_fields(node, "a certificate", fields, CERTIFICATE_KEYS, values,
                        diags_of(reading)) ||
        !check_ways(reading, node, values))
        return;
    nr_certificate_rule *rule = nr_list_add(arena_of(reading),
                                            &reading->application->certificates);
    if (had_memory(reading, rule))
        read_rule(reading, values, rule);
}

static void read_certificates(application_reading *reading, const nr_node *node)
{
    if (!is_short_list(reading, node, "`certificates`"))
        return;
    for (const nr_node *item = node->first; item != NULL; item = item->next)
        read_certificate(reading, item);
}

/* ---- Applications -------------------------------------------------------------------- */

static void read_application(application_reading *reading, const nr_node *node)
{
    static const nr_field fields[] = { { "client_assertion", false },
                                       { "client_ids", false },
                                       { "api_keys", false },
                                       { "certificates", false } };
    const nr_node *values[NR_COUNT(fields)];
    if (!nr_node_fields(node, "an application", fields, NR_COUNT(fields), values,
                        diags_of(reading)))
        return;
    if (node->count == 0)
        nr_diag_add(diags_of(reading), NR_DIAG_MISSING_KEY, node->key_at,
                    "an application proves who it is by `client_assertion`, "
                    "`client_ids`, `api_keys` or `certificates`");
    read_assertion(reading, values[0]);
    read_client_ids(reading, values[1]);
    read_api_keys(reading, values[2]);
    read_certificates(reading, values[3]);
}

void nr_settings_applications(nr_settings_reading *reading, const nr_node *node)
{
    nr_settings *settings = reading->settings;
    nr_arena *arena = reading->diags.arena;
    owners_of_certificates owners = { .files.names.arena = arena,
                                      .fingerprints.names.arena = arena,
                                      .subjects.names.arena = arena,
                                      .hashes.names.arena = arena };
    if (node == NULL || !nr_node_is_mapping(node, "`applications`", &reading->diags))
        return;
    if (node->count > NR_APPLICATION_MAX) {
        nr_diag_add(&reading->diags, NR_DIAG_TOO_LARGE, node->key_at,
                    "`applications` has more than %d applications", NR_APPLICATION_MAX);
        return;
    }
    for (const nr_node *child = node->first; child != NULL; child = child->next) {
        application_reading one = {
            .settings = reading,
            .application = nr_list_add(&settings->arena, &settings->applications),
            .number = (uint32_t)settings->applications.count - 1,
            .owners = &owners,
        };
        if (!had_memory(&one, one.application))
            return;
        one.application->id = nr_settings_keep(reading, child->key);
        own(&one, &settings->ids, "the id", child->key, child->key_at);
        read_application(&one, child);
    }
}
