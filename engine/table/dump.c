/* SPDX-License-Identifier: Apache-2.0 */
#include "table/dump.h"

#include <stdio.h>
#include <string.h>

typedef struct dump {
    const nr_table *table;
    nrbac_sink *sink;
    void *context;
    bool stopped;
} dump;

static void put(dump *to, const char *text)
{
    if (!to->stopped && *text != '\0')
        to->stopped = !to->sink(to->context, text, strlen(text));
}

/* Texts of the table, by offset. */
static void put_text(dump *to, const char *before, nr_text text)
{
    put(to, before);
    put(to, nr_table_text(to->table, text));
}

static void put_number(dump *to, const char *before, uint32_t number)
{
    char digits[16];
    (void)snprintf(digits, sizeof(digits), "%u", (unsigned)number);
    put(to, before);
    put(to, digits);
}

static void put_quoted(dump *to, nr_text text)
{
    if (text == 0)
        return;
    put_text(to, " \"", text);
    put(to, "\"");
}

static void put_origin(dump *to, nr_origin origin)
{
    put_text(to, "  # ", origin.file);
    put_number(to, ":", origin.line);
    put(to, "\n");
}

static void put_activity_code(dump *to, const char *before, uint32_t activity)
{
    put_text(to, before, to->table->activities[activity].code);
}

static void put_status(dump *to, uint32_t status)
{
    static const char *const words[] = { "", " legacy", " obsolete" };
    put(to, words[status]);
}

/* All of a row but one of its bits. */
static void put_row(dump *to, const uint64_t *row, uint32_t without)
{
    put(to, "  =");
    for (uint32_t a = nr_bits_next(row, to->table->words, 0); a != NR_NONE;
         a = nr_bits_next(row, to->table->words, a + 1))
        if (a != without)
            put_activity_code(to, " ", a);
    put(to, "\n");
}

static void dump_activity(dump *to, uint32_t number)
{
    const nr_table *table = to->table;
    const nr_table_activity *record = &table->activities[number];
    put_text(to, "activity ", record->code);
    put_quoted(to, record->name);
    put_status(to, record->status);
    if (record->replaced_by != NR_NONE)
        put_activity_code(to, " replaced by ", record->replaced_by);
    if (record->suspension != NR_NONE)
        put(to, " suspended");
    put_origin(to, record->origin);
    for (uint32_t i = 0; i < record->includes.count; i++) {
        const nr_table_edge *edge = &table->edges[record->includes.first + i];
        put_activity_code(to, "  includes ", edge->activity);
        put_origin(to, edge->origin);
    }
    if (record->closure != NR_NONE)
        put_row(to, nr_table_row(table, record->closure), number);
}

static void dump_cell(dump *to, const nr_table_cell *cell)
{
    const nr_table *table = to->table;
    if (cell->area == NR_NONE)
        put(to, "  in any area of work\n");
    else {
        put_text(to, "  in ", table->areas[cell->area].code);
        put(to, "\n");
    }
    for (uint32_t i = 0; i < cell->grants.count; i++) {
        const nr_table_grant *grant = &table->grants[cell->grants.first + i];
        put_activity_code(to, "    ", grant->activity);
        put_origin(to, grant->origin);
    }
    put(to, "  ");
    put_row(to, nr_table_row(table, cell->row), NR_NONE);
}

static void dump_role(dump *to, const nr_table_role *role)
{
    const nr_table *table = to->table;
    put_text(to, "role ", role->code);
    put_quoted(to, role->name);
    if (role->staff_group != 0)
        put_text(to, " staff group ", role->staff_group);
    if (role->sub_group != 0)
        put_text(to, " sub group ", role->sub_group);
    put_status(to, role->status);
    if (role->replaced_by != NR_NONE)
        put_text(to, " replaced by ", table->roles[role->replaced_by].code);
    if (role->suspension != NR_NONE)
        put(to, " suspended");
    put_origin(to, role->origin);
    for (uint32_t i = 0; i < role->cells.count; i++)
        dump_cell(to, &table->cells[role->cells.first + i]);
}

static void dump_area(dump *to, const nr_table_area *area)
{
    put_text(to, "area ", area->code);
    put_quoted(to, area->name);
    put_status(to, area->status);
    if (area->replaced_by != NR_NONE)
        put_text(to, " replaced by ", to->table->areas[area->replaced_by].code);
    put_origin(to, area->origin);
}

static void put_obligations(dump *to, nr_range range)
{
    for (uint32_t i = 0; i < range.count; i++)
        put_text(to, i == 0 ? " with " : ", ",
                 to->table->obligations[to->table->numbers[range.first + i]].id);
}

