/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a model to its image.
 *
 * The same model gives the same bytes, whatever the compiler, its settings or
 * the day: everything is ordered by code or by loading, and every byte between
 * sections is zero. Where texts and numbers get their place, each call is a
 * statement of its own: C leaves the order within an initialiser open. The image is written as it lies in memory, so a machine of
 * another byte order is refused when this is compiled.
 */
#include "compile/build.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "images are little-endian");

/* No record may have padding: it would carry bytes that nobody set. */
static_assert(sizeof(nr_table_activity) == 12 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_edge) == 3 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_role) == 11 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_area) == 6 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_cell) == 4 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_grant) == 3 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_obligation) == 2 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_node) == 5 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_function) == 12 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_message) == 2 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_exclusive) == 6 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_suspension) == 6 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_api) == 8 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_operation) == 11 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_table_application) == 11 * sizeof(uint32_t), "padding");
static_assert(sizeof(nr_image_header) == 104 + NR_SECTION_COUNT * 16, "padding");

static uint32_t *make_index(nr_draft *draft, size_t records, size_t *buckets)
{
    *buckets = 2;
    while (*buckets < 2 * records)
        *buckets *= 2;
    return nr_draft_array(draft, *buckets, uint32_t);
}

static void put(uint32_t *index, size_t buckets, const char *code, uint32_t number)
{
    size_t i = nr_hash_name(code, strlen(code));
    while (index[i & (buckets - 1)] != 0)
        i++;
    index[i & (buckets - 1)] = number + 1;
}

/* An index of the records of a section by one of their texts. */
#define BUILD_INDEX(draft, member, key, index)                                 \
    do {                                                                       \
        (draft)->index.items = make_index((draft), (draft)->member.count,      \
                                          &(draft)->index.count);              \
        for (uint32_t n_ = 0;                                                  \
             (draft)->index.items != NULL && n_ < (draft)->member.count; n_++) \
            put((draft)->index.items, (draft)->index.count,                    \
                (draft)->strings.items + (draft)->member.items[n_].key, n_);   \
    } while (0)

void nr_build_indexes(nr_draft *draft)
{
    BUILD_INDEX(draft, activities, code, activity_index);
    BUILD_INDEX(draft, roles, code, role_index);
    BUILD_INDEX(draft, areas, code, area_index);
    BUILD_INDEX(draft, functions, id, function_index);
    BUILD_INDEX(draft, apis, id, api_index);
    BUILD_INDEX(draft, applications, id, application_index);
}

/* Rows of `words` words, one behind the other. */
static uint64_t *lay_pile(nr_draft *draft, const nr_pile *pile, uint32_t words,
                          size_t *count)
{
    *count = pile->blobs.count * words;
    uint64_t *rows = nr_draft_array(draft, *count, uint64_t);
    for (size_t i = 0; rows != NULL && i < pile->blobs.count; i++)
        memcpy(rows + i * words, pile->blobs.items[i].bytes, words * sizeof(uint64_t));
    return rows;
}

static void lay_rows(nr_draft *draft)
{
    draft->rows.items = lay_pile(draft, &draft->closures, draft->words,
                                 &draft->rows.count);
    draft->allowed.items = lay_pile(draft, &draft->allowances, draft->operation_words,
                                    &draft->allowed.count);
}

static size_t aligned(size_t size)
{
    return (size + 7) / 8 * 8;
}

static size_t image_size(const nr_draft *draft)
{
    size_t size = sizeof(nr_image_header);
#define NR_SECTION(NAME, record, member) \
    size += aligned(draft->member.count * sizeof(record));
    NR_SECTIONS(NR_SECTION)
#undef NR_SECTION
    return size;
}

/* Writes one section and its entry in the header; returns where the next goes. */
static size_t lay_section(char *image, size_t at, nr_section section, const void *items,
                          size_t count)
{
    static const size_t record_sizes[] = {
#define NR_SECTION(NAME, record, member) sizeof(record),
        NR_SECTIONS(NR_SECTION)
#undef NR_SECTION
    };
    nr_image_section place = { at, count };
    memcpy(image + offsetof(nr_image_header, sections) + section * sizeof(place),
           &place, sizeof(place));
    if (count != 0)
        memcpy(image + at, items, count * record_sizes[section]);
    return at + aligned(count * record_sizes[section]);
}

static void *lay_image(nr_draft *draft, size_t *size)
{
    const nr_model *model = draft->model;
    nr_image_header header = { .version = NR_IMAGE_VERSION };
    header.byte_order = NR_IMAGE_BYTE_ORDER;
    header.policy_name = nr_draft_text(draft, model->name);
    header.policy_version = nr_draft_text(draft, model->version);
    header.nrd_version = nr_draft_text(draft, model->nrd_version);
    header.provenance = model->provenance;
    header.roleless_additional = model->roleless_additional;
    header.words = draft->words;
    header.operation_words = draft->operation_words;
    memcpy(header.magic, NR_IMAGE_MAGIC, sizeof(header.magic));
    *size = image_size(draft);
    header.size = *size;
    char *image = draft->status == NRBAC_OK ? calloc(1, *size) : NULL;
    if (image == NULL)
        return NULL;
    memcpy(image, &header, sizeof(header));
    size_t at = sizeof(header);
#define NR_SECTION(NAME, record, member)                                \
    at = lay_section(image, at, NR_SECTION_##NAME, draft->member.items, \
                     draft->member.count);
    NR_SECTIONS(NR_SECTION)
#undef NR_SECTION
    assert(at == *size);
    nr_seal_image(image, *size, 0);
    return image;
}

static void build(nr_draft *draft)
{
    static void (*const steps[])(nr_draft *) = {
        nr_build_numbering,   nr_build_activities,   nr_build_other_codes,
        nr_build_closures,    nr_build_baseline,     nr_build_functions,
        nr_build_apis,        nr_build_applications, nr_build_exclusives,
        nr_build_suspensions, nr_build_indexes,      lay_rows,
    };
    (void)nr_draft_text(draft, ""); /* offset 0 */
    for (size_t i = 0; i < NR_COUNT(steps) && draft->status == NRBAC_OK; i++)
        steps[i](draft);
}

nrbac_status nr_build_image(const nr_model *model, void **image, size_t *size,
                            nrbac_error *error)
{
    nr_draft draft = { .model = model, .error = error };
    draft.texts.arena = &draft.arena;
    draft.closures.arena = &draft.arena;
    draft.allowances.arena = &draft.arena;
    *image = NULL;
    *size = 0;
    build(&draft);
    if (draft.status == NRBAC_OK) {
        *image = lay_image(&draft, size);
        if (*image == NULL)
            draft.status = NRBAC_E_MEMORY;
    }
    nr_arena_finish(&draft.arena);
    return draft.status;
}

void nr_seal_image(void *image, size_t size, uint64_t compared_cells)
{
    char *bytes = image;
    nr_image_header header;
    memcpy(&header, bytes, sizeof(header));
    header.compared_cells = compared_cells;
    memcpy(bytes, &header, sizeof(header));

    size_t named = offsetof(nr_image_header, compared_cells);
    nr_sha256(bytes + named, size - named, header.digest);
    memcpy(bytes, &header, sizeof(header));

    size_t summed = offsetof(nr_image_header, digest);
    header.checksum = nr_checksum(bytes + summed, size - summed);
    memcpy(bytes, &header, sizeof(header));
}
