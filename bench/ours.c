/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ourselves, by <nrbac/nrbac.h> alone: checks on sessions that are open, and the
 * opening of sessions from neutral profiles. A way of checking that the library
 * gains becomes a function `ask_...` and a line in the list at the end.
 */
#include "contender.h"
#include "people.h"

#include <stdlib.h>
#include <string.h>

typedef struct prepared {
    const nrbac_session *session;
    nrbac_name name;
} prepared;

typedef struct by_code {
    nrbac_session *session;
    char code[BENCH_CODE_SIZE];
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
} ours;

static void *start(const bench_workload *w, const char *image)
{
    ours *o = bench_new(1, sizeof(*o));
    o->workload = w;
    o->engine = bench_engine(image);
    o->names = bench_new(w->activity_count, sizeof(*o->names));
    for (uint32_t a = 0; a < w->activity_count; a++)
        o->names[a] = nrbac_prepare(o->engine, w->activities[a].code);
    return o;
}

static void *start_sessions(const bench_workload *w, const char *image)
{
    ours *o = start(w, image);
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

static void *start_prepared(const bench_workload *w, const char *image)
{
    ours *o = start_sessions(w, image);
    o->prepared = bench_new(w->request_count, sizeof(*o->prepared));
    for (uint32_t i = 0; i < w->request_count; i++)
        o->prepared[i] = (prepared){ o->sessions[w->requests[i].user],
                                     o->names[w->requests[i].activity] };
    return o;
}

static void *start_by_code(const bench_workload *w, const char *image)
{
    ours *o = start_sessions(w, image);
    o->by_code = bench_new(w->request_count, sizeof(*o->by_code));
    for (uint32_t i = 0; i < w->request_count; i++) {
        o->by_code[i].session = o->sessions[w->requests[i].user];
        memcpy(o->by_code[i].code, w->activities[w->requests[i].activity].code,
               BENCH_CODE_SIZE);
        o->by_code[i].size = (uint8_t)strlen(o->by_code[i].code);
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
    { "check by name", "nrbac", start_by_code, ask_by_code, finish, 0, false },
    { "check by texts", "nrbac", start_by_texts, ask_by_texts, finish, 0, false },
    { "open", "nrbac: profile, check, close", start_people, ask_opening, finish, 0,
      false },
    { 0 },
};
