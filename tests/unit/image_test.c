/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image: built the same each time, opened only if everything about it is
 * sound, and never read beyond its end, whatever somebody made of it by hand.
 */
#include "check.h"
#include "compile/compile.h"
#include "images.h"
#include "made.h"
#include "table/dump.h"
#include "table/holding.h"

#include <stdlib.h>
#include <time.h>

/* ---- What is in it ------------------------------------------------------------ */

static const nr_table_activity *activity(const nr_table *table, const char *code)
{
    uint32_t number = nr_table_activity_of(table, code);
    return number == NR_NONE ? NULL : &table->activities[number];
}

static void test_contents(void)
{
    made_policy made;
    made_small(&made);
    image built = build(&made);
    nr_table table;
    CHECK_INT(open_image(&table, built), NRBAC_OK);
    CHECK_INT(table.activities_count, 10);
    CHECK_INT(table.words, 1);
    CHECK_STR(nr_table_text(&table, table.header->policy_name), "made");
    CHECK_STR(nr_table_text(&table, activity(&table, "B0999")->code), "B0572");
    CHECK_INT(nr_table_activity_of(&table, "B0998"), 8);
    CHECK_INT(nr_table_activity_of(&table, "B0997"), NR_NONE);
    CHECK_INT(nr_table_role_of(&table, "R0100"), nr_table_role_of(&table, "R8000"));
    CHECK_INT(nr_table_role_of(&table, ""), NR_NONE);
    CHECK_INT(nr_table_area_of(&table, "P0001:Q0001:T0001"),
              nr_table_area_of(&table, "P0300:Q0310:T0320"));
    CHECK_INT(nr_table_function_of(&table, "nothing"), NR_NONE);

    const nr_table_activity *amend = activity(&table, "B0825");
    CHECK_INT(amend->includes.count, 1);
    const uint64_t *row = nr_table_row(&table, amend->closure);
    CHECK_INT(nr_bits_count(row, 1), 3);
    CHECK(nr_bits_has(row, nr_table_activity_of(&table, "B0360")));
    CHECK_INT(activity(&table, "B0572")->includes.count, 1); /* the obsolete one not */
    CHECK_INT(activity(&table, "B0572")->included_by.count, 1);
    CHECK_INT(activity(&table, "B0001")->suspension, 0);
    CHECK_INT(table.roles[nr_table_role_of(&table, "R0200")].cells.count, 0);
    /* R0100's entry counts for R8000, and the first to grant B0825 is told. */
    const nr_table_role *role = &table.roles[nr_table_role_of(&table, "R8000")];
    CHECK_INT(role->cells.count, 1);
    const nr_table_cell *cell = &table.cells[role->cells.first];
    CHECK_INT(cell->grants.count, 3);
    const uint32_t *lines = &table.grants[cell->grants.first].origin.line;
    CHECK(lines[0] < lines[3] * 2); /* a line, not an offset */
    made_finish(&made);
    free(built.bytes);
}

static void test_same_bytes(void)
{
    made_policy first;
    made_policy second;
    made_small(&first);
    made_small(&second);
    image a = build(&first);
    image b = build(&second);
    CHECK_INT(a.size, b.size);
    CHECK(memcmp(a.bytes, b.bytes, a.size) == 0);
    /* The name of the bytes that every compiler and machine must make. It changes
     * only with the format or with made_small(). */
    uint8_t digest[NR_SHA256_SIZE];
    nr_sha256(a.bytes, a.size, digest);
    char text[2 * NR_SHA256_SIZE + 1];
    for (size_t i = 0; i < NR_SHA256_SIZE; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
    CHECK_STR(text, "9f037c02482e6c71c025620524af4aaec08bf7f51b12c9188e22a4037b7b9a75");
    made_finish(&first);
    made_finish(&second);
    free(a.bytes);
    free(b.bytes);
}

static void test_empty(void)
{
    made_policy made;
    made_start(&made);
    image built = build(&made);
    nr_table table;
    CHECK_INT(open_image(&table, built), NRBAC_OK);
    CHECK_INT(nr_table_activity_of(&table, "B0001"), NR_NONE);
    made_finish(&made);
    free(built.bytes);
}

static void test_limits(void)
{
    made_policy made;
    made_start(&made);
    for (unsigned i = 0; i <= NR_OBLIGATION_MAX; i++)
        made_obligation(&made, nr_arena_format(&made.arena, "o%u", i));
    image built = { 0 };
    nrbac_error error = { "" };
    CHECK_INT(nr_build_image(&made.model, &built.bytes, &built.size, &error),
              NRBAC_E_LIMIT);
    CHECK_STR(error.text,
              "the policy declares 4097 obligations; there is room for 4096");
    made_finish(&made);
}

/* ---- What is refused ---------------------------------------------------------- */

static void test_every_byte(void)
{
    made_policy made;
    made_small(&made);
    image built = build(&made);
    nr_table table;
    unsigned char *bytes = built.bytes;
    size_t accepted = 0;
    for (size_t i = 0; i < built.size; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1u << bit);
            accepted += nr_table_open(&table, bytes, built.size, NULL) == NRBAC_OK;
            bytes[i] ^= (unsigned char)(1u << bit);
        }
    CHECK_INT(accepted, 0);
    CHECK_INT(nr_table_open(&table, bytes, built.size, NULL), NRBAC_OK);
    made_finish(&made);
    free(built.bytes);
}

