/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of one CIS2 sign-in beside each other: when they end, whose they are, what
 * an unsigned userinfo may say beside a signed ID token, and what `require` asks for.
 */
#include "check.h"
#include "verify_kit.h"

static EVP_PKEY *key;
static nrbac_verifier *verifier;

#define SETTINGS                                                                   \
    "nrbac-evidence: 1\n"                                                          \
    "issuers:\n"                                                                   \
    "  live: { kind: cis2, issuer: https://c, audience: [us], keys: cis2.json }\n" \
    "  test: { kind: cis2, issuer: https://t, audience: [us], keys: cis2.json }\n" \
    "  login: { kind: nhs-login, issuer: https://l, audience: [us], keys: cis2.json }\n"

static void prepare(void)
{
    key = kit_ec();
    kit_write("cis2.json", kit_set(kit_jwk(key, ""), NULL));
    verifier = kit_open(SETTINGS);
}

static char *token(const char *claims)
{
    return kit_token("ES256", key, "{\"alg\":\"ES256\"}", kit_json("{%s}", claims));
}

static char *from(const char *issuer, const char *more)
{
    return token(kit_text("'iss':'%s','aud':'us','sub':'9'%s", issuer, more));
}

/* Of a minute. */
static char *id_token(const char *more)
{
    return from("https://c", kit_text(",'exp':%lld%s", (long long)KIT_NOW + 60, more));
}

static char *userinfo(const char *more)
{
    return from("https://c", more);
}

static kit_result ask(const char *properties)
{
    return kit_verify_now(verifier,
                          kit_json("{'subject':{'properties':%s}}", properties));
}

static bool says(const kit_result *result, const char *part)
{
    return strstr(result->text, kit_json("%s", part)) != NULL;
}

/* ---- When it ends ---- */

static void check_userinfo_end(const char *claims, const char *end)
{
    kit_result got = ask(kit_text("{'userinfo':'%s'}", userinfo(claims)));
    CHECK_INT(got.findings.user, NRBAC_VERIFIED);
    CHECK(says(&got, kit_text("'exp':%s}", end)));
}

static const char *after(long seconds)
{
    return kit_text("%lld", (long long)KIT_NOW + seconds);
}

/* A userinfo that does not say when it ends does so an hour after it was made. */
static void test_userinfo_end(void)
{
    check_userinfo_end(kit_text(",'iat':%s", after(0)), after(3600));
    check_userinfo_end(kit_text(",'iat':%s.9", after(0)), after(3600));
    check_userinfo_end(kit_text(",'iat':%s", after(-3601)), after(-1));
    check_userinfo_end(",'iat':0", "3600");
    check_userinfo_end(kit_text(",'iat':0,'exp':%s", after(9)), after(9));
    kit_result got = ask(kit_text("{'userinfo':'%s'}", userinfo("")));
    CHECK_INT(got.findings.user, NRBAC_REFUSED);
    CHECK_STR(got.findings.fault,
              "`subject.properties.userinfo` says neither in `exp` when it ends nor in "
              "`iat` when it was made");
}

