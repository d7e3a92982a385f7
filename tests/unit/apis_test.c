/* SPDX-License-Identifier: Apache-2.0 */
/*
 * APIs, their operations and applications in the image: what is in it, what is
 * decided by it, and that no number of theirs may say what it should not.
 */
#include "check.h"
#include "compile/compile.h"
#include "images.h"

#include "made.h"
#include "table/dump.h"
#include "table/nearest.h"

#include <stdlib.h>

/* ---- What is in it -------------------------------------------------------------- */

static uint32_t operation(const nr_table *table, const char *api, const char *id)
{
    return nr_table_operation_of(table, nr_table_api_of(table, api), id);
}

static bool may_call(const nr_table *table, const char *application, uint32_t number)
{
    uint32_t caller = nr_table_application_of(table, application);
    return nr_bits_has(nr_table_allowed(table, table->applications[caller].allowed),
                       number);
}

static void check_operations(const nr_table *table)
{
    CHECK_INT(table->apis_count, 3);
    CHECK_INT(table->operations_count, 5);
    CHECK_INT(table->header->operation_words, 1);
    CHECK_INT(nr_table_api_of(table, "e-rs"), 0);
    CHECK_INT(nr_table_api_of(table, "later"), 1);
    CHECK_INT(nr_table_api_of(table, "pds-fhir"), 2);
    CHECK_INT(nr_table_api_of(table, "pds"), NR_NONE);
    CHECK_INT(operation(table, "e-rs", "refer"), 0);
    CHECK_INT(operation(table, "e-rs", "status"), 1);
    CHECK_INT(operation(table, "pds-fhir", "amend"), 2);
    CHECK_INT(operation(table, "pds-fhir", "search"), 3);
    CHECK_INT(operation(table, "pds-fhir", "view"), 4);
    CHECK_INT(operation(table, "pds-fhir", "refer"), NR_NONE);
    CHECK_INT(operation(table, "pds-fhir", ""), NR_NONE);
    CHECK_INT(operation(table, "e-rs", "view"), NR_NONE);
    CHECK_INT(operation(table, "later", "view"), NR_NONE);
    const nr_table_operation *view = &table->operations[4];
    CHECK_INT(view->api, 2);
    CHECK_INT(view->delegation, 1);
    CHECK_INT(view->patterns, 1u << NR_PATTERN_SIGNED_JWT |
                                  1u << NR_PATTERN_CIS2_SEPARATE |
                                  1u << NR_PATTERN_CIS2_COMBINED);
    CHECK_INT(view->nodes.count, 1);
    CHECK_INT(table->operations[3].nodes.count, 0);
    CHECK_INT(table->apis[2].rbac, NR_RBAC_NATIONAL);
    CHECK_INT(table->apis[2].local_user, NR_LOCAL_USER_AUTHORISED);
}

static void test_apis(void)
{
    made_policy made;
    made_small(&made);
    image built = build(&made);
    nr_table table;
    CHECK_INT(open_image(&table, built), NRBAC_OK);
    check_operations(&table);
    CHECK_INT(nr_table_application_of(&table, "an-app"), 0);
    CHECK_INT(nr_table_application_of(&table, "pds-fhir"), NR_NONE);
    const bool may[] = { true, false, true, true, true };
    for (uint32_t o = 0; o < 5; o++) {
        CHECK(may_call(&table, "gp-system", o) == may[o]);
        CHECK(may_call(&table, "an-app", o) == (o == 3));
        CHECK(!may_call(&table, "old", o));
    }
    uint32_t gp = nr_table_application_of(&table, "gp-system");
    const nr_table_application *record = &table.applications[gp];
    CHECK_INT(record->proofs, NR_PROOF_SIGNED_JWT | NR_PROOF_TLS_MA);
    CHECK_INT(record->any_organisation, 0);
    CHECK_INT(record->organisations.count, 2); /* in order, each once */
    const uint32_t *organisations = &table.numbers[record->organisations.first];
    CHECK_STR(nr_table_text(&table, organisations[0]), "RBA");
    CHECK_STR(nr_table_text(&table, organisations[1]), "Y51");
    CHECK_INT(record->suspension, NR_NONE);
    CHECK_INT(table.applications[0].suspension, 1);
    CHECK_INT(table.applications[0].any_organisation, 1);
    CHECK_INT(table.applications[2].closed, 1);
    made_finish(&made);
    free(built.bytes);
}

