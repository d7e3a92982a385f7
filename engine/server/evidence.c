/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evidence settings of the daemon: opened at the start, read again with the
 * policy, told of in health.
 */
#include "server/log.h"
#include "server/server.h"
#include "text/render.h"

#include <sys/prctl.h>

static const char *text_at(const nrbac_value *map, const char *key)
{
    const char *text = nrbac_value_text(nrbac_value_find(map, key));
    return text == NULL ? "" : text;
}

static void tell_expiring(nr_server *server)
{
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *status = document == NULL
                                    ? NULL
                                    : nrbac_verifier_status(server->verifier, document);
    const nrbac_value *list = nrbac_value_find(status, "expiring");
    for (size_t i = 0; i < nrbac_value_count(list); i++) {
        const nrbac_value *one = nrbac_value_at(list, i);
        nr_log("near its end: %s, %s", text_at(one, "credential"),
               text_at(one, "ends"));
    }
    nrbac_document_destroy(document);
}

bool nr_evidence_open(nr_server *server)
{
    const char *path = server->options->evidence;
    if (path == NULL)
        return true;
    nrbac_status status = nrbac_verifier_open(path, &server->verifier);
    if (status == NRBAC_OK) {
        /* What requests present stays in memory for a while: it goes into no core. */
        (void)prctl(PR_SET_DUMPABLE, 0);
        tell_expiring(server);
        return true;
    }
    size_t count = server->verifier == NULL
                       ? 0
                       : nrbac_verifier_diagnostic_count(server->verifier);
    for (size_t i = 0; i < count; i++)
        nr_diag_render(nrbac_verifier_diagnostic(server->verifier, i), 0, stderr);
    nr_log("the evidence settings `%s`: %s", path,
           status == NRBAC_E_POLICY ? "they have mistakes" : nrbac_status_text(status));
    return false;
}

nrbac_value *nr_evidence_tell(nr_server *server, nrbac_document *document, bool *sound)
{
    *sound = true;
    if (server->verifier == NULL)
        return NULL;
    nrbac_value *status = nrbac_verifier_status(server->verifier, document);
    const nrbac_value *files = nrbac_value_find(status, "files");
    for (size_t i = 0; i < nrbac_value_count(files); i++)
        *sound &= nrbac_value_kind(nrbac_value_find(nrbac_value_at(files, i),
                                                    "error")) == NRBAC_KIND_NULL;
    return status;
}
