/* SPDX-License-Identifier: Apache-2.0 */
#include "verify_kit.h"

#include <ftw.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *must(void *memory)
{
    if (memory == NULL) {
        printf("the tests' own preparation failed\n");
        abort();
    }
    return memory;
}

static void must_be(bool good)
{
    (void)must(good ? &good : NULL);
}

/* ---- Texts that are kept ---- */

typedef struct kept {
    struct kept *next;
    char text[];
} kept;

static kept *all_kept;
static nrbac_document *last_document;

static char *keep(size_t size)
{
    kept *one = must(calloc(1, sizeof(*one) + size + 1));
    one->next = all_kept;
    all_kept = one;
    return one->text;
}

__attribute__((format(printf, 1, 0))) static char *format_kept(const char *format,
                                                               va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    char *text = keep((size_t)size);
    (void)vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

char *kit_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = format_kept(format, arguments);
    va_end(arguments);
    return text;
}

char *kit_json(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = format_kept(format, arguments);
    va_end(arguments);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    return text;
}

/* ---- Files ---- */

static char folder[64];

static void make_folder(void)
{
    if (folder[0] != '\0')
        return;
    strcpy(folder, "/tmp/nrbac-verify-XXXXXX");
    (void)must(mkdtemp(folder));
}

const char *kit_path(const char *name)
{
    make_folder();
    return kit_text("%s/%s", folder, name);
}

/* As careful programs do: a file of another name is renamed. */
void kit_write(const char *name, const char *text)
{
    const char *path = kit_path(name);
    const char *beside = kit_text("%s.new", path);
    FILE *file = must(fopen(beside, "w"));
    must_be(fputs(text, file) >= 0 && fclose(file) == 0);
    must_be(rename(beside, path) == 0);
}

static int remove_one(const char *path, const struct stat *at, int kind,
                      struct FTW *where)
{
    (void)at;
    (void)kind;
    (void)where;
    return remove(path);
}

void kit_forget(void)
{
    nrbac_document_destroy(last_document);
    last_document = NULL;
    for (kept *one = all_kept, *next; one != NULL; one = next) {
        next = one->next;
        free(one);
    }
    all_kept = NULL;
}

void kit_finish(void)
{
    kit_forget();
    if (folder[0] != '\0')
        (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- Keys ---- */

EVP_PKEY *kit_rsa(unsigned bits)
{
    return must(EVP_RSA_gen(bits));
}

EVP_PKEY *kit_ec(void)
{
    return must(EVP_EC_gen("P-256"));
}

char *kit_base64url(const void *bytes, size_t size)
{
    char *text = keep(size * 4 / 3 + 8);
    int written = EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
    while (written > 0 && text[written - 1] == '=')
        written--;
    text[written] = '\0';
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    return text;
}

static char *number_of(EVP_PKEY *key, const char *name, int size)
{
    BIGNUM *number = NULL;
    must_be(EVP_PKEY_get_bn_param(key, name, &number) == 1);
    int room = size == 0 ? BN_num_bytes(number) : size;
    unsigned char *bytes = must(malloc((size_t)room));
    must_be(BN_bn2binpad(number, bytes, room) == room);
    char *text = kit_base64url(bytes, (size_t)room);
    free(bytes);
    BN_free(number);
    return text;
}

char *kit_jwk(EVP_PKEY *key, const char *more)
{
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        return kit_text("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
                        number_of(key, OSSL_PKEY_PARAM_RSA_N, 0),
                        number_of(key, OSSL_PKEY_PARAM_RSA_E, 0), more);
    return kit_text("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"%s}",
                    number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, 32),
                    number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32), more);
}

char *kit_set(const char *first, ...)
{
    char *text = kit_text("%s", first == NULL ? "" : first);
    va_list rest;
    va_start(rest, first);
    for (const char *one = first == NULL ? NULL : va_arg(rest, const char *);
         one != NULL; one = va_arg(rest, const char *))
        text = kit_text("%s,%s", text, one);
    va_end(rest);
    return kit_text("{\"keys\":[%s]}", text);
}

/* ---- Tokens ---- */

static size_t sign_bytes(const char *algorithm, EVP_PKEY *key, const char *input,
                         unsigned char *out, size_t room)
{
    EVP_MD_CTX *context = must(EVP_MD_CTX_new());
    EVP_PKEY_CTX *how = NULL;
    const EVP_MD *digest = strstr(algorithm, "512") != NULL   ? EVP_sha512()
                           : strstr(algorithm, "384") != NULL ? EVP_sha384()
                                                              : EVP_sha256();
    size_t size = room;
    must_be(EVP_DigestSignInit(context, &how, digest, NULL, key) == 1);
    if (algorithm[0] == 'P')
        must_be(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1);
    must_be(EVP_DigestSign(context, out, &size, (const unsigned char *)input,
                           strlen(input)) == 1);
    EVP_MD_CTX_free(context);
    return size;
}

/* JOSE writes r and s in 32 bytes each, not as ASN.1. */
static size_t plain_signature(unsigned char *bytes, size_t size)
{
    const unsigned char *at = bytes;
    ECDSA_SIG *signature = must(d2i_ECDSA_SIG(NULL, &at, (long)size));
    const BIGNUM *r = ECDSA_SIG_get0_r(signature);
    const BIGNUM *s = ECDSA_SIG_get0_s(signature);
    unsigned char plain[64];
    must_be(BN_bn2binpad(r, plain, 32) == 32 && BN_bn2binpad(s, plain + 32, 32) == 32);
    memcpy(bytes, plain, sizeof(plain));
    ECDSA_SIG_free(signature);
    return sizeof(plain);
}

