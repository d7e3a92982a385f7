/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cerbos as its own clients ask it: CheckResources over gRPC, which is HTTP/2 frames
 * around Protocol Buffers. Just enough of both for one question at a time; the HTTP
 * API beside it costs Cerbos more, since it is a gateway to this one.
 */
#include "protocol.h"

#include <stdlib.h>
#include <string.h>

enum {
    FRAME_HEAD = 9,
    DATA = 0x0,
    HEADERS = 0x1,
    SETTINGS = 0x4,
    WINDOW_UPDATE = 0x8,
    END_STREAM = 0x1,
    ACKNOWLEDGED = 0x1,
    END_HEADERS = 0x4,
    GRPC_HEAD = 5, /* not compressed, and the size of the message */
};

/* ---- Frames --------------------------------------------------------------------------- */

static void put_number(uint8_t *at, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(number >> (24 - 8 * i));
}

static void put_frame(bench_bytes *to, uint8_t type, uint8_t flags,
                      const bench_bytes *payload)
{
    uint8_t head[FRAME_HEAD] = { (uint8_t)(payload->size >> 16),
                                 (uint8_t)(payload->size >> 8), (uint8_t)payload->size,
                                 type, flags };
    bench_put(to, head, sizeof(head));
    if (payload->size > 0)
        bench_put(to, payload->at, payload->size);
}

static size_t payload_of(const uint8_t *frame)
{
    return (size_t)frame[0] << 16 | (size_t)frame[1] << 8 | frame[2];
}

/* A stream's number is used once: it is written when the request is sent. */
static void stamp(uint8_t *bytes, size_t size, uint32_t serial)
{
    for (size_t at = 0; at < size; at += FRAME_HEAD + payload_of(bytes + at))
        put_number(bytes + at + 5, serial * 2 + 1);
}

static bool has_settings(const bench_bytes *reply)
{
    return reply->size >= FRAME_HEAD && reply->at[3] == SETTINGS &&
           reply->size >= FRAME_HEAD + payload_of(reply->at);
}

/* The connection's preface: no settings of ours, as much window as there can be. */
static void prepare(bench_talk *talk)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const bench_bytes none = { 0 };
    uint8_t window[4];
    bench_bytes bytes = { 0 };
    bench_bytes reply = { 0 };
    put_number(window, INT32_MAX - 65535);
    bench_put(&bytes, preface, sizeof(preface) - 1);
    put_frame(&bytes, SETTINGS, 0, &none);
    put_frame(&bytes, WINDOW_UPDATE, 0, &(bench_bytes){ window, sizeof(window), 0 });
    put_frame(&bytes, SETTINGS, ACKNOWLEDGED, &none);
    bench_exchange(talk, &bytes, &reply, has_settings);
    free(bytes.at);
    free(reply.at);
}

/* ---- A question ------------------------------------------------------------------------- */

static void put_field(bench_bytes *to, uint8_t field, const void *bytes, size_t size)
{
    uint8_t head[2] = { (uint8_t)(field << 3 | 2), (uint8_t)size };
    if (size > 127)
        bench_fail("a field has no room");
    bench_put(to, head, sizeof(head));
    bench_put(to, bytes, size);
}

static void put_text(bench_bytes *to, uint8_t field, const char *text)
{
    put_field(to, field, text, strlen(text));
}

/* Principal: id, roles. An extra activity is a role of its own; Cerbos refuses a
 * role that is named twice. */
static void put_principal(const bench_workload *w, const bench_user *user,
                          bench_bytes *to)
{
    const bench_profile *profile = &user->profiles[user->in_force];
    bench_bytes principal = { 0 };
    put_text(&principal, 1, user->id);
    put_text(&principal, 3, w->roles[profile->role].code);
    for (uint32_t e = 0; e < profile->extra_count; e++) {
        bool again = false;
        for (uint32_t other = 0; other < e; other++)
            again |= profile->extras[other] == profile->extras[e];
        if (!again)
            put_text(&principal, 3, w->activities[profile->extras[e]].code);
    }
    put_field(to, 3, principal.at, principal.size);
    free(principal.at);
}

static void put_resource(const bench_workload *w, uint32_t activity, bench_bytes *to)
{
    bench_bytes resource = { 0 };
    bench_bytes entry = { 0 };
    put_text(&resource, 1, "record");
    put_text(&resource, 3, "1");
    put_text(&entry, 1, w->activities[activity].code);
    put_field(&entry, 2, resource.at, resource.size);
    put_field(to, 4, entry.at, entry.size);
    free(resource.at);
    free(entry.at);
}

static void put_headers(bench_bytes *to)
{
    static const char path[] = "/cerbos.svc.v1.CerbosService/CheckResources";
    bench_bytes headers = { 0 };
    bench_print(&headers, "\x83\x86\x04%c%s\x01\x09localhost", (int)strlen(path), path);
    bench_print(&headers, "\x0f\x10\x10%s", "application/grpc");
    bench_put(&headers, "\0\x02te\x08trailers", 13);
    put_frame(to, HEADERS, END_HEADERS, &headers);
    free(headers.at);
}

static void put_cerbos(const bench_talk *talk, uint32_t n, bench_bytes *to)
{
    const bench_request *request = &talk->requests[n];
    bench_bytes message = { 0 };
    bench_put(&message, "\0\0\0\0\0", GRPC_HEAD);
    put_principal(talk->workload, &talk->workload->users[request->user], &message);
    put_resource(talk->workload, request->activity, &message);
    put_number(message.at + 1, (uint32_t)(message.size - GRPC_HEAD));
    put_headers(to);
    put_frame(to, DATA, END_STREAM, &message);
    free(message.at);
}

/* ---- Its answer ------------------------------------------------------------------------- */

/* The effect of the one action, from the entry of the result's map: the code, and
 * EFFECT_ALLOW, which is 1. */
static uint8_t effect_in(const uint8_t *data, size_t size)
{
    static const uint8_t key[] = { 0x0a, 5, 'B' };
    for (size_t at = 0; at + 9 <= size; at++)
        if (memcmp(data + at, key, sizeof(key)) == 0 && data[at + 7] == 0x10)
            return data[at + 8] == 1;
    bench_fail("Cerbos answers something else");
}

/* Up to the frame that ends the stream; whatever else the server says is passed
 * over. */
static size_t take_cerbos(const uint8_t *bytes, size_t size, uint8_t *may)
{
    bool answered = false;
    for (size_t at = 0; at + FRAME_HEAD <= size;) {
        const uint8_t *frame = bytes + at;
        size_t payload = payload_of(frame);
        at += FRAME_HEAD + payload;
        if (at > size)
            break;
        if (frame[3] == DATA) {
            *may = effect_in(frame + FRAME_HEAD, payload);
            answered = true;
        }
        if ((frame[3] == DATA || frame[3] == HEADERS) && (frame[4] & END_STREAM) != 0) {
            if (!answered)
                bench_fail("Cerbos refuses");
            return at;
        }
    }
    return 0;
}

const bench_protocol bench_cerbos = {
    .name = "cerbos",
    .told_as = "Cerbos",
    .prepare = prepare,
    .put = put_cerbos,
    .stamp = stamp,
    .take = take_cerbos,
};
