/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/certificate.h"

#include "base/hex.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum { AUTHORITY_MAX = 1000, TYPE_SIZE_MAX = 64 };

/* ---- Times ------------------------------------------------------------------------- */

static bool seconds_of(const ASN1_TIME *time, int64_t *seconds)
{
    int days = 0;
    int rest = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool fine = epoch != NULL && ASN1_TIME_diff(&days, &rest, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    *seconds = (int64_t)days * 86400 + rest;
    return fine;
}

bool nr_certificate_end(const X509 *certificate, int64_t *end)
{
    if (!seconds_of(X509_get0_notAfter(certificate), end))
        return false;
    (*end)++; /* its last second belongs to it */
    return *end > 0;
}

bool nr_certificate_start(const X509 *certificate, int64_t *start)
{
    return seconds_of(X509_get0_notBefore(certificate), start);
}

/* ---- PEM --------------------------------------------------------------------------- */

/* The next block as a certificate. NULL: none is left, or, with *wrong, it is
 * something else. */
static X509 *next_certificate(BIO *from, bool *wrong)
{
    char *label = NULL;
    char *header = NULL;
    unsigned char *bytes = NULL;
    long size = 0;
    if (PEM_read_bio(from, &label, &header, &bytes, &size) != 1) {
        *wrong = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
        return NULL;
    }
    const unsigned char *at = bytes;
    X509 *certificate = NULL;
    if (strcmp(label, PEM_STRING_X509) == 0 && *header == '\0')
        certificate = d2i_X509(NULL, &at, size);
    if (certificate != NULL && at != bytes + size) {
        X509_free(certificate);
        certificate = NULL;
    }
    *wrong = certificate == NULL;
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(bytes);
    return certificate;
}

/* The only certificate of a text, whatever else than PEM stands around it. */
static X509 *only_certificate(const char *pem, size_t size)
{
    bool wrong = false;
    BIO *from = size > INT32_MAX ? NULL : BIO_new_mem_buf(pem, (int)size);
    if (from == NULL)
        return NULL;
    (void)ERR_set_mark();
    X509 *first = next_certificate(from, &wrong);
    X509 *second = first == NULL ? NULL : next_certificate(from, &wrong);
    (void)ERR_pop_to_mark();
    BIO_free(from);
    if (second == NULL && !wrong)
        return first;
    X509_free(first);
    X509_free(second);
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

X509 *nr_certificate_of(const char *pem, size_t size)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    static const char end[] = "-----END CERTIFICATE-----";
    while (size > 0 && is_blank(pem[size - 1]))
        size--;
    while (size > 0 && is_blank(*pem)) {
        pem++;
        size--;
    }
    if (size < sizeof(begin) + sizeof(end) ||
        memcmp(pem, begin, sizeof(begin) - 1) != 0 ||
        memcmp(pem + size - sizeof(end) + 1, end, sizeof(end) - 1) != 0)
        return NULL;
    return only_certificate(pem, size);
}

/* ---- Files ------------------------------------------------------------------------- */

/* Takes the certificate over, also on failure. */
static bool keep(nr_credentials *into, X509 *certificate, const char *name,
                 nrbac_error *error)
{
    int64_t end = 0;
    bool dated = nr_certificate_end(certificate, &end);
    nr_certificate *place = dated ? nr_list_add(&into->arena, &into->certificates)
                                  : NULL;
    const char *copy = nr_arena_string(&into->arena, name);
    if (place != NULL)
        *place = (nr_certificate){ .name = copy, .x509 = certificate, .ends_at = end };
    else
        X509_free(certificate);
    if (!dated)
        return nr_unsound(error, "holds a certificate without a sound end");
    return (place != NULL && copy != NULL) ||
           nr_unsound(error, "does not fit into memory");
}

bool nr_certificate_read(nr_credentials *into, const char *name, const char *text,
                         size_t size, nrbac_error *error)
{
    X509 *certificate = only_certificate(text, size);
    if (certificate == NULL)
        return nr_unsound(error, "is not one certificate in PEM");
    return keep(into, certificate, name, error);
}

static bool add_authority(nr_credentials *into, X509 *certificate, const char *file,
                          nrbac_error *error)
{
    size_t number = into->certificates.count + 1;
    const char *name = nr_arena_format(&into->arena, "%s certificate %zu", file,
                                       number);
    if (name == NULL || number > AUTHORITY_MAX || X509_check_ca(certificate) == 0 ||
        X509_STORE_add_cert(into->store, certificate) != 1) {
        X509_free(certificate);
        return nr_unsound(error,
                          number > AUTHORITY_MAX
                              ? "holds more than 1000 certificates"
                              : "holds a certificate that is no authority's (%zu)",
                          number);
    }
    return keep(into, certificate, name, error);
}

static bool add_authorities(nr_credentials *into, BIO *from, const char *name,
                            nrbac_error *error)
{
    bool wrong = false;
    for (;;) {
        X509 *certificate = next_certificate(from, &wrong);
        if (certificate == NULL)
            break;
        if (!add_authority(into, certificate, name, error))
            return false;
    }
    if (wrong)
        return nr_unsound(error, "holds something else than certificates in PEM");
    return into->certificates.count > 0 ||
           nr_unsound(error, "holds no certificate in PEM");
}

bool nr_authorities_read(nr_credentials *into, const char *name, const char *text,
                         size_t size, nrbac_error *error)
{
    BIO *from = size > INT32_MAX ? NULL : BIO_new_mem_buf(text, (int)size);
    into->store = X509_STORE_new();
    bool fine = false;
    (void)ERR_set_mark();
    if (from == NULL || into->store == NULL)
        fine = nr_unsound(error, "does not fit into memory");
    else
        fine = add_authorities(into, from, name, error);
    (void)ERR_pop_to_mark();
    BIO_free(from);
    return fine;
}

/* ---- Names ------------------------------------------------------------------------- */

static const char *spell(nr_arena *arena, const X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    const char *text = NULL;
    (void)ERR_set_mark();
    if (out != NULL && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253) >= 0) {
        long size = BIO_get_mem_data(out, &bytes);
        if (size > 0 && size <= 4 * (long)NR_SUBJECT_SIZE_MAX)
            text = nr_arena_copy(arena, bytes, (size_t)size);
    }
    (void)ERR_pop_to_mark();
    BIO_free(out);
    return text;
}

