/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events become a tree. The reader holds the path from the root to
 * where it is, so that depth costs no stack, and stops at the first thing that
 * it will not read: what follows such a thing is not worth a diagnostic.
 *
 * libyaml counts characters, places are bytes: a table of every 64th
 * character's offset leads from one to the other.
 */
#include "text/yaml.h"

#include "text/character.h"
#include "text/yaml_guard.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { STEP = 64 };

/* A collection that is open, and the last child that it got. */
typedef struct tree_level {
    nr_node *node;
    nr_node *last;
    const char *key; /* read, and waiting for its value */
    nr_span key_at;
} tree_level;

typedef struct tree_reader {
    nr_arena *arena;
    const nr_source *source;
    nr_diags *diags;
    uint32_t mark_size; /* of a byte order mark, which libyaml is not shown */
    uint32_t *offsets;  /* of every 64th character; NULL: all are single bytes */
    uint32_t offset_count;
    tree_level levels[NR_YAML_DEPTH_MAX];
    size_t depth;
    size_t node_count;
    nr_node *root;
    bool finished;
} tree_reader;

static bool count_offsets(tree_reader *reader)
{
    const char *text = reader->source->text;
    const char *end = text + reader->source->size;
    bool single = true;
    for (const char *at = text; at < end && single; at++)
        single = (unsigned char)*at < 0x80;
    if (single)
        return true;
    size_t room = reader->source->size / STEP + 2;
    reader->offsets = nr_arena_new_array(reader->arena, room, uint32_t);
    if (reader->offsets == NULL)
        return false;
    size_t character = 0;
    for (const char *at = text + reader->mark_size; at < end; character++) {
        if (character % STEP == 0)
            reader->offsets[reader->offset_count++] = (uint32_t)(at - text);
        at += nr_character_size(at, end);
    }
    return true;
}

static uint32_t offset_of(const tree_reader *reader, size_t index)
{
    uint32_t size = (uint32_t)reader->source->size;
    if (reader->offsets == NULL) {
        size_t offset = index + reader->mark_size;
        return offset < size ? (uint32_t)offset : size;
    }
    size_t step = index / STEP;
    if (step >= reader->offset_count)
        return size;
    const char *text = reader->source->text;
    const char *at = text + reader->offsets[step];
    for (size_t n = index % STEP; n > 0 && at < text + size; n--)
        at += nr_character_size(at, text + size);
    return (uint32_t)(at - text);
}

static nr_span span_of(const tree_reader *reader, yaml_mark_t start, yaml_mark_t end)
{
    uint32_t from = offset_of(reader, start.index);
    uint32_t to = end.index > start.index ? offset_of(reader, end.index) : from;
    return (nr_span){ reader->source, from, to };
}

static bool out_of_memory(tree_reader *reader)
{
    reader->diags->failed = true;
    return false;
}

/* ---- What is not read ------------------------------------------------------- */

static bool refuse(tree_reader *reader, nr_span at, const char *what, const char *help)
{
    nr_diag *diag = nr_diag_add(reader->diags, NR_DIAG_YAML_FEATURE, at, "%s", what);
    nr_diag_help(reader->diags, diag, "%s", help);
    return false;
}

static bool too_large(tree_reader *reader, nr_span at, const char *what, int limit)
{
    nr_diag_add(reader->diags, NR_DIAG_TOO_LARGE, at, "%s (the limit is %d)", what,
                limit);
    return false;
}

static bool refuse_anchor(tree_reader *reader, nr_span at)
{
    return refuse(reader, at, "an anchor is not read",
                  "write the value out where it is meant");
}

static bool refuse_tag(tree_reader *reader, nr_span at)
{
    return refuse(reader, at, "a tag is not read",
                  "leave it out; put a text that starts with `!` in quotes");
}

/* ---- Building ----------------------------------------------------------------- */

static void hang(tree_level *level, nr_node *node)
{
    node->key = level->key;
    node->key_at = level->key_at;
    level->key = NULL;
    if (level->last == NULL)
        level->node->first = node;
    else
        level->last->next = node;
    level->last = node;
    level->node->count++;
}

static nr_node *new_node(tree_reader *reader, nr_node_kind kind, nr_span at)
{
    if (reader->node_count++ >= NR_YAML_NODE_MAX) {
        too_large(reader, at, "too many values in one file", NR_YAML_NODE_MAX);
        return NULL;
    }
    nr_node *node = nr_arena_new(reader->arena, nr_node);
    if (node == NULL) {
        out_of_memory(reader);
        return NULL;
    }
    node->kind = kind;
    node->at = at;
    return node;
}

