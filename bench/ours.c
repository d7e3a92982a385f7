/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ourselves, by <nrbac/nrbac.h> alone: checks on sessions that are open, and the
 * opening of sessions from neutral profiles. A way of checking that the library
 * gains becomes a function `ask_...` and a line in the list at the end.
 */
#include "contender.h"
#include "measure.h"
#include "people.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct prepared {
    const nrbac_session *session;
    nrbac_name name;
} prepared;

/* No larger than what the limit reads. */
typedef struct by_code {
    nrbac_session *session;
    char code[BENCH_CODE_SIZE - 1];
    uint8_t size; /* texts that arrive come with theirs */
} by_code;

typedef struct by_texts {
    char user[BENCH_ID_SIZE];
    char code[BENCH_CODE_SIZE];
    uint8_t user_size, code_size;
} by_texts;

typedef struct ours {
    const bench_workload *workload;
    nrbac_engine *engine;
    nrbac_name *names; /* by activity */
    nrbac_session **sessions;
    bench_person *people;
    prepared *prepared;
    by_code *by_code;
    nrbac_directory *directory;
    by_texts *by_texts;
    pid_t daemon; /* that shares its table; 0: none */
} ours;

static ours *start_on(const bench_workload *w, nrbac_engine *engine)
{
    ours *o = bench_new(1, sizeof(*o));
    o->workload = w;
    o->engine = engine;
    o->names = bench_new(w->activity_count, sizeof(*o->names));
    for (uint32_t a = 0; a < w->activity_count; a++)
        o->names[a] = nrbac_prepare(o->engine, w->activities[a].code);
    return o;
}

static ours *start(const bench_workload *w, const char *image)
{
    return start_on(w, bench_engine(image));
}

static ours *open_sessions(ours *o)
{
    const bench_workload *w = o->workload;
    bench_person person;
    o->sessions = bench_new(w->user_count, sizeof(*o->sessions));
    for (uint32_t u = 0; u < w->user_count; u++) {
        bench_person_of(w, u, &person);
        nrbac_decision opened = nrbac_session_open(o->engine, &person.request,
                                                   &o->sessions[u]);
        if (o->sessions[u] == NULL)
            bench_fail("no session: %s", nrbac_reason_slug(opened.reason));
    }
    return o;
}

static ours *start_sessions(const bench_workload *w, const char *image)
{
    return open_sessions(start(w, image));
}

static ours *prepare(ours *o)
{
    const bench_workload *w = o->workload;
    o->prepared = bench_new(w->request_count, sizeof(*o->prepared));
    for (uint32_t i = 0; i < w->request_count; i++)
        o->prepared[i] = (prepared){ o->sessions[w->requests[i].user],
                                     o->names[w->requests[i].activity] };
    return o;
}

static void *start_prepared(const bench_workload *w, const char *image)
{
    return prepare(start_sessions(w, image));
}

/* ---- On a daemon's table ----------------------------------------------------------- */

enum { SOCKET_SIZE = 64 };

/* The daemon is there a few milliseconds after it was started. */
static nrbac_engine *follow(const char *socket)
{
    enum { TRIES = 1000 };
    char source[SOCKET_SIZE + 4];
    nrbac_engine *engine;
    nrbac_error error = { 0 };
    (void)snprintf(source, sizeof(source), "shm:%s", socket);
    if (nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine) != NRBAC_OK)
        bench_fail("out of memory");
    for (int i = 0; i < TRIES; i++) {
        if (nrbac_engine_open(engine, source, &error) == NRBAC_OK)
            return engine;
        (void)nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    }
    bench_fail("%s", error.text);
    return NULL;
}

/* NRBACD names the daemon's program; without it there is no shared table. */
static void *start_shared(const bench_workload *w, const char *image)
{
    const char *nrbacd = getenv("NRBACD");
    char socket[SOCKET_SIZE];
    if (nrbacd == NULL)
        return NULL;
    (void)snprintf(socket, sizeof(socket), "/tmp/nrbac-bench-%ld", (long)getpid());
    pid_t daemon = bench_serve(nrbacd, image, socket);
    ours *o = prepare(open_sessions(start_on(w, follow(socket))));
    o->daemon = daemon;
    return o;
}

/* ---- By texts -------------------------------------------------------------------- */

static void *start_by_code(const bench_workload *w, const char *image)
{
    ours *o = start_sessions(w, image);
    o->by_code = bench_new(w->request_count, sizeof(*o->by_code));
    for (uint32_t i = 0; i < w->request_count; i++) {
        o->by_code[i].session = o->sessions[w->requests[i].user];
        const char *code = w->activities[w->requests[i].activity].code;
        o->by_code[i].size = (uint8_t)strlen(code);
        memcpy(o->by_code[i].code, code, o->by_code[i].size);
    }
    return o;
}

