/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client certificate as a proof. It is public: what it proves is only that whoever
 * ended the TLS connection saw its holder at the other end, which the caller of
 * nrbac_verify() vouches for.
 */
#include "base/time.h"
#include "verify/certificate.h"
#include "verify/checking.h"

#include <nrbac/verify.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

/* 112 bits of security: RSA of 2,048 bits, no SHA-1 in signatures. */
enum { CHAIN_LEVEL = 2 };

typedef struct certificate_search {
    nr_check *check;
    X509 *presented;
    uint8_t fingerprint[NR_DIGEST_SIZE];
    const char *subject;
    int64_t ends_at;
    const nr_certificate_rule *found;
    uint32_t owner;
    bool ended;   /* a rule fits, but has ended */
    bool several; /* more than one application has it */
} certificate_search;

static bool fits_file(const certificate_search *search, const nr_certificate_rule *rule)
{
    const nr_credentials *held = search->check->snapshot->files[rule->file].credentials;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return X509_digest(held->certificates.items[0].x509, EVP_sha256(), digest, &size) ==
               1 &&
           size == NR_DIGEST_SIZE &&
           memcmp(digest, search->fingerprint, NR_DIGEST_SIZE) == 0;
}

/* The authorities that a chain goes through end too. */
static void rely_on_chain(certificate_search *search, X509_STORE_CTX *context)
{
    const nr_settings *settings = search->check->snapshot->settings;
    const nr_credentials *held = search->check->snapshot->files[settings->authorities]
                                     .credentials;
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
    for (int link = 1; link < sk_X509_num(chain); link++) {
        for (size_t i = 0; i < held->certificates.count; i++) {
            const nr_certificate *one = &held->certificates.items[i];
            if (X509_cmp(sk_X509_value(chain, link), one->x509) == 0)
                nr_rely_on(search->check, one->name, one->ends_at);
        }
    }
}

/* Whether an authority of the settings vouches for it, as a client's. Any of them may
 * be where the chain ends, also one that is signed by another. */
static bool has_chain(certificate_search *search)
{
    const nr_settings *settings = search->check->snapshot->settings;
    if (settings->authorities == NR_NONE)
        return false;
    X509_STORE *store = search->check->snapshot->files[settings->authorities]
                            .credentials->store;
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool good = context != NULL &&
                X509_STORE_CTX_init(context, store, search->presented, NULL) == 1;
    if (good) {
        X509_VERIFY_PARAM *how = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_time(how, (time_t)search->check->now);
        X509_VERIFY_PARAM_set_auth_level(how, CHAIN_LEVEL);
        good = X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
               X509_VERIFY_PARAM_set_purpose(how, X509_PURPOSE_SSL_CLIENT) == 1 &&
               X509_verify_cert(context) == 1 &&
               X509_STORE_CTX_get_error(context) == X509_V_OK;
    }
    if (good)
        rely_on_chain(search, context);
    X509_STORE_CTX_free(context);
    return good;
}

static bool fits(certificate_search *search, const nr_certificate_rule *rule)
{
    switch (rule->match) {
    case NR_MATCH_FILE:
        return fits_file(search, rule);
    case NR_MATCH_FINGERPRINT:
        return memcmp(rule->fingerprint, search->fingerprint, NR_DIGEST_SIZE) == 0;
    case NR_MATCH_SUBJECT:
        return search->subject != NULL && strcmp(rule->subject, search->subject) == 0 &&
               has_chain(search);
    }
    return false;
}

static void compare_all(certificate_search *search, uint32_t number)
{
    const nr_application *application = &search->check->snapshot->settings->applications
                                             .items[number];
    for (size_t i = 0; i < application->certificates.count; i++) {
        const nr_certificate_rule *rule = &application->certificates.items[i];
        if (!fits(search, rule))
            continue;
        if (nr_is_over(search->check, rule->ends_at)) {
            search->ended = true;
            continue;
        }
        search->several |= search->found != NULL && search->owner != number;
        if (search->found == NULL) {
            search->found = rule;
            search->owner = number;
        }
    }
}

static bool find_owner(certificate_search *search, uint32_t *application)
{
    nr_check *check = search->check;
    size_t count = check->snapshot->settings->applications.count;
    if (check->named != NULL && check->named_number != NR_NONE)
        compare_all(search, check->named_number);
    for (uint32_t i = 0; check->named == NULL && i < count; i++)
        compare_all(search, i);
    if (search->several)
        return nr_refuse(check, "is that of more than one application");
    if (search->found == NULL && search->ended)
        return nr_refuse(check, "is no longer accepted");
    if (search->found == NULL)
        return nr_refuse(check, "is not one of %s",
                         check->named != NULL ? "the named application"
                                              : "any application");
    *application = search->owner;
    int64_t ends_at = nr_earliest(search->ends_at, search->found->ends_at);
    check->ends_at = nr_earliest(check->ends_at, ends_at);
    const char *name = search->found->match == NR_MATCH_FILE
                           ? check->snapshot->settings->files.items[search->found->file]
                                 .name
                           : search->found->name;
    nr_rely_on(check, name, ends_at);
    return true;
}

static bool check_validity(certificate_search *search)
{
    int64_t start = 0;
    unsigned size = 0;
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (!nr_certificate_start(search->presented, &start) ||
        !nr_certificate_end(search->presented, &search->ends_at))
        return nr_refuse(search->check, "states no sound time of validity");
    if (search->check->now < start)
        return nr_refuse(search->check, "is not valid yet");
    if (search->check->now >= search->ends_at)
        return nr_refuse(search->check, "has expired");
    if (X509_digest(search->presented, EVP_sha256(), digest, &size) != 1 ||
        size != NR_DIGEST_SIZE)
        return nr_refuse(search->check, "cannot be read");
    memcpy(search->fingerprint, digest, NR_DIGEST_SIZE);
    return true;
}

bool nr_check_certificate(nr_check *check, const nrbac_value *presented,
                          uint32_t *application)
{
    certificate_search search = { .check = check };
    const char *pem = nrbac_value_text(presented);
    size_t size = nrbac_value_text_size(presented);
    if (pem == NULL)
        return nr_refuse(check, "is not a text");
    if ((check->flags & NRBAC_VERIFY_TLS_ENDED) == 0)
        return nr_refuse(check, "counts only from whoever ended the TLS connection in "
                                "which it was used");
    if (size > NR_CERTIFICATE_SIZE_MAX)
        return nr_refuse(check, "is longer than 16 KiB");
    (void)ERR_set_mark();
    search.presented = nr_certificate_of(pem, size);
    bool good = false;
    if (search.presented == NULL) {
        good = nr_refuse(check, "is not one certificate in PEM");
    } else {
        search.subject = nr_certificate_subject(&check->scratch->arena,
                                                search.presented);
        good = check_validity(&search) && find_owner(&search, application);
    }
    (void)ERR_pop_to_mark();
    X509_free(search.presented);
    return good;
}
