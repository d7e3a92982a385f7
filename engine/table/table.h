/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy as bits: the compiled form, which is also its file.
 *
 * The image is one block of little-endian memory: a header, then sections, each
 * an array of one of the records below. Records refer to each other by number
 * and to texts by offset into the section STRINGS, never by pointer, so the
 * block may be mapped anywhere. nr_table_open() verifies every number once;
 * after that nothing here checks again, and nothing here is ever written.
 *
 * Records are sorted by code (byte order), so a smaller number is an earlier
 * code: "ties broken by code order" is comparing numbers.
 */
#ifndef NR_TABLE_H
#define NR_TABLE_H

#include "base/bits.h"
#include "base/hash.h"
#include "base/terms.h"

/* Offset of a NUL-terminated text in STRINGS; 0 is "". */
typedef uint32_t nr_text;

/* A run of records in another section. */
typedef struct nr_range {
    uint32_t first, count;
} nr_range;

/* Where it was said: a path from the policy's folder, and a line from 1. */
typedef struct nr_origin {
    nr_text file;
    uint32_t line;
} nr_origin;

typedef struct nr_table_activity {
    nr_text code, name;
    nr_origin origin;
    uint32_t status;      /* nr_code_status */
    uint32_t replaced_by; /* activity, or NR_NONE */
    uint32_t suspension;  /* SUSPENSIONS, or NR_NONE */
    uint32_t closure;     /* ROWS: itself and all it includes; NR_NONE: itself alone */
    nr_range includes;    /* EDGES: directly, in order; an obsolete one has none */
    nr_range included_by; /* NUMBERS: activities, in order */
} nr_table_activity;

/* "A includes `activity`" and where that was said. */
typedef struct nr_table_edge {
    uint32_t activity;
    nr_origin origin;
} nr_table_edge;

typedef struct nr_table_role {
    nr_text code, name, staff_group, sub_group;
    nr_origin origin;
    uint32_t status, replaced_by, suspension;
    nr_range cells; /* CELLS, in order of area; the one without area first */
} nr_table_role;

typedef struct nr_table_area {
    nr_text code, name;
    nr_origin origin;
    uint32_t status, replaced_by;
} nr_table_area;

/* What the baseline gives a role for one area of work (NR_NONE: for any). */
typedef struct nr_table_cell {
    uint32_t area;
    uint32_t row;    /* ROWS: the grants and all they include */
    nr_range grants; /* GRANTS: what was written, in order of activity */
} nr_table_cell;

typedef struct nr_table_grant {
    uint32_t activity;
    nr_origin origin;
} nr_table_grant;

typedef struct nr_table_obligation {
    nr_text id, name;
} nr_table_obligation;

/* One node of a requirement. A tree stands in preorder: the children of a node
 * at i are at i + 1, then each `size` further. `atom` is nr_atom. */
typedef struct nr_table_node {
    uint32_t atom;
    uint32_t size;        /* of the subtree, itself included */
    uint32_t operand;     /* activity, role, area; a text; a level */
    nr_range obligations; /* NUMBERS: OBLIGATIONS, that come with it */
} nr_table_node;

/* What a function or an operation asks for, as the two have it in common. No
 * record of its own. */
typedef struct nr_demand {
    nr_range nodes;       /* count 0: nothing */
    nr_range obligations; /* that come with it, beside those of the nodes */
} nr_demand;

typedef struct nr_table_function {
    nr_text id, name;
    nr_origin origin;
    uint32_t suspension;
    nr_range nodes;        /* NODES: the requirement */
    nr_range obligations;  /* NUMBERS: OBLIGATIONS */
    nr_range messages;     /* MESSAGES */
    uint32_t record_first; /* nr_record_first */
} nr_table_function;

typedef struct nr_table_message {
    nr_text outcome,
        text; /* outcome: an effect's or reason's slug; "": every refusal */
} nr_table_message;

typedef struct nr_table_exclusive {
    nr_text name;
    nr_origin origin;
    uint32_t on_conflict; /* nr_on_conflict */
    nr_range activities;  /* NUMBERS, in the order listed */
} nr_table_exclusive;

typedef struct nr_table_suspension {
    uint32_t kind; /* nr_suspended_kind */
    nr_text what, reason, until;
    nr_origin origin;
} nr_table_suspension;

/* APIs are sorted by id, and their operations (sorted by id) stand together. */
typedef struct nr_table_api {
    nr_text id, name;
    nr_origin origin;
    uint32_t rbac;       /* nr_rbac */
    uint32_t local_user; /* nr_local_user */
    nr_range operations; /* OPERATIONS */
} nr_table_api;

typedef struct nr_table_operation {
    nr_text id, name;
    nr_origin origin;
    uint32_t api;
    uint32_t patterns;    /* bits of nr_pattern, at least one */
    uint32_t delegation;  /* 1: allowed */
    nr_range nodes;       /* NODES: the requirement; count 0: none */
    nr_range obligations; /* NUMBERS: OBLIGATIONS */
} nr_table_operation;

typedef struct nr_table_application {
    nr_text id, name;
    nr_origin origin;
    uint32_t closed;           /* 1: status: closed */
    uint32_t suspension;       /* SUSPENSIONS, or NR_NONE */
    uint32_t proofs;           /* bits of nr_proof */
    uint32_t any_organisation; /* 1: it may act for any */
    nr_range organisations;    /* NUMBERS: texts, in order of code */
    uint32_t allowed;          /* ALLOWED: its row, a bit an operation */
} nr_table_application;

