/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an API promises against what its operations require.
 */
#include "compile/checks.h"

#include <string.h>

/* An `all` or `any`, of whose parts some were looked at. */
typedef struct open_part {
    const nr_requirement *node;
    const nr_requirement *next;
} open_part;

static bool is_national(const nr_codes *codes, const nr_mention *mention)
{
    if (mention->index == NR_NONE)
        return true; /* it was told already */
    const char *code = codes->items[mention->index].code;
    return nr_code_kind_of(code, strlen(code)) != NR_CODE_LOCAL;
}

/* Whether whoever meets the atom has something that no code of the organisation's
 * own gives. Proofing is a patient's, who has no codes at all. */
static bool atom_is_national(const nr_model *model, const nr_requirement *node)
{
    if (node->atom == NR_ATOM_ACTIVITY)
        return is_national(&model->activities, &node->code);
    if (node->atom == NR_ATOM_ROLE)
        return is_national(&model->roles, &node->code);
    return node->atom == NR_ATOM_PROOFING;
}

/* One part of an `all` is enough, every part of an `any` is needed. The first part
 * that settles the question ends the list. */
static bool requires_national(const nr_model *model, const nr_requirement *root)
{
    open_part open[NR_REQUIREMENT_DEPTH_MAX];
    size_t depth = 0;
    const nr_requirement *node = root;
    bool national;
    for (;;) {
        if (node->atom == NR_ALL || node->atom == NR_ANY) {
            open[depth++] = (open_part){ node, node->children->next };
            node = node->children;
            continue;
        }
        national = atom_is_national(model, node);
        while (depth > 0) {
            open_part *top = &open[depth - 1];
            bool settled = national == (top->node->atom == NR_ALL);
            if (!settled && top->next != NULL)
                break;
            depth--;
        }
        if (depth == 0)
            return national;
        node = open[depth - 1].next;
        open[depth - 1].next = node->next;
    }
}

static void check_operation(nr_checking *checking, const nr_api *api,
                            const nr_operation *operation)
{
    nr_diags *diags = checking->diags;
    if (operation->require == NULL)
        return;
    if (api->rbac == NR_RBAC_NONE) {
        nr_diag *diag = nr_diag_add(diags, NR_DIAG_RBAC_NONE_REQUIRES,
                                    operation->require->at,
                                    "`%s` requires something, though `%s` says "
                                    "`rbac: none`",
                                    operation->id, api->id);
        nr_diag_related(diag, api->at, "declared at");
        return;
    }
    if (api->rbac != NR_RBAC_NATIONAL ||
        requires_national(checking->model, operation->require))
        return;
    nr_diag *diag = nr_diag_add(
        diags, NR_DIAG_LOCAL_CODES_SUFFICE, operation->require->at,
        "what `%s` requires can be met without a national code", operation->id);
    nr_diag_help(
        diags, diag,
        "`%s` says `rbac: national`: every alternative must ask for a national "
        "activity or job role",
        api->id);
}

void nr_check_apis(nr_checking *checking)
{
    const nr_model *model = checking->model;
    for (size_t i = 0; i < model->apis.count; i++)
        for (size_t k = 0; k < model->apis.items[i].operations.count; k++)
            check_operation(checking, &model->apis.items[i],
                            &model->apis.items[i].operations.items[k]);
}
