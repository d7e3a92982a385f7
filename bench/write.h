/* SPDX-License-Identifier: Apache-2.0 */
/* A workload in the words of others. */
#ifndef BENCH_WRITE_H
#define BENCH_WRITE_H

#include "workload.h"

#include <stdio.h>

/* The codes of a row's activities, each in quotes (or ""), with commas between. */
void bench_write_codes(FILE *file, const bench_workload *workload, const uint64_t *row,
                       const char *quote);

void bench_write_sepol(FILE *file, const bench_workload *workload);
void bench_write_cerbos(FILE *file, const bench_workload *workload);

#endif
