/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast ways say what the slow one says: nrbac_check_text, nrbac_check and
 * nrbac_directory_check are yes exactly where nrbac_decide_text permits without
 * obligations, and that is what nrbac_evaluate says of the request itself. For every name of every policy of this repository and of policies made
 * by chance, for users made by chance, who stay while one policy follows the other.
 */
#include "check.h"
#include "compile/build.h"
#include "made.h"

#include <nrbac/policy.h>

#include <stdlib.h>

enum { USERS_EACH = 25, USERS_MAX = 400, LIST_MAX = 4 };

/* A request that stays, with the session that it opened. */
typedef struct user {
    char texts[8 + 2 * LIST_MAX][64];
    const char *activities[LIST_MAX];
    const char *areas[LIST_MAX];
    nrbac_profile profile;
    nrbac_request request;
    nrbac_session *session;
    char key[16];
} user;

static nrbac_engine *engine;
static nrbac_directory *directory;
static nrbac_document *document;
static user users[USERS_MAX];
static uint32_t user_count;
static uint32_t chance = 7;
static unsigned long permitted, refused, obliged;

/* The same question as a whole, which no session has part in. */
static bool evaluates_to(const user *asker, const char *name, nrbac_decision decision)
{
    nrbac_request request = asker->request;
    nrbac_value *answer = NULL;
    request.action = name;
    nrbac_document_reset(document);
    nrbac_decision whole = nrbac_evaluate(engine, &request, document, &answer);
    return whole.reason == decision.reason &&
           whole.obligation_count == decision.obligation_count;
}

static void check_name(const user *asker, const char *name)
{
    size_t size = strlen(name);
    nrbac_decision decision = nrbac_decide_text(asker->session, name);
    bool permit = decision.effect == NRBAC_PERMIT;
    bool wanted = permit && decision.obligation_count == 0;
    bool same = nrbac_check_text(asker->session, name, size) == wanted &&
                nrbac_check(asker->session, nrbac_prepare(engine, name)) == wanted &&
                nrbac_directory_check(directory, asker->key, strlen(asker->key), name,
                                      size) == wanted;
    if (made_chance(&chance, 8) == 0)
        same = same && evaluates_to(asker, name, decision);
    CHECK(same);
    if (!same)
        printf("%s for %s: %s\n", name, asker->key, nrbac_reason_slug(decision.reason));
    permitted += wanted;
    obliged += permit && !wanted;
    refused += !permit;
}

static void check_names(const nr_table *table)
{
    for (uint32_t i = 0; i < user_count; i++) {
        for (uint32_t a = 0; a < table->activities_count; a++)
            check_name(&users[i], nr_table_text(table, table->activities[a].code));
        for (uint32_t f = 0; f < table->functions_count; f++)
            check_name(&users[i], nr_table_text(table, table->functions[f].id));
    }
}

/* ---- Users ----------------------------------------------------------------------- */

/* A copy of one of the table's codes, by chance; NULL: it has none. */
#define CHOOSE(user, at, table, list, member)                                          \
    ((table)->list##_count == 0                                                        \
         ? NULL                                                                        \
         : strcpy((user)->texts[at],                                                   \
                  nr_table_text(                                                       \
                      (table), (table)                                                 \
                                   ->list[made_chance(&chance, (table)->list##_count)] \
                                   .member)))

static void make_user(user *made, const nr_table *table)
{
    static const char *const workgroups[] = { "655694018104", "wg-1", "wg-2" };
    made->profile = (nrbac_profile){ .id = "1",
                                     .role = CHOOSE(made, 0, table, roles, code),
                                     .organisation = "RBA",
                                     .activities = made->activities,
                                     .areas_of_work = made->areas,
                                     .workgroups = workgroups,
                                     .workgroup_count = made_chance(&chance, 4) };
    nrbac_profile *profile = &made->profile;
    for (uint32_t n = made_chance(&chance, LIST_MAX + 1); n != 0; n--)
        made->activities[profile->activity_count++] = CHOOSE(made, 2 + n, table,
                                                             activities, code);
    for (uint32_t n = made_chance(&chance, 3); n != 0 && table->areas_count != 0; n--)
        made->areas[profile->area_of_work_count++] = CHOOSE(made, 2 + LIST_MAX + n,
                                                            table, areas, code);
    if (profile->activity_count != 0 && made_chance(&chance, 4) == 0)
        made->activities[0] = "B9876"; /* no policy knows it */
    made->request = (nrbac_request){
        .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                     .id = "910",
                     .profiles = profile,
                     .profile_count = 1,
                     .aal = (int)made_chance(&chance, 5),
                     .ial = (int)made_chance(&chance, 5),
                     .proofing = (int)made_chance(&chance, 11) },
        .organisation = made_chance(&chance, 2) == 0 ? NULL : "RBA",
        .application = CHOOSE(made, 1, table, applications, id),
        .acting_as = made_chance(&chance, 2) == 0 ? NULL : "clinician",
        .on_behalf_of = made_chance(&chance, 2) == 0 ? NULL : "911",
    };
}

static void open_user(const nr_table *table)
{
    user *made = &users[user_count];
    nrbac_session *given = NULL;
    *made = (user){ 0 };
    make_user(made, table);
    (void)snprintf(made->key, sizeof(made->key), "user-%06u", (unsigned)user_count);
    CHECK_INT(nrbac_session_open(engine, &made->request, &made->session).reason,
              NRBAC_REASON_OPENED);
    CHECK_INT(nrbac_session_open(engine, &made->request, &given).reason,
              NRBAC_REASON_OPENED);
    CHECK_INT(nrbac_directory_put(directory, made->key, strlen(made->key), given),
              NRBAC_OK);
    user_count++;
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
    for (uint32_t i = 0; i < USERS_EACH && user_count < USERS_MAX; i++)
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
    document = nrbac_document_create();
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
    for (uint32_t i = 0; i < user_count; i++)
        nrbac_session_close(users[i].session);
    nrbac_document_destroy(document);
    nrbac_directory_destroy(directory);
    nrbac_engine_destroy(engine);
    return check_report();
}