static void put_atom(dump *to, const nr_table_node *node)
{
    const nr_table *table = to->table;
    switch ((nr_atom)node->atom) {
    case NR_ALL:
        put(to, "all");
        break;
    case NR_ANY:
        put(to, "any");
        break;
    case NR_ATOM_ACTIVITY:
        put_activity_code(to, "", node->operand);
        break;
    case NR_ATOM_ROLE:
        put_text(to, "role ", table->roles[node->operand].code);
        break;
    case NR_ATOM_AREA:
        put_text(to, "area of work ", table->areas[node->operand].code);
        break;
    case NR_ATOM_WORKGROUP:
        put_text(to, "workgroup ", node->operand);
        break;
    case NR_ATOM_ORGANISATION:
        put_text(to, "organisation ", node->operand);
        break;
    case NR_ATOM_ORGANISATION_REQUEST:
        put(to, "organisation of the request");
        break;
    case NR_ATOM_AAL:
        put_number(to, "aal ", node->operand);
        break;
    case NR_ATOM_IAL:
        put_number(to, "ial ", node->operand);
        break;
    case NR_ATOM_PROOFING:
        put_number(to, "proofing P", node->operand);
        break;
    case NR_ATOM_ACTING_AS:
        put_text(to, "acting as ", node->operand);
        break;
    case NR_ATOM_ON_BEHALF_OF:
        put(to, "on behalf of somebody named");
        break;
    }
}

/* How deep a node lies: how many of those before it reach beyond it. */
static uint32_t depth_of(const nr_table_node *nodes, uint32_t at)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < at; i++)
        depth += i + nodes[i].size > at;
    return depth;
}

static void dump_requirement(dump *to, nr_range range, uint32_t indent)
{
    const nr_table_node *nodes = &to->table->nodes[range.first];
    for (uint32_t i = 0; i < range.count; i++) {
        for (uint32_t d = depth_of(nodes, i) + indent; d > 0; d--)
            put(to, "  ");
        put_atom(to, &nodes[i]);
        put_obligations(to, nodes[i].obligations);
        put(to, "\n");
    }
}

static void dump_function(dump *to, const nr_table_function *function)
{
    put_text(to, "function ", function->id);
    put_quoted(to, function->name);
    put_obligations(to, function->obligations);
    if (function->suspension != NR_NONE)
        put(to, " suspended");
    if (function->record_first == NR_RECORD_SYNC)
        put(to, " audit sync");
    put_origin(to, function->origin);
    dump_requirement(to, function->nodes, 1);
    for (uint32_t i = 0; i < function->messages.count; i++) {
        const nr_table_message *message = &to->table
                                               ->messages[function->messages.first + i];
        put_text(to, "  message ", message->outcome);
        put_quoted(to, message->text);
        put(to, "\n");
    }
}

static void dump_patterns(dump *to, uint32_t patterns)
{
    static const char *const slugs[NR_PATTERN_COUNT] = {
#define NRBAC_PATTERN(number, NAME, slug, PROOF, USER, aal, doc) [number] = (slug),
#include <nrbac/pattern.def>
#undef NRBAC_PATTERN
    };
    for (uint32_t i = 0; i < NR_PATTERN_COUNT; i++) {
        if ((patterns >> i & 1) == 0)
            continue;
        put(to, "    under ");
        put(to, slugs[i]);
        put(to, "\n");
    }
}

static void dump_operation(dump *to, const nr_table_operation *operation)
{
    put_text(to, "  operation ", operation->id);
    put_quoted(to, operation->name);
    if (operation->delegation != 0)
        put(to, " delegation allowed");
    put_obligations(to, operation->obligations);
    put_origin(to, operation->origin);
    dump_patterns(to, operation->patterns);
    if (operation->nodes.count != 0)
        put(to, "    requires\n");
    dump_requirement(to, operation->nodes, 3);
}

static void dump_api(dump *to, const nr_table_api *api)
{
    static const char *const rbac[] = { " rbac own", " rbac national", " rbac none" };
    static const char *const local_user[] = { " local user none",
                                              " local user authenticated",
                                              " local user authorised" };
    put_text(to, "api ", api->id);
    put_quoted(to, api->name);
    put(to, rbac[api->rbac]);
    put(to, local_user[api->local_user]);
    put_origin(to, api->origin);
    for (uint32_t i = 0; i < api->operations.count; i++)
        dump_operation(to, &to->table->operations[api->operations.first + i]);
}

static void put_proofs(dump *to, uint32_t proofs)
{
    static const char *const words[] = { "api-key", "signed-jwt", "tls-ma" };
    const char *before = "  authenticated by ";
    if (proofs == 0)
        put(to, "  authenticated by nothing");
    for (uint32_t i = 0; i < NR_COUNT(words); i++) {
        if ((proofs >> i & 1) == 0)
            continue;
        put(to, before);
        put(to, words[i]);
        before = ", ";
    }
    put(to, "\n");
}

