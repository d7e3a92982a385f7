/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever decides does not wait for whoever publishes: while a policy is being
 * published to thousands of sessions, names are prepared and questions answered.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp, clock_gettime */
#include "check.h"

#include <nrbac/policy.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FUNCTIONS = 3000, SESSIONS = 2000 };

typedef struct publication {
    nrbac_engine *engine;
    const void *image;
    size_t size;
    double seconds;
    atomic_bool done;
} publication;

static double now(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void write_policy(const char *path)
{
    FILE *file = fopen(path, "w");
    (void)fputs("nrbac: 1\npolicy: { name: large, version: \"1\" }\n"
                "activities: { B0001: { name: One } }\n"
                "job_roles: { R8000: { name: Role } }\n"
                "baseline: [{ roles: [R8000], activities: [B0001] }]\nfunctions:\n",
                file);
    for (int i = 0; i < FUNCTIONS; i++)
        (void)fprintf(file, "  f%d: { require: { all: [B0001, { aal: 1 }] } }\n", i);
    (void)fclose(file);
}

static nrbac_build *compile(void)
{
    char folder[] = "/tmp/nrbac-waiting-XXXXXX";
    char path[64];
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/policy.yaml", folder);
    write_policy(path);
    nrbac_build *build = NULL;
    CHECK_INT(nrbac_compile(folder, NULL, &build), NRBAC_OK);
    (void)unlink(path);
    (void)rmdir(folder);
    return build;
}

static void *publish(void *context)
{
    publication *to = context;
    double began = now();
    if (nrbac_engine_load_image(to->engine, to->image, to->size, NULL) == NRBAC_OK)
        to->seconds = now() - began;
    atomic_store(&to->done, true);
    return NULL;
}

static void ask_everything(nrbac_engine *engine, nrbac_session *session)
{
    nrbac_name unknown = nrbac_prepare(engine, "not.in.the.policy");
    CHECK_INT(nrbac_decide(session, unknown).reason, NRBAC_REASON_UNKNOWN_FUNCTION);
    nrbac_document *document = nrbac_document_create();
    nrbac_value *answer = NULL;
    nrbac_request request = { .action = "B0001" };
    CHECK_INT(nrbac_evaluate(engine, &request, document, &answer).reason,
              NRBAC_REASON_USER_REQUIRED);
    nrbac_document_destroy(document);
}

static double longest_wait(publication *while_it, nrbac_session *session)
{
    double longest = 0;
    while (!atomic_load(&while_it->done)) {
        double began = now();
        ask_everything(while_it->engine, session);
        double took = now() - began;
        longest = took > longest ? took : longest;
    }
    return longest;
}

int main(void)
{
    static nrbac_session *sessions[SESSIONS];
    nrbac_build *build = compile();
    publication again = { 0 };
    again.image = nrbac_build_image(build, &again.size);
    CHECK_INT(nrbac_engine_create(0, &again.engine), NRBAC_OK);
    CHECK_INT(nrbac_engine_load_image(again.engine, again.image, again.size, NULL),
              NRBAC_OK);
    nrbac_profile profile = { .role = "R8000" };
    nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                           .profiles = &profile,
                                           .profile_count = 1 } };
    for (int i = 0; i < SESSIONS; i++)
        CHECK_INT(nrbac_session_open(again.engine, &request, &sessions[i]).effect,
                  NRBAC_PERMIT);
    pthread_t publisher;
    CHECK_INT(pthread_create(&publisher, NULL, publish, &again), 0);
    double longest = longest_wait(&again, sessions[0]);
    (void)pthread_join(publisher, NULL);
    (void)printf("published in %.3f s, the longest wait was %.3f s\n", again.seconds,
                 longest);
    CHECK(again.seconds > 0 && longest < again.seconds / 2);
    for (int i = 0; i < SESSIONS; i++)
        nrbac_session_close(sessions[i]);
    nrbac_engine_destroy(again.engine);
    nrbac_build_destroy(build);
    return check_report();
}
