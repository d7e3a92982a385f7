/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes in an image: that they are sound, and finding a record by its code.
 */
#include "table/image.h"

#include <string.h>

/* What kinds of codes have in common, and where. */
typedef struct coded {
    const char *what;
    const char *records;
    size_t record_size;
    uint32_t count;
    size_t code; /* offsets in a record */
    size_t name;
    size_t status; /* 0: has none, nor a replacement */
    size_t replaced_by;
} coded_list;

static uint32_t member_of(const coded_list *coded, uint32_t number, size_t offset)
{
    uint32_t value;
    memcpy(&value, coded->records + number * coded->record_size + offset,
           sizeof(value));
    return value;
}

static bool is_sound_status(const coded_list *coded, uint32_t number)
{
    if (coded->status == 0)
        return true;
    uint32_t status = member_of(coded, number, coded->status);
    uint32_t replaced_by = member_of(coded, number, coded->replaced_by);
    if (replaced_by == NR_NONE)
        return status <= NR_OBSOLETE;
    return status == NR_OBSOLETE && replaced_by < coded->count &&
           member_of(coded, replaced_by, coded->status) < NR_OBSOLETE;
}

static nrbac_status check_coded(const nr_table *table, const coded_list *coded,
                                nrbac_error *error)
{
    for (uint32_t n = 0; n < coded->count; n++) {
        nr_text code = member_of(coded, n, coded->code);
        NR_REQUIRE(nr_image_is_text(table, code) && table->strings[code] != '\0' &&
                       nr_image_is_text(table, member_of(coded, n, coded->name)),
                   error, coded->what, n, "has no text");
        if (n != 0) {
            NR_REQUIRE(
                strcmp(nr_table_text(table, member_of(coded, n - 1, coded->code)),
                       nr_table_text(table, code)) < 0,
                error, coded->what, n, "is not in order");
        }
        NR_REQUIRE(is_sound_status(coded, n), error, coded->what, n,
                   "has no sound status");
    }
    return NRBAC_OK;
}

typedef struct index_of {
    const uint32_t *buckets;
    uint32_t bucket_count;
} index_of;

/* The index holds a number + 1 for each record, and has room to spare, so the
 * search ends. */
static uint32_t find(const nr_table *table, const coded_list *coded, index_of index,
                     const char *code)
{
    uint32_t mask = index.bucket_count - 1;
    for (uint32_t i = nr_hash_string(code);; i++) {
        uint32_t bucket = index.buckets[i & mask];
        if (bucket == 0)
            return NR_NONE;
        nr_text there = member_of(coded, bucket - 1, coded->code);
        if (strcmp(nr_table_text(table, there), code) == 0)
            return bucket - 1;
    }
}

static nrbac_status check_index(const nr_table *table, const coded_list *coded,
                                index_of index, nrbac_error *error)
{
    uint32_t count = index.bucket_count;
    NR_REQUIRE(count >= 2 && (count & (count - 1)) == 0 && count / 2 >= coded->count,
               error, coded->what, 0, "has no sound index");
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        NR_REQUIRE(index.buckets[i] <= coded->count, error, coded->what, i,
                   "is not what its index says");
        used += index.buckets[i] != 0;
    }
    NR_REQUIRE(used == coded->count, error, coded->what, used, "is not in its index");
    for (uint32_t n = 0; n < coded->count; n++)
        NR_REQUIRE(find(table, coded, index,
                        nr_table_text(table, member_of(coded, n, coded->code))) == n,
                   error, coded->what, n, "is not found by its index");
    return NRBAC_OK;
}

#define CODED(table, label, list, record, key, status_at, replaced_at) \
    {                                                                  \
        .what = (label), .records = (const char *)(table)->list,       \
        .record_size = sizeof(record), .count = (table)->list##_count, \
        .code = offsetof(record, key), .name = offsetof(record, name), \
        .status = (status_at), .replaced_by = (replaced_at),           \
    }
#define CODED_WITH_STATUS(table, label, list, record)                 \
    CODED(table, label, list, record, code, offsetof(record, status), \
          offsetof(record, replaced_by))

