/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spelling of codes: what is a job role, an activity, an area of work.
 */
#ifndef NR_CODES_H
#define NR_CODES_H

#include "base/hash.h"

typedef enum nr_code_kind {
    NR_CODE_NONE = 0, /* a function's name, or nothing that we know */
    NR_CODE_ROLE,     /* R8000, E1005 */
    NR_CODE_ACTIVITY, /* B0820 */
    NR_CODE_AREA,     /* P0020:Q0300:T0640 */
    NR_CODE_LOCAL,    /* local:..., of any kind */
} nr_code_kind;

enum { NR_CODE_SIZE_MAX = 64 };

/* What a text is spelled like, as a whole. A local code is "local:" and 1 to 58
 * letters, digits, '.', '_' or '-'. */
nr_code_kind nr_code_kind_of(const char *text, size_t size);

/* The job role of a role code as received (S2): the last part of a triple, or
 * the code alone, if it is usable: spelled like a role, or local. NULL if not.
 * The result points into `text`. */
const char *nr_code_role_of(const char *text);

/* Whether a request for this name asks for an activity; else for a function. */
static inline bool nr_code_names_activity(const char *text, size_t size)
{
    nr_code_kind kind = nr_code_kind_of(text, size);
    return kind == NR_CODE_ACTIVITY || kind == NR_CODE_LOCAL;
}

/* The four digits of an activity code as a number; NR_NONE: it is none. All digits at
 * once: each is 0x30 to 0x39, so its upper half is 3, also after adding 6. */
enum { NR_ACTIVITY_CODES = 10000 };
static inline uint32_t nr_code_digits(const char *text, size_t size)
{
    if (size != 5 || text[0] != 'B')
        return NR_NONE;
    uint32_t word = nr_read_u32_le(text + 1);
    uint32_t upper = (word & 0xf0f0f0f0u) | ((word + 0x06060606u) & 0xf0f0f0f0u) >> 4;
    if (upper != 0x33333333u)
        return NR_NONE;
    uint32_t digits = word & 0x0f0f0f0fu;
    uint32_t pairs = (digits * 10 + (digits >> 8)) & 0x00ff00ffu;
    return (pairs * 0x00640001u) >>
           16; /* a hundred times the lower one, and the upper */
}

#endif
