/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

int nr_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

void nr_hex_write(const uint8_t *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = '\0';
}

static int lower_digit(char digit)
{
    return digit >= 'A' && digit <= 'F' ? -1 : nr_hex_digit(digit);
}

bool nr_hex_read(const char *text, size_t size, uint8_t *bytes)
{
    for (size_t i = 0; i < size; i++) {
        int high = lower_digit(text[2 * i]);
        int low = high < 0 ? -1 : lower_digit(text[2 * i + 1]);
        if (low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * size] == '\0';
}
