/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that no policy needs. Line ends other than LF and CR LF would make lines
 * that YAML counts and people do not; bidirectional controls show a reader another
 * text than the parser sees; both are refused, like all other control characters.
 */
#include "text/yaml_guard.h"

#include "text/character.h"

#include <string.h>

size_t nr_yaml_mark_size(const nr_source *source)
{
    bool marked = source->size >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0;
    return marked ? 3 : 0;
}

static bool refuse(nr_diags *diags, nr_span at, const char *what)
{
    nr_diag *diag = nr_diag_add(diags, NR_DIAG_NOT_TEXT, at, "%s", what);
    nr_diag_help(diags, diag, "save the file as UTF-8 text without control characters");
    return false;
}

/* One character; false after a diagnostic. */
static bool look_at(const nr_source *source, const char *at, size_t *size,
                    nr_diags *diags)
{
    const char *end = source->text + source->size;
    uint32_t offset = (uint32_t)(at - source->text);
    nr_span span = { source, offset, offset + 1 };
    uint32_t code = 0;
    *size = nr_character_decode(at, end, &code);
    if (*size == 0)
        return refuse(diags, span, "the file is not valid UTF-8 here");
    if (code == 0)
        return refuse(diags, span, "a NUL byte is not text");
    if (code == '\r' && (at + 1 == end || at[1] != '\n'))
        return refuse(diags, span, "a carriage return without a line feed");
    span.end = offset + (uint32_t)*size;
    if (code == '\n' || code == '\r' || code == '\t' || nr_character_is_plain(code))
        return true;
    nr_diag *diag = nr_diag_add(diags, NR_DIAG_NOT_TEXT, span,
                                "the control character U+%04X is not allowed", code);
    nr_diag_help(diags, diag, "write what it stands for as an escape in double quotes");
    return false;
}

static bool line_is_short(const nr_source *source, uint32_t start, uint32_t end,
                          nr_diags *diags)
{
    if (end - start <= NR_SOURCE_LINE_MAX)
        return true;
    nr_span at = { source, start, start + 1 };
    nr_diag *diag = nr_diag_add(diags, NR_DIAG_TOO_LARGE, at,
                                "a line longer than %d bytes", NR_SOURCE_LINE_MAX);
    nr_diag_help(diags, diag, "write lists over several lines");
    return false;
}

/* A tab in front of a line's text would be invisible structure. */
static bool no_tab_indents(const nr_source *source, uint32_t start, uint32_t end,
                           nr_diags *diags)
{
    uint32_t at = start;
    while (at < end && source->text[at] == ' ')
        at++;
    if (at == end || source->text[at] != '\t')
        return true;
    nr_span span = { source, at, at + 1 };
    nr_diag *diag = nr_diag_add(diags, NR_DIAG_YAML_SYNTAX, span,
                                "a tab cannot indent");
    nr_diag_help(diags, diag, "indent with spaces");
    return false;
}

bool nr_yaml_guard(const nr_source *source, nr_diags *diags)
{
    uint32_t line = (uint32_t)nr_yaml_mark_size(source);
    uint32_t size = (uint32_t)source->size;
    for (uint32_t at = line; at < size;) {
        size_t step = 1;
        char c = source->text[at];
        bool usual = c >= ' ' && c < 0x7f;
        if (!usual && !look_at(source, source->text + at, &step, diags))
            return false;
        at += (uint32_t)step;
        if (c != '\n' && at < size)
            continue;
        if (!line_is_short(source, line, at, diags) ||
            !no_tab_indents(source, line, at, diags))
            return false;
        line = at;
    }
    return true;
}
