/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What proves an application: client assertions and API keys, alone and together; and
 * what `require: [application]` asks for.
 */
#include "check.h"
#include "verify/verifier.h"
#include "verify_kit.h"

static EVP_PKEY *gp, *lab;
static nrbac_verifier *verifier;
static char gp_key[] = "gp-secret-0123456789";
static char lab_key[] = "lab-secret-0123456789";
static char second_key[] = "second-secret-0123456789";
static char past_key[] = "past-secret-0123456789";
static unsigned serial;

static char *hash_of(const char *key)
{
    char hash[NRBAC_KEY_HASH_SIZE];
    CHECK_INT(nrbac_hash_key(key, strlen(key), hash), NRBAC_OK);
    return kit_text("%s", hash);
}

static char *settings(const char *more)
{
    return kit_text(
        "nrbac-evidence: 1\n"
        "applications:\n"
        "  gp:\n"
        "    client_assertion: { issuer: gp-client, audience: [https://here], keys: "
        "gp.json, algorithms: [RS512] }\n"
        "    api_keys:\n"
        "      - { hash: \"%s\" }\n"
        "      - { hash: \"%s\", expires: 2026-11-24 }\n"
        "      - { hash: \"%s\", expires: 2026-11-23 }\n"
        "  lab:\n"
        "    client_assertion: { audience: [https://here], keys: lab.json }\n"
        "    api_keys: [{ hash: \"%s\", expires: 2027-03-31 }]\n"
        "  bare: { client_ids: [x] }\n"
        "%s",
        hash_of(gp_key), hash_of(second_key), hash_of(past_key), hash_of(lab_key),
        more);
}

/* ---- Asking ---- */

static kit_result ask(const char *application)
{
    return kit_verify_now(verifier,
                          kit_json("{'context':{'application':%s}}", application));
}

static void verified_at(const char *application, const char *rewritten,
                        const char *const members[], const char *file, int line)
{
    kit_result got = ask(kit_json("%s", application));
    check_str(got.findings.fault, NULL, file, line);
    check_int(got.findings.application, NRBAC_VERIFIED, file, line);
    check_int(got.findings.user, NRBAC_ASSERTED, file, line);
    check_str(got.text, kit_json("{'context':{'application':%s}}", rewritten), file,
              line);
    for (size_t i = 0; members[i] != NULL; i++)
        check_str(i < got.findings.verified_count ? got.findings.verified[i] : NULL,
                  members[i], file, line);
}

static void refused_at(const char *application, const char *rewritten, const char *why,
                       const char *file, int line)
{
    kit_result got = ask(kit_json("%s", application));
    check_int(got.findings.application, NRBAC_REFUSED, file, line);
    check_int((long long)got.findings.verified_count, 0, file, line);
    check_int(got.findings.expires_at, 0, file, line);
    check_str(got.findings.fault, kit_text("`context.%s", why), file, line);
    check_str(got.text, kit_json("{'context':{'application':%s}}", rewritten), file,
              line);
}

#define MEMBERS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define VERIFIED(application, rewritten, members) \
    verified_at((application), (rewritten), (members), __FILE__, __LINE__)
#define REFUSED(application, rewritten, why) \
    refused_at((application), (rewritten), (why), __FILE__, __LINE__)

/* ---- Client assertions ---- */

static char *sign(EVP_PKEY *key, const char *claims)
{
    return kit_token("RS512", key, "{\"alg\":\"RS512\"}", kit_json("%s", claims));
}

/* Of gp, with its own jti, which ends so many seconds from now. */
static char *assertion(const char *more, long long life)
{
    return sign(gp,
                kit_text("{'iss':'gp-client','sub':'gp-client','aud':'https://here',"
                         "'jti':'%u','exp':%lld%s}",
                         ++serial, (long long)KIT_NOW + life, more));
}

static char *presenting(const char *token)
{
    return kit_text("{'client_assertion':'%s'}", token);
}

#define ASSERTION "application.client_assertion` "
#define PROVED_GP "{'id':'gp','authenticated_by':'signed-jwt'}"

