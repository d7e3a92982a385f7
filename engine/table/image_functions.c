/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions, exclusive sets and suspensions in an image.
 */
#include "table/image.h"

static nrbac_status check_functions(const nr_table *table, uint32_t *nodes_end,
                                    nrbac_error *error)
{
    uint32_t messages_end = 0;
    for (uint32_t n = 0; n < table->functions_count; n++) {
        const nr_table_function *record = &table->functions[n];
        NR_REQUIRE(nr_image_is_origin(table, record->origin), error, "function", n,
                   "has no origin");
        NR_REQUIRE(
            nr_image_is_suspension(table, record->suspension, NR_SUSPENDED_FUNCTION),
            error, "function", n, "has no sound suspension");
        NR_REQUIRE(nr_image_is_next(record->nodes, nodes_end, table->nodes_count) &&
                       nr_image_is_next(record->messages, &messages_end,
                                        table->messages_count),
                   error, "function", n, "lies outside");
        NR_REQUIRE(record->nodes.count != 0, error, "function", n, "requires nothing");
        NR_REQUIRE(record->record_first <= NR_RECORD_SYNC, error, "function", n,
                   "is recorded in no known way");
        NR_TRY(nr_image_check_demand(table, nr_function_demand(table, n),
                                     (nr_image_owner){ "function", n, record->id },
                                     error));
    }
    NR_REQUIRE(messages_end == table->messages_count, error, "message", messages_end,
               "belongs to no function");
    for (uint32_t i = 0; i < table->messages_count; i++)
        NR_REQUIRE(nr_image_is_text(table, table->messages[i].outcome) &&
                       nr_image_is_text(table, table->messages[i].text),
                   error, "message", i, "has no text");
    return NRBAC_OK;
}

/* ---- Sets and suspensions ---- */

static nrbac_status check_exclusive(const nr_table *table, uint32_t number,
                                    nrbac_error *error)
{
    const nr_table_exclusive *record = &table->exclusives[number];
    NR_REQUIRE(nr_image_is_text(table, record->name) &&
                   nr_image_is_origin(table, record->origin),
               error, "exclusive set", number, "has no text");
    NR_REQUIRE(record->on_conflict <= NR_CONFLICT_PREFER_FIRST, error, "exclusive set",
               number, "has a rule that means nothing");
    NR_REQUIRE(nr_image_is_range(record->activities, table->numbers_count), error,
               "exclusive set", number, "lies outside");
    uint64_t seen[NR_IMAGE_WORDS_MAX] = { 0 };
    for (uint32_t i = 0; i < record->activities.count; i++) {
        uint32_t member = table->numbers[record->activities.first + i];
        NR_REQUIRE(nr_image_is_in_use(table, member) && !nr_bits_has(seen, member),
                   error, "exclusive set", number, "has no sound members");
        nr_bits_add(seen, member);
    }
    return NRBAC_OK;
}

static nrbac_status check_suspension(const nr_table *table, uint32_t number,
                                     nrbac_error *error)
{
    const nr_table_suspension *record = &table->suspensions[number];
    NR_REQUIRE(record->kind <= NR_SUSPENDED_APPLICATION, error, "suspension", number,
               "is of nothing known");
    NR_REQUIRE(nr_image_is_text(table, record->what) &&
                   nr_image_is_text(table, record->reason) &&
                   nr_image_is_text(table, record->until) &&
                   nr_image_is_origin(table, record->origin),
               error, "suspension", number, "has no text");
    return NRBAC_OK;
}

nrbac_status nr_image_check_functions(const nr_table *table, uint32_t *nodes_end,
                                      nrbac_error *error)
{
    NR_TRY(check_functions(table, nodes_end, error));
    for (uint32_t i = 0; i < table->exclusives_count; i++)
        NR_TRY(check_exclusive(table, i, error));
    for (uint32_t i = 0; i < table->suspensions_count; i++)
        NR_TRY(check_suspension(table, i, error));
    return NRBAC_OK;
}
