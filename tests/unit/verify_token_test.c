/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules 1 to 5 of schema/evidence.md, on tokens of users: for each, one that passes and
 * ones that do not.
 */
#include "check.h"
#include "verify_kit.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

static EVP_PKEY *rsa, *other_rsa, *ec;
static nrbac_verifier *verifier;

static const char settings[] =
    "nrbac-evidence: 1\n"
    "issuers:\n"
    "  cis2: { kind: cis2, issuer: https://cis2, audience: [us, us-too], keys: k.json }\n"
    "  strict: { kind: cis2, issuer: https://strict, audience: [us], keys: k.json, "
    "algorithms: [RS512] }\n"
    "  one: { kind: cis2, issuer: https://one, audience: [us], keys: one.json }\n"
    "  two: { kind: cis2, issuer: https://two, audience: [us], keys: two.json }\n"
    "  old: { kind: cis2, issuer: https://old, audience: [us], keys: old.json }\n"
    "  alike: { kind: cis2, issuer: https://alike, audience: [us], keys: alike.json }\n"
    "  login: { kind: nhs-login, issuer: https://login, audience: [us], keys: k.json }\n"
    "clock_skew: 10\n";

static void prepare(void)
{
    rsa = kit_rsa(2048);
    other_rsa = kit_rsa(2048);
    ec = kit_ec();
    kit_write("k.json",
              kit_set(kit_jwk(rsa, ",\"kid\":\"r\""), kit_jwk(ec, ",\"kid\":\"e\""),
                      kit_jwk(other_rsa, ",\"kid\":\"ps\",\"alg\":\"PS256\""), NULL));
    kit_write("one.json", kit_set(kit_jwk(rsa, ""), kit_jwk(ec, ""), NULL));
    kit_write("two.json", kit_set(kit_jwk(rsa, ""), kit_jwk(other_rsa, ""), NULL));
    kit_write("old.json",
              kit_set(kit_jwk(rsa, kit_text(",\"kid\":\"now\",\"exp\":%lld",
                                            (long long)KIT_NOW + 1)),
                      kit_jwk(other_rsa, kit_text(",\"kid\":\"past\",\"exp\":%lld",
                                                  (long long)KIT_NOW)),
                      NULL));
    kit_write("alike.json",
              kit_set(kit_jwk(other_rsa, ",\"kid\":\"a\",\"use\":\"enc\""),
                      kit_jwk(other_rsa, ",\"kid\":\"a\",\"alg\":\"RSA-OAEP\""),
                      kit_jwk(ec, ",\"kid\":\"a\""),
                      kit_jwk(rsa, ",\"kid\":\"a\",\"alg\":\"PS256\""),
                      kit_jwk(rsa, ",\"kid\":\"a\",\"alg\":\"RS256\",\"use\":\"sig\""),
                      NULL));
    verifier = kit_open(settings);
}

/* ---- Asking ---- */

static kit_result ask(const char *member, const char *token)
{
    return kit_verify_now(verifier,
                          kit_json("{'subject':{'type':'x','properties':{'%s':%s}}}",
                                   member, kit_quote(token)));
}

/* That no sentence tells anything of the token. */
static void check_silence(const char *fault, const char *token)
{
    for (size_t i = 0; i + 8 <= strlen(token); i++) {
        char piece[9] = "";
        memcpy(piece, token + i, 8);
        CHECK(strstr(fault, piece) == NULL);
    }
}

static void accepted_at(const char *member, const char *token, const char *file,
                        int line)
{
    kit_result got = ask(member, token);
    if (!check_note(got.findings.user == NRBAC_VERIFIED && got.findings.fault == NULL &&
                        got.findings.verified_count == 1,
                    file, line))
        printf("refused: %s\n", got.findings.fault);
    else
        check_str(got.findings.verified[0], member, file, line);
    check_condition(strstr(got.text, token) == NULL, "the token is gone", file, line);
}

