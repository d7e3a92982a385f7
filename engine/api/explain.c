/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's requirement as a document, each part with whether it holds: what
 * a policy author looks at when a function answers otherwise than expected.
 */
#include "api/question.h"

static const char *const atom_keys[] = {
    [NR_ALL] = "all",
    [NR_ANY] = "any",
    [NR_ATOM_ACTIVITY] = "activity",
    [NR_ATOM_ROLE] = "role",
    [NR_ATOM_AREA] = "area_of_work",
    [NR_ATOM_WORKGROUP] = "workgroup",
    [NR_ATOM_ORGANISATION] = "organisation",
    [NR_ATOM_ORGANISATION_REQUEST] = "organisation",
    [NR_ATOM_AAL] = "aal",
    [NR_ATOM_IAL] = "ial",
    [NR_ATOM_PROOFING] = "proofing",
};

static nrbac_value *operand_of(const nr_question *question, const nr_table_node *node)
{
    const nr_table *table = &question->policy->table;
    nrbac_document *document = question->document;
    switch ((nr_atom)node->atom) {
    case NR_ATOM_ACTIVITY:
        return nrbac_new_text(
            document, nr_table_text(table, table->activities[node->operand].code));
    case NR_ATOM_ROLE:
        return nrbac_new_text(document,
                              nr_table_text(table, table->roles[node->operand].code));
    case NR_ATOM_AREA:
        return nrbac_new_text(document,
                              nr_table_text(table, table->areas[node->operand].code));
    case NR_ATOM_WORKGROUP:
    case NR_ATOM_ORGANISATION:
        return nrbac_new_text(document, nr_table_text(table, node->operand));
    case NR_ATOM_ORGANISATION_REQUEST:
        return nrbac_new_text(document, "request");
    case NR_ATOM_AAL:
    case NR_ATOM_IAL:
        return nrbac_new_integer(document, node->operand);
    case NR_ATOM_PROOFING: {
        char level[] = { 'P', (char)('0' + node->operand), '\0' };
        return nrbac_new_text(document, level);
    }
    case NR_ALL:
    case NR_ANY:
        break;
    }
    return nrbac_new_list(document);
}

/* Children stand behind their parent, so going backwards meets them first. */
nrbac_value *nr_explain_requirement(const nr_question *question, uint32_t number)
{
    const nr_table *table = &question->policy->table;
    nr_range range = table->functions[number].nodes;
    const nr_table_node *nodes = &table->nodes[range.first];
    nrbac_value **values = nr_arena_new_array(&question->document->arena, range.count,
                                              nrbac_value *);
    bool *holds = nr_arena_new_array(&question->document->arena, range.count, bool);
    if (values == NULL || holds == NULL) {
        question->document->failed = true;
        return NULL;
    }
    for (uint32_t i = range.count; i-- > 0;) {
        bool group = nodes[i].atom == NR_ALL || nodes[i].atom == NR_ANY;
        nrbac_value *operand = operand_of(question, &nodes[i]);
        holds[i] = group ? nodes[i].atom == NR_ALL
                         : nr_atom_holds(&question->holding, &nodes[i]);
        for (uint32_t c = i + 1; group && c < i + nodes[i].size; c += nodes[c].size) {
            nrbac_append(question->document, operand, values[c]);
            if (holds[c] != (nodes[i].atom == NR_ALL))
                holds[i] = holds[c];
        }
        values[i] = nrbac_new_map(question->document);
        nrbac_set(question->document, values[i], atom_keys[nodes[i].atom], operand);
        nrbac_set(question->document, values[i], "holds",
                  nrbac_new_boolean(question->document, holds[i]));
    }
    return values[0];
}