/* The directory takes the sessions over. */
static void *start_by_texts(const bench_workload *w, const char *image)
{
    ours *o = start_sessions(w, image);
    if (nrbac_directory_create(o->engine, w->user_count, &o->directory) != NRBAC_OK)
        bench_fail("no directory");
    for (uint32_t u = 0; u < w->user_count; u++) {
        if (nrbac_directory_put(o->directory, w->users[u].id, strlen(w->users[u].id),
                                o->sessions[u]) != NRBAC_OK)
            bench_fail("no place in the directory");
        o->sessions[u] = NULL;
    }
    o->by_texts = bench_new(w->request_count, sizeof(*o->by_texts));
    for (uint32_t i = 0; i < w->request_count; i++) {
        const bench_request *request = &w->requests[i];
        memcpy(o->by_texts[i].user, w->users[request->user].id, BENCH_ID_SIZE);
        memcpy(o->by_texts[i].code, w->activities[request->activity].code,
               BENCH_CODE_SIZE);
        o->by_texts[i].user_size = (uint8_t)strlen(o->by_texts[i].user);
        o->by_texts[i].code_size = (uint8_t)strlen(o->by_texts[i].code);
    }
    return o;
}

static void *start_people(const bench_workload *w, const char *image)
{
    ours *o = start(w, image);
    o->people = bench_new(w->user_count, sizeof(*o->people));
    for (uint32_t u = 0; u < w->user_count; u++)
        bench_person_of(w, u, &o->people[u]);
    return o;
}

/* ---- Asking ------------------------------------------------------------------------ */

static void ask_prepared(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const prepared *requests = ((ours *)state)->prepared + from;
    for (uint32_t i = 0; i < count; i++)
        answers[i] = nrbac_check(requests[i].session, requests[i].name);
}

/* As a binding has it, which cannot check in line. */
static void ask_called(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    static bool (*volatile const exported)(const nrbac_session *,
                                           nrbac_name) = nrbac_check;
    bool (*check)(const nrbac_session *, nrbac_name) = exported;
    const prepared *requests = ((ours *)state)->prepared + from;
    for (uint32_t i = 0; i < count; i++)
        answers[i] = check(requests[i].session, requests[i].name);
}

static void ask_by_code(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const by_code *requests = ((ours *)state)->by_code + from;
    for (uint32_t i = 0; i < count; i++)
        answers[i] = nrbac_check_text(requests[i].session, requests[i].code,
                                      requests[i].size);
}

static void ask_by_texts(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const ours *o = state;
    const by_texts *requests = o->by_texts + from;
    for (uint32_t i = 0; i < count; i++)
        answers[i] = nrbac_directory_check(o->directory, requests[i].user,
                                           requests[i].user_size, requests[i].code,
                                           requests[i].code_size);
}

/* A session is opened, asked once, and closed. */
static void ask_opening(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const ours *o = state;
    for (uint32_t i = 0; i < count; i++) {
        const bench_request *request = &o->workload->requests[from + i];
        nrbac_session *session;
        (void)nrbac_session_open(o->engine, &o->people[request->user].request,
                                 &session);
        answers[i] = session != NULL &&
                     nrbac_check(session, o->names[request->activity]);
        nrbac_session_close(session);
    }
}

static void finish(void *state)
{
    ours *o = state;
    for (uint32_t u = 0; o->sessions != NULL && u < o->workload->user_count; u++)
        nrbac_session_close(o->sessions[u]);
    nrbac_directory_destroy(o->directory);
    nrbac_engine_destroy(o->engine);
    if (o->daemon != 0) {
        (void)kill(o->daemon, SIGTERM);
        (void)waitpid(o->daemon, NULL, 0);
    }
    free(o->names);
    free(o->sessions);
    free(o->people);
    free(o->prepared);
    free(o->by_code);
    free(o->by_texts);
    free(o);
}

const bench_contender bench_ours[] = {
    { "check", "nrbac", start_prepared, ask_prepared, finish, 0, false },
    { "check", "nrbac, called", start_prepared, ask_called, finish, 0, false },
    { "check", "nrbac, shared table", start_shared, ask_prepared, finish, 0, false },
    { "check by name", "nrbac", start_by_code, ask_by_code, finish, 0, false },
    { "check by texts", "nrbac", start_by_texts, ask_by_texts, finish, 0, false },
    { "open", "nrbac: profile, check, close", start_people, ask_opening, finish, 0,
      false },
    { 0 },
};
