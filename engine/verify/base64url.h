/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64url without padding (RFC 7515), strictly: each run of bytes has exactly one
 * spelling, so that nobody can respell a token that was judged.
 */
#ifndef NR_BASE64URL_H
#define NR_BASE64URL_H

#include "base/base.h"

/* Room for what `size` characters can hold. */
#define NR_BASE64URL_ROOM(size) ((size) / 4 * 3 + 3)

/* False if the text is anything else. */
bool nr_base64url_decode(const char *text, size_t size, uint8_t *out, size_t *out_size);

#endif
