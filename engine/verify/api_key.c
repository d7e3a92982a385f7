/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API keys. Every hash of every application in question is computed and compared in
 * constant time, whichever fits: how long it takes tells nothing of the key.
 */
#include "base/hex.h"
#include "base/time.h"
#include "verify/checking.h"

#include <nrbac/verify.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum { KEY_SIZE_MIN = 16, SALT_SIZE = 16 };

static bool hash_key(const uint8_t *salt, size_t salt_size, const char *key,
                     size_t size, uint8_t digest[NR_DIGEST_SIZE])
{
    unsigned written = 0;
    return HMAC(EVP_sha256(), salt, (int)salt_size, (const unsigned char *)key, size,
                digest, &written) != NULL &&
           written == NR_DIGEST_SIZE;
}

typedef struct key_search {
    nr_check *check;
    const char *key;
    size_t size;
    const nr_key_hash *found; /* the first that fits and has not ended */
    uint32_t owner;
    bool ended;   /* one fits, but has ended */
    bool several; /* more than one application has it */
} key_search;

static void compare(key_search *search, const nr_key_hash *hash, uint32_t number)
{
    uint8_t digest[NR_DIGEST_SIZE] = { 0 };
    bool hashed = hash_key(hash->salt, hash->salt_size, search->key, search->size,
                           digest);
    bool same = CRYPTO_memcmp(digest, hash->digest, NR_DIGEST_SIZE) == 0;
    OPENSSL_cleanse(digest, sizeof(digest));
    if (!hashed || !same)
        return;
    if (nr_is_over(search->check, hash->ends_at)) {
        search->ended = true;
        return;
    }
    search->several |= search->found != NULL && search->owner != number;
    if (search->found == NULL) {
        search->found = hash;
        search->owner = number;
    }
}

static void compare_all(key_search *search, uint32_t number)
{
    const nr_application *application = &search->check->snapshot->settings->applications
                                             .items[number];
    for (size_t i = 0; i < application->api_keys.count; i++)
        compare(search, &application->api_keys.items[i], number);
}

bool nr_check_api_key(nr_check *check, const nrbac_value *presented,
                      uint32_t *application)
{
    key_search search = { .check = check,
                          .key = nrbac_value_text(presented),
                          .size = nrbac_value_text_size(presented) };
    if (search.key == NULL)
        return nr_refuse(check, "is not a text");
    if (search.size > NR_API_KEY_SIZE_MAX)
        return nr_refuse(check, "is longer than 512 bytes");
    size_t count = check->snapshot->settings->applications.count;
    if (check->named != NULL && check->named_number != NR_NONE)
        compare_all(&search, check->named_number);
    for (uint32_t i = 0; check->named == NULL && i < count; i++)
        compare_all(&search, i);
    if (search.several)
        return nr_refuse(check, "is that of more than one application");
    if (search.found == NULL && search.ended)
        return nr_refuse(check, "has expired");
    if (search.found == NULL)
        return nr_refuse(check, "is not one of %s",
                         check->named != NULL ? "the named application"
                                              : "any application");
    *application = search.owner;
    check->ends_at = nr_earliest(check->ends_at, search.found->ends_at);
    nr_rely_on(check, search.found->name, search.found->ends_at);
    return true;
}

/* ---- Making hashes ------------------------------------------------------------------ */

nrbac_status nrbac_hash_key(const char *key, size_t size,
                            char hash[NRBAC_KEY_HASH_SIZE])
{
    static const char prefix[] = "hmac-sha256:";
    uint8_t salt[SALT_SIZE];
    uint8_t digest[NR_DIGEST_SIZE];
    hash[0] = '\0';
    if (key == NULL || size < KEY_SIZE_MIN || size > NR_API_KEY_SIZE_MAX)
        return NRBAC_E_ARGUMENT;
    if (RAND_bytes(salt, SALT_SIZE) != 1 ||
        !hash_key(salt, SALT_SIZE, key, size, digest))
        return NRBAC_E_MEMORY;
    char *at = hash;
    memcpy(at, prefix, sizeof(prefix) - 1);
    at += sizeof(prefix) - 1;
    nr_hex_write(salt, SALT_SIZE, at);
    at += strlen(at);
    *at++ = ':';
    nr_hex_write(digest, NR_DIGEST_SIZE, at);
    OPENSSL_cleanse(digest, sizeof(digest));
    return NRBAC_OK;
}
