/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy says of APIs and applications, whole: for reports that show who
 * answers for what.
 */
#include "api/duties.h"
#include "api/patterns.h"
#include "api/question.h"

/* Where telling stands. */
typedef struct api_teller {
    nrbac_document *document;
    const nr_table *table;
} api_teller;

static void set_text(const api_teller *teller, nrbac_value *map, const char *key,
                     const char *text)
{
    nrbac_set(teller->document, map, key, nrbac_new_text(teller->document, text));
}

/* What many records begin with: an id, a name, a place. */
static nrbac_value *begin(const api_teller *teller, nr_text id, nr_text name,
                          nr_origin origin)
{
    nrbac_value *map = nrbac_new_map(teller->document);
    set_text(teller, map, "id", nr_table_text(teller->table, id));
    set_text(teller, map, "name", nr_table_text(teller->table, name));
    set_text(teller, map, "file", nr_table_text(teller->table, origin.file));
    nrbac_set(teller->document, map, "line",
              nrbac_new_integer(teller->document, origin.line));
    return map;
}

/* ---- Suspensions -------------------------------------------------------------------- */

static nrbac_value *suspension_of(const api_teller *teller, uint32_t number)
{
    static const char *const kinds[] = {
        [NR_SUSPENDED_ACTIVITY] = "activity",
        [NR_SUSPENDED_ROLE] = "role",
        [NR_SUSPENDED_FUNCTION] = "function",
        [NR_SUSPENDED_APPLICATION] = "application",
    };
    if (number == NR_NONE)
        return nrbac_new_null(teller->document);
    const nr_table_suspension *suspension = &teller->table->suspensions[number];
    nrbac_value *map = nrbac_new_map(teller->document);
    set_text(teller, map, "kind", kinds[suspension->kind]);
    set_text(teller, map, "what", nr_table_text(teller->table, suspension->what));
    set_text(teller, map, "reason", nr_table_text(teller->table, suspension->reason));
    nrbac_set(teller->document, map, "until",
              suspension->until == 0
                  ? nrbac_new_null(teller->document)
                  : nrbac_new_text(teller->document,
                                   nr_table_text(teller->table, suspension->until)));
    set_text(teller, map, "file",
             nr_table_text(teller->table, suspension->origin.file));
    nrbac_set(teller->document, map, "line",
              nrbac_new_integer(teller->document, suspension->origin.line));
    return map;
}

static nrbac_value *suspensions_of(const api_teller *teller)
{
    nrbac_value *list = nrbac_new_list(teller->document);
    for (uint32_t i = 0; i < teller->table->suspensions_count; i++)
        nrbac_append(teller->document, list, suspension_of(teller, i));
    return list;
}

/* ---- APIs and their operations -------------------------------------------------------- */

static nrbac_value *operation_of(const api_teller *teller, uint32_t number)
{
    const nr_table_operation *operation = &teller->table->operations[number];
    nrbac_document *document = teller->document;
    nrbac_value *map = begin(teller, operation->id, operation->name, operation->origin);
    set_text(teller, map, "delegation",
             operation->delegation != 0 ? "allowed" : "refused");
    nrbac_set(document, map, "obligations",
              nr_tell_obligations(document, teller->table, operation->obligations));
    nrbac_set(document, map, "requirement",
              nr_tell_requirement(document, teller->table, operation->nodes));
    nrbac_value *list = nrbac_set(document, map, "patterns", nrbac_new_list(document));
    for (uint32_t p = 0; p < NR_PATTERN_COUNT; p++) {
        if ((operation->patterns >> p & 1) == 0)
            continue;
        nr_duties duties = nr_duties_of(teller->table, number, p);
        nrbac_append(document, list, nr_duties_tell(document, &duties, p));
    }
    return map;
}

static nrbac_value *apis_of(const api_teller *teller)
{
    static const char *const rbac[] = {
        [NR_RBAC_OWN] = "own",
        [NR_RBAC_NATIONAL] = "national",
        [NR_RBAC_NONE] = "none",
    };
    static const char *const local_user[] = {
        [NR_LOCAL_USER_NONE] = "none",
        [NR_LOCAL_USER_AUTHENTICATED] = "authenticated",
        [NR_LOCAL_USER_AUTHORISED] = "authorised",
    };
    nrbac_value *list = nrbac_new_list(teller->document);
    for (uint32_t i = 0; i < teller->table->apis_count; i++) {
        const nr_table_api *api = &teller->table->apis[i];
        nrbac_value *map = begin(teller, api->id, api->name, api->origin);
        set_text(teller, map, "rbac", rbac[api->rbac]);
        set_text(teller, map, "local_user", local_user[api->local_user]);
        nrbac_value *operations = nrbac_set(teller->document, map, "operations",
                                            nrbac_new_list(teller->document));
        for (uint32_t k = 0; k < api->operations.count; k++)
            nrbac_append(teller->document, operations,
                         operation_of(teller, api->operations.first + k));
        nrbac_append(teller->document, list, map);
    }
    return list;
}

