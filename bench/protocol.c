/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a bare echo and of Redis. */
#include "protocol.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PRINTED_MAX = 4096 };

void bench_put(bench_bytes *to, const void *bytes, size_t size)
{
    if (to->size + size > to->room) {
        to->room = (to->size + size) * 2;
        to->at = realloc(to->at, to->room);
        if (to->at == NULL)
            bench_fail("out of memory");
    }
    memcpy(to->at + to->size, bytes, size);
    to->size += size;
}

void bench_print(bench_bytes *to, const char *format, ...)
{
    char text[PRINTED_MAX];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof(text))
        bench_fail("a message has no room");
    bench_put(to, text, (size_t)size);
}

void bench_exchange(const bench_talk *talk, const bench_bytes *request,
                    bench_bytes *reply, bool (*enough)(const bench_bytes *reply))
{
    static uint8_t some[BENCH_MESSAGE_SIZE];
    if (write(talk->fd, request->at, request->size) != (ssize_t)request->size)
        bench_fail("the server takes nothing");
    do {
        ssize_t got = read(talk->fd, some, sizeof(some));
        if (got <= 0)
            bench_fail("the server answers nothing");
        bench_put(reply, some, (size_t)got);
    } while (!enough(reply));
}

static void prepare_nothing(bench_talk *talk)
{
    (void)talk;
}

/* ---- Redis: a set of activities for each user ------------------------------------------- */

static void put_member(const bench_workload *w, const char *command, uint32_t user,
                       uint32_t activity, bench_bytes *to)
{
    bench_print(to, "*3\r\n$%zu\r\n%s\r\n$12\r\n%s\r\n$5\r\n%s\r\n", strlen(command),
                command, w->users[user].id, w->activities[activity].code);
}

static bool one_line(const bench_bytes *reply)
{
    return reply->size > 0 && reply->at[reply->size - 1] == '\n';
}

static void add_member(const bench_talk *talk, uint32_t user, uint32_t activity)
{
    bench_bytes request = { 0 };
    bench_bytes reply = { 0 };
    put_member(talk->workload, "SADD", user, activity, &request);
    bench_exchange(talk, &request, &reply, one_line);
    free(request.at);
    free(reply.at);
}

static void load_sets(bench_talk *talk)
{
    const bench_workload *w = talk->workload;
    for (uint32_t u = 0; talk->first && u < BENCH_ASKED_USERS; u++)
        for (uint32_t a = 0; a < w->activity_count; a++)
            if (bench_has(bench_row(w, u), a))
                add_member(talk, u, a);
}

static void put_redis(const bench_talk *talk, uint32_t n, bench_bytes *to)
{
    const bench_request *request = &talk->requests[n];
    put_member(talk->workload, "SISMEMBER", request->user, request->activity, to);
}

static size_t take_redis(const uint8_t *bytes, size_t size, uint8_t *may)
{
    if (size < 4)
        return 0;
    if (bytes[0] != ':')
        bench_fail("Redis answers something else");
    *may = bytes[1] & 1;
    return 4;
}

/* The echo is sent what nrbacd is asked. */
const bench_protocol bench_echo = {
    .name = "echo",
    .told_as = "limit: libuv echo",
    .prepare = prepare_nothing,
};
const bench_protocol bench_redis = {
    .name = "redis",
    .told_as = "Redis",
    .prepare = load_sets,
    .put = put_redis,
    .take = take_redis,
};
