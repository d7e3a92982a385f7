/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of made policies, for tests that look into them.
 */
#ifndef IMAGES_H
#define IMAGES_H

#include "check.h"

#include "compile/compile.h"
#include "made.h"
#include "table/table.h"

typedef struct image {
    void *bytes;
    size_t size;
} image;

static inline image build(const made_policy *made)
{
    image built = { 0 };
    nrbac_error error = { "" };
    nrbac_status status = nr_build_image(&made->model, &built.bytes, &built.size,
                                         &error);
    CHECK_INT(status, NRBAC_OK);
    if (status != NRBAC_OK)
        printf("%s\n", error.text);
    return built;
}

static inline nrbac_status open_image(nr_table *table, image built)
{
    nrbac_error error = { "" };
    nrbac_status status = nr_table_open(table, built.bytes, built.size, &error);
    if (status != NRBAC_OK)
        printf("%s\n", error.text);
    return status;
}

#endif
