/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file holds that evidence is checked against: keys of a JWK Set, a client
 * certificate, certificates of authorities. Never written again; counted.
 */
#ifndef NR_KEYS_H
#define NR_KEYS_H

#include "base/arena.h"

#include <nrbac/types.h>
#include <stdatomic.h>

typedef enum nr_file_kind {
    NR_FILE_KEYS = 0,
    NR_FILE_CERTIFICATE,
    NR_FILE_AUTHORITIES,
} nr_file_kind;

/* The signatures that are taken (RFC 7518). `none` and HMAC are not among them, so
 * that no setting can allow them. */
typedef enum nr_algorithm {
    NR_RS256 = 0,
    NR_RS512,
    NR_PS256,
    NR_ES256,
    NR_ALGORITHM_COUNT,
} nr_algorithm;

#define NR_ALGORITHMS_ALL ((1u << NR_ALGORITHM_COUNT) - 1)

extern const char *const nr_algorithm_names[NR_ALGORITHM_COUNT];
/* NR_ALGORITHM_COUNT if it is not one of them. */
nr_algorithm nr_algorithm_find(const char *name);

enum { NR_KEY_MAX = 256, NR_RSA_BITS_MIN = 2048, NR_RSA_BITS_MAX = 8192 };

typedef struct nr_key {
    const char *name; /* for warnings: its file and its `kid` or place */
    const char *kid;  /* NULL: none */
    unsigned algorithms;
    size_t signature_size;
    struct _cjose_jwk_int *jwk;
    int64_t ends_at; /* its `exp`: from then on it does not count; 0: not stated */
    int64_t warn_at; /* that, or the end of its `x5c` if sooner; 0: not stated */
} nr_key;

typedef struct nr_certificate {
    const char *name;
    struct x509_st *x509;
    int64_t ends_at;
} nr_certificate;

typedef struct nr_credentials {
    atomic_uint refs;
    nr_arena arena;
    struct {
        nr_key *items;
        size_t count, room;
    } keys;
    struct {
        nr_certificate *items;
        size_t count, room;
    } certificates;
    struct x509_store_st *store; /* of authorities; else NULL */
    int64_t loaded_at;
} nr_credentials;

/* Reads a file; `name` is how the settings call it. NULL if it is not sound, and
 * *error says in a few words why ("holds a private key (key 2)"). */
nr_credentials *nr_credentials_read(nr_file_kind kind, const char *path,
                                    const char *name, nrbac_error *error);
nr_credentials *nr_credentials_ref(nr_credentials *credentials);
void nr_credentials_unref(nr_credentials *credentials); /* NULL is fine */

/* The readers of each kind; false after *error. */
typedef bool nr_credentials_reader(nr_credentials *into, const char *name,
                                   const char *text, size_t size, nrbac_error *error);
nr_credentials_reader nr_keys_read;
nr_credentials_reader nr_certificate_read;
nr_credentials_reader nr_authorities_read;

/* Says why; always false. */
bool nr_unsound(nrbac_error *error, const char *format, ...) NR_PRINTF(2, 3);

#endif
