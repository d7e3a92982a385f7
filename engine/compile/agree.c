/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/agree.h"

#include "table/holding.h"

/* The table's side of the comparison: answers exactly as a session would. */
typedef struct table_side {
    const nr_table *table;
    const nrbac_compile_options *options;
    nr_arena scratch; /* one holding at a time */
    nr_facts facts;
    nr_holding holding;
    /* By the model's index: the table's number. */
    uint32_t *activities, *functions;
} table_side;

static nrbac_status take(void *context, const nr_twin_profile *profile)
{
    table_side *asked = context;
    asked->facts = (nr_facts){
        .role = profile->role,
        .areas_of_work = profile->areas,
        .area_of_work_count = profile->area_count,
        .activities = profile->activities,
        .activity_count = profile->activity_count,
        .workgroups = profile->workgroups,
        .workgroup_count = profile->workgroup_count,
        .acting_organisation = profile->acting_organisation,
        .request_organisation = profile->request_organisation,
        .acting_as = profile->acting_as,
        .on_behalf_of = profile->on_behalf_of,
        .aal = profile->aal,
        .ial = profile->ial,
        .proofing = profile->proofing,
    };
    nr_arena_reset(&asked->scratch);
    return nr_holding_make(&asked->scratch, asked->table, &asked->facts,
                           &asked->holding);
}

static nrbac_reason ask_activity(void *context, size_t index, const char *code)
{
    const table_side *asked = context;
    (void)code;
    uint32_t number = asked->activities[index];
    if (number == NR_NONE)
        return NRBAC_REASON_UNKNOWN_ACTIVITY;
    return nr_decide_activity(&asked->holding, number).reason;
}

static nr_twin_outcome told(const table_side *asked, nr_verdict verdict)
{
    nr_twin_outcome outcome = { .reason = verdict.reason,
                                .obligation_count = verdict.obligation_count };
    for (uint32_t i = 0; i < verdict.obligation_count; i++)
        outcome.obligations[i] = nr_table_text(
            asked->table, asked->table->obligations[verdict.obligations[i]].id);
    return outcome;
}

static uint32_t find_operation(const nr_table *table, const char *api,
                               const char *operation)
{
    uint32_t number = nr_table_api_of(table, api);
    return number == NR_NONE ? NR_NONE
                             : nr_table_operation_of(table, number, operation);
}

static nr_twin_outcome ask_function(void *context, size_t index, const char *id)
{
    const table_side *asked = context;
    (void)id;
    uint32_t number = asked->functions[index];
    if (number == NR_NONE)
        return (nr_twin_outcome){ .reason = NRBAC_REASON_UNKNOWN_FUNCTION };
    return told(asked, nr_decide_function(&asked->holding, number));
}

static nr_twin_outcome ask_operation(void *context, const char *api,
                                     const char *operation)
{
    const table_side *asked = context;
    uint32_t number = find_operation(asked->table, api, operation);
    if (number == NR_NONE)
        return (nr_twin_outcome){ .reason = NRBAC_REASON_UNKNOWN_OPERATION };
    return told(asked, nr_decide_operation(&asked->holding, number));
}

static bool ask_allowed(void *context, const char *application, const char *api,
                        const char *operation)
{
    const nr_table *table = ((const table_side *)context)->table;
    uint32_t caller = nr_table_application_of(table, application);
    uint32_t number = find_operation(table, api, operation);
    return caller != NR_NONE && number != NR_NONE &&
           nr_bits_has(nr_table_allowed(table, table->applications[caller].allowed),
                       number);
}
static void progress(void *context, unsigned permille)
{
    const table_side *asked = context;
    asked->options->progress(asked->options->context, permille);
}

/* By their codes, as any request's are: so the indexes are compared, too. */
static bool find_numbers(nr_arena *arena, table_side *asked, const nr_model *model)
{
    asked->activities = nr_arena_new_array(arena, model->activities.count, uint32_t);
    asked->functions = nr_arena_new_array(arena, model->functions.count, uint32_t);
    if (asked->activities == NULL || asked->functions == NULL)
        return false;
    for (size_t i = 0; i < model->activities.count; i++)
        asked->activities[i] = nr_table_activity_of(asked->table,
                                                    model->activities.items[i].code);
    for (size_t i = 0; i < model->functions.count; i++)
        asked->functions[i] = nr_table_function_of(asked->table,
                                                   model->functions.items[i].id);
    return true;
}

nrbac_status nr_agree(nr_arena *arena, const nr_model *model, const nr_table *table,
                      const nrbac_compile_options *options, nr_twin_report *report)
{
    table_side asked = { .table = table, .options = options };
    if (!find_numbers(arena, &asked, model))
        return NRBAC_E_MEMORY;
    const nr_twin_table side = {
        .context = &asked,
        .take = take,
        .ask_activity = ask_activity,
        .ask_function = ask_function,
        .ask_operation = ask_operation,
        .ask_allowed = ask_allowed,
        .progress = options != NULL && options->progress != NULL ? progress : NULL,
    };
    nrbac_status status = nr_twin_compare(arena, model, &side, report);
    nr_arena_finish(&asked.scratch);
    return status;
}
