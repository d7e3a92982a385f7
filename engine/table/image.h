/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of opening an image, for the files that share the work. Each looks
 * at records whose sections are known to lie inside the image.
 */
#ifndef NR_IMAGE_H
#define NR_IMAGE_H

#include "table/table.h"

enum { NR_IMAGE_WORDS_MAX = NR_ACTIVITY_MAX / 64 };

/* Fills in the error, if there is one, and gives the status back. */
nrbac_status nr_image_refuse(nrbac_error *error, nrbac_status status,
                             const char *format, ...) NR_PRINTF(3, 4);

/* Records are refused by the name of their section and their number. */
#define NR_REFUSE_RECORD(error, what, number, fault)                \
    nr_image_refuse((error), NRBAC_E_IMAGE,                         \
                    "the compiled policy is not sound (%s %u %s); " \
                    "compile it again",                             \
                    (what), (unsigned)(number), (fault))

#define NR_REQUIRE(condition, error, what, number, fault)                \
    do {                                                                 \
        if (!(condition))                                                \
            return NR_REFUSE_RECORD((error), (what), (number), (fault)); \
    } while (0)

/* image_codes.c: texts, order, status and indexes of everything with a code. */
nrbac_status nr_image_check_codes(const nr_table *table, nrbac_error *error);
/* image_grants.c: rows, activities, job roles and areas of work. */
nrbac_status nr_image_check_grants(const nr_table *table, nrbac_error *error);
/* image_functions.c: functions, exclusive sets and suspensions. Nodes belong to
 * functions, then to operations, one after the other: *nodes_end is how far. */
nrbac_status nr_image_check_functions(const nr_table *table, uint32_t *nodes_end,
                                      nrbac_error *error);
/* image_requirement.c: the nodes, which lie inside, and the obligations. `what`,
 * `number` and `id` name whose they are. */
typedef struct nr_image_owner {
    const char *what;
    uint32_t number;
    nr_text id;
} nr_image_owner;
nrbac_status nr_image_check_demand(const nr_table *table, nr_demand demand,
                                   nr_image_owner owner, nrbac_error *error);
/* image_apis.c: APIs, operations, applications and what they may call. */
nrbac_status nr_image_check_apis(const nr_table *table, uint32_t *nodes_end,
                                 nrbac_error *error);

/* ---- What records are made of ---- */

static inline bool nr_image_is_text(const nr_table *table, nr_text text)
{
    return text < table->strings_count;
}

static inline bool nr_image_is_origin(const nr_table *table, nr_origin origin)
{
    return nr_image_is_text(table, origin.file);
}

static inline bool nr_image_is_range(nr_range range, uint32_t count)
{
    return range.first <= count && range.count <= count - range.first;
}

/* A range that continues where the last one ended; an empty one is 0, 0. */
static inline bool nr_image_is_next(nr_range range, uint32_t *end, uint32_t count)
{
    if (range.count == 0)
        return range.first == 0;
    if (range.first != *end || !nr_image_is_range(range, count))
        return false;
    *end += range.count;
    return true;
}

static inline bool nr_image_is_suspension(const nr_table *table, uint32_t suspension,
                                          uint32_t kind)
{
    return suspension == NR_NONE || (suspension < table->suspensions_count &&
                                     table->suspensions[suspension].kind == kind);
}

/* Whether numbers ascend and stay below the bound. */
static inline bool nr_image_is_ascending(const nr_table *table, nr_range range,
                                         uint32_t bound)
{
    if (!nr_image_is_range(range, table->numbers_count))
        return false;
    const uint32_t *numbers = table->numbers + range.first;
    for (uint32_t i = 0; i < range.count; i++)
        if (numbers[i] >= bound || (i != 0 && numbers[i] <= numbers[i - 1]))
            return false;
    return true;
}

static inline bool nr_image_is_row(const nr_table *table, uint32_t row)
{
    return table->words != 0 && row < table->rows_count / table->words;
}

static inline void nr_image_add_closure(const nr_table *table, uint64_t *row,
                                        uint32_t activity)
{
    uint32_t closure = table->activities[activity].closure;
    if (closure == NR_NONE)
        nr_bits_add(row, activity);
    else
        nr_bits_unite(row, nr_table_row(table, closure), table->words);
}

static inline bool nr_image_is_in_use(const nr_table *table, uint32_t activity)
{
    return activity < table->activities_count &&
           table->activities[activity].status != NR_OBSOLETE;
}

#endif
