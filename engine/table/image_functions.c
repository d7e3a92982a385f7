/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requirements, exclusive sets and suspensions in an image.
 */
#include "table/image.h"

/* ---- Requirements ---- */

static bool is_group(const nr_table_node *node)
{
    return node->atom == NR_ALL || node->atom == NR_ANY;
}

static bool is_sound_operand(const nr_table *table, const nr_table_node *node)
{
    uint32_t operand = node->operand;
    switch ((nr_atom)node->atom) {
    case NR_ALL:
    case NR_ANY:
    case NR_ATOM_ORGANISATION_REQUEST:
        return operand == 0;
    case NR_ATOM_ACTIVITY:
        return operand < table->activities_count;
    case NR_ATOM_ROLE:
        return operand < table->roles_count;
    case NR_ATOM_AREA:
        return operand < table->areas_count;
    case NR_ATOM_WORKGROUP:
    case NR_ATOM_ORGANISATION:
        return nr_image_is_text(table, operand);
    case NR_ATOM_AAL:
        return operand >= 1 && operand <= 3;
    case NR_ATOM_IAL:
        return operand <= 3;
    case NR_ATOM_PROOFING:
        return operand == 0 || operand == 5 || operand == 9;
    }
    return false;
}

/* A node fits into what is left of the group around it, and only groups have
 * children. */
static bool is_sound_size(const nr_table_node *node, uint32_t left)
{
    return node->size != 0 && node->size <= left && is_group(node) == (node->size > 1);
}

/* Sizes nest: a group ends where its last child does. `ends` are those of the
 * groups around the current node. */
static bool is_tree(const nr_table_node *nodes, uint32_t count)
{
    uint32_t ends[NR_REQUIREMENT_DEPTH_MAX + 1] = { count };
    uint32_t depth = 0;
    if (count == 0 || count > NR_REQUIREMENT_NODE_MAX || nodes[0].size != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        while (depth != 0 && ends[depth] == i)
            depth--;
        if (!is_sound_size(&nodes[i], ends[depth] - i))
            return false;
        if (!is_group(&nodes[i]))
            continue;
        if (depth == NR_REQUIREMENT_DEPTH_MAX)
            return false;
        ends[++depth] = i + nodes[i].size;
    }
    return true;
}

/* The most obligations that a node can come with: its own, with those of one
 * child of an ANY, or of every child of an ALL. Counted without looking whether
 * they are the same, and backwards, so that children are done before parents. */
static uint32_t most_obligations(const nr_table_node *nodes, uint32_t count)
{
    uint32_t most[NR_REQUIREMENT_NODE_MAX];
    for (uint32_t i = count; i-- > 0;) {
        uint32_t below = 0;
        for (uint32_t child = i + 1; child < i + nodes[i].size;
             child += nodes[child].size) {
            if (nodes[i].atom == NR_ALL)
                below += most[child];
            else if (most[child] > below)
                below = most[child];
        }
        most[i] = nodes[i].obligations.count + below;
    }
    return most[0];
}

/* How many different ones the function mentions at all. */
static uint32_t mentioned_obligations(const nr_table *table,
                                      const nr_table_function *function)
{
    uint64_t seen[NR_OBLIGATION_MAX / 64] = { 0 };
    nr_range range = function->obligations;
    for (uint32_t i = 0;; i++) {
        for (uint32_t o = 0; o < range.count; o++)
            nr_bits_add(seen, table->numbers[range.first + o]);
        if (i == function->nodes.count)
            break;
        range = table->nodes[function->nodes.first + i].obligations;
    }
    return nr_bits_count(seen, NR_COUNT(seen));
}

