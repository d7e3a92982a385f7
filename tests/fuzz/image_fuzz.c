/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an image: refused, or fit for every question. The checksum is made
 * right first, since a fuzzer will never guess it and an attacker need not.
 */
#define _DEFAULT_SOURCE
#include "base/hash.h"
#include "table/table.h"

#include <nrbac/nrbac.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool swallow(void *context, const char *text, size_t size)
{
    (void)text;
    *(size_t *)context += size;
    return true;
}

static void ask_everything(nrbac_engine *engine)
{
    static const char *const activities[] = { "B0001", "B0820", "B0825", "local:x" };
    static const char *const areas[] = { "P0020:Q0300:T0640", "local:pharmacy" };
    nrbac_profile profile = { .id = "1",
                              .role = "R8000",
                              .organisation = "FFFFF",
                              .activities = activities,
                              .activity_count = 4,
                              .areas_of_work = areas,
                              .area_of_work_count = 2 };
    nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                           .profiles = &profile,
                                           .profile_count = 1 },
                              .organisation = "Y51" };
    static const char *const names[] = { "B0820", "B0001", "patient.amend",
                                         "cpis.view" };
    nrbac_document *document = nrbac_document_create();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        nrbac_value *answer = NULL;
        request.action = names[i];
        (void)nrbac_evaluate(engine, &request, document, &answer);
        (void)nrbac_who_can(engine, names[i], document);
    }
    (void)nrbac_what_can(engine, &request, document);
    (void)nrbac_policy_info(engine, document);
    (void)nrbac_apis(engine, document);
    nrbac_session *session = NULL;
    (void)nrbac_session_open(engine, &request, &session);
    nrbac_session_close(session);
    size_t written = 0;
    (void)nrbac_dump(engine, swallow, &written);
    nrbac_document_destroy(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < sizeof(nr_image_header))
        return 0;
    uint8_t *image = malloc(size);
    if (image == NULL)
        return 0;
    memcpy(image, data, size);
    size_t from = offsetof(nr_image_header, checksum) + sizeof(uint64_t);
    uint64_t whole = size;
    memcpy(image + offsetof(nr_image_header, size), &whole, sizeof(whole));
    uint64_t sum = nr_checksum(image + from, size - from);
    memcpy(image + offsetof(nr_image_header, checksum), &sum, sizeof(sum));

    nrbac_engine *engine = NULL;
    if (nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine) == NRBAC_OK) {
        nrbac_error error;
        if (nrbac_engine_load_image(engine, image, size, &error) == NRBAC_OK)
            ask_everything(engine);
        nrbac_engine_destroy(engine);
    }
    free(image);
    return 0;
}
