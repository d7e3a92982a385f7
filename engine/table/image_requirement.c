/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requirements in an image, whoever has them: that they are trees of sound atoms,
 * and that an answer has room for what they can oblige to.
 */
#include "table/image.h"

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
    case NR_ATOM_ON_BEHALF_OF:
        return operand == 0;
    case NR_ATOM_ACTIVITY:
        return operand < table->activities_count;
    case NR_ATOM_ROLE:
        return operand < table->roles_count;
    case NR_ATOM_AREA:
        return operand < table->areas_count;
    case NR_ATOM_WORKGROUP:
    case NR_ATOM_ORGANISATION:
    case NR_ATOM_ACTING_AS:
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
    if (count > NR_REQUIREMENT_NODE_MAX || nodes[0].size != count)
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

/* How many different ones are mentioned at all. */
static uint32_t mentioned_obligations(const nr_table *table, nr_demand demand)
{
    uint64_t seen[NR_OBLIGATION_MAX / 64] = { 0 };
    nr_range range = demand.obligations;
    for (uint32_t i = 0;; i++) {
        for (uint32_t o = 0; o < range.count; o++)
            nr_bits_add(seen, table->numbers[range.first + o]);
        if (i == demand.nodes.count)
            break;
        range = table->nodes[demand.nodes.first + i].obligations;
    }
    return nr_bits_count(seen, NR_COUNT(seen));
}

static nrbac_status check_nodes(const nr_table *table, nr_range range,
                                nr_image_owner owner, nrbac_error *error)
{
    const nr_table_node *nodes = &table->nodes[range.first];
    NR_REQUIRE(is_tree(nodes, range.count), error, owner.what, owner.number,
               "has a requirement that is no tree");
    for (uint32_t i = 0; i < range.count; i++) {
        NR_REQUIRE(is_sound_operand(table, &nodes[i]) &&
                       nr_image_is_ascending(table, nodes[i].obligations,
                                             table->obligations_count),
                   error, owner.what, owner.number, "requires nothing sound");
    }
    return NRBAC_OK;
}

nrbac_status nr_image_check_demand(const nr_table *table, nr_demand demand,
                                   nr_image_owner owner, nrbac_error *error)
{
    uint32_t most = demand.obligations.count;
    NR_REQUIRE(
        nr_image_is_ascending(table, demand.obligations, table->obligations_count),
        error, owner.what, owner.number, "has obligations that are not sound");
    if (demand.nodes.count != 0) {
        NR_TRY(check_nodes(table, demand.nodes, owner, error));
        most += most_obligations(&table->nodes[demand.nodes.first], demand.nodes.count);
    }
    if (most > NRBAC_OBLIGATION_MAX &&
        mentioned_obligations(table, demand) > NRBAC_OBLIGATION_MAX) {
        return nr_image_refuse(
            error, NRBAC_E_IMAGE, "%s `%s` can come with more than %d obligations",
            owner.what, nr_table_text(table, owner.id), (int)NRBAC_OBLIGATION_MAX);
    }
    return NRBAC_OK;
}
