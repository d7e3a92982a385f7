/* SPDX-License-Identifier: Apache-2.0 */
/*
 * APIs, their operations, and which application may call them, in an image.
 */
#include "table/image.h"

#include <string.h>

static nrbac_status check_operation(const nr_table *table, uint32_t n,
                                    uint32_t *nodes_end, nrbac_error *error)
{
    const nr_table_operation *record = &table->operations[n];
    NR_REQUIRE(nr_image_is_text(table, record->id) && *nr_table_text(table, record->id),
               error, "operation", n, "has no text");
    NR_REQUIRE(nr_image_is_text(table, record->name) &&
                   nr_image_is_origin(table, record->origin),
               error, "operation", n, "has no text");
    NR_REQUIRE(record->patterns != 0 && record->patterns >> NR_PATTERN_COUNT == 0,
               error, "operation", n, "has no sound patterns");
    NR_REQUIRE(record->delegation <= 1, error, "operation", n,
               "has a delegation that means nothing");
    NR_REQUIRE(nr_image_is_next(record->nodes, nodes_end, table->nodes_count), error,
               "operation", n, "lies outside");
    return nr_image_check_demand(table, nr_operation_demand(table, n),
                                 (nr_image_owner){ "operation", n, record->id }, error);
}

/* Its operations name it back, in order; so each belongs to one API alone. */
static nrbac_status check_api(const nr_table *table, uint32_t n,
                              uint32_t *operations_end, uint32_t *nodes_end,
                              nrbac_error *error)
{
    const nr_table_api *record = &table->apis[n];
    NR_REQUIRE(nr_image_is_origin(table, record->origin), error, "API", n,
               "has no origin");
    NR_REQUIRE(record->rbac <= NR_RBAC_NONE &&
                   record->local_user <= NR_LOCAL_USER_AUTHORISED,
               error, "API", n, "has settings that mean nothing");
    NR_REQUIRE(
        nr_image_is_next(record->operations, operations_end, table->operations_count),
        error, "API", n, "lies outside");
    for (uint32_t i = 0; i < record->operations.count; i++) {
        uint32_t at = record->operations.first + i;
        const nr_table_operation *operation = &table->operations[at];
        NR_REQUIRE(operation->api == n, error, "operation", at,
                   "belongs to another API");
        NR_TRY(check_operation(table, at, nodes_end, error));
        NR_REQUIRE(i == 0 || strcmp(nr_table_text(table, operation[-1].id),
                                    nr_table_text(table, operation->id)) < 0,
                   error, "operation", at, "is not in order");
    }
    return NRBAC_OK;
}

static nrbac_status check_allowed(const nr_table *table, nrbac_error *error)
{
    uint32_t words = table->header->operation_words;
    NR_REQUIRE(words == nr_bits_words(table->operations_count), error, "the header", 0,
               "has another width of what is allowed");
    if (words == 0)
        return table->allowed_count == 0
                   ? NRBAC_OK
                   : NR_REFUSE_RECORD(error, "what is allowed", 0, "is too wide");
    NR_REQUIRE(table->allowed_count % words == 0, error, "what is allowed",
               table->allowed_count / words, "is cut short");
    uint32_t spare = words * 64 - table->operations_count;
    for (uint32_t last = words - 1; spare != 0 && last < table->allowed_count;
         last += words)
        NR_REQUIRE(table->allowed[last] >> (64 - spare) == 0, error, "what is allowed",
                   last / words, "has bits that mean nothing");
    return NRBAC_OK;
}

/* Without operations there are no rows, and the number says nothing. */
static bool is_allowed_row(const nr_table *table, uint32_t row)
{
    uint32_t words = table->header->operation_words;
    return words == 0 ? row == 0 : row < table->allowed_count / words;
}

static bool are_organisations(const nr_table *table, nr_range range)
{
    if (!nr_image_is_range(range, table->numbers_count))
        return false;
    const uint32_t *texts = table->numbers + range.first;
    for (uint32_t i = 0; i < range.count; i++) {
        if (!nr_image_is_text(table, texts[i]))
            return false;
        if (i != 0 && strcmp(nr_table_text(table, texts[i - 1]),
                             nr_table_text(table, texts[i])) >= 0)
            return false;
    }
    return true;
}

static nrbac_status check_application(const nr_table *table, uint32_t n,
                                      nrbac_error *error)
{
    const nr_table_application *record = &table->applications[n];
    NR_REQUIRE(nr_image_is_origin(table, record->origin), error, "application", n,
               "has no origin");
    NR_REQUIRE(record->closed <= 1 && record->any_organisation <= 1 &&
                   (record->proofs & ~(uint32_t)NR_PROOF_ANY) == 0,
               error, "application", n, "has settings that mean nothing");
    NR_REQUIRE(
        nr_image_is_suspension(table, record->suspension, NR_SUSPENDED_APPLICATION),
        error, "application", n, "has no sound suspension");
    NR_REQUIRE(are_organisations(table, record->organisations) &&
                   (record->any_organisation == 0 || record->organisations.count == 0),
               error, "application", n, "has no sound organisations");
    NR_REQUIRE(is_allowed_row(table, record->allowed), error, "application", n,
               "may call nothing sound");
    return NRBAC_OK;
}

nrbac_status nr_image_check_apis(const nr_table *table, uint32_t *nodes_end,
                                 nrbac_error *error)
{
    uint32_t operations_end = 0;
    for (uint32_t n = 0; n < table->apis_count; n++)
        NR_TRY(check_api(table, n, &operations_end, nodes_end, error));
    NR_REQUIRE(operations_end == table->operations_count, error, "operation",
               operations_end, "belongs to no API");
    NR_TRY(check_allowed(table, error));
    for (uint32_t n = 0; n < table->applications_count; n++)
        NR_TRY(check_application(table, n, error));
    return NRBAC_OK;
}
