/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JWK Set (RFC 7517). What a key is for and whether it is strong enough is judged
 * here, from the JSON; the JOSE library is handed numbers alone.
 *
 * A set that holds what must not be handed around (a private or symmetric key) is a
 * mistake as a whole. Keys that are for something else are passed over.
 */
#include "verify/keys.h"

#include "base/time.h"
#include "text/character.h"
#include "verify/base64url.h"
#include "verify/certificate.h"

#include <nrbac/policy.h>

#include <cjose/cjose.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_MAX = NR_RSA_BITS_MAX / 8 + 1, /* bytes of a key's number */
    COORDINATE_SIZE = 32,                 /* of a point on P-256 */
    NAME_MAX_SIZE = 100,                  /* of a `kid` in a warning */
    X5C_MAX = 24 << 10,
};

const char *const nr_algorithm_names[NR_ALGORITHM_COUNT] = {
    [NR_RS256] = "RS256",
    [NR_RS512] = "RS512",
    [NR_PS256] = "PS256",
    [NR_ES256] = "ES256",
};

nr_algorithm nr_algorithm_find(const char *name)
{
    unsigned number = 0;
    while (number < NR_ALGORITHM_COUNT && strcmp(nr_algorithm_names[number], name) != 0)
        number++;
    return (nr_algorithm)number;
}

typedef struct set_reading {
    nr_credentials *into;
    const char *file;
    size_t number; /* of the key that is read, from 1 */
    nrbac_error *error;
} set_reading;

static bool wrong(const set_reading *reading, const char *what)
{
    return nr_unsound(reading->error, "%s (key %zu)", what, reading->number);
}

/* ---- What may not be there --------------------------------------------------------- */

static const char *text_of(const nrbac_value *map, const char *key)
{
    return nrbac_value_text(nrbac_value_find(map, key));
}

static bool is_type(const nrbac_value *key, const char *type)
{
    const char *text = text_of(key, "kty");
    return text != NULL && strcmp(text, type) == 0;
}

static bool check_secrets(const set_reading *reading, const nrbac_value *key)
{
    static const char *const secrets[] = {
        "d", "p", "q", "dp", "dq", "qi", "oth", "k"
    };
    if (is_type(key, "oct"))
        return wrong(reading, "holds a symmetric key");
    for (size_t i = 0; i < NR_COUNT(secrets); i++)
        if (nrbac_value_find(key, secrets[i]) != NULL)
            return wrong(reading, "holds a private key");
    return true;
}

/* ---- What a key is for ------------------------------------------------------------- */

static bool may_verify(const nrbac_value *key)
{
    const nrbac_value *operations = nrbac_value_find(key, "key_ops");
    const nrbac_value *use = nrbac_value_find(key, "use");
    const char *word = nrbac_value_text(use);
    if (use != NULL && (word == NULL || strcmp(word, "sig") != 0))
        return false;
    if (operations == NULL)
        return true;
    bool is_list = nrbac_value_kind(operations) == NRBAC_KIND_LIST;
    for (size_t i = 0; is_list && i < nrbac_value_count(operations); i++) {
        const char *operation = nrbac_value_text(nrbac_value_at(operations, i));
        if (operation != NULL && strcmp(operation, "verify") == 0)
            return true;
    }
    return false;
}

/* The algorithms that a key may be used with: those of its kind, and of those its own
 * one if it names one. 0: none that is taken here. */
static unsigned algorithms_of(const nrbac_value *key)
{
    const nrbac_value *stated = nrbac_value_find(key, "alg");
    const char *curve = text_of(key, "crv");
    unsigned fit = 0;
    if (is_type(key, "RSA"))
        fit = 1u << NR_RS256 | 1u << NR_RS512 | 1u << NR_PS256;
    else if (is_type(key, "EC") && curve != NULL && strcmp(curve, "P-256") == 0)
        fit = 1u << NR_ES256;
    if (stated == NULL)
        return fit;
    const char *name = nrbac_value_text(stated);
    nr_algorithm own = name == NULL ? NR_ALGORITHM_COUNT : nr_algorithm_find(name);
    return own == NR_ALGORITHM_COUNT ? 0 : fit & 1u << own;
}

/* ---- Its numbers ------------------------------------------------------------------- */

typedef struct big_number {
    uint8_t bytes[NUMBER_MAX + 8];
    size_t size;
    const uint8_t *first; /* without zeros before it */
    size_t significant;
} big_number;

