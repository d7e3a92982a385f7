/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library as it is built without JOSE: the same functions, which verify nothing.
 * Opening says so in a diagnostic; nothing that is presented counts.
 */
#include <nrbac/verify.h>

#include <stdlib.h>
#include <string.h>

struct nrbac_verifier {
    nrbac_diagnostic told;
    char path[];
};

nrbac_status nrbac_verifier_open(const char *path, nrbac_verifier **out)
{
    size_t size = strlen(path) + 1;
    nrbac_verifier *verifier = calloc(1, sizeof(*verifier) + size);
    *out = verifier;
    if (verifier == NULL)
        return NRBAC_E_MEMORY;
    memcpy(verifier->path, path, size);
    verifier->told = (nrbac_diagnostic){
        .code = "P010",
        .slug = "unusable-file",
        .file = verifier->path,
        .width = 1,
        .message = "evidence cannot be verified: this build has no JOSE library",
        .help = "install libcjose-dev and libssl-dev, and build again",
    };
    return NRBAC_E_UNSUPPORTED;
}

void nrbac_verifier_close(nrbac_verifier *verifier)
{
    free(verifier);
}

nrbac_status nrbac_verifier_reopen(nrbac_verifier *verifier)
{
    (void)verifier;
    return NRBAC_E_UNSUPPORTED;
}

size_t nrbac_verifier_diagnostic_count(const nrbac_verifier *verifier)
{
    return verifier == NULL ? 0 : 1;
}

const nrbac_diagnostic *nrbac_verifier_diagnostic(const nrbac_verifier *verifier,
                                                  size_t index)
{
    return verifier == NULL || index > 0 ? NULL : &verifier->told;
}

nrbac_status nrbac_verify(nrbac_verifier *verifier, const nrbac_value *request,
                          const nrbac_verify_options *options, nrbac_document *document,
                          const nrbac_value **checked, nrbac_findings *findings)
{
    (void)verifier;
    (void)options;
    (void)document;
    *checked = request;
    *findings = (nrbac_findings){
        .user = NRBAC_REFUSED,
        .application = NRBAC_REFUSED,
        .fault = "this build has no JOSE library, so that nothing is verified",
    };
    return NRBAC_OK;
}

nrbac_value *nrbac_verifier_status(nrbac_verifier *verifier, nrbac_document *document)
{
    nrbac_value *status = nrbac_new_map(document);
    nrbac_set(document, status, "settings", nrbac_new_text(document, verifier->path));
    nrbac_set(document, status, "opened_at", nrbac_new_null(document));
    nrbac_set(document, status, "files", nrbac_new_list(document));
    nrbac_set(document, status, "expiring", nrbac_new_list(document));
    nrbac_set(document, status, "used_assertions", nrbac_new_integer(document, 0));
    nrbac_set(document, status, "used_assertions_limit",
              nrbac_new_integer(document, 0));
    return nrbac_document_status(document) == NRBAC_OK ? status : NULL;
}

nrbac_status nrbac_hash_key(const char *key, size_t size,
                            char hash[NRBAC_KEY_HASH_SIZE])
{
    (void)key;
    (void)size;
    hash[0] = '\0';
    return NRBAC_E_UNSUPPORTED;
}
