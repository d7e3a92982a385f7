/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens (rule 7): whose they are, their scopes, and how they go with the user,
 * the level and the pattern of the request. Also what comes of several tokens together.
 */
#include "check.h"
#include "verify_kit.h"

static EVP_PKEY *platform, *cis2, *login;
static nrbac_verifier *verifier;
static char key[] = "gp-secret-0123456789";

static void prepare(void)
{
    char hash[NRBAC_KEY_HASH_SIZE];
    platform = kit_rsa(2048);
    cis2 = kit_ec();
    login = kit_ec();
    kit_write("platform.json", kit_set(kit_jwk(platform, ""), NULL));
    kit_write("cis2.json", kit_set(kit_jwk(cis2, ""), NULL));
    kit_write("login.json", kit_set(kit_jwk(login, ""), NULL));
    CHECK_INT(nrbac_hash_key(key, strlen(key), hash), NRBAC_OK);
    verifier = kit_open(kit_text(
        "nrbac-evidence: 1\n"
        "issuers:\n"
        "  platform: { kind: platform, issuer: https://p, audience: [api], keys: "
        "platform.json }\n"
        "  cis2: { kind: cis2, issuer: https://c, audience: [us], keys: cis2.json }\n"
        "  login: { kind: nhs-login, issuer: https://l, audience: [us], keys: login.json "
        "}\n"
        "applications:\n"
        "  gp: { client_ids: [client-1, client-2], api_keys: [{ hash: \"%s\" }] }\n"
        "  lab: { client_ids: [client-3] }\n"
        "apis: { pds: personal-demographics }\n",
        hash));
}

/* ---- Making requests ---- */

static const char app_scope[] = "urn:nhsd:apim:app:level3:personal-demographics";
static const char cis2_scope[] =
    "urn:nhsd:apim:user-nhs-cis2:aal2:personal-demographics";
static const char login_scope[] =
    "urn:nhsd:apim:user-nhs-login:P5:personal-demographics";

/* An access token with these members beside the usual ones. */
static char *access_of(const char *claims)
{
    return kit_token("RS256", platform, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}",
                     kit_json("{'iss':'https://p','aud':'api','exp':%lld,%s}",
                              (long long)KIT_NOW + 60, claims));
}

static char *access_for(const char *scope)
{
    return access_of(kit_text("'client_id':'client-1','scope':'%s'", scope));
}

static char *id_token(const char *more)
{
    return kit_token("ES256", cis2, "{\"alg\":\"ES256\"}",
                     kit_json("{'iss':'https://c','aud':'us','sub':'9','exp':%lld%s}",
                              (long long)KIT_NOW + 60, more));
}

static char *login_token(const char *more)
{
    return kit_token("ES256", login, "{\"alg\":\"ES256\"}",
                     kit_json("{'iss':'https://l','aud':'us','sub':'9','exp':%lld%s}",
                              (long long)KIT_NOW + 60, more));
}

/* A request to the API pds (or none) with a token, in a context and about a subject. */
static kit_result ask(const char *token, const char *context, const char *properties)
{
    return kit_verify_now(
        verifier,
        kit_json(
            "{'resource':{'type':'api','id':'pds'},'context':{'access_token':'%s'%s}"
            "%s}",
            token, context,
            properties == NULL
                ? ""
                : kit_text(",'subject':{'type':'x','properties':%s}", properties)));
}

static kit_result ask_no_api(const char *token, const char *properties)
{
    return kit_verify_now(
        verifier, kit_json("{'context':{'access_token':'%s'}%s}", token,
                           properties == NULL
                               ? ""
                               : kit_text(",'subject':{'properties':%s}", properties)));
}

static void check_verified(kit_result got, const char *part, int line)
{
    check_str(got.findings.fault, NULL, __FILE__, line);
    check_int(got.findings.application, NRBAC_VERIFIED, __FILE__, line);
    check_condition(got.findings.user != NRBAC_REFUSED, "the user counts", __FILE__,
                    line);
    if (!check_note(strstr(got.text, kit_json("%s", part)) != NULL, __FILE__, line))
        printf("%s\nis not in\n%s\n", part, got.text);
    check_condition(strstr(got.text, "access_token") == NULL, "it is gone", __FILE__,
                    line);
}