static void test_assertion(void)
{
    char *token = assertion("", 60);
    VERIFIED(presenting(token), PROVED_GP, MEMBERS("client_assertion"));
    CHECK_INT(kit_verify_now(verifier, kit_json("{'context':{'application':{"
                                                "'client_assertion':'%s'}}}",
                                                assertion("", 60)))
                  .findings.expires_at,
              KIT_NOW + 60);
    VERIFIED(kit_text("{'id':'gp','x':1,'client_assertion':'%s'}", assertion("", 60)),
             "{'x':1,'id':'gp','authenticated_by':'signed-jwt'}",
             MEMBERS("client_assertion"));
    REFUSED(kit_text("{'id':'lab','client_assertion':'%s'}", assertion("", 60)),
            "{'id':'lab'}", ASSERTION "has a signature that is not that of its key");
    REFUSED(kit_text("{'id':'bare','client_assertion':'%s'}", assertion("", 60)),
            "{'id':'bare'}",
            ASSERTION "is of an application without `client_assertion` in the evidence "
                      "settings");
    REFUSED(kit_text("{'id':'nobody','client_assertion':'%s'}", assertion("", 60)),
            "{'id':'nobody'}",
            ASSERTION
            "is presented by an application that the evidence settings do not "
            "name");
    VERIFIED(
        presenting(kit_token(
            "RS512", gp, "{\"alg\":\"RS512\",\"typ\":\"client-authentication+jwt\"}",
            kit_json("{'iss':'gp-client','sub':'gp-client','aud':'https://here',"
                     "'jti':'typed','exp':%lld}",
                     (long long)KIT_NOW + 60))),
        PROVED_GP, MEMBERS("client_assertion"));
}

/* Without `issuer` in the settings it is the application's id. */
static void test_issuer(void)
{
    long long end = (long long)KIT_NOW + 60;
    VERIFIED(
        presenting(sign(lab, kit_text("{'iss':'lab','sub':'lab','aud':'https://here',"
                                      "'jti':'1','exp':%lld}",
                                      end))),
        "{'id':'lab','authenticated_by':'signed-jwt'}", MEMBERS("client_assertion"));
    REFUSED(presenting(sign(gp, kit_text("{'iss':'gp','sub':'gp','aud':'https://here',"
                                         "'jti':'1','exp':%lld}",
                                         end))),
            "{}", ASSERTION "is of no application that the evidence settings name");
    REFUSED(presenting(sign(gp, kit_text("{'iss':'gp-client','sub':'other','aud':"
                                         "'https://here','jti':'1','exp':%lld}",
                                         end))),
            "{}", ASSERTION "is not about its issuer: `iss` and `sub` differ");
    REFUSED(
        presenting(sign(gp, kit_text("{'iss':'gp-client','aud':'https://here','jti':"
                                     "'1','exp':%lld}",
                                     end))),
        "{}", ASSERTION "does not say in `sub` whom it is about");
    REFUSED(presenting(sign(gp, kit_text("{'iss':'gp-client','sub':'gp-client','aud':"
                                         "'https://there','jti':'1','exp':%lld}",
                                         end))),
            "{}", ASSERTION "is not made for any audience of the evidence settings");
    REFUSED(presenting(kit_token("RS256", gp, "{\"alg\":\"RS256\"}",
                                 kit_json("{'iss':'gp-client','sub':'gp-client','aud':"
                                          "'https://here','jti':'1','exp':%lld}",
                                          end))),
            "{}",
            ASSERTION
            "is signed by an algorithm that the evidence settings do not allow "
            "for its issuer");
    REFUSED(presenting(kit_token("RS512", gp, "{\"alg\":\"RS512\",\"typ\":\"at+jwt\"}",
                                 kit_json("{'iss':'gp-client','sub':'gp-client','aud':"
                                          "'https://here','jti':'1','exp':%lld}",
                                          end))),
            "{}", ASSERTION "is a token of another type, by its `typ`");
}

/* Named or not, it is from the issuer that the settings give the application. */
static void test_issuer_of_named(void)
{
    REFUSED(kit_text("{'id':'gp','client_assertion':'%s'}",
                     sign(gp, kit_text("{'iss':'other','sub':'other','aud':"
                                       "'https://here','jti':'1','exp':%lld}",
                                       (long long)KIT_NOW + 60))),
            "{'id':'gp'}",
            ASSERTION "is not from the issuer that the evidence settings name");
}

static void test_life(void)
{
    VERIFIED(presenting(assertion("", 310)), PROVED_GP, MEMBERS("client_assertion"));
    REFUSED(presenting(assertion("", 311)), "{}",
            ASSERTION "lives for more than 300 seconds");
    VERIFIED(presenting(assertion("", 1)), PROVED_GP, MEMBERS("client_assertion"));
    REFUSED(presenting(assertion("", 0)), "{}", ASSERTION "has expired");
    REFUSED(presenting(sign(gp, "{'iss':'gp-client','sub':'gp-client','aud':"
                                "'https://here','jti':'1'}")),
            "{}", ASSERTION "does not say in `exp` when it ends");
    VERIFIED(
        presenting(assertion(kit_text(",'iat':%lld", (long long)KIT_NOW + 10), 60)),
        PROVED_GP, MEMBERS("client_assertion"));
    REFUSED(presenting(assertion(kit_text(",'iat':%lld", (long long)KIT_NOW + 11), 60)),
            "{}", ASSERTION "has an `iat` in the future");
}