/* The engine looks at one `exp`: that is the earlier of two signed ones. */
static void test_earlier_end(void)
{
    static const struct {
        const char *claim;
        long of_userinfo, ends;
    } cases[] = {
        { "exp", -5, -5 },
        { "exp", 99, 60 },
        { "iat", 9 - 3600, 9 },
        { "iat", 0, 60 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *info = userinfo(
            kit_text(",'%s':%s", cases[i].claim, after(cases[i].of_userinfo)));
        kit_result got = ask(
            kit_text("{'id_token':'%s','userinfo':'%s'}", id_token(""), info));
        CHECK_INT(got.findings.user, NRBAC_VERIFIED);
        const nrbac_value *properties = nrbac_value_find(
            nrbac_value_find(got.checked, "subject"), "properties");
        const nrbac_value *claims = nrbac_value_find(properties, "id_token");
        CHECK_INT(nrbac_value_integer(nrbac_value_find(claims, "exp")),
                  KIT_NOW + cases[i].ends);
    }
}

/* ---- Whose it is ---- */

static void test_issuers(void)
{
    char *mine = id_token("");
    char *others = from("https://t", ",'iat':0");
    kit_result got = ask(kit_text("{'id_token':'%s','userinfo':'%s'}", mine, others));
    CHECK_INT(got.findings.user, NRBAC_REFUSED);
    CHECK_INT((long long)got.findings.verified_count, 0);
    CHECK_STR(got.findings.fault,
              "`subject.properties.userinfo` is of another issuer than `id_token`");
    got = ask(kit_text("{'userinfo':'%s'}", others));
    CHECK_INT(got.findings.user, NRBAC_VERIFIED);
    got = ask(kit_text("{'id_token':'%s','userinfo':{'iss':'https://t'}}", mine));
    CHECK_INT(got.findings.user, NRBAC_ASSERTED);
}

/* ---- What nobody signed ---- */

static void test_map_beside_token(void)
{
    static const char map[] =
        "{'authentication_assurance_level':3,'id_assurance_level':3,'idassurancelevel':3,"
        "'sid':'s','exp':1,'selected_roleid':'1','acr':'AAL3','role':{},'org':{},"
        "'activities':[],'workgroups':[],'sub':'9','name':'N','new':1,"
        "'nhsid_nrbac_roles':[{'person_roleid':'1'}]}";
    static const char kept[] = "'userinfo':{'sub':'9','nhsid_nrbac_roles':[{"
                               "'person_roleid':'1'}],'name':'N'}";
    kit_result got = ask(
        kit_text("{'id_token':'%s','userinfo':%s}", id_token(""), map));
    CHECK_INT(got.findings.user, NRBAC_ASSERTED);
    CHECK(says(&got, kept));
    /* Where the ID token is a map too, all of it is one word. */
    got = ask(kit_text("{'id_token':{},'userinfo':%s}", map));
    CHECK(says(&got, map));
    /* What is no map is for the engine to refuse; what is empty is not there. */
    got = ask(kit_text("{'id_token':'%s','userinfo':[1]}", id_token("")));
    CHECK(says(&got, "'userinfo':[1]"));
    got = ask(kit_text("{'id_token':'%s','userinfo':''}", id_token("")));
    CHECK_INT(got.findings.user, NRBAC_VERIFIED);
    CHECK(!says(&got, "userinfo"));
}

/* ---- What the settings ask for ---- */

static void check_required(nrbac_verifier *by, const char *properties, bool fine)
{
    kit_result got = kit_verify_now(
        by, kit_json("{'subject':{'properties':%s}}", properties));
    CHECK_INT(got.findings.user == NRBAC_REFUSED, !fine);
    CHECK_STR(got.findings.fault,
              fine ? NULL
                   : "`subject.properties` holds role profiles that are in no signed "
                     "`userinfo`, and they are required to be");
}

static void test_require_userinfo(void)
{
    static const char roles[] = "'nhsid_nrbac_roles':[{}]";
    nrbac_verifier *by = kit_open(SETTINGS "require: [userinfo]\n");
    char *plain = id_token("");
    char *with_roles = id_token(kit_text(",%s", roles));
    char *info = userinfo(kit_text(",'iat':%s,%s", after(0), roles));
    check_required(by, kit_text("{'id_token':'%s','userinfo':'%s'}", plain, info),
                   true);
    check_required(by, kit_text("{'userinfo':'%s'}", info), true);
    check_required(by, kit_text("{'id_token':{},'userinfo':'%s'}", info), true);
    check_required(by, kit_text("{'id_token':'%s'}", with_roles), true);
    check_required(by, kit_text("{'id_token':'%s'}", plain), true);
    check_required(by, "{'nhs_login':{'sub':'1'}}", true);
    check_required(by, kit_text("{'id_token':'%s','userinfo':{'sub':'9'}}", plain),
                   true);
    check_required(by, kit_text("{'id_token':'%s','userinfo':{%s}}", with_roles, roles),
                   true); /* which are not read */
    check_required(by, kit_text("{'id_token':'%s','userinfo':{%s}}", plain, roles),
                   false);
    check_required(by, kit_text("{'id_token':{%s},'userinfo':'%s'}", roles, info),
                   false);
    check_required(by, kit_text("{'userinfo':{%s}}", roles), false);
    check_required(by, "{'id_token':{'role':{}}}", false);
    check_required(by, "{'userinfo':{'role':{}}}", false);
    check_required(by, kit_text("{'userinfo':'%s','saml':{}}", info), false);
    check_required(by, "{'profile':{}}", false);
    kit_result got = kit_verify_now(by, "{}");
    CHECK_INT(got.findings.user, NRBAC_ASSERTED);
    nrbac_verifier_close(by);
    by = kit_open(SETTINGS "require: [id_token]\n");
    check_required(by, kit_text("{'id_token':'%s','userinfo':{%s}}", plain, roles),
                   true);
    nrbac_verifier_close(by);
}

int main(void)
{
    prepare();
    test_userinfo_end();
    test_earlier_end();
    test_issuers();
    test_map_beside_token();
    test_require_userinfo();
    nrbac_verifier_close(verifier);
    EVP_PKEY_free(key);
    kit_finish();
    return check_report();
}
