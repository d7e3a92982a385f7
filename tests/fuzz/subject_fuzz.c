/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request in JSON: an answer, whose effect fits its reason. */
#include "subject/subject.h"

#include <nrbac/policy.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *request = NULL;
    if (nrbac_json_read(document, (const char *)data, size, &request, NULL) ==
        NRBAC_OK) {
        nr_arena arena = { 0 };
        nr_reading reading;
        if (nr_request_read(&arena, request, true, &reading) == NRBAC_OK &&
            reading.fault == NULL) {
            nr_standing standing = nr_stand(&reading.request, true, 1800000000);
            if (standing.reason == NRBAC_REASON_NOT_EVALUATED)
                abort();
            if (standing.reason == NRBAC_REASON_OPENED && standing.profile == NULL &&
                reading.request.subject.type != NRBAC_PATIENT)
                abort();
        }
        nr_arena_finish(&arena);
        char *text = NULL;
        if (nrbac_json_write(request, NRBAC_JSON_COMPACT, &text, NULL) == NRBAC_OK)
            free(text);
    }
    nrbac_document_destroy(document);
    return 0;
}
