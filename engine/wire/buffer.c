/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 256 };

static bool reserve(nr_buffer *buffer, size_t size)
{
    if (size > SIZE_MAX / 4 - buffer->size)
        return false;
    size_t room = buffer->room == 0 ? FIRST_ROOM : buffer->room;
    while (room < buffer->size + size)
        room *= 2;
    if (room == buffer->room)
        return true;
    uint8_t *bytes = realloc(buffer->bytes, room);
    if (bytes == NULL)
        return false;
    buffer->bytes = bytes;
    buffer->room = room;
    return true;
}

uint8_t *nr_buffer_grow(nr_buffer *buffer, size_t size)
{
    if (!buffer->failed && !reserve(buffer, size))
        buffer->failed = true;
    return buffer->failed ? NULL : buffer->bytes + buffer->size;
}

void nr_buffer_append(nr_buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *at = size == 0 ? NULL : nr_buffer_room(buffer, size);
    if (at == NULL)
        return;
    memcpy(at, bytes, size);
    buffer->size += size;
}

enum { TEXT_HEAD_MAX = 5 };

static inline uint8_t *put_text_head(uint8_t *at, size_t size)
{
    if (size < 32) {
        *at = (uint8_t)(0xa0 | size);
        return at + 1;
    }
    unsigned wide = size <= UINT8_MAX ? 0 : size <= UINT16_MAX ? 1 : 2;
    *at++ = (uint8_t)(0xd9 + wide);
    for (unsigned i = 1u << wide; i-- > 0;)
        *at++ = (uint8_t)(size >> (8 * i));
    return at;
}

void nr_buffer_append_text(nr_buffer *buffer, const char *text, size_t size)
{
    if (size > UINT32_MAX)
        buffer->failed = true;
    uint8_t *at = nr_buffer_room(buffer, TEXT_HEAD_MAX + size);
    if (at == NULL)
        return;
    at = put_text_head(at, size);
    memcpy(at, text, size);
    buffer->size = (size_t)(at - buffer->bytes) + size;
}

void nr_buffer_drop(nr_buffer *buffer, size_t size)
{
    if (size == 0)
        return;
    buffer->size -= size;
    memmove(buffer->bytes, buffer->bytes + size, buffer->size);
}

void nr_buffer_finish(nr_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (nr_buffer){ 0 };
}
