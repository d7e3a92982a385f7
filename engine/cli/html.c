/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/html.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

static void put_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(*text, out);
            break;
        }
    }
}

void nr_html(FILE *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    for (const char *at = format; *at != '\0';) {
        size_t size = strcspn(at, "%");
        (void)fwrite(at, 1, size, out);
        at += size;
        if (strncmp(at, "%s", 2) == 0) {
            put_escaped(out, va_arg(arguments, const char *));
            at += 2;
        } else if (strncmp(at, "%zu", 3) == 0) {
            fprintf(out, "%zu", va_arg(arguments, size_t));
            at += 3;
        } else {
            assert(*at == '\0');
            break;
        }
    }
    va_end(arguments);
}