static char *input_of(const char *header, const char *payload)
{
    return kit_text("%s.%s", kit_base64url(header, strlen(header)),
                    kit_base64url(payload, strlen(payload)));
}

char *kit_token(const char *algorithm, EVP_PKEY *key, const char *header,
                const char *payload)
{
    unsigned char bytes[2048];
    char *input = input_of(header, payload);
    if (key == NULL)
        return kit_text("%s.", input);
    size_t size = sign_bytes(algorithm, key, input, bytes, sizeof(bytes));
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        size = plain_signature(bytes, size);
    return kit_text("%s.%s", input, kit_base64url(bytes, size));
}

char *kit_hmac_token(const void *secret, size_t size, const char *header,
                     const char *payload)
{
    unsigned char bytes[64];
    unsigned written = 0;
    char *input = input_of(header, payload);
    (void)must(HMAC(EVP_sha256(), secret, (int)size, (const unsigned char *)input,
                    strlen(input), bytes, &written));
    return kit_text("%s.%s", input, kit_base64url(bytes, written));
}

/* ---- Certificates ---- */

static void extend(X509 *certificate, int extension, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *made = must(X509V3_EXT_conf_nid(NULL, &context, extension, value));
    must_be(X509_add_ext(certificate, made, -1) == 1);
    X509_EXTENSION_free(made);
}

static void name_subject(X509 *certificate, const char *subject)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    const char *bar = strchr(subject, '|');
    int size = bar == NULL ? -1 : (int)(bar - subject);
    if (bar != NULL)
        must_be(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                                           (const unsigned char *)bar + 1, -1, -1,
                                           0) == 1);
    must_be(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                       (const unsigned char *)subject, size, -1,
                                       0) == 1);
}

X509 *kit_certify(const kit_certificate *how)
{
    static long serial;
    X509 *certificate = must(X509_new());
    EVP_PKEY *signer = how->issuer_key == NULL ? how->key : how->issuer_key;
    must_be(X509_set_version(certificate, 2) == 1);
    must_be(ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial) == 1);
    (void)must(ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)how->from));
    (void)must(ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)how->to));
    must_be(X509_set_pubkey(certificate, how->key) == 1);
    name_subject(certificate, how->subject);
    must_be(X509_set_issuer_name(certificate,
                                 X509_get_subject_name(how->issuer == NULL
                                                           ? certificate
                                                           : how->issuer)) == 1);
    extend(certificate, NID_basic_constraints,
           how->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (how->purpose != NULL)
        extend(certificate, NID_ext_key_usage, how->purpose);
    must_be(X509_sign(certificate, signer, EVP_sha256()) > 0);
    return certificate;
}

char *kit_pem(X509 *certificate)
{
    char *bytes = NULL;
    BIO *out = must(BIO_new(BIO_s_mem()));
    must_be(PEM_write_bio_X509(out, certificate) == 1);
    long size = BIO_get_mem_data(out, &bytes);
    char *text = kit_text("%.*s", (int)size, bytes);
    BIO_free(out);
    return text;
}

char *kit_fingerprint(X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char *text = kit_text("sha256");
    must_be(X509_digest(certificate, EVP_sha256(), digest, &size) == 1);
    for (unsigned i = 0; i < size; i++)
        text = kit_text("%s:%02X", text, digest[i]);
    return text;
}

/* ---- Verifying ---- */

nrbac_verifier *kit_open(const char *settings)
{
    nrbac_verifier *verifier = NULL;
    kit_write("evidence.yaml", settings);
    if (nrbac_verifier_open(kit_path("evidence.yaml"), &verifier) != NRBAC_OK)
        printf("the settings are not sound: %s\n", kit_diagnostic(verifier, 0));
    return must(verifier);
}

kit_result kit_verify(nrbac_verifier *verifier, const char *request,
                      const nrbac_verify_options *options)
{
    nrbac_error error = { "" };
    nrbac_document_destroy(last_document);
    last_document = must(nrbac_document_create());
    kit_result result = { .document = last_document };
    if (nrbac_json_read(last_document, request, strlen(request), &result.request,
                        &error) != NRBAC_OK) {
        printf("the request is not JSON: %s\n%s\n", error.text, request);
        abort();
    }
    must_be(nrbac_verify(verifier, result.request, options, last_document,
                         &result.checked, &result.findings) == NRBAC_OK);
    char *text = NULL;
    must_be(nrbac_json_write(result.checked, NRBAC_JSON_COMPACT, &text, NULL) ==
            NRBAC_OK);
    result.text = kit_text("%s", text);
    free(text);
    return result;
}

kit_result kit_verify_now(nrbac_verifier *verifier, const char *request)
{
    nrbac_verify_options options = { .now = KIT_NOW };
    return kit_verify(verifier, request, &options);
}

const char *kit_diagnostic(const nrbac_verifier *verifier, size_t index)
{
    const nrbac_diagnostic *one = nrbac_verifier_diagnostic(verifier, index);
    if (one == NULL)
        return "(none)";
    const char *slash = strrchr(one->file, '/');
    return kit_text("%s:%u:%u: %s: %s", slash == NULL ? one->file : slash + 1,
                    one->line, one->column, one->slug, one->message);
}

char *kit_quote(const char *text)
{
    char *quoted = keep(2 * strlen(text) + 2);
    char *to = quoted;
    *to++ = '"';
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n') {
            *to++ = '\\';
            *to++ = 'n';
            continue;
        }
        if (*at == '"' || *at == '\\')
            *to++ = '\\';
        *to++ = *at;
    }
    *to++ = '"';
    *to = '\0';
    return quoted;
}