/* ---- Applications --------------------------------------------------------------------- */

/* Whom it may act for; null: for any. */
static nrbac_value *organisations_of(const api_teller *teller,
                                     const nr_table_application *application)
{
    nr_range range = application->organisations;
    if (application->any_organisation != 0)
        return nrbac_new_null(teller->document);
    nrbac_value *list = nrbac_new_list(teller->document);
    for (uint32_t i = 0; i < range.count; i++) {
        nr_text code = teller->table->numbers[range.first + i];
        nrbac_append(
            teller->document, list,
            nrbac_new_text(teller->document, nr_table_text(teller->table, code)));
    }
    return list;
}

/* What it may call: lists of operations by API, in the order of the table, in which
 * the operations of an API stand together. */
static nrbac_value *allowed_of(const api_teller *teller,
                               const nr_table_application *application)
{
    const nr_table *table = teller->table;
    uint32_t words = table->header->operation_words;
    const uint64_t *row = nr_table_allowed(table, application->allowed);
    nrbac_value *map = nrbac_new_map(teller->document);
    nrbac_value *list = NULL;
    uint32_t api = NR_NONE;
    for (uint32_t o = nr_bits_next(row, words, 0); o != NR_NONE;
         o = nr_bits_next(row, words, o + 1)) {
        const nr_table_operation *operation = &table->operations[o];
        if (operation->api != api)
            list = nrbac_set(teller->document, map,
                             nr_table_text(table, table->apis[operation->api].id),
                             nrbac_new_list(teller->document));
        api = operation->api;
        nrbac_append(
            teller->document, list,
            nrbac_new_text(teller->document, nr_table_text(table, operation->id)));
    }
    return map;
}

static nrbac_value *applications_of(const api_teller *teller)
{
    nrbac_document *document = teller->document;
    nrbac_value *list = nrbac_new_list(document);
    for (uint32_t i = 0; i < teller->table->applications_count; i++) {
        const nr_table_application *application = &teller->table->applications[i];
        nrbac_value *map = begin(teller, application->id, application->name,
                                 application->origin);
        nrbac_set(document, map, "authenticated_by",
                  nr_proof_words(document, application->proofs));
        nrbac_set(document, map, "organisations",
                  organisations_of(teller, application));
        set_text(teller, map, "status", application->closed != 0 ? "closed" : "active");
        nrbac_set(document, map, "suspended",
                  suspension_of(teller, application->suspension));
        nrbac_set(document, map, "apis", allowed_of(teller, application));
        nrbac_append(document, list, map);
    }
    return list;
}

/* ---- All of it ------------------------------------------------------------------------ */

static nrbac_value *obligation_names(const api_teller *teller)
{
    nrbac_value *map = nrbac_new_map(teller->document);
    for (uint32_t i = 0; i < teller->table->obligations_count; i++) {
        const nr_table_obligation *obligation = &teller->table->obligations[i];
        set_text(teller, map, nr_table_text(teller->table, obligation->id),
                 nr_table_text(teller->table, obligation->name));
    }
    return map;
}

/* The names of the codes that requirements mention. */
static nrbac_value *code_names(const api_teller *teller, const nrbac_value *apis)
{
    nrbac_value *names = nrbac_new_map(teller->document);
    for (size_t i = 0; i < nrbac_value_count(apis); i++) {
        const nrbac_value *operations = nrbac_value_find(nrbac_value_at(apis, i),
                                                         "operations");
        for (size_t k = 0; k < nrbac_value_count(operations); k++)
            nr_tell_names(
                teller->document, teller->table,
                nrbac_value_find(nrbac_value_at(operations, k), "requirement"), names);
    }
    return names;
}

nrbac_value *nrbac_apis(nrbac_engine *engine, nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    nr_policy *policy = nr_policy_take(engine, NULL);
    if (policy != NULL) {
        api_teller teller = { document, &policy->table };
        nrbac_value *apis = nrbac_set(document, map, "apis", apis_of(&teller));
        nrbac_set(document, map, "applications", applications_of(&teller));
        nrbac_set(document, map, "suspended", suspensions_of(&teller));
        nrbac_set(document, map, "obligations", obligation_names(&teller));
        nrbac_set(document, map, "names", code_names(&teller, apis));
        nrbac_set(document, map, "words", nr_duties_words(document));
    }
    nr_policy_release(policy);
    return document->failed ? NULL : map;
}
