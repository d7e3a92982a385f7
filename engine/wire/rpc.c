/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/rpc.h"

#include <msgpack/pack.h>

const char *nr_fault_slug(nr_fault fault)
{
    switch (fault) {
    case NR_FAULT_NONE:
        break;
#define NRBAC_FAULT(NAME, slug, doc) \
    case NR_FAULT_##NAME:            \
        return slug;
#include <nrbac/fault.def>
#undef NRBAC_FAULT
    }
    return "none";
}

/* ---- Reading --------------------------------------------------------------- */

/* The msgid of a request whose values could not be built: [0, msgid, ... has a
 * fixed place for it, so a pipelining client learns which request failed. */
static void peek_id(const uint8_t *bytes, size_t size, nr_rpc *out)
{
    static const struct {
        uint8_t head;
        uint8_t size;
    } widths[] = { { 0xcc, 1 }, { 0xcd, 2 }, { 0xce, 4 } };

    if (size < 3 || bytes[0] != 0x94 || bytes[1] != 0x00)
        return;
    if (bytes[2] < 0x80) {
        out->has_id = true;
        out->id = bytes[2];
    }
    for (size_t i = 0; i < NR_COUNT(widths); i++) {
        if (bytes[2] != widths[i].head || size < 3u + widths[i].size)
            continue;
        out->has_id = true;
        for (size_t j = 0; j < widths[i].size; j++)
            out->id = out->id << 8 | bytes[3 + j];
    }
}

static bool read_id(const nrbac_value *value, nr_rpc *out)
{
    int64_t id = nrbac_value_integer(value);
    if (nrbac_value_kind(value) != NRBAC_KIND_INTEGER || id < 0 || id > UINT32_MAX)
        return false;
    out->has_id = true;
    out->id = (uint32_t)id;
    return true;
}

static const char *read_call(const nrbac_value *frame, size_t at, nr_rpc *out)
{
    out->method = nrbac_value_text(nrbac_value_at(frame, at));
    out->params = nrbac_value_at(frame, at + 1);
    return out->method == NULL ? "the method is not a text" : NULL;
}

static const char *read_response(const nrbac_value *frame, nr_rpc *out)
{
    const nrbac_value *id = nrbac_value_at(frame, 1);
    if (nrbac_value_kind(id) != NRBAC_KIND_NULL && !read_id(id, out))
        return "the msgid is not an integer from 0 to 4294967295";
    out->error = nrbac_value_at(frame, 2);
    out->result = nrbac_value_at(frame, 3);
    return NULL;
}

/* What is wrong with a frame; NULL: nothing. */
static const char *read_frame(const nrbac_value *frame, nr_rpc *out)
{
    const nrbac_value *kind = nrbac_value_at(frame, 0);
    size_t count = nrbac_value_count(frame);
    if (nrbac_value_kind(frame) != NRBAC_KIND_LIST ||
        nrbac_value_kind(kind) != NRBAC_KIND_INTEGER)
        return "a message is a list that starts with its kind";
    int64_t number = nrbac_value_integer(kind);
    if (number == NR_RPC_NOTIFICATION && count == 3) {
        out->kind = NR_RPC_NOTIFICATION;
        return read_call(frame, 1, out);
    }
    if (count != 4 || (number != NR_RPC_REQUEST && number != NR_RPC_RESPONSE))
        return "a message is [0, msgid, method, params] or [2, method, params]";
    out->kind = (nr_rpc_kind)number;
    if (number == NR_RPC_RESPONSE)
        return read_response(frame, out);
    if (!read_id(nrbac_value_at(frame, 1), out))
        return "the msgid is not an integer from 0 to 4294967295";
    return read_call(frame, 2, out);
}

nrbac_status nr_rpc_read(nrbac_document *document, const uint8_t *bytes, size_t size,
                         nr_rpc *out, const char **problem)
{
    *out = (nr_rpc){ 0 };
    const nrbac_value *frame = NULL;
    nrbac_status status = nr_wire_decode(document, bytes, size, &frame, problem);
    if (status != NRBAC_OK) {
        peek_id(bytes, size, out);
        return status;
    }
    *problem = read_frame(frame, out);
    return *problem == NULL ? NRBAC_OK : NRBAC_E_FORMAT;
}

/* ---- Writing --------------------------------------------------------------- */

static int write_bytes(void *context, const char *bytes, size_t size)
{
    nr_buffer *buffer = context;
    nr_buffer_append(buffer, bytes, size);
    return buffer->failed ? -1 : 0;
}

static void pack_text(msgpack_packer *packer, const char *text)
{
    msgpack_pack_str(packer, strlen(text));
    msgpack_pack_str_body(packer, text, strlen(text));
}

static void start(msgpack_packer *packer, nr_buffer *buffer, nr_rpc_kind kind,
                  const uint32_t *id)
{
    msgpack_packer_init(packer, buffer, write_bytes);
    msgpack_pack_array(packer, 4);
    msgpack_pack_int(packer, (int)kind);
    if (id == NULL)
        msgpack_pack_nil(packer);
    else
        msgpack_pack_uint32(packer, *id);
}

void nr_rpc_write_request(nr_buffer *buffer, uint32_t id, const char *method,
                          const nrbac_value *params)
{
    msgpack_packer packer;
    start(&packer, buffer, NR_RPC_REQUEST, &id);
    pack_text(&packer, method);
    if (params == NULL)
        msgpack_pack_array(&packer, 0);
    else
        nr_wire_encode(buffer, params);
}

void nr_rpc_begin_result(nr_buffer *buffer, uint32_t id)
{
    msgpack_packer packer;
    start(&packer, buffer, NR_RPC_RESPONSE, &id);
    msgpack_pack_nil(&packer);
}

void nr_rpc_write_result(nr_buffer *buffer, uint32_t id, const nrbac_value *result)
{
    nr_rpc_begin_result(buffer, id);
    nr_wire_encode(buffer, result);
}

void nr_rpc_write_fault(nr_buffer *buffer, const uint32_t *id, nr_fault fault,
                        const char *text)
{
    msgpack_packer packer;
    start(&packer, buffer, NR_RPC_RESPONSE, id);
    msgpack_pack_map(&packer, 2);
    pack_text(&packer, "code");
    pack_text(&packer, nr_fault_slug(fault));
    pack_text(&packer, "message");
    pack_text(&packer, text);
    msgpack_pack_nil(&packer);
}
