/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads check by text, on a session and in a directory, while others publish
 * policies with new names, prepare names, and put and remove users. No lock protects
 * those who check, so whatever they could meet halfway would show here: as a wrong
 * answer, or to ThreadSanitizer.
 *
 *   `one` may only ever do B0001, and `two` B0002, under each policy and in each of
 *   their sessions; `stays` is in the directory from beginning to end, and may do
 *   B0001 under each policy; `revoked` is put in turn with a session that may do B0001
 *   and with one that could do B0002, had it not been revoked before; B0003, which no
 *   role may do, is asked of everybody.
 */
#include "w1.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum {
    CHECKERS = 4,
    ROUNDS = 3000, /* of publishing, or fewer where everything is slow */
    ROUNDS_MIN = 100,
    SECONDS = 5,
    USERS = 40,
};

static const char odd[] = "nrbac: 1\n"
                          "policy: { name: odd, version: \"1\" }\n"
                          "activities:\n"
                          "  B0001: { name: One }\n"
                          "  B0002: { name: Two }\n"
                          "  B0003: { name: Three }\n"
                          "job_roles: { R0001: { name: One }, R0002: { name: Two } }\n"
                          "baseline:\n"
                          "  - { roles: [R0001], activities: [B0001] }\n"
                          "  - { roles: [R0002], activities: [B0002] }\n"
                          "functions: { a.function.of.one: { require: B0001 } }\n";

/* Codes in front of the others, and a function that comes and goes. */
static const char even[] = "nrbac: 1\n"
                           "policy: { name: even, version: \"1\" }\n"
                           "activities:\n"
                           "  B0000: { name: Nought }\n"
                           "  B0001: { name: One }\n"
                           "  B0002: { name: Two }\n"
                           "  B0003: { name: Three }\n"
                           "job_roles: { R0001: { name: One }, R0002: { name: Two } }\n"
                           "baseline:\n"
                           "  - { roles: [R0001], activities: [B0000, B0001] }\n"
                           "  - { roles: [R0002], activities: [B0000, B0002] }\n"
                           "functions:\n"
                           "  a.function.of.one: { require: B0001 }\n"
                           "  a.function.that.comes: { require: B0000 }\n";

static nrbac_engine *engine;
static nrbac_directory *directory;
static nrbac_session *session;
static atomic_bool done;
static atomic_ulong wrong, yes, no;

static nrbac_session *open_named(const char *id, const char *role)
{
    const nrbac_profile profile = { .role = role, .organisation = "RBA" };
    const nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                                 .id = id,
                                                 .profiles = &profile,
                                                 .profile_count = 1,
                                                 .expires_at = INT64_MAX / 2 } };
    nrbac_session *opened = NULL;
    if (nrbac_session_open(engine, &request, &opened).effect != NRBAC_PERMIT)
        atomic_fetch_add(&wrong, 1);
    return opened;
}

static nrbac_session *open_as(const char *role)
{
    return open_named(role, role);
}

static void put_session(const char *user, nrbac_session *given)
{
    if (nrbac_directory_put(directory, user, strlen(user), given) != NRBAC_OK)
        atomic_fetch_add(&wrong, 1);
}

static void put(const char *user, const char *role)
{
    put_session(user, open_as(role));
}

static bool ask(const char *user, const char *name)
{
    bool answer = nrbac_directory_check(directory, user, strlen(user), name,
                                        strlen(name));
    atomic_fetch_add_explicit(answer ? &yes : &no, 1, memory_order_relaxed);
    return answer;
}

static void expect(bool good)
{
    if (!good)
        atomic_fetch_add(&wrong, 1);
}

static void ask_all(uint32_t round)
{
    char one[32];
    char two[32];
    (void)snprintf(one, sizeof(one), "one-%06u", (unsigned)(round % USERS));
    (void)snprintf(two, sizeof(two), "two, a longer key %06u",
                   (unsigned)(round % USERS));
    (void)ask(one, "B0001");
    (void)ask(two, "B0002");
    expect(!ask(one, "B0002") && !ask(two, "B0001"));
    expect(!ask(one, "B0003") && !ask(two, "B0003"));
    (void)ask("revoked-user", "B0001");
    expect(!ask("two", "a.function.of.one") && !ask(two, "a.function.of.one"));
    expect(ask("stays", "B0001") && ask("stays", "a.function.of.one"));
    expect(!ask("stays", "B0002"));
    expect(nrbac_check_text(session, "B0001", 5) &&
           nrbac_check_text(session, "a.function.of.one", 17));
    expect(!nrbac_check_text(session, "B0003", 5) &&
           !nrbac_check_text(session, "a.function.of.on", 16) &&
           !nrbac_check_text(session, "prepared.in.the.meantime", 24));
    (void)nrbac_check_text(session, "a.function.that.comes", 21);
}

