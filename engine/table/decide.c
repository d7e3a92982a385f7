/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deciding: one name on one holding.
 *
 * A requirement's nodes stand in preorder, so a node's children are always
 * behind it: walking backwards meets every child before its parent, and needs
 * neither recursion nor a stack, just a bit a node.
 */
#include "table/holding.h"

#include <string.h>

/* What is taken as true to find out why a requirement failed. */
enum {
    RELAX_LEVELS = 1 << 0, /* aal, ial */
    RELAX_PROOFING = 1 << 1,
    RELAX_ORGANISATION = 1 << 2,
    RELAX_EXCLUSIVE = 1 << 3,
    RELAX_SUSPENDED = 1 << 4,
};

typedef struct outcome_bits {
    uint64_t held[NR_REQUIREMENT_NODE_MAX / 64];
} outcome_bits;

nrbac_reason nr_activity_reason(const nr_holding *holding, uint32_t activity)
{
    const nr_table_activity *record = &holding->table->activities[activity];
    if (holding->suspended || record->suspension != NR_NONE)
        return NRBAC_REASON_SUSPENDED;
    if (!nr_bits_has(holding->closed, activity))
        return NRBAC_REASON_NOT_GRANTED;
    if (nr_bits_has(holding->excluded, activity))
        return NRBAC_REASON_EXCLUSIVE_CONFLICT;
    if (nr_bits_has(holding->baseline, activity))
        return NRBAC_REASON_GRANTED_BY_BASELINE;
    return NRBAC_REASON_GRANTED_BY_ADDITIONAL;
}

nr_verdict nr_decide_activity(const nr_holding *holding, uint32_t activity)
{
    return (nr_verdict){ .reason = nr_activity_reason(holding, activity) };
}