static kit_result ask_on(const char *token, uint64_t occasion)
{
    nrbac_verify_options options = { .now = KIT_NOW, .occasion = occasion };
    return kit_verify(
        verifier,
        kit_json("{'context':{'application':{'client_assertion':'%s'}}}", token),
        &options);
}

static void test_jti(void)
{
    static const char used[] = "`context." ASSERTION "was used before, by its `jti`";
    long long end = (long long)KIT_NOW + 60;
    REFUSED(presenting(sign(gp, kit_text("{'iss':'gp-client','sub':'gp-client','aud':"
                                         "'https://here','exp':%lld}",
                                         end))),
            "{}", ASSERTION "has no `jti`");
    REFUSED(presenting(sign(gp, kit_text("{'iss':'gp-client','sub':'gp-client','aud':"
                                         "'https://here','jti':'','exp':%lld}",
                                         end))),
            "{}", ASSERTION "has no `jti`");
    char *token = assertion("", 60);
    CHECK_STR(ask_on(token, 0).findings.fault, NULL);
    CHECK_STR(ask_on(token, 0).findings.fault, used);
    CHECK_STR(ask_on(token, 7).findings.fault, used);
    /* The same `jti` in another assertion is as much a second use. */
    char *again = sign(gp, kit_text("{'iss':'gp-client','sub':'gp-client','aud':"
                                    "'https://here','jti':'%u','exp':%lld}",
                                    serial, end + 1));
    CHECK_STR(ask_on(again, 0).findings.fault, used);
    /* Another application has its own. */
    char *of_lab = sign(lab, kit_text("{'iss':'lab','sub':'lab','aud':'https://here',"
                                      "'jti':'%u','exp':%lld}",
                                      serial, end));
    CHECK_STR(ask_on(of_lab, 0).findings.fault, NULL);
}

static void test_occasion(void)
{
    static const char used[] = "`context." ASSERTION "was used before, by its `jti`";
    char *token = assertion("", 60);
    CHECK_STR(ask_on(token, 5).findings.fault, NULL);
    CHECK_STR(ask_on(token, 5).findings.fault, NULL);
    CHECK_STR(ask_on(token, 6).findings.fault, used);
    CHECK_STR(ask_on(token, 0).findings.fault, used);
    char *again = sign(gp, kit_text("{'iss':'gp-client','sub':'gp-client','aud':"
                                    "'https://here','jti':'%u','exp':%lld}",
                                    serial, (long long)KIT_NOW + 61));
    CHECK_STR(ask_on(again, 5).findings.fault, used);
}

/* An assertion whose request is refused for another proof is not used up. */
static void test_not_used_up(void)
{
    char *token = assertion("", 60);
    REFUSED(
        kit_text("{'client_assertion':'%s','api_key':'wrong-0123456789abcdef'}", token),
        "{}", "application.api_key` is not one of any application");
    VERIFIED(presenting(token), PROVED_GP, MEMBERS("client_assertion"));
}

static void test_full_memory(void)
{
    verifier->replay.limit = verifier->replay.used;
    REFUSED(presenting(assertion("", 60)), "{}",
            ASSERTION "cannot be accepted now: the memory of used ones is full");
    verifier->replay.limit++;
    REFUSED(presenting(assertion("", 60)), "{}",
            ASSERTION
            "cannot be accepted now: as many of its application are in use as "
            "are remembered of one");
    verifier->replay.limit = NR_REPLAY_MAX;
    VERIFIED(presenting(assertion("", 60)), PROVED_GP, MEMBERS("client_assertion"));
}

/* What was used stays used, whatever the settings become. */
static void test_reopen_keeps_memory(void)
{
    char *token = assertion("", 60);
    VERIFIED(presenting(token), PROVED_GP, MEMBERS("client_assertion"));
    CHECK_INT(nrbac_verifier_reopen(verifier), NRBAC_OK);
    REFUSED(presenting(token), "{}", ASSERTION "was used before, by its `jti`");
}

/* ---- API keys ---- */

#define KEY "application.api_key` "

