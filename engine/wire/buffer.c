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
