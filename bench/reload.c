/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks while the policy is replaced.
 *
 *   bench-reload process WORKLOAD ROOT IMAGE ROUNDS MILLISECONDS
 *       one thread checks on the sessions of 100 users, quiet and then while another
 *       thread publishes the image every 10 ms; tells how long 32 checks take
 *   bench-reload daemon SOCKET
 *       makes a daemon load its policy again every 10 ms, until it is ended
 *   bench-reload count SOCKET WORKLOAD ROOT TIMES
 *       opens the sessions of 100 users at a daemon and makes it load its policy again
 *       so many times, for bench/counts to count what its loop does for it
 */
#define _GNU_SOURCE /* pthread_setaffinity_np */
#include "measure.h"
#include "people.h"

#include <nrbac/client.h>
#include <nrbac/policy.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { USERS = 100, BATCH = 32, EVERY_NS = 10000000, SAMPLES_MAX = 1 << 22 };

typedef struct stage {
    const bench_workload *workload;
    const char *image;
    nrbac_engine *engine;
    nrbac_session *sessions[USERS];
    uint32_t *requests; /* those that are about these users */
    uint32_t count;
    nrbac_name *names; /* by activity */
    atomic_bool reloading, ending;
    uint64_t *samples;
    uint64_t wrong;
} stage;

static void pause_for(long nanoseconds)
{
    const struct timespec pause = { .tv_nsec = nanoseconds };
    (void)nanosleep(&pause, NULL);
}