static void refused_at(const char *member, const char *token, const char *why,
                       const char *file, int line)
{
    kit_result got = ask(member, token);
    const char *sentence = kit_text("`subject.properties.%s` %s", member, why);
    check_int(got.findings.user, NRBAC_REFUSED, file, line);
    check_int(got.findings.application, NRBAC_ASSERTED, file, line);
    check_int((long long)got.findings.verified_count, 0, file, line);
    check_str(got.findings.fault, sentence, file, line);
    check_str(got.text,
              kit_json("{'subject':{'type':'x','properties':{'%s':{}}}}", member), file,
              line);
    if (got.findings.fault != NULL)
        check_silence(got.findings.fault, token);
}

#define ACCEPTED(token)           accepted_at("id_token", (token), __FILE__, __LINE__)
#define REFUSED(token, why)       refused_at("id_token", (token), (why), __FILE__, __LINE__)
#define ACCEPTED_AS(m, token)     accepted_at((m), (token), __FILE__, __LINE__)
#define REFUSED_AS(m, token, why) refused_at((m), (token), (why), __FILE__, __LINE__)

/* A sound payload, with more members or others. */
static char *payload(const char *more)
{
    return kit_json("{'iss':'https://cis2','aud':'us','sub':'1','exp':%lld%s}",
                    (long long)KIT_NOW + 60, more);
}

static const char rs256[] = "{\"alg\":\"RS256\",\"kid\":\"r\"}";

static char *signed_payload(const char *text)
{
    return kit_token("RS256", rsa, rs256, text);
}

static char *with_header(const char *header)
{
    return kit_token("RS256", rsa, kit_json("%s", header), payload(""));
}

/* ---- Rule 1 ---- */

static void test_form(void)
{
    char *token = signed_payload(payload(""));
    ACCEPTED(token);
    const char *dot = strchr(token, '.');
    const char *second = strchr(dot + 1, '.');
    REFUSED("x", "is not a JWT of three parts");
    REFUSED("a.b", "is not a JWT of three parts");
    REFUSED(kit_text("%s.", token), "is not a JWT of three parts");
    REFUSED(kit_text("%.*s=.%s", (int)(dot - token), token, dot + 1),
            "is not a JWT: its header is not base64url without padding");
    REFUSED(kit_text("%.*s==.%s", (int)(second - token), token, second + 1),
            "is not a JWT: its payload is not base64url without padding");
    REFUSED(kit_text("%.*s+%s", (int)(dot + 3 - token), token, dot + 4),
            "is not a JWT: its payload is not base64url without padding");
    REFUSED(kit_text("%.*s/%s", (int)(dot + 3 - token), token, dot + 4),
            "is not a JWT: its payload is not base64url without padding");
    REFUSED(kit_text(" %s", token),
            "is not a JWT: its header is not base64url without padding");
    REFUSED(kit_text("%s=", token), "has a signature that is not that of its key");
    REFUSED(kit_text("%s\n", token), "has a signature that is not that of its key");
    REFUSED(kit_text("%.*s.", (int)(second - token), token),
            "has a signature that is not that of its key");
    REFUSED(kit_text(".%s", dot + 1),
            "has a header that is not JSON, or with a member twice");
}

static void test_json(void)
{
    REFUSED(kit_token("RS256", rsa, "[]", "{}"),
            "has a header that is not a JSON object");
    REFUSED(kit_token("RS256", rsa, "{\"alg\":\"RS256\"", "{}"),
            "has a header that is not JSON, or with a member twice");
    REFUSED(with_header("{'alg':'RS256','kid':'r','alg':'RS256'}"),
            "has a header that is not JSON, or with a member twice");
}

