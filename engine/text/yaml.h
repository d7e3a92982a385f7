/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as a tree of nodes that know their places: for policies, for tests of
 * policies and for the daemon's settings.
 *
 * What is read is the part of YAML that people write by hand: mappings with
 * texts as keys, lists, scalars, comments. Anchors, aliases, tags, merge keys
 * and several documents are refused, so that a file says what it seems to say
 * and costs no more than its size. A scalar is a text until somebody asks for a
 * number: 2026-12-01, 0123 and 1E5 stay as they were written.
 */
#ifndef NR_YAML_H
#define NR_YAML_H

#include "text/diag.h"

enum {
    NR_YAML_SCALAR_MAX = 64 << 10, /* bytes */
    NR_YAML_DEPTH_MAX = 64,
    NR_YAML_NODE_MAX = 500000,
};

typedef enum nr_node_kind {
    NR_NODE_SCALAR = 0,
    NR_NODE_SEQUENCE,
    NR_NODE_MAPPING,
} nr_node_kind;

typedef struct nr_node nr_node;
struct nr_node {
    nr_node_kind kind;
    bool plain;       /* a scalar without quotes, which may be a number or nothing */
    nr_span at;       /* of the node, quotes included */
    const char *text; /* of a scalar: UTF-8 without NUL, NUL-terminated */
    size_t size;
    const char *key; /* in a mapping: under which key it stands; else NULL */
    nr_span key_at;
    nr_node *first; /* the children, in the order written */
    nr_node *next;
    size_t count;
};

/* Reads a source's only document. An empty file reads as an empty plain scalar.
 * NULL after a diagnostic that leaves nothing to look at (or diags->failed). A
 * second key of the same name gets a diagnostic and is left out. */
nr_node *nr_yaml_read(nr_arena *arena, const nr_source *source, nr_diags *diags);

/* ---- Typed reading: each reports what it expected and what it found -------- */

/* The node is nothing at all: absent, empty, ~ or null. */
bool nr_node_is_nothing(const nr_node *node);

/* `what` names the value for the message: "`roles`", "a test", ... */
bool nr_node_is_mapping(const nr_node *node, const char *what, nr_diags *diags);
bool nr_node_is_sequence(const nr_node *node, const char *what, nr_diags *diags);
/* Any scalar but nothing and but the empty text; NULL after a diagnostic. */
const char *nr_node_text(const nr_node *node, const char *what, nr_diags *diags);
/* A plain decimal number between the bounds. */
typedef struct nr_bounds {
    int64_t least, most;
} nr_bounds;
bool nr_node_number(const nr_node *node, const char *what, nr_bounds bounds,
                    int64_t *out, nr_diags *diags);
#define nr_node_integer(node, what, least, most, out, diags) \
    nr_node_number((node), (what), (nr_bounds){ (least), (most) }, (out), (diags))
/* true or false, plain. */
bool nr_node_boolean(const nr_node *node, const char *what, bool *out, nr_diags *diags);
/* The index of the text among the words; -1 after a diagnostic. */
int nr_node_choice(const nr_node *node, const char *what, const char *const *words,
                   size_t count, nr_diags *diags);

/* A key that a mapping may have. */
typedef struct nr_field {
    const char *key;
    bool required;
} nr_field;

/* A table of keys, and where the values go: values[i] is that of table[i], NULL if
 * it is not there. */
typedef struct nr_fields {
    const nr_field *table;
    size_t count;
    const nr_node **values;
} nr_fields;

/* Sorts a mapping's values by the table. Unknown keys and missing required ones
 * get diagnostics. False if the node is no mapping (reported too). */
bool nr_node_take(const nr_node *node, const char *what, nr_fields fields,
                  nr_diags *diags);
#define nr_node_fields(node, what, table, count, values, diags) \
    nr_node_take((node), (what), (nr_fields){ (table), (count), (values) }, (diags))

/* A mapping's value, without any diagnostic; NULL if it is not there. */
const nr_node *nr_node_find(const nr_node *node, const char *key);

/* The diagnostic "unknown key", with a suggestion from the candidates. */
void nr_node_unknown_key(const nr_node *node, const char *what,
                         const char *const *candidates, size_t count, nr_diags *diags);

/* The part of a scalar from byte `start` to `end` as a place; the whole scalar
 * where escapes make that impossible. */
nr_span nr_node_part(const nr_node *node, size_t start, size_t end);

#endif
