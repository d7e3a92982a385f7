/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory finds its users, by keys of every size, and nobody else.
 */
#include "w1.h"

#include <errno.h>

enum { MANY = 3000 };

/* The linker sends allocations here: -Wl,--wrap=malloc,--wrap=calloc and
 * --wrap=posix_memalign. After `left` of them memory is out; -1: there is enough. */
static long left = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);

static bool is_out(void)
{
    if (left > 0)
        left--;
    return left == 0;
}

void *__wrap_malloc(size_t size)
{
    return is_out() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_out() ? NULL : __real_calloc(count, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    return is_out() ? ENOMEM : __real_posix_memalign(out, alignment, size);
}

static const char policy[] =
    "nrbac: 1\n"
    "policy: { name: p, version: \"1\" }\n"
    "activities: { B0001: { name: One }, B0002: { name: Two } }\n"
    "job_roles: { R8000: { name: First }, R8001: { name: Second } }\n"
    "baseline:\n"
    "  - { roles: [R8000], activities: [B0001] }\n"
    "  - { roles: [R8001], activities: [B0002] }\n";

static nrbac_engine *engine;
static nrbac_directory *directory;

static nrbac_session *open_as(nrbac_engine *on, const char *role)
{
    const nrbac_profile profile = { .role = role, .organisation = "RBA" };
    const nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                                 .profiles = &profile,
                                                 .profile_count = 1 } };
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(on, &request, &session).effect, NRBAC_PERMIT);
    return session;
}

static void put(const char *user, size_t size, const char *role)
{
    CHECK_INT(nrbac_directory_put(directory, user, size, open_as(engine, role)),
              NRBAC_OK);
}

/* 0: neither; 1, 2: the role's activity; 3: both, which nobody may. */
static int found(const char *user, size_t size)
{
    char *copy = malloc(size == 0 ? 1 : size); /* that ends where the key does */
    if (size != 0)
        memcpy(copy, user, size);
    int one = nrbac_directory_check(directory, copy, size, "B0001", 5);
    int two = nrbac_directory_check(directory, copy, size, "B0002", 5);
    free(copy);
    return one + 2 * two;
}

static void set_up(size_t users)
{
    CHECK_INT(nrbac_engine_create(0, &engine), NRBAC_OK);
    publish_text(engine, policy);
    CHECK_INT(nrbac_directory_create(engine, users, &directory), NRBAC_OK);
}

static void tear_down(void)
{
    nrbac_directory_destroy(directory);
    nrbac_engine_destroy(engine);
}

/* Each key is the beginning of the next, and of each there is one that differs in a
 * single byte, first, middle and last. */
static void keys_of_every_size_are_told_apart(void)
{
    char key[] = "0123456789abcdef0123456789abcdef-and-more";
    size_t size_max = strlen(key);
    set_up(0);
    for (size_t size = 1; size <= size_max; size++)
        put(key, size, size % 2 == 0 ? "R8000" : "R8001");
    for (size_t size = 1; size <= size_max; size++) {
        CHECK_INT(found(key, size), size % 2 == 0 ? 1 : 2);
        for (size_t at = 0; at < size; at += size < 3 ? 1 : (size - 1) / 2) {
            char byte = key[at];
            key[at] = '#';
            CHECK_INT(found(key, size), 0);
            key[at] = byte;
        }
    }
    CHECK_INT(found(key, 0), 0);
    CHECK_INT(found("0123456789abcdef0123456789abcdef-and-more.", size_max + 1), 0);
    CHECK_INT(found("\0"
                    "123456789",
                    10),
              0);
    put("a\0b", 3, "R8000");
    CHECK_INT(found("a\0b", 3), 1);
    CHECK_INT(found("a\0c", 3), 0);
    CHECK_INT(found("a", 1), 0);
    tear_down();
}

static void one_user_has_one_session(void)
{
    set_up(1);
    put("somebody", 8, "R8000");
    CHECK_INT(found("somebody", 8), 1);
    put("somebody", 8, "R8001");
    CHECK_INT(found("somebody", 8), 2);
    CHECK(nrbac_directory_remove(directory, "somebody", 8));
    CHECK_INT(found("somebody", 8), 0);
    CHECK(!nrbac_directory_remove(directory, "somebody", 8));
    CHECK(!nrbac_directory_remove(directory, "nobody", 6));
    publish_text(engine, policy);
    CHECK_INT(found("somebody", 8), 0);
    put("somebody", 8, "R8000");
    CHECK_INT(found("somebody", 8), 1);
    tear_down();
}

