/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to values: msgpack-c's unpacking template with callbacks that build
 * straight into the document. The message has been scanned, so the template
 * meets whole values, bounded in depth and number.
 */
#include "wire/plain.h"
#include "wire/wire.h"

#include "base/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The template's own stack: one more than the scan lets through. */
#define MSGPACK_EMBED_STACK_SIZE 65

#include <msgpack/pack_define.h>
#include <msgpack/unpack_define.h>

/* What the template calls a memory and a parse error. */
#define MSGPACK_UNPACK_NOMEM_ERROR (-2)
#define MSGPACK_UNPACK_PARSE_ERROR (-1)

typedef struct builder {
    nrbac_document *document;
    size_t size; /* of the message, which has no more items than bytes */
    const char *problem;
} builder;

typedef struct built {
    nrbac_value *value;
    uint32_t expected; /* a map's members */
} built;

static int refuse(builder *user, const char *problem)
{
    user->problem = problem;
    return MSGPACK_UNPACK_PARSE_ERROR;
}

static int keep(nrbac_value *value, built *out)
{
    *out = (built){ .value = value };
    return value == NULL ? MSGPACK_UNPACK_NOMEM_ERROR : 0;
}

/* How many bytes the character at `at` has; 0 if it is not UTF-8 (RFC 3629) or
 * is NUL. */
static size_t character_size(const uint8_t *at, size_t left)
{
    if (at[0] < 0x80)
        return at[0] != 0;
    size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool beyond = (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf4 && at[1] > 0x8f);
    return overlong || beyond ? 0 : size;
}