static void test_api_keys(void)
{
    VERIFIED(kit_text("{'api_key':'%s'}", gp_key),
             "{'id':'gp','authenticated_by':'api-key'}", MEMBERS("api_key"));
    VERIFIED(
        kit_text("{'api_key':'%s','id':'gp','authenticated_by':'api-key'}", gp_key),
        "{'id':'gp','authenticated_by':'api-key'}", MEMBERS("api_key"));
    VERIFIED(kit_text("{'api_key':'%s'}", lab_key),
             "{'id':'lab','authenticated_by':'api-key'}", MEMBERS("api_key"));
    VERIFIED(kit_text("{'api_key':'%s'}", second_key),
             "{'id':'gp','authenticated_by':'api-key'}", MEMBERS("api_key"));
    REFUSED(kit_text("{'api_key':'%s'}", past_key), "{}", KEY "has expired");
    REFUSED(kit_text("{'api_key':'%s','id':'lab'}", gp_key), "{'id':'lab'}",
            KEY "is not one of the named application");
    REFUSED("{'api_key':'gp-secret-012345678'}", "{}",
            KEY "is not one of any application");
    REFUSED(kit_text("{'api_key':'%sx'}", gp_key), "{}",
            KEY "is not one of any application");
    REFUSED("{'api_key':{'a':1}}", "{}", KEY "is not a text");
    REFUSED("{'api_key':7}", "{}", KEY "is not a text");
    REFUSED("{'api_key':false}", "{}", KEY "is not a text");
    REFUSED(kit_text("{'api_key':'%0512d'}", 0), "{}",
            KEY "is not one of any application");
    REFUSED(kit_text("{'api_key':'%0513d'}", 0), "{}", KEY "is longer than 512 bytes");
}

/* `expires` ends a key at its midnight, to the second. */
static void test_api_key_end(void)
{
    const int64_t midnight = INT64_C(1795478400); /* 2026-11-24 */
    nrbac_verify_options options = { .now = midnight - 1 };
    char *request = kit_json("{'context':{'application':{'api_key':'%s'}}}",
                             second_key);
    kit_result got = kit_verify(verifier, request, &options);
    CHECK_INT(got.findings.application, NRBAC_VERIFIED);
    CHECK_INT(got.findings.expires_at, midnight);
    CHECK_INT(got.findings.expiring_count, 1);
    CHECK_STR(got.findings.expiring[0], "API key 2 of gp 2026-11-24");
    options.now = midnight;
    CHECK_INT(kit_verify(verifier, request, &options).findings.application,
              NRBAC_REFUSED);
    /* Far from its end nobody is warned; without one there is nothing to say. */
    kit_result far = ask(kit_json("{'api_key':'%s'}", lab_key));
    CHECK_INT(far.findings.expiring_count, 0);
    CHECK(far.findings.expires_at > KIT_NOW);
    CHECK_INT(ask(kit_json("{'api_key':'%s'}", gp_key)).findings.expires_at, 0);
}

static void test_hash_key(void)
{
    char hash[NRBAC_KEY_HASH_SIZE], again[NRBAC_KEY_HASH_SIZE];
    char long_key[513];
    memset(long_key, 'k', sizeof(long_key));
    CHECK_INT(nrbac_hash_key("0123456789abcde", 15, hash), NRBAC_E_ARGUMENT);
    CHECK_INT(nrbac_hash_key("", 0, hash), NRBAC_E_ARGUMENT);
    CHECK_INT(nrbac_hash_key(long_key, 513, hash), NRBAC_E_ARGUMENT);
    CHECK_INT(nrbac_hash_key(long_key, 512, hash), NRBAC_OK);
    CHECK_INT(nrbac_hash_key("0123456789abcdef", 16, hash), NRBAC_OK);
    CHECK_INT(nrbac_hash_key("0123456789abcdef", 16, again), NRBAC_OK);
    CHECK_INT(strlen(hash), 12 + 32 + 1 + 64);
    CHECK(strncmp(hash, "hmac-sha256:", 12) == 0);
    CHECK(strcmp(hash, again) != 0);
}

/* ---- Together ---- */