static bool place_node(tree_reader *reader, nr_node *node)
{
    if (reader->depth == 0)
        reader->root = node;
    else
        hang(&reader->levels[reader->depth - 1], node);
    return true;
}

/* Whether the next value of the innermost collection is a key. */
static bool awaits_key(const tree_reader *reader)
{
    if (reader->depth == 0)
        return false;
    const tree_level *top = &reader->levels[reader->depth - 1];
    return top->node->kind == NR_NODE_MAPPING && top->key == NULL;
}

static bool take_key(tree_reader *reader, const nr_node *node)
{
    if (node->plain && strcmp(node->text, "<<") == 0)
        return refuse(reader, node->at, "a merge key is not read",
                      "write the keys out where they are meant");
    tree_level *top = &reader->levels[reader->depth - 1];
    top->key = node->text;
    top->key_at = node->at;
    return true;
}

static bool take_scalar(tree_reader *reader, const yaml_event_t *event)
{
    nr_span at = span_of(reader, event->start_mark, event->end_mark);
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (event->data.scalar.anchor != NULL)
        return refuse_anchor(reader, at);
    if (event->data.scalar.tag != NULL)
        return refuse_tag(reader, at);
    if (size > NR_YAML_SCALAR_MAX)
        return too_large(reader, at, "a text of too many bytes", NR_YAML_SCALAR_MAX);
    if (memchr(text, '\0', size) != NULL) {
        nr_diag_add(reader->diags, NR_DIAG_NOT_TEXT, at, "a text holds a NUL");
        return false;
    }
    nr_node *node = new_node(reader, NR_NODE_SCALAR, at);
    if (node == NULL)
        return false;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = nr_arena_copy(reader->arena, text, size);
    node->size = size;
    if (node->text == NULL)
        return out_of_memory(reader);
    return awaits_key(reader) ? take_key(reader, node) : place_node(reader, node);
}

static bool open_collection(tree_reader *reader, const yaml_event_t *event)
{
    bool sequence = event->type == YAML_SEQUENCE_START_EVENT;
    nr_span at = span_of(reader, event->start_mark, event->end_mark);
    if ((sequence ? event->data.sequence_start.anchor
                  : event->data.mapping_start.anchor) != NULL)
        return refuse_anchor(reader, at);
    if ((sequence ? event->data.sequence_start.tag : event->data.mapping_start.tag) !=
        NULL)
        return refuse_tag(reader, at);
    if (awaits_key(reader))
        return refuse(reader, at, "a list or mapping cannot be a key",
                      "put a text with `{` or `[` in quotes");
    if (reader->depth == NR_YAML_DEPTH_MAX)
        return too_large(reader, at, "nested too deeply", NR_YAML_DEPTH_MAX);
    nr_node *node = new_node(reader, sequence ? NR_NODE_SEQUENCE : NR_NODE_MAPPING, at);
    if (node == NULL)
        return false;
    place_node(reader, node);
    reader->levels[reader->depth++] = (tree_level){ .node = node };
    return true;
}

/* ---- Keys that stand twice ----------------------------------------------------- */

static int order_of_keys(const void *left, const void *right)
{
    const nr_node *a = *(nr_node *const *)left;
    const nr_node *b = *(nr_node *const *)right;
    int order = strcmp(a->key, b->key);
    if (order != 0)
        return order;
    return (a->key_at.start > b->key_at.start) - (a->key_at.start < b->key_at.start);
}

/* Unhooks the children that were marked by losing their key. */
static void drop_marked(nr_node *node)
{
    nr_node **place = &node->first;
    while (*place != NULL) {
        if ((*place)->key == NULL) {
            *place = (*place)->next;
            node->count--;
        } else {
            place = &(*place)->next;
        }
    }
}

/* Sorting finds them in one pass, however many keys there are and whatever they
 * were chosen to hash to. */
static bool refuse_twice(tree_reader *reader, nr_node *node)
{
    if (node->count < 2)
        return true;
    nr_node **sorted = calloc(node->count, sizeof(nr_node *));
    if (sorted == NULL)
        return out_of_memory(reader);
    size_t count = 0;
    for (nr_node *child = node->first; child != NULL; child = child->next)
        sorted[count++] = child;
    qsort(sorted, count, sizeof(nr_node *), order_of_keys);
    nr_node *first = sorted[0];
    for (size_t i = 1; i < count; i++) {
        if (strcmp(first->key, sorted[i]->key) != 0) {
            first = sorted[i];
            continue;
        }
        nr_diag *diag = nr_diag_add(reader->diags, NR_DIAG_DUPLICATE_KEY,
                                    sorted[i]->key_at, "the key `%s` stands twice here",
                                    first->key);
        nr_diag_related(diag, first->key_at, "first written at");
        sorted[i]->key = NULL;
    }
    drop_marked(node);
    free(sorted);
    return true;
}