static void test_payload_json(void)
{
    static const char twice[] =
        "has a payload that is not JSON, or with a member twice";
    REFUSED(signed_payload("\"text\""), "has a payload that is not a JSON object");
    REFUSED(signed_payload("not json"), twice);
    REFUSED(signed_payload(kit_text("%s{}", payload(""))), twice);
    REFUSED(signed_payload(payload(",'sub':'2'")), twice);
    REFUSED(signed_payload(payload(",'a':{'b':{'c':1,'c':1}}")), twice);
    REFUSED(signed_payload(payload(",'a':[{'c':1,'\\u0063':1}]")), twice);
    REFUSED(signed_payload(payload(",'a':'\\u0000'")), twice);
    REFUSED(signed_payload(payload(",'a':1,")), twice);
    ACCEPTED(signed_payload(payload(",'a':'[[[{{{','b':'\\\\\\\"{'")));
}

static char *nested(int depth)
{
    char open[64] = "", shut[64] = "";
    memset(open, '[', (size_t)depth);
    memset(shut, ']', (size_t)depth);
    return payload(kit_text(",'deep':%s%s", open, shut));
}

static void test_depth(void)
{
    ACCEPTED(signed_payload(nested(31)));
    REFUSED(signed_payload(nested(32)), "has a payload that is more than 32 deep");
    /* Brackets within a text are none, also after an escaped quote; those after it are. */
    char many[64] = "";
    memset(many, '[', 40);
    ACCEPTED(signed_payload(payload(kit_text(",'a':'\\\"%s'", many))));
    REFUSED(signed_payload(kit_text("{\"a\":\"\\\"\",\"b\":%s", many)),
            "has a payload that is more than 32 deep");
}

/* Every prefix is refused, and every change of a character. */
static void test_damage(void)
{
    char *token = signed_payload(payload(""));
    size_t size = strlen(token);
    for (size_t cut = 1; cut < size; cut++) {
        kit_result got = ask("id_token", kit_text("%.*s", (int)cut, token));
        CHECK_INT(got.findings.user, NRBAC_REFUSED);
    }
    for (size_t at = 0; at < size; at++) {
        char *other = kit_text("%s", token);
        other[at] = other[at] == 'A' ? 'B' : 'A';
        CHECK_INT(ask("id_token", other).findings.user, NRBAC_REFUSED);
    }
}

static void test_size(void)
{
    char *filler = kit_text("%*s", 12000, "");
    char *token = signed_payload(payload(kit_text(",'x':'%s'", filler)));
    size_t rest = 16384 - strlen(token);
    filler = kit_text("%*s", (int)(12000 + rest / 4 * 3), "");
    token = signed_payload(payload(kit_text(",'x':'%s'", filler)));
    CHECK(strlen(token) <= 16384 && strlen(token) > 16380);
    ACCEPTED(token);
    REFUSED(kit_text("%s%*s", token, (int)(16385 - strlen(token)), ""),
            "is longer than 16 KiB");
}

/* ---- Rule 2 ---- */

static void test_algorithms(void)
{
    static const char wrong[] =
        "is signed by an algorithm that the evidence settings do "
        "not allow for its issuer";
    ACCEPTED(kit_token("RS512", rsa, "{\"alg\":\"RS512\",\"kid\":\"r\"}", payload("")));
    ACCEPTED(kit_token("PS256", rsa, "{\"alg\":\"PS256\",\"kid\":\"r\"}", payload("")));
    ACCEPTED(kit_token("ES256", ec, "{\"alg\":\"ES256\",\"kid\":\"e\"}", payload("")));
    REFUSED(kit_token("RS384", rsa, "{\"alg\":\"RS384\",\"kid\":\"r\"}", payload("")),
            wrong);
    REFUSED(kit_token("none", NULL, "{\"alg\":\"none\"}", payload("")), wrong);
    REFUSED(kit_token("none", NULL, "{\"alg\":\"None\",\"kid\":\"r\"}", payload("")),
            wrong);
    REFUSED(kit_token("RS256", rsa, "{\"kid\":\"r\"}", payload("")), wrong);
    REFUSED(with_header("{'alg':null,'kid':'r'}"), wrong);
    REFUSED(with_header("{'alg':['RS256'],'kid':'r'}"), wrong);
    REFUSED(with_header("{'alg':'rs256','kid':'r'}"), wrong);
    /* The settings of one issuer allow fewer. */
    char *strict = kit_json("{'iss':'https://strict','aud':'us','sub':'1','exp':%lld}",
                            (long long)KIT_NOW + 60);
    ACCEPTED(kit_token("RS512", rsa, "{\"alg\":\"RS512\",\"kid\":\"r\"}", strict));
    REFUSED(signed_payload(strict), wrong);
}