/* Applications that may call the same share a row. */
static void test_rows_are_shared(void)
{
    made_policy made;
    made_start(&made);
    uint32_t api = made_api(&made, "a");
    for (unsigned i = 0; i < 100; i++)
        made_operation(&made, api, nr_arena_format(&made.arena, "o%02u", i), 1, NULL);
    for (unsigned i = 0; i < 50; i++) {
        const char *id = nr_arena_format(&made.arena, "app%02u", i);
        nr_application *application = made_application(&made, id, NR_PROOF_API_KEY);
        made_allow(&made, application, api, i % 2 == 0 ? 70 : NR_NONE);
    }
    image built = build(&made);
    nr_table table;
    CHECK_INT(open_image(&table, built), NRBAC_OK);
    CHECK_INT(table.header->operation_words, 2);
    CHECK_INT(table.allowed_count, 4);
    CHECK(may_call(&table, "app48", 70) && !may_call(&table, "app48", 6));
    CHECK(may_call(&table, "app49", 99));
    made_finish(&made);
    free(built.bytes);
}

/* An operation that owes `count` obligations, and nothing else of note. */
static nrbac_status open_owing(unsigned count, nrbac_error *error)
{
    made_policy made;
    made_start(&made);
    uint32_t api = made_api(&made, "a");
    uint32_t role = made_role(&made, "R8000");
    nr_requirement *require = made_code(&made, NR_ATOM_ROLE, role);
    made_operation(&made, api, "quiet", 1, NULL);
    nr_operation *operation = made_operation(&made, api, "owing", 1, require);
    for (unsigned i = 0; i < count; i++) {
        const char *id = nr_arena_format(&made.arena, "o%u", i);
        uint32_t obligation = made_obligation(&made, id);
        if (i % 2 == 0)
            made_operation_owes(&made, operation, obligation);
        else
            made_owes(&made, require, obligation);
    }
    image built = build(&made);
    nr_table table;
    nrbac_status status = nr_table_open(&table, built.bytes, built.size, error);
    made_finish(&made);
    free(built.bytes);
    return status;
}

static void test_obligations(void)
{
    nrbac_error error = { "" };
    CHECK_INT(open_owing(NRBAC_OBLIGATION_MAX, &error), NRBAC_OK);
    CHECK_INT(open_owing(NRBAC_OBLIGATION_MAX + 1, &error), NRBAC_E_IMAGE);
    CHECK_STR(error.text, "operation `owing` can come with more than 16 obligations");
}

static void test_limits(void)
{
    made_policy made;
    made_start(&made);
    for (unsigned i = 0; i <= NR_OPERATION_MAX; i++) {
        if (i % 4096 == 0)
            made_api(&made, nr_arena_format(&made.arena, "a%u", i));
        made_operation(&made, (uint32_t)made.model.apis.count - 1,
                       nr_arena_format(&made.arena, "o%u", i), 1, NULL);
    }
    image built = { 0 };
    nrbac_error error = { "" };
    CHECK_INT(nr_build_image(&made.model, &built.bytes, &built.size, &error),
              NRBAC_E_LIMIT);
    CHECK_STR(error.text,
              "the policy declares 8193 operations; there is room for 8192");
    made_finish(&made);
}

