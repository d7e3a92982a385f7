/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an explained answer has beside the others: a function's requirement, each
 * part with whether it holds, which is what a policy author looks at when a
 * function answers otherwise than expected; and the names of the codes in it.
 */
#include "api/question.h"
#include "base/codes.h"

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
    [NR_ATOM_ACTING_AS] = "acting_as",
    [NR_ATOM_ON_BEHALF_OF] = "on_behalf_of",
};

static nrbac_value *operand_of(nrbac_document *document, const nr_table *table,
                               const nr_table_node *node)
{
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
    case NR_ATOM_ACTING_AS:
        return nrbac_new_text(document, nr_table_text(table, node->operand));
    case NR_ATOM_ORGANISATION_REQUEST:
        return nrbac_new_text(document, "request");
    case NR_ATOM_ON_BEHALF_OF:
        return nrbac_new_text(document, "named");
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

static bool is_group(const nr_table_node *node)
{
    return node->atom == NR_ALL || node->atom == NR_ANY;
}

/* Every part as a map: a group holds its children, an atom what it asks for.
 * Children stand behind their parent, so going backwards meets them first. NULL when
 * out of memory. */
static nrbac_value **parts_of(nrbac_document *document, const nr_table *table,
                              nr_range range)
{
    const nr_table_node *nodes = &table->nodes[range.first];
    nrbac_value **parts = nr_arena_new_array(&document->arena, range.count,
                                             nrbac_value *);
    if (parts == NULL)
        document->failed = true;
    for (uint32_t i = range.count; parts != NULL && i-- > 0;) {
        nrbac_value *operand = operand_of(document, table, &nodes[i]);
        bool group = is_group(&nodes[i]);
        for (uint32_t c = i + 1; group && c < i + nodes[i].size; c += nodes[c].size)
            nrbac_append(document, operand, parts[c]);
        parts[i] = nrbac_new_map(document);
        nrbac_set(document, parts[i], atom_keys[nodes[i].atom], operand);
    }
    return parts;
}

static bool group_holds(const nr_table_node *nodes, const bool *holds, uint32_t group)
{
    bool all = nodes[group].atom == NR_ALL;
    uint32_t end = group + nodes[group].size;
    for (uint32_t c = group + 1; c < end; c += nodes[c].size)
        if (holds[c] != all)
            return holds[c];
    return all;
}

nrbac_value *nr_explain_requirement(const nr_question *question, nr_range range)
{
    const nr_table_node *nodes = &question->policy->table.nodes[range.first];
    nrbac_document *document = question->document;
    nrbac_value **parts = parts_of(document, &question->policy->table, range);
    bool *holds = nr_arena_new_array(&document->arena, range.count, bool);
    if (parts == NULL || holds == NULL) {
        document->failed = true;
        return NULL;
    }
    for (uint32_t i = range.count; i-- > 0;) {
        holds[i] = is_group(&nodes[i]) ? group_holds(nodes, holds, i)
                                       : nr_atom_holds(&question->holding, &nodes[i]);
        nrbac_set(document, parts[i], "holds", nrbac_new_boolean(document, holds[i]));
        if (nodes[i].atom == NR_ATOM_ACTIVITY && holds[i])
            nr_answer_add_steps(question, nodes[i].operand, parts[i]);
    }
    return parts[0];
}

nrbac_value *nr_tell_requirement(nrbac_document *document, const nr_table *table,
                                 nr_range range)
{
    if (range.count == 0)
        return nrbac_new_null(document);
    nrbac_value **parts = parts_of(document, table, range);
    for (uint32_t i = 0; parts != NULL && i < range.count; i++) {
        nr_range obligations = table->nodes[range.first + i].obligations;
        if (obligations.count != 0)
            nrbac_set(document, parts[i], "obligations",
                      nr_tell_obligations(document, table, obligations));
    }
    return parts == NULL ? NULL : parts[0];
}

nrbac_value *nr_tell_obligations(nrbac_document *document, const nr_table *table,
                                 nr_range range)
{
    nrbac_value *list = nrbac_new_list(document);
    for (uint32_t i = 0; i < range.count; i++) {
        uint32_t obligation = table->numbers[range.first + i];
        nr_text id = table->obligations[obligation].id;
        nrbac_append(document, list,
                     nrbac_new_text(document, nr_table_text(table, id)));
    }
    return list;
}

/* ---- Names ----------------------------------------------------------------------- */

/* The name that the policy gives a code of any kind; NULL: it gives none. */
static const char *name_of(const nr_table *table, const char *code)
{
    nr_text name = 0;
    const char *role = nr_code_role_of(code);
    uint32_t activity = nr_table_activity_of(table, code);
    uint32_t area = nr_table_area_of(table, code);
    uint32_t job = role == NULL ? NR_NONE : nr_table_role_of(table, role);
    if (activity != NR_NONE)
        name = table->activities[activity].name;
    else if (area != NR_NONE)
        name = table->areas[area].name;
    else if (job != NR_NONE)
        name = table->roles[job].name;
    return name == 0 ? NULL : nr_table_text(table, name);
}

void nr_tell_names(nrbac_document *document, const nr_table *table,
                   const nrbac_value *from, nrbac_value *names)
{
    const char *code = nrbac_value_text(from);
    if (code != NULL) {
        const char *name = name_of(table, code);
        if (name != NULL && nrbac_value_find(names, code) == NULL)
            nrbac_set(document, names, code, nrbac_new_text(document, name));
        return;
    }
    for (size_t i = 0; i < nrbac_value_count(from); i++)
        nr_tell_names(document, table, nrbac_value_at(from, i), names);
}

nrbac_value *nr_explain_names(const nr_question *question, const nrbac_value *context)
{
    static const char *const members[] = { "asked", "path", "candidates", "nearest",
                                           "requirement" };
    nrbac_value *names = nrbac_new_map(question->document);
    if (question->policy != NULL)
        for (size_t i = 0; i < NR_COUNT(members); i++)
            nr_tell_names(question->document, &question->policy->table,
                          nrbac_value_find(context, members[i]), names);
    return names;
}
