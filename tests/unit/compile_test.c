/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling as a program sees it: statuses, flags, limits, and what happens when
 * there is no memory for the n-th piece, for every n.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "check.h"
#include "compile/compile.h"
#include "table/table.h"

#include <nrbac/policy.h>

#include <stdlib.h>
#include <unistd.h>

/* The linker sends our own allocations here: -Wl,--wrap=malloc,--wrap=calloc. */
static long allowance = -1; /* allocations that may still succeed; -1: all */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool is_refused(void)
{
    if (allowance == 0)
        return true;
    if (allowance > 0)
        allowance--;
    return false;
}

void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __real_calloc(count, size);
}

/* And the builder, so that it can make a mistake that only the twin sees. */
static bool mistaken;

nrbac_status __real_nr_build_image(const nr_model *model, void **image, size_t *size,
                                   nrbac_error *error);
nrbac_status __wrap_nr_build_image(const nr_model *model, void **image, size_t *size,
                                   nrbac_error *error);

nrbac_status __wrap_nr_build_image(const nr_model *model, void **image, size_t *size,
                                   nrbac_error *error)
{
    nrbac_status status = __real_nr_build_image(model, image, size, error);
    nr_table table;
    if (!mistaken || status != NRBAC_OK)
        return status;
    CHECK_INT(nr_table_open(&table, *image, *size, NULL), NRBAC_OK);
    const nr_image_section *nodes = &table.header->sections[NR_SECTION_NODES];
    nr_table_node *root = (nr_table_node *)(void *)((char *)*image + nodes->offset);
    root->atom = NR_ANY; /* was NR_ALL */
    nr_seal_image(*image, *size, 0);
    return status;
}

/* ---- Policies in a folder of their own ------------------------------------------------ */

typedef struct policy_folder {
    char path[64];
    char file[80];
} policy_folder;

static policy_folder write_policy(const char *text)
{
    policy_folder folder = { .path = "/tmp/nrbac-compile-XXXXXX" };
    CHECK(mkdtemp(folder.path) != NULL);
    (void)snprintf(folder.file, sizeof(folder.file), "%s/policy.yaml", folder.path);
    FILE *file = fopen(folder.file, "w");
    CHECK(file != NULL);
    if (file == NULL)
        return folder;
    CHECK(fputs(text, file) >= 0);
    CHECK(fclose(file) == 0);
    return folder;
}

static void remove_policy(const policy_folder *folder)
{
    CHECK(unlink(folder->file) == 0);
    CHECK(rmdir(folder->path) == 0);
}

static const char sound[] =
    "nrbac: 1\n"
    "policy: { name: sound, version: \"1\" }\n"
    "activities:\n"
    "  B0001: { name: One, includes: [B0002] }\n"
    "  B0002: { name: Two }\n"
    "  B0003: { name: Three, status: obsolete, replaced_by: B0002 }\n"
    "job_roles: { R8000: { name: Role } }\n"
    "areas_of_work: { \"P0001:Q0001:T0001\": { name: Area } }\n"
    "baseline:\n"
    "  - { roles: [R8000], activities: [B0001, B0001] }\n"
    "  - { roles: [R8000], areas_of_work: [\"P0001:Q0001:T0001\"], activities: [B0001, B0002] }\n"
    "obligations: { tell: { name: Tell } }\n"
    "functions:\n"
    "  f: { require: { all: [B0001, { any: [{ aal: 2 }, { role: R8000 }] }] }, obligations: [tell] }\n"
    "exclusive: [ { name: e, activities: [B0001, B0002], on_conflict: warn } ]\n"
    "suspend: [ { activity: B0003, reason: why } ]\n";

static nrbac_status compile(const char *path, unsigned flags, nrbac_build **build)
{
    const nrbac_compile_options options = { .flags = flags };
    return nrbac_compile(path, &options, build);
}

static const char *first_slug(const nrbac_build *build)
{
    const nrbac_diagnostic *first = nrbac_build_diagnostic(build, 0);
    return first == NULL ? "none" : first->slug;
}

static int first_severity(const nrbac_build *build)
{
    const nrbac_diagnostic *first = nrbac_build_diagnostic(build, 0);
    return first == NULL ? -1 : (int)first->severity;
}

static void test_statuses(void)
{
    policy_folder folder = write_policy(sound);
    nrbac_build *build = NULL;
    size_t size = 1;
    CHECK_INT(nrbac_compile(folder.path, NULL, &build), NRBAC_OK);
    CHECK(nrbac_build_image(build, &size) != NULL);
    nr_table table;
    CHECK_INT(nr_table_open(&table, nrbac_build_image(build, NULL), size, NULL),
              NRBAC_OK);
    CHECK(table.header->compared_cells > 0);
    CHECK_STR(first_slug(build), "redundant-grant");
    CHECK_INT(first_severity(build), NRBAC_SEVERITY_WARNING);
    CHECK(nrbac_build_diagnostic(build, 1000) == NULL);
    nrbac_build_destroy(build);

    CHECK_INT(compile(folder.path, NRBAC_COMPILE_VALIDATE, &build), NRBAC_OK);
    CHECK(nrbac_build_image(build, &size) == NULL);
    CHECK_INT(size, 0);
    nrbac_build_destroy(build);

    CHECK_INT(compile(folder.path, NRBAC_COMPILE_STRICT, &build), NRBAC_E_POLICY);
    CHECK(nrbac_build_image(build, NULL) == NULL);
    CHECK_INT(first_severity(build), NRBAC_SEVERITY_ERROR);
    nrbac_build_destroy(build);
    remove_policy(&folder);

    CHECK_INT(compile(folder.path, 0, &build), NRBAC_E_IO); /* gone */
    CHECK_STR(first_slug(build), "unreadable-folder");
    nrbac_build_destroy(build);
    CHECK_INT(compile(NULL, 0, &build), NRBAC_E_ARGUMENT);
    CHECK(build == NULL);
    nrbac_build_destroy(NULL);
}

