/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions the other way round, and about the policy itself.
 */
#include "api/question.h"
#include "base/codes.h"
#include "table/dump.h"
#include "table/nearest.h"

#include <stdio.h>
#include <string.h>

static void set_text(nrbac_document *document, nrbac_value *map, const char *key,
                     const char *text)
{
    nrbac_set(document, map, key, nrbac_new_text(document, text));
}

/* ---- What can ----------------------------------------------------------------------- */

static nrbac_value *activity_held(const nr_question *question, uint32_t activity,
                                  nrbac_reason reason)
{
    nrbac_document *document = question->document;
    const nr_table_activity *record = &question->policy->table.activities[activity];
    nrbac_value *map = nrbac_new_map(document);
    set_text(document, map, "code",
             nr_table_text(&question->policy->table, record->code));
    set_text(document, map, "name",
             nr_table_text(&question->policy->table, record->name));
    set_text(document, map, "source",
             reason == NRBAC_REASON_GRANTED_BY_BASELINE ? "baseline" : "additional");
    nrbac_set(document, map, "path", nr_answer_path(question, activity));
    return map;
}

static nrbac_value *function_outcome(const nr_question *question, uint32_t function)
{
    nrbac_document *document = question->document;
    const nr_table *table = &question->policy->table;
    nr_verdict verdict = nr_decide_function(&question->holding, function);
    nrbac_value *map = nrbac_new_map(document);
    set_text(document, map, "function",
             nr_table_text(table, table->functions[function].id));
    set_text(document, map, "name",
             nr_table_text(table, table->functions[function].name));
    set_text(document, map, "effect",
             nrbac_effect_slug(nrbac_reason_effect(verdict.reason)));
    set_text(document, map, "reason", nrbac_reason_slug(verdict.reason));
    nrbac_set(document, map, "obligations", nr_answer_obligations(question, &verdict));
    return map;
}

static void set_holdings(const nr_question *question, nrbac_value *map)
{
    const nr_table *table = &question->policy->table;
    nrbac_document *document = question->document;
    nrbac_value *activities = nrbac_new_list(document);
    for (uint32_t a = 0; a < table->activities_count; a++) {
        nrbac_reason reason = nr_decide_activity(&question->holding, a).reason;
        if (nrbac_reason_effect(reason) == NRBAC_PERMIT)
            nrbac_append(document, activities, activity_held(question, a, reason));
    }
    nrbac_set(document, map, "activities", activities);
    nrbac_value *functions = nrbac_new_list(document);
    for (uint32_t f = 0; f < table->functions_count; f++)
        nrbac_append(document, functions, function_outcome(question, f));
    nrbac_set(document, map, "functions", functions);
}

nrbac_value *nrbac_what_can(nrbac_engine *engine, const nrbac_request *request,
                            nrbac_document *document)
{
    nr_question question = {
        .document = document, .request = request, .opening = true, .explain = true
    };
    question.policy = nr_policy_take(engine, &question.stopped);
    nrbac_value *map = nrbac_new_map(document);
    if (nr_question_decide(&question) == NRBAC_OK) {
        nrbac_reason reason = question.verdict.reason;
        set_text(document, map, "effect",
                 nrbac_effect_slug(nrbac_reason_effect(reason)));
        set_text(document, map, "reason", nrbac_reason_slug(reason));
        set_text(document, map, "message", nr_message_write(&question));
        nrbac_set(document, map, "profile", nr_answer_profile(&question));
        nrbac_set(document, map, "warnings", nr_answer_warnings(&question));
        if (reason == NRBAC_REASON_OPENED)
            set_holdings(&question, map);
    } else {
        document->failed = true;
    }
    nr_policy_release(question.policy);
    return document->failed ? NULL : map;
}

nrbac_value *nrbac_what_can_document(nrbac_engine *engine, const nrbac_value *request,
                                     const nrbac_ask *ask, nrbac_document *document)
{
    nr_reading reading = { 0 };
    if (!nr_question_read(document, request, ask, false, &reading))
        return NULL;
    if (reading.fault == NULL)
        return nrbac_what_can(engine, &reading.request, document);
    nrbac_value *map = nrbac_new_map(document);
    set_text(document, map, "effect", nrbac_effect_slug(NRBAC_INDETERMINATE));
    set_text(document, map, "reason",
             nrbac_reason_slug(NRBAC_REASON_MALFORMED_REQUEST));
    set_text(document, map, "fault", reading.fault);
    return document->failed ? NULL : map;
}

/* ---- Who can ------------------------------------------------------------------------- */

/* A search over the roles: each as the only thing that a user has, with the
 * highest levels, at the organisation that the request names. */
typedef struct role_search {
    nrbac_document *document;
    const nr_table *table;
    nr_target target;
    nrbac_value *roles;
} role_search;

static nr_facts best_facts(const char *role, const char *const *areas,
                           size_t area_count)
{
    return (nr_facts){ .role = role,
                       .areas_of_work = areas,
                       .area_of_work_count = area_count,
                       .acting_organisation = "",
                       .request_organisation = "",
                       .on_behalf_of = "somebody",
                       .aal = NRBAC_LEVEL(3),
                       .ial = NRBAC_LEVEL(3),
                       .proofing = NRBAC_LEVEL(9) };
}