/* HMAC with the public key as its secret, in every form that somebody might use. */
static void test_key_confusion(void)
{
    static const char wrong[] =
        "is signed by an algorithm that the evidence settings do "
        "not allow for its issuer";
    static const char header[] = "{\"alg\":\"HS256\",\"kid\":\"r\"}";
    char *bytes = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    CHECK(PEM_write_bio_PUBKEY(out, rsa) == 1);
    long size = BIO_get_mem_data(out, &bytes);
    REFUSED(kit_hmac_token(bytes, (size_t)size, header, payload("")), wrong);
    BIO_free(out);
    char *jwk = kit_jwk(rsa, "");
    REFUSED(kit_hmac_token(jwk, strlen(jwk), header, payload("")), wrong);
    REFUSED(kit_hmac_token("", 0, header, payload("")), wrong);
}

static void test_keys(void)
{
    static const char absent[] = "is signed with a key that is not in `k.json`";
    static const char unfit[] = "is signed with a key of `k.json` that is not for its "
                                "algorithm";
    REFUSED(with_header("{'alg':'RS256','kid':'nobody'}"), absent);
    REFUSED(with_header("{'alg':'RS256','kid':''}"), absent);
    REFUSED(with_header("{'alg':'RS256','kid':null}"), absent);
    REFUSED(with_header("{'alg':'RS256','kid':7}"), absent);
    REFUSED(with_header("{'alg':'RS256','kid':'e'}"), unfit);
    REFUSED(kit_token("ES256", ec, "{\"alg\":\"ES256\",\"kid\":\"r\"}", payload("")),
            unfit);
    /* A key of its own algorithm is for no other. */
    ACCEPTED(kit_token("PS256", other_rsa, "{\"alg\":\"PS256\",\"kid\":\"ps\"}",
                       payload("")));
    REFUSED(kit_token("RS256", other_rsa, "{\"alg\":\"RS256\",\"kid\":\"ps\"}",
                      payload("")),
            unfit);
    REFUSED(kit_token("RS256", other_rsa, rs256, payload("")),
            "has a signature that is not that of its key");
}

/* Servers that write one key once for each algorithm and use, under one `kid`. */
static void test_keys_of_one_kid(void)
{
    static const char *const names[] = { "RS256", "PS256", "ES256", "RS512" };
    char *text = kit_json("{'iss':'https://alike','aud':'us','sub':'1','exp':%lld}",
                          (long long)KIT_NOW + 60);
    for (size_t i = 0; i < 4; i++) {
        char *token = kit_token(names[i], *names[i] == 'E' ? ec : rsa,
                                kit_json("{'alg':'%s','kid':'a'}", names[i]), text);
        if (i < 3)
            ACCEPTED(token);
        else
            REFUSED(token, "is signed with a key of `alike.json` that is not for its "
                           "algorithm");
    }
    REFUSED(kit_token("RS256", other_rsa, "{\"alg\":\"RS256\",\"kid\":\"a\"}", text),
            "has a signature that is not that of its key");
}

static void test_no_kid(void)
{
    char *one = kit_json("{'iss':'https://one','aud':'us','sub':'1','exp':%lld}",
                         (long long)KIT_NOW + 60);
    char *two = kit_json("{'iss':'https://two','aud':'us','sub':'1','exp':%lld}",
                         (long long)KIT_NOW + 60);
    ACCEPTED(kit_token("RS256", rsa, "{\"alg\":\"RS256\"}", one));
    ACCEPTED(kit_token("ES256", ec, "{\"alg\":\"ES256\"}", one));
    REFUSED(kit_token("RS256", rsa, "{\"alg\":\"RS256\",\"kid\":\"r\"}", one),
            "is signed with a key that is not in `one.json`");
    REFUSED(kit_token("RS256", rsa, "{\"alg\":\"RS256\"}", two),
            "names no key, and more than one of `two.json` fits");
    REFUSED(kit_token("ES256", ec, "{\"alg\":\"ES256\"}", two),
            "names no key, and none of `two.json` fits");
}