static void *check_all(void *context)
{
    (void)context;
    for (uint32_t round = 0; !atomic_load(&done); round++)
        ask_all(round);
    return NULL;
}

/* Nothing else, so that a thread that is interrupted is often interrupted between two
 * reads of one check. */
static void *check_revoked(void *context)
{
    (void)context;
    while (!atomic_load_explicit(&done, memory_order_relaxed))
        if (nrbac_directory_check(directory, "revoked-user", 12, "B0002", 5))
            atomic_fetch_add(&wrong, 1);
    return NULL;
}

/* The names of users come and go, most of them new in the first rounds, so that the
 * directory grows under those who search it. */
static void *put_and_remove(void *context)
{
    (void)context;
    char user[32];
    for (uint32_t round = 0; !atomic_load(&done); round++) {
        uint32_t number = round % (USERS * 4);
        (void)snprintf(user, sizeof(user), "one-%06u", (unsigned)number);
        put(user, "R0001");
        if (round % 3 == 0)
            (void)nrbac_directory_remove(directory, user, strlen(user));
        (void)snprintf(user, sizeof(user), "two, a longer key %06u", (unsigned)number);
        put(user, "R0002");
        if (round % 5 == 0)
            (void)nrbac_directory_remove(directory, user, strlen(user));
        put("revoked-user", "R0001");
        nrbac_session *gone = open_named("gone", "R0002");
        expect(nrbac_revoke(engine, &(nrbac_revocation){ .sub = "gone" }) == 1);
        put_session("revoked-user", gone);
    }
    return NULL;
}

/* Publishes by turns, with more names each time. Returns how often. */
static uint32_t publish_many(const nrbac_build *first, const nrbac_build *second)
{
    char name[48];
    time_t end = time(NULL) + SECONDS;
    uint32_t round = 0;
    for (; round < ROUNDS_MIN || (round < ROUNDS && time(NULL) < end); round++) {
        for (uint32_t i = 0; i < 5; i++) {
            (void)snprintf(name, sizeof(name), "prepared.%u.%u", (unsigned)round,
                           (unsigned)i);
            expect(nrbac_prepare(engine, name) != 0);
        }
        publish_build(engine, round % 2 == 0 ? second : first);
    }
    return round;
}

int main(void)
{
    nrbac_build *first = compile_text(odd);
    nrbac_build *second = compile_text(even);
    CHECK_INT(nrbac_engine_create(0, &engine), NRBAC_OK);
    publish_build(engine, first);
    CHECK_INT(nrbac_directory_create(engine, 0, &directory), NRBAC_OK);
    session = open_as("R0001");
    put("stays", "R0001");
    pthread_t threads[CHECKERS + 1];
    for (int i = 0; i < CHECKERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL,
                                 i % 2 == 0 ? check_all : check_revoked, NULL),
                  0);
    CHECK_INT(pthread_create(&threads[CHECKERS], NULL, put_and_remove, NULL), 0);
    uint32_t rounds = publish_many(first, second);
    CHECK(nrbac_check_text(session, "B0000", 5) == (rounds % 2 == 1));
    CHECK_INT(nrbac_revoke(engine, &(nrbac_revocation){ .sub = "nobody" }), 0);
    atomic_store(&done, true);
    for (int i = 0; i <= CHECKERS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_INT(atomic_load(&wrong), 0);
    CHECK(atomic_load(&yes) > 1000 && atomic_load(&no) > 1000);
    printf("%lu times yes, %lu times no\n", atomic_load(&yes), atomic_load(&no));
    nrbac_session_close(session);
    nrbac_directory_destroy(directory);
    nrbac_engine_destroy(engine);
    nrbac_build_destroy(first);
    nrbac_build_destroy(second);
    return check_report();
}
