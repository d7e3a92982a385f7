/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libnrbac-verify: evidence that is checked instead of believed: signed tokens,
 * API keys, client certificates. schema/evidence.md says what is checked.
 *
 * A verifier stands between a request document and its decision:
 *
 *   nrbac_verify             the document with claims in place of tokens, and findings
 *   nrbac_evaluate_document  decides on that document and those findings
 *
 * A library built without its JOSE library has the same functions; opening then
 * fails with NRBAC_E_UNSUPPORTED. Nothing here prints. Any number of threads may
 * verify with one verifier at once, also while another reopens it.
 */
#ifndef NRBAC_VERIFY_H
#define NRBAC_VERIFY_H

#include <nrbac/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nrbac_verifier nrbac_verifier; /* opaque */

/* Opens evidence settings (a YAML file) and every file that they name. *out is set
 * whenever memory allows, also on failure: its diagnostics say why. NRBAC_OK: it
 * verifies; NRBAC_E_POLICY: the settings or their files have mistakes; NRBAC_E_IO: the
 * file cannot be read; NRBAC_E_UNSUPPORTED: this library was built without JOSE.
 * The caller owns *out. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_verifier_open(const char *path,
                                                          nrbac_verifier **out);
NRBAC_API void nrbac_verifier_close(nrbac_verifier *verifier); /* NULL is fine */

/* Reads settings and files again. If they are sound they are in force from now on,
 * else those before stay, and the diagnostics are of what was read now. The memory
 * of used assertions stays either way. One thread at a time reopens and reads
 * diagnostics. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_verifier_reopen(nrbac_verifier *verifier);

/* The mistakes of the last reading; they belong to the verifier until the next. */
NRBAC_API size_t nrbac_verifier_diagnostic_count(const nrbac_verifier *verifier);
NRBAC_API const nrbac_diagnostic *nrbac_verifier_diagnostic(
    const nrbac_verifier *verifier, size_t index);

typedef enum nrbac_verify_flags {
    /* Whoever asks has ended the TLS connection of the application, so that it is
     * known that the certificate's holder was at its other end. Without this flag a
     * certificate is refused. */
    NRBAC_VERIFY_TLS_ENDED = 1 << 0,
    /* The request's own context.time counts, instead of `now`. */
    NRBAC_VERIFY_REQUEST_TIME = 1 << 1,
} nrbac_verify_flags;

typedef struct nrbac_verify_options {
    unsigned flags;
    int64_t now; /* Unix seconds; 0: the clock */
    /* Client assertions may be used once. Those seen again under the same number,
     * other than 0, belong to the same message and are one use. */
    uint64_t occasion;
} nrbac_verify_options;

/* Checks what a request presents. *checked is the request with claims in place of
 * sound tokens, without whatever else was presented; it shares values with
 * `request` and is built in `document`, as are the texts of *findings. What is not
 * sound is no failure but a finding. NRBAC_E_MEMORY is the only failure; then
 * *checked is NULL. `options` may be NULL. While nothing sound is in force (the verifier
 * was never opened well), user and application of every request are refused, and
 * *checked is the request as it was. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_verify(nrbac_verifier *verifier,
                                                   const nrbac_value *request,
                                                   const nrbac_verify_options *options,
                                                   nrbac_document *document,
                                                   const nrbac_value **checked,
                                                   nrbac_findings *findings);

/* What is in force: a map with `settings`, `opened_at`, `files` (each key,
 * certificate and authority file: `file`, `loaded_at`, `keys`, `error` or null) and
 * `expiring` (each credential within `warn_days` of its end: `credential`, `ends`),
 * `used_assertions` (how many client assertions are remembered as used) and
 * `used_assertions_limit` (how many can be; a quarter of them of one application).
 * Looks at the files first. NULL when out of memory. */
NRBAC_API nrbac_value *nrbac_verifier_status(nrbac_verifier *verifier,
                                             nrbac_document *document);

/* The hash of an API key as evidence settings take it, with a salt from the
 * system's random source. NRBAC_E_ARGUMENT: the key is empty, longer than 512 bytes
 * or shorter than 16. NRBAC_E_UNSUPPORTED: this library was built without JOSE. */
enum { NRBAC_KEY_HASH_SIZE = 160 };
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_hash_key(const char *key, size_t size,
                                                     char hash[NRBAC_KEY_HASH_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
