/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that change under a verifier, settings that are read again, and what its status
 * says of both.
 */
#include "check.h"
#include "verify/verifier.h"
#include "verify_kit.h"

#include <openssl/pem.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static EVP_PKEY *first, *second;
static nrbac_verifier *verifier;

static const char settings[] =
    "nrbac-evidence: 1\n"
    "issuers:\n"
    "  cis2: { kind: cis2, issuer: https://c, audience: [us], keys: keys.json }\n"
    "%s";

static char *token(EVP_PKEY *key, const char *kid)
{
    return kit_token("ES256", key, kit_json("{'alg':'ES256','kid':'%s'}", kid),
                     kit_json("{'iss':'https://c','aud':'us','sub':'1','exp':%lld}",
                              (long long)KIT_NOW + 60));
}

static nrbac_finding ask(EVP_PKEY *key, const char *kid)
{
    return kit_verify_now(verifier,
                          kit_json("{'subject':{'properties':{'id_token':'%s'}}}",
                                   token(key, kid)))
        .findings.user;
}

/* A member of the status of the first file, as a text. */
static const char *told(const char *member)
{
    nrbac_document *document = nrbac_document_create();
    nrbac_value *status = nrbac_verifier_status(verifier, document);
    const nrbac_value *file = nrbac_value_at(nrbac_value_find(status, "files"), 0);
    const nrbac_value *value = nrbac_value_find(file, member);
    const char *text = "(null)";
    if (nrbac_value_text(value) != NULL)
        text = kit_text("%s", nrbac_value_text(value));
    else if (nrbac_value_kind(value) == NRBAC_KIND_INTEGER)
        text = kit_text("%lld", (long long)nrbac_value_integer(value));
    nrbac_document_destroy(document);
    return text;
}

static void write_keys(const char *set)
{
    kit_write("keys.json", set);
}

static char *set_of(EVP_PKEY *key, const char *kid)
{
    return kit_set(kit_jwk(key, kit_text(",\"kid\":\"%s\"", kid)), NULL);
}

/* The old key stops and the new one works, without anybody asking for it. */
static void test_new_key(void)
{
    write_keys(set_of(first, "one"));
    verifier = kit_open(kit_text(settings, ""));
    CHECK_INT(ask(first, "one"), NRBAC_VERIFIED);
    CHECK_INT(ask(second, "two"), NRBAC_REFUSED);
    write_keys(set_of(second, "two"));
    verifier->look_every = 3600000; /* not due: what was read is in force */
    CHECK_INT(ask(first, "one"), NRBAC_VERIFIED);
    verifier->look_every = 0;
    CHECK_INT(ask(first, "one"), NRBAC_REFUSED);
    CHECK_INT(ask(second, "two"), NRBAC_VERIFIED);
    CHECK_STR(told("error"), "(null)");
    CHECK_STR(told("file"), "keys.json");
    CHECK_STR(told("keys"), "1");
}

/* A second at most, by the clock. */
static void test_one_second(void)
{
    CHECK_INT(NR_LOOK_EVERY_MS, 1000);
    verifier->look_every = NR_LOOK_EVERY_MS;
    CHECK_INT(ask(second, "two"), NRBAC_VERIFIED);
    write_keys(set_of(first, "one"));
    (void)nanosleep(&(struct timespec){ 1, 100000000 }, NULL);
    CHECK_INT(ask(first, "one"), NRBAC_VERIFIED);
    verifier->look_every = 0;
}

/* Written in place, at the same size, within the same moment: still seen. */
static void test_in_place(void)
{
    char *one = set_of(first, "one");
    char *two = set_of(second, "two");
    CHECK_INT(strlen(one), strlen(two));
    for (int i = 0; i < 20; i++) {
        FILE *file = fopen(kit_path("keys.json"), "w");
        CHECK(file != NULL);
        (void)fputs(i % 2 == 0 ? one : two, file);
        (void)fclose(file);
        CHECK_INT(ask(first, "one"), i % 2 == 0 ? NRBAC_VERIFIED : NRBAC_REFUSED);
        CHECK_INT(ask(second, "two"), i % 2 == 0 ? NRBAC_REFUSED : NRBAC_VERIFIED);
    }
}

/* Where a clock is coarse, a file that changes twice in a moment has the same stamp: one
 * that was new when it was read is read again. */