static void check_refused(kit_result got, bool user, const char *why, int line)
{
    check_str(got.findings.fault, kit_text("`context.access_token` %s", why), __FILE__,
              line);
    check_int(got.findings.application, user ? NRBAC_VERIFIED : NRBAC_REFUSED, __FILE__,
              line);
    check_condition((got.findings.user == NRBAC_REFUSED) == user, "who is refused",
                    __FILE__, line);
    check_condition(strstr(got.text, "access_token") == NULL, "it is gone", __FILE__,
                    line);
}

#define VERIFIED(got, part)    check_verified((got), (part), __LINE__)
#define REFUSED(got, why)      check_refused((got), false, (why), __LINE__)
#define USER_REFUSED(got, why) check_refused((got), true, (why), __LINE__)
#define PROVED                 "'application':{'id':'gp','authenticated_by':'signed-jwt'}"

/* ---- Whose it is ---- */

static void test_client(void)
{
    VERIFIED(ask(access_for(app_scope), "", NULL), PROVED);
    CHECK_INT(ask(access_for(app_scope), "", NULL).findings.expires_at, KIT_NOW + 60);
    VERIFIED(
        ask(access_of(kit_text("'azp':'client-2','scope':'%s'", app_scope)), "", NULL),
        PROVED);
    VERIFIED(ask(access_for(app_scope), ",'application':{'id':'gp'}", NULL), PROVED);
    REFUSED(ask(access_for(app_scope), ",'application':{'id':'lab'}", NULL),
            "is of another application than `context.application.id` names");
    REFUSED(ask(access_for(app_scope), ",'application':{'id':'other'}", NULL),
            "is presented by an application that the evidence settings do not name");
    REFUSED(ask(access_of(kit_text("'client_id':'x','azp':'client-1','scope':'%s'",
                                   app_scope)),
                "", NULL),
            "is of a client that no application of the evidence settings has in "
            "`client_ids`");
    REFUSED(ask(access_of(
                    kit_text("'client_id':7,'azp':'client-1','scope':'%s'", app_scope)),
                "", NULL),
            "does not say in `client_id` or `azp` whose it is");
    REFUSED(ask(access_of(kit_text("'scope':'%s'", app_scope)), "", NULL),
            "does not say in `client_id` or `azp` whose it is");
    /* With another proof, of the same application or not. */
    VERIFIED(ask(access_for(app_scope),
                 kit_text(",'application':{'api_key':'%s'}", key), NULL),
             PROVED);
    REFUSED(ask(access_of(kit_text("'client_id':'client-3','scope':'%s'", app_scope)),
                kit_text(",'application':{'api_key':'%s'}", key), NULL),
            "is of another application than the other proofs");
}

static void test_claims(void)
{
    REFUSED(
        ask(kit_token("RS256", platform, "{\"alg\":\"RS256\"}",
                      kit_json("{'iss':'https://p','aud':'api','exp':%lld,'client_id':"
                               "'client-1','scope':'%s'}",
                               (long long)KIT_NOW, app_scope)),
            "", NULL),
        "has expired");
    REFUSED(
        ask(kit_token("RS256", platform, "{\"alg\":\"RS256\"}",
                      kit_json("{'iss':'https://p','aud':'api','client_id':'client-1',"
                               "'scope':'%s'}",
                               app_scope)),
            "", NULL),
        "does not say in `exp` when it ends");
    /* An ID token is none, whoever signed it. */
    REFUSED(ask(id_token(",'client_id':'client-1'"), "", NULL),
            "is not from an issuer that the evidence settings name for it");
    static const char *const kinds[] = { "7", "{}", "[]", "true" };
    for (size_t i = 0; i < 4; i++) {
        kit_result got = kit_verify_now(
            verifier, kit_json("{'context':{'access_token':%s}}", kinds[i]));
        REFUSED(got, "is not a text");
        CHECK_STR(got.text, kit_json("{'context':{}}"));
    }
}

/* ---- Scopes ---- */