static void put_organisations(dump *to, const nr_table_application *application)
{
    nr_range range = application->organisations;
    if (application->any_organisation != 0)
        put(to, "  for any organisation");
    else if (range.count == 0)
        put(to, "  for no organisation");
    for (uint32_t i = 0; i < range.count; i++)
        put_text(to, i == 0 ? "  for " : ", ", to->table->numbers[range.first + i]);
    put(to, "\n");
}

/* What it may call, a line an API. */
static void put_allowed(dump *to, const nr_table_application *application)
{
    const nr_table *table = to->table;
    uint32_t words = table->header->operation_words;
    const uint64_t *row = nr_table_allowed(table, application->allowed);
    uint32_t api = NR_NONE;
    for (uint32_t o = nr_bits_next(row, words, 0); o != NR_NONE;
         o = nr_bits_next(row, words, o + 1)) {
        const nr_table_operation *operation = &table->operations[o];
        if (operation->api != api) {
            put_text(to, api == NR_NONE ? "  may call " : "\n  may call ",
                     table->apis[operation->api].id);
            put(to, ":");
        }
        api = operation->api;
        put_text(to, " ", operation->id);
    }
    put(to, api == NR_NONE ? "  may call nothing\n" : "\n");
}

static void dump_application(dump *to, const nr_table_application *application)
{
    put_text(to, "application ", application->id);
    put_quoted(to, application->name);
    if (application->closed != 0)
        put(to, " closed");
    if (application->suspension != NR_NONE)
        put(to, " suspended");
    put_origin(to, application->origin);
    put_proofs(to, application->proofs);
    put_organisations(to, application);
    put_allowed(to, application);
}

static void dump_exclusive(dump *to, const nr_table_exclusive *set)
{
    static const char *const words[] = { "deny", "warn", "prefer-first" };
    put_text(to, "exclusive ", set->name);
    put(to, " on conflict ");
    put(to, words[set->on_conflict]);
    put(to, ":");
    for (uint32_t i = 0; i < set->activities.count; i++)
        put_activity_code(to, " ", to->table->numbers[set->activities.first + i]);
    put_origin(to, set->origin);
}

static void dump_suspension(dump *to, const nr_table_suspension *suspension)
{
    static const char *const words[] = { "activity ", "role ", "function ",
                                         "application " };
    put(to, "suspended ");
    put_text(to, words[suspension->kind], suspension->what);
    if (suspension->until != 0)
        put_text(to, " until ", suspension->until);
    put_quoted(to, suspension->reason);
    put_origin(to, suspension->origin);
}

static void dump_head(dump *to)
{
    const nr_image_header *header = to->table->header;
    put_text(to, "policy ", header->policy_name);
    put_text(to, "\nversion ", header->policy_version);
    put_text(to, "\nnrd_version ", header->nrd_version);
    put(to, header->provenance == NR_PROVENANCE_EXAMPLE ? "\nprovenance example\n"
                                                        : "\nprovenance local\n");
    put(to, header->roleless_additional != 0 ? "roleless_profiles additional\n"
                                             : "roleless_profiles none\n");
}

nrbac_status nr_table_dump(const nr_table *table, nrbac_sink *sink, void *context)
{
    dump to = { .table = table, .sink = sink, .context = context };
    dump_head(&to);
    for (uint32_t i = 0; i < table->activities_count; i++)
        dump_activity(&to, i);
    for (uint32_t i = 0; i < table->areas_count; i++)
        dump_area(&to, &table->areas[i]);
    for (uint32_t i = 0; i < table->roles_count; i++)
        dump_role(&to, &table->roles[i]);
    for (uint32_t i = 0; i < table->obligations_count; i++) {
        put_text(&to, "obligation ", table->obligations[i].id);
        put_quoted(&to, table->obligations[i].name);
        put(&to, "\n");
    }
    for (uint32_t i = 0; i < table->functions_count; i++)
        dump_function(&to, &table->functions[i]);
    for (uint32_t i = 0; i < table->apis_count; i++)
        dump_api(&to, &table->apis[i]);
    for (uint32_t i = 0; i < table->applications_count; i++)
        dump_application(&to, &table->applications[i]);
    for (uint32_t i = 0; i < table->exclusives_count; i++)
        dump_exclusive(&to, &table->exclusives[i]);
    for (uint32_t i = 0; i < table->suspensions_count; i++)
        dump_suspension(&to, &table->suspensions[i]);
    return to.stopped ? NRBAC_E_IO : NRBAC_OK;
}
