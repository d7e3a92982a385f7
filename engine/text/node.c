/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed reading of YAML nodes: every wrong shape is told once, with what was
 * expected and what was found.
 */
#include "text/yaml.h"

#include <stdlib.h>
#include <string.h>

/* Beyond so many mistakes nobody reads suggestions, and each costs a search. */
enum { SUGGESTIONS_MAX = 200, FIELDS_MAX = 32, WORDS_MAX = 300, SHOWN_MAX = 60 };

bool nr_node_is_nothing(const nr_node *node)
{
    if (node == NULL)
        return true;
    return node->kind == NR_NODE_SCALAR && node->plain &&
           (node->size == 0 || strcmp(node->text, "~") == 0 ||
            strcmp(node->text, "null") == 0);
}

static const char *found(const nr_node *node)
{
    if (nr_node_is_nothing(node))
        return "nothing";
    switch (node->kind) {
    case NR_NODE_SCALAR:
        return "a text";
    case NR_NODE_SEQUENCE:
        return "a list";
    case NR_NODE_MAPPING:
        return "a mapping";
    }
    return "something else";
}

/* Of a list or mapping: how it is written. */
static void help_with(nr_diags *diags, nr_diag *diag, const nr_node *node,
                      const char *form)
{
    if (nr_node_is_nothing(node) && node->key != NULL)
        nr_diag_help(diags, diag, "leave the key out, or write below it what it holds");
    else
        nr_diag_help(diags, diag, "%s", form);
}

static nr_diag *tell_wrong(const nr_node *node, const char *what, const char *expected,
                           nr_diags *diags)
{
    nr_span at = node->at;
    if (nr_node_is_nothing(node) && node->key != NULL)
        at = node->key_at;
    return nr_diag_add(diags, NR_DIAG_WRONG_TYPE, at, "%s must be %s, but is %s", what,
                       expected, found(node));
}

bool nr_node_is_mapping(const nr_node *node, const char *what, nr_diags *diags)
{
    if (node->kind == NR_NODE_MAPPING)
        return true;
    help_with(diags, tell_wrong(node, what, "a mapping", diags), node,
              "a mapping is `{ key: value }`, or lines of `key: value`");
    return false;
}

bool nr_node_is_sequence(const nr_node *node, const char *what, nr_diags *diags)
{
    if (node->kind == NR_NODE_SEQUENCE)
        return true;
    nr_diag *diag = tell_wrong(node, what, "a list", diags);
    bool word = node->kind == NR_NODE_SCALAR && !nr_node_is_nothing(node) &&
                node->size > 0 && node->size <= SHOWN_MAX;
    if (word)
        nr_diag_help(diags, diag, "put it in brackets: `[%s]`", node->text);
    else
        help_with(diags, diag, node,
                  "a list is `[one, two]`, or lines that start with `- `");
    return false;
}

const char *nr_node_text(const nr_node *node, const char *what, nr_diags *diags)
{
    if (node->kind != NR_NODE_SCALAR || nr_node_is_nothing(node)) {
        tell_wrong(node, what, "a text", diags);
        return NULL;
    }
    if (node->size == 0) {
        nr_diag_add(diags, NR_DIAG_BAD_VALUE, node->at, "%s is empty", what);
        return NULL;
    }
    return node->text;
}

static bool is_number(const char *text)
{
    if (*text == '-')
        text++;
    if (*text == '0' && text[1] != '\0')
        return false;
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 19 && text[digits] == '\0';
}

bool nr_node_number(const nr_node *node, const char *what, nr_bounds bounds,
                    int64_t *out, nr_diags *diags)
{
    if (node->kind != NR_NODE_SCALAR || !node->plain || !is_number(node->text)) {
        nr_diag *diag = tell_wrong(node, what, "a whole number", diags);
        if (node->kind == NR_NODE_SCALAR && !node->plain && is_number(node->text))
            nr_diag_help(diags, diag, "write it without quotes");
        return false;
    }
    long long number = strtoll(node->text, NULL, 10);
    if (number < bounds.least || number > bounds.most) {
        nr_diag_add(diags, NR_DIAG_BAD_VALUE, node->at,
                    "%s must be from %lld to %lld, but is %lld", what,
                    (long long)bounds.least, (long long)bounds.most, number);
        return false;
    }
    *out = number;
    return true;
}

