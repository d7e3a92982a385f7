/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each take_ function reads one thing at `at`, which may be `end`, and returns what
 * follows it; NULL: it is something else, or cut.
 */
#include "wire/quick.h"

#include "wire/plain.h"

/* ---- Reading --------------------------------------------------------------- */

static uint64_t big_endian(const uint8_t *at, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | at[i];
    return number;
}

/* uint 8 to 64, cc to cf, and int 8 to 64, d0 to d3. Of int, and of uint 64, which
 * the protocol reads with a sign, the highest bit means that it is not our number. */
NR_APART static const uint8_t *take_wide_number(const uint8_t *at, const uint8_t *end,
                                                uint64_t *out)
{
    uint8_t head = *at++;
    if (head < 0xcc || head > 0xd3)
        return NULL;
    size_t size = (size_t)1 << (head & 3);
    if ((size_t)(end - at) < size)
        return NULL;
    if (head >= 0xcf && (*at & 0x80) != 0)
        return NULL;
    *out = big_endian(at, size);
    return at + size;
}

static inline const uint8_t *take_number(const uint8_t *at, const uint8_t *end,
                                         uint64_t *out)
{
    if (at == end)
        return NULL;
    *out = *at;
    return *at < 0x80 ? at + 1 : take_wide_number(at, end, out);
}

/* A length of 1, 2 or 4 bytes behind a head, for one of `least` to `least` + 2. */
NR_APART static const uint8_t *take_length(const uint8_t *at, const uint8_t *end,
                                           uint8_t least, uint32_t *out)
{
    uint8_t width = (uint8_t)(*at++ - least);
    if (width > 2 || (size_t)(end - at) < (size_t)1 << width)
        return NULL;
    *out = (uint32_t)big_endian(at, (size_t)1 << width);
    return at + ((size_t)1 << width);
}

/* How many items a list has. */
static inline const uint8_t *take_list(const uint8_t *at, const uint8_t *end,
                                       uint32_t *out)
{
    if (at == end)
        return NULL;
    *out = *at & 0x0fu;
    if ((*at & 0xf0) == 0x90)
        return at + 1;
    if (*at < 0xdc)
        return NULL;
    return take_length(at, end, 0xdb, out); /* array 16 and 32; there is no array 8 */
}

static inline const uint8_t *take_text(const uint8_t *at, const uint8_t *end,
                                       const char **text, uint32_t *size)
{
    if (at == end)
        return NULL;
    *size = *at & 0x1fu;
    at = (*at & 0xe0) == 0xa0 ? at + 1 : take_length(at, end, 0xd9, size);
    if (at == NULL || (size_t)(end - at) < *size)
        return NULL;
    *text = (const char *)at;
    return at + *size;
}

static inline const uint8_t *take_name(const uint8_t *at, const uint8_t *end,
                                       nr_quick_name *out)
{
    const uint8_t *after = take_text(at, end, &out->text, &out->size);
    if (after != NULL)
        return after;
    uint64_t number;
    after = take_number(at, end, &number);
    if (after == NULL || number > UINT32_MAX)
        return NULL;
    *out = (nr_quick_name){ .number = (uint32_t)number };
    return after;
}

static inline bool is_sound(const nr_quick_name *name, uint32_t numbers)
{
    if (name->text != NULL)
        return nr_is_plain(name->text, name->size);
    return name->number >= 1 && name->number <= numbers;
}

static const uint8_t *take_names(const uint8_t *at, const uint8_t *end,
                                 uint32_t numbers, nr_quick *out)
{
    at = take_list(at, end, &out->count);
    out->next = at;
    out->end = end;
    for (uint32_t i = 0; i < out->count && at != NULL; i++) {
        nr_quick_name name;
        at = take_name(at, end, &name);
        if (at != NULL && !is_sound(&name, numbers))
            return NULL;
    }
    return at;
}

static const uint8_t *take_only_name(const uint8_t *at, const uint8_t *end,
                                     uint32_t numbers, nr_quick *out)
{
    out->count = 1;
    at = take_name(at, end, &out->name);
    return at != NULL && is_sound(&out->name, numbers) ? at : NULL;
}

