/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of plain ASCII, which nearly all are: recognised by words. */
#ifndef NR_PLAIN_H
#define NR_PLAIN_H

#include "base/hash.h"

/* Of eight bytes: none is 0 or above 0x7f. */
static inline bool nr_is_plain_word(uint64_t word)
{
    return (((word - UINT64_C(0x0101010101010101)) | word) &
            UINT64_C(0x8080808080808080)) == 0;
}

/* ASCII without NUL; ends are read by words that may overlap. */
static inline bool nr_is_plain(const char *text, size_t size)
{
    if (size < 4) {
        for (size_t i = 0; i < size; i++)
            if ((unsigned char)(text[i] - 1) >= 0x7f)
                return false;
        return true;
    }
    if (size < 8)
        return nr_is_plain_word(nr_read_u32_le(text) |
                                (uint64_t)nr_read_u32_le(text + size - 4) << 32);
    for (size_t at = 0; at + 8 < size; at += 8)
        if (!nr_is_plain_word(nr_read_u64_le(text + at)))
            return false;
    return nr_is_plain_word(nr_read_u64_le(text + size - 8));
}

#endif