static void test_twin(void)
{
    policy_folder folder = write_policy(sound);
    nrbac_build *build = NULL;
    mistaken = true;
    CHECK_INT(compile(folder.path, 0, &build), NRBAC_E_TWIN);
    mistaken = false;
    CHECK(nrbac_build_image(build, NULL) == NULL);
    size_t count = nrbac_build_diagnostic_count(build);
    CHECK(count > 0);
    const nrbac_diagnostic *last = nrbac_build_diagnostic(build, count - 1);
    CHECK_STR(last == NULL ? "" : last->slug, "twin-differs");
    CHECK(last != NULL && strstr(last->message, "for `f` the rules say") != NULL);
    nrbac_build_destroy(build);
    remove_policy(&folder);
}

/* ---- The limits of requirements ----------------------------------------------------------- */

static void add(char *text, size_t room, const char *piece)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, room - used, "%s", piece);
}

/* Groups within each other; with a limit of 16, the seventeenth is refused with a
 * place, and sixteen are decided by table and twin alike. */
static nrbac_status compile_deep(int depth)
{
    char text[4096] = "nrbac: 1\npolicy: { name: deep, version: \"1\" }\n"
                      "activities: { B0001: { name: One } }\n"
                      "functions:\n  f: { require: ";
    for (int i = 0; i < depth; i++)
        add(text, sizeof(text), i % 2 == 0 ? "{ all: [ " : "{ any: [ { aal: 3 }, ");
    add(text, sizeof(text), "B0001");
    for (int i = 0; i < depth; i++)
        add(text, sizeof(text), " ] }");
    add(text, sizeof(text), " }\n");
    policy_folder folder = write_policy(text);
    nrbac_build *build = NULL;
    nrbac_status status = compile(folder.path, 0, &build);
    nrbac_build_destroy(build);
    remove_policy(&folder);
    return status;
}

static nrbac_status compile_owing(int count)
{
    char text[4096] = "nrbac: 1\npolicy: { name: owing, version: \"1\" }\n"
                      "activities: { B0001: { name: One } }\nobligations:\n";
    char piece[64];
    for (int i = 0; i < count; i++) {
        (void)snprintf(piece, sizeof(piece), "  o%d: { name: Tell }\n", i);
        add(text, sizeof(text), piece);
    }
    add(text, sizeof(text), "functions:\n  f: { require: B0001, obligations: [ o0");
    for (int i = 1; i < count; i++) {
        (void)snprintf(piece, sizeof(piece), ", o%d", i);
        add(text, sizeof(text), piece);
    }
    add(text, sizeof(text), " ] }\n");
    policy_folder folder = write_policy(text);
    nrbac_build *build = NULL;
    nrbac_status status = compile(folder.path, 0, &build);
    nrbac_build_destroy(build);
    remove_policy(&folder);
    return status;
}

static void test_limits(void)
{
    CHECK_INT(compile_deep(NR_REQUIREMENT_DEPTH_MAX - 1), NRBAC_OK);
    CHECK_INT(compile_deep(NR_REQUIREMENT_DEPTH_MAX), NRBAC_OK);
    CHECK_INT(compile_deep(NR_REQUIREMENT_DEPTH_MAX + 1), NRBAC_E_POLICY);
    CHECK_INT(compile_owing(NRBAC_OBLIGATION_MAX), NRBAC_OK);
    CHECK_INT(compile_owing(NRBAC_OBLIGATION_MAX + 1), NRBAC_E_POLICY);
}

/* ---- Memory -------------------------------------------------------------------------------- */

static void test_no_memory(void)
{
    policy_folder folder = write_policy(sound);
    long failures = 0;
    for (bool done = false; !done; failures++) {
        nrbac_build *build = NULL;
        allowance = failures;
        nrbac_status status = compile(folder.path, 0, &build);
        allowance = -1;
        done = status == NRBAC_OK;
        if (!done && status != NRBAC_E_MEMORY)
            CHECK_INT(status, NRBAC_E_MEMORY);
        if (!done)
            CHECK(nrbac_build_image(build, NULL) == NULL);
        nrbac_build_destroy(build);
        if (failures > 10000)
            break;
    }
    CHECK(failures > 3 && failures < 10000);
    printf("compiled after %ld failures\n", failures);
    remove_policy(&folder);
}

static void test_help(void)
{
    CHECK_STR(nrbac_diagnostic_help_find("P012")->slug, "unknown-code");
    CHECK_STR(nrbac_diagnostic_help_find("twin-differs")->code, "P099");
    CHECK(nrbac_diagnostic_help_find("P000") == NULL);
    CHECK(nrbac_diagnostic_help_find(NULL) == NULL);
    size_t count = 1;
    for (; nrbac_diagnostic_help_at(count) != NULL; count++)
        CHECK(strcmp(nrbac_diagnostic_help_at(count - 1)->code,
                     nrbac_diagnostic_help_at(count)->code) < 0);
    CHECK(count > 30);
}

int main(void)
{
    test_statuses();
    test_twin();
    test_limits();
    test_no_memory();
    test_help();
    return check_report();
}
