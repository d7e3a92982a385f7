/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes in evidence settings and in the files that they name, each at its place.
 */
#include "check.h"
#include "verify/verifier.h"
#include "verify_kit.h"

#include <dirent.h>

static EVP_PKEY *rsa, *ec, *weak;

/* Opens settings that have exactly these mistakes, which NULL ends. */
static void mistakes_at(const char *settings, const char *const wanted[],
                        const char *file, int line)
{
    nrbac_verifier *verifier = NULL;
    size_t count = 0;
    while (wanted[count] != NULL)
        count++;
    kit_write("s.yaml", settings);
    nrbac_status status = nrbac_verifier_open(kit_path("s.yaml"), &verifier);
    check_int(status, count == 0 ? NRBAC_OK : NRBAC_E_POLICY, file, line);
    check_int((long long)nrbac_verifier_diagnostic_count(verifier), (long long)count,
              file, line);
    for (size_t i = 0; i < nrbac_verifier_diagnostic_count(verifier) || i < count; i++)
        check_str(kit_diagnostic(verifier, i), i < count ? wanted[i] : NULL, file,
                  line);
    nrbac_verifier_close(verifier);
}

#define MISTAKES(settings, ...)                                                   \
    mistakes_at((settings), (const char *const[]){ __VA_ARGS__, NULL }, __FILE__, \
                __LINE__)
#define SOUND(settings) \
    mistakes_at((settings), (const char *const[]){ NULL }, __FILE__, __LINE__)

#define HEAD "nrbac-evidence: 1\n"

static void test_file(void)
{
    nrbac_verifier *verifier = NULL;
    CHECK_INT(nrbac_verifier_open(kit_path("none.yaml"), &verifier), NRBAC_E_IO);
    CHECK_STR(
        kit_diagnostic(verifier, 0),
        "none.yaml:0:0: unusable-file: the evidence settings: the file does not exist");
    /* Nothing is in force, so nobody passes. */
    kit_result got = kit_verify_now(verifier, "{}");
    CHECK_INT(got.findings.user, NRBAC_REFUSED);
    CHECK_INT(got.findings.application, NRBAC_REFUSED);
    nrbac_verifier_close(verifier);

    SOUND(HEAD);
    MISTAKES("",
             "s.yaml:1:1: wrong-type: a file of evidence settings must be a mapping, "
             "but is nothing");
    MISTAKES("- a\n", "s.yaml:1:1: wrong-type: a file of evidence settings must be a "
                      "mapping, but is a list");
    MISTAKES("issuers: {}\n",
             "s.yaml:1:1: missing-header: evidence settings start with their version");
    MISTAKES("nrbac: 1\n",
             "s.yaml:1:1: missing-header: evidence settings start with their version");
    MISTAKES("nrbac-evidence: 2\n",
             "s.yaml:1:17: bad-value: `nrbac-evidence` must be from 1 to 1, but is 2");
    MISTAKES(
        HEAD "issuer: {}\n",
        "s.yaml:2:1: unknown-key: a file of evidence settings has no key `issuer`");
    MISTAKES(HEAD "clock_skew: 301\nwarn_days: -1\nrequire: [aplication]\n",
             "s.yaml:2:13: bad-value: `clock_skew` must be from 0 to 300, but is 301",
             "s.yaml:3:12: bad-value: `warn_days` must be from 0 to 3650, but is -1",
             "s.yaml:4:11: bad-value: what `require` lists cannot be `aplication`");
    MISTAKES(HEAD "apis: { pds: \"a b\" }\n",
             "s.yaml:2:14: bad-value: an API's name in scopes holds no blanks");
    MISTAKES(HEAD "issuers: {\n",
             "s.yaml:3:1: yaml-syntax: while parsing a flow node: did "
             "not find expected node content");
}

