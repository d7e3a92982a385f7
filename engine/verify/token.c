/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/token.h"

#include "verify/base64url.h"

#include <nrbac/policy.h>

#include <cjose/cjose.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Rule 1: form ------------------------------------------------------------------ */

/* Whether brackets stand deeper than that, outside of texts. Looked at before anything
 * parses: what follows is the parser's to refuse. */
static bool is_deeper(const uint8_t *json, size_t size, size_t most)
{
    size_t depth = 0;
    bool in_text = false;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = json[i];
        if (in_text && c == '\\')
            i++;
        else if (c == '"')
            in_text = !in_text;
        else if (!in_text && (c == '{' || c == '['))
            depth++;
        else if (!in_text && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > most)
            return true;
    }
    return false;
}

static bool read_object(nr_check *check, const char *part, const uint8_t *json,
                        size_t size, const nrbac_value **out)
{
    if (is_deeper(json, size, NR_TOKEN_DEPTH_MAX))
        return nr_refuse(check, "has a %s that is more than %d deep", part,
                         NR_TOKEN_DEPTH_MAX);
    nrbac_status status = nrbac_json_read(check->scratch, (const char *)json, size, out,
                                          NULL);
    check->no_memory |= status == NRBAC_E_MEMORY;
    if (status != NRBAC_OK)
        return nr_refuse(check, "has a %s that is not JSON, or with a member twice",
                         part);
    if (nrbac_value_kind(*out) != NRBAC_KIND_MAP)
        return nr_refuse(check, "has a %s that is not a JSON object", part);
    return true;
}

/* Decodes one part and reads it. The bytes are dropped at once. */
static bool read_part(nr_check *check, const char *name, const char *text, size_t size,
                      const nrbac_value **out)
{
    size_t room = NR_BASE64URL_ROOM(size);
    uint8_t *bytes = malloc(room);
    if (bytes == NULL) {
        check->no_memory = true;
        return nr_refuse(check, "does not fit into memory");
    }
    size_t count = 0;
    bool fine = nr_base64url_decode(text, size, bytes, &count);
    fine = fine ? read_object(check, name, bytes, count, out)
                : nr_refuse(check,
                            "is not a JWT: its %s is not base64url without padding",
                            name);
    OPENSSL_cleanse(bytes, room);
    free(bytes);
    return fine;
}

/* Where the parts start; false if there are not three. */
static bool find_parts(nr_token *token)
{
    const char *end = token->text + token->size;
    const char *first = memchr(token->text, '.', token->size);
    if (first == NULL)
        return false;
    const char *second = memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL || memchr(second + 1, '.', (size_t)(end - second - 1)) != NULL)
        return false;
    token->payload_at = (size_t)(first + 1 - token->text);
    token->signature_at = (size_t)(second + 1 - token->text);
    return true;
}

bool nr_token_read(nr_check *check, const nrbac_value *presented, nr_token *token)
{
    *token = (nr_token){ .text = nrbac_value_text(presented),
                         .size = nrbac_value_text_size(presented) };
    if (token->text == NULL)
        return nr_refuse(check, "is not a text");
    if (token->size > NR_TOKEN_SIZE_MAX)
        return nr_refuse(check, "is longer than 16 KiB");
    if (!find_parts(token))
        return nr_refuse(check, "is not a JWT of three parts");
    return read_part(check, "header", token->text, token->payload_at - 1,
                     &token->header) &&
           read_part(check, "payload", token->text + token->payload_at,
                     token->signature_at - token->payload_at - 1, &token->claims);
}

/* ---- Rule 2: algorithm and key ------------------------------------------------------- */

/* A type says what kind of token it is, so that one is not taken for another (RFC 8725,
 * 3.11). Compared like the media types that they are. */
static bool check_type(nr_check *check, const nrbac_value *header,
                       const char *const *types)
{
    static const char prefix[] = "application/";
    const nrbac_value *typ = nrbac_value_find(header, "typ");
    const char *text = nrbac_value_text(typ);
    if (typ == NULL)
        return true;
    if (text != NULL && strncasecmp(text, prefix, sizeof(prefix) - 1) == 0)
        text += sizeof(prefix) - 1;
    bool taken = text != NULL && strcasecmp(text, "JWT") == 0;
    for (; text != NULL && !taken && types != NULL && *types != NULL; types++)
        taken = strcasecmp(text, *types) == 0;
    return taken || nr_refuse(check, "is a token of another type, by its `typ`");
}

static bool find_algorithm(nr_check *check, const nrbac_value *header,
                           const nr_trust *trust, nr_algorithm *algorithm)
{
    const char *name = nrbac_value_text(nrbac_value_find(header, "alg"));
    *algorithm = name == NULL ? NR_ALGORITHM_COUNT : nr_algorithm_find(name);
    if (*algorithm == NR_ALGORITHM_COUNT || (trust->algorithms & 1u << *algorithm) == 0)
        return nr_refuse(check,
                         "is signed by an algorithm that the evidence settings do not "
                         "allow for its issuer");
    return true;
}