static bool is_permitted(const role_search *search, const nr_holding *holding)
{
    uint32_t number = search->target.number;
    nrbac_reason reason = search->target.kind == NR_TARGET_ACTIVITY
                              ? nr_decide_activity(holding, number).reason
                              : nr_decide_function(holding, number).reason;
    return nrbac_reason_effect(reason) == NRBAC_PERMIT ||
           reason == NRBAC_REASON_ORGANISATION_MISMATCH;
}

/* In whichever capacity that the function mentions the request might be made. */
static bool is_permitted_somehow(const role_search *search, nr_facts *facts,
                                 const nr_holding *holding)
{
    const nr_table *table = search->table;
    if (is_permitted(search, holding))
        return true;
    if (search->target.kind == NR_TARGET_ACTIVITY)
        return false;
    nr_range nodes = table->functions[search->target.number].nodes;
    for (uint32_t i = 0; i < nodes.count; i++) {
        const nr_table_node *node = &table->nodes[nodes.first + i];
        if (node->atom != NR_ATOM_ACTING_AS)
            continue;
        facts->acting_as = nr_table_text(table, node->operand);
        if (is_permitted(search, holding))
            return true;
    }
    return false;
}

static bool permits(const role_search *search, nr_facts *facts)
{
    nr_arena scratch = { 0 };
    nr_holding holding;
    bool yes = false;
    if (nr_holding_make(&scratch, search->table, facts, &holding) != NRBAC_OK)
        search->document->failed = true;
    else
        yes = is_permitted_somehow(search, facts, &holding);
    nr_arena_finish(&scratch);
    return yes;
}

static void add_role(const role_search *search, const nr_table_role *role,
                     uint32_t area)
{
    nrbac_value *map = nrbac_new_map(search->document);
    set_text(search->document, map, "role", nr_table_text(search->table, role->code));
    set_text(search->document, map, "name", nr_table_text(search->table, role->name));
    if (area != NR_NONE) {
        const nr_table_area *record = &search->table->areas[area];
        set_text(search->document, map, "area_of_work",
                 nr_table_text(search->table, record->code));
        set_text(search->document, map, "area_name",
                 nr_table_text(search->table, record->name));
    }
    nrbac_append(search->document, search->roles, map);
}

/* The role alone; if that is not enough, with each area of work that its
 * baseline knows. */
static void search_role(const role_search *search, const nr_table_role *role)
{
    const char *code = nr_table_text(search->table, role->code);
    nr_facts alone = best_facts(code, NULL, 0);
    if (permits(search, &alone)) {
        add_role(search, role, NR_NONE);
        return;
    }
    for (uint32_t i = 0; i < role->cells.count; i++) {
        uint32_t area = search->table->cells[role->cells.first + i].area;
        if (area == NR_NONE)
            continue;
        const char *area_code = nr_table_text(search->table,
                                              search->table->areas[area].code);
        nr_facts with_area = best_facts(code, &area_code, 1);
        if (permits(search, &with_area))
            add_role(search, role, area);
    }
}

/* What could be added to somebody who has nothing: the nearest permits. */
static nrbac_value *additions(const role_search *search)
{
    nrbac_document *document = search->document;
    const nr_table *table = search->table;
    nrbac_value *list = nrbac_new_list(document);
    nr_facts facts = best_facts(NULL, NULL, 0);
    nr_holding holding;
    nr_nearest nearest = { 0 };
    nrbac_status status = nr_holding_make(&document->arena, table, &facts, &holding);
    if (status == NRBAC_OK) {
        status = search->target.kind == NR_TARGET_ACTIVITY
                     ? nr_nearest_for_activity(&document->arena, &holding,
                                               search->target.number, &nearest)
                     : nr_nearest_for_function(&document->arena, &holding,
                                               search->target.number, &nearest);
    }
    if (status != NRBAC_OK)
        document->failed = true;
    for (uint32_t i = 0; i < nearest.count; i++) {
        nrbac_value *codes = nrbac_new_list(document);
        for (uint32_t k = 0; k < nearest.sets[i].count; k++) {
            uint32_t activity = nearest.sets[i].activities[k];
            nrbac_append(
                document, codes,
                nrbac_new_text(document,
                               nr_table_text(table, table->activities[activity].code)));
        }
        nrbac_append(document, list, codes);
    }
    return list;
}

/* Every active code that brings an activity. */
static nrbac_value *providers(const role_search *search)
{
    const nr_table *table = search->table;
    nrbac_value *list = nrbac_new_list(search->document);
    for (uint32_t a = 0; a < table->activities_count; a++) {
        const nr_table_activity *record = &table->activities[a];
        bool brings = a == search->target.number ||
                      (record->closure != NR_NONE &&
                       nr_bits_has(nr_table_row(table, record->closure),
                                   search->target.number));
        if (!brings || record->status != NR_ACTIVE)
            continue;
        nrbac_value *codes = nrbac_new_list(search->document);
        nrbac_append(
            search->document, codes,
            nrbac_new_text(search->document, nr_table_text(table, record->code)));
        nrbac_append(search->document, list, codes);
    }
    return list;
}