/* Each prefix in memory of just its size, so that a read beyond it is seen. */
static void test_every_truncation(void)
{
    made_policy made;
    made_small(&made);
    image built = build(&made);
    nr_table table;
    size_t accepted = 0;
    for (size_t size = 0; size < built.size; size++) {
        void *prefix = malloc(size + (size == 0));
        memcpy(prefix, built.bytes, size);
        accepted += nr_table_open(&table, prefix, size, NULL) == NRBAC_OK;
        free(prefix);
    }
    CHECK_INT(accepted, 0);
    made_finish(&made);
    free(built.bytes);
}

static void test_faults(void)
{
    made_policy made;
    made_small(&made);
    image built = build(&made);
    nr_image_header *header = built.bytes;
    nr_table table;
    nrbac_error error;
    header->version = 9;
    CHECK_INT(nr_table_open(&table, built.bytes, built.size, &error), NRBAC_E_VERSION);
    CHECK_STR(error.text,
              "the compiled policy has format 9, this release reads format 3; compile "
              "it again with this release");
    header->version = NR_IMAGE_VERSION;
    CHECK_INT(nr_table_open(&table, built.bytes, built.size - 8, &error),
              NRBAC_E_IMAGE);
    CHECK(strstr(error.text, "compile it again") != NULL);
    CHECK_INT(nr_table_open(&table, (char *)built.bytes + 4, built.size - 4, &error),
              NRBAC_E_ARGUMENT);
    const uint64_t nonsense[64] = { 1 };
    CHECK_INT(nr_table_open(&table, nonsense, sizeof(nonsense), NULL), NRBAC_E_IMAGE);
    CHECK_INT(nr_table_open(&table, nonsense, 8, NULL), NRBAC_E_IMAGE);
    made_finish(&made);
    free(built.bytes);
}

/* ---- Whatever passes can be walked ---------------------------------------------- */

static uint64_t walk_text(const nr_table *table, nr_text text)
{
    return strlen(nr_table_text(table, text));
}

static uint64_t walk_codes(const nr_table *table)
{
    uint64_t sum = 0;
    for (uint32_t n = 0; n < table->activities_count; n++) {
        const nr_table_activity *record = &table->activities[n];
        sum += walk_text(table, record->code) + walk_text(table, record->name) +
               walk_text(table, record->origin.file);
        if (record->closure != NR_NONE)
            sum += nr_bits_count(nr_table_row(table, record->closure), table->words);
        if (record->suspension != NR_NONE)
            sum += walk_text(table, table->suspensions[record->suspension].reason);
        for (uint32_t i = 0; i < record->included_by.count; i++)
            sum += table->numbers[record->included_by.first + i];
        sum += nr_table_activity_of(table, nr_table_text(table, record->code));
    }
    for (uint32_t n = 0; n < table->roles_count; n++) {
        nr_range cells = table->roles[n].cells;
        for (uint32_t i = cells.first; i < cells.first + cells.count; i++) {
            nr_range grants = table->cells[i].grants;
            sum += nr_bits_count(nr_table_row(table, table->cells[i].row),
                                 table->words);
            for (uint32_t g = grants.first; g < grants.first + grants.count; g++)
                sum += walk_text(table, table->grants[g].origin.file);
        }
        sum += walk_text(table, table->roles[n].staff_group);
    }
    for (uint32_t i = 0; i < table->messages_count; i++)
        sum += walk_text(table, table->messages[i].outcome);
    return sum;
}

