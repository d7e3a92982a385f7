/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is measured leaves a program as lines of five fields, parted by tabs:
 *
 *   workload  measure  contender  value  round
 *
 * bench/report.py reads them; several values of one name are its rounds.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t bench_now(void); /* nanoseconds */

typedef struct bench_figure {
    const char *workload, *measure, *contender;
} bench_figure;

void bench_tell(const bench_figure *figure, double value, unsigned round);

/* The resident set of a process, in bytes. */
size_t bench_resident(pid_t process);
/* What all threads of a process have had of the processors, in nanoseconds. */
uint64_t bench_processor_time(pid_t process);

/*
 * Starts a daemon on an image and returns at once. It ends with the process that
 * started it, however that ends.
 */
pid_t bench_serve(const char *program, const char *image, const char *socket);

/* Sorts, and tells p50, p99 and p99.9 in microseconds as MEASURE.p50 and so on. */
void bench_tell_percentiles(const bench_figure *figure, uint64_t *samples, size_t count,
                            unsigned round);

#endif
