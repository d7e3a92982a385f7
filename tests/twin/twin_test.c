/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slow twin: it agrees with tables that are right, and catches each way of
 * getting one wrong that we could think of.
 */
#include "check.h"
#include "compile/agree.h"
#include "compile/compile.h"
#include "made.h"

#include <stdlib.h>
#include <time.h>

typedef struct compared {
    nrbac_status status;
    nr_twin_report report;
} compared;

static compared compare(const made_policy *made, const nr_table *table)
{
    nr_arena arena = { 0 };
    compared result = { 0 };
    result.status = nr_agree(&arena, &made->model, table, NULL, &result.report);
    nr_arena_finish(&arena);
    return result;
}

/* ---- Right tables ------------------------------------------------------------------ */

static void check_agrees(const made_policy *made)
{
    void *image;
    size_t size;
    nr_table table;
    nrbac_error error = { "" };
    CHECK_INT(nr_build_image(&made->model, &image, &size, &error), NRBAC_OK);
    CHECK_INT(nr_table_open(&table, image, size, &error), NRBAC_OK);
    CHECK_STR(error.text, "");
    compared result = compare(made, &table);
    CHECK_INT(result.status, NRBAC_OK);
    CHECK_STR(result.report.difference, "");
    uint64_t cells = (uint64_t)made->model.roles.count * made->model.activities.count;
    CHECK(result.report.compared >= cells);
    free(image);
}

static void test_agreement(void)
{
    made_policy made;
    made_start(&made);
    check_agrees(&made);
    made_finish(&made);
    made_small(&made);
    check_agrees(&made);
    made_finish(&made);
    for (uint32_t seed = 0; seed < 300; seed++) {
        made_random(&made, seed,
                    (made_sizes){ 1 + seed % 9, seed % 5, 2 + seed % 70, 4 + seed % 16,
                                  seed % 13, seed % 6, seed % 4 });
        check_agrees(&made);
        made_finish(&made);
    }
}

/* ---- Wrong ones: the image is opened, then a number in it is changed -------------------- */

typedef struct workbench {
    made_policy made;
    void *image;
    size_t size;
    nr_table table;
} workbench;

static void set_up(workbench *bench)
{
    made_small(&bench->made);
    CHECK_INT(nr_build_image(&bench->made.model, &bench->image, &bench->size, NULL),
              NRBAC_OK);
    CHECK_INT(nr_table_open(&bench->table, bench->image, bench->size, NULL), NRBAC_OK);
}

