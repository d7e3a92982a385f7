/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table in the making: its sections as growing lists, in the table's numbers.
 *
 * Nothing in it depends on addresses, hashes or the machine: records are made in
 * the order of codes or of loading, and texts and rows get their place when they
 * are first needed. Running out of memory or room is remembered in `status` and
 * looked at between the steps; until then every step may go on with what it has.
 */
#ifndef NR_BUILD_H
#define NR_BUILD_H

#include "base/names.h"
#include "compile/compile.h"
#include "table/table.h"

/* Byte strings, each kept once, numbered in the order of arrival. */
typedef struct nr_blob {
    const void *bytes;
    size_t size;
    uint64_t hash;
} nr_blob;

typedef struct nr_pile {
    nr_arena *arena;
    struct {
        nr_blob *items;
        size_t count, room;
    } blobs;
    uint32_t *buckets; /* number + 1; 0: empty */
    size_t bucket_count;
} nr_pile;

/* The number of the bytes, given now (and *is_new set) if they are new; NR_NONE
 * when out of memory. */
uint32_t nr_pile_add(nr_pile *pile, const void *bytes, size_t size, bool *is_new);

/* The order of a kind of code: model index -> number, and back. */
typedef struct nr_numbering {
    uint32_t *number_of;
    uint32_t *index_of;
    uint32_t count;
} nr_numbering;

typedef struct nr_draft {
    const nr_model *model;
    nr_arena arena;
    nrbac_status status;
    nrbac_error *error;
    uint32_t words;           /* of a row in ROWS */
    uint32_t operation_words; /* of a row in ALLOWED */

#define NR_SECTION(NAME, record, member) \
    struct {                             \
        record *items;                   \
        size_t count, room;              \
    } member;
    NR_SECTIONS(NR_SECTION)
#undef NR_SECTION

    nr_names texts;
    struct {
        nr_text *items; /* by the number that `texts` gives */
        size_t count, room;
    } text_places;
    nr_pile closures;   /* the rows; they become the section ROWS at the end */
    nr_pile allowances; /* likewise ALLOWED */
    nr_numbering activity, role, area, obligation, function, api, application;
    nr_numbering *operations_of; /* by API's index: among its own operations */
} nr_draft;

/* ---- build_draft.c: pieces that every step uses --------------------------- */

void nr_draft_fail(nr_draft *draft, nrbac_status status, const char *format, ...)
    NR_PRINTF(3, 4);
nr_text nr_draft_text(nr_draft *draft, const char *text); /* NULL gives 0, "" */
nr_origin nr_draft_origin(nr_draft *draft, nr_span at);
/* The number of a row of draft->words words. */
uint32_t nr_draft_row(nr_draft *draft, const uint64_t *row);
const uint64_t *nr_draft_row_at(const nr_draft *draft, uint32_t number);
/* Puts numbers at the end of NUMBERS; none gives the range 0, 0. */
nr_range nr_draft_numbers(nr_draft *draft, const uint32_t *numbers, size_t count);
/* The obligations mentioned, in order and each once, at the end of NUMBERS. */
nr_range nr_draft_obligations(nr_draft *draft, const nr_mentions *mentions);
/* build_functions.c: the tree in preorder, at the end of NODES. */
nr_range nr_draft_requirement(nr_draft *draft, const nr_requirement *root);

/* Adds a zeroed record; NULL: no memory, and the status says so. */
#define nr_draft_add(draft, member) \
    nr_draft_added((draft), nr_list_add(&(draft)->arena, &(draft)->member))
static inline void *nr_draft_added(nr_draft *draft, void *record)
{
    if (record == NULL)
        draft->status = NRBAC_E_MEMORY;
    return record;
}

/* An array in the draft's arena; NULL: no memory, and the status says so. */
#define nr_draft_array(draft, count, type) \
    ((type *)nr_draft_added((draft),       \
                            nr_arena_new_array(&(draft)->arena, (count), type)))

/* Whether a code grants anything at all. */
static inline bool nr_code_in_use(const nr_codes *codes, uint32_t index)
{
    return codes->items[index].status != NR_OBSOLETE;
}

/* ---- the steps, in this order ---------------------------------------------- */

void nr_build_numbering(nr_draft *draft);  /* build_codes.c */
void nr_build_activities(nr_draft *draft); /* build_codes.c */
void nr_build_other_codes(
    nr_draft *draft);                     /* build_codes.c: roles, areas, obligations */
void nr_build_closures(nr_draft *draft);  /* build_closure.c */
void nr_build_baseline(nr_draft *draft);  /* build_baseline.c */
void nr_build_functions(nr_draft *draft); /* build_functions.c */
void nr_build_apis(nr_draft *draft);      /* build_apis.c: with their operations */
void nr_build_applications(nr_draft *draft); /* build_apis.c */
void nr_build_exclusives(nr_draft *draft);   /* build_functions.c */
void nr_build_suspensions(nr_draft *draft);  /* build_functions.c */
void nr_build_indexes(nr_draft *draft);      /* build.c */

#endif