static uint64_t decide_all(nr_arena *arena, const nr_table *table, const char *role)
{
    const char *const areas[] = { "P0300:Q0310:T0320", "P0001:Q0001:T0001" };
    const char *const added[] = { "B0107", "B0170", "B0999", "B1234" };
    const char *const groups[] = { "655694018104" };
    const nr_facts facts = { .role = role,
                             .areas_of_work = areas,
                             .area_of_work_count = 2,
                             .activities = added,
                             .activity_count = 4,
                             .workgroups = groups,
                             .workgroup_count = 1,
                             .acting_organisation = "RBA",
                             .aal = NRBAC_LEVEL(1) };
    nr_holding holding;
    uint64_t sum = 0;
    nr_arena_reset(arena);
    if (nr_holding_make(arena, table, &facts, &holding) != NRBAC_OK)
        return 0;
    for (uint32_t n = 0; n < table->activities_count; n++)
        sum += nr_decide_activity(&holding, n).reason;
    for (uint32_t n = 0; n < table->functions_count; n++)
        sum += nr_decide_function(&holding, n).obligation_count;
    for (uint32_t n = 0; n < table->operations_count; n++)
        sum += nr_decide_operation(&holding, n).obligation_count;
    return sum;
}

static uint64_t walk_apis(const nr_table *table)
{
    uint64_t sum = 0;
    for (uint32_t n = 0; n < table->apis_count; n++)
        sum += walk_text(table, table->apis[n].name) +
               nr_table_api_of(table, nr_table_text(table, table->apis[n].id));
    for (uint32_t n = 0; n < table->operations_count; n++)
        sum += nr_table_operation_of(table, table->operations[n].api,
                                     nr_table_text(table, table->operations[n].id));
    for (uint32_t n = 0; n < table->applications_count; n++) {
        const nr_table_application *record = &table->applications[n];
        sum += nr_table_application_of(table, nr_table_text(table, record->id)) +
               walk_text(table, record->name);
        if (record->suspension != NR_NONE)
            sum += walk_text(table, table->suspensions[record->suspension].reason);
        for (uint32_t i = 0; i < record->organisations.count; i++)
            sum += walk_text(table, table->numbers[record->organisations.first + i]);
        for (uint32_t o = 0; o < table->operations_count; o++)
            sum += nr_bits_has(nr_table_allowed(table, record->allowed), o);
    }
    return sum;
}

static bool count_bytes(void *context, const char *bytes, size_t size)
{
    uint64_t *sum = context;
    for (size_t i = 0; i < size; i++)
        *sum += (unsigned char)bytes[i];
    return true;
}

static uint64_t walk(nr_arena *arena, const nr_table *table)
{
    uint64_t sum = walk_codes(table) + walk_apis(table) +
                   decide_all(arena, table, NULL);
    CHECK_INT(nr_table_dump(table, count_bytes, &sum), NRBAC_OK);
    for (uint32_t n = 0; n < table->roles_count; n++)
        sum += decide_all(arena, table, nr_table_text(table, table->roles[n].code));
    return sum;
}

/* A word or a byte becomes another one, the way somebody who wants to get in
 * would choose them; then the image is sealed as if it were good. */
static void corrupt(uint32_t *state, image built)
{
    unsigned char *bytes = built.bytes;
    static const uint32_t likely[] = { 0,  1,          2,          9,         16,
                                       64, UINT32_MAX, 0x7fffffff, 0x80000000 };
    size_t from = offsetof(nr_image_header, compared_cells);
    for (uint32_t n = 1 + made_chance(state, 2); n > 0; n--) {
        size_t at = from + made_chance(state, (uint32_t)(built.size - from));
        if (made_chance(state, 2) == 0) {
            bytes[at] ^= (unsigned char)(1u << made_chance(state, 8));
            continue;
        }
        uint32_t word;
        at = at / 4 * 4;
        memcpy(&word, bytes + at, sizeof(word));
        switch (made_chance(state, 4)) {
        case 0:
            word = likely[made_chance(state, NR_COUNT(likely))];
            break;
        case 1:
            word += 1;
            break;
        case 2:
            word -= 1;
            break;
        default:
            word = made_chance(state, 64);
        }
        memcpy(bytes + at, &word, sizeof(word));
    }
    nr_seal_image(bytes, built.size, 0);
}

