/* SPDX-License-Identifier: Apache-2.0 */
#include "table/guard.h"

/* How many guards each node has; 0: none. An ALL is guarded by any one of its
 * children, so it takes the one with the fewest; an ANY needs one from each. */
static void count_guards(const nr_table_node *nodes, uint32_t count, uint32_t *counts)
{
    for (uint32_t i = count; i-- > 0;) {
        counts[i] = nodes[i].atom == NR_ATOM_ACTIVITY;
        bool all = nodes[i].atom == NR_ALL;
        uint32_t end = i + nodes[i].size;
        for (uint32_t child = i + 1; child < end; child += nodes[child].size) {
            if (!all && counts[child] == 0) {
                counts[i] = 0;
                break;
            }
            if (!all)
                counts[i] += counts[child];
            else if (counts[child] != 0 &&
                     (counts[i] == 0 || counts[child] < counts[i]))
                counts[i] = counts[child];
        }
    }
}

/* Marks the children whose guards are the guards of the group. */
static void choose_children(const nr_table_node *nodes, uint32_t group,
                            const uint32_t *counts, uint64_t *chosen)
{
    uint32_t end = group + nodes[group].size;
    for (uint32_t child = group + 1; child < end; child += nodes[child].size) {
        if (nodes[group].atom == NR_ANY) {
            nr_bits_add(chosen, child);
        } else if (counts[child] == counts[group]) {
            nr_bits_add(chosen, child);
            return;
        }
    }
}

/* Nothing but activities of which one is enough, and nothing that obliges. */
static bool is_enough(const nr_table_node *nodes, nr_demand demand)
{
    for (uint32_t i = 0; i < demand.nodes.count; i++)
        if ((nodes[i].atom != NR_ATOM_ACTIVITY && nodes[i].atom != NR_ANY) ||
            nodes[i].obligations.count != 0)
            return false;
    return demand.obligations.count == 0;
}

void nr_guards_of(const nr_table *table, uint32_t function, nr_guards *guards)
{
    nr_demand demand = nr_function_demand(table, function);
    const nr_table_node *nodes = &table->nodes[demand.nodes.first];
    uint32_t counts[NR_REQUIREMENT_NODE_MAX];
    uint64_t chosen[NR_REQUIREMENT_NODE_MAX / 64] = { 0 };
    guards->count = 0;
    guards->enough = is_enough(nodes, demand);
    count_guards(nodes, demand.nodes.count, counts);
    if (demand.nodes.count == 0 || counts[0] == 0)
        return;
    nr_bits_add(chosen, 0);
    for (uint32_t i = 0; i < demand.nodes.count; i++) {
        if (!nr_bits_has(chosen, i))
            continue;
        if (nodes[i].atom == NR_ATOM_ACTIVITY)
            guards->activities[guards->count++] = nodes[i].operand;
        else
            choose_children(nodes, i, counts, chosen);
    }
}