static void search_all(nr_policy *policy, nrbac_document *document, nr_target target,
                       nrbac_value *map)
{
    role_search search = { document, &policy->table, target, nrbac_new_list(document) };
    for (uint32_t r = 0; r < policy->table.roles_count; r++)
        if (policy->table.roles[r].replaced_by == NR_NONE)
            search_role(&search, &policy->table.roles[r]);
    nrbac_set(document, map, "roles", search.roles);
    nrbac_set(document, map, "add",
              target.kind == NR_TARGET_ACTIVITY ? providers(&search)
                                                : additions(&search));
}

nrbac_value *nrbac_who_can(nrbac_engine *engine, const char *name,
                           nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    set_text(document, map, "name", name);
    nr_policy *policy = nr_policy_take(engine, NULL);
    nr_target target = { .kind = NR_TARGET_UNKNOWN };
    if (policy != NULL)
        target = nr_policy_target(policy, name);
    if (target.kind != NR_TARGET_UNKNOWN) {
        search_all(policy, document, target, map);
    } else {
        nrbac_reason reason = NRBAC_REASON_NO_POLICY;
        if (policy != NULL)
            reason = nr_code_names_activity(name, strlen(name))
                         ? NRBAC_REASON_UNKNOWN_ACTIVITY
                         : NRBAC_REASON_UNKNOWN_FUNCTION;
        set_text(document, map, "reason", nrbac_reason_slug(reason));
    }
    nr_policy_release(policy);
    return document->failed ? NULL : map;
}

/* ---- The policy itself ---------------------------------------------------------------- */

static nrbac_value *counts_of(nrbac_document *document, const nr_table *table)
{
    const struct {
        const char *key;
        uint32_t count;
    } counts[] = {
        { "job_roles", table->roles_count },
        { "activities", table->activities_count },
        { "areas_of_work", table->areas_count },
        { "grants", table->grants_count },
        { "inclusions", table->edges_count },
        { "functions", table->functions_count },
        { "exclusive", table->exclusives_count },
        { "suspended", table->suspensions_count },
    };
    nrbac_value *map = nrbac_new_map(document);
    for (size_t i = 0; i < NR_COUNT(counts); i++)
        nrbac_set(document, map, counts[i].key,
                  nrbac_new_integer(document, counts[i].count));
    return map;
}

static void describe(nrbac_document *document, nrbac_value *map,
                     const nr_policy *policy)
{
    const nr_table *table = &policy->table;
    const nr_image_header *header = table->header;
    char loaded_at[NR_TIME_SIZE];
    nr_time_write(policy->loaded_at, loaded_at);
    set_text(document, map, "name", nr_table_text(table, header->policy_name));
    set_text(document, map, "version", nr_table_text(table, header->policy_version));
    set_text(document, map, "nrd_version", nr_table_text(table, header->nrd_version));
    set_text(document, map, "provenance",
             header->provenance == NR_PROVENANCE_EXAMPLE ? "example" : "local");
    set_text(document, map, "digest", policy->digest);
    nrbac_set(document, map, "generation",
              nrbac_new_integer(document, policy->generation));
    nrbac_set(document, map, "counts", counts_of(document, table));
    set_text(document, map, "loaded_at", loaded_at);
    nrbac_set(document, map, "image_bytes",
              nrbac_new_integer(document, (int64_t)header->size));
    nrbac_set(document, map, "compared_cells",
              nrbac_new_integer(document, (int64_t)header->compared_cells));
}

nrbac_value *nrbac_policy_info(nrbac_engine *engine, nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    nr_policy *policy = nr_policy_take(engine, NULL);
    if (policy != NULL)
        describe(document, map, policy);
    else
        nrbac_set(document, map, "generation", nrbac_new_integer(document, 0));
    nr_policy_release(policy);
    return document->failed ? NULL : map;
}

static void set_number_of(const nrbac_engine *engine, nrbac_document *document,
                          nrbac_value *map, const char *name)
{
    nrbac_set(
        document, map, name,
        nrbac_new_integer(document, nr_engine_name_of(engine, name, strlen(name))));
}

nrbac_value *nrbac_policy_names(nrbac_engine *engine, nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    nr_policy *policy = nr_policy_take(engine, NULL);
    if (policy != NULL) {
        const nr_table *table = &policy->table;
        for (uint32_t a = 0; a < table->activities_count; a++)
            set_number_of(engine, document, map,
                          nr_table_text(table, table->activities[a].code));
        for (uint32_t f = 0; f < table->functions_count; f++)
            set_number_of(engine, document, map,
                          nr_table_text(table, table->functions[f].id));
    }
    nr_policy_release(policy);
    return document->failed ? NULL : map;
}

nrbac_status nrbac_dump(nrbac_engine *engine, nrbac_sink *sink, void *context)
{
    nr_policy *policy = nr_policy_take(engine, NULL);
    if (policy == NULL)
        return NRBAC_E_ARGUMENT;
    nrbac_status status = nr_table_dump(&policy->table, sink, context);
    nr_policy_release(policy);
    return status;
}