static void test_corruption(unsigned rounds)
{
    made_policy made;
    made_small(&made);
    image built = build(&made);
    /* A block of just that size, so that the sanitizer sees every byte beyond. */
    image copy = { malloc(built.size), built.size };
    nr_arena arena = { 0 };
    uint32_t state = 2026;
    size_t opened = 0;
    uint64_t sum = 0;
    for (unsigned i = 0; i < rounds; i++) {
        memcpy(copy.bytes, built.bytes, built.size);
        corrupt(&state, copy);
        nr_table table;
        if (nr_table_open(&table, copy.bytes, copy.size, NULL) != NRBAC_OK)
            continue;
        opened++;
        sum += walk(&arena, &table);
    }
    printf("of %u corruptions %zu are sound policies (%llu)\n", rounds, opened,
           (unsigned long long)sum);
    CHECK(opened < rounds / 2); /* most numbers mean something that is checked */
    CHECK(opened > 0);          /* texts and lines may be any */
    nr_arena_finish(&arena);
    made_finish(&made);
    free(copy.bytes);
    free(built.bytes);
}

static void test_random_policies(void)
{
    nr_arena arena = { 0 };
    for (uint32_t seed = 0; seed < 50; seed++) {
        made_policy made;
        made_random(&made, seed, (made_sizes){ 9, 5, 70, 12, 8, 4, 5 });
        image built = build(&made);
        nr_table table;
        CHECK_INT(open_image(&table, built), NRBAC_OK);
        CHECK(walk(&arena, &table) != 0);
        made_finish(&made);
        free(built.bytes);
    }
    nr_arena_finish(&arena);
}

/* An entry of every role, area and activity costs a cell for each pair, and its
 * activities once: not the product of the three. */
static void test_size(void)
{
    enum { ROLES = 200, AREAS = 100, ACTIVITIES = 500 };
    made_policy made;
    uint32_t all[ACTIVITIES + 1];
    char code[32];
    made_start(&made);
    for (uint32_t i = 0; i < ACTIVITIES; i++) {
        (void)snprintf(code, sizeof(code), "B%04u", (unsigned)i);
        all[i] = made_activity(&made, code);
    }
    all[ACTIVITIES] = NR_NONE;
    for (unsigned i = 0; i < ROLES; i++) {
        (void)snprintf(code, sizeof(code), "R%04u", i);
        made_role(&made, code);
    }
    for (unsigned i = 0; i < AREAS; i++) {
        (void)snprintf(code, sizeof(code), "P%04u:Q0001:T0001", i);
        made_area(&made, code);
    }
    nr_entry *entry = made_entry(&made);
    made_entry_activities(&made, entry, all);
    all[ROLES] = NR_NONE;
    made_entry_roles(&made, entry, all);
    all[AREAS] = NR_NONE;
    made_entry_areas(&made, entry, all);
    image built = build(&made);
    nr_table table;
    CHECK_INT(open_image(&table, built), NRBAC_OK);
    CHECK_INT(table.cells_count, ROLES * AREAS);
    CHECK_INT(table.grants_count, ACTIVITIES);
    CHECK_INT(table.rows_count, table.words);
    CHECK(built.size < ROLES * AREAS * sizeof(nr_table_cell) + 100000);
    made_finish(&made);
    free(built.bytes);
}

/* ---- How fast ------------------------------------------------------------------- */

static double milliseconds(void)
{
    struct timespec now;
    (void)timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void test_speed(void)
{
    made_policy made;
    made_random(&made, 1, (made_sizes){ 500, 80, 1024, 40000, 100, 4, 100 });
    double before = milliseconds();
    image built = build(&made);
    double after = milliseconds();
    nr_table table;
    CHECK_INT(open_image(&table, built), NRBAC_OK);
    printf("%zu bytes: built in %.1f ms, opened in %.1f ms\n", built.size,
           after - before, milliseconds() - after);
    made_finish(&made);
    free(built.bytes);
}

int main(void)
{
    test_contents();
    test_same_bytes();
    test_empty();
    test_limits();
    test_every_byte();
    test_every_truncation();
    test_faults();
    test_corruption(100000);
    test_random_policies();
    test_size();
    test_speed();
    return check_report();
}