static void test_scopes(void)
{
    static const char nothing[] = "has no scope that lets anybody use an API";
    static const char other[] = "has no scope for the API that is asked for";
    static const char *const none[] = {
        "",
        "openid profile",
        "urn:nhsd:apim:app:level2:personal-demographics",
        "urn:nhsd:apim:app:level3:",
        "urn:nhsd:apim:app:level3",
        "URN:nhsd:apim:app:level3:personal-demographics",
        "urn:nhsd:apim:user-nhs-cis2:aal0:personal-demographics",
        "urn:nhsd:apim:user-nhs-cis2:aal4:personal-demographics",
        "urn:nhsd:apim:user-nhs-login:P1:personal-demographics",
        "xurn:nhsd:apim:app:level3:personal-demographics",
    };
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        REFUSED(ask(access_for(none[i]), "", NULL), nothing);
    REFUSED(ask(access_for("urn:nhsd:apim:app:level3:pds"), "", NULL), other);
    REFUSED(
        ask(access_for("urn:nhsd:apim:app:level3:personal-demographics-x"), "", NULL),
        other);
    REFUSED(ask(access_for("urn:nhsd:apim:app:level3:personal-demographic"), "", NULL),
            other);
    REFUSED(ask(access_of("'client_id':'client-1'"), "", NULL), "has no `scope`");
    REFUSED(ask(access_of("'client_id':'client-1','scope':7"), "", NULL),
            "has no `scope`");
    VERIFIED(ask(access_for(kit_text("openid  %s x", app_scope)), "", NULL), PROVED);
}

static void test_scope_lists(void)
{
    VERIFIED(
        ask(access_of(kit_text("'client_id':'client-1','scope':['x','%s']", app_scope)),
            "", NULL),
        PROVED);
    REFUSED(
        ask(access_of(kit_text("'client_id':'client-1','scope':['x %s']", app_scope)),
            "", NULL),
        "has no scope that lets anybody use an API");
    REFUSED(
        ask(access_of(kit_text("'client_id':'client-1','scope':['%s y']", app_scope)),
            "", NULL),
        "has no scope that lets anybody use an API");
    REFUSED(
        ask(access_of(kit_text("'client_id':'client-1','scope':['%s',7]", app_scope)),
            "", NULL),
        "has a `scope` that is neither a text nor a list of texts");
}

/* An API without a name in the settings has its id; no API: any scope counts. */
static void test_scope_names(void)
{
    kit_result got = kit_verify_now(
        verifier, kit_json("{'resource':{'type':'api','id':'ods'},'context':{"
                           "'access_token':'%s'}}",
                           access_for("urn:nhsd:apim:app:level3:ods")));
    VERIFIED(got, PROVED);
    VERIFIED(ask_no_api(access_for("urn:nhsd:apim:app:level3:anything"), NULL), PROVED);
    REFUSED(ask_no_api(access_for("openid"), NULL),
            "has no scope that lets anybody use an API");
    /* Of several for the API asked for, all say the same. */
    REFUSED(ask(access_for(kit_text("%s %s", app_scope, cis2_scope)), "", NULL),
            "has scopes that contradict each other");
    REFUSED(ask(access_for(kit_text("%s urn:nhsd:apim:user-nhs-cis2:aal3:"
                                    "personal-demographics",
                                    cis2_scope)),
                "", NULL),
            "has scopes that contradict each other");
    REFUSED(ask(access_for(kit_text("%s urn:nhsd:apim:user-nhs-login:P0:"
                                    "personal-demographics",
                                    app_scope)),
                "", NULL),
            "has scopes that contradict each other");
    VERIFIED(
        ask(access_for(kit_text("%s urn:nhsd:apim:user-nhs-cis2:aal3:ods", cis2_scope)),
            "", NULL),
        PROVED);
    REFUSED(ask_no_api(access_for(kit_text("%s urn:nhsd:apim:user-nhs-cis2:aal3:ods",
                                           cis2_scope)),
                       NULL),
            "has scopes that contradict each other");
}

/* ---- Levels ---- */