/* The sections, in the order of the file: NAME, record, member of nr_table.
 * The *_INDEX ones are hash tables (nr_hash_name of the code, linear
 * probing, a power of two buckets, at least twice the records): number + 1. */
#define NR_SECTIONS(X)                                  \
    X(STRINGS, char, strings)                           \
    X(ACTIVITIES, nr_table_activity, activities)        \
    X(ROLES, nr_table_role, roles)                      \
    X(AREAS, nr_table_area, areas)                      \
    X(FUNCTIONS, nr_table_function, functions)          \
    X(OBLIGATIONS, nr_table_obligation, obligations)    \
    X(EXCLUSIVES, nr_table_exclusive, exclusives)       \
    X(SUSPENSIONS, nr_table_suspension, suspensions)    \
    X(EDGES, nr_table_edge, edges)                      \
    X(CELLS, nr_table_cell, cells)                      \
    X(GRANTS, nr_table_grant, grants)                   \
    X(NODES, nr_table_node, nodes)                      \
    X(MESSAGES, nr_table_message, messages)             \
    X(APIS, nr_table_api, apis)                         \
    X(OPERATIONS, nr_table_operation, operations)       \
    X(APPLICATIONS, nr_table_application, applications) \
    X(NUMBERS, uint32_t, numbers)                       \
    X(ACTIVITY_INDEX, uint32_t, activity_index)         \
    X(ROLE_INDEX, uint32_t, role_index)                 \
    X(AREA_INDEX, uint32_t, area_index)                 \
    X(FUNCTION_INDEX, uint32_t, function_index)         \
    X(API_INDEX, uint32_t, api_index)                   \
    X(APPLICATION_INDEX, uint32_t, application_index)   \
    X(ALLOWED, uint64_t, allowed)                       \
    X(ROWS, uint64_t, rows)

typedef enum nr_section {
#define NR_SECTION(NAME, record, member) NR_SECTION_##NAME,
    NR_SECTIONS(NR_SECTION)
#undef NR_SECTION
        NR_SECTION_COUNT,
} nr_section;

enum {
    NR_IMAGE_VERSION = 3,
    NR_IMAGE_BYTE_ORDER = 0x01020304,
};

#define NR_IMAGE_MAGIC "nrbac\r\n\x1a" /* 8 bytes; a text-mode copy breaks it */

typedef struct nr_image_section {
    uint64_t offset; /* from the start of the image, a multiple of 8 */
    uint64_t count;  /* of records */
} nr_image_section;

typedef struct nr_image_header {
    char magic[8];
    uint32_t version;
    uint32_t byte_order;
    uint64_t size;     /* of the whole image */
    uint64_t checksum; /* nr_checksum of everything after this member */
    /* SHA-256 of everything after this member: the policy's name for ever. */
    uint8_t digest[NR_SHA256_SIZE];
    uint64_t compared_cells; /* how many the slow twin agreed on */
    nr_text policy_name, policy_version, nrd_version;
    uint32_t provenance; /* nr_provenance */
    uint32_t roleless_additional;
    uint32_t words;           /* of a row in ROWS */
    uint32_t operation_words; /* of a row in ALLOWED */
    uint32_t zero;            /* what follows is aligned to 8 */
    nr_image_section sections[NR_SECTION_COUNT];
} nr_image_header;

/* An open table: pointers into the image. */
typedef struct nr_table {
    const nr_image_header *header;
    uint32_t words;
#define NR_SECTION(NAME, record, member) \
    const record *member;                \
    uint32_t member##_count;
    NR_SECTIONS(NR_SECTION)
#undef NR_SECTION
} nr_table;

/* Verifies the image, wholly, and points the table into it. The memory must be
 * aligned to 8 and outlive the table. NRBAC_E_IMAGE, NRBAC_E_VERSION with a line
 * in *error (may be NULL) that says what is wrong. */
nrbac_status nr_table_open(nr_table *table, const void *image, size_t size,
                           nrbac_error *error);

static inline const char *nr_table_text(const nr_table *table, nr_text text)
{
    return table->strings + text;
}

static inline const uint64_t *nr_table_row(const nr_table *table, uint32_t row)
{
    return table->rows + (size_t)row * table->words;
}

/* What an application may call: a bit an operation. */
static inline const uint64_t *nr_table_allowed(const nr_table *table, uint32_t row)
{
    return table->allowed + (size_t)row * table->header->operation_words;
}

static inline nr_demand nr_function_demand(const nr_table *table, uint32_t function)
{
    const nr_table_function *record = &table->functions[function];
    return (nr_demand){ record->nodes, record->obligations };
}

static inline nr_demand nr_operation_demand(const nr_table *table, uint32_t operation)
{
    const nr_table_operation *record = &table->operations[operation];
    return (nr_demand){ record->nodes, record->obligations };
}

/* Numbers by code; a replaced code gives its replacement's. NR_NONE: unknown. */
uint32_t nr_table_activity_of(const nr_table *table, const char *code);
uint32_t nr_table_role_of(const nr_table *table, const char *code);
uint32_t nr_table_area_of(const nr_table *table, const char *code);
uint32_t nr_table_function_of(const nr_table *table, const char *id);
uint32_t nr_table_api_of(const nr_table *table, const char *id);
uint32_t nr_table_operation_of(const nr_table *table, uint32_t api, const char *id);
uint32_t nr_table_application_of(const nr_table *table, const char *id);

#endif