static void test_key_end(void)
{
    char *old = kit_json("{'iss':'https://old','aud':'us','sub':'1','exp':%lld}",
                         (long long)KIT_NOW + 60);
    ACCEPTED(kit_token("RS256", rsa, "{\"alg\":\"RS256\",\"kid\":\"now\"}", old));
    REFUSED(kit_token("RS256", other_rsa, "{\"alg\":\"RS256\",\"kid\":\"past\"}", old),
            "is signed with a key of `old.json` that has ended");
}

static void test_header(void)
{
    static const char crit[] = "has the header `crit`, which nothing here obeys";
    static const char typ[] = "is a token of another type, by its `typ`";
    REFUSED(with_header("{'alg':'RS256','kid':'r','crit':['exp']}"), crit);
    REFUSED(with_header("{'alg':'RS256','kid':'r','crit':[]}"), crit);
    REFUSED(with_header("{'alg':'RS256','kid':'r','crit':null}"), crit);
    ACCEPTED(with_header("{'alg':'RS256','kid':'r','typ':'JWT'}"));
    ACCEPTED(with_header("{'alg':'RS256','kid':'r','typ':'jwt'}"));
    ACCEPTED(with_header("{'alg':'RS256','kid':'r','typ':'application/JWT'}"));
    REFUSED(with_header("{'alg':'RS256','kid':'r','typ':'at+jwt'}"), typ);
    REFUSED(with_header("{'alg':'RS256','kid':'r','typ':'logout+jwt'}"), typ);
    REFUSED(with_header("{'alg':'RS256','kid':'r','typ':null}"), typ);
}

/* A header that brings its own key is not listened to. */
static void test_own_key(void)
{
    char *own = kit_jwk(other_rsa, "");
    char *header = kit_json("{'alg':'RS256','kid':'r','jwk':%s,'jku':'https://evil',"
                            "'x5u':'https://evil','x5c':['x']}",
                            own);
    REFUSED(kit_token("RS256", other_rsa, header, payload("")),
            "has a signature that is not that of its key");
    ACCEPTED(kit_token("RS256", rsa, header, payload("")));
    REFUSED(kit_token("RS256", other_rsa, kit_json("{'alg':'RS256','jwk':%s}", own),
                      payload("")),
            "has a signature that is not that of its key");
}

/* ---- Rule 3 ---- */

/* ES256 has 64 bytes: padded, cut or in ASN.1 it is another signature. */
static void test_signature_size(void)
{
    static const char wrong[] = "has a signature that is not that of its key";
    char *token = kit_token("ES256", ec, "{\"alg\":\"ES256\",\"kid\":\"e\"}",
                            payload(""));
    ACCEPTED(token);
    char *signature = strrchr(token, '.') + 1;
    unsigned char bytes[80] = { 0 };
    char *padded = kit_text("%s==", signature);
    for (char *at = padded; *at != '\0'; at++)
        *at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
    CHECK_INT(EVP_DecodeBlock(bytes, (unsigned char *)padded, 88), 66);
    unsigned char longer[66] = { 0 };
    memcpy(longer + 1, bytes, 32);
    memcpy(longer + 34, bytes + 32, 32);
    int head = (int)(signature - token);
    REFUSED(kit_text("%.*s%s", head, token, kit_base64url(longer, 66)), wrong);
    REFUSED(kit_text("%.*s%s", head, token, kit_base64url(bytes, 63)), wrong);
    REFUSED(kit_text("%.*s%s", head, token, kit_base64url(bytes, 32)), wrong);
    memset(bytes, 0, sizeof(bytes));
    REFUSED(kit_text("%.*s%s", head, token, kit_base64url(bytes, 64)), wrong);
    REFUSED(kit_text("%.*s", head, token), wrong);
}

