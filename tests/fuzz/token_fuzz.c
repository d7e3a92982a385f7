/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a token, which is never believed, or signed by the harness as header,
 * payload or both, so that what comes after the signature is reached too; or as a whole
 * request. The first byte says which.
 */
#include "verify_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static EVP_PKEY *key;
static nrbac_verifier *verifier;

static const char settings[] =
    "nrbac-evidence: 1\n"
    "issuers:\n"
    "  cis2: { kind: cis2, issuer: i, audience: [us], keys: k.json }\n"
    "  login: { kind: nhs-login, issuer: i, audience: [us], keys: k.json }\n"
    "  platform: { kind: platform, issuer: i, audience: [us], keys: k.json }\n"
    "applications:\n"
    "  gp: { client_assertion: { issuer: i, audience: [us], keys: k.json }, client_ids: "
    "[i] }\n"
    "apis: { pds: demographics }\n";

static void prepare(void)
{
    if (verifier != NULL)
        return;
    key = kit_ec();
    kit_write("k.json", kit_set(kit_jwk(key, ",\"kid\":\"k\""), NULL));
    verifier = kit_open(settings);
}

/* The text up to its first line end, and what follows. */
static char *sign(char *text, bool own_header)
{
    char *line = own_header ? strchr(text, '\n') : NULL;
    if (line == NULL)
        return kit_token("ES256", key, "{\"alg\":\"ES256\",\"kid\":\"k\"}", text);
    *line = '\0';
    return kit_token("ES256", key, text, line + 1);
}

static kit_result ask(const char *request)
{
    nrbac_verify_options options = { .now = KIT_NOW, .flags = NRBAC_VERIFY_TLS_ENDED };
    return kit_verify(verifier, request, &options);
}

static void ask_everywhere(char *text, bool own_header)
{
    char *token = sign(text, own_header);
    static const char *const requests[] = {
        "{'subject':{'properties':{'id_token':'%s','role_profile':'1'}}}",
        "{'subject':{'properties':{'userinfo':'%s','id_token':{'sub':'1','exp':9}}}}",
        "{'subject':{'properties':{'nhs_login':'%s'}}}",
        "{'context':{'application':{'client_assertion':'%s'}}}",
        "{'context':{'access_token':'%s'},'resource':{'type':'api','id':'pds'},"
        "'subject':{'id':'1','properties':{'profile':{}}}}",
        "{'context':{'access_token':'%s','application':{'id':'gp'}},'subject':{"
        "'properties':{'nhs_login':{'vot':'P5.Cp'}}}}",
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        char *request = kit_json("%s", requests[i]);
        char *place = strstr(request, "%s");
        kit_result got = ask(
            kit_text("%.*s%s%s", (int)(place - request), request, token, place + 2));
        check_rules(&got);
    }
}

/* Nobody but the harness has the key. */
static void ask_unsigned(const char *token)
{
    for (const char *at = token; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            return;
    kit_result got = ask(
        kit_text("{\"subject\":{\"properties\":{\"id_token\":%s}}}", kit_quote(token)));
    check_rules(&got);
    rule(got.findings.user != NRBAC_VERIFIED);
}

static void ask_request(const char *text, size_t size)
{
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *request = NULL;
    kit_result got = { .document = document };
    nrbac_verify_options options = { .now = KIT_NOW };
    if (nrbac_json_read(document, text, size, &request, NULL) == NRBAC_OK &&
        nrbac_verify(verifier, request, &options, document, &got.checked,
                     &got.findings) == NRBAC_OK)
        check_rules(&got);
    nrbac_document_destroy(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prepare();
    if (size < 1 || size > 12000)
        return 0;
    char *text = kit_text("%.*s", (int)(size - 1), (const char *)data + 1);
    switch (data[0] % 4) {
    case 0:
        ask_unsigned(text);
        break;
    case 1:
        ask_everywhere(text, true);
        break;
    case 2:
        ask_everywhere(text, false);
        break;
    default:
        ask_request((const char *)data + 1, size - 1);
        break;
    }
    kit_forget();
    return 0;
}
