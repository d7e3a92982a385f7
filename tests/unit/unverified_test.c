/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library as it is built without JOSE: it says so, and lets nothing pass.
 */
#include "check.h"

#include <nrbac/verify.h>

int main(void)
{
    nrbac_verifier *verifier = NULL;
    CHECK_INT(nrbac_verifier_open("evidence.yaml", &verifier), NRBAC_E_UNSUPPORTED);
    CHECK(verifier != NULL);
    CHECK_INT(nrbac_verifier_reopen(verifier), NRBAC_E_UNSUPPORTED);
    CHECK_INT(nrbac_verifier_diagnostic_count(verifier), 1);
    const nrbac_diagnostic *told = nrbac_verifier_diagnostic(verifier, 0);
    CHECK_STR(told->file, "evidence.yaml");
    CHECK_STR(told->message,
              "evidence cannot be verified: this build has no JOSE library");
    CHECK(nrbac_verifier_diagnostic(verifier, 1) == NULL);
    CHECK(nrbac_diagnostic_help_find(told->code) != NULL);
    CHECK_STR(nrbac_diagnostic_help_find(told->code)->slug, told->slug);

    nrbac_document *document = nrbac_document_create();
    nrbac_value *request = nrbac_new_map(document);
    const nrbac_value *checked = NULL;
    nrbac_findings findings = { .user = NRBAC_VERIFIED };
    CHECK_INT(nrbac_verify(verifier, request, NULL, document, &checked, &findings),
              NRBAC_OK);
    CHECK(checked == request);
    CHECK_INT(findings.user, NRBAC_REFUSED);
    CHECK_INT(findings.application, NRBAC_REFUSED);
    CHECK(findings.fault != NULL);
    CHECK_INT(findings.verified_count, 0);
    nrbac_value *status = nrbac_verifier_status(verifier, document);
    CHECK_STR(nrbac_value_text(nrbac_value_find(status, "settings")), "evidence.yaml");
    nrbac_document_destroy(document);

    char hash[NRBAC_KEY_HASH_SIZE];
    CHECK_INT(nrbac_hash_key("0123456789abcdef", 16, hash), NRBAC_E_UNSUPPORTED);
    CHECK_STR(hash, "");
    nrbac_verifier_close(verifier);
    nrbac_verifier_close(NULL);
    return check_report();
}