/* ---- Rule 4 ---- */

static char *claims(const char *text)
{
    return signed_payload(kit_json("{%s,'exp':%lld}", text, (long long)KIT_NOW + 60));
}

static void test_issuer(void)
{
    static const char unknown[] =
        "is not from an issuer that the evidence settings name "
        "for it";
    REFUSED(claims("'iss':'https://cis2/','aud':'us','sub':'1'"), unknown);
    REFUSED(claims("'iss':'https://CIS2','aud':'us','sub':'1'"), unknown);
    REFUSED(claims("'iss':['https://cis2'],'aud':'us','sub':'1'"), unknown);
    REFUSED(claims("'aud':'us','sub':'1'"), unknown);
    /* NHS login's issuer does not speak of healthcare workers, nor the reverse. */
    REFUSED(claims("'iss':'https://login','aud':'us','sub':'1'"), unknown);
    REFUSED_AS("nhs_login", claims("'iss':'https://cis2','aud':'us','sub':'1'"),
               unknown);
    ACCEPTED_AS("nhs_login", claims("'iss':'https://login','aud':'us','sub':'1'"));
}

static void test_audience(void)
{
    static const char other[] = "is not made for any audience of the evidence settings";
    static const char kind[] =
        "has an `aud` that is neither a text nor a list of texts";
    ACCEPTED(claims("'iss':'https://cis2','aud':'us-too','sub':'1'"));
    ACCEPTED(claims("'iss':'https://cis2','aud':['us'],'sub':'1'"));
    ACCEPTED(claims("'iss':'https://cis2','aud':['them','us'],'azp':'us','sub':'1'"));
    REFUSED(claims("'iss':'https://cis2','aud':'them','sub':'1'"), other);
    REFUSED(claims("'iss':'https://cis2','aud':'us us-too','sub':'1'"), other);
    REFUSED(claims("'iss':'https://cis2','aud':[],'sub':'1'"), other);
    REFUSED(claims("'iss':'https://cis2','aud':{'us':'us'},'sub':'1'"), other);
    REFUSED(claims("'iss':'https://cis2','sub':'1'"), other);
    REFUSED(claims("'iss':'https://cis2','aud':null,'sub':'1'"), other);
    REFUSED(claims("'iss':'https://cis2','aud':['us',7],'sub':'1'"), kind);
    REFUSED(claims("'iss':'https://cis2','aud':['us',['us']],'sub':'1'"), kind);
}

static void test_presenter(void)
{
    static const char other[] =
        "was given to another client than those of the evidence "
        "settings, by its `azp`";
    ACCEPTED(claims("'iss':'https://cis2','aud':'us','azp':'us-too','sub':'1'"));
    REFUSED(claims("'iss':'https://cis2','aud':'us','azp':'them','sub':'1'"), other);
    ACCEPTED(claims("'iss':'https://cis2','aud':'us','azp':null,'sub':'1'"));
    REFUSED(claims("'iss':'https://cis2','aud':'us','azp':'','sub':'1'"), other);
    REFUSED(claims("'iss':'https://cis2','aud':['us','us-too'],'azp':null,'sub':'1'"),
            other);
    REFUSED(claims("'iss':'https://cis2','aud':['us','them'],'sub':'1'"), other);
    REFUSED(claims("'iss':'https://cis2','aud':['us','them'],'azp':'them','sub':'1'"),
            other);
    /* Of userinfo, nobody is asked who presented it. */
    ACCEPTED_AS("userinfo",
                claims("'iss':'https://cis2','aud':['us','them'],'sub':'1','iat':1"));
}