static void test_levels_cis2(void)
{
    static const char differ[] = "states another level than the user's evidence";
    char *token = access_for(cis2_scope);
    /* Where the evidence states none, the token's counts, where the readers look. */
    kit_result got = ask(token, "", kit_text("{'id_token':'%s'}", id_token("")));
    VERIFIED(got, "'authentication_assurance_level':2}");
    CHECK_INT(got.findings.user, NRBAC_VERIFIED);
    CHECK_INT(got.findings.verified_count, 2);
    VERIFIED(ask(token, "", "{'userinfo':{'sub':'9'}}"),
             "'userinfo':{'sub':'9','authentication_assurance_level':2}");
    VERIFIED(ask(token, "",
                 "{'id_token':{'sub':'9','authentication_assurance_level':null}}"),
             "'id_token':{'sub':'9','authentication_assurance_level':2}");
    VERIFIED(ask(token, "", "{'profile':{'role':'R8000'}}"),
             "'properties':{'profile':{'role':'R8000'},'aal':2}");
    VERIFIED(ask(token, "", "{'saml':{'uid':'9'}}"), "'saml':{'uid':'9'},'aal':2");
    /* Where it states one, it is the same. */
    VERIFIED(ask(token, "",
                 kit_text("{'id_token':'%s'}",
                          id_token(",'authentication_assurance_level':'2'"))),
             "'authentication_assurance_level':'2'");
    VERIFIED(ask(token, "", "{'profile':{},'aal':2}"), "'aal':2");
    VERIFIED(ask(token, "", "{'profile':{},'aal':'2'}"), "'aal':'2'");
    USER_REFUSED(ask(token, "",
                     kit_text("{'id_token':'%s'}",
                              id_token(",'authentication_assurance_level':3"))),
                 differ);
    USER_REFUSED(ask(token, "",
                     "{'id_token':{},'userinfo':{"
                     "'authentication_assurance_level':1}}"),
                 differ);
    USER_REFUSED(ask(token, "", "{'profile':{},'aal':3}"), differ);
    USER_REFUSED(ask(token, "", "{'profile':{},'aal':'22'}"), differ);
    USER_REFUSED(ask(token, "", "{'profile':{},'aal':true}"), differ);
}

/* A token that is sound is not told of where its user is refused for another reason. */
static void test_nothing_of_refused(void)
{
    kit_result got = ask(
        access_for(cis2_scope), "",
        kit_text("{'id_token':'%s'}", id_token(",'authentication_assurance_level':3")));
    CHECK_INT(got.findings.user, NRBAC_REFUSED);
    CHECK_INT(got.findings.verified_count, 1);
    CHECK_STR(got.findings.verified[0], "access_token");
}

static void test_levels_login(void)
{
    static const char differ[] = "states another level than the user's evidence";
    char *token = access_for(login_scope);
    kit_result got = ask(token, "", kit_text("{'nhs_login':'%s'}", login_token("")));
    VERIFIED(got, "'identity_proofing_level':'P5'}");
    CHECK_INT(got.findings.user, NRBAC_VERIFIED);
    VERIFIED(ask(token, "", "{'nhs_login':{'identity_proofing_level':'P5'}}"), PROVED);
    VERIFIED(ask(token, "", "{'nhs_login':{'vot':'P5.Cp.Cd'}}"),
             "'nhs_login':{'vot':'P5.Cp.Cd'}");
    VERIFIED(ask(token, "", "{'nhs_login':{'vot':'Cp.P5'}}"), PROVED);
    VERIFIED(ask(token, "", "{'nhs_login':{'vot':'Cp.Cd'}}"),
             "'identity_proofing_level':'P5'}");
    USER_REFUSED(ask(token, "", "{'nhs_login':{'identity_proofing_level':'P9'}}"),
                 differ);
    USER_REFUSED(ask(token, "", "{'nhs_login':{'identity_proofing_level':5}}"), differ);
    USER_REFUSED(ask(token, "", "{'nhs_login':{'vot':'P9.Cp'}}"), differ);
    USER_REFUSED(ask(token, "", "{'nhs_login':{'vot':'P55.Cp'}}"), differ);
    USER_REFUSED(ask(token, "", "{'nhs_login':{'vot':7}}"), differ);
}

static void test_kinds_of_user(void)
{
    static const char other[] = "is of a user of another sign-in than the subject's";
    USER_REFUSED(ask(access_for(cis2_scope), "", "{'nhs_login':{}}"), other);
    USER_REFUSED(ask(access_for(login_scope), "", "{'id_token':{}}"), other);
    USER_REFUSED(ask(access_for(login_scope), "", "{'profile':{}}"), other);
    USER_REFUSED(ask_no_api(access_for(login_scope), "{'profile':{}}"), other);
    VERIFIED(ask_no_api(access_for(app_scope), "{'profile':{}}"), PROVED);
}