static void a_directory_grows(void)
{
    char key[16];
    set_up(10);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(key, sizeof(key), "91%010d", i);
        put(key, 12, i % 3 == 0 ? "R8000" : "R8001");
    }
    for (int i = 0; i < MANY; i += 7) {
        (void)snprintf(key, sizeof(key), "91%010d", i);
        CHECK(nrbac_directory_remove(directory, key, 12));
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            (void)snprintf(key, sizeof(key), "91%010d", i);
            int wanted = i % 3 == 0 ? 1 : 2;
            CHECK_INT(found(key, 12), i % 7 == 0 ? 0 : wanted);
        }
        publish_text(engine, policy);
    }
    CHECK_INT(found("910000003000", 12), 0);
    tear_down();
}

static bool may(const char *user, const char *name)
{
    return nrbac_directory_check(directory, user, strlen(user), name, strlen(name));
}

static void prepare_many(const char *kind)
{
    char name[32];
    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof(name), "%s.%d", kind, i);
        CHECK(nrbac_prepare(engine, name) != 0);
    }
}

/* Names for which there was no room when the first user came. */
static void names_that_come_later_are_permitted_too(void)
{
    static const char with_functions[] =
        "nrbac: 1\n"
        "policy: { name: p, version: \"2\" }\n"
        "activities: { B0001: { name: One }, B0002: { name: Two } }\n"
        "job_roles: { R8000: { name: First }, R8001: { name: Second } }\n"
        "baseline:\n"
        "  - { roles: [R8000], activities: [B0001] }\n"
        "  - { roles: [R8001], activities: [B0002] }\n"
        "functions: { %s.one: { require: B0001 }, %s.two: { require: B0002 } }\n";
    char text[sizeof(with_functions) + 32];
    set_up(0);
    put("first user", 10, "R8000");
    prepare_many("before");
    (void)snprintf(text, sizeof(text), with_functions, "late", "late");
    publish_text(engine, text);
    put("second user", 11, "R8001");
    CHECK(may("first user", "late.one") && !may("first user", "late.two"));
    CHECK(may("second user", "late.two") && !may("second user", "late.one"));
    prepare_many("between");
    (void)snprintf(text, sizeof(text), with_functions, "later", "later");
    publish_text(engine, text);
    put("a third user with a long key", 28, "R8000");
    CHECK(may("first user", "later.one") && !may("first user", "later.two"));
    CHECK(may("second user", "later.two") && !may("second user", "late.two"));
    CHECK(may("a third user with a long key", "later.one"));
    put("second user", 11, "R8000");
    CHECK(may("second user", "later.one") && !may("second user", "later.two"));
    nrbac_engine_stop(engine, true);
    CHECK(!may("first user", "later.one") && found("first user", 10) == 0);
    for (int i = 0; i < 500; i++) {
        (void)snprintf(text, sizeof(text), "between.%d", i);
        CHECK(!may("first user", text));
    }
    nrbac_engine_stop(engine, false);
    CHECK(may("first user", "later.one") && found("first user", 10) == 1);
    CHECK(nrbac_directory_remove(directory, "first user", 10));
    CHECK(!may("first user", "later.one") && may("second user", "later.one"));
    tear_down();
}

/* Until the first user comes, a directory does not mind what is published. */
static void a_directory_may_come_before_the_policy(void)
{
    CHECK_INT(nrbac_engine_create(0, &engine), NRBAC_OK);
    CHECK_INT(nrbac_directory_create(engine, 5, &directory), NRBAC_OK);
    CHECK_INT(found("somebody", 8), 0);
    prepare_many("before");
    publish_text(engine, policy);
    CHECK_INT(found("somebody", 8), 0);
    put("somebody", 8, "R8001");
    CHECK_INT(found("somebody", 8), 2);
    publish_text(engine, policy);
    CHECK_INT(found("somebody", 8), 2);
    tear_down();
}

/* What cannot be put stays the caller's, and what was there stays too. */
static void what_is_refused_changes_nothing(void)
{
    set_up(0);
    nrbac_engine *another = NULL;
    CHECK_INT(nrbac_engine_create(0, &another), NRBAC_OK);
    publish_text(another, policy);
    nrbac_session *foreign = open_as(another, "R8001");
    nrbac_session *own = open_as(engine, "R8001");
    put("somebody", 8, "R8000");
    CHECK_INT(nrbac_directory_put(directory, "somebody", 8, foreign), NRBAC_E_ARGUMENT);
    CHECK_INT(nrbac_directory_put(directory, "", 0, own), NRBAC_E_ARGUMENT);
    CHECK_INT(found("somebody", 8), 1);
    CHECK(nrbac_check_text(foreign, "B0002", 5) && nrbac_check_text(own, "B0002", 5));
    nrbac_session_close(foreign);
    nrbac_session_close(own);
    nrbac_engine_destroy(another);
    nrbac_directory_destroy(NULL);
    tear_down();
}

