/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads verify with one verifier while another reopens it and its key file
 * changes: each answer is right for one of the states, and an assertion is used once.
 */
#include "check.h"
#include "verify/verifier.h"
#include "verify_kit.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 150, ASSERTIONS = 40 };

static EVP_PKEY *first, *second, *gp;
static nrbac_verifier *verifier;
static char *tokens[2];
static char *assertions[ASSERTIONS];
static atomic_int accepted[ASSERTIONS];
static atomic_int wrong;

static nrbac_findings ask(nrbac_document *document, const char *request,
                          nrbac_finding *user)
{
    const nrbac_value *value = NULL, *checked = NULL;
    nrbac_findings findings = { 0 };
    nrbac_verify_options options = { .now = KIT_NOW };
    nrbac_document_reset(document);
    if (nrbac_json_read(document, request, strlen(request), &value, NULL) != NRBAC_OK ||
        nrbac_verify(verifier, value, &options, document, &checked, &findings) !=
            NRBAC_OK)
        atomic_fetch_add(&wrong, 1);
    *user = findings.user;
    return findings;
}

static void *work(void *unused)
{
    nrbac_document *document = nrbac_document_create();
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        nrbac_finding one = NRBAC_ASSERTED, other = NRBAC_ASSERTED;
        (void)ask(document, tokens[0], &one);
        (void)ask(document, tokens[1], &other);
        /* The file held one key or the other, never none. */
        if (one == NRBAC_ASSERTED || other == NRBAC_ASSERTED)
            atomic_fetch_add(&wrong, 1);
        nrbac_findings got = ask(document, assertions[i % ASSERTIONS], &one);
        if (got.application == NRBAC_VERIFIED)
            atomic_fetch_add(&accepted[i % ASSERTIONS], 1);
    }
    nrbac_document_destroy(document);
    return NULL;
}

static char *request_with(EVP_PKEY *key, const char *kid)
{
    return kit_json(
        "{'subject':{'properties':{'id_token':'%s'}}}",
        kit_token("ES256", key, kit_json("{'alg':'ES256','kid':'%s'}", kid),
                  kit_json("{'iss':'https://c','aud':'us','sub':'1','exp':%lld}",
                           (long long)KIT_NOW + 60)));
}

static void prepare(void)
{
    first = kit_ec();
    second = kit_ec();
    gp = kit_ec();
    kit_write("gp.json", kit_set(kit_jwk(gp, ""), NULL));
    tokens[0] = request_with(first, "one");
    tokens[1] = request_with(second, "two");
    for (int i = 0; i < ASSERTIONS; i++)
        assertions[i] = kit_json(
            "{'context':{'application':{'client_assertion':'%s'}}}",
            kit_token(
                "ES256", gp, "{\"alg\":\"ES256\"}",
                kit_json("{'iss':'gp','sub':'gp','aud':'us','jti':'%d','exp':%lld}", i,
                         (long long)KIT_NOW + 60)));
}

int main(void)
{
    static const char settings[] =
        "nrbac-evidence: 1\n"
        "issuers:\n"
        "  cis2: { kind: cis2, issuer: https://c, audience: [us], keys: keys.json }\n"
        "applications: { gp: { client_assertion: { audience: [us], keys: gp.json } } }\n";
    pthread_t threads[THREADS];
    prepare();
    char *sets[2] = { kit_set(kit_jwk(first, ",\"kid\":\"one\""), NULL),
                      kit_set(kit_jwk(second, ",\"kid\":\"two\""), NULL) };
    kit_write("keys.json", sets[0]);
    verifier = kit_open(settings);
    verifier->look_every = 0;
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < 40; i++) {
        nrbac_document *document = nrbac_document_create();
        kit_write("keys.json", sets[i % 2]);
        CHECK_INT(nrbac_verifier_reopen(verifier), NRBAC_OK);
        CHECK(nrbac_verifier_status(verifier, document) != NULL);
        nrbac_document_destroy(document);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_INT(wrong, 0);
    for (int i = 0; i < ASSERTIONS; i++)
        CHECK_INT(accepted[i], 1);
    nrbac_verifier_close(verifier);
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
    EVP_PKEY_free(gp);
    kit_finish();
    return check_report();
}