static bool activity_counts(const nr_holding *holding, uint32_t activity,
                            unsigned relaxed)
{
    if (nr_bits_has(holding->effective, activity))
        return true;
    if ((relaxed & RELAX_EXCLUSIVE) == 0 || !nr_bits_has(holding->closed, activity))
        return false;
    return (relaxed & RELAX_SUSPENDED) != 0 ||
           holding->table->activities[activity].suspension == NR_NONE;
}

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool in_workgroup(const nr_holding *holding, const char *id)
{
    size_t low = 0;
    size_t high = holding->workgroup_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(holding->workgroups[middle], id);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* A level that is not stated reaches nothing (S4): unknown is 0, and a level n
 * is n + 1. */
static bool reaches(int stated, uint32_t wanted)
{
    return stated >= NRBAC_LEVEL((int)wanted);
}

static bool atom_holds(const nr_holding *holding, const nr_table_node *node,
                       unsigned relaxed)
{
    const nr_facts *facts = holding->facts;
    switch ((nr_atom)node->atom) {
    case NR_ATOM_ACTIVITY:
        return activity_counts(holding, node->operand, relaxed);
    case NR_ATOM_ROLE:
        return holding->role == node->operand &&
               holding->table->roles[node->operand].status != NR_OBSOLETE;
    case NR_ATOM_AREA:
        return nr_bits_has(holding->areas, node->operand) &&
               holding->table->areas[node->operand].status != NR_OBSOLETE;
    case NR_ATOM_WORKGROUP:
        return in_workgroup(holding, nr_table_text(holding->table, node->operand));
    case NR_ATOM_ORGANISATION:
        return (relaxed & RELAX_ORGANISATION) != 0 ||
               same_text(facts->acting_organisation,
                         nr_table_text(holding->table, node->operand));
    case NR_ATOM_ORGANISATION_REQUEST:
        return (relaxed & RELAX_ORGANISATION) != 0 ||
               same_text(facts->acting_organisation, facts->request_organisation);
    case NR_ATOM_AAL:
        return (relaxed & RELAX_LEVELS) != 0 || reaches(facts->aal, node->operand);
    case NR_ATOM_IAL:
        return (relaxed & RELAX_LEVELS) != 0 || reaches(facts->ial, node->operand);
    case NR_ATOM_PROOFING:
        return (relaxed & RELAX_PROOFING) != 0 ||
               reaches(facts->proofing, node->operand);
    case NR_ATOM_ACTING_AS:
        return same_text(facts->acting_as,
                         nr_table_text(holding->table, node->operand));
    case NR_ATOM_ON_BEHALF_OF:
        return facts->on_behalf_of != NULL && *facts->on_behalf_of != '\0';
    case NR_ALL:
    case NR_ANY:
        break;
    }
    return false;
}

bool nr_atom_holds(const nr_holding *holding, const nr_table_node *node)
{
    return atom_holds(holding, node, 0);
}

/* Whether an ALL or ANY holds, given its children. */
static bool group_holds(const nr_table_node *nodes, uint32_t at, const uint64_t *held)
{
    bool all = nodes[at].atom == NR_ALL;
    for (uint32_t child = at + 1; child < at + nodes[at].size;
         child += nodes[child].size)
        if (nr_bits_has(held, child) != all)
            return !all;
    return all;
}

static bool requirement_holds(const nr_holding *holding, nr_range range,
                              unsigned relaxed, outcome_bits *bits)
{
    const nr_table_node *nodes = &holding->table->nodes[range.first];
    memset(bits->held, 0, (size_t)nr_bits_words(range.count) * 8);
    for (uint32_t i = range.count; i-- > 0;) {
        bool group = nodes[i].atom == NR_ALL || nodes[i].atom == NR_ANY;
        if (group ? group_holds(nodes, i, bits->held)
                  : atom_holds(holding, &nodes[i], relaxed))
            nr_bits_add(bits->held, i);
    }
    return range.count == 0 || nr_bits_has(bits->held, 0);
}

static void add_obligations(const nr_table *table, nr_range range, nr_verdict *verdict)
{
    for (uint32_t i = 0; i < range.count; i++) {
        uint32_t obligation = table->numbers[range.first + i];
        uint32_t at = 0;
        while (at < verdict->obligation_count && verdict->obligations[at] < obligation)
            at++;
        if (at < verdict->obligation_count && verdict->obligations[at] == obligation)
            continue;
        memmove(&verdict->obligations[at + 1], &verdict->obligations[at],
                (verdict->obligation_count - at) * sizeof(uint32_t));
        verdict->obligations[at] = obligation;
        verdict->obligation_count++;
    }
}

/* The obligations of the alternatives that held: of an ALL every child counts,
 * of an ANY the first that holds. Parents are met before their children. */
static void collect_obligations(const nr_table *table, nr_demand demand,
                                const outcome_bits *bits, nr_verdict *verdict)
{
    const nr_table_node *nodes = &table->nodes[demand.nodes.first];
    uint64_t counts[NR_REQUIREMENT_NODE_MAX / 64] = { 0 };
    add_obligations(table, demand.obligations, verdict);
    nr_bits_add(counts, 0);
    for (uint32_t i = 0; i < demand.nodes.count; i++) {
        if (!nr_bits_has(counts, i))
            continue;
        add_obligations(table, nodes[i].obligations, verdict);
        for (uint32_t child = i + 1; child < i + nodes[i].size;
             child += nodes[child].size) {
            if (!nr_bits_has(bits->held, child))
                continue;
            nr_bits_add(counts, child);
            if (nodes[i].atom == NR_ANY)
                break;
        }
    }
}

/* What the requirement mentions that the facts do not state. */
static bool mentions_unstated(const nr_holding *holding, nr_range range)
{
    const nr_facts *facts = holding->facts;
    for (uint32_t i = 0; i < range.count; i++) {
        uint32_t atom = holding->table->nodes[range.first + i].atom;
        if ((atom == NR_ATOM_AAL && facts->aal == NRBAC_LEVEL_UNKNOWN) ||
            (atom == NR_ATOM_IAL && facts->ial == NRBAC_LEVEL_UNKNOWN))
            return true;
    }
    return false;
}

static bool mentions_request(const nr_holding *holding, nr_range range)
{
    for (uint32_t i = 0; i < range.count; i++)
        if (holding->table->nodes[range.first + i].atom == NR_ATOM_ORGANISATION_REQUEST)
            return true;
    return false;
}

/* Relaxes in the contract's order, cumulatively; the first that makes the
 * requirement hold names the reason. */
static nrbac_reason why_not(const nr_holding *holding, nr_range range,
                            outcome_bits *bits)
{
    unsigned relaxed = RELAX_LEVELS;
    if (requirement_holds(holding, range, relaxed, bits))
        return mentions_unstated(holding, range) ? NRBAC_REASON_ASSURANCE_UNKNOWN
                                                 : NRBAC_REASON_ASSURANCE_TOO_LOW;
    relaxed |= RELAX_PROOFING;
    if (requirement_holds(holding, range, relaxed, bits))
        return NRBAC_REASON_PROOFING_TOO_LOW;
    relaxed |= RELAX_ORGANISATION;
    if (requirement_holds(holding, range, relaxed, bits)) {
        return holding->facts->request_organisation == NULL &&
                       mentions_request(holding, range)
                   ? NRBAC_REASON_ORGANISATION_REQUIRED
                   : NRBAC_REASON_ORGANISATION_MISMATCH;
    }
    relaxed |= RELAX_EXCLUSIVE;
    if (requirement_holds(holding, range, relaxed, bits))
        return NRBAC_REASON_EXCLUSIVE_CONFLICT;
    relaxed |= RELAX_SUSPENDED;
    if (requirement_holds(holding, range, relaxed, bits))
        return NRBAC_REASON_SUSPENDED;
    return NRBAC_REASON_REQUIREMENT_NOT_MET;
}

static nr_verdict decide(const nr_holding *holding, nr_demand demand, bool suspended)
{
    if (holding->suspended || suspended)
        return (nr_verdict){ .reason = NRBAC_REASON_SUSPENDED };
    outcome_bits bits;
    if (!requirement_holds(holding, demand.nodes, 0, &bits))
        return (nr_verdict){ .reason = why_not(holding, demand.nodes, &bits) };
    nr_verdict verdict = { .reason = NRBAC_REASON_REQUIREMENT_MET };
    collect_obligations(holding->table, demand, &bits, &verdict);
    return verdict;
}

nr_verdict nr_decide_function(const nr_holding *holding, uint32_t function)
{
    const nr_table *table = holding->table;
    return decide(holding, nr_function_demand(table, function),
                  table->functions[function].suspension != NR_NONE);
}

/* Obligations can only come from a requirement that has some. */
static bool can_oblige(const nr_table *table, nr_demand demand)
{
    if (demand.obligations.count != 0)
        return true;
    for (uint32_t i = 0; i < demand.nodes.count; i++)
        if (table->nodes[demand.nodes.first + i].obligations.count != 0)
            return true;
    return false;
}

bool nr_permits_function(const nr_holding *holding, uint32_t function)
{
    const nr_table *table = holding->table;
    nr_demand demand = nr_function_demand(table, function);
    if (holding->suspended || table->functions[function].suspension != NR_NONE)
        return false;
    outcome_bits bits;
    if (!requirement_holds(holding, demand.nodes, 0, &bits))
        return false;
    nr_verdict verdict = { 0 };
    if (can_oblige(table, demand))
        collect_obligations(table, demand, &bits, &verdict);
    return verdict.obligation_count == 0;
}

nr_verdict nr_decide_operation(const nr_holding *holding, uint32_t operation)
{
    return decide(holding, nr_operation_demand(holding->table, operation), false);
}