/* [0, ... */
static inline const uint8_t *take_kind(const uint8_t *at, const uint8_t *end)
{
    uint32_t items;
    uint64_t kind;
    if ((at = take_list(at, end, &items)) == NULL || items != 4 ||
        (at = take_number(at, end, &kind)) == NULL || kind != 0)
        return NULL;
    return at;
}

/* The method, which says what is asked for. */
static const uint8_t *take_method(const uint8_t *at, const uint8_t *end, nr_quick *out)
{
    const char *text;
    uint32_t size;
    at = take_text(at, end, &text, &size);
    if (at == NULL)
        return NULL;
    out->many = size == 10 && memcmp(text, "check_many", 10) == 0;
    bool one = size == 5 && memcmp(text, "check", 5) == 0;
    return one || out->many ? at : NULL;
}

/* [0, id, method, [session, ... */
static const uint8_t *take_start(const uint8_t *at, const uint8_t *end, nr_quick *out)
{
    uint64_t id, session;
    uint32_t items;
    if ((at = take_kind(at, end)) == NULL || (at = take_number(at, end, &id)) == NULL ||
        id > UINT32_MAX || (at = take_method(at, end, out)) == NULL ||
        (at = take_list(at, end, &items)) == NULL || items != 2 ||
        (at = take_number(at, end, &session)) == NULL)
        return NULL;
    out->id = (uint32_t)id;
    out->session = (int64_t)session;
    return at;
}

NR_APART static const uint8_t *take_any(const uint8_t *at, const uint8_t *end,
                                        uint32_t numbers, nr_quick *out)
{
    at = take_start(at, end, out);
    if (at == NULL)
        return NULL;
    return out->many ? take_names(at, end, numbers, out)
                     : take_only_name(at, end, numbers, out);
}

/* ---- As nearly everybody writes it ------------------------------------------------ */

/* A number of the first three widths, of three bytes that are there. */
static inline const uint8_t *take_short(const uint8_t *at, uint32_t *out)
{
    *out = *at;
    if (*at < 0x80)
        return at + 1;
    *out = at[1];
    if (*at == 0xcc)
        return at + 2;
    *out = (uint32_t)at[1] << 8 | at[2];
    return *at == 0xcd ? at + 3 : NULL;
}

/* [0, id, "check", [session, text]] with short numbers and a short text: the same as
 * above, but without a call and with hardly a look at where the bytes end. */
enum { USUAL_LEAST = 2 + 3 + 8 + 3 + 1 };
static inline const uint8_t *take_usual(const uint8_t *at, const uint8_t *end,
                                        nr_quick *out)
{
    static const char call[] = "\xa5"
                               "check"
                               "\x92";
    uint32_t session;
    if (end - at < USUAL_LEAST || at[0] != 0x94 || at[1] != 0 ||
        (at = take_short(at + 2, &out->id)) == NULL ||
        (nr_read_u64_le(at) ^ nr_read_u64_le(call)) << 8 != 0 ||
        (at = take_short(at + 7, &session)) == NULL || (*at & 0xe0) != 0xa0)
        return NULL;
    uint32_t size = *at++ & 0x1fu;
    if ((size_t)(end - at) < size || !nr_is_plain((const char *)at, size))
        return NULL;
    out->session = session;
    out->many = false;
    out->count = 1;
    out->name = (nr_quick_name){ .text = (const char *)at, .size = size };
    return at + size;
}

enum {
    MESSAGE_ITEMS = 4 + 2, /* beside the names of many */
    MESSAGE_DEPTH = 3,
};

bool nr_quick_read(const uint8_t *bytes, size_t size, const nr_scan_limits *limits,
                   uint32_t numbers, nr_quick *out)
{
    const uint8_t *end = bytes + size;
    const uint8_t *at = take_usual(bytes, end, out);
    if (at == NULL)
        at = take_any(bytes, end, numbers, out);
    if (at == NULL)
        return false;
    out->size = (size_t)(at - bytes);
    size_t elements = MESSAGE_ITEMS + (out->many ? (size_t)out->count : 0);
    return out->size <= limits->size && elements <= limits->elements &&
           limits->depth >= MESSAGE_DEPTH;
}

nr_quick_name nr_quick_next(nr_quick *quick)
{
    nr_quick_name name = { 0 };
    quick->next = take_name(quick->next, quick->end, &name);
    return name;
}

