/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source line is shown as it looks in an editor: tabs reach the next column
 * that is a multiple of four, and of a long line only the part around the place
 * is shown. Carets stand under characters, not bytes. A lint is also known by its
 * slug, which stands behind.
 */
#include "text/render.h"

#include "text/character.h"

#include <string.h>

enum { TAB = 4, SHOWN = 100, BEFORE = 60 };

/* Which characters of the line are shown, from 0; `more` stands where it is cut. */
typedef struct shown_part {
    uint32_t first;
    uint32_t last; /* one beyond */
} shown_part;

static const char more[] = "...";

static uint32_t count_characters(const char *text)
{
    const char *end = text + strlen(text);
    uint32_t count = 0;
    for (; text < end; text += nr_character_size(text, end))
        count++;
    return count;
}

static shown_part window_of(const nrbac_diagnostic *diagnostic)
{
    uint32_t size = count_characters(diagnostic->source_line);
    if (size <= SHOWN)
        return (shown_part){ 0, size };
    uint32_t column = diagnostic->column - 1;
    uint32_t first = column > BEFORE ? column - BEFORE : 0;
    if (first + SHOWN > size)
        first = size - SHOWN;
    return (shown_part){ first, first + SHOWN };
}

/* Writes a character at a screen column; the column after it. */
static uint32_t put(const char *at, size_t size, uint32_t column, FILE *out)
{
    if (*at != '\t') {
        fwrite(at, 1, size, out);
        return column + 1;
    }
    do {
        fputc(' ', out);
        column++;
    } while (column % TAB != 0);
    return column;
}

static void put_line(const nrbac_diagnostic *diagnostic, shown_part window, FILE *out)
{
    const char *text = diagnostic->source_line;
    const char *end = text + strlen(text);
    uint32_t column = 0;
    fprintf(out, "%5u | %s", diagnostic->line, window.first == 0 ? "" : more);
    for (uint32_t n = 0; text < end && n < window.last; n++) {
        size_t size = nr_character_size(text, end);
        if (n >= window.first)
            column = put(text, size, column, out);
        text += size;
    }
    fprintf(out, "%s\n", text < end ? more : "");
}

static uint32_t next_stop(uint32_t column, char c)
{
    return c == '\t' ? (column / TAB + 1) * TAB : column + 1;
}

/* The carets, under the same columns as the line above. */
static void put_carets(const nrbac_diagnostic *diagnostic, shown_part window, FILE *out)
{
    const char *text = diagnostic->source_line;
    const char *end = text + strlen(text);
    uint32_t from = diagnostic->column - 1;
    uint32_t to = from + diagnostic->width;
    uint32_t column = 0;
    fprintf(out, "      | %s", window.first == 0 ? "" : "   ");
    for (uint32_t n = 0; n < window.last || n == from; n++) {
        char c = ' ';
        if (text < end)
            c = *text;
        if (text < end)
            text += nr_character_size(text, end);
        if (n < window.first)
            continue;
        uint32_t next = next_stop(column, c);
        if (n >= to)
            break;
        for (; column < next; column++)
            fputc(n >= from ? '^' : ' ', out);
    }
    fputc('\n', out);
}

static void put_place(const char *file, uint32_t line, uint32_t column, FILE *out)
{
    fputs(file, out);
    if (line != 0)
        fprintf(out, ":%u:%u", line, column);
}

/* Lints count from P101, and stay lints where they are taken for errors. */
static bool is_lint(const nrbac_diagnostic *diagnostic)
{
    return strncmp(diagnostic->code, "P0", 2) != 0;
}

void nr_diag_render(const nrbac_diagnostic *diagnostic, unsigned flags, FILE *out)
{
    bool error = diagnostic->severity == NRBAC_SEVERITY_ERROR ||
                 (flags & NR_RENDER_STRICT) != 0;
    put_place(diagnostic->file, diagnostic->line, diagnostic->column, out);
    fprintf(out, ": %s[%s]: %s", error ? "error" : "warning", diagnostic->code,
            diagnostic->message);
    if (is_lint(diagnostic))
        fprintf(out, " (%s)", diagnostic->slug);
    fputc('\n', out);
    if (diagnostic->line != 0 && diagnostic->source_line != NULL) {
        shown_part window = window_of(diagnostic);
        put_line(diagnostic, window, out);
        put_carets(diagnostic, window, out);
    }
    if (diagnostic->related_file != NULL) {
        fprintf(out, "      = note: %s ", diagnostic->related_message);
        put_place(diagnostic->related_file, diagnostic->related_line,
                  diagnostic->related_column, out);
        fputc('\n', out);
    }
    if (diagnostic->help != NULL)
        fprintf(out, "      = help: %s\n", diagnostic->help);
}
