/* SPDX-License-Identifier: Apache-2.0 */
#include "base/value.h"
#include "wire/wire.h"

#include <msgpack/pack.h>

static int write_bytes(void *context, const char *bytes, size_t size)
{
    nr_buffer *buffer = context;
    nr_buffer_append(buffer, bytes, size);
    return buffer->failed ? -1 : 0;
}

static void pack(msgpack_packer *packer, const nrbac_value *value);

static void pack_list(msgpack_packer *packer, const nrbac_value *list)
{
    msgpack_pack_array(packer, list->list.count);
    for (size_t i = 0; i < list->list.count; i++)
        pack(packer, list->list.items[i]);
}

static void pack_map(msgpack_packer *packer, const nrbac_value *map)
{
    msgpack_pack_map(packer, map->map.count);
    for (size_t i = 0; i < map->map.count; i++) {
        const nr_member *member = &map->map.items[i];
        nr_buffer_append_text(packer->data, member->key, strlen(member->key));
        pack(packer, member->value);
    }
}

/* As deep as the value is: whoever built it bounded that. */
static void pack(msgpack_packer *packer, const nrbac_value *value)
{
    switch (nrbac_value_kind(value)) {
    case NRBAC_KIND_NULL:
        msgpack_pack_nil(packer);
        break;
    case NRBAC_KIND_BOOLEAN:
        if (value->boolean)
            msgpack_pack_true(packer);
        else
            msgpack_pack_false(packer);
        break;
    case NRBAC_KIND_INTEGER:
        msgpack_pack_int64(packer, value->integer);
        break;
    case NRBAC_KIND_REAL:
        msgpack_pack_double(packer, value->real);
        break;
    case NRBAC_KIND_TEXT:
        nr_buffer_append_text(packer->data, value->text.bytes, value->text.size);
        break;
    case NRBAC_KIND_LIST:
        pack_list(packer, value);
        break;
    case NRBAC_KIND_MAP:
        pack_map(packer, value);
        break;
    }
}

void nr_wire_encode(nr_buffer *buffer, const nrbac_value *value)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, buffer, write_bytes);
    pack(&packer, value);
}

enum { LIST_HEAD = 5 }; /* array 32: its kind and four bytes of length */

size_t nr_wire_open_list(nr_buffer *buffer, const char *key)
{
    static const uint8_t head[LIST_HEAD] = { 0xdd };
    msgpack_packer packer;
    msgpack_packer_init(&packer, buffer, write_bytes);
    msgpack_pack_map(&packer, 1);
    nr_buffer_append_text(buffer, key, strlen(key));
    nr_buffer_append(buffer, head, sizeof(head));
    return buffer->size - LIST_HEAD;
}

void nr_wire_close_list(nr_buffer *buffer, size_t list, uint32_t count)
{
    if (buffer->failed)
        return;
    for (unsigned i = 1; i < LIST_HEAD; i++)
        buffer->bytes[list + i] = (uint8_t)(count >> (8 * (LIST_HEAD - 1 - i)));
}