nrbac_status nr_image_check_codes(const nr_table *table, nrbac_error *error)
{
    const coded_list activities = CODED_WITH_STATUS(table, "activity", activities,
                                                    nr_table_activity);
    const coded_list roles = CODED_WITH_STATUS(table, "job role", roles, nr_table_role);
    const coded_list areas = CODED_WITH_STATUS(table, "area of work", areas,
                                               nr_table_area);
    const coded_list functions = CODED(table, "function", functions, nr_table_function,
                                       id, 0, 0);
    const coded_list obligations = CODED(table, "obligation", obligations,
                                         nr_table_obligation, id, 0, 0);
    const coded_list apis = CODED(table, "API", apis, nr_table_api, id, 0, 0);
    const coded_list applications = CODED(table, "application", applications,
                                          nr_table_application, id, 0, 0);
    const struct {
        const coded_list *coded;
        index_of index;
    } kinds[] = {
        { &activities, { table->activity_index, table->activity_index_count } },
        { &roles, { table->role_index, table->role_index_count } },
        { &areas, { table->area_index, table->area_index_count } },
        { &functions, { table->function_index, table->function_index_count } },
        { &apis, { table->api_index, table->api_index_count } },
        { &applications, { table->application_index, table->application_index_count } },
    };
    for (size_t i = 0; i < NR_COUNT(kinds); i++) {
        NR_TRY(check_coded(table, kinds[i].coded, error));
        NR_TRY(check_index(table, kinds[i].coded, kinds[i].index, error));
    }
    return check_coded(table, &obligations, error);
}

static uint32_t look_up(const nr_table *table, const coded_list *coded, index_of index,
                        const char *code)
{
    uint32_t number = find(table, coded, index, code);
    if (number == NR_NONE || coded->status == 0)
        return number;
    uint32_t replaced_by = member_of(coded, number, coded->replaced_by);
    return replaced_by == NR_NONE ? number : replaced_by;
}

uint32_t nr_table_activity_of(const nr_table *table, const char *code)
{
    const coded_list coded = CODED_WITH_STATUS(table, "", activities,
                                               nr_table_activity);
    index_of index = { table->activity_index, table->activity_index_count };
    return look_up(table, &coded, index, code);
}

uint32_t nr_table_role_of(const nr_table *table, const char *code)
{
    const coded_list coded = CODED_WITH_STATUS(table, "", roles, nr_table_role);
    index_of index = { table->role_index, table->role_index_count };
    return look_up(table, &coded, index, code);
}

uint32_t nr_table_area_of(const nr_table *table, const char *code)
{
    const coded_list coded = CODED_WITH_STATUS(table, "", areas, nr_table_area);
    index_of index = { table->area_index, table->area_index_count };
    return look_up(table, &coded, index, code);
}

uint32_t nr_table_function_of(const nr_table *table, const char *id)
{
    const coded_list coded = CODED(table, "", functions, nr_table_function, id, 0, 0);
    index_of index = { table->function_index, table->function_index_count };
    return look_up(table, &coded, index, id);
}

uint32_t nr_table_api_of(const nr_table *table, const char *id)
{
    const coded_list coded = CODED(table, "", apis, nr_table_api, id, 0, 0);
    index_of index = { table->api_index, table->api_index_count };
    return look_up(table, &coded, index, id);
}

uint32_t nr_table_application_of(const nr_table *table, const char *id)
{
    const coded_list coded = CODED(table, "", applications, nr_table_application, id, 0,
                                   0);
    index_of index = { table->application_index, table->application_index_count };
    return look_up(table, &coded, index, id);
}

/* An API has few operations, in order: they need no index. */
uint32_t nr_table_operation_of(const nr_table *table, uint32_t api, const char *id)
{
    nr_range range = table->apis[api].operations;
    uint32_t low = range.first;
    uint32_t high = range.first + range.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(nr_table_text(table, table->operations[middle].id), id);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NR_NONE;
}