static void test_several(void)
{
    VERIFIED(
        kit_text("{'client_assertion':'%s','api_key':'%s'}", assertion("", 60), gp_key),
        PROVED_GP, MEMBERS("client_assertion", "api_key"));
    VERIFIED(kit_text("{'client_assertion':'%s','api_key':'%s','authenticated_by':"
                      "'api-key'}",
                      assertion("", 60), gp_key),
             "{'id':'gp','authenticated_by':'api-key'}",
             MEMBERS("client_assertion", "api_key"));
    REFUSED(kit_text("{'client_assertion':'%s','api_key':'%s'}", assertion("", 60),
                     lab_key),
            "{}", ASSERTION "is of another application than the other proofs");
    REFUSED(kit_text("{'api_key':'%s','authenticated_by':'tls-ma'}", gp_key),
            "{'authenticated_by':'tls-ma'}",
            "application.authenticated_by` is not a way in which the application is "
            "proved");
    REFUSED(kit_text("{'api_key':'%s','authenticated_by':7}", gp_key),
            "{'authenticated_by':7}",
            "application.authenticated_by` is not a way in which the application is "
            "proved");
    REFUSED(kit_text("{'api_key':'%s','id':7}", gp_key), "{'id':7}",
            "application.id` is not a text");
    VERIFIED(kit_text("{'api_key':'%s','id':null,'authenticated_by':''}", gp_key),
             "{'id':'gp','authenticated_by':'api-key'}", MEMBERS("api_key"));
}

/* Nothing presented: nothing is found, and what was stated stays as it was. */
static void test_nothing(void)
{
    kit_result got = ask(kit_json("{'id':'gp','authenticated_by':'api-key'}"));
    CHECK(got.checked == got.request);
    CHECK_INT(got.findings.application, NRBAC_ASSERTED);
    CHECK_STR(got.findings.fault, NULL);
    got = ask(
        kit_json("{'id':'gp','api_key':'','client_assertion':null,'certificate':''}"));
    CHECK_INT(got.findings.application, NRBAC_ASSERTED);
    CHECK_STR(got.text, kit_json("{'context':{'application':{'id':'gp'}}}"));
    static const char *const odd[] = {
        "null",
        "[]",
        "7",
        "'text'",
        "{'context':7,'subject':[]}",
        "{'context':{'application':'gp','access_token':''}}",
        "{'subject':{'properties':'x'}}",
        "{'subject':{'properties':{'id_token':7}}}"
    };
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        got = kit_verify_now(verifier, kit_json("%s", odd[i]));
        CHECK_INT(got.findings.application, NRBAC_ASSERTED);
        CHECK_INT(got.findings.user, NRBAC_ASSERTED);
        CHECK_STR(got.findings.fault, NULL);
    }
}

static void test_other_kinds(void)
{
    REFUSED("{'client_assertion':7}", "{}", ASSERTION "is not a text");
    REFUSED("{'client_assertion':{}}", "{}", ASSERTION "is not a text");
    REFUSED("{'client_assertion':[]}", "{}", ASSERTION "is not a text");
}

static void test_require(void)
{
    kit_write("evidence.yaml", settings("require: [application]\n"));
    CHECK_INT(nrbac_verifier_reopen(verifier), NRBAC_OK);
    /* One that proves nothing may do what takes no application; what it says of
     * itself is gone. */
    kit_result got = kit_verify_now(
        verifier, kit_json("{'context':{'application':{'id':'stranger',"
                           "'authenticated_by':'api-key'}}}"));
    CHECK_INT(got.findings.application, NRBAC_ASSERTED);
    CHECK_STR(got.text, kit_json("{'context':{'application':{'id':'stranger'}}}"));
    VERIFIED(kit_text("{'id':'gp','api_key':'%s'}", gp_key),
             "{'id':'gp','authenticated_by':'api-key'}", MEMBERS("api_key"));
    CHECK_INT(ask("{}").findings.application, NRBAC_ASSERTED);
    CHECK_INT(ask("null").findings.application, NRBAC_ASSERTED);
    CHECK_INT(kit_verify_now(verifier, "{}").findings.application, NRBAC_ASSERTED);
}

int main(void)
{
    gp = kit_rsa(2048);
    lab = kit_rsa(2048);
    kit_write("gp.json", kit_set(kit_jwk(gp, ""), NULL));
    kit_write("lab.json", kit_set(kit_jwk(lab, ""), NULL));
    verifier = kit_open(settings("clock_skew: 10\n"));
    test_assertion();
    test_issuer();
    test_issuer_of_named();
    test_life();
    test_jti();
    test_occasion();
    test_not_used_up();
    test_full_memory();
    test_reopen_keeps_memory();
    test_api_keys();
    test_api_key_end();
    test_hash_key();
    test_several();
    test_nothing();
    test_other_kinds();
    test_require();
    nrbac_verifier_close(verifier);
    EVP_PKEY_free(gp);
    EVP_PKEY_free(lab);
    kit_finish();
    return check_report();
}