static const nr_key *only_key(nr_check *check, const nr_credentials *held,
                              nr_algorithm algorithm, const char *file)
{
    const nr_key *found = NULL;
    for (size_t i = 0; i < held->keys.count; i++) {
        const nr_key *key = &held->keys.items[i];
        if ((key->algorithms & 1u << algorithm) == 0)
            continue;
        if (found != NULL) {
            (void)nr_refuse(check, "names no key, and more than one of `%s` fits",
                            file);
            return NULL;
        }
        found = key;
    }
    if (found == NULL)
        (void)nr_refuse(check, "names no key, and none of `%s` fits", file);
    return found;
}

static const nr_key *find_key(nr_check *check, const nrbac_value *header,
                              const nr_trust *trust, nr_algorithm algorithm)
{
    const char *file = check->snapshot->settings->files.items[trust->keys].name;
    const nr_credentials *held = check->snapshot->files[trust->keys].credentials;
    const nrbac_value *kid = nrbac_value_find(header, "kid");
    const char *name = nrbac_value_text(kid);
    bool known = false;
    if (kid == NULL)
        return only_key(check, held, algorithm, file);
    for (size_t i = 0; name != NULL && i < held->keys.count; i++) {
        const nr_key *key = &held->keys.items[i];
        if (key->kid == NULL || strcmp(key->kid, name) != 0)
            continue;
        if ((key->algorithms & 1u << algorithm) != 0)
            return key;
        known = true;
    }
    if (known)
        (void)nr_refuse(
            check, "is signed with a key of `%s` that is not for its algorithm", file);
    else
        (void)nr_refuse(check, "is signed with a key that is not in `%s`", file);
    return NULL;
}

/* ---- Rule 3: the signature ------------------------------------------------------------- */

/* The library reads header and payload for itself: it must have seen what was judged. */
static bool saw_the_same(const nr_token *token, cjose_jws_t *jws,
                         nr_algorithm algorithm)
{
    cjose_err error;
    uint8_t *seen = NULL;
    size_t seen_size = 0;
    const char *name = cjose_header_get(cjose_jws_get_protected(jws), CJOSE_HDR_ALG,
                                        &error);
    size_t size = token->signature_at - token->payload_at - 1;
    size_t room = NR_BASE64URL_ROOM(size);
    size_t count = 0;
    uint8_t *bytes = malloc(room);
    bool same = bytes != NULL && name != NULL &&
                strcmp(name, nr_algorithm_names[algorithm]) == 0 &&
                cjose_jws_get_plaintext(jws, &seen, &seen_size, &error) &&
                nr_base64url_decode(token->text + token->payload_at, size, bytes,
                                    &count) &&
                count == seen_size && CRYPTO_memcmp(bytes, seen, count) == 0;
    if (bytes != NULL)
        OPENSSL_cleanse(bytes, room);
    free(bytes);
    return same;
}

/* A signature has the size of its key: nothing in front of it or behind. */
static bool has_size(const nr_token *token, const nr_key *key)
{
    uint8_t bytes[NR_BASE64URL_ROOM(NR_RSA_BITS_MAX / 6 + 4)];
    size_t size = token->size - token->signature_at;
    size_t count = 0;
    return NR_BASE64URL_ROOM(size) <= sizeof(bytes) &&
           nr_base64url_decode(token->text + token->signature_at, size, bytes,
                               &count) &&
           count == key->signature_size;
}

static bool is_signed(const nr_token *token, const nr_key *key, nr_algorithm algorithm)
{
    cjose_err error;
    (void)ERR_set_mark();
    cjose_jws_t *jws = cjose_jws_import(token->text, token->size, &error);
    bool good = jws != NULL && saw_the_same(token, jws, algorithm) &&
                cjose_jws_verify(jws, key->jwk, &error);
    cjose_jws_release(jws);
    (void)ERR_pop_to_mark();
    return good;
}

bool nr_token_verify(nr_check *check, const nr_token *token, const nr_trust *trust,
                     const char *const *types)
{
    nr_algorithm algorithm = NR_ALGORITHM_COUNT;
    if (nrbac_value_find(token->header, "crit") != NULL)
        return nr_refuse(check, "has the header `crit`, which nothing here obeys");
    if (!find_algorithm(check, token->header, trust, &algorithm) ||
        !check_type(check, token->header, types))
        return false;
    const nr_key *key = find_key(check, token->header, trust, algorithm);
    if (key == NULL)
        return false;
    if (nr_is_over(check, key->ends_at))
        return nr_refuse(check, "is signed with a key of `%s` that has ended",
                         check->snapshot->settings->files.items[trust->keys].name);
    if (!has_size(token, key) || !is_signed(token, key, algorithm))
        return nr_refuse(check, "has a signature that is not that of its key");
    nr_rely_on(check, key->name, key->warn_at);
    return true;
}
