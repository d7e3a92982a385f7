/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight threads check one session each and one session together while the policy
 * is replaced 10,000 times, in turn by one that grants and one that does not.
 * Every answer must be one that the policy of its generation gives. Names of the second
 * policy are given numbers for which the session that all check has no room.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "check.h"

#include <nrbac/policy.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, REPLACEMENTS = 10000, OTHER_NAMES = 600 };

static const char granting[] = "nrbac: 1\n"
                               "policy: { name: granting, version: \"1\" }\n"
                               "activities:\n"
                               "  B0001: { name: One, includes: [B0002] }\n"
                               "  B0002: { name: Two }\n"
                               "  B0003: { name: Three }\n"
                               "job_roles:\n"
                               "  R8000: { name: Role }\n"
                               "baseline:\n"
                               "  - { roles: [R8000], activities: [B0001] }\n"
                               "functions:\n"
                               "  both: { require: { all: [B0001, B0002] } }\n";

/* Other names and other numbers: codes shift, so a bit that moved would show. */
static const char refusing[] = "nrbac: 1\n"
                               "policy: { name: refusing, version: \"1\" }\n"
                               "activities:\n"
                               "  B0000: { name: Nought }\n"
                               "  B0001: { name: One }\n"
                               "  B0002: { name: Two }\n"
                               "  B0003: { name: Three }\n"
                               "job_roles:\n"
                               "  R8000: { name: Role }\n"
                               "baseline:\n"
                               "  - { roles: [R8000], activities: [B0003] }\n"
                               "functions:\n"
                               "  another: { require: B0003 }\n"
                               "  both: { require: { all: [B0001, B0002] } }\n";

static nrbac_engine *engine;
static nrbac_session *shared;
static nrbac_name one, two, three, both, another;
static atomic_bool done;
static atomic_ulong wrong, asked;

static nrbac_build *build(const char *text)
{
    char folder[] = "/tmp/nrbac-threads-XXXXXX";
    char path[64];
    nrbac_build *made = NULL;
    if (mkdtemp(folder) == NULL)
        return NULL;
    (void)snprintf(path, sizeof(path), "%s/policy.yaml", folder);
    FILE *file = fopen(path, "w");
    (void)fputs(text, file);
    (void)fclose(file);
    nrbac_status status = nrbac_compile(folder, NULL, &made);
    CHECK_INT(status, NRBAC_OK);
    for (size_t i = 0; i < nrbac_build_diagnostic_count(made); i++)
        printf("%s\n", nrbac_build_diagnostic(made, i)->message);
    (void)unlink(path);
    (void)rmdir(folder);
    return made;
}

static nrbac_request nurse(void)
{
    static const nrbac_profile profile = { .id = "1",
                                           .role = "R8000",
                                           .organisation = "Y51" };
    return (nrbac_request){ .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                         .id = "somebody",
                                         .profiles = &profile,
                                         .profile_count = 1,
                                         .expires_at = INT64_MAX / 2 } };
}

/* Odd generations grant B0001, even ones B0003. */
static void ask(nrbac_session *session)
{
    nrbac_decision decision = nrbac_decide(session, one);
    bool grants = decision.generation % 2 == 1;
    if ((decision.effect == NRBAC_PERMIT) != grants)
        atomic_fetch_add(&wrong, 1);
    decision = nrbac_decide(session, both);
    grants = decision.generation % 2 == 1;
    if ((decision.effect == NRBAC_PERMIT) != grants)
        atomic_fetch_add(&wrong, 1);
    for (int i = 0; i < 50; i++) {
        (void)nrbac_check(session, one);
        (void)nrbac_check(session, two);
        (void)nrbac_check(session, three);
        (void)nrbac_check(session, another);
        if (nrbac_check(session, 0) || nrbac_check(session, 5000000))
            atomic_fetch_add(&wrong, 1);
    }
    atomic_fetch_add(&asked, 200);
}

static void *checker(void *context)
{
    (void)context;
    nrbac_request request = nurse();
    while (!atomic_load(&done)) {
        nrbac_session *own = NULL;
        nrbac_decision opened = nrbac_session_open(engine, &request, &own);
        if (opened.reason != NRBAC_REASON_OPENED)
            atomic_fetch_add(&wrong, 1);
        for (int i = 0; own != NULL && i < 20 && !atomic_load(&done); i++) {
            ask(own);
            ask(shared);
        }
        nrbac_session_close(own);
    }
    return NULL;
}

static void replace_many_times(nrbac_build *odd, nrbac_build *even)
{
    for (uint32_t i = 2; i <= REPLACEMENTS + 1; i++) {
        size_t size = 0;
        const void *image = nrbac_build_image(i % 2 == 1 ? odd : even, &size);
        if (nrbac_engine_load_image(engine, image, size, NULL) != NRBAC_OK)
            atomic_fetch_add(&wrong, 1);
        if (i % 100 == 0) {
            char name[32];
            (void)snprintf(name, sizeof(name), "later.%u", (unsigned)i);
            if (nrbac_prepare(engine, name) == 0)
                atomic_fetch_add(&wrong, 1);
        }
    }
}

static void prepare_others(void)
{
    for (unsigned i = 0; i < OTHER_NAMES; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "other.%u", i);
        CHECK(nrbac_prepare(engine, name) != 0);
    }
    another = nrbac_prepare(engine, "another");
    CHECK(another > OTHER_NAMES);
}

int main(void)
{
    nrbac_build *odd = build(granting);
    nrbac_build *even = build(refusing);
    size_t size = 0;
    CHECK_INT(nrbac_engine_create(0, &engine), NRBAC_OK);
    const void *image = nrbac_build_image(odd, &size);
    CHECK_INT(nrbac_engine_load_image(engine, image, size, NULL), NRBAC_OK);
    one = nrbac_prepare(engine, "B0001");
    two = nrbac_prepare(engine, "B0002");
    three = nrbac_prepare(engine, "B0003");
    both = nrbac_prepare(engine, "both");
    nrbac_request request = nurse();
    CHECK_INT(nrbac_session_open(engine, &request, &shared).reason,
              NRBAC_REASON_OPENED);
    CHECK(nrbac_check(shared, one) && nrbac_check(shared, two) &&
          nrbac_check(shared, both));
    CHECK(!nrbac_check(shared, three));
    prepare_others();

    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, checker, NULL), 0);
    while (atomic_load(&asked) <= 1000) /* on a busy machine threads begin late */
        (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    replace_many_times(odd, even);
    atomic_store(&done, true);
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);

    CHECK_INT(nrbac_engine_generation(engine), REPLACEMENTS + 1);
    CHECK_INT(atomic_load(&wrong), 0);
    CHECK(nrbac_check(shared, one) && !nrbac_check(shared, three));
    CHECK(!nrbac_check(shared, another));
    image = nrbac_build_image(even, &size);
    CHECK_INT(nrbac_engine_load_image(engine, image, size, NULL), NRBAC_OK);
    CHECK(!nrbac_check(shared, one) && nrbac_check(shared, another));
    CHECK_INT(nrbac_revoke(engine, &(nrbac_revocation){ .sub = "nobody" }), 0);
    CHECK_INT(nrbac_revoke(engine, &(nrbac_revocation){ .sub = "somebody" }), 1);
    CHECK(!nrbac_check(shared, another));
    CHECK_INT(nrbac_decide(shared, one).reason, NRBAC_REASON_SESSION_REVOKED);
    nrbac_session_close(shared);
    nrbac_engine_destroy(engine);
    nrbac_build_destroy(odd);
    nrbac_build_destroy(even);
    return check_report();
}