/* It is kept for whoever is called so, and belongs to no record. */
static void test_unknown_suspended(void)
{
    made_policy made;
    made_start(&made);
    made_application(&made, "known", NR_PROOF_API_KEY);
    made_suspend(&made, NR_SUSPENDED_APPLICATION, 0);
    made.model.suspensions.items[0].what = (nr_mention){ .code = "unknown",
                                                         .index = NR_NONE };
    image built = build(&made);
    nr_table table;
    CHECK_INT(open_image(&table, built), NRBAC_OK);
    CHECK_INT(table.suspensions_count, 1);
    CHECK_INT(table.applications[0].suspension, NR_NONE);
    CHECK_INT(table.allowed_count, 0); /* no operations, no rows */
    made_finish(&made);
    free(built.bytes);
}

/* ---- Deciding an operation ------------------------------------------------------ */

static nr_verdict decide(const nr_table *table, const nr_facts *facts, uint32_t number)
{
    nr_arena arena = { 0 };
    nr_holding holding;
    CHECK_INT(nr_holding_make(&arena, table, facts, &holding), NRBAC_OK);
    nr_verdict verdict = nr_decide_operation(&holding, number);
    nr_arena_finish(&arena);
    return verdict;
}

static void test_deciding(void)
{
    made_policy made;
    made_small(&made);
    image built = build(&made);
    nr_table table;
    CHECK_INT(open_image(&table, built), NRBAC_OK);
    const nr_facts doctor = { .role = "R8000", .aal = NRBAC_LEVEL(1) };
    nr_verdict view = decide(&table, &doctor, operation(&table, "pds-fhir", "view"));
    CHECK_STR(nrbac_reason_slug(view.reason), "requirement-met");
    CHECK_INT(view.obligation_count, 1);
    nr_verdict amend = decide(&table, &doctor, operation(&table, "pds-fhir", "amend"));
    CHECK_STR(nrbac_reason_slug(amend.reason), "assurance-too-low");
    CHECK_INT(amend.obligation_count, 0);
    const nr_facts nobody = { 0 };
    nr_verdict search = decide(&table, &nobody,
                               operation(&table, "pds-fhir", "search"));
    CHECK_STR(nrbac_reason_slug(search.reason), "requirement-met");
    CHECK_INT(search.obligation_count, 0);
    nr_verdict status = decide(&table, &nobody, operation(&table, "e-rs", "status"));
    CHECK_INT(status.obligation_count, 1);
    nr_verdict refer = decide(&table, &nobody, operation(&table, "e-rs", "refer"));
    CHECK_STR(nrbac_reason_slug(refer.reason), "organisation-mismatch");
    made_finish(&made);
    free(built.bytes);
}

static void test_nearest(void)
{
    made_policy made;
    made_small(&made);
    image built = build(&made);
    nr_table table;
    nr_arena arena = { 0 };
    nr_holding holding;
    nr_nearest nearest;
    const nr_facts nobody = { 0 };
    CHECK_INT(open_image(&table, built), NRBAC_OK);
    CHECK_INT(nr_holding_make(&arena, &table, &nobody, &holding), NRBAC_OK);
    CHECK_INT(nr_nearest_for_operation(&arena, &holding,
                                       operation(&table, "pds-fhir", "view"), &nearest),
              NRBAC_OK);
    CHECK(nearest.complete);
    CHECK_INT(nearest.count, 2); /* B0820 with what it includes, or B0825 */
    CHECK_STR(
        nr_table_text(&table, table.activities[nearest.sets[0].activities[0]].code),
        "B0820");
    CHECK_INT(nearest.sets[0].gain, 2);
    CHECK_STR(
        nr_table_text(&table, table.activities[nearest.sets[1].activities[0]].code),
        "B0825");
    CHECK_INT(nr_nearest_for_operation(
                  &arena, &holding, operation(&table, "pds-fhir", "search"), &nearest),
              NRBAC_OK);
    CHECK(nearest.complete);
    CHECK_INT(nearest.count, 0); /* nothing is lacking */
    nr_arena_finish(&arena);
    made_finish(&made);
    free(built.bytes);
}

/* ---- The dump -------------------------------------------------------------------- */

typedef struct written {
    char text[16384];
    size_t size;
} written;

