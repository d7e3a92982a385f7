/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening an image: everything is verified here, once, so that nothing that
 * reads a table later has to look twice at a number.
 *
 * The checksum finds damage. Because it is no protection against somebody who
 * makes images by hand, every number is looked at as well: whatever passes here
 * can be read without leaving the image and walked without end. The digest is
 * not computed again: it would cost more than all the rest, and the checksum
 * covers it.
 */
#include "table/image.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "images are little-endian");

nrbac_status nr_image_refuse(nrbac_error *error, nrbac_status status,
                             const char *format, ...)
{
    if (error == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return status;
}

static nrbac_status check_header(const nr_image_header *header, size_t size,
                                 nrbac_error *error)
{
    if (memcmp(header->magic, NR_IMAGE_MAGIC, sizeof(header->magic)) != 0)
        return nr_image_refuse(
            error, NRBAC_E_IMAGE,
            "this is not a compiled policy; make one with `nrbac compile`");
    if (header->byte_order != NR_IMAGE_BYTE_ORDER)
        return nr_image_refuse(
            error, NRBAC_E_IMAGE,
            "the compiled policy has another byte order; compile it again");
    if (header->version != NR_IMAGE_VERSION) {
        return nr_image_refuse(
            error, NRBAC_E_VERSION,
            "the compiled policy has format %u, this release reads format %d; "
            "compile it again with this release",
            (unsigned)header->version, (int)NR_IMAGE_VERSION);
    }
    if (header->size != size) {
        return nr_image_refuse(
            error, NRBAC_E_IMAGE,
            "the compiled policy has %zu bytes and should have %llu; copy or "
            "compile it again",
            size, (unsigned long long)header->size);
    }
    size_t summed = offsetof(nr_image_header, digest);
    if (header->checksum != nr_checksum((const char *)header + summed, size - summed)) {
        return nr_image_refuse(
            error, NRBAC_E_IMAGE,
            "the compiled policy is damaged (its checksum differs); copy or "
            "compile it again");
    }
    return NRBAC_OK;
}

static const char *const section_names[] = {
#define NR_SECTION(NAME, record, member) #NAME,
    NR_SECTIONS(NR_SECTION)
#undef NR_SECTION
};

static const size_t record_sizes[] = {
#define NR_SECTION(NAME, record, member) sizeof(record),
    NR_SECTIONS(NR_SECTION)
#undef NR_SECTION
};

/* Sections follow each other in their order, with less than eight zero bytes
 * between them, up to the end: nothing is hidden, nothing overlaps. */
static nrbac_status check_sections(const nr_image_header *header, nrbac_error *error)
{
    const char *image = (const char *)header;
    uint64_t at = sizeof(*header);
    for (int i = 0; i < NR_SECTION_COUNT; i++) {
        const nr_image_section *section = &header->sections[i];
        if (section->offset != at || section->count >= NR_NONE ||
            section->count > (header->size - at) / record_sizes[i])
            return NR_REFUSE_RECORD(error, section_names[i], 0, "lies outside");
        at += section->count * record_sizes[i];
        for (; at % 8 != 0; at++)
            if (at >= header->size || image[at] != 0)
                return NR_REFUSE_RECORD(error, section_names[i], section->count,
                                        "is followed by other bytes");
    }
    if (at != header->size)
        return NR_REFUSE_RECORD(error, "the end", 0, "is not where it should be");
    return NRBAC_OK;
}

static nrbac_status check_limits(const nr_table *table, nrbac_error *error)
{
    const struct {
        const char *what;
        uint32_t count, limit;
    } limits[] = {
        { "activities", table->activities_count, NR_ACTIVITY_MAX },
        { "job roles", table->roles_count, NR_ROLE_MAX },
        { "areas of work", table->areas_count, NR_AREA_MAX },
        { "functions", table->functions_count, NR_FUNCTION_MAX },
        { "obligations", table->obligations_count, NR_OBLIGATION_MAX },
        { "exclusive sets", table->exclusives_count, NR_EXCLUSIVE_MAX },
        { "APIs", table->apis_count, NR_API_MAX },
        { "operations", table->operations_count, NR_OPERATION_MAX },
        { "applications", table->applications_count, NR_APPLICATION_MAX },
    };
    for (size_t i = 0; i < NR_COUNT(limits); i++) {
        if (limits[i].count > limits[i].limit) {
            return nr_image_refuse(
                error, NRBAC_E_IMAGE,
                "the compiled policy has %u %s, this release has room for %u; "
                "compile it again",
                (unsigned)limits[i].count, limits[i].what, (unsigned)limits[i].limit);
        }
    }
    return NRBAC_OK;
}

static void point_into(nr_table *table, const nr_image_header *header)
{
    const char *image = (const char *)header;
    *table = (nr_table){ .header = header, .words = header->words };
#define NR_SECTION(NAME, record, member)                                        \
    table->member = (const void *)(image +                                      \
                                   header->sections[NR_SECTION_##NAME].offset); \
    table->member##_count = (uint32_t)header->sections[NR_SECTION_##NAME].count;
    NR_SECTIONS(NR_SECTION)
#undef NR_SECTION
}

/* Offset 0 is "", and the last text ends inside. */
static nrbac_status check_texts(const nr_table *table, nrbac_error *error)
{
    const nr_image_header *header = table->header;
    NR_REQUIRE(table->strings_count != 0 && table->strings[0] == '\0' &&
                   table->strings[table->strings_count - 1] == '\0',
               error, "text", 0, "has no end");
    NR_REQUIRE(nr_image_is_text(table, header->policy_name) &&
                   nr_image_is_text(table, header->policy_version) &&
                   nr_image_is_text(table, header->nrd_version),
               error, "the header", 0, "has no text");
    NR_REQUIRE(header->provenance <= NR_PROVENANCE_EXAMPLE &&
                   header->roleless_additional <= 1 && header->zero == 0,
               error, "the header", 0, "has settings that mean nothing");
    return NRBAC_OK;
}

nrbac_status nr_table_open(nr_table *table, const void *image, size_t size,
                           nrbac_error *error)
{
    const nr_image_header *header = image;
    *table = (nr_table){ 0 };
    if ((uintptr_t)image % 8 != 0)
        return nr_image_refuse(error, NRBAC_E_ARGUMENT,
                               "the compiled policy is not aligned to 8 bytes");
    if (size < sizeof(*header))
        return nr_image_refuse(error, NRBAC_E_IMAGE,
                               "this is not a compiled policy, or its end is missing; "
                               "compile it again");
    NR_TRY(check_header(header, size, error));
    NR_TRY(check_sections(header, error));
    nr_table opened;
    point_into(&opened, header);
    NR_TRY(check_limits(&opened, error));
    NR_TRY(check_texts(&opened, error));
    NR_TRY(nr_image_check_codes(&opened, error));
    NR_TRY(nr_image_check_grants(&opened, error));
    uint32_t nodes_end = 0;
    NR_TRY(nr_image_check_functions(&opened, &nodes_end, error));
    NR_TRY(nr_image_check_apis(&opened, &nodes_end, error));
    NR_REQUIRE(nodes_end == opened.nodes_count, error, "node", nodes_end,
               "belongs to nothing");
    *table = opened;
    return NRBAC_OK;
}
