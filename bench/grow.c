/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one size of policy costs.
 *
 *   bench-grow SERIES ROLES ACTIVITIES AREAS FUNCTIONS FOLDER
 *       writes such a policy, compiles and loads it, opens sessions, checks activities
 *       and functions against the oracle, and publishes it once more; the stages
 *       before the slow twin are timed by themselves, and the twin compares where
 *       there are not too many cells for the time of a benchmark
 *   bench-grow staff COUNT IMAGE
 *       on the image of W1, opens and closes a session for each of so many staff
 *       with two profiles, and tells what memory that left behind
 */
#include "measure.h"
#include "people.h"
#include "write.h"

#include "compile/compile.h"

#include <nrbac/policy.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The twin asks for each of roles x activities x areas of work. */
#define TWIN_CELLS_MAX UINT64_C(3000000000)

enum {
    PATH_SIZE = 4096,
    USERS = 500,
    REQUESTS = 100000,
    GRANTS = 40,
    OPENED_TWICE = 2000,
    FUNCTIONS_ASKED = 1000,
    STAFF = 10000,
};

typedef struct growth {
    const bench_workload *workload;
    const char *series;
    char size[64]; /* how the point is called: "ROLES x ACTIVITIES x AREAS" */
    uint32_t functions;
    void *image;
    size_t image_size;
    nrbac_engine *engine;
    nrbac_session *sessions[USERS];
} growth;

static void tell(const growth *g, const char *what, double value)
{
    char measure[96];
    (void)snprintf(measure, sizeof(measure), "growth %s", what);
    bench_figure figure = { g->series, measure, g->size };
    bench_tell(&figure, value, 0);
}

static double milliseconds_since(uint64_t started)
{
    return (double)(bench_now() - started) / 1e6;
}

/* ---- Compiling and loading ------------------------------------------------------------- */

static void write_policy(const growth *g, const char *folder)
{
    char path[PATH_SIZE];
    (void)mkdir(folder, 0777);
    (void)snprintf(path, sizeof(path), "%s/policy.yaml", folder);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        bench_fail("cannot write %s", path);
    bench_write_policy(file, g->workload, g->functions);
    if (fclose(file) != 0)
        bench_fail("cannot write %s", path);
}

/* Text to image, as nrbac_compile() does before it lets the twin compare. */
static void build(growth *g, const char *folder)
{
    nr_arena arena = { 0 };
    nr_model model = { .arena = &arena };
    nr_diags diags = { .arena = &arena };
    nrbac_error error = { 0 };
    uint64_t started = bench_now();
    if (nr_load(&model, folder, NULL, &diags) != NRBAC_OK ||
        nr_resolve(&model, &diags) != NRBAC_OK || nr_check(&model, &diags) != NRBAC_OK)
        bench_fail("out of memory");
    if (diags.error_count > 0)
        bench_fail("%s has mistakes: %s", folder, diags.items[0].message);
    if (nr_build_image(&model, &g->image, &g->image_size, &error) != NRBAC_OK)
        bench_fail("%s", error.text);
    tell(g, "build ms", milliseconds_since(started));
    tell(g, "image MB", (double)g->image_size / 1e6);
    nr_arena_finish(&arena);
}

static void compile(const growth *g, const char *folder)
{
    nrbac_build *made = NULL;
    uint64_t started = bench_now();
    if (nrbac_compile(folder, NULL, &made) != NRBAC_OK)
        bench_fail("%s does not compile", folder);
    tell(g, "compile ms", milliseconds_since(started));
    nrbac_build_destroy(made);
}

static void publish(const growth *g, const char *what)
{
    nrbac_error error = { 0 };
    uint64_t started = bench_now();
    if (nrbac_engine_load_image(g->engine, g->image, g->image_size, &error) != NRBAC_OK)
        bench_fail("%s", error.text);
    tell(g, what, milliseconds_since(started));
}

static void load(growth *g)
{
    (void)malloc_trim(0); /* what was freed must not look like room */
    size_t empty = bench_resident(getpid());
    if (nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &g->engine) != NRBAC_OK)
        bench_fail("out of memory");
    publish(g, "load ms");
    tell(g, "load MB", (double)(bench_resident(getpid()) - empty) / 1e6);
}

/* ---- Opening and asking ------------------------------------------------------------------ */

static nrbac_session *open_session(const growth *g, uint32_t user)
{
    bench_person person;
    nrbac_session *session;
    bench_person_of(g->workload, user, &person);
    (void)nrbac_session_open(g->engine, &person.request, &session);
    if (session == NULL)
        bench_fail("no session");
    return session;
}

static void open_sessions(growth *g)
{
    uint64_t started = bench_now();
    for (uint32_t i = 0; i < OPENED_TWICE; i++)
        nrbac_session_close(open_session(g, i % USERS));
    tell(g, "open us", milliseconds_since(started) * 1000 / OPENED_TWICE);
    for (uint32_t u = 0; u < USERS; u++)
        g->sessions[u] = open_session(g, u);
}

