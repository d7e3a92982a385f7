/* SPDX-License-Identifier: Apache-2.0 */
/* nrbacd's own protocol: MessagePack-RPC, as schema/protocol.md describes it. */
#include "people.h"
#include "protocol.h"

#include "wire/rpc.h"

#include <nrbac/policy.h>

#include <stdlib.h>
#include <string.h>

/* ---- Requests as documents ----------------------------------------------------------- */

static void put_call(bench_bytes *to, uint32_t id, const char *method,
                     const nrbac_value *params)
{
    nr_buffer buffer = { 0 };
    nr_rpc_write_request(&buffer, id, method, params);
    bench_put(to, buffer.bytes, buffer.size);
    nr_buffer_finish(&buffer);
}

static void put_document(const bench_talk *talk, uint32_t n, const char *method,
                         bench_bytes *to)
{
    char text[BENCH_DOCUMENT_SIZE];
    size_t size = bench_document_of(talk->workload, &talk->requests[n], text);
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *request;
    nrbac_error error = { 0 };
    if (nrbac_json_read(document, text, size, &request, &error) != NRBAC_OK)
        bench_fail("%s", error.text);
    nrbac_value *params = nrbac_new_list(document);
    nrbac_append(document, params, nrbac_value_copy(document, request));
    put_call(to, n, method, params);
    nrbac_document_destroy(document);
}

/* ---- Preparing ------------------------------------------------------------------------- */

static bool is_whole(const bench_bytes *reply)
{
    static const nr_scan_limits limits = { 1 << 24, 1 << 16, NR_WIRE_DEPTH_MAX };
    nr_scan scan = { 0 };
    return nr_scan_next(&scan, reply->at, reply->size, &limits) == NR_SCAN_READY;
}

static int64_t open_session(const bench_talk *talk, uint32_t n)
{
    bench_bytes request = { 0 };
    bench_bytes reply = { 0 };
    put_document(talk, n, "open", &request);
    bench_exchange(talk, &request, &reply, is_whole);
    nrbac_document *document = nrbac_document_create();
    nr_rpc answer;
    const char *problem = "";
    if (nr_rpc_read(document, reply.at, reply.size, &answer, &problem) != NRBAC_OK)
        bench_fail("%s", problem);
    int64_t session = nrbac_value_integer(nrbac_value_find(answer.result, "session"));
    if (session == 0)
        bench_fail("nrbacd opens no session");
    nrbac_document_destroy(document);
    free(request.at);
    free(reply.at);
    return session;
}

static void open_sessions(bench_talk *talk)
{
    for (uint32_t n = 0; n < BENCH_ASKED; n++) {
        uint32_t user = talk->requests[n].user;
        if (talk->sessions[user] == 0)
            talk->sessions[user] = open_session(talk, n);
    }
}

/* ---- check ----------------------------------------------------------------------------- */

static void put_check(const bench_talk *talk, uint32_t n, bench_bytes *to)
{
    const bench_request *request = &talk->requests[n];
    nrbac_document *document = nrbac_document_create();
    nrbac_value *params = nrbac_new_list(document);
    nrbac_append(document, params,
                 nrbac_new_integer(document, talk->sessions[request->user]));
    nrbac_append(
        document, params,
        nrbac_new_text(document, talk->workload->activities[request->activity].code));
    put_call(to, n, "check", params);
    nrbac_document_destroy(document);
}

/* The size of an integer or short text at the front, by its first byte. */
static size_t size_of(uint8_t first)
{
    switch (first) {
    case 0xcc:
        return 2;
    case 0xcd:
        return 3;
    case 0xce:
        return 5;
    default: /* a small integer, or a text of up to 31 bytes */
        return (first & 0xe0) == 0xa0 ? 1u + (first & 0x1f) : 1;
    }
}

/* [1, id, nil, [may, reason, generation, []]]: the sizes alone are looked at. */
static size_t take_check(const uint8_t *bytes, size_t size, uint8_t *may)
{
    size_t at = 2;
    if (size < at + 1)
        return 0;
    at += size_of(bytes[at]) + 2; /* id, nil, list */
    if (size < at + 2)
        return 0;
    if (bytes[at - 1] != 0x94 || (bytes[at] & 0xfe) != 0xc2)
        bench_fail("nrbacd answers something else");
    *may = bytes[at] & 1;
    at++;
    at += size_of(bytes[at]); /* reason */
    if (size <= at)
        return 0;
    at += size_of(bytes[at]) + 1; /* generation, obligations */
    return size < at ? 0 : at;
}

/* ---- evaluate --------------------------------------------------------------------------- */

static void put_evaluate(const bench_talk *talk, uint32_t n, bench_bytes *to)
{
    put_document(talk, n, "evaluate", to);
}

static size_t take_evaluate(const uint8_t *bytes, size_t size, uint8_t *may)
{
    static const char key[] = "\xa8"
                              "decision";
    static const nr_scan_limits limits = { 1 << 24, 1 << 16, NR_WIRE_DEPTH_MAX };
    nr_scan scan = { 0 };
    if (nr_scan_next(&scan, bytes, size, &limits) != NR_SCAN_READY)
        return 0;
    const uint8_t *found = NULL;
    for (size_t at = 0; found == NULL && at + sizeof(key) <= scan.at; at++)
        if (memcmp(bytes + at, key, sizeof(key) - 1) == 0)
            found = bytes + at + sizeof(key) - 1;
    if (found == NULL)
        bench_fail("nrbacd answers something else");
    *may = *found & 1;
    return scan.at;
}

static void prepare_nothing(bench_talk *talk)
{
    (void)talk;
}

const bench_protocol bench_check = {
    .name = "check",
    .told_as = "nrbac",
    .prepare = open_sessions,
    .put = put_check,
    .take = take_check,
};
const bench_protocol bench_evaluate = {
    .name = "evaluate",
    .told_as = "nrbac: a CIS2 document",
    .prepare = prepare_nothing,
    .put = put_evaluate,
    .take = take_evaluate,
};
