/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled table, asked by the slow twin.
 */
#ifndef NR_AGREE_H
#define NR_AGREE_H

#include "table/table.h"
#include "twin/twin.h"

#include <nrbac/policy.h>

/* Compares every cell of the table with the rules. Of the options (may be NULL)
 * progress is used. Whether they agree is in the report; the status is the
 * world's. */
nrbac_status nr_agree(nr_arena *arena, const nr_model *model, const nr_table *table,
                      const nrbac_compile_options *options, nr_twin_report *report);

#endif