/* ---- Writing --------------------------------------------------------------- */

/* Each reason as it is sent, and in one size, so that it is copied without a loop. */
typedef struct slug {
    uint8_t head;
    char text[31];
} slug;

#define NRBAC_REASON(number, name, words, effect, message, doc) \
    _Static_assert(sizeof(words) - 1 < sizeof(((slug *)0)->text), "a short text");
#include <nrbac/reason.def>
#undef NRBAC_REASON

static const slug slugs[] = {
#define NRBAC_REASON(number, name, words, effect, message, doc) \
    [number] = { 0xa0 | (sizeof(words) - 1), words },
#include <nrbac/reason.def>
#undef NRBAC_REASON
};

static inline const slug *slug_of(nrbac_reason reason)
{
    static const slug unknown = { 0xae, "unknown-reason" };
    bool known = (size_t)reason < NR_COUNT(slugs) && slugs[reason].head != 0;
    return known ? &slugs[reason] : &unknown;
}

static inline uint8_t *put_big_endian(uint8_t *at, uint8_t head, uint32_t number,
                                      unsigned size)
{
    *at++ = head;
    for (unsigned i = size; i-- > 0;)
        *at++ = (uint8_t)(number >> (8 * i));
    return at;
}

static inline uint8_t *put_number(uint8_t *at, uint32_t number)
{
    if (number < 0x80) {
        *at = (uint8_t)number;
        return at + 1;
    }
    if (number <= UINT8_MAX)
        return put_big_endian(at, 0xcc, number, 1);
    return number <= UINT16_MAX ? put_big_endian(at, 0xcd, number, 2)
                                : put_big_endian(at, 0xce, number, 4);
}

static inline uint8_t *put_list(uint8_t *at, uint32_t count)
{
    if (count < 16) {
        *at = (uint8_t)(0x90 | count);
        return at + 1;
    }
    return count <= UINT16_MAX ? put_big_endian(at, 0xdc, count, 2)
                               : put_big_endian(at, 0xdd, count, 4);
}

enum { BEGIN_ROOM = 16, ROW_ROOM = 64 }; /* more than either can take */

static inline uint8_t *put_begin(uint8_t *at, const nr_quick *quick)
{
    at[0] = 0x94;
    at[1] = 1; /* a response */
    at = put_number(at + 2, quick->id);
    *at = 0xc0; /* no error */
    return at + 1;
}

/* All of a row but the obligations that are in its list. */
static inline uint8_t *put_row(uint8_t *at, const nrbac_decision *decision)
{
    const slug *reason = slug_of(decision->reason);
    at[0] = 0x94;
    at[1] = decision->effect == NRBAC_PERMIT ? 0xc3 : 0xc2;
    memcpy(at + 2, reason, sizeof(*reason));
    at = put_number(at + 3 + (reason->head & 0x1f), decision->generation);
    return put_list(at, decision->obligation_count);
}

static inline void end_row(nr_buffer *buffer, const uint8_t *at,
                           const nrbac_decision *decision)
{
    buffer->size = (size_t)(at - buffer->bytes);
    for (uint32_t i = 0; i < decision->obligation_count; i++)
        nr_buffer_append_text(buffer, decision->obligations[i],
                              strlen(decision->obligations[i]));
}

void nr_quick_answer(nr_buffer *buffer, const nr_quick *quick,
                     const nrbac_decision *decision)
{
    uint8_t *at = nr_buffer_room(buffer, BEGIN_ROOM + ROW_ROOM);
    if (at != NULL)
        end_row(buffer, put_row(put_begin(at, quick), decision), decision);
}

void nr_quick_begin(nr_buffer *buffer, const nr_quick *quick)
{
    uint8_t *at = nr_buffer_room(buffer, BEGIN_ROOM);
    if (at != NULL)
        buffer->size = (size_t)(put_list(put_begin(at, quick), quick->count) -
                                buffer->bytes);
}

void nr_quick_row(nr_buffer *buffer, const nrbac_decision *decision)
{
    uint8_t *at = nr_buffer_room(buffer, ROW_ROOM);
    if (at != NULL)
        end_row(buffer, put_row(at, decision), decision);
}
