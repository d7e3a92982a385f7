/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client certificates: by file, by fingerprint, by subject and authority; and from whom
 * one counts.
 */
#include "check.h"
#include "verify/certificate.h"
#include "verify_kit.h"

#include <openssl/pem.h>

static EVP_PKEY *root_key, *middle_key, *key, *weak_key;
static X509 *root, *middle, *stranger_root;
static nrbac_verifier *verifier;

static const int64_t day = 86400;

static X509 *certify(const char *subject, X509 *issuer, EVP_PKEY *issuer_key,
                     const char *purpose)
{
    kit_certificate how = { .subject = subject,
                            .key = key,
                            .issuer = issuer,
                            .issuer_key = issuer_key,
                            .from = KIT_NOW - day,
                            .to = KIT_NOW + 90 * day,
                            .purpose = purpose };
    return kit_certify(&how);
}

static X509 *authority(const char *subject, EVP_PKEY *own, X509 *issuer,
                       EVP_PKEY *issuer_key, int64_t life)
{
    kit_certificate how = { .subject = subject,
                            .key = own,
                            .issuer = issuer,
                            .issuer_key = issuer_key,
                            .from = KIT_NOW - day,
                            .to = KIT_NOW + life,
                            .authority = true };
    return kit_certify(&how);
}

/* ---- Asking ---- */

static kit_result ask_at(const char *pem, const char *id, unsigned flags, int64_t now)
{
    nrbac_verify_options options = { .now = now, .flags = flags };
    const char *named = id == NULL ? "" : kit_text("\"id\":\"%s\",", id);
    return kit_verify(verifier,
                      kit_text("{\"context\":{\"application\":{%s\"certificate\":%s}}}",
                               named, kit_quote(pem)),
                      &options);
}

static kit_result ask(X509 *certificate, const char *id)
{
    return ask_at(kit_pem(certificate), id, NRBAC_VERIFY_TLS_ENDED, KIT_NOW);
}

static void check_proved(kit_result got, const char *id, int line)
{
    check_str(got.findings.fault, NULL, __FILE__, line);
    check_int(got.findings.application, NRBAC_VERIFIED, __FILE__, line);
    check_str(
        got.text,
        kit_json("{'context':{'application':{'id':'%s','authenticated_by':'tls-ma'}}}",
                 id),
        __FILE__, line);
}

static void check_refused(kit_result got, const char *why, int line)
{
    check_int(got.findings.application, NRBAC_REFUSED, __FILE__, line);
    check_str(got.findings.fault, kit_text("`context.application.certificate` %s", why),
              __FILE__, line);
    check_condition(strstr(got.text, "CERTIFICATE") == NULL, "it is gone", __FILE__,
                    line);
}

#define PROVED(got, id)   check_proved((got), (id), __LINE__)
#define REFUSED(got, why) check_refused((got), (why), __LINE__)

/* ---- By file and fingerprint ---- */

static X509 *of_file, *of_print, *of_last_print;

static void test_file(void)
{
    kit_result got = ask(of_file, NULL);
    PROVED(got, "file");
    CHECK_INT(got.findings.expires_at, KIT_NOW + 90 * day + 1);
    CHECK_INT(got.findings.expiring_count, 0);
    PROVED(ask(of_file, "file"), "file");
    REFUSED(ask(of_file, "print"), "is not one of the named application");
    REFUSED(ask_at(kit_pem(of_file), NULL, 0, KIT_NOW),
            "counts only from whoever ended the TLS connection in which it was used");
    /* One that says the same, signed anew, is another. */
    X509 *again = certify("file", NULL, NULL, NULL);
    REFUSED(ask(again, NULL), "is not one of any application");
    REFUSED(ask(again, "file"), "is not one of the named application");
    X509_free(again);
}

static void test_validity(void)
{
    char *pem = kit_pem(of_file);
    const unsigned ended = NRBAC_VERIFY_TLS_ENDED;
    PROVED(ask_at(pem, NULL, ended, KIT_NOW - day), "file");
    REFUSED(ask_at(pem, NULL, ended, KIT_NOW - day - 1), "is not valid yet");
    kit_result last = ask_at(pem, NULL, ended, KIT_NOW + 90 * day);
    PROVED(last, "file");
    CHECK_INT(last.findings.expiring_count, 1);
    CHECK_STR(last.findings.expiring[0], "file.pem 2027-02-21");
    REFUSED(ask_at(pem, NULL, ended, KIT_NOW + 90 * day + 1), "has expired");
}

static void test_fingerprint(void)
{
    PROVED(ask(of_print, NULL), "print");
    /* `expires: 2026-11-24`, to the second. */
    const int64_t midnight = INT64_C(1795478400);
    kit_result got = ask(of_last_print, NULL);
    PROVED(got, "print");
    CHECK_INT(got.findings.expires_at, midnight);
    CHECK_STR(got.findings.expiring[0], "certificate 2 of print 2026-11-24");
    char *pem = kit_pem(of_last_print);
    PROVED(ask_at(pem, NULL, NRBAC_VERIFY_TLS_ENDED, midnight - 1), "print");
    REFUSED(ask_at(pem, NULL, NRBAC_VERIFY_TLS_ENDED, midnight),
            "is no longer accepted");
}