/* False: not there, not base64url, or nothing. *large: too large to be looked at. */
static bool read_number(const nrbac_value *key, const char *member, big_number *out,
                        bool *large)
{
    const nrbac_value *value = nrbac_value_find(key, member);
    size_t size = nrbac_value_text_size(value);
    if (size == 0)
        return false;
    *large |= size > (size_t)NUMBER_MAX * 4 / 3;
    if (*large)
        return true;
    if (!nr_base64url_decode(nrbac_value_text(value), size, out->bytes, &out->size))
        return false;
    out->first = out->bytes;
    out->significant = out->size;
    while (out->significant > 0 && *out->first == 0) {
        out->first++;
        out->significant--;
    }
    return out->significant > 0;
}

static size_t bits_of(const big_number *number)
{
    size_t bits = number->significant * 8;
    for (unsigned top = *number->first; (top & 0x80u) == 0; top <<= 1)
        bits--;
    return bits;
}

/* With the exponent 1 everybody could sign; an even number is no key at all. */
static bool is_sound_exponent(const big_number *exponent)
{
    uint8_t last = exponent->first[exponent->significant - 1];
    return (last & 1) != 0 && exponent->significant <= 8 &&
           (exponent->significant > 1 || last >= 3);
}

/* False after an error. A key that is too weak or too large is passed over: its
 * algorithms become none. */
static bool read_rsa(const set_reading *reading, const nrbac_value *from, nr_key *key)
{
    big_number modulus, exponent;
    bool large = false;
    if (!read_number(from, "n", &modulus, &large) ||
        !read_number(from, "e", &exponent, &large))
        return wrong(reading, "holds an RSA key without sound `n` and `e`");
    if (large || bits_of(&modulus) < NR_RSA_BITS_MIN ||
        bits_of(&modulus) > NR_RSA_BITS_MAX) {
        key->algorithms = 0;
        return true;
    }
    if (!is_sound_exponent(&exponent) ||
        (modulus.first[modulus.significant - 1] & 1) == 0)
        return wrong(reading, "holds an RSA key without sound `n` and `e`");
    cjose_err error;
    cjose_jwk_rsa_keyspec spec = {
        .n = modulus.bytes + (modulus.first - modulus.bytes),
        .nlen = modulus.significant,
        .e = exponent.bytes + (exponent.first - exponent.bytes),
        .elen = exponent.significant,
    };
    key->signature_size = modulus.significant;
    key->jwk = cjose_jwk_create_RSA_spec(&spec, &error);
    return key->jwk != NULL || wrong(reading, "holds an RSA key that cannot be used");
}

static bool read_ec(const set_reading *reading, const nrbac_value *from, nr_key *key)
{
    big_number x, y;
    bool large = false;
    if (!read_number(from, "x", &x, &large) || !read_number(from, "y", &y, &large) ||
        large || x.size != COORDINATE_SIZE || y.size != COORDINATE_SIZE)
        return wrong(reading, "holds an EC key without sound `x` and `y`");
    cjose_err error;
    cjose_jwk_ec_keyspec spec = { .crv = CJOSE_JWK_EC_P_256,
                                  .x = x.bytes,
                                  .xlen = x.size,
                                  .y = y.bytes,
                                  .ylen = y.size };
    key->signature_size = 2 * (size_t)COORDINATE_SIZE;
    key->jwk = cjose_jwk_create_EC_spec(&spec, &error);
    return key->jwk != NULL ||
           wrong(reading, "holds an EC key that is no point on its curve");
}

/* ---- When it ends ------------------------------------------------------------------ */

/* The end of the first certificate of `x5c`, which is base64 with padding; 0: there is
 * none that can be read. It is only warned of, never relied on. */
static int64_t end_of_chain(const nrbac_value *key)
{
    const nrbac_value *first = nrbac_value_at(nrbac_value_find(key, "x5c"), 0);
    size_t size = nrbac_value_text_size(first);
    if (size == 0 || size > X5C_MAX)
        return 0;
    uint8_t *bytes = malloc(size);
    int decoded = -1;
    if (bytes != NULL)
        decoded = EVP_DecodeBlock(bytes, (const unsigned char *)nrbac_value_text(first),
                                  (int)size);
    const unsigned char *at = bytes;
    X509 *certificate = decoded > 0 ? d2i_X509(NULL, &at, decoded) : NULL;
    int64_t end = 0;
    if (certificate == NULL || !nr_certificate_end(certificate, &end))
        end = 0;
    X509_free(certificate);
    free(bytes);
    return end;
}

static bool read_end(const set_reading *reading, const nrbac_value *from, nr_key *key)
{
    const nrbac_value *stated = nrbac_value_find(from, "exp");
    int64_t end = nrbac_value_integer(stated);
    if (stated != NULL && (end <= 0 || end > NR_LAST_SECOND))
        return wrong(reading, "holds a key whose `exp` is no time in seconds");
    key->ends_at = end;
    key->warn_at = nr_earliest(end, end_of_chain(from));
    return true;
}

