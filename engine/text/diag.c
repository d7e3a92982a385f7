/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of mistakes. It stops keeping them at NR_DIAG_MAX, so that a hostile
 * file costs a bounded amount of memory, but it never stops counting.
 */
#include "text/diag.h"

#include "text/character.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const nrbac_diagnostic_help table[NR_DIAG_COUNT] = {
#define NRBAC_DIAGNOSTIC(code, NAME, slug, severity, summary, page) \
    { (code), (slug), NRBAC_SEVERITY_##severity, (summary), (page) },
#include <nrbac/diagnostic.def>
#undef NRBAC_DIAGNOSTIC
};

const nrbac_diagnostic_help *nr_diag_help_of(nr_diag_code code)
{
    return &table[code];
}

static nr_diag *add(nr_diags *diags, nr_diag_code code)
{
    if (table[code].severity == NRBAC_SEVERITY_ERROR)
        diags->error_count++;
    if (diags->count >= NR_DIAG_MAX) {
        diags->left_out++;
        return NULL;
    }
    nr_diag *diag = nr_list_add(diags->arena, diags);
    if (diag == NULL)
        diags->failed = true;
    return diag;
}

nr_diag *nr_diag_add(nr_diags *diags, nr_diag_code code, nr_span at, const char *format,
                     ...)
{
    nr_diag *diag = add(diags, code);
    if (diag == NULL) {
        diags->spare = (nr_diag){ .code = code, .at = at, .message = "" };
        return &diags->spare;
    }
    va_list arguments;
    va_start(arguments, format);
    const char *message = nr_arena_format_v(diags->arena, format, arguments);
    va_end(arguments);
    if (message == NULL)
        diags->failed = true;
    *diag = (nr_diag){
        .code = code,
        .at = at,
        .message = message == NULL ? table[code].summary : message,
    };
    return diag;
}

void nr_diag_help(nr_diags *diags, nr_diag *diag, const char *format, ...)
{
    if (diag == &diags->spare)
        return;
    va_list arguments;
    va_start(arguments, format);
    diag->help = nr_arena_format_v(diags->arena, format, arguments);
    va_end(arguments);
    if (diag->help == NULL)
        diags->failed = true;
}

void nr_diag_related(nr_diag *diag, nr_span at, const char *message)
{
    diag->related = at;
    diag->related_message = message;
}

static int order(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

/* Those of no file first, then files as they were loaded; what is said of a
 * whole folder or file that was not read stands before the files after it. */
static int order_of_sources(const nr_source *a, const nr_source *b)
{
    if (a == b)
        return 0;
    if (a == NULL || b == NULL)
        return a == NULL ? -1 : 1;
    if (a->index != b->index)
        return order(a->index, b->index);
    if ((a->text == NULL) != (b->text == NULL))
        return a->text == NULL ? -1 : 1;
    return strcmp(a->path, b->path);
}

static int order_of_diags(const void *left, const void *right)
{
    const nr_diag *a = left;
    const nr_diag *b = right;
    int result = order_of_sources(a->at.source, b->at.source);
    if (result == 0)
        result = order(a->at.start, b->at.start);
    if (result == 0)
        result = order(a->at.end, b->at.end);
    if (result == 0)
        result = order(a->code, b->code);
    return result == 0 ? strcmp(a->message, b->message) : result;
}

void nr_diags_sort(nr_diags *diags)
{
    if (diags->count == 0)
        return;
    qsort(diags->items, diags->count, sizeof(*diags->items), order_of_diags);
    size_t kept = 1;
    for (size_t i = 1; i < diags->count; i++) {
        if (order_of_diags(&diags->items[kept - 1], &diags->items[i]) != 0)
            diags->items[kept++] = diags->items[i];
        else if (table[diags->items[i].code].severity == NRBAC_SEVERITY_ERROR)
            diags->error_count--;
    }
    diags->count = kept;
}

/* A text that a terminal and a JSON reader can take, whatever a file or its name
 * holds. */
static const char *clean(nr_arena *arena, const char *text, bool *fine)
{
    const char *copy = nr_text_clean(arena, text);
    *fine &= copy != NULL;
    return copy == NULL ? "" : copy;
}

static void tell_related(nr_arena *arena, const nr_diag *diag, nrbac_diagnostic *out,
                         bool *fine)
{
    if (diag->related.source == NULL)
        return;
    nr_place place = nr_place_of(diag->related);
    out->related_file = clean(arena, diag->related.source->path, fine);
    out->related_line = place.line;
    out->related_column = place.column;
    out->related_message = diag->related_message;
}

static const char *source_line(nr_arena *arena, const nr_place *place, bool *fine)
{
    if (place->line_text == NULL)
        return NULL;
    size_t nul = strnlen(place->line_text, place->line_size);
    const char *line = nr_arena_copy(arena, place->line_text, nul);
    *fine &= line != NULL;
    return line == NULL ? NULL : clean(arena, line, fine);
}

bool nr_diag_tell(nr_arena *arena, const nr_diag *diag, nrbac_diagnostic *out)
{
    const nrbac_diagnostic_help *row = &table[diag->code];
    nr_place place = nr_place_of(diag->at);
    bool fine = true;
    *out = (nrbac_diagnostic){
        .code = row->code,
        .slug = row->slug,
        .severity = row->severity,
        .file = clean(arena, diag->at.source == NULL ? "" : diag->at.source->path,
                      &fine),
        .line = place.line,
        .column = place.column,
        .width = place.width,
        .source_line = source_line(arena, &place, &fine),
        .message = clean(arena, diag->message, &fine),
        .help = diag->help == NULL ? NULL : clean(arena, diag->help, &fine),
    };
    tell_related(arena, diag, out, &fine);
    return fine;
}