/* ---- By subject ---- */

static void test_subject(void)
{
    static const char other[] = "is not one of any application";
    X509 *good = certify("named|Example Surgery", root, root_key, "clientAuth");
    X509 *plain = certify("named|Example Surgery", middle, middle_key, NULL);
    PROVED(ask(good, NULL), "subject");
    PROVED(ask(plain, NULL), "subject"); /* an authority may be no root */
    X509 *server = certify("named|Example Surgery", root, root_key, "serverAuth");
    REFUSED(ask(server, NULL), other);
    X509 *own = certify("named|Example Surgery", NULL, NULL, "clientAuth");
    REFUSED(ask(own, NULL), other);
    X509 *strange = certify("named|Example Surgery", stranger_root, root_key,
                            "clientAuth");
    REFUSED(ask(strange, NULL), other);
    X509 *forged = certify("named|Example Surgery", root, middle_key, "clientAuth");
    REFUSED(ask(forged, NULL), other);
    X509 *renamed = certify("named", root, root_key, "clientAuth");
    REFUSED(ask(renamed, NULL), other);
    X509 *spelled = certify("Named|Example Surgery", root, root_key, "clientAuth");
    REFUSED(ask(spelled, NULL), other);
    X509 *joined = certify("named,O=Example Surgery", root, root_key, "clientAuth");
    REFUSED(ask(joined, NULL), other);
    X509 *all[] = {
        good, plain, server, own, strange, forged, renamed, spelled, joined
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        X509_free(all[i]);
}

/* A certificate signed by a client's is no authority's; one of a weak key is none. */
static void test_chain(void)
{
    static const char other[] = "is not one of any application";
    X509 *client = certify("named|Example Surgery", root, root_key, "clientAuth");
    X509 *below = certify("named|Example Surgery", client, key, "clientAuth");
    REFUSED(ask(below, NULL), other);
    kit_certificate how = { .subject = "named|Example Surgery",
                            .key = weak_key,
                            .issuer = root,
                            .issuer_key = root_key,
                            .from = KIT_NOW - day,
                            .to = KIT_NOW + day };
    X509 *weak = kit_certify(&how);
    REFUSED(ask(weak, NULL), other);
    X509_free(client);
    X509_free(below);
    X509_free(weak);
}

/* The authorities of a chain end too: one of a week is told, and then it is over. */
static void test_authority_end(void)
{
    X509 *plain = certify("named|Example Surgery", middle, middle_key, NULL);
    kit_result got = ask(plain, NULL);
    CHECK_INT(got.findings.expiring_count, 1);
    CHECK_STR(got.findings.expiring[0], "ca.pem certificate 2 2026-11-30");
    REFUSED(ask_at(kit_pem(plain), NULL, NRBAC_VERIFY_TLS_ENDED, KIT_NOW + 8 * day),
            "is not one of any application");
    X509_free(plain);
}

/* An authority that is no root may end a chain by itself. */
static void test_partial_chain(void)
{
    nrbac_verifier *before = verifier;
    X509 *plain = certify("named|Example Surgery", middle, middle_key, NULL);
    kit_write("middle.pem", kit_pem(middle));
    verifier = kit_open("nrbac-evidence: 1\nauthorities: middle.pem\napplications:\n"
                        "  subject: { certificates: [{ subject: \"O=Example Surgery,"
                        "CN=named\" }] }\n");
    REFUSED(ask(plain, NULL), "is not one of any application"); /* the other order */
    nrbac_verifier_close(verifier);
    verifier = kit_open("nrbac-evidence: 1\nauthorities: middle.pem\napplications:\n"
                        "  subject: { certificates: [{ subject: \"CN=named, "
                        "O=Example Surgery\" }] }\n");
    PROVED(ask(plain, NULL), "subject");
    nrbac_verifier_close(verifier);
    verifier = before;
    X509_free(plain);
}

/* ---- Its form ---- */

static void test_form(void)
{
    static const char wrong[] = "is not one certificate in PEM";
    const unsigned ended = NRBAC_VERIFY_TLS_ENDED;
    char *pem = kit_pem(of_file);
    PROVED(ask_at(kit_text("\n %s \n", pem), NULL, ended, KIT_NOW), "file");
    REFUSED(ask_at(kit_text("%s%s", pem, pem), NULL, ended, KIT_NOW), wrong);
    REFUSED(ask_at(kit_text("x%s", pem), NULL, ended, KIT_NOW), wrong);
    REFUSED(ask_at(kit_text("subject=CN = file\n%s", pem), NULL, ended, KIT_NOW), wrong);
    REFUSED(ask_at(kit_text("%sx", pem), NULL, ended, KIT_NOW), wrong);
    REFUSED(ask_at("MIIB", NULL, ended, KIT_NOW), wrong);
    REFUSED(ask_at("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", NULL,
                   ended, KIT_NOW),
            wrong);
    for (size_t cut = 1; cut + 2 < strlen(pem); cut += 7)
        CHECK_INT(ask_at(kit_text("%.*s", (int)cut, pem), NULL, ended, KIT_NOW)
                      .findings.application,
                  NRBAC_REFUSED);
    REFUSED(ask_at(kit_text("%s%*s", pem, (int)(16385 - strlen(pem)), ""), NULL, ended,
                   KIT_NOW),
            "is longer than 16 KiB");
    static const char *const kinds[] = { "7", "{}", "[]", "true" };
    for (size_t i = 0; i < 4; i++) {
        nrbac_verify_options options = { .now = KIT_NOW, .flags = ended };
        REFUSED(kit_verify(verifier,
                           kit_json("{'context':{'application':{'certificate':%s}}}",
                                    kinds[i]),
                           &options),
                "is not a text");
    }
}

/* ---- Names ---- */

static void check_name(const char *text, const char *spelled, const char *why)
{
    nr_arena arena = { 0 };
    nrbac_error error = { "" };
    CHECK_STR(nr_subject_read(&arena, text, &error), spelled);
    CHECK_STR(error.text, why);
    nr_arena_finish(&arena);
}

static void test_names(void)
{
    check_name("CN=gp-system,O=Example Surgery,C=GB",
               "CN=gp-system,O=Example Surgery,C=GB", "");
    check_name("cn=gp , o=x", NULL, "has a part `cn` that certificates cannot have");
    check_name("CN = gp , O = x ", "CN=gp,O=x", "");
    check_name("2.5.4.3=gp", "CN=gp", "");
    check_name("CN=a\\,b\\2Bc\\\\", "CN=a\\,b\\+c\\\\", "");
    check_name("CN=a\\ ,O=b", "CN=a\\ ,O=b", "");
    check_name("CN=caf\xc3\xa9", "CN=caf\\C3\\A9", "");
    check_name(
        "CN=a+O=b", NULL,
        "has a `+`, which is written `\\+` within a value (parts joined by `+` are "
        "not read)");
    check_name("CN=", NULL, "has no value for `CN`");
    check_name("CN", NULL, "needs a `=` after `CN`");
    check_name("", NULL, "needs parts such as `CN=gp-system`");
    check_name("CN=a,", NULL, "needs parts such as `CN=gp-system`");
    check_name("CN=#0401", NULL, "has a value in hexadecimal, which is not read");
    check_name("CN=a\\00", NULL, "has a `\\` that escapes nothing");
    check_name("CN=a\\", NULL, "has a `\\` that escapes nothing");
    check_name("NO=a", NULL, "has a part `NO` that certificates cannot have");
    check_name("C=GBR", NULL, "has a part `C` that certificates cannot have");
}

static void prepare(void)
{
    root_key = kit_rsa(2048);
    middle_key = kit_ec();
    key = kit_ec();
    weak_key = kit_rsa(1024);
    root = authority("root", root_key, NULL, NULL, 3650 * day);
    middle = authority("middle", middle_key, root, root_key, 7 * day);
    stranger_root = authority("stranger", root_key, NULL, NULL, 3650 * day);
    of_file = certify("file", NULL, NULL, NULL);
    of_print = certify("print", NULL, NULL, NULL);
    of_last_print = certify("last", NULL, NULL, NULL);
    kit_write("ca.pem", kit_text("%s%s", kit_pem(root), kit_pem(middle)));
    kit_write("file.pem", kit_pem(of_file));
    verifier = kit_open(kit_text(
        "nrbac-evidence: 1\n"
        "authorities: ca.pem\n"
        "applications:\n"
        "  file: { certificates: [{ file: file.pem }] }\n"
        "  print:\n"
        "    certificates:\n"
        "      - { fingerprint: \"%s\" }\n"
        "      - { fingerprint: \"%s\", expires: 2026-11-24 }\n"
        "  subject: { certificates: [{ subject: \"CN=named,O=Example Surgery\" }] }\n",
        kit_fingerprint(of_print), kit_fingerprint(of_last_print)));
}

int main(void)
{
    prepare();
    test_file();
    test_validity();
    test_fingerprint();
    test_subject();
    test_chain();
    test_authority_end();
    test_partial_chain();
    test_form();
    test_names();
    nrbac_verifier_close(verifier);
    X509 *certificates[] = { root,    middle,   stranger_root,
                             of_file, of_print, of_last_print };
    for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]); i++)
        X509_free(certificates[i]);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(middle_key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(weak_key);
    kit_finish();
    return check_report();
}
