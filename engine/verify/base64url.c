/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/base64url.h"

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

bool nr_base64url_decode(const char *text, size_t size, uint8_t *out, size_t *out_size)
{
    uint32_t bits = 0;
    unsigned held = 0; /* how many bits are waiting for their byte */
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        int digit = digit_of(text[i]);
        if (digit < 0)
            return false;
        bits = (bits << 6 | (uint32_t)digit) & 0xffffu;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[count++] = (uint8_t)(bits >> held & 0xffu);
        }
    }
    *out_size = count;
    /* What is left are the zeros that fill the last character. */
    return size % 4 != 1 && (bits & ((1u << held) - 1)) == 0;
}