static bool is_text(const uint8_t *bytes, size_t size)
{
    if (nr_is_plain((const char *)bytes, size))
        return true;
    for (size_t at = 0; at < size;) {
        size_t step = character_size(bytes + at, size - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

static int compare_keys(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Sorted, since a map may have as many members as a message may have elements. */
static bool has_twins_of_many(const char **keys, size_t count)
{
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 1; i < count; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return true;
    return false;
}

static bool has_twins_of_few(const char *const *keys, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t other = 0; other < i; other++)
            if (*keys[i] == *keys[other] && strcmp(keys[i], keys[other]) == 0)
                return true;
    return false;
}

static int check_keys(builder *user, const nrbac_value *map)
{
    enum { FEW = 16 };
    size_t count = map->map.count;
    const char *few[FEW];
    const char **keys = few;
    if (count > FEW)
        keys = nr_arena_new_array(&user->document->arena, count, const char *);
    if (keys == NULL)
        return MSGPACK_UNPACK_NOMEM_ERROR;
    for (size_t i = 0; i < count; i++)
        keys[i] = map->map.items[i].key;
    bool twins = count > FEW ? has_twins_of_many(keys, count)
                             : has_twins_of_few(keys, count);
    return twins ? refuse(user, "a map has the same key twice") : 0;
}

/* ---- The template's callbacks ---------------------------------------------- */

static built on_root(builder *user)
{
    (void)user;
    return (built){ 0 };
}

static int on_int64(builder *user, int64_t integer, built *out)
{
    return keep(nrbac_new_integer(user->document, integer), out);
}

static int on_uint64(builder *user, uint64_t integer, built *out)
{
    if (integer > INT64_MAX)
        return refuse(user, "an integer is beyond 64 bits with sign");
    return on_int64(user, (int64_t)integer, out);
}

static int on_uint8(builder *user, uint8_t integer, built *out)
{
    return on_int64(user, integer, out);
}

static int on_uint16(builder *user, uint16_t integer, built *out)
{
    return on_int64(user, integer, out);
}

static int on_uint32(builder *user, uint32_t integer, built *out)
{
    return on_int64(user, integer, out);
}

static int on_int8(builder *user, int8_t integer, built *out)
{
    return on_int64(user, integer, out);
}

static int on_int16(builder *user, int16_t integer, built *out)
{
    return on_int64(user, integer, out);
}

static int on_int32(builder *user, int32_t integer, built *out)
{
    return on_int64(user, integer, out);
}

static int on_double(builder *user, double real, built *out)
{
    if (!isfinite(real))
        return refuse(user, "a number is not finite");
    return keep(nrbac_new_real(user->document, real), out);
}

static int on_float(builder *user, float real, built *out)
{
    return on_double(user, (double)real, out);
}

static int on_nil(builder *user, built *out)
{
    return keep(nrbac_new_null(user->document), out);
}

static int on_true(builder *user, built *out)
{
    return keep(nrbac_new_boolean(user->document, true), out);
}

static int on_false(builder *user, built *out)
{
    return keep(nrbac_new_boolean(user->document, false), out);
}

static size_t room_for(const builder *user, unsigned count)
{
    return count < user->size ? count : user->size;
}

static int on_array(builder *user, unsigned count, built *out)
{
    int result = keep(nrbac_new_list(user->document), out);
    if (result != 0 || count == 0)
        return result;
    out->value->list.room = room_for(user, count);
    out->value->list.items = nr_arena_new_array(&user->document->arena,
                                                out->value->list.room, nrbac_value *);
    return out->value->list.items == NULL ? MSGPACK_UNPACK_NOMEM_ERROR : 0;
}

static int on_array_item(builder *user, built *list, built item)
{
    return nrbac_append(user->document, list->value, item.value) == NULL
               ? MSGPACK_UNPACK_NOMEM_ERROR
               : 0;
}

static int on_map(builder *user, unsigned count, built *out)
{
    int result = keep(nrbac_new_map(user->document), out);
    out->expected = count;
    if (result != 0 || count == 0)
        return result;
    out->value->map.room = room_for(user, count);
    out->value->map.items = nr_arena_new_array(&user->document->arena,
                                               out->value->map.room, nr_member);
    return out->value->map.items == NULL ? MSGPACK_UNPACK_NOMEM_ERROR : 0;
}

/* The key's text is the document's already. */
static int on_map_item(builder *user, built *map, built key, built item)
{
    const char *text = nrbac_value_text(key.value);
    if (text == NULL)
        return refuse(user, "a map has a key that is not a text");
    if (nr_set_lasting(user->document, map->value, text, item.value) == NULL)
        return MSGPACK_UNPACK_NOMEM_ERROR;
    return map->value->map.count == map->expected ? check_keys(user, map->value) : 0;
}

static int on_str(builder *user, const char *base, const char *text, unsigned size,
                  built *out)
{
    (void)base;
    if (!is_text((const uint8_t *)text, size))
        return refuse(user, "a text is not UTF-8 or holds a NUL");
    return keep(nrbac_new_text_of(user->document, text, size), out);
}

static int on_bin(builder *user, const char *base, const char *bytes, unsigned size,
                  built *out)
{
    (void)base, (void)bytes, (void)size, (void)out;
    return refuse(user, "binary is not part of the protocol: send texts as str");
}

static int on_ext(builder *user, const char *base, const char *bytes, unsigned size,
                  built *out)
{
    (void)base, (void)bytes, (void)size, (void)out;
    return refuse(user, "extension types are not part of the protocol");
}

#define msgpack_unpack_struct(name)    struct unpack##name
#define msgpack_unpack_func(ret, name) static ret unpack##name
#define msgpack_unpack_callback(name)  on##name
#define msgpack_unpack_object          built
#define msgpack_unpack_user            builder
#include <msgpack/unpack_template.h>

nrbac_status nr_wire_decode(nrbac_document *document, const uint8_t *bytes, size_t size,
                            const nrbac_value **value, const char **problem)
{
    struct unpack_context context;
    context.user = (builder){ .document = document,
                              .size = size,
                              .problem = "not MessagePack" };
    unpack_init(&context);
    size_t at = 0;
    int result = unpack_execute(&context, (const char *)bytes, size, &at);
    *value = result == 1 && at == size ? unpack_data(&context).value : NULL;
    *problem = *value == NULL ? context.user.problem : NULL;
    if (result == MSGPACK_UNPACK_NOMEM_ERROR)
        return NRBAC_E_MEMORY;
    return *value == NULL ? NRBAC_E_FORMAT : NRBAC_OK;
}
