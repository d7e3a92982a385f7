/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in hexadecimal.
 */
#ifndef NR_HEX_H
#define NR_HEX_H

#include "base/base.h"

/* What a digit of either case stands for; -1: it is none. */
int nr_hex_digit(char digit);
/* Bytes as lower-case hex with a NUL: `text` has room for 2 * size + 1. */
void nr_hex_write(const uint8_t *bytes, size_t size, char *text);
/* Exactly `size` bytes from lower-case hex, so that they have one spelling; false: it is
 * not that. */
bool nr_hex_read(const char *text, size_t size, uint8_t *bytes);

#endif
