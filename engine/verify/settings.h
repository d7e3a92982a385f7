/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence settings: whose tokens are believed, and how each application proves who
 * it is. Read once, never written again: any thread may read them without a lock.
 *
 * The files that they name have numbers here; what is in them may change while the
 * settings stay (snapshot.h).
 */
#ifndef NR_SETTINGS_H
#define NR_SETTINGS_H

#include "base/names.h"
#include "text/yaml.h"
#include "verify/keys.h"

#include <stdatomic.h>

enum {
    NR_ISSUER_MAX = 64,
    NR_APPLICATION_MAX = 4096,
    NR_WORD_MAX = 64,  /* audiences, client ids, hashes, certificates of one */
    NR_API_MAX = 1024, /* names of APIs in scopes */
    NR_SKEW_MAX = 300,
    NR_WARN_DAYS_MAX = 3650,
    NR_SALT_MAX = 32,
    NR_DIGEST_SIZE = 32, /* of SHA-256 */
};

typedef struct nr_words {
    const char **items;
    size_t count, room;
} nr_words;

/* Whose tokens are believed, and for whom they must be made. */
typedef struct nr_trust {
    const char *issuer;
    nr_words audience;
    unsigned algorithms; /* a bit for each nr_algorithm */
    uint32_t keys;       /* its file */
} nr_trust;

typedef enum nr_issuer_kind {
    NR_ISSUER_CIS2 = 0,
    NR_ISSUER_NHS_LOGIN,
    NR_ISSUER_PLATFORM,
    NR_ISSUER_KIND_COUNT,
} nr_issuer_kind;

typedef struct nr_issuer {
    const char *name;
    nr_issuer_kind kind;
    nr_trust trust;
} nr_issuer;

typedef struct nr_key_hash {
    uint8_t salt[NR_SALT_MAX];
    size_t salt_size;
    uint8_t digest[NR_DIGEST_SIZE];
    int64_t ends_at;  /* 0: does not */
    const char *name; /* for warnings */
} nr_key_hash;

typedef enum nr_match {
    NR_MATCH_FILE = 0,
    NR_MATCH_FINGERPRINT,
    NR_MATCH_SUBJECT
} nr_match;

typedef struct nr_certificate_rule {
    nr_match match;
    uint32_t file;
    uint8_t fingerprint[NR_DIGEST_SIZE];
    const char *subject; /* as certificate.h spells names */
    int64_t ends_at;     /* 0: when the certificate does */
    const char *name;    /* for warnings */
} nr_certificate_rule;

typedef struct nr_application {
    const char *id;
    bool has_assertion;
    nr_trust assertion;
    struct {
        nr_key_hash *items;
        size_t count, room;
    } api_keys;
    struct {
        nr_certificate_rule *items;
        size_t count, room;
    } certificates;
} nr_application;

/* From texts to applications, by their numbers. */
typedef struct nr_owners {
    nr_names names;
    struct {
        uint32_t *items;
        size_t count, room;
    } applications;
} nr_owners;

typedef struct nr_file {
    nr_file_kind kind;
    const char *name; /* as written */
    const char *path; /* from here */
} nr_file;

typedef struct nr_settings {
    atomic_uint refs;
    nr_arena arena;
    const char *path;
    int64_t opened_at;
    struct {
        nr_issuer *items;
        size_t count, room;
    } issuers;
    struct {
        nr_application *items;
        size_t count, room;
    } applications;
    struct {
        nr_file *items;
        size_t count, room;
    } files;
    nr_owners ids;        /* of applications */
    nr_owners client_ids; /* as access tokens name them */
    nr_owners assertors;  /* issuers of client assertions */
    nr_names apis;        /* ids whose name in scopes is another one */
    nr_words api_names;   /* those, by number */
    uint32_t authorities; /* their file; NR_NONE: none is named */
    bool require_application;
    bool require_id_token;
    bool require_userinfo;
    int64_t clock_skew;
    int64_t warn_seconds;
} nr_settings;

/* A reading of settings, with what is wrong with them. */
typedef struct nr_settings_reading {
    nr_settings *settings;
    nr_diags diags;
    struct { /* where each file was named first */
        nr_span *items;
        size_t count, room;
    } places;
} nr_settings_reading;

/* Reads a source into new settings; diags.arena is set by the caller and holds the
 * mistakes and their texts. reading->settings is NULL when out of memory; whether
 * there are mistakes, the list says. */
void nr_settings_read(nr_settings_reading *reading, const nr_source *source);

nr_settings *nr_settings_ref(nr_settings *settings);
void nr_settings_unref(nr_settings *settings); /* NULL is fine */

/* The application's number, NR_NONE if there is none. */
uint32_t nr_owner_of(const nr_owners *owners, const char *text);
/* The name of an API in scopes. */
const char *nr_settings_api_name(const nr_settings *settings, const char *api);

#endif