/* ---- The person ---- */

static char *about(const char *sub, const char *scope)
{
    return access_of(
        kit_text("'client_id':'client-1','sub':'%s','scope':'%s'", sub, scope));
}

static void test_person(void)
{
    static const char other[] = "is about another user than the request";
    VERIFIED(ask(about("client-1", cis2_scope), "", "{'id_token':{'sub':'9'}}"),
             PROVED);
    VERIFIED(
        ask(about("9", cis2_scope), "", kit_text("{'id_token':'%s'}", id_token(""))),
        PROVED);
    VERIFIED(ask(about("9", cis2_scope), "", "{'userinfo':{'sub':'9'}}"), PROVED);
    VERIFIED(
        ask(about("uid=9,ou=People,o=nhs", cis2_scope), "", "{'userinfo':{'sub':'9'}}"),
        PROVED);
    VERIFIED(ask(about("9", cis2_scope), "", "{'saml':{'uid':'9'}}"), PROVED);
    VERIFIED(ask(about("9", login_scope), "", "{'nhs_login':{'nhs_number':'9'}}"),
             PROVED);
    VERIFIED(ask(about("9", cis2_scope), "", NULL), PROVED);
    USER_REFUSED(ask(about("8", cis2_scope), "", "{'id_token':{'sub':'9'}}"), other);
    USER_REFUSED(ask(about("99", cis2_scope), "", "{'id_token':{'sub':'9'}}"), other);
    USER_REFUSED(ask(about("9", cis2_scope), "", "{'id_token':{'sub':'99'}}"), other);
    USER_REFUSED(ask(about("9", cis2_scope), "", "{'id_token':{}}"), other);
    USER_REFUSED(ask(about("9", cis2_scope), "", "{'profile':{}}"), other);
    USER_REFUSED(ask(about("uid=9", cis2_scope), "", "{'userinfo':{'sub':'9'}}"),
                 other);
    USER_REFUSED(ask(about("9", app_scope), "", "{'profile':{}}"), other);
    REFUSED(ask(about("9", app_scope), "", NULL),
            "is about a user, whom the request does not name");
    kit_result got = kit_verify_now(
        verifier, kit_json("{'context':{'access_token':'%s'},'subject':{'id':'9',"
                           "'properties':{'profile':{}}}}",
                           about("9", cis2_scope)));
    VERIFIED(got, PROVED);
    REFUSED(ask(access_of(
                    kit_text("'client_id':'client-1','sub':7,'scope':'%s'", app_scope)),
                "", NULL),
            "does not say in `sub` whom it is about");
}

