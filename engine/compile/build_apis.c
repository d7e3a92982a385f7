/* SPDX-License-Identifier: Apache-2.0 */
/*
 * APIs with their operations, and which application may call which of them.
 *
 * An operation's number is its place in OPERATIONS, where those of one API stand
 * together; a row of ALLOWED has a bit for each, and equal rows are kept once.
 */
#include "compile/build.h"

#include <stdlib.h>
#include <string.h>

static uint32_t operation_number(const nr_draft *draft, uint32_t api,
                                 uint32_t operation)
{
    nr_range range = draft->apis.items[draft->api.number_of[api]].operations;
    return range.first + draft->operations_of[api].number_of[operation];
}

static void add_operation(nr_draft *draft, const nr_operation *operation, uint32_t api)
{
    nr_table_operation *record = nr_draft_add(draft, operations);
    if (record == NULL)
        return;
    record->id = nr_draft_text(draft, operation->id);
    record->name = nr_draft_text(draft, operation->name);
    record->origin = nr_draft_origin(draft, operation->at);
    record->api = api;
    record->patterns = operation->patterns;
    record->delegation = operation->delegation;
    if (operation->require != NULL)
        record->nodes = nr_draft_requirement(draft, operation->require);
    record->obligations = nr_draft_obligations(draft, &operation->obligations);
}

static nr_range add_operations(nr_draft *draft, uint32_t api)
{
    uint32_t index = draft->api.index_of[api];
    const nr_api *meant = &draft->model->apis.items[index];
    const nr_numbering *numbering = &draft->operations_of[index];
    uint32_t first = (uint32_t)draft->operations.count;
    if (numbering->count == 0)
        return (nr_range){ 0 };
    for (uint32_t n = 0; n < numbering->count && draft->status == NRBAC_OK; n++)
        add_operation(draft, &meant->operations.items[numbering->index_of[n]], api);
    return (nr_range){ first, numbering->count };
}

void nr_build_apis(nr_draft *draft)
{
    for (uint32_t n = 0; n < draft->api.count && draft->status == NRBAC_OK; n++) {
        const nr_api *api = &draft->model->apis.items[draft->api.index_of[n]];
        nr_table_api *record = nr_draft_add(draft, apis);
        if (record == NULL)
            return;
        record->id = nr_draft_text(draft, api->id);
        record->name = nr_draft_text(draft, api->name);
        record->origin = nr_draft_origin(draft, api->at);
        record->rbac = api->rbac;
        record->local_user = api->local_user;
        record->operations = add_operations(draft, n);
    }
    draft->operation_words = nr_bits_words((uint32_t)draft->operations.count);
}

/* ---- Applications ------------------------------------------------------------- */

static void allow(nr_draft *draft, const nr_allowance *allowance, uint64_t *row)
{
    uint32_t api = allowance->api.index;
    uint32_t count = draft->operations_of[api].count;
    for (uint32_t o = 0; allowance->all && o < count; o++)
        nr_bits_add(row, operation_number(draft, api, o));
    for (size_t i = 0; i < allowance->operations.count; i++)
        nr_bits_add(row,
                    operation_number(draft, api, allowance->operations.items[i].index));
}

/* Where there are no operations, rows have no words, and none is needed. */
static uint32_t add_allowed(nr_draft *draft, const nr_application *application)
{
    uint64_t *row = nr_draft_array(draft, draft->operation_words, uint64_t);
    if (row == NULL || draft->operation_words == 0)
        return 0;
    for (size_t i = 0; i < application->allowances.count; i++)
        allow(draft, &application->allowances.items[i], row);
    bool is_new;
    uint32_t number = nr_pile_add(&draft->allowances, row,
                                  draft->operation_words * sizeof(uint64_t), &is_new);
    if (number == NR_NONE)
        draft->status = NRBAC_E_MEMORY;
    return number;
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* In order of code, each once. */
static nr_range add_organisations(nr_draft *draft, const nr_mentions *mentions)
{
    const char **codes = nr_draft_array(draft, mentions->count, const char *);
    uint32_t *texts = nr_draft_array(draft, mentions->count, uint32_t);
    if (codes == NULL || texts == NULL || mentions->count == 0)
        return (nr_range){ 0 };
    for (size_t i = 0; i < mentions->count; i++)
        codes[i] = mentions->items[i].code;
    qsort(codes, mentions->count, sizeof(*codes), by_text);
    size_t count = 0;
    for (size_t i = 0; i < mentions->count; i++)
        if (i == 0 || strcmp(codes[i], codes[i - 1]) != 0)
            texts[count++] = nr_draft_text(draft, codes[i]);
    return nr_draft_numbers(draft, texts, count);
}

void nr_build_applications(nr_draft *draft)
{
    for (uint32_t n = 0; n < draft->application.count; n++) {
        uint32_t index = draft->application.index_of[n];
        const nr_application *application = &draft->model->applications.items[index];
        nr_table_application *record = nr_draft_add(draft, applications);
        if (record == NULL)
            return;
        record->id = nr_draft_text(draft, application->id);
        record->name = nr_draft_text(draft, application->name);
        record->origin = nr_draft_origin(draft, application->at);
        record->closed = application->closed;
        record->suspension = NR_NONE;
        record->proofs = application->proofs;
        record->any_organisation = application->any_organisation;
        if (!application->any_organisation)
            record->organisations = add_organisations(draft,
                                                      &application->organisations);
        record->allowed = add_allowed(draft, application);
    }
}