/* A session that has ended does not begin again by being put. */
static void an_ended_session_stays_ended(void)
{
    set_up(0);
    nrbac_session *session = NULL;
    const nrbac_profile profile = { .id = "555",
                                    .role = "R8000",
                                    .organisation = "RBA" };
    const nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                                 .profiles = &profile,
                                                 .profile_count = 1 } };
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_revoke(engine, &(nrbac_revocation){ .role_profile = "555" }), 1);
    CHECK_INT(nrbac_directory_put(directory, "somebody", 8, session), NRBAC_OK);
    CHECK_INT(found("somebody", 8), 0);
    publish_text(engine, policy);
    CHECK_INT(found("somebody", 8), 0);
    put("somebody", 8, "R8000");
    CHECK_INT(found("somebody", 8), 1);
    tear_down();
}

/* Several directories of one engine are published to, each for itself. */
static void directories_are_apart(void)
{
    set_up(0);
    nrbac_directory *second = NULL;
    nrbac_directory *first = directory;
    CHECK_INT(nrbac_directory_create(engine, 5, &second), NRBAC_OK);
    put("somebody", 8, "R8000");
    directory = second;
    CHECK_INT(found("somebody", 8), 0);
    put("somebody", 8, "R8001");
    publish_text(engine, policy);
    CHECK_INT(found("somebody", 8), 2);
    nrbac_directory_destroy(second);
    directory = first;
    publish_text(engine, policy);
    CHECK_INT(found("somebody", 8), 1);
    tear_down();
}

/* Wherever memory runs out: who could not be put is as before. */
static void without_memory_nothing_is_put(void)
{
    set_up(0);
    put("somebody", 8, "R8000");
    nrbac_session *session = open_as(engine, "R8001");
    static const char longer[] = "a user whose key is longer than sixteen bytes";
    nrbac_status status = NRBAC_E_MEMORY;
    for (long n = 1; status != NRBAC_OK && n < 100; n++) {
        left = n;
        status = nrbac_directory_put(directory, longer, sizeof(longer) - 1, session);
        left = -1;
        CHECK(status == NRBAC_OK || status == NRBAC_E_MEMORY);
        CHECK_INT(found(longer, sizeof(longer) - 1), status == NRBAC_OK ? 2 : 0);
        CHECK(status == NRBAC_OK || nrbac_check_text(session, "B0002", 5));
        CHECK_INT(found("somebody", 8), 1);
    }
    CHECK_INT(status, NRBAC_OK);
    tear_down();
}

/* And who was in it may do no more than the policy in force says, or nothing. */
static void without_memory_nobody_gains(void)
{
    static const char other_policy[] =
        "nrbac: 1\n"
        "policy: { name: other, version: \"1\" }\n"
        "activities: { B0001: { name: One }, B0002: { name: Two } }\n"
        "job_roles: { R8000: { name: First } }\n"
        "baseline: [{ roles: [R8000], activities: [B0002] }]\n";
    nrbac_build *build = compile_text(other_policy);
    size_t size = 0;
    const void *image = nrbac_build_image(build, &size);
    char name[32];
    nrbac_status status = NRBAC_E_MEMORY;
    for (long n = 1; n < 40; n++) {
        set_up(0);
        put("somebody", 8, "R8000");
        for (int i = 0; i < 400; i++) { /* more than a seat has room for */
            (void)snprintf(name, sizeof(name), "prepared.%d", i);
            CHECK(nrbac_prepare(engine, name) != 0);
        }
        left = n;
        status = nrbac_engine_load_image(engine, image, size, NULL);
        left = -1;
        int may = found("somebody", 8);
        CHECK(status == NRBAC_OK ? may == 2 || may == 0 : may == 1);
        publish_build(engine, build);
        CHECK(found("somebody", 8) == 2 || (status == NRBAC_OK && may == 0));
        tear_down();
    }
    CHECK_INT(status, NRBAC_OK);
    nrbac_build_destroy(build);
}

int main(void)
{
    keys_of_every_size_are_told_apart();
    one_user_has_one_session();
    a_directory_grows();
    names_that_come_later_are_permitted_too();
    a_directory_may_come_before_the_policy();
    what_is_refused_changes_nothing();
    an_ended_session_stays_ended();
    directories_are_apart();
    without_memory_nothing_is_put();
    without_memory_nobody_gains();
    return check_report();
}
