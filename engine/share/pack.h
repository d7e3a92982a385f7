/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes MessagePack, the shortest form of each value, with libc alone. wire/ reads it.
 */
#ifndef NR_PACK_H
#define NR_PACK_H

#include "base/base.h"

#include <nrbac/value.h>

/* Bytes that are written as far as there is room, and counted in any case: if `size` is
 * more than `room` in the end, they are to be written again to more room. */
typedef struct nr_packer {
    uint8_t *to;
    size_t room;
    size_t size;
} nr_packer;

void nr_pack_null(nr_packer *packer);
void nr_pack_integer(nr_packer *packer, int64_t integer);
/* NULL: null. Less than 4 GiB. What is not UTF-8 is written as so many question marks:
 * whoever reads it takes nothing else. */
void nr_pack_text(nr_packer *packer, const char *text);
/* So many values follow. */
void nr_pack_list(nr_packer *packer, uint32_t count);
void nr_pack_value(nr_packer *packer, const nrbac_value *value);

#endif