static nrbac_status check_requirement(const nr_table *table, uint32_t number,
                                      nrbac_error *error)
{
    const nr_table_function *function = &table->functions[number];
    const nr_table_node *nodes = &table->nodes[function->nodes.first];
    NR_REQUIRE(is_tree(nodes, function->nodes.count), error, "function", number,
               "has a requirement that is no tree");
    for (uint32_t i = 0; i < function->nodes.count; i++) {
        NR_REQUIRE(is_sound_operand(table, &nodes[i]) &&
                       nr_image_is_ascending(table, nodes[i].obligations,
                                             table->obligations_count),
                   error, "function", number, "requires nothing sound");
    }
    NR_REQUIRE(
        nr_image_is_ascending(table, function->obligations, table->obligations_count),
        error, "function", number, "has obligations that are not sound");
    if (function->obligations.count + most_obligations(nodes, function->nodes.count) >
            NRBAC_OBLIGATION_MAX &&
        mentioned_obligations(table, function) > NRBAC_OBLIGATION_MAX) {
        return nr_image_refuse(error, NRBAC_E_IMAGE,
                               "function `%s` can come with more than %d obligations",
                               nr_table_text(table, function->id),
                               (int)NRBAC_OBLIGATION_MAX);
    }
    return NRBAC_OK;
}

static nrbac_status check_functions(const nr_table *table, nrbac_error *error)
{
    uint32_t nodes_end = 0;
    uint32_t messages_end = 0;
    for (uint32_t n = 0; n < table->functions_count; n++) {
        const nr_table_function *record = &table->functions[n];
        NR_REQUIRE(nr_image_is_origin(table, record->origin), error, "function", n,
                   "has no origin");
        NR_REQUIRE(
            nr_image_is_suspension(table, record->suspension, NR_SUSPENDED_FUNCTION),
            error, "function", n, "has no sound suspension");
        NR_REQUIRE(nr_image_is_next(record->nodes, &nodes_end, table->nodes_count) &&
                       nr_image_is_next(record->messages, &messages_end,
                                        table->messages_count),
                   error, "function", n, "lies outside");
        NR_TRY(check_requirement(table, n, error));
    }
    NR_REQUIRE(nodes_end == table->nodes_count, error, "node", nodes_end,
               "belongs to no function");
    NR_REQUIRE(messages_end == table->messages_count, error, "message", messages_end,
               "belongs to no function");
    for (uint32_t i = 0; i < table->messages_count; i++)
        NR_REQUIRE(nr_image_is_text(table, table->messages[i].outcome) &&
                       nr_image_is_text(table, table->messages[i].text),
                   error, "message", i, "has no text");
    return NRBAC_OK;
}

/* ---- Sets and suspensions ---- */

static nrbac_status check_exclusive(const nr_table *table, uint32_t number,
                                    nrbac_error *error)
{
    const nr_table_exclusive *record = &table->exclusives[number];
    NR_REQUIRE(nr_image_is_text(table, record->name) &&
                   nr_image_is_origin(table, record->origin),
               error, "exclusive set", number, "has no text");
    NR_REQUIRE(record->on_conflict <= NR_CONFLICT_PREFER_FIRST, error, "exclusive set",
               number, "has a rule that means nothing");
    NR_REQUIRE(nr_image_is_range(record->activities, table->numbers_count), error,
               "exclusive set", number, "lies outside");
    uint64_t seen[NR_IMAGE_WORDS_MAX] = { 0 };
    for (uint32_t i = 0; i < record->activities.count; i++) {
        uint32_t member = table->numbers[record->activities.first + i];
        NR_REQUIRE(nr_image_is_in_use(table, member) && !nr_bits_has(seen, member),
                   error, "exclusive set", number, "has no sound members");
        nr_bits_add(seen, member);
    }
    return NRBAC_OK;
}

static nrbac_status check_suspension(const nr_table *table, uint32_t number,
                                     nrbac_error *error)
{
    const nr_table_suspension *record = &table->suspensions[number];
    NR_REQUIRE(record->kind <= NR_SUSPENDED_APPLICATION, error, "suspension", number,
               "is of nothing known");
    NR_REQUIRE(nr_image_is_text(table, record->what) &&
                   nr_image_is_text(table, record->reason) &&
                   nr_image_is_text(table, record->until) &&
                   nr_image_is_origin(table, record->origin),
               error, "suspension", number, "has no text");
    return NRBAC_OK;
}

nrbac_status nr_image_check_functions(const nr_table *table, nrbac_error *error)
{
    NR_TRY(check_functions(table, error));
    for (uint32_t i = 0; i < table->exclusives_count; i++)
        NR_TRY(check_exclusive(table, i, error));
    for (uint32_t i = 0; i < table->suspensions_count; i++)
        NR_TRY(check_suspension(table, i, error));
    return NRBAC_OK;
}