static bool keep(void *context, const char *text, size_t size)
{
    written *kept = context;
    if (size >= sizeof(kept->text) - kept->size)
        return false;
    memcpy(kept->text + kept->size, text, size);
    kept->size += size;
    return true;
}

/* Lines of the policy made for tests are left out: they say nothing here. */
static void drop_lines(written *kept)
{
    char *to = kept->text;
    for (const char *from = kept->text; *from != '\0';) {
        if (strncmp(from, "  # ", 4) == 0)
            from += strcspn(from, "\n");
        *to++ = *from++;
    }
    *to = '\0';
}

static void test_dump(void)
{
    made_policy made;
    made_small(&made);
    image built = build(&made);
    nr_table table;
    static written kept;
    CHECK_INT(open_image(&table, built), NRBAC_OK);
    CHECK_INT(nr_table_dump(&table, keep, &kept), NRBAC_OK);
    drop_lines(&kept);
    const char *from = strstr(kept.text, "api e-rs");
    char *to = strstr(kept.text, "exclusive cp-is");
    CHECK(from != NULL && to != NULL);
    if (from != NULL && to != NULL) {
        *to = '\0';
        CHECK_STR(from, "api e-rs rbac own local user none\n"
                        "  operation refer\n"
                        "    under user-restricted/cis2-separate\n"
                        "    under user-restricted/cis2-combined\n"
                        "    requires\n"
                        "      any\n"
                        "        B0170 with notify-access\n"
                        "        organisation RBA\n"
                        "  operation status with notify-access\n"
                        "    under open-access\n"
                        "api later rbac own local user none\n"
                        "api pds-fhir \"Demographics\" rbac national local user "
                        "authorised\n"
                        "  operation amend\n"
                        "    under user-restricted/cis2-separate\n"
                        "    under user-restricted/cis2-combined\n"
                        "    requires\n"
                        "      all\n"
                        "        B0825\n"
                        "        aal 2\n"
                        "  operation search\n"
                        "    under application-restricted/signed-jwt\n"
                        "  operation view delegation allowed with notify-access\n"
                        "    under application-restricted/signed-jwt\n"
                        "    under user-restricted/cis2-separate\n"
                        "    under user-restricted/cis2-combined\n"
                        "    requires\n"
                        "      B0820\n"
                        "application an-app \"An app\" suspended\n"
                        "  authenticated by api-key\n"
                        "  for any organisation\n"
                        "  may call pds-fhir: search\n"
                        "application gp-system\n"
                        "  authenticated by signed-jwt, tls-ma\n"
                        "  for RBA, Y51\n"
                        "  may call e-rs: refer\n"
                        "  may call pds-fhir: amend search view\n"
                        "application old closed\n"
                        "  authenticated by tls-ma\n"
                        "  for any organisation\n"
                        "  may call nothing\n");
    }
    made_finish(&made);
    free(built.bytes);
}

/* ---- What is refused ------------------------------------------------------------- */

/* Each number of an API, an operation or an application, when it says what it may
 * not: sealed as if it were good, and refused for what it is. */
