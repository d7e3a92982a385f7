/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `functions`: what the calling application can do.
 */
#include "compile/loader.h"

#include <string.h>

enum { NAME, REQUIRE, OBLIGATIONS, MESSAGE, AUDIT, FIELDS };

static const nr_field fields[FIELDS] = {
    [NAME] = { "name", false },
    [REQUIRE] = { "require", true },
    [OBLIGATIONS] = { "obligations", false },
    [MESSAGE] = { "message", false },
    [AUDIT] = { "audit", false },
};

/* What a message may be for. */
static const char *const outcomes[] = {
#define NRBAC_EFFECT(number, NAME, slug) slug,
#include <nrbac/effect.def>
#undef NRBAC_EFFECT
#define NRBAC_REASON(number, NAME, slug, effect, message, doc) slug,
#include <nrbac/reason.def>
#undef NRBAC_REASON
};

static bool is_outcome(const char *text)
{
    for (size_t i = 0; i < NR_COUNT(outcomes); i++)
        if (strcmp(outcomes[i], text) == 0)
            return true;
    return false;
}

static void add_message(nr_loader *loader, nr_function *function, const char *outcome,
                        const nr_node *node)
{
    const char *text = nr_node_text(node, "a message", loader->diags);
    if (text == NULL)
        return;
    nr_message *message = nr_list_add(loader->arena, &function->messages);
    if (message == NULL) {
        loader->diags->failed = true;
        return;
    }
    *message = (nr_message){ .outcome = outcome, .text = text, .at = node->at };
}

static void take_messages(nr_loader *loader, nr_function *function, const nr_node *node)
{
    if (node == NULL)
        return;
    if (node->kind != NR_NODE_MAPPING) {
        add_message(loader, function, "", node);
        return;
    }
    for (const nr_node *item = node->first; item != NULL; item = item->next) {
        if (is_outcome(item->key))
            add_message(loader, function, item->key, item);
        else
            nr_node_unknown_key(item, "`message`", outcomes, NR_COUNT(outcomes),
                                loader->diags);
    }
}

static nr_record_first take_record_first(nr_loader *loader, const nr_node *node)
{
    static const char *const words[] = { "sync" };
    bool first = node != NULL && nr_node_choice(node, "`audit`", words, NR_COUNT(words),
                                                loader->diags) == 0;
    return first ? NR_RECORD_SYNC : NR_RECORD_ANY;
}

/* Functions and codes are asked for by the same member of a request, so that a
 * name must tell which it is. */
static bool is_named_well(nr_loader *loader, const nr_node *node)
{
    size_t size = strlen(node->key);
    bool local = strncmp(node->key, "local:", 6) == 0;
    if (local || nr_code_kind_of(node->key, size) != NR_CODE_NONE) {
        nr_diag_add(loader->diags, NR_DIAG_FUNCTION_LIKE_CODE, node->key_at,
                    "function `%.100s` is named like a code", node->key);
        return false;
    }
    if (size > 0 && size <= 128 && node->key[strcspn(node->key, " \t\n")] == '\0')
        return true;
    nr_diag_add(loader->diags, NR_DIAG_BAD_VALUE, node->key_at,
                "the name of a function is one word of up to 128 bytes");
    return false;
}

static void take_fields(nr_loader *loader, const nr_node *node, nr_function *function)
{
    const nr_node *values[FIELDS];
    if (!nr_node_fields(node, "a function", fields, FIELDS, values, loader->diags))
        return;
    function->name = nr_loader_take_text(loader, values[NAME], "`name`");
    nr_loader_take_mentions(loader, values[OBLIGATIONS], "`obligations`",
                            &function->obligations);
    take_messages(loader, function, values[MESSAGE]);
    function->record_first = take_record_first(loader, values[AUDIT]);
    if (values[REQUIRE] != NULL)
        function->require = nr_loader_take_requirement(loader, values[REQUIRE]);
}

void nr_loader_take_functions(nr_loader *loader, const nr_node *section)
{
    nr_model *model = loader->model;
    if (!nr_node_is_mapping(section, "`functions`", loader->diags))
        return;
    for (const nr_node *node = section->first; node != NULL; node = node->next) {
        if (!is_named_well(loader, node) ||
            !nr_loader_declare(loader, &loader->functions, node->key, node->key_at))
            continue;
        if (!nr_loader_has_room(loader, model->functions.count, NR_FUNCTION_MAX,
                                node->key_at, "functions"))
            return;
        nr_function *function = nr_list_add(loader->arena, &model->functions);
        if (function == NULL) {
            loader->diags->failed = true;
            return;
        }
        *function = (nr_function){ .id = node->key, .at = node->key_at };
        take_fields(loader, node, function);
    }
}