/* In each spelling of SAML that the engine reads. */
static void test_person_of_saml(void)
{
    static const struct {
        const char *saml;
        bool fine;
    } cases[] = {
        { "{'uid':'9'}", true },
        { "{'uid':['9']}", true },
        { "{'uid':['9','9']}", false },
        { "{'uid':[]}", false },
        { "[['nhsIdCode','A'],['uid','9']]", true },
        { "[['uid',['9']]]", true },
        { "[['uid','8']]", false },
        { "[['ssbSessionRoleUid','9']]", false },
        { "[['uid'],'uid',7,[['uid','9']],{'uid':'9'},[7,'9']]", false },
        { "{'attributes':[['uid','9']]}", true },
        { "{'attributes':{'uid':'9'}}", false },
        { "{'roles':[['uid','9']]}", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        kit_result got = ask(about("9", cis2_scope), "",
                             kit_text("{'saml':%s}", cases[i].saml));
        CHECK_INT(got.findings.application, NRBAC_VERIFIED);
        CHECK_INT(got.findings.user != NRBAC_REFUSED, cases[i].fine);
    }
}

/* ---- For whom ---- */

static void grants(char *token, const char *properties, nrbac_grant grant)
{
    kit_result got = ask(token, "", properties);
    CHECK_INT(got.findings.application, NRBAC_VERIFIED);
    CHECK_INT(got.findings.grant, grant);
    CHECK(strstr(got.text, "pattern") == NULL);
}

/* The engine chooses and judges the pattern; it is told for whom the token is. */
static void test_grant(void)
{
    grants(access_for(app_scope), NULL, NRBAC_GRANT_APPLICATION);
    grants(access_for(app_scope), "{'profile':{}}", NRBAC_GRANT_APPLICATION);
    grants(access_for(cis2_scope), NULL, NRBAC_GRANT_CIS2);
    grants(access_for(cis2_scope), "{'id_token':{}}", NRBAC_GRANT_CIS2);
    grants(access_for(login_scope), "{'nhs_login':{}}", NRBAC_GRANT_NHS_LOGIN);
    CHECK_INT(
        ask(access_for("urn:nhsd:apim:app:level3:other"), "", NULL).findings.grant,
        NRBAC_GRANT_UNKNOWN);
    /* What is no map is for the engine to refuse. */
    VERIFIED(ask(access_for(cis2_scope), ",'authentication':7", NULL),
             "'authentication':7");
}

/* ---- Tokens of a user together ---- */

static char *userinfo(void)
{
    return kit_token("ES256", cis2, "{\"alg\":\"ES256\"}",
                     kit_json("{'iss':'https://c','aud':'us','sub':'9','iat':%lld}",
                              (long long)KIT_NOW));
}

static kit_result ask_user(const char *properties)
{
    return kit_verify_now(verifier,
                          kit_json("{'subject':{'properties':%s}}", properties));
}

static void test_user_tokens(void)
{
    kit_result got = ask_user(
        kit_text("{'id_token':'%s','userinfo':'%s','role_profile':'1'}", id_token(""),
                 userinfo()));
    CHECK_INT(got.findings.user, NRBAC_VERIFIED);
    CHECK_INT(got.findings.verified_count, 2);
    /* Claims beside a token are asserted, and so is the user. */
    got = ask_user(kit_text("{'id_token':'%s','userinfo':{'sub':'9'}}", id_token("")));
    CHECK_INT(got.findings.user, NRBAC_ASSERTED);
    CHECK_INT(got.findings.verified_count, 1);
    CHECK(strstr(got.text, kit_json("'userinfo':{'sub':'9'}")) != NULL);
    got = ask_user(kit_text("{'id_token':'%s','profile':{}}", id_token("")));
    CHECK_INT(got.findings.user, NRBAC_ASSERTED);
    /* One that is refused refuses the user; nothing of either is left. */
    got = ask_user(
        kit_text("{'id_token':'%sx','userinfo':'%s'}", id_token(""), userinfo()));
    CHECK_INT(got.findings.user, NRBAC_REFUSED);
    CHECK_INT(got.findings.verified_count, 0);
    CHECK_STR(got.text,
              kit_json("{'subject':{'properties':{'id_token':{},'userinfo':{}}}}"));
    /* An empty one is not there. */
    got = ask_user("{'id_token':'','userinfo':{'a':1}}");
    CHECK_INT(got.findings.user, NRBAC_ASSERTED);
    CHECK_STR(got.text, kit_json("{'subject':{'properties':{'userinfo':{'a':1}}}}"));
}

/* A refused application leaves the user as they are, and the other way round. */
static void test_apart(void)
{
    kit_result got = ask("x", "", kit_text("{'id_token':'%s'}", id_token("")));
    CHECK_INT(got.findings.application, NRBAC_REFUSED);
    CHECK_INT(got.findings.user, NRBAC_VERIFIED);
    CHECK_INT(got.findings.verified_count, 1);
    CHECK_STR(got.findings.verified[0], "id_token");
    got = ask(access_for(app_scope), "", "{'id_token':'x'}");
    CHECK_INT(got.findings.application, NRBAC_VERIFIED);
    CHECK_INT(got.findings.user, NRBAC_REFUSED);
    CHECK_STR(got.findings.verified[0], "access_token");
}

int main(void)
{
    prepare();
    test_client();
    test_claims();
    test_scopes();
    test_scope_lists();
    test_scope_names();
    test_levels_cis2();
    test_nothing_of_refused();
    test_levels_login();
    test_kinds_of_user();
    test_person();
    test_person_of_saml();
    test_grant();
    test_user_tokens();
    test_apart();
    nrbac_verifier_close(verifier);
    EVP_PKEY_free(platform);
    EVP_PKEY_free(cis2);
    EVP_PKEY_free(login);
    kit_finish();
    return check_report();
}