static const struct harm {
    nr_section section;
    size_t record_size, member;
    uint32_t number, value; /* of the record; what is put there */
    const char *told;
} harms[] = {
#define AT(SECTION, size, member, number, value, told)          \
    {                                                           \
        NR_SECTION_##SECTION, size, member, number, value, told \
    }
#define HARM(SECTION, record, member, number, value, told) \
    AT(SECTION, sizeof(record), offsetof(record, member), number, value, told)
    HARM(APIS, nr_table_api, rbac, 0, 3, "API 0 has settings"),
    HARM(APIS, nr_table_api, local_user, 2, 3, "API 2 has settings"),
    HARM(APIS, nr_table_api, origin.file, 0, 1u << 30, "API 0 has no origin"),
    HARM(APIS, nr_table_api, id, 1, 0, "API 1 has no text"),
    HARM(APIS, nr_table_api, operations.first, 2, 1, "API 2 lies outside"),
    HARM(APIS, nr_table_api, operations.count, 0, 3, "operation 2 belongs to another"),
    HARM(APIS, nr_table_api, operations.count, 2, 2, "operation 4 belongs to no API"),
    HARM(APIS, nr_table_api, operations.count, 2, 4, "API 2 lies outside"),
    HARM(OPERATIONS, nr_table_operation, api, 3, 0, "operation 3 belongs to another"),
    HARM(OPERATIONS, nr_table_operation, id, 3, 0, "operation 3 has no text"),
    HARM(OPERATIONS, nr_table_operation, name, 3, NR_NONE, "operation 3 has no text"),
    HARM(OPERATIONS, nr_table_operation, patterns, 0, 0, "operation 0 has no sound"),
    HARM(OPERATIONS, nr_table_operation, patterns, 4, 1u << NR_PATTERN_COUNT,
         "operation 4 has no sound"),
    HARM(OPERATIONS, nr_table_operation, delegation, 4, 2, "operation 4 has a dele"),
    HARM(OPERATIONS, nr_table_operation, nodes.count, 4, 0, "operation 4 lies outside"),
    HARM(OPERATIONS, nr_table_operation, nodes.first, 3, 1, "operation 3 lies outside"),
    HARM(OPERATIONS, nr_table_operation, obligations.first, 4, NR_NONE,
         "operation 4 has obligations"),
    HARM(APPLICATIONS, nr_table_application, id, 1, 0, "application 1 has no text"),
    HARM(APPLICATIONS, nr_table_application, closed, 1, 2,
         "application 1 has settings"),
    HARM(APPLICATIONS, nr_table_application, proofs, 1, 8,
         "application 1 has settings"),
    HARM(APPLICATIONS, nr_table_application, suspension, 1, 0, "application 1 has no"),
    HARM(APPLICATIONS, nr_table_application, suspension, 1, 2, "application 1 has no"),
    HARM(APPLICATIONS, nr_table_application, any_organisation, 1, 2,
         "application 1 has settings"),
    HARM(APPLICATIONS, nr_table_application, any_organisation, 1, 1,
         "application 1 has no sound organisations"),
    HARM(APPLICATIONS, nr_table_application, organisations.count, 1, 1u << 30,
         "application 1 has no sound organisations"),
    HARM(APPLICATIONS, nr_table_application, allowed, 2, 3, "application 2 may call"),
    AT(API_INDEX, 4, 0, 0, 9, "is not"),
    AT(APPLICATION_INDEX, 4, 0, 0, 9, "is not"),
    AT(ALLOWED, 8, 0, 0, 1u << 5, "has bits that mean nothing"),
#undef HARM
#undef AT
};

static void test_harm(void)
{
    made_policy made;
    made_small(&made);
    image built = build(&made);
    image copy = { malloc(built.size), built.size };
    for (size_t i = 0; i < NR_COUNT(harms); i++) {
        const struct harm *harm = &harms[i];
        memcpy(copy.bytes, built.bytes, built.size);
        const nr_image_header *header = copy.bytes;
        char *at = (char *)copy.bytes + header->sections[harm->section].offset +
                   harm->number * harm->record_size + harm->member;
        memcpy(at, &harm->value, sizeof(harm->value));
        nr_seal_image(copy.bytes, copy.size, 0);
        nr_table table;
        nrbac_error error = { "" };
        CHECK_INT(nr_table_open(&table, copy.bytes, copy.size, &error), NRBAC_E_IMAGE);
        if (strstr(error.text, harm->told) == NULL)
            CHECK_STR(error.text, harm->told);
    }
    free(copy.bytes);
    made_finish(&made);
    free(built.bytes);
}

int main(void)
{
    test_apis();
    test_rows_are_shared();
    test_obligations();
    test_limits();
    test_unknown_suspended();
    test_deciding();
    test_nearest();
    test_dump();
    test_harm();
    return check_report();
}