static bool close_collection(tree_reader *reader, const yaml_event_t *event)
{
    nr_node *node = reader->levels[--reader->depth].node;
    node->at.end = offset_of(reader, event->end_mark.index);
    return node->kind != NR_NODE_MAPPING || refuse_twice(reader, node);
}

/* ---- Events --------------------------------------------------------------------- */

static bool start_document(tree_reader *reader, const yaml_event_t *event)
{
    nr_span at = span_of(reader, event->start_mark, event->end_mark);
    if (event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end ||
        event->data.document_start.version_directive != NULL)
        return refuse(reader, at, "a directive is not read", "leave out the `%` line");
    if (reader->root != NULL)
        return refuse(reader, at, "a second document in one file",
                      "put it into a file of its own");
    return true;
}

static bool take_event(tree_reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return start_document(reader, event);
    case YAML_ALIAS_EVENT:
        return refuse(reader, span_of(reader, event->start_mark, event->end_mark),
                      "an alias is not read",
                      "write the value out; put a text that starts with `*` in quotes");
    case YAML_SCALAR_EVENT:
        return take_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return open_collection(reader, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_collection(reader, event);
    case YAML_STREAM_END_EVENT:
        reader->finished = true;
        return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    }
    return true;
}

/* libyaml says what it missed; this says what people did. */
static const struct {
    const char *problem;
    const char *help;
} slips[] = {
    { "did not find expected ',' or '}'",
      "a `,` or `}` is missing, or a text with `: ` or `#` is not in quotes" },
    { "did not find expected ',' or ']'",
      "a `,` or `]` is missing, or a text with `: ` or `#` is not in quotes" },
    { "did not find expected key",
      "lines that belong together start in the same column" },
    { "did not find expected '-' indicator",
      "entries of one list start in the same column, with `- `" },
    { "mapping values are not allowed in this context",
      "put a text with `: ` in quotes; or the line starts in the wrong column" },
    { "could not find expected ':'", "a key is followed by `: ` and its value" },
    { "found unexpected end of stream", "a quote or a bracket is not closed" },
    { "found character that cannot start any token", "put the text in quotes" },
};

static void help_with_syntax(tree_reader *reader, nr_diag *diag, const char *problem)
{
    for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++)
        if (strcmp(slips[i].problem, problem) == 0)
            nr_diag_help(reader->diags, diag, "%s", slips[i].help);
}

static bool tell_syntax(tree_reader *reader, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return out_of_memory(reader);
    nr_span at = span_of(reader, parser->problem_mark, parser->problem_mark);
    at.end = at.start + 1;
    const char *context = parser->context == NULL ? "" : parser->context;
    const char *problem = parser->problem == NULL ? "not YAML" : parser->problem;
    nr_diag *diag = nr_diag_add(reader->diags, NR_DIAG_YAML_SYNTAX, at, "%s%s%s",
                                context, *context == '\0' ? "" : ": ", problem);
    help_with_syntax(reader, diag, problem);
    if (parser->context != NULL &&
        parser->context_mark.index < parser->problem_mark.index)
        nr_diag_related(diag,
                        span_of(reader, parser->context_mark, parser->context_mark),
                        "which started at");
    return false;
}

static bool read_events(tree_reader *reader, yaml_parser_t *parser)
{
    while (!reader->finished) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return tell_syntax(reader, parser);
        bool fine = take_event(reader, &event);
        yaml_event_delete(&event);
        if (!fine)
            return false;
    }
    return true;
}

static nr_node *nothing(tree_reader *reader)
{
    nr_node *node = new_node(reader, NR_NODE_SCALAR, (nr_span){ reader->source, 0, 0 });
    if (node != NULL) {
        node->plain = true;
        node->text = "";
    }
    return node;
}

nr_node *nr_yaml_read(nr_arena *arena, const nr_source *source, nr_diags *diags)
{
    if (!nr_yaml_guard(source, diags))
        return NULL;
    tree_reader reader = { .arena = arena, .source = source, .diags = diags };
    reader.mark_size = (uint32_t)nr_yaml_mark_size(source);
    yaml_parser_t parser;
    if (!count_offsets(&reader) || !yaml_parser_initialize(&parser)) {
        out_of_memory(&reader);
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser,
                                 (const unsigned char *)source->text + reader.mark_size,
                                 source->size - reader.mark_size);
    bool fine = read_events(&reader, &parser);
    yaml_parser_delete(&parser);
    if (!fine)
        return NULL;
    return reader.root == NULL ? nothing(&reader) : reader.root;
}