static void test_issuers(void)
{
    SOUND(HEAD "issuers:\n"
               "  a: { kind: cis2, issuer: i, audience: [us], keys: k.json }\n"
               "  b: { kind: platform, issuer: i, audience: [us], keys: k.json }\n");
    MISTAKES(HEAD "issuers:\n"
                  "  a: { kind: cis3, issuer: i, audience: [], keys: none.json, "
                  "algorithms: [HS256, none, RS256] }\n",
             "s.yaml:3:14: bad-value: `kind` cannot be `cis3`",
             "s.yaml:3:41: bad-value: `audience` is empty",
             "s.yaml:3:51: unusable-file: `none.json` does not exist",
             "s.yaml:3:75: bad-value: an algorithm cannot be `HS256`",
             "s.yaml:3:82: bad-value: an algorithm cannot be `none`");
    MISTAKES(HEAD "issuers:\n"
                  "  a: { kind: cis2 }\n",
             "s.yaml:3:3: missing-key: an issuer needs the key `audience`",
             "s.yaml:3:3: missing-key: an issuer needs the key `issuer`",
             "s.yaml:3:3: missing-key: an issuer needs the key `keys`");
    MISTAKES(HEAD "issuers:\n"
                  "  a: { kind: cis2, issuer: i, audience: [us], keys: k.json }\n"
                  "  b: { kind: cis2, issuer: i, audience: [us], keys: k.json }\n",
             "s.yaml:4:28: duplicate-definition: the issuer `i` is `a` already, of the "
             "same kind");
    MISTAKES(HEAD
             "issuers:\n"
             "  a: { kind: cis2, issuer: i, audience: us, keys: k.json, algorithms: [] "
             "}\n",
             "s.yaml:3:41: wrong-type: `audience` must be a list, but is a text",
             "s.yaml:3:71: bad-value: `algorithms` is empty");
}