static void test_same_stamp(void)
{
    struct stat at;
    write_keys(set_of(first, "one"));
    CHECK_INT(ask(first, "one"), NRBAC_VERIFIED);
    nr_loaded *loaded = &verifier->snapshot->files[0];
    CHECK(loaded->fresh);
    write_keys(set_of(second, "two"));
    CHECK_INT(stat(kit_path("keys.json"), &at), 0);
    loaded->stamp = (nr_stamp){ .device = (uint64_t)at.st_dev,
                                .inode = (uint64_t)at.st_ino,
                                .size = (uint64_t)at.st_size,
                                .changed_s = at.st_ctim.tv_sec,
                                .changed_ns = at.st_ctim.tv_nsec,
                                .written_s = at.st_mtim.tv_sec,
                                .written_ns = at.st_mtim.tv_nsec };
    loaded->fresh = false;
    CHECK_INT(ask(first, "one"), NRBAC_VERIFIED);
    loaded->fresh = true;
    CHECK_INT(ask(second, "two"), NRBAC_VERIFIED);
}

static void test_unsound_file(void)
{
    write_keys(set_of(first, "one"));
    CHECK_INT(ask(first, "one"), NRBAC_VERIFIED);
    write_keys("{\"keys\":[");
    CHECK_INT(ask(first, "one"), NRBAC_VERIFIED);
    CHECK_STR(told("error"), "is not JSON: 1:9: ']' expected");
    CHECK_STR(told("keys"), "1");
    (void)unlink(kit_path("keys.json"));
    CHECK_INT(ask(first, "one"), NRBAC_VERIFIED);
    CHECK_STR(told("error"), "does not exist");
    write_keys(set_of(second, "two"));
    CHECK_INT(ask(second, "two"), NRBAC_VERIFIED);
    CHECK_INT(ask(first, "one"), NRBAC_REFUSED);
    CHECK_STR(told("error"), "(null)");
}

static nrbac_status reopen(const char *more)
{
    kit_write("evidence.yaml", kit_text(settings, more));
    return nrbac_verifier_reopen(verifier);
}

static void test_reopen(void)
{
    write_keys(set_of(first, "one"));
    CHECK_INT(reopen("require: [id_token]\n"), NRBAC_OK);
    CHECK_INT(nrbac_verifier_diagnostic_count(verifier), 0);
    kit_result got = kit_verify_now(
        verifier, kit_json("{'subject':{'properties':{'profile':{}}}}"));
    CHECK_INT(got.findings.user, NRBAC_REFUSED);
    CHECK_STR(got.findings.fault, "`subject.properties` holds no signed `id_token` or "
                                  "`nhs_login`, and one is required");
    CHECK_INT(kit_verify_now(verifier, kit_json("{'subject':7}")).findings.user,
              NRBAC_REFUSED);
    CHECK_INT(kit_verify_now(verifier, kit_json("{'subject':null}")).findings.user,
              NRBAC_ASSERTED);
    CHECK_INT(kit_verify_now(verifier, "{}").findings.user, NRBAC_ASSERTED);
    CHECK_INT(ask(first, "one"), NRBAC_VERIFIED);
    /* Userinfo alone, signed or not, is no sign-in. */
    got = kit_verify_now(
        verifier,
        kit_json("{'subject':{'properties':{'userinfo':'%s'}}}", token(first, "one")));
    CHECK_INT(got.findings.user, NRBAC_REFUSED);
    got = kit_verify_now(verifier,
                         kit_json("{'subject':{'properties':{'userinfo':{'a':1},"
                                  "'id_token':'%s'}}}",
                                  token(first, "one")));
    CHECK_INT(got.findings.user, NRBAC_ASSERTED);
    /* Unsound settings change nothing. */
    CHECK_INT(reopen("requires: []\n"), NRBAC_E_POLICY);
    CHECK_STR(kit_diagnostic(verifier, 0),
              "evidence.yaml:4:1: unknown-key: a file of evidence settings has no key "
              "`requires`");
    CHECK_STR(nrbac_verifier_diagnostic(verifier, 0)->help, "did you mean `require`?");
    CHECK_INT(kit_verify_now(verifier, kit_json("{'subject':{}}")).findings.user,
              NRBAC_REFUSED);
    (void)unlink(kit_path("evidence.yaml"));
    CHECK_INT(nrbac_verifier_reopen(verifier), NRBAC_E_IO);
    CHECK_INT(ask(first, "one"), NRBAC_VERIFIED);
    CHECK_INT(reopen(""), NRBAC_OK);
    CHECK_INT(kit_verify_now(verifier, kit_json("{'subject':{}}")).findings.user,
              NRBAC_ASSERTED);
}

