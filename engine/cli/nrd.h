/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A national RBAC database as CSV files, read and checked, and written as a
 * policy.
 *
 *   roles.csv          role_code,name,staff_group,sub_group,status,replaced_by
 *   activities.csv     activity_code,name,status,replaced_by
 *   areas_of_work.csv  area_of_work_code,name
 *   baseline.csv       role_code,area_of_work_code,activity_code
 *   includes.csv       activity_code,included_activity_code
 *
 * Other columns are for people. The last three files may be missing. Everything
 * is sorted by code, so the order of rows does not matter.
 */
#ifndef NR_NRD_H
#define NR_NRD_H

#include "base/arena.h"
#include "cli/cli.h"

typedef struct nr_nrd_code {
    const char *code;
    const char *name; /* "" where not given, like all of the others */
    const char *staff_group, *sub_group, *status, *replaced_by;
    uint32_t line;
} nr_nrd_code;

typedef struct nr_nrd_codes {
    nr_nrd_code *items;
    size_t count, room;
    bool given; /* the file is there */
} nr_nrd_codes;

/* "From `from` follows `to`": a grant of the baseline, or an inclusion. */
typedef struct nr_nrd_pair {
    const char *from, *to;
    const char *areas; /* of a grant: codes, sorted, separated by '|' */
    uint32_t line;
} nr_nrd_pair;

typedef struct nr_nrd_pairs {
    nr_nrd_pair *items;
    size_t count, room;
    bool given;
} nr_nrd_pairs;

typedef struct nr_nrd {
    nr_arena *arena;
    const char *folder;
    size_t mistakes; /* told on stderr already */
    bool failed;     /* out of memory */
    nr_nrd_codes roles, activities, areas;
    nr_nrd_pairs baseline, includes;
} nr_nrd;

/* nrd_read.c: reads and checks all files; tells every mistake. */
nr_exit nr_nrd_read(nr_nrd *nrd);
const nr_nrd_code *nr_nrd_find(const nr_nrd_codes *codes, const char *code);

/* nrd_write.c: writes the policy's files, each whole or not at all. */
nr_exit nr_nrd_write(const nr_nrd *nrd, const char *folder);

#endif