static void pin(size_t processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *reload(void *context)
{
    stage *s = context;
    pin(1); /* on a machine with one processor this stays where it is */
    while (!atomic_load(&s->ending)) {
        if (atomic_load(&s->reloading) &&
            nrbac_engine_load(s->engine, s->image, NULL) != NRBAC_OK)
            bench_fail("the image does not load");
        pause_for(EVERY_NS);
    }
    return NULL;
}

static void prepare(stage *s)
{
    const bench_workload *w = s->workload;
    bench_person person;
    s->engine = bench_engine(s->image);
    s->samples = bench_new(SAMPLES_MAX, sizeof(*s->samples));
    s->names = bench_new(w->activity_count, sizeof(*s->names));
    for (uint32_t a = 0; a < w->activity_count; a++)
        s->names[a] = nrbac_prepare(s->engine, w->activities[a].code);
    for (uint32_t u = 0; u < USERS; u++) {
        bench_person_of(w, u, &person);
        (void)nrbac_session_open(s->engine, &person.request, &s->sessions[u]);
        if (s->sessions[u] == NULL)
            bench_fail("no session");
    }
    s->requests = bench_new(w->request_count, sizeof(*s->requests));
    for (uint32_t i = 0; i < w->request_count; i++)
        if (w->requests[i].user < USERS)
            s->requests[s->count++] = i;
    s->count -= s->count % BATCH;
}

static uint64_t ask(const stage *s, uint32_t from)
{
    const bench_workload *w = s->workload;
    uint64_t wrong = 0;
    for (uint32_t i = from; i < from + BATCH; i++) {
        const bench_request *request = &w->requests[s->requests[i]];
        bool may = nrbac_check(s->sessions[request->user], s->names[request->activity]);
        wrong += may != (w->expected[s->requests[i]] != 0) ? 1 : 0;
    }
    return wrong;
}

static void play(stage *s, const char *name, uint64_t budget, unsigned round)
{
    uint64_t started = bench_now();
    uint64_t before = started;
    size_t count = 0;
    for (uint32_t at = 0; before - started < budget && count < SAMPLES_MAX; count++) {
        s->wrong += ask(s, at);
        at = at + BATCH == s->count ? 0 : at + BATCH;
        uint64_t now = bench_now();
        s->samples[count] = now - before;
        before = now;
    }
    bench_figure figure = { s->workload->name, name, "nrbac" };
    bench_tell_percentiles(&figure, s->samples, count, round);
}

static int in_process(char **arguments)
{
    stage s = { .workload = bench_workload_make(arguments[0], arguments[1]),
                .image = arguments[2] };
    unsigned rounds = (unsigned)strtoul(arguments[3], NULL, 10);
    uint64_t budget = strtoul(arguments[4], NULL, 10) * 1000000u;
    prepare(&s);
    pthread_t thread;
    if (pthread_create(&thread, NULL, reload, &s) != 0)
        bench_fail("no thread");
    pin(0);
    for (unsigned round = 0; round < rounds; round++) {
        atomic_store(&s.reloading, false);
        pause_for(2L * EVERY_NS);
        play(&s, "32 checks quiet us", budget, round);
        atomic_store(&s.reloading, true);
        play(&s, "32 checks reloading us", budget, round);
    }
    atomic_store(&s.ending, true);
    (void)pthread_join(thread, NULL);
    bench_figure figure = { s.workload->name, "reload generations", "nrbac" };
    bench_tell(&figure, nrbac_engine_generation(s.engine), 0);
    figure.measure = "reload wrong";
    bench_tell(&figure, (double)s.wrong, 0);
    return s.wrong == 0 ? 0 : 1;
}

/* ---- A daemon ----------------------------------------------------------------------- */

typedef struct caller {
    nrbac_client *client;
    nrbac_document *document;
} caller;

static caller call_daemon(const char *socket)
{
    caller c = { .document = nrbac_document_create() };
    nrbac_error error = { 0 };
    if (nrbac_client_connect(socket, 0, &c.client, &error) != NRBAC_OK)
        bench_fail("%s", error.text);
    return c;
}

static void reload_daemon(caller *c)
{
    const nrbac_value *result;
    nrbac_error error = { 0 };
    nrbac_document_reset(c->document);
    if (nrbac_client_call(c->client, "reload", NULL, c->document, &result, &error) !=
            NRBAC_OK ||
        !nrbac_value_boolean(nrbac_value_find(result, "ok")))
        bench_fail("the daemon does not reload: %s", error.text);
}

static void open_at_daemon(caller *c, const bench_workload *w, uint32_t user)
{
    char text[BENCH_DOCUMENT_SIZE];
    size_t size = bench_document_of(w, &(bench_request){ user, 0 }, text);
    const nrbac_value *request, *result;
    nrbac_document_reset(c->document);
    nrbac_value *params = nrbac_new_list(c->document);
    if (nrbac_json_read(c->document, text, size, &request, NULL) != NRBAC_OK)
        bench_fail("a document cannot be read");
    nrbac_append(c->document, params, nrbac_value_copy(c->document, request));
    if (nrbac_client_call(c->client, "open", params, c->document, &result, NULL) !=
            NRBAC_OK ||
        nrbac_value_integer(nrbac_value_find(result, "session")) == 0)
        bench_fail("the daemon opens no session");
}

static void of_daemon(const char *socket)
{
    caller c = call_daemon(socket);
    for (;;) {
        reload_daemon(&c);
        pause_for(EVERY_NS);
    }
}

static int counted(char **arguments)
{
    caller c = call_daemon(arguments[0]);
    bench_workload *w = bench_workload_make(arguments[1], arguments[2]);
    for (uint32_t u = 0; u < USERS; u++)
        open_at_daemon(&c, w, u);
    for (unsigned long left = strtoul(arguments[3], NULL, 10); left > 0; left--)
        reload_daemon(&c);
    nrbac_client_disconnect(c.client);
    nrbac_document_destroy(c.document);
    bench_workload_free(w);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "process") == 0)
        return in_process(argv + 2);
    if (argc == 3 && strcmp(argv[1], "daemon") == 0)
        of_daemon(argv[2]);
    if (argc == 6 && strcmp(argv[1], "count") == 0)
        return counted(argv + 2);
    (void)fputs("usage: bench-reload process WORKLOAD ROOT IMAGE ROUNDS MS\n"
                "       bench-reload daemon SOCKET\n"
                "       bench-reload count SOCKET WORKLOAD ROOT TIMES\n",
                stderr);
    return 2;
}