static void test_sub(void)
{
    static const char none[] = "does not say in `sub` whom it is about";
    REFUSED(claims("'iss':'https://cis2','aud':'us'"), none);
    REFUSED(claims("'iss':'https://cis2','aud':'us','sub':''"), none);
    REFUSED(claims("'iss':'https://cis2','aud':'us','sub':7"), none);
    REFUSED_AS("userinfo", claims("'iss':'https://cis2','aud':'us','iat':1"), none);
    REFUSED_AS("userinfo", claims("'iss':'https://cis2','aud':'us','sub':7"), none);
    REFUSED_AS("nhs_login", claims("'iss':'https://login','aud':'us'"), none);
}

static void test_events(void)
{
    REFUSED(claims("'iss':'https://cis2','aud':'us','sub':'1','events':{"
                   "'http://schemas.openid.net/event/backchannel-logout':{}}"),
            "is a token of events, not of a sign-in");
}

/* ---- Rule 5 ---- */

static char *timed(const char *name, const char *value)
{
    return signed_payload(kit_json(
        "{'iss':'https://cis2','aud':'us','sub':'1','%s':%s%s}", name, value,
        strcmp(name, "exp") == 0 ? ""
                                 : kit_text(",'exp':%lld", (long long)KIT_NOW + 60)));
}

static void test_start(void)
{
    const char *names[] = { "nbf", "iat" };
    for (size_t i = 0; i < 2; i++) {
        const char *late = kit_text("has an `%s` in the future", names[i]);
        const char *none = kit_text("has an `%s` that is no time in seconds", names[i]);
        ACCEPTED(timed(names[i], kit_text("%lld", (long long)KIT_NOW + 10)));
        REFUSED(timed(names[i], kit_text("%lld", (long long)KIT_NOW + 11)), late);
        ACCEPTED(timed(names[i], kit_text("%lld.0", (long long)KIT_NOW + 10)));
        REFUSED(timed(names[i], kit_text("%lld.5", (long long)KIT_NOW + 10)), late);
        ACCEPTED(timed(names[i], "0"));
        REFUSED(timed(names[i], kit_text("'%lld'", (long long)KIT_NOW)), none);
        REFUSED(timed(names[i], "null"), none);
        REFUSED(timed(names[i], "1e300"), none);
    }
}

/* A token that is over by `exp` alone is found sound: the engine says evidence-expired,
 * from the claim that it finds. */
static void test_end(void)
{
    static const char none[] = "has an `exp` that is no time in seconds";
    ACCEPTED(timed("exp", kit_text("%lld", (long long)KIT_NOW + 1)));
    ACCEPTED(timed("exp", kit_text("%lld", (long long)KIT_NOW)));
    ACCEPTED(timed("exp", "1"));
    kit_result got = ask("id_token", timed("exp", "1000"));
    CHECK_STR(got.text,
              kit_json("{'subject':{'type':'x','properties':{'id_token':{'iss':"
                       "'https://cis2','aud':'us','sub':'1','exp':1000}}}}"));
    REFUSED(timed("exp", "'soon'"), none);
    REFUSED(timed("exp", "null"), none);
    REFUSED(timed("exp", "true"), none);
    REFUSED(timed("exp", "253402300800"), none);
    REFUSED(timed("exp", "1e99"), none);
    REFUSED(signed_payload(kit_json("{'iss':'https://cis2','aud':'us','sub':'1'}")),
            "does not say in `exp` when it ends");
    REFUSED_AS("userinfo", timed("exp", "'soon'"), none);
    /* All else comes first. */
    REFUSED(
        signed_payload(kit_json("{'iss':'https://cis2','aud':'no','sub':'1','exp':1}")),
        "is not made for any audience of the evidence settings");
}

int main(void)
{
    prepare();
    test_form();
    test_json();
    test_payload_json();
    test_depth();
    test_damage();
    test_size();
    test_algorithms();
    test_key_confusion();
    test_keys();
    test_keys_of_one_kid();
    test_no_kid();
    test_key_end();
    test_header();
    test_own_key();
    test_signature_size();
    test_issuer();
    test_audience();
    test_presenter();
    test_sub();
    test_events();
    test_start();
    test_end();
    nrbac_verifier_close(verifier);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(other_rsa);
    EVP_PKEY_free(ec);
    kit_finish();
    return check_report();
}