static nrbac_name *prepare(const growth *g)
{
    const bench_workload *w = g->workload;
    nrbac_name *names = bench_new(w->activity_count, sizeof(*names));
    for (uint32_t a = 0; a < w->activity_count; a++)
        names[a] = nrbac_prepare(g->engine, w->activities[a].code);
    return names;
}

static void check_activities(const growth *g)
{
    const bench_workload *w = g->workload;
    nrbac_name *names = prepare(g);
    uint8_t *answers = bench_new(w->request_count, 1);
    uint64_t started = bench_now();
    for (uint32_t i = 0; i < w->request_count; i++)
        answers[i] = nrbac_check(g->sessions[w->requests[i].user],
                                 names[w->requests[i].activity]);
    tell(g, "check ns", milliseconds_since(started) * 1e6 / w->request_count);
    if (memcmp(answers, w->expected, w->request_count) != 0)
        bench_fail("%s: an answer is wrong", g->size);
    free(answers);
    free(names);
}

static bool may_function(const growth *g, uint32_t user, uint32_t function)
{
    uint32_t atoms[BENCH_ATOMS];
    const uint64_t *row = bench_row(g->workload, user);
    bool any = false;
    bench_function_of(g->workload, function, atoms);
    for (uint32_t i = 1; i < BENCH_ATOMS; i++)
        any |= bench_has(row, atoms[i]);
    return any && bench_has(row, atoms[0]);
}

static void check_functions(const growth *g)
{
    for (uint32_t i = 0; i < FUNCTIONS_ASKED && g->functions > 0; i++) {
        char name[32];
        uint32_t function = (uint32_t)((uint64_t)i * g->functions / FUNCTIONS_ASKED);
        (void)snprintf(name, sizeof(name), "f.%u", function);
        nrbac_name number = nrbac_prepare(g->engine, name);
        if (nrbac_check(g->sessions[i % USERS], number) !=
            may_function(g, i % USERS, function))
            bench_fail("%s: the answer to %s is wrong", g->size, name);
    }
}

static void grow(char **arguments)
{
    bench_shape shape = { arguments[0], 0, 0, GRANTS, USERS, REQUESTS, 0 };
    growth g = { .series = arguments[0] };
    shape.roles = (uint32_t)strtoul(arguments[1], NULL, 10);
    shape.activities = (uint32_t)strtoul(arguments[2], NULL, 10);
    shape.areas = (uint32_t)strtoul(arguments[3], NULL, 10);
    g.functions = (uint32_t)strtoul(arguments[4], NULL, 10);
    (void)snprintf(g.size, sizeof(g.size), "%u x %u x %u, %u functions", shape.roles,
                   shape.activities, shape.areas, g.functions);
    g.workload = bench_workload_of(&shape);
    write_policy(&g, arguments[5]);
    build(&g, arguments[5]);
    uint64_t cells = (uint64_t)shape.roles * shape.activities *
                     (shape.areas == 0 ? 1 : shape.areas);
    if (cells <= TWIN_CELLS_MAX)
        compile(&g, arguments[5]);
    load(&g);
    open_sessions(&g);
    check_activities(&g);
    check_functions(&g);
    publish(&g, "reload ms"); /* and with it, every session is opened anew */
}

/* ---- A great many staff ---------------------------------------------------------------- */

static void open_staff(const char *count, const char *image)
{
    bench_shape shape = { "W1", 300, 350, GRANTS, STAFF, REQUESTS, 0 };
    bench_workload *w = bench_workload_of(&shape);
    growth g = { .series = "staff", .workload = w };
    (void)snprintf(g.size, sizeof(g.size), "%s staff", count);
    for (uint32_t u = 0; u < STAFF; u++) { /* everybody has two */
        bench_user *user = &w->users[u];
        if (user->profile_count == 1)
            (void)snprintf(user->profiles[1].id, BENCH_ID_SIZE, "1%s",
                           user->profiles[0].id + 1);
        user->profile_count = 2;
        user->in_force %= 2;
    }
    g.engine = bench_engine(image);
    nrbac_session_close(open_session(&g, 0));
    size_t before = bench_resident(getpid());
    unsigned long wanted = strtoul(count, NULL, 10);
    uint64_t started = bench_now();
    for (unsigned long i = 0; i < wanted; i++)
        nrbac_session_close(open_session(&g, (uint32_t)(i % STAFF)));
    tell(&g, "open us", milliseconds_since(started) * 1000 / (double)wanted);
    tell(&g, "left behind MB", (double)(bench_resident(getpid()) - before) / 1e6);
}

int main(int argc, char **argv)
{
    if (argc == 7) {
        grow(argv + 1);
    } else if (argc == 4 && strcmp(argv[1], "staff") == 0) {
        open_staff(argv[2], argv[3]);
    } else {
        (void)fputs("usage: bench-grow SERIES ROLES ACTIVITIES AREAS FUNCTIONS FOLDER\n"
                    "       bench-grow staff COUNT IMAGE\n",
                    stderr);
        return 2;
    }
    return 0;
}