/* ---- What ends ---- */

static const char *expiring(size_t index)
{
    nrbac_document *document = nrbac_document_create();
    nrbac_value *status = nrbac_verifier_status(verifier, document);
    const nrbac_value *one = nrbac_value_at(nrbac_value_find(status, "expiring"),
                                            index);
    const char *name = nrbac_value_text(nrbac_value_find(one, "credential"));
    const char *ends = nrbac_value_text(nrbac_value_find(one, "ends"));
    const char *text = one == NULL ? "(none)" : kit_text("%s %s", name, ends);
    nrbac_document_destroy(document);
    return text;
}

static char *day_of(int64_t seconds)
{
    char *text = kit_text("%11s", "");
    time_t moment = (time_t)seconds;
    struct tm parts;
    (void)gmtime_r(&moment, &parts);
    (void)strftime(text, 12, "%Y-%m-%d", &parts);
    return text;
}

static char *chain(int64_t end)
{
    kit_certificate how = { .subject = "x", .key = first, .from = 0, .to = end };
    X509 *certificate = kit_certify(&how);
    unsigned char *bytes = NULL;
    int size = i2d_X509(certificate, &bytes);
    char *text = kit_text("%*s", size * 2, "");
    (void)EVP_EncodeBlock((unsigned char *)text, bytes, size);
    OPENSSL_free(bytes);
    X509_free(certificate);
    return text;
}

static void test_expiring(void)
{
    int64_t now = (int64_t)time(NULL);
    int64_t soon = now + 10 * 86400;
    int64_t late = now + 40 * 86400;
    write_keys(kit_set(
        kit_jwk(first, kit_text(",\"kid\":\"far\",\"exp\":%lld", (long long)late)),
        kit_jwk(first, kit_text(",\"kid\":\"near\",\"exp\":%lld", (long long)soon)),
        kit_jwk(second, kit_text(",\"exp\":%lld,\"x5c\":[\"%s\"]", (long long)late,
                                 chain(soon))),
        NULL));
    CHECK_INT(
        reopen("applications: { gp: { api_keys: [{ hash: "
               "\"hmac-sha256:000102030405060708090a0b0c0d0e0f:"
               "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\", "
               "expires: 2026-01-01 }] } }\n"),
        NRBAC_OK);
    CHECK_STR(expiring(0), kit_text("keys.json key near %s", day_of(soon)));
    CHECK_STR(expiring(1), kit_text("keys.json key 3 %s", day_of(soon + 1)));
    CHECK_STR(expiring(2), "API key 1 of gp 2026-01-01"); /* which is over */
    CHECK_STR(expiring(3), "(none)");
    /* An answer warns of the key that it rests on. */
    kit_result got = kit_verify(
        verifier,
        kit_json("{'subject':{'properties':{'id_token':'%s'}}}",
                 kit_token("ES256", first, "{\"alg\":\"ES256\",\"kid\":\"near\"}",
                           kit_json("{'iss':'https://c','aud':'us',"
                                    "'sub':'1','exp':1}"))),
        NULL);
    CHECK_INT(got.findings.user, NRBAC_VERIFIED);
    CHECK_INT(got.findings.expiring_count, 1);
    CHECK_STR(got.findings.expiring[0],
              kit_text("keys.json key near %s", day_of(soon)));
    CHECK_INT(reopen("warn_days: 5\n"), NRBAC_OK);
    CHECK_STR(expiring(0), "(none)");
}

static void test_status(void)
{
    nrbac_document *document = nrbac_document_create();
    nrbac_value *status = nrbac_verifier_status(verifier, document);
    CHECK_STR(nrbac_value_text(nrbac_value_find(status, "settings")),
              kit_path("evidence.yaml"));
    const char *opened = nrbac_value_text(nrbac_value_find(status, "opened_at"));
    CHECK_INT(strlen(opened), 20);
    CHECK(strncmp(opened, day_of((int64_t)time(NULL)), 10) == 0);
    nrbac_document_destroy(document);
}

int main(void)
{
    first = kit_ec();
    second = kit_ec();
    test_new_key();
    test_one_second();
    test_in_place();
    test_same_stamp();
    test_unsound_file();
    test_reopen();
    test_expiring();
    test_status();
    nrbac_verifier_close(verifier);
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
    kit_finish();
    return check_report();
}