bool nr_node_boolean(const nr_node *node, const char *what, bool *out, nr_diags *diags)
{
    bool plain = node->kind == NR_NODE_SCALAR && node->plain;
    if (plain && strcmp(node->text, "true") == 0) {
        *out = true;
        return true;
    }
    if (plain && strcmp(node->text, "false") == 0) {
        *out = false;
        return true;
    }
    tell_wrong(node, what, "true or false", diags);
    return false;
}

/* "`a`, `b` or `c`", cut where it would be long. */
static const char *list_of(nr_diags *diags, const char *const *words, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count && strlen(text) < WORDS_MAX; i++) {
        const char *join = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        text = nr_arena_format(diags->arena, "%s%s`%s`", text, join, words[i]);
        if (text == NULL)
            return "";
    }
    return text;
}

/* Says what was meant, or what there is. */
static void suggest(nr_diags *diags, nr_diag *diag, const char *word,
                    const char *const *words, size_t count)
{
    if (diags->count > SUGGESTIONS_MAX || count == 0)
        return;
    const char *near = nr_nearest_name(word, words, count);
    if (near != NULL)
        nr_diag_help(diags, diag, "did you mean `%s`?", near);
    else
        nr_diag_help(diags, diag, "it may be %s", list_of(diags, words, count));
}

int nr_node_choice(const nr_node *node, const char *what, const char *const *words,
                   size_t count, nr_diags *diags)
{
    const char *text = nr_node_text(node, what, diags);
    if (text == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], text) == 0)
            return (int)i;
    nr_diag *diag = nr_diag_add(diags, NR_DIAG_BAD_VALUE, node->at,
                                "%s cannot be `%.80s`", what, text);
    suggest(diags, diag, text, words, count);
    return -1;
}

void nr_node_unknown_key(const nr_node *node, const char *what,
                         const char *const *candidates, size_t count, nr_diags *diags)
{
    nr_diag *diag = nr_diag_add(diags, NR_DIAG_UNKNOWN_KEY, node->key_at,
                                "%s has no key `%.80s`", what, node->key);
    suggest(diags, diag, node->key, candidates, count);
}

static void take_field(const nr_node *child, const char *what, nr_fields fields,
                       nr_diags *diags)
{
    const char *names[FIELDS_MAX];
    for (size_t i = 0; i < fields.count; i++) {
        names[i] = fields.table[i].key;
        if (strcmp(names[i], child->key) == 0) {
            fields.values[i] = child;
            return;
        }
    }
    nr_node_unknown_key(child, what, names, fields.count, diags);
}

bool nr_node_take(const nr_node *node, const char *what, nr_fields fields,
                  nr_diags *diags)
{
    for (size_t i = 0; i < fields.count; i++)
        fields.values[i] = NULL;
    if (fields.count > FIELDS_MAX || !nr_node_is_mapping(node, what, diags))
        return false;
    for (const nr_node *child = node->first; child != NULL; child = child->next)
        take_field(child, what, fields, diags);
    nr_span at = node->key == NULL ? node->at : node->key_at;
    for (size_t i = 0; i < fields.count; i++)
        if (fields.table[i].required && fields.values[i] == NULL)
            nr_diag_add(diags, NR_DIAG_MISSING_KEY, at, "%s needs the key `%s`", what,
                        fields.table[i].key);
    return true;
}

const nr_node *nr_node_find(const nr_node *node, const char *key)
{
    if (node == NULL || node->kind != NR_NODE_MAPPING)
        return NULL;
    for (const nr_node *child = node->first; child != NULL; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

nr_span nr_node_part(const nr_node *node, size_t start, size_t end)
{
    nr_span at = node->at;
    const nr_source *source = at.source;
    size_t text = at.start + (node->plain ? 0u : 1u);
    if (source->size < text || source->size - text < node->size ||
        memcmp(source->text + text, node->text, node->size) != 0)
        return at;
    return (nr_span){ source, (uint32_t)(text + start), (uint32_t)(text + end) };
}
