/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a bare echo, of Redis, and of Cerbos over HTTP. */
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

static void load_sets(bench_talk *talk)
{
    const bench_workload *w = talk->workload;
    for (uint32_t u = 0; talk->first && u < BENCH_ASKED_USERS; u++)
        for (uint32_t a = 0; a < w->activity_count; a++) {
            bench_bytes request = { 0 };
            bench_bytes reply = { 0 };
            if (!bench_has(bench_row(w, u), a))
                continue;
            put_member(w, "SADD", u, a, &request);
            bench_exchange(talk, &request, &reply, one_line);
            free(request.at);
            free(reply.at);
        }
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

/* ---- Cerbos: its HTTP API on a Unix socket ----------------------------------------------- */

static void put_cerbos(const bench_talk *talk, uint32_t n, bench_bytes *to)
{
    const bench_workload *w = talk->workload;
    const bench_request *request = &talk->requests[n];
    const bench_user *user = &w->users[request->user];
    const bench_profile *profile = &user->profiles[user->in_force];
    bench_bytes body = { 0 };
    bench_print(&body,
                "{\"requestId\":\"%u\",\"principal\":{\"id\":\"%s\",\"roles\":"
                "[\"%s\"",
                n, user->id, w->roles[profile->role].code);
    /* An extra activity is a role of its own; a role may be named once. */
    for (uint32_t e = 0; e < profile->extra_count; e++) {
        bool again = false;
        for (uint32_t other = 0; other < e; other++)
            again |= profile->extras[other] == profile->extras[e];
        if (!again)
            bench_print(&body, ",\"%s\"", w->activities[profile->extras[e]].code);
    }
    bench_print(&body,
                "]},\"resources\":[{\"actions\":[\"%s\"],\"resource\":"
                "{\"kind\":\"record\",\"id\":\"1\"}}]}",
                w->activities[request->activity].code);
    bench_print(to,
                "POST /api/check/resources HTTP/1.1\r\nHost: localhost\r\n"
                "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                body.size);
    bench_put(to, body.at, body.size);
    free(body.at);
}

static size_t take_cerbos(const uint8_t *bytes, size_t size, uint8_t *may)
{
    static char text[BENCH_MESSAGE_SIZE];
    if (size >= sizeof(text))
        bench_fail("Cerbos says too much");
    memcpy(text, bytes, size);
    text[size] = '\0';
    const char *body = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    if (body == NULL)
        return 0;
    if (length == NULL || strncmp(text, "HTTP/1.1 200", 12) != 0)
        bench_fail("Cerbos answers something else: %s", text);
    size_t whole = (size_t)(body + 4 - text) +
                   strtoul(length + strlen("Content-Length: "), NULL, 10);
    if (size < whole)
        return 0;
    *may = strstr(body, "EFFECT_ALLOW") != NULL;
    return whole;
}

/* The echo is sent what nrbacd is asked. */
const bench_protocol bench_echo = { "echo", "limit: libuv echo", prepare_nothing, NULL,
                                    NULL };
const bench_protocol bench_redis = { "redis", "Redis", load_sets, put_redis,
                                     take_redis };
const bench_protocol bench_cerbos = { "cerbos", "Cerbos", prepare_nothing, put_cerbos,
                                      take_cerbos };
