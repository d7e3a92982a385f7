/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a server is asked over a socket: what is sent for a request, and what its
 * answer looks like. Requests are encoded beforehand; while time runs, bytes are
 * sent and answers are read.
 */
#ifndef BENCH_PROTOCOL_H
#define BENCH_PROTOCOL_H

#include "workload.h"

enum {
    BENCH_ASKED_USERS =
        256,            /* as many as a busy site has at work; all are asked about */
    BENCH_ASKED = 4096, /* different requests of a connection */
    BENCH_MESSAGE_SIZE = 16384,
};

/* Growing bytes. */
typedef struct bench_bytes {
    uint8_t *at;
    size_t size, room;
} bench_bytes;

void bench_put(bench_bytes *to, const void *bytes, size_t size);
__attribute__((format(printf, 2, 3))) void bench_print(bench_bytes *to,
                                                       const char *format, ...);

/* One connection, and what it asks. */
typedef struct bench_talk {
    const bench_workload *workload;
    const bench_request *requests; /* BENCH_ASKED of them */
    int fd;
    bool first; /* of its server: whoever needs to load data does it here */
    int64_t sessions[BENCH_ASKED_USERS];
} bench_talk;

/* The whole of one exchange, for preparing: sends, and reads until `enough` says
 * so. */
void bench_exchange(const bench_talk *talk, const bench_bytes *request,
                    bench_bytes *reply, bool (*enough)(const bench_bytes *reply));

typedef struct bench_protocol {
    const char *name;    /* of the kind, as the command line says it */
    const char *told_as; /* in the results */
    /* Opens sessions or loads data. */
    void (*prepare)(bench_talk *talk);
    /* Appends request n, with number n as its id. */
    void (*put)(const bench_talk *talk, uint32_t n, bench_bytes *to);
    /* Writes what is different each time it is sent; NULL: nothing is. */
    void (*stamp)(uint8_t *bytes, size_t size, uint32_t serial);
    /* The size of the answer at the front, 0 if it is not all there, and what it
     * says: 1 may, 0 may not. NULL: an echo, whose answers are as long as requests. */
    size_t (*take)(const uint8_t *bytes, size_t size, uint8_t *may);
} bench_protocol;

extern const bench_protocol bench_echo, bench_redis, bench_cerbos; /* protocol.c */
extern const bench_protocol bench_check, bench_evaluate; /* protocol_nrbac.c */

#endif