const char *nr_certificate_subject(nr_arena *arena, const X509 *certificate)
{
    return spell(arena, X509_get_subject_name(certificate));
}

/* Where a name is being read. */
typedef struct name_reading {
    const char *at;
    char type[TYPE_SIZE_MAX];
    unsigned char value[NR_SUBJECT_SIZE_MAX];
    size_t size; /* of the value */
    nrbac_error *error;
} name_reading;

static void skip_blanks(name_reading *reading)
{
    while (*reading->at == ' ')
        reading->at++;
}

static bool read_type(name_reading *reading)
{
    skip_blanks(reading);
    size_t size = strcspn(reading->at, " =,+");
    if (size == 0 || size >= TYPE_SIZE_MAX)
        return nr_unsound(reading->error, "needs parts such as `CN=gp-system`");
    memcpy(reading->type, reading->at, size);
    reading->type[size] = '\0';
    reading->at += size;
    skip_blanks(reading);
    if (*reading->at++ != '=')
        return nr_unsound(reading->error, "needs a `=` after `%s`", reading->type);
    skip_blanks(reading);
    return true;
}

/* After a backslash: one of the characters that need one, or two hexadecimal digits. */
static bool read_escape(name_reading *reading, unsigned char *byte)
{
    char c = *reading->at;
    if (c != '\0' && strchr(" \"#+,;<>=\\", c) != NULL) {
        *byte = (unsigned char)c;
        reading->at++;
        return true;
    }
    int high = nr_hex_digit(c);
    int low = high < 0 ? -1 : nr_hex_digit(reading->at[1]);
    *byte = (unsigned char)(high * 16 + low);
    reading->at += 2;
    return low >= 0 && *byte != 0;
}

static bool read_value(name_reading *reading)
{
    size_t kept = 0; /* up to the last that is not a blank to be left out */
    reading->size = 0;
    if (*reading->at == '#')
        return nr_unsound(reading->error,
                          "has a value in hexadecimal, which is not read");
    while (*reading->at != '\0' && *reading->at != ',') {
        unsigned char byte = (unsigned char)*reading->at++;
        bool escaped = byte == '\\';
        if (escaped && !read_escape(reading, &byte))
            return nr_unsound(reading->error, "has a `\\` that escapes nothing");
        if (!escaped && strchr("+\";<>", byte) != NULL) {
            return nr_unsound(
                reading->error,
                "has a `%c`, which is written `\\%c` within a value (parts "
                "joined by `+` are not read)",
                byte, byte);
        }
        if (reading->size == sizeof(reading->value))
            return nr_unsound(reading->error, "is too long");
        reading->value[reading->size++] = byte;
        if (escaped || byte != ' ')
            kept = reading->size;
    }
    reading->size = kept;
    return kept > 0 ||
           nr_unsound(reading->error, "has no value for `%s`", reading->type);
}

/* The first part is the innermost, which in a certificate is the last. */
static bool read_parts(name_reading *reading, X509_NAME *name)
{
    for (bool more = true; more; more = *reading->at++ == ',') {
        if (!read_type(reading) || !read_value(reading))
            return false;
        if (X509_NAME_add_entry_by_txt(name, reading->type, MBSTRING_UTF8,
                                       reading->value, (int)reading->size, 0, 0) != 1)
            return nr_unsound(reading->error,
                              "has a part `%s` that certificates cannot have",
                              reading->type);
    }
    return true;
}

const char *nr_subject_read(nr_arena *arena, const char *text, nrbac_error *error)
{
    name_reading reading = { .at = text, .error = error };
    X509_NAME *name = X509_NAME_new();
    const char *spelled = NULL;
    (void)ERR_set_mark();
    if (strlen(text) > NR_SUBJECT_SIZE_MAX)
        (void)nr_unsound(error, "is too long");
    else if (name == NULL)
        (void)nr_unsound(error, "does not fit into memory");
    else if (read_parts(&reading, name)) {
        spelled = spell(arena, name);
        if (spelled == NULL)
            (void)nr_unsound(error, "does not fit into memory");
    }
    (void)ERR_pop_to_mark();
    X509_NAME_free(name);
    return spelled;
}
