/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast ways say what the slow one says: nrbac_check_text, nrbac_check and
 * nrbac_directory_check are yes exactly where nrbac_decide_text permits without
 * obligations. For every name of every policy of this repository and of policies made
 * by chance, for users made by chance, who stay while one policy follows the other.
 */
#include "check.h"
#include "compile/build.h"
#include "made.h"

#include <nrbac/policy.h>

#include <stdlib.h>

enum { USERS_EACH = 25, USERS_MAX = 400, LIST_MAX = 4 };

static nrbac_engine *engine;
static nrbac_directory *directory;
static nrbac_session *sessions[USERS_MAX];
static uint32_t session_count;
static uint32_t chance = 7;
static unsigned long permitted, refused, obliged;

static void check_name(uint32_t user, const char *name)
{
    size_t size = strlen(name);
    nrbac_session *session = sessions[user];
    char key[16];
    (void)snprintf(key, sizeof(key), "user-%06u", (unsigned)user);
    nrbac_decision decision = nrbac_decide_text(session, name);
    bool permit = decision.effect == NRBAC_PERMIT;
    bool wanted = permit && decision.obligation_count == 0;
    bool same = nrbac_check_text(session, name, size) == wanted &&
                nrbac_check(session, nrbac_prepare(engine, name)) == wanted &&
                nrbac_directory_check(directory, key, strlen(key), name, size) ==
                    wanted;
    CHECK(same);
    if (!same)
        printf("%s for user %u: %s\n", name, (unsigned)user,
               nrbac_reason_slug(decision.reason));
    permitted += wanted;
    obliged += permit && !wanted;
    refused += !permit;
}

static void check_names(const nr_table *table)
{
    for (uint32_t user = 0; user < session_count; user++) {
        for (uint32_t a = 0; a < table->activities_count; a++)
            check_name(user, nr_table_text(table, table->activities[a].code));
        for (uint32_t f = 0; f < table->functions_count; f++)
            check_name(user, nr_table_text(table, table->functions[f].id));
    }
}

/* ---- Users ----------------------------------------------------------------------- */

#define CHOOSE(table, list, member) \
    ((table)->list##_count == 0     \
         ? NULL                     \
         : nr_table_text(           \
               (table),             \
               (table)->list[made_chance(&chance, (table)->list##_count)].member))

static void open_user(const nr_table *table)
{
    const char *activities[LIST_MAX];
    const char *areas[LIST_MAX];
    const char *workgroups[] = { "655694018104", "wg-1", "wg-2" };
    nrbac_profile profile = { .id = "1",
                              .role = CHOOSE(table, roles, code),
                              .organisation = "RBA",
                              .activities = activities,
                              .areas_of_work = areas,
                              .workgroups = workgroups,
                              .workgroup_count = made_chance(&chance, 4) };
    for (uint32_t n = made_chance(&chance, LIST_MAX + 1); n != 0; n--)
        activities[profile.activity_count++] = CHOOSE(table, activities, code);
    for (uint32_t n = made_chance(&chance, 3); n != 0 && table->areas_count != 0; n--)
        areas[profile.area_of_work_count++] = CHOOSE(table, areas, code);
    if (profile.activity_count != 0 && made_chance(&chance, 4) == 0)
        activities[0] = "B9876"; /* no policy knows it */
    const nrbac_request request = {
        .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                     .id = "910",
                     .profiles = &profile,
                     .profile_count = 1,
                     .aal = (int)made_chance(&chance, 5),
                     .ial = (int)made_chance(&chance, 5),
                     .proofing = (int)made_chance(&chance, 11) },
        .organisation = made_chance(&chance, 2) == 0 ? NULL : "RBA",
        .application = CHOOSE(table, applications, id),
    };
    char key[16];
    (void)snprintf(key, sizeof(key), "user-%06u", (unsigned)session_count);
    nrbac_session *given = NULL;
    nrbac_session *own = NULL;
    nrbac_reason reason = nrbac_session_open(engine, &request, &own).reason;
    CHECK_INT(nrbac_session_open(engine, &request, &given).reason, reason);
    if (own == NULL)
        return;
    CHECK_INT(nrbac_directory_put(directory, key, strlen(key), given), NRBAC_OK);
    sessions[session_count++] = own;
}

/* ---- Policies -------------------------------------------------------------------- */

/* Publishes an image, lets users of its own join those that are there, and asks for
 * its names and for those of the one before. */
static void turn_to(const void *image, size_t size)
{
    static void *last;
    static nr_table last_table;
    void *copy = malloc(size);
    nr_table table;
    memcpy(copy, image, size);
    CHECK_INT(nr_table_open(&table, copy, size, NULL), NRBAC_OK);
    CHECK_INT(nrbac_engine_load_image(engine, image, size, NULL), NRBAC_OK);
    for (uint32_t i = 0; i < USERS_EACH && session_count < USERS_MAX; i++)
        open_user(&table);
    check_names(&table);
    if (last != NULL)
        check_names(&last_table);
    free(last);
    last = copy;
    last_table = table;
}

static void turn_to_folder(const char *folder)
{
    char path[512];
    nrbac_build *build = NULL;
    size_t size = 0;
    (void)snprintf(path, sizeof(path), "%s/policy/%s", NRBAC_SOURCE_DIR, folder);
    CHECK_INT(nrbac_compile(path, NULL, &build), NRBAC_OK);
    const void *image = nrbac_build_image(build, &size);
    turn_to(image, size);
    nrbac_build_destroy(build);
}

static void turn_to_made(made_policy *made)
{
    void *image;
    size_t size;
    CHECK_INT(nr_build_image(&made->model, &image, &size, NULL), NRBAC_OK);
    turn_to(image, size);
    made_finish(made);
    free(image);
}

int main(void)
{
    CHECK_INT(nrbac_engine_create(0, &engine), NRBAC_OK);
    CHECK_INT(nrbac_directory_create(engine, USERS_MAX, &directory), NRBAC_OK);
    made_policy made;
    made_small(&made);
    turn_to_made(&made);
    for (uint32_t seed = 1; seed <= 6; seed++) {
        made_random(&made, seed, (made_sizes){ 20, 6, 40 + 30 * seed, 60, 60, 4, 2 });
        turn_to_made(&made);
    }
    static const char *const folders[] = {
        "national",          "examples/gp-practice", "examples/community-pharmacy",
        "examples/nhs-apis", "examples/own-rbac",    "examples/vaccination-team",
    };
    for (size_t i = 0; i < NR_COUNT(folders); i++)
        turn_to_folder(folders[i]);
    turn_to_folder("national");
    printf("%lu permitted, %lu with obligations, %lu refused\n", permitted, obliged,
           refused);
    CHECK(permitted > 10000 && obliged > 100 && refused > 10000);
    for (uint32_t i = 0; i < session_count; i++)
        nrbac_session_close(sessions[i]);
    nrbac_directory_destroy(directory);
    nrbac_engine_destroy(engine);
    return check_report();
}
