/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of evidence are made of: keys, tokens and certificates, made anew in each
 * run with OpenSSL alone, so that the library under test does not vouch for itself.
 *
 * Texts that are returned live as long as the program.
 */
#ifndef VERIFY_KIT_H
#define VERIFY_KIT_H

#include <nrbac/verify.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>

/* The moment at which all of it happens: 2026-11-23T09:00:00Z. */
#define KIT_NOW INT64_C(1795424400)

/* printf into memory that is kept. */
char *kit_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, with ' for ": how JSON is written here. */
char *kit_json(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A file in a folder of this run's own; its path. */
const char *kit_path(const char *name);
void kit_write(const char *name, const char *text);

EVP_PKEY *kit_rsa(unsigned bits);
EVP_PKEY *kit_ec(void);

/* A public key as JWK, with further members (", \"kid\": \"one\"", or ""). */
char *kit_jwk(EVP_PKEY *key, const char *more);
/* A JWK Set of texts, which NULL ends. */
char *kit_set(const char *first, ...) __attribute__((sentinel));

char *kit_base64url(const void *bytes, size_t size);

/* A token in compact form: header and payload as they are, signed by an algorithm of
 * the name given. The key is NULL for "none". */
char *kit_token(const char *algorithm, EVP_PKEY *key, const char *header,
                const char *payload);
/* The same, signed with HS256 and a secret of the caller's choice. */
char *kit_hmac_token(const void *secret, size_t size, const char *header,
                     const char *payload);

/* ---- Certificates ---- */

typedef struct kit_certificate {
    const char *subject; /* "CN", or "CN|O": values of CN and O */
    EVP_PKEY *key;
    X509 *issuer;         /* NULL: signed by itself */
    EVP_PKEY *issuer_key; /* likewise */
    int64_t from, to;
    bool authority;
    const char *purpose; /* extendedKeyUsage; NULL: none */
} kit_certificate;

X509 *kit_certify(const kit_certificate *how);
char *kit_pem(X509 *certificate);
char *kit_fingerprint(X509 *certificate); /* "sha256:60:6d:…" */

/* ---- Verifying ---- */

typedef struct kit_result {
    nrbac_document *document; /* kept until the next */
    const nrbac_value *request;
    const nrbac_value *checked;
    nrbac_findings findings;
    const char *text; /* of checked, as JSON */
} kit_result;

/* Opens settings of this text; the checks of the test fail if they are not sound. */
nrbac_verifier *kit_open(const char *settings);

/* Verifies a request of this JSON text. */
kit_result kit_verify(nrbac_verifier *verifier, const char *request,
                      const nrbac_verify_options *options);
/* The same, at KIT_NOW. */
kit_result kit_verify_now(nrbac_verifier *verifier, const char *request);

/* The first diagnostic as "file:line:column: slug: message", the folder left out. */
const char *kit_diagnostic(const nrbac_verifier *verifier, size_t index);

/* A text quoted for JSON. */
char *kit_quote(const char *text);

/* Frees every text and document that was made so far; the second also the folder. */
void kit_forget(void);
void kit_finish(void);

#endif