/* ---- The set ----------------------------------------------------------------------- */

static bool check_kid(const set_reading *reading, const nrbac_value *from)
{
    const nrbac_value *kid = nrbac_value_find(from, "kid");
    return kid == NULL || nrbac_value_text(kid) != NULL ||
           wrong(reading, "holds a key whose `kid` is not a text");
}

/* A `kid` names one key for each algorithm. One key may stand there several times, once
 * for each algorithm or use, as some servers write it (RFC 7517, 4.5). */
static bool check_alone(const set_reading *reading, const char *kid, const nr_key *key)
{
    for (size_t i = 0; kid != NULL && i < reading->into->keys.count; i++) {
        const nr_key *other = &reading->into->keys.items[i];
        if (other->kid != NULL && strcmp(other->kid, kid) == 0 &&
            (other->algorithms & key->algorithms) != 0)
            return wrong(reading, "holds two keys of one `kid` for one algorithm");
    }
    return true;
}

static bool name_key(const set_reading *reading, const char *kid, nr_key *key)
{
    nr_arena *arena = &reading->into->arena;
    key->kid = nr_arena_string(arena, kid);
    bool shown = kid != NULL && strlen(kid) <= NAME_MAX_SIZE && *kid != '\0' &&
                 nr_text_is_plain(kid, strlen(kid));
    key->name = shown ? nr_arena_format(arena, "%s key %s", reading->file, kid)
                      : nr_arena_format(arena, "%s key %zu", reading->file,
                                        reading->number);
    return key->name != NULL && (kid == NULL || key->kid != NULL);
}

static bool take_key(set_reading *reading, const nrbac_value *list)
{
    const nrbac_value *from = nrbac_value_at(list, reading->number - 1);
    nr_key key = { .algorithms = algorithms_of(from) };
    if (nrbac_value_kind(from) != NRBAC_KIND_MAP)
        return wrong(reading, "holds a key that is not an object");
    if (!check_secrets(reading, from) || !check_kid(reading, from))
        return false;
    if (key.algorithms == 0 || !may_verify(from))
        return true;
    bool fine = is_type(from, "RSA") ? read_rsa(reading, from, &key)
                                     : read_ec(reading, from, &key);
    if (!fine || key.algorithms == 0)
        return fine;
    nr_key *place = NULL;
    const char *kid = text_of(from, "kid");
    if (read_end(reading, from, &key) && check_alone(reading, kid, &key) &&
        name_key(reading, kid, &key))
        place = nr_list_add(&reading->into->arena, &reading->into->keys);
    if (place == NULL) {
        (void)cjose_jwk_release(key.jwk);
        return reading->error->text[0] == '\0'
                   ? nr_unsound(reading->error, "does not fit into memory")
                   : false;
    }
    *place = key;
    return true;
}

static bool take_set(set_reading *reading, const nrbac_value *root)
{
    const nrbac_value *list = nrbac_value_find(root, "keys");
    if (nrbac_value_kind(list) != NRBAC_KIND_LIST)
        return nr_unsound(reading->error,
                          "is not a JWK Set, an object with the list `keys`");
    size_t count = nrbac_value_count(list);
    if (count > NR_KEY_MAX)
        return nr_unsound(reading->error, "holds more than %d keys", NR_KEY_MAX);
    for (size_t i = 0; i < count; i++) {
        reading->number = i + 1;
        if (!take_key(reading, list))
            return false;
    }
    if (reading->into->keys.count > 0)
        return true;
    return nr_unsound(
        reading->error,
        "holds no usable key: RSA of at least %d bits or EC on P-256, for "
        "signatures",
        NR_RSA_BITS_MIN);
}

bool nr_keys_read(nr_credentials *into, const char *name, const char *text, size_t size,
                  nrbac_error *error)
{
    set_reading reading = { .into = into, .file = name, .error = error };
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *root = NULL;
    nrbac_error why = { "does not fit into memory" };
    bool fine = document != NULL &&
                nrbac_json_read(document, text, size, &root, &why) == NRBAC_OK;
    char *near = strstr(why.text, " near ");
    if (near != NULL)
        *near = '\0'; /* what stands there may be secret, in a wrong file */
    error->text[0] = '\0';
    fine = fine ? take_set(&reading, root)
                : nr_unsound(error, "is not JSON: %.200s", why.text);
    nrbac_document_destroy(document);
    return fine;
}