/* The records may be written here: the image is this test's own memory. */
#define WRITABLE(bench, section, record)         \
    ((record *)(void *)((char *)(bench)->image + \
                        (bench)->table.header->sections[NR_SECTION_##section].offset))

static uint32_t number(const workbench *bench, const char *code)
{
    return nr_table_activity_of(&bench->table, code);
}

static uint64_t *closure(workbench *bench, const char *code)
{
    uint32_t row = bench->table.activities[number(bench, code)].closure;
    return WRITABLE(bench, ROWS, uint64_t) + (size_t)row * bench->table.words;
}

static uint32_t cell_of(const workbench *bench, const char *role, uint32_t which)
{
    return bench->table.roles[nr_table_role_of(&bench->table, role)].cells.first +
           which;
}

static uint64_t *cell_row(workbench *bench, const char *role, uint32_t which)
{
    uint32_t row = bench->table.cells[cell_of(bench, role, which)].row;
    return WRITABLE(bench, ROWS, uint64_t) + (size_t)row * bench->table.words;
}

static void drop_inclusion(workbench *bench)
{
    nr_bits_drop(closure(bench, "B0825"), number(bench, "B0360"));
}

static void reverse_inclusion(workbench *bench)
{
    nr_bits_add(closure(bench, "B0572"), number(bench, "B0825"));
}

static void grant_extra(workbench *bench)
{
    nr_bits_add(cell_row(bench, "R0300", 0), number(bench, "B0825"));
}

static void drop_grant(workbench *bench)
{
    nr_bits_drop(cell_row(bench, "R8000", 0), number(bench, "B0107"));
}

static void forget_area(workbench *bench)
{
    WRITABLE(bench, CELLS, nr_table_cell)[cell_of(bench, "R8008", 0)].area = NR_NONE;
}

static void swap_areas(workbench *bench)
{
    nr_table_cell *cells = WRITABLE(bench, CELLS, nr_table_cell);
    uint32_t first = cell_of(bench, "R8008", 0);
    uint32_t area = cells[first].area;
    cells[first].area = cells[first + 1].area;
    cells[first + 1].area = area;
}

static void forget_cells(workbench *bench)
{
    WRITABLE(bench, ROLES, nr_table_role)
    [nr_table_role_of(&bench->table, "R8008")].cells.count = 1;
}

static void ignore_obsolete(workbench *bench)
{
    WRITABLE(bench, ACTIVITIES, nr_table_activity)
    [number(bench, "B0998")].status = NR_ACTIVE;
}

static void ignore_replacement(workbench *bench)
{
    nr_table_activity *records = WRITABLE(bench, ACTIVITIES, nr_table_activity);
    for (uint32_t n = 0; n < bench->table.activities_count; n++)
        records[n].replaced_by = NR_NONE;
}

static void ignore_role_replacement(workbench *bench)
{
    nr_table_role *records = WRITABLE(bench, ROLES, nr_table_role);
    for (uint32_t n = 0; n < bench->table.roles_count; n++)
        records[n].replaced_by = NR_NONE;
}

static void serve_obsolete_role(workbench *bench)
{
    nr_table_role *records = WRITABLE(bench, ROLES, nr_table_role);
    records[nr_table_role_of(&bench->table, "R0200")]
        .cells = records[nr_table_role_of(&bench->table, "R8000")].cells;
}

static nr_table_node *node_of(workbench *bench, const char *function, uint32_t which)
{
    uint32_t f = nr_table_function_of(&bench->table, function);
    return WRITABLE(bench, NODES, nr_table_node) +
           bench->table.functions[f].nodes.first + which;
}

static void wrong_obligation(workbench *bench)
{
    nr_table_node *quiet = node_of(bench, "cpis.view", 1);
    WRITABLE(bench, NUMBERS, uint32_t)[quiet->obligations.first] ^= 1;
}

static void forget_obligation(workbench *bench)
{
    node_of(bench, "cpis.view", 2)->obligations.count = 0;
}

static void forget_function_obligation(workbench *bench)
{
    uint32_t f = nr_table_function_of(&bench->table, "cpis.view");
    WRITABLE(bench, FUNCTIONS, nr_table_function)[f].obligations.count = 0;
}

static void all_as_any(workbench *bench)
{
    node_of(bench, "pds.amend", 0)->atom = NR_ANY;
}

static void any_as_all(workbench *bench)
{
    node_of(bench, "vaccinate", 1)->atom = NR_ALL;
}

static void lower_level(workbench *bench)
{
    node_of(bench, "pds.amend", 2)->operand = 1;
}

static void lower_proofing(workbench *bench)
{
    node_of(bench, "own-record", 0)->operand = 5;
}

static void aal_for_ial(workbench *bench)
{
    node_of(bench, "pds.amend", 3)->atom = NR_ATOM_AAL;
}

static void another_role(workbench *bench)
{
    node_of(bench, "vaccinate", 2)->operand ^= 1;
}

static void another_area(workbench *bench)
{
    node_of(bench, "vaccinate", 3)->operand = nr_table_area_of(&bench->table,
                                                               "P0020:Q0300:T0640");
}

static void another_workgroup(workbench *bench)
{
    node_of(bench, "vaccinate", 4)->operand = 0;
}

static void another_activity(workbench *bench)
{
    node_of(bench, "prescribe", 0)->operand = number(bench, "B0570");
}

static void any_organisation(workbench *bench)
{
    node_of(bench, "vaccinate", 6)->operand = 0;
}

static void ignore_set(workbench *bench)
{
    WRITABLE(bench, EXCLUSIVES, nr_table_exclusive)[0].on_conflict = NR_CONFLICT_WARN;
}

static void prefer_last(workbench *bench)
{
    uint32_t *numbers = WRITABLE(bench, NUMBERS, uint32_t);
    nr_range members = bench->table.exclusives[1].activities;
    uint32_t first = numbers[members.first];
    numbers[members.first] = numbers[members.first + 2];
    numbers[members.first + 2] = first;
}

static void judge_watched(workbench *bench)
{
    WRITABLE(bench, EXCLUSIVES, nr_table_exclusive)
    [2].on_conflict = NR_CONFLICT_PREFER_FIRST;
}

static void lift_suspension(workbench *bench)
{
    WRITABLE(bench, ACTIVITIES, nr_table_activity)
    [number(bench, "B0001")].suspension = NR_NONE;
}

static void suspend_role(workbench *bench)
{
    WRITABLE(bench, ROLES, nr_table_role)
    [nr_table_role_of(&bench->table, "R0300")].suspension = 0;
}

static void suspend_function(workbench *bench)
{
    uint32_t f = nr_table_function_of(&bench->table, "own-record");
    WRITABLE(bench, FUNCTIONS, nr_table_function)[f].suspension = 0;
}

static void lose_code(workbench *bench)
{
    uint32_t *index = WRITABLE(bench, ACTIVITY_INDEX, uint32_t);
    for (uint32_t i = 0; i < bench->table.activity_index_count; i++)
        if (index[i] == number(bench, "B0570") + 1) {
            index[i] = 0;
            return;
        }
}

static uint32_t operation(const workbench *bench, const char *api, const char *id)
{
    return nr_table_operation_of(&bench->table, nr_table_api_of(&bench->table, api),
                                 id);
}

static uint64_t *allowed(workbench *bench, const char *application)
{
    uint32_t number = nr_table_application_of(&bench->table, application);
    return WRITABLE(bench, ALLOWED, uint64_t) +
           (size_t)bench->table.applications[number].allowed *
               bench->table.header->operation_words;
}

static nr_table_operation *operation_of(workbench *bench, const char *api,
                                        const char *id)
{
    return WRITABLE(bench, OPERATIONS, nr_table_operation) + operation(bench, api, id);
}

static nr_table_node *operation_node(workbench *bench, const char *api, const char *id,
                                     uint32_t which)
{
    return WRITABLE(bench, NODES, nr_table_node) +
           operation_of(bench, api, id)->nodes.first + which;
}

static void allow_extra(workbench *bench)
{
    nr_bits_add(allowed(bench, "an-app"), operation(bench, "pds-fhir", "amend"));
}

static void allow_what_nobody_may(workbench *bench)
{
    nr_bits_add(allowed(bench, "gp-system"), operation(bench, "e-rs", "status"));
}

static void forget_allowed(workbench *bench)
{
    nr_bits_drop(allowed(bench, "gp-system"), operation(bench, "e-rs", "refer"));
}

static void forget_one_of_all(workbench *bench)
{
    nr_bits_drop(allowed(bench, "gp-system"), operation(bench, "pds-fhir", "search"));
}

static void exchange_applications(workbench *bench)
{
    nr_table_application *records = WRITABLE(bench, APPLICATIONS, nr_table_application);
    uint32_t gp = nr_table_application_of(&bench->table, "gp-system");
    uint32_t old = nr_table_application_of(&bench->table, "old");
    uint32_t row = records[gp].allowed;
    records[gp].allowed = records[old].allowed;
    records[old].allowed = row;
}

static void another_activity_of_operation(workbench *bench)
{
    operation_node(bench, "pds-fhir", "view", 0)->operand = number(bench, "B0107");
}

static void lower_level_of_operation(workbench *bench)
{
    operation_node(bench, "pds-fhir", "amend", 2)->operand = 1;
}

static void all_as_any_of_operation(workbench *bench)
{
    operation_node(bench, "pds-fhir", "amend", 0)->atom = NR_ANY;
}

static void ask_nothing_of_operation(workbench *bench)
{
    operation_of(bench, "pds-fhir", "view")->nodes.count = 0;
}

static void ask_something_of_operation(workbench *bench)
{
    operation_of(bench, "pds-fhir", "search")
        ->nodes = operation_of(bench, "pds-fhir", "view")->nodes;
}

static void forget_operation_obligation(workbench *bench)
{
    operation_of(bench, "pds-fhir", "view")->obligations.count = 0;
}

static void forget_obligation_without_user(workbench *bench)
{
    operation_of(bench, "e-rs", "status")->obligations.count = 0;
}

static void forget_alternative_of_operation(workbench *bench)
{
    operation_node(bench, "e-rs", "refer", 1)->obligations.count = 0;
}

static void lose_operation(workbench *bench)
{
    uint32_t api = nr_table_api_of(&bench->table, "pds-fhir");
    WRITABLE(bench, APIS, nr_table_api)[api].operations.count--;
}

static void lose_application(workbench *bench)
{
    uint32_t *index = WRITABLE(bench, APPLICATION_INDEX, uint32_t);
    memset(index, 0, bench->table.application_index_count * sizeof(*index));
}

static const struct {
    const char *name;
    void (*harm)(workbench *);
    const char *told; /* in the difference */
} mistakes[] = {
    { "an inclusion is dropped", drop_inclusion, "`B0360`" },
    { "an inclusion too many", reverse_inclusion, "`B0825`" },
    { "a grant too many", grant_extra, "R0300" },
    { "a grant is dropped", drop_grant, "the table says not-granted" },
    { "an area is forgotten", forget_area, "R8008" },
    { "areas are exchanged", swap_areas, "areas of work" },
    { "a cell is forgotten", forget_cells, "R8008" },
    { "an obsolete activity counts", ignore_obsolete, "B0998" },
    { "a replacement is ignored", ignore_replacement, "B0999" },
    { "a role's replacement is ignored", ignore_role_replacement, "R0100" },
    { "an obsolete role counts", serve_obsolete_role, "R0200" },
    { "another obligation", wrong_obligation, "cpis.view" },
    { "an alternative's obligation is forgotten", forget_obligation, "notify-access" },
    { "a function's obligation is forgotten", forget_function_obligation,
      "tell-patient" },
    { "all is any", all_as_any, "pds.amend" },
    { "any is all", any_as_all, "vaccinate" },
    { "a level is lower", lower_level, "assurance-too-low" },
    { "a proofing level is lower", lower_proofing, "proofing-too-low" },
    { "aal for ial", aal_for_ial, "pds.amend" },
    { "another role", another_role, "vaccinate" },
    { "another area", another_area, "vaccinate" },
    { "another workgroup", another_workgroup, "vaccinate" },
    { "another activity", another_activity, "prescribe" },
    { "another organisation", any_organisation, "vaccinate" },
    { "an exclusive set is ignored", ignore_set, "exclusive-conflict" },
    { "the wrong one is preferred", prefer_last, "exclusive-conflict" },
    { "a set that warns takes away", judge_watched, "exclusive-conflict" },
    { "a suspension is lifted", lift_suspension, "suspended" },
    { "a role is suspended", suspend_role, "R0300" },
    { "a function is suspended", suspend_function, "own-record" },
    { "a code is not found", lose_code, "unknown-activity" },
    { "an operation too many is allowed", allow_extra,
      "application `an-app` may not call `amend` of `pds-fhir` by the rules" },
    { "an operation that nobody may call", allow_what_nobody_may,
      "application `gp-system` may not call `status` of `e-rs` by the rules" },
    { "an allowed operation is forgotten", forget_allowed,
      "application `gp-system` may call `refer` of `e-rs` by the rules" },
    { "one of all operations is forgotten", forget_one_of_all,
      "application `gp-system` may call `search` of `pds-fhir` by the rules" },
    { "applications are exchanged", exchange_applications,
      "application `gp-system` may call `view`" },
    { "an operation asks for another activity", another_activity_of_operation,
      "`view` of `pds-fhir`" },
    { "an operation's level is lower", lower_level_of_operation,
      "`amend` of `pds-fhir` the rules say assurance-too-low" },
    { "all is any in an operation", all_as_any_of_operation, "`amend` of `pds-fhir`" },
    { "an operation asks for nothing", ask_nothing_of_operation,
      "`view` of `pds-fhir` the rules say requirement-not-met" },
    { "an operation asks for something", ask_something_of_operation,
      "`search` of `pds-fhir` the rules say requirement-met" },
    { "an operation's obligation is forgotten", forget_operation_obligation,
      "`view` of `pds-fhir` the rules say requirement-met with notify-access" },
    { "an obligation without a user is forgotten", forget_obligation_without_user,
      "`status` of `e-rs` the rules say requirement-met with notify-access" },
    { "an alternative's obligation in an operation", forget_alternative_of_operation,
      "`refer` of `e-rs` the rules say requirement-met with notify-access" },
    { "an operation is not found", lose_operation, "unknown-operation" },
    { "an application is not found", lose_application, "by the rules" },
};

static void test_mistakes(void)
{
    for (size_t i = 0; i < NR_COUNT(mistakes); i++) {
        workbench bench;
        set_up(&bench);
        mistakes[i].harm(&bench);
        nr_seal_image(bench.image, bench.size, 0);
        compared result = compare(&bench.made, &bench.table);
        CHECK_INT(result.status, NRBAC_OK);
        CHECK(result.report.differs);
        if (!result.report.differs)
            printf("not seen: %s\n", mistakes[i].name);
        else if (strstr(result.report.difference, mistakes[i].told) == NULL)
            CHECK_STR(result.report.difference, mistakes[i].told);
        made_finish(&bench.made);
        free(bench.image);
    }
}

/* ---- How fast ------------------------------------------------------------------------- */

static double seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void count_progress(void *context, unsigned permille)
{
    unsigned *last = context;
    CHECK(permille > *last);
    *last = permille;
}

static void test_speed(void)
{
    made_policy made;
    made_random(&made, 7, (made_sizes){ 500, 80, 1024, 4000, 100, 8, 6 });
    double start = seconds();
    void *image;
    size_t size;
    nr_table table;
    CHECK_INT(nr_build_image(&made.model, &image, &size, NULL), NRBAC_OK);
    CHECK_INT(nr_table_open(&table, image, size, NULL), NRBAC_OK);
    unsigned last = 0;
    const nrbac_compile_options options = { .progress = count_progress,
                                            .context = &last };
    nr_arena arena = { 0 };
    nr_twin_report report;
    CHECK_INT(nr_agree(&arena, &made.model, &table, &options, &report), NRBAC_OK);
    CHECK_STR(report.difference, "");
    CHECK_INT(last, 1000);
    CHECK(report.compared > UINT64_C(500) * 81 * 1024);
    printf("%llu cells of %zu bytes compared in %.2f s\n",
           (unsigned long long)report.compared, size, seconds() - start);
    nr_arena_finish(&arena);
    made_finish(&made);
    free(image);
}

int main(void)
{
    test_agreement();
    test_mistakes();
    test_speed();
    return check_report();
}
