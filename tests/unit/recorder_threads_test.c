/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that decide while policies are published under them: each record names the
 * policy that gave its decision, and every decision is recorded once.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "compiled.h"

#include <nrbac/recorder.h>

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 3, DECISIONS = 20000, PUBLICATIONS = 300 };

typedef struct books {
    char digests[2][65]; /* of the odd and the even policy */
    atomic_uint records, wrong, circumstances;
    nrbac_session *session;
    nrbac_engine *engine;
} books;

static const nrbac_profile profile = { .role = "R8000" };
static const nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                                    .profiles = &profile,
                                                    .profile_count = 1 },
                                       .action = "B0001" };

/* Odd generations grant B0001, even ones do not. */
static bool keep(void *context, nrbac_record *record)
{
    books *into = context;
    bool odd = record->decision->generation % 2 == 1;
    bool right = strcmp(record->digest, into->digests[odd ? 0 : 1]) == 0;
    if (record->kind != NRBAC_RECORDED_OPENING)
        right = right && (record->decision->effect == NRBAC_PERMIT) == odd;
    if (!right)
        (void)atomic_fetch_add(&into->wrong, 1);
    if (record->kind == NRBAC_RECORDED_DECISION && record->request != NULL)
        record->circumstances = atomic_fetch_add(&into->circumstances, 1) + 1;
    (void)atomic_fetch_add(&into->records, 1);
    return true;
}

static void *decide(void *context)
{
    books *with = context;
    nrbac_name name = nrbac_prepare(with->engine, "B0001");
    nrbac_document *document = nrbac_document_create();
    for (int i = 0; i < DECISIONS; i++) {
        nrbac_value *answer = NULL;
        nrbac_decision decision;
        nrbac_document_reset(document);
        if (i % 4 == 0)
            decision = nrbac_evaluate(with->engine, &request, document, &answer);
        else if (i % 4 == 1)
            decision = nrbac_decide_text(with->session, "B0001");
        else
            decision = nrbac_decide(with->session, name);
        if ((decision.effect == NRBAC_PERMIT) != (decision.generation % 2 == 1))
            (void)atomic_fetch_add(&with->wrong, 1);
    }
    nrbac_document_destroy(document);
    return NULL;
}

static void publish(nrbac_engine *engine, nrbac_build *build)
{
    size_t size = 0;
    const void *image = nrbac_build_image(build, &size);
    CHECK_INT(nrbac_engine_load_image(engine, image, size, NULL), NRBAC_OK);
}

static void note_digest(nrbac_engine *engine, char digest[65])
{
    nrbac_document *document = nrbac_document_create();
    nrbac_value *info = nrbac_policy_info(engine, document);
    (void)snprintf(digest, 65, "%s",
                   nrbac_value_text(nrbac_value_find(info, "digest")));
    nrbac_document_destroy(document);
}

int main(void)
{
    nrbac_build *builds[] = { compiled(odd_policy), compiled(even_policy) };
    books with = { .session = NULL };
    pthread_t threads[THREADS];
    CHECK_INT(nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &with.engine), NRBAC_OK);
    for (int i = 0; i < 2; i++) {
        publish(with.engine, builds[i]);
        note_digest(with.engine, with.digests[i]);
    }
    nrbac_engine_set_recorder(with.engine, keep, &with);
    CHECK_INT(nrbac_session_open(with.engine, &request, &with.session).effect,
              NRBAC_PERMIT);
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, decide, &with), 0);
    for (int i = 0; i < PUBLICATIONS; i++)
        publish(with.engine, builds[i % 2]);
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_INT(atomic_load(&with.wrong), 0);
    CHECK_INT(atomic_load(&with.records), 1 + THREADS * DECISIONS);
    /* Told once, or by several threads at the same time; not again after that. */
    CHECK(atomic_load(&with.circumstances) >= 1);
    CHECK(atomic_load(&with.circumstances) <= THREADS);
    nrbac_session_close(with.session);
    nrbac_engine_destroy(with.engine);
    for (int i = 0; i < 2; i++)
        nrbac_build_destroy(builds[i]);
    return check_report();
}