#define ONE_HASH                                    \
    "hmac-sha256:000102030405060708090a0b0c0d0e0f:" \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void test_api_keys(void)
{
    static const char wrong[] =
        "s.yaml:3:31: bad-value: `hash` is not the hash of an API "
        "key";
    SOUND(HEAD "applications:\n  a: { api_keys: [{ hash: \"" ONE_HASH "\" }] }\n");
    static const char *const bad[] = {
        "the-key-itself-0123456789",
        "hmac-sha256:",
        "hmac-sha256:00:00",
        "hmac-sha512:000102030405060708090a0b0c0d0e0f:"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "hmac-sha256:000102030405060708090a0b0c0d0e0g:"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        ONE_HASH "0",
        ONE_HASH "00",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        MISTAKES(kit_text(HEAD
                          "applications:\n  app: { api_keys: [{ hash:   \"%s\" }] }\n",
                          bad[i]),
                 wrong);
    MISTAKES(
        HEAD "applications:\n"
             "  a: { api_keys: [{ hash: \"" ONE_HASH "\", expires: 2026-02-30 }] }\n"
             "  b: { api_keys: [{ hash: \"" ONE_HASH "\" }] }\n"
             "  c: { api_keys: [] }\n",
        "s.yaml:3:149: bad-value: `expires` must be a day such as 2027-03-31, but is "
        "`2026-02-30`",
        "s.yaml:4:27: duplicate-definition: a hash belongs to `a` already",
        "s.yaml:5:18: bad-value: `api_keys` is empty");
}

/* What may be a key is not shown again: no line is, since it could stand anywhere. */
static void test_hidden(void)
{
    nrbac_verifier *verifier = NULL;
    kit_write("s.yaml",
              HEAD "applications:\n"
                   "  a: { api_keys: [{ hash: the-key-itself-0123456789 }] }\n"
                   "  b: { client_ids: [] }\n");
    CHECK_INT(nrbac_verifier_open(kit_path("s.yaml"), &verifier), NRBAC_E_POLICY);
    CHECK_INT(nrbac_verifier_diagnostic_count(verifier), 2);
    const nrbac_diagnostic *told = nrbac_verifier_diagnostic(verifier, 0);
    CHECK(told->source_line == NULL);
    CHECK_STR(told->help, "`nrbac hash-key` makes one from the key");
    CHECK(nrbac_verifier_diagnostic(verifier, 1)->source_line == NULL);
    nrbac_verifier_close(verifier);
}

static void test_applications(void)
{
    MISTAKES(HEAD "applications:\n  a: {}\n",
             "s.yaml:3:3: missing-key: an application proves who it is by "
             "`client_assertion`, `client_ids`, `api_keys` or `certificates`");
    MISTAKES(HEAD "applications:\n"
                  "  a: { client_ids: [x, y] }\n"
                  "  b: { client_ids: [y, y] }\n",
             "s.yaml:4:21: duplicate-definition: the client id belongs to `a` already",
             "s.yaml:4:24: duplicate-definition: the client id belongs to `a` already");
    MISTAKES(
        HEAD "applications:\n"
             "  a: { client_assertion: { audience: [x], keys: k.json } }\n"
             "  b: { client_assertion: { issuer: a, audience: [x], keys: k.json } }\n",
        "s.yaml:4:36: duplicate-definition: the issuer of client assertions belongs to "
        "`a` already");
    MISTAKES(HEAD "applications:\n"
                  "  a: { client_assertion: { issuer: \"\" } }\n",
             "s.yaml:3:8: missing-key: `client_assertion` needs the key `audience`",
             "s.yaml:3:8: missing-key: `client_assertion` needs the key `keys`",
             "s.yaml:3:36: bad-value: `issuer` is empty");
}

static void test_certificates(void)
{
    static const char print[] =
        "sha256:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:"
        "10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1F";
    static const char same[] =
        "sha256:"
        "000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d"
        "1e1f";
    MISTAKES(
        kit_text(HEAD "applications:\n"
                      "  a: { certificates: [{ fingerprint: \"%s\" }] }\n"
                      "  b: { certificates: [{ fingerprint: \"%s\" }] }\n",
                 print, same),
        "s.yaml:4:38: duplicate-definition: the fingerprint belongs to `a` already");
    MISTAKES(
        HEAD "applications:\n"
             "  a:\n"
             "    certificates:\n"
             "      - { fingerprint: \"sha256:00\" }\n"
             "      - { fingerprint: \"00:01\" }\n"
             "      - { file: c.pem, subject: \"CN=a\" }\n"
             "      - { expires: 2027-01-01 }\n"
             "      - { file: c.pem, expires: 2027-01-01 }\n"
             "      - { subject: \"CN=a\" }\n"
             "      - { subject: \"a\" }\n",
        "s.yaml:5:24: bad-value: `fingerprint` is not a SHA-256 fingerprint",
        "s.yaml:6:24: bad-value: `fingerprint` is not a SHA-256 fingerprint",
        "s.yaml:7:9: bad-value: a certificate is told by one of `file`, `fingerprint` "
        "and `subject`",
        "s.yaml:8:9: missing-key: a certificate is told by one of `file`, "
        "`fingerprint` and `subject`",
        "s.yaml:9:24: bad-value: `expires` belongs to a `fingerprint`: other "
        "certificates are read, and say themselves when they end",
        "s.yaml:10:11: missing-key: a certificate by `subject` needs `authorities`, "
        "which sign it",
        "s.yaml:11:20: bad-value: `subject` needs a `=` after `a`");
    MISTAKES(HEAD "authorities: c.pem\n",
             "s.yaml:2:14: unusable-file: `c.pem` holds a certificate that is no "
             "authority's (1)");
    MISTAKES(HEAD "authorities: k.json\n",
             "s.yaml:2:14: unusable-file: `k.json` holds no certificate in PEM");
    MISTAKES(HEAD "applications:\n  a: { certificates: [{ file: k.json }] }\n",
             "s.yaml:3:31: unusable-file: `k.json` is not one certificate in PEM");
}

/* ---- JWK Sets ---- */

static void set_at(const char *set, const char *why, const char *file, int line)
{
    const char *const none[] = { NULL };
    const char *const one[] = { kit_text("s.yaml:3:54: unusable-file: `set.json` %s",
                                         why == NULL ? "" : why),
                                NULL };
    kit_write("set.json", set);
    mistakes_at(HEAD
                "issuers:\n"
                "  a: { kind: cis2, issuer: i, audience: [us], keys:  set.json }\n",
                why == NULL ? none : one, file, line);
}

#define SET(set, why) set_at((set), (why), __FILE__, __LINE__)

static void test_sets(void)
{
    static const char unusable[] =
        "holds no usable key: RSA of at least 2048 bits or EC on "
        "P-256, for signatures";
    SET(kit_set(kit_jwk(rsa, ""), NULL), NULL);
    SET(kit_set(
            kit_jwk(rsa, ",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"alg\":\"RS256\""),
            NULL),
        NULL);
    SET("{\"keys\":[]}", unusable);
    SET(kit_set(kit_jwk(weak, ""), NULL), unusable);
    SET(kit_set(kit_jwk(rsa, ",\"use\":\"enc\""), NULL), unusable);
    SET(kit_set(kit_jwk(rsa, ",\"key_ops\":[\"encrypt\"]"), NULL), unusable);
    SET(kit_set(kit_jwk(rsa, ",\"key_ops\":\"verify\""), NULL), unusable);
    SET(kit_set(kit_jwk(rsa, ",\"alg\":\"RSA-OAEP\""), NULL), unusable);
    SET(kit_set(kit_jwk(rsa, ",\"alg\":\"ES256\""), NULL), unusable);
    SET(kit_set("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", NULL), unusable);
    SET(kit_set("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}", NULL),
        unusable);
    /* Such keys beside a usable one are passed over. */
    SET(kit_set(kit_jwk(weak, ""), "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}",
                kit_jwk(rsa, ""), NULL),
        NULL);
}

static void test_unsound_sets(void)
{
    char *good = kit_jwk(rsa, "");
    SET("", "is not JSON: 1:0: unexpected token");
    SET("[]", "is not a JWK Set, an object with the list `keys`");
    SET(good, "is not a JWK Set, an object with the list `keys`");
    SET("{\"keys\":[7]}", "holds a key that is not an object (key 1)");
    SET(kit_set(good, "{\"kty\":\"oct\",\"k\":\"AAAA\"}", NULL),
        "holds a symmetric key (key 2)");
    SET(kit_set(good, "{\"kty\":\"oct\"}", NULL), "holds a symmetric key (key 2)");
    SET(kit_set(kit_jwk(rsa, ",\"d\":\"AAAA\""), NULL), "holds a private key (key 1)");
    SET(kit_set(good, kit_jwk(ec, ",\"d\":\"AAAA\""), NULL),
        "holds a private key (key 2)");
    SET(kit_set(good, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\",\"d\":\"AA\"}",
                NULL),
        "holds a private key (key 2)");
    SET(kit_set(good, kit_jwk(weak, ",\"p\":\"AAAA\""), NULL),
        "holds a private key (key 2)");
    SET(kit_set(kit_jwk(rsa, ",\"kid\":\"a\""), kit_jwk(rsa, ",\"kid\":\"a\""), NULL),
        "holds two keys of one `kid` for one algorithm (key 2)");
    SET(kit_set(kit_jwk(rsa, ",\"kid\":\"a\""), good,
                kit_jwk(rsa, ",\"kid\":\"a\",\"alg\":\"PS256\""), NULL),
        "holds two keys of one `kid` for one algorithm (key 3)");
    SET(kit_set(kit_jwk(rsa, ",\"kid\":7"), NULL),
        "holds a key whose `kid` is not a text (key 1)");
    SET(kit_set(kit_jwk(rsa, ",\"exp\":\"soon\""), NULL),
        "holds a key whose `exp` is no time in seconds (key 1)");
}

/* base64url as base64 with padding. */
static char *standard_of(const char *text, int size)
{
    char *standard = kit_text("%.*s=", size, text);
    for (char *at = standard; *at != '\0'; at++)
        *at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
    return standard;
}

static void test_unsound_numbers(void)
{
    static const char no_rsa[] = "holds an RSA key without sound `n` and `e` (key 1)";
    static const char no_ec[] = "holds an EC key without sound `x` and `y` (key 1)";
    char ones[257];
    memset(ones, 0xff, sizeof(ones));
    const char *odd = kit_base64url(ones, 256);
    ones[255] = (char)0xfe;
    const char *even = kit_base64url(ones, 256);
    SET(kit_json("{'keys':[{'kty':'RSA','n':'%s','e':'AQAB'}]}", odd), NULL);
    SET(kit_json("{'keys':[{'kty':'RSA','n':'%s','e':'Aw'}]}", odd), NULL);
    SET(kit_json("{'keys':[{'kty':'RSA','n':'%s','e':'AQ'}]}", odd), no_rsa);
    SET(kit_json("{'keys':[{'kty':'RSA','n':'%s','e':'AAAB'}]}", odd), no_rsa);
    SET(kit_json("{'keys':[{'kty':'RSA','n':'%s','e':'AgAA'}]}", odd), no_rsa);
    SET(kit_json("{'keys':[{'kty':'RSA','n':'%s','e':'AQAB'}]}", even), no_rsa);
    SET(kit_json("{'keys':[{'kty':'RSA','n':'%s=','e':'AQAB'}]}", odd), no_rsa);
    SET(kit_json("{'keys':[{'kty':'RSA','n':'AAAA','e':'AQAB'}]}"), no_rsa);
    SET(kit_json("{'keys':[{'kty':'RSA','n':7,'e':'AQAB'}]}"), no_rsa);
    SET(kit_json("{'keys':[{'kty':'RSA','e':'AQAB'}]}"), no_rsa);
    memset(ones, 1, sizeof(ones));
    const char *coordinate = kit_base64url(ones, 32);
    SET(kit_json("{'keys':[{'kty':'EC','crv':'P-256','x':'%s','y':'%s'}]}", coordinate,
                 coordinate),
        "holds an EC key that is no point on its curve (key 1)");
    SET(kit_json("{'keys':[{'kty':'EC','crv':'P-256','x':'AAAA','y':'%s'}]}",
                 coordinate),
        no_ec);
    SET(kit_json("{'keys':[{'kty':'EC','crv':'P-256','x':'%s'}]}", coordinate), no_ec);
    /* A coordinate has 32 bytes: a sound one after a zero is none. */
    char *padded = kit_jwk(ec, "");
    char *x = strstr(padded, "\"x\":\"") + 5;
    uint8_t bytes[48] = { 0 };
    CHECK_INT(EVP_DecodeBlock(bytes + 1, (unsigned char *)standard_of(x, 43), 44), 33);
    SET(kit_text("{\"keys\":[%.*s%s%s]}", (int)(x - padded), padded,
                 kit_base64url(bytes, 33), x + 43),
        no_ec);
}

/* The files that schema/evidence.schema.json is held to as well. */
static void test_shared(const char *folder, bool sound)
{
    DIR *open = opendir(folder);
    int count = 0;
    CHECK(open != NULL);
    for (struct dirent *one = readdir(open); one != NULL; one = readdir(open)) {
        nrbac_verifier *verifier = NULL;
        if (one->d_name[0] == '.')
            continue;
        nrbac_status status = nrbac_verifier_open(
            kit_text("%s/%s", folder, one->d_name), &verifier);
        if (!check_note(status == (sound ? NRBAC_OK : NRBAC_E_POLICY), __FILE__,
                        __LINE__))
            printf("%s: %s\n", one->d_name, kit_diagnostic(verifier, 0));
        nrbac_verifier_close(verifier);
        count++;
    }
    (void)closedir(open);
    CHECK(count > 3);
}

static void prepare(void)
{
    rsa = kit_rsa(2048);
    ec = kit_ec();
    weak = kit_rsa(1024);
    kit_write("k.json", kit_set(kit_jwk(rsa, ""), NULL));
    kit_certificate how = {
        .subject = "c", .key = ec, .from = KIT_NOW, .to = KIT_NOW + 9
    };
    X509 *certificate = kit_certify(&how);
    kit_write("c.pem", kit_pem(certificate));
    X509_free(certificate);
}

/* A key, 16 bytes as the shortest are, in places where none belongs. */
#define LONE "Zq7-Xw3_Lm9Pt5Rk"

static void check_untold(const char *settings)
{
    nrbac_verifier *verifier = NULL;
    kit_write("s.yaml", settings);
    CHECK_INT(nrbac_verifier_open(kit_path("s.yaml"), &verifier), NRBAC_E_POLICY);
    CHECK(nrbac_verifier_diagnostic_count(verifier) > 0);
    for (size_t i = 0; i < nrbac_verifier_diagnostic_count(verifier); i++)
        CHECK_STR(strstr(kit_diagnostic(verifier, i), "Xw3_Lm9"), NULL);
    nrbac_verifier_close(verifier);
}

static const char *filled(const char *place, const char *key)
{
    const char *text = place;
    for (const char *at = NULL; (at = strstr(text, "KEY")) != NULL;)
        text = kit_text("%.*s%s%s", (int)(at - text), text, key, at + 3);
    return text;
}

static void test_secrets(void)
{
    static const char *const places[] = {
        "KEY: 1\n",
        "require: [KEY]\n",
        "applications: { a: { api_keys: [KEY] } }\n",
        "applications: { a: { api_keys: [{ hash: KEY }] } }\n",
        "applications: { a: { api_keys: [{ KEY: 1 }] } }\n",
        "applications: { a: { api_keys: [{ hash: 1, expires: KEY }] } }\n",
        "applications: { a: { api_keys: [{ hash: 1, expires: \"\\x5aKEY\" }] } }\n",
        "applications: { a: { KEY: 1, KEY: 2 } }\n",
        "applications: { KEY: { x: 1 } }\n",
        "applications: { KEY: { client_ids: [x] }, b: { client_ids: [x] } }\n",
        "applications: { a: { certificates: [{ subject: \"CN=a,KEY\" }] } }\n",
        "applications: { a: { certificates: [{ subject: \"KEY=a\" }] } }\n",
    };
    static const char *const keys[] = { LONE, LONE LONE, LONE "abcdefgh" };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
            check_untold(kit_text(HEAD "%s", filled(places[i], keys[k])));
    /* What looks like no key, and our own words, are told. */
    MISTAKES(HEAD "applications: { a: { client_assertion: 1 } }\n",
             "s.yaml:2:40: wrong-type: `client_assertion` must be a mapping, but is a "
             "text");
    MISTAKES(HEAD "authorities: folder/of-many-authorities\n",
             "s.yaml:2:14: unusable-file: `folder/of-many-authorities` does not exist");
    MISTAKES(HEAD "require: [abc/Xw3.Lm9Pt5Rk4711]\n",
             "s.yaml:2:11: bad-value: what `require` lists cannot be `abc/...`");
}

int main(void)
{
    prepare();
    test_file();
    test_issuers();
    test_api_keys();
    test_hidden();
    test_secrets();
    test_applications();
    test_certificates();
    test_sets();
    test_unsound_sets();
    test_unsound_numbers();
    test_shared(NRBAC_TESTS_DIR "/evidence/sound", true);
    test_shared(NRBAC_TESTS_DIR "/evidence/unsound", false);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(weak);
    kit_finish();
    return check_report();
}
