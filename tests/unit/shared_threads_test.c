/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watcher against checks: one process publishes policies in turn, a thousand a
 * second, while the threads of another check, open and close sessions on whatever
 * its watcher has taken. And the page alone: whoever reads it while it is written
 * reads one moment of it.
 */
#define _GNU_SOURCE
#include "giver.h"

#include <pthread.h>

enum { THREADS = 4, RUN_MS = 1500, WRITINGS = 2000000 };

static nrbac_engine *engine;
static nrbac_session *shared;
static nrbac_name one, three;
static atomic_bool done;
static atomic_ulong wrong, asked;

static nrbac_session *open_session(void)
{
    static const nrbac_profile profile = { .id = "1", .role = "R8000" };
    nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                           .id = "somebody else",
                                           .profiles = &profile,
                                           .profile_count = 1,
                                           .expires_at = INT64_MAX / 2 } };
    nrbac_session *session = NULL;
    if (nrbac_session_open(engine, &request, &session).reason != NRBAC_REASON_OPENED)
        atomic_fetch_add(&wrong, 1);
    return session;
}

/* Odd generations grant B0001, even ones B0003. */
static void ask(nrbac_session *session)
{
    nrbac_decision decision = nrbac_decide(session, one);
    if ((decision.effect == NRBAC_PERMIT) != (decision.generation % 2 == 1))
        atomic_fetch_add(&wrong, 1);
    decision = nrbac_decide(session, three);
    if ((decision.effect == NRBAC_PERMIT) != (decision.generation % 2 == 0))
        atomic_fetch_add(&wrong, 1);
    for (int i = 0; i < 100; i++)
        if (nrbac_check(session, 0) || nrbac_check(session, 5000000) ||
            (!nrbac_check(session, one) && nrbac_check(session, 0)))
            atomic_fetch_add(&wrong, 1);
    atomic_fetch_add(&asked, 1);
}

static void *checker(void *context)
{
    (void)context;
    while (!atomic_load(&done)) {
        nrbac_session *own = open_session();
        for (int i = 0; own != NULL && i < 20; i++) {
            ask(own);
            ask(shared);
        }
        nrbac_session_close(own);
    }
    return NULL;
}

static void the_watcher_disturbs_nobody(void)
{
    char path[64];
    char source[80];
    nrbac_build *odd = compiled(odd_policy);
    nrbac_build *even = compiled(even_policy);
    (void)snprintf(path, sizeof(path), "/tmp/nrbac-threads-%d.sock", (int)getpid());
    (void)snprintf(source, sizeof(source), "shm:%s", path);
    giver it = giver_start(path, odd, even);
    CHECK_INT(nrbac_engine_create(0, &engine), NRBAC_OK);
    CHECK_INT(nrbac_engine_open(engine, source, NULL), NRBAC_OK);
    one = nrbac_prepare(engine, "B0001");
    three = nrbac_prepare(engine, "B0003");
    shared = open_session();
    giver_tell(&it, GIVE_MANY);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, checker, NULL), 0);
    for (int ms = 0; ms < RUN_MS; ms += 100) {
        (void)poll(NULL, 0, 100);
        giver_tell(&it, GIVE_REVOKE);
        giver_tell(&it, GIVE_MANY);
    }
    atomic_store(&done, true);
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    printf("%lu rounds of checks, %u policies\n", atomic_load(&asked),
           nrbac_engine_generation(engine));
    CHECK_INT(atomic_load(&wrong), 0);
    CHECK(atomic_load(&asked) > 100 && nrbac_engine_generation(engine) > 20);
    nrbac_session_close(shared);
    nrbac_engine_destroy(engine);
    giver_end(&it);
    (void)unlink(path);
    nrbac_build_destroy(odd);
    nrbac_build_destroy(even);
}

/* ---- The page ------------------------------------------------------------------------- */

static nr_status_page *page;

/* Every number of a writing is the same. */
static void *write_page(void *context)
{
    (void)context;
    for (uint64_t n = 1; n <= WRITINGS; n++) {
        nr_status status = { .generation = n,
                             .image_size = n,
                             .published_at = (int64_t)n,
                             .beaten_at = (int64_t)n,
                             .beaten_wall = (int64_t)n,
                             .alive_until = (int64_t)n };
        memset(status.digest, (int)(n % 256), sizeof(status.digest));
        nr_status_write(page, &status);
        if (n % 1024 == 0)
            nr_status_revoke(page, &(nrbac_revocation){ .sub = "a" });
    }
    atomic_store(&done, true);
    return NULL;
}

static bool is_one_moment(const nr_status *status)
{
    int64_t n = (int64_t)status->generation;
    for (size_t i = 0; i < sizeof(status->digest); i++)
        if (status->digest[i] != (uint8_t)n)
            return false;
    return status->image_size == (uint64_t)n && status->published_at == n &&
           status->beaten_at == n && status->beaten_wall == n &&
           status->alive_until == n;
}

static void a_page_is_read_as_of_one_moment(void)
{
    pthread_t writer;
    nr_revocations *since = calloc(1, sizeof(*since));
    unsigned long reads = 0;
    unsigned long torn = 0;
    uint64_t last = 0;
    page = calloc(1, sizeof(*page));
    atomic_store(&done, false);
    CHECK(nr_status_begin(page));
    CHECK_INT(pthread_create(&writer, NULL, write_page, NULL), 0);
    while (!atomic_load(&done)) {
        nr_status status;
        if (!nr_status_read(page, &status, since))
            continue;
        reads++;
        torn += !is_one_moment(&status) || status.generation < last;
        last = status.generation;
        since->seen = status.revoked;
    }
    CHECK_INT(pthread_join(writer, NULL), 0);
    printf("%lu readings\n", reads);
    CHECK(reads > 100);
    CHECK_INT(torn, 0);
    free(page);
    free(since);
}

int main(void)
{
    the_watcher_disturbs_nobody();
    a_page_is_read_as_of_one_moment();
    return check_report();
}
