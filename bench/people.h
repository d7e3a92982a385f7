/* SPDX-License-Identifier: Apache-2.0 */
/* The users of a workload as nrbac is told of them: as a neutral profile, and as the
 * JSON document that NHS CIS2 sends. */
#ifndef BENCH_PEOPLE_H
#define BENCH_PEOPLE_H

#include "workload.h"

#include <nrbac/nrbac.h>

/* A request of C structures; its pointers lead into itself and the workload. */
typedef struct bench_person {
    nrbac_request request;
    nrbac_profile profiles[BENCH_PROFILES_MAX];
    const char *extras[BENCH_PROFILES_MAX][BENCH_EXTRAS_MAX];
    const char *areas[BENCH_PROFILES_MAX];
    const char *workgroups[BENCH_WORKGROUPS_MAX]; /* of the first profile */
} bench_person;

void bench_person_of(const bench_workload *w, uint32_t user_number,
                     bench_person *person);

enum { BENCH_DOCUMENT_SIZE = 8192 };

/* Writes a whole request document that asks for an activity; its size. */
size_t bench_document_of(const bench_workload *workload, const bench_request *request,
                         char text[BENCH_DOCUMENT_SIZE]);

/* An engine with the image of this path, or the end of the program. */
nrbac_engine *bench_engine(const char *image);

#endif
