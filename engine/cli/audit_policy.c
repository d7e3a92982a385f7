/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit.h"

#include <stdlib.h>

static bool is_none(const uint8_t digest[NR_DIGEST_SIZE])
{
    for (size_t i = 0; i < NR_DIGEST_SIZE; i++)
        if (digest[i] != 0)
            return false;
    return true;
}

nr_trail_status nr_audit_policy(nr_reader *reader, const uint8_t digest[NR_DIGEST_SIZE],
                                nrbac_engine **out)
{
    void *image = NULL;
    size_t size = 0;
    *out = NULL;
    if (is_none(digest))
        return NR_TRAIL_MISSING;
    nr_trail_status status = nr_reader_policy(reader, digest, &image, &size);
    if (status == NR_TRAIL_OK &&
        nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, out) != NRBAC_OK)
        status = NR_TRAIL_MEMORY;
    if (status == NR_TRAIL_OK) {
        nrbac_status loaded = nrbac_engine_load_image(*out, image, size, NULL);
        if (loaded != NRBAC_OK)
            status = loaded == NRBAC_E_MEMORY ? NR_TRAIL_MEMORY : NR_TRAIL_VERSION;
    }
    if (status != NR_TRAIL_OK) {
        nrbac_engine_destroy(*out);
        *out = NULL;
    }
    free(image);
    return status;
}
