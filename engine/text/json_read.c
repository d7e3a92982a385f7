/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text -> document, by jansson, which refuses members that stand twice and
 * NUL in texts. Its tree is walked with the path held here, not on the stack.
 */
#include "base/value.h"

#include <nrbac/policy.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

/* A list or map that is being copied, and how far. */
typedef struct level {
    json_t *from;
    nrbac_value *to;
    size_t index; /* of a list: the next item */
    void *member; /* of a map: the next member; NULL: none is left */
} level;

typedef struct value_copy {
    nrbac_document *document;
    level levels[DEPTH_MAX];
    size_t depth;
    bool too_deep;
} value_copy;

static void tell(nrbac_error *error, const char *text)
{
    if (error != NULL)
        snprintf(error->text, sizeof(error->text), "%s", text);
}

static nrbac_value *open_level(value_copy *copying, json_t *from)
{
    bool list = json_is_array(from);
    if (copying->depth == DEPTH_MAX) {
        copying->too_deep = true;
        return NULL;
    }
    nrbac_value *to = list ? nrbac_new_list(copying->document)
                           : nrbac_new_map(copying->document);
    if (to == NULL)
        return NULL;
    copying->levels[copying->depth++] = (level){
        .from = from,
        .to = to,
        .member = list ? NULL : json_object_iter(from),
    };
    return to;
}

static nrbac_value *copy_one(value_copy *copying, json_t *from)
{
    nrbac_document *document = copying->document;
    switch (json_typeof(from)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return open_level(copying, from);
    case JSON_STRING:
        return nrbac_new_text_of(document, json_string_value(from),
                                 json_string_length(from));
    case JSON_INTEGER:
        return nrbac_new_integer(document, json_integer_value(from));
    case JSON_REAL:
        return nrbac_new_real(document, json_real_value(from));
    case JSON_TRUE:
        return nrbac_new_boolean(document, true);
    case JSON_FALSE:
        return nrbac_new_boolean(document, false);
    case JSON_NULL:
        return nrbac_new_null(document);
    }
    return NULL;
}

/* Copies the next member or item of the innermost level; false: none is left. */
static bool step(value_copy *copying)
{
    level *top = &copying->levels[copying->depth - 1];
    nrbac_value *to = top->to;
    if (json_is_array(top->from)) {
        if (top->index == json_array_size(top->from))
            return false;
        json_t *item = json_array_get(top->from, top->index++);
        nrbac_append(copying->document, to, copy_one(copying, item));
        return true;
    }
    if (top->member == NULL)
        return false;
    void *member = top->member;
    top->member = json_object_iter_next(top->from, member);
    nrbac_value *value = copy_one(copying, json_object_iter_value(member));
    nrbac_set_of(copying->document, to, json_object_iter_key(member),
                 json_object_iter_key_len(member), value);
    return true;
}

static nrbac_status copy_all(nrbac_document *document, json_t *root,
                             const nrbac_value **value, nrbac_error *error)
{
    value_copy copying = { .document = document };
    *value = copy_one(&copying, root);
    while (copying.depth > 0 && !copying.too_deep && !document->failed)
        if (!step(&copying))
            copying.depth--;
    if (copying.too_deep) {
        tell(error, "nested more than 64 levels deep");
        return NRBAC_E_FORMAT;
    }
    if (document->failed)
        tell(error, nrbac_status_text(NRBAC_E_MEMORY));
    return nrbac_document_status(document);
}

static nrbac_status tell_syntax(const json_error_t *from, nrbac_error *error)
{
    enum json_error_code code = json_error_code(from);
    if (code == json_error_out_of_memory) {
        tell(error, nrbac_status_text(NRBAC_E_MEMORY));
        return NRBAC_E_MEMORY;
    }
    if (error != NULL)
        snprintf(error->text, sizeof(error->text), "%d:%d: %s", from->line,
                 from->column, from->text);
    return NRBAC_E_FORMAT;
}

nrbac_status nrbac_json_read(nrbac_document *document, const char *text, size_t size,
                             const nrbac_value **value, nrbac_error *error)
{
    *value = NULL;
    json_error_t wrong;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                              &wrong);
    if (root == NULL)
        return tell_syntax(&wrong, error);
    nrbac_status status = copy_all(document, root, value, error);
    json_decref(root);
    if (status != NRBAC_OK)
        *value = NULL;
    return status;
}
