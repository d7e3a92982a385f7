/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table as text that is the same as long as the table is: for golden files,
 * where a change of policy shows as a difference that people can review.
 */
#ifndef NR_DUMP_H
#define NR_DUMP_H

#include "table/table.h"

/* NRBAC_E_IO if the sink returned false. */
nrbac_status nr_table_dump(const nr_table *table, nrbac_sink *sink, void *context);

#endif
