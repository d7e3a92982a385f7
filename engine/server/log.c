/* SPDX-License-Identifier: Apache-2.0 */
#include "server/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_SIZE = 1024 };

void nr_log(const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "nrbacd: %s\n", line);
}

nr_errno_text nr_errno(int number)
{
    nr_errno_text text;
    if (strerror_r(number, text.text, sizeof(text.text)) != 0)
        (void)snprintf(text.text, sizeof(text.text), "error %d", number);
    return text;
}
