/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a client certificate: as the text that is presented, or as DER that the
 * harness writes as PEM. The first byte says which. The corpus holds some that the
 * authority of tests/fuzz/authority.pem signed.
 */
#include "verify_rules.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static nrbac_verifier *verifier;

static void prepare(void)
{
    if (verifier == NULL)
        verifier = kit_open(kit_text(
            "nrbac-evidence: 1\n"
            "authorities: %s/fuzz/authority.pem\n"
            "applications:\n"
            "  named: { certificates: [{ subject: \"CN=named,O=Example Surgery\" }] }\n"
            "  print: { certificates: [{ fingerprint: \"sha256:%064d\" }] }\n",
            NRBAC_TESTS_DIR, 0));
}

/* Lines of 64 characters, as PEM has them. */
static char *pem_of(const uint8_t *bytes, size_t size)
{
    char *all = kit_text("%*s", (int)(size * 2 + 8), "");
    char *lines = kit_text("-----BEGIN CERTIFICATE-----\n%*s", (int)(size * 2 + 128),
                           "");
    int count = EVP_EncodeBlock((unsigned char *)all, bytes, (int)size);
    char *to = lines + strlen("-----BEGIN CERTIFICATE-----\n");
    for (int i = 0; i < count; i += 64)
        to += sprintf(to, "%.*s\n", count - i < 64 ? count - i : 64, all + i);
    strcpy(to, "-----END CERTIFICATE-----\n");
    return lines;
}

static kit_result ask(const char *pem, unsigned flags)
{
    nrbac_verify_options options = { .now = KIT_NOW, .flags = flags };
    nrbac_document *document = nrbac_document_create();
    nrbac_value *request = nrbac_new_map(document);
    nrbac_value *context = nrbac_set(document, request, "context",
                                     nrbac_new_map(document));
    nrbac_value *application = nrbac_set(document, context, "application",
                                         nrbac_new_map(document));
    nrbac_set(document, application, "certificate", nrbac_new_text(document, pem));
    kit_result got = { .document = document };
    rule(nrbac_verify(verifier, request, &options, document, &got.checked,
                      &got.findings) == NRBAC_OK);
    check_rules(&got);
    return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prepare();
    if (size < 2 || size > 12000)
        return 0;
    const char *pem = data[0] % 2 == 0
                          ? kit_text("%.*s", (int)(size - 1), (const char *)data + 1)
                          : pem_of(data + 1, size - 1);
    kit_result got = ask(pem, NRBAC_VERIFY_TLS_ENDED);
    nrbac_document_destroy(got.document);
    /* Without the flag none counts. */
    got = ask(pem, 0);
    rule(*pem == '\0' || got.findings.application == NRBAC_REFUSED);
    nrbac_document_destroy(got.document);
    kit_forget();
    return 0;
}
