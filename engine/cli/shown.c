/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others wrote, made fit for a terminal: a name that holds a line end or an
 * escape sequence must neither forge a line of answer nor command the terminal.
 */
#include "cli/ask.h"

#include <string.h>

/* The bytes of the control character that starts here (C0, DEL, or C1 as UTF-8);
 * 0: it is none. */
static size_t control_size(const char *at, const char *end)
{
    unsigned char first = (unsigned char)*at;
    if (first < 0x20 || first == 0x7f)
        return 1;
    bool c1 = first == 0xc2 && end - at > 1 && (unsigned char)at[1] >= 0x80 &&
              (unsigned char)at[1] < 0xa0;
    return c1 ? 2 : 0;
}

static bool is_fit(const char *text, size_t size)
{
    for (const char *at = text; at < text + size; at++)
        if (control_size(at, text + size) > 0)
            return false;
    return true;
}

static bool is_value_fit(const nrbac_value *value)
{
    const char *text = nrbac_value_text(value);
    if (text != NULL)
        return is_fit(text, nrbac_value_text_size(value));
    for (size_t i = 0; i < nrbac_value_count(value); i++) {
        const char *key = nrbac_value_key(value, i);
        if (key != NULL && !is_fit(key, strlen(key)))
            return false;
        if (!is_value_fit(nrbac_value_at(value, i)))
            return false;
    }
    return true;
}

static nrbac_value *fit_text(nrbac_document *document, const char *text, size_t size)
{
    char fit[1024];
    size_t used = 0;
    const char *end = text + size;
    while (text < end && used < sizeof fit) {
        size_t control = control_size(text, end);
        fit[used] = '?';
        if (control == 0)
            fit[used] = *text;
        used++;
        text += control > 0 ? control : 1;
    }
    return nrbac_new_text_of(document, fit, used);
}

/* Members whose key is not fit are left out: nothing that is told has such. */
static nrbac_value *fit_copy(nrbac_document *document, const nrbac_value *value)
{
    const char *text = nrbac_value_text(value);
    if (text != NULL)
        return fit_text(document, text, nrbac_value_text_size(value));
    bool is_map = nrbac_value_kind(value) == NRBAC_KIND_MAP;
    if (!is_map && nrbac_value_kind(value) != NRBAC_KIND_LIST)
        return nrbac_value_copy(document, value);
    nrbac_value *copy = is_map ? nrbac_new_map(document) : nrbac_new_list(document);
    for (size_t i = 0; i < nrbac_value_count(value); i++) {
        const char *key = nrbac_value_key(value, i);
        nrbac_value *item = fit_copy(document, nrbac_value_at(value, i));
        if (!is_map)
            nrbac_append(document, copy, item);
        else if (is_fit(key, strlen(key)))
            nrbac_set(document, copy, key, item);
    }
    return copy;
}

const nrbac_value *nr_shown(nrbac_document *document, const nrbac_value *value)
{
    return is_value_fit(value) ? value : fit_copy(document, value);
}

void nr_show_text(FILE *out, const char *text)
{
    const char *end = text + strlen(text);
    while (text < end) {
        size_t control = control_size(text, end);
        fputc(control > 0 ? '?' : *text, out);
        text += control > 0 ? control : 1;
    }
}
