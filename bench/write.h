/* SPDX-License-Identifier: Apache-2.0 */
/* A workload in the words of others. */
#ifndef BENCH_WRITE_H
#define BENCH_WRITE_H

#include "workload.h"

#include <stdio.h>

/* The codes of a row's activities, each in quotes (or ""), with commas between. */
void bench_write_codes(FILE *file, const bench_workload *workload, const uint64_t *row,
                       const char *quote);

/* The policy, with so many functions, each `all` of its first atom and `any` of the
 * others. */
enum { BENCH_ATOMS = 7 };
void bench_function_of(const bench_workload *workload, uint32_t number,
                       uint32_t atoms[BENCH_ATOMS]);
void bench_write_policy(FILE *file, const bench_workload *workload, uint32_t functions);
void bench_write_sepol(FILE *file, const bench_workload *workload);
void bench_write_cerbos(FILE *file, const bench_workload *workload);

#endif
