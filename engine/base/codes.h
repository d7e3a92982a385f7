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
 * once: without the upper half that digits share, each is at most 9, so that 0x76 more
 * stays below 0x80. The first digit's byte is the lowest. */
enum { NR_ACTIVITY_CODES = 10000 };
static inline uint32_t nr_code_digits(const char *text, size_t size)
{
    if (size != 5 || text[0] != 'B')
        return NR_NONE;
    uint32_t digits = nr_read_u32_le(text + 1) ^ 0x30303030u;
    if ((((digits + 0x76767676u) | digits) & 0x80808080u) != 0)
        return NR_NONE;
    /* Ten times each and the next one; then a hundred times the lower pair and the
     * upper one. */
    uint32_t pairs = (digits * (10 << 8 | 1)) >> 8 & 0x00ff00ffu;
    return (pairs * (100 << 16 | 1)) >> 16;
}

#endif
