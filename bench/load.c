/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it takes until the first answer, and what is kept in memory:
 *
 *   bench-load WORKLOAD ROOT IMAGE ROUNDS DAEMON SOCKET
 *
 * An engine loads the image and opens a session for each user, in a process of its
 * own each time; the daemon is started from the image and asked.
 */
#include "measure.h"
#include "people.h"

#include <nrbac/client.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TRY_EVERY_NS = 100000, TRIES = 100000 };

static void tell(const bench_workload *w, const char *measure, double value,
                 unsigned round)
{
    bench_figure figure = { w->name, measure, "nrbac" };
    bench_tell(&figure, value, round);
}

/* ---- In process ---------------------------------------------------------------------- */

static void open_everybody(const bench_workload *w, nrbac_engine *engine)
{
    bench_person person;
    for (uint32_t u = 0; u < w->user_count; u++) {
        nrbac_session *session;
        bench_person_of(w, u, &person);
        (void)nrbac_session_open(engine, &person.request, &session);
        if (session == NULL)
            bench_fail("no session");
    }
}

static void load(const bench_workload *w, const char *image, unsigned round)
{
    size_t empty = bench_resident(getpid());
    uint64_t started = bench_now();
    nrbac_engine *engine = bench_engine(image);
    uint64_t loaded = bench_now();
    size_t full = bench_resident(getpid());
    tell(w, "load ms", (double)(loaded - started) / 1e6, round);
    tell(w, "load MB", (double)(full - empty) / 1e6, round);
    open_everybody(w, engine);
    tell(w, "load session KB",
         (double)(bench_resident(getpid()) - full) / 1e3 / w->user_count, round);
}

/* ---- The daemon ------------------------------------------------------------------------- */

static nrbac_client *connect_to(const char *socket)
{
    const struct timespec pause = { .tv_nsec = TRY_EVERY_NS };
    nrbac_client *client;
    for (unsigned tries = 0; tries < TRIES; tries++) {
        if (nrbac_client_connect(socket, 0, &client, NULL) == NRBAC_OK)
            return client;
        (void)nanosleep(&pause, NULL);
    }
    bench_fail("the daemon does not start");
}

static void start(const bench_workload *w, char **arguments, unsigned round)
{
    const nrbac_value *policy;
    (void)unlink(arguments[2]);
    uint64_t started = bench_now();
    pid_t daemon = bench_serve(arguments[1], arguments[0], arguments[2]);
    nrbac_client *client = connect_to(arguments[2]);
    if (nrbac_client_policy(client, &policy, NULL) != NRBAC_OK)
        bench_fail("the daemon does not answer");
    tell(w, "daemon start ms", (double)(bench_now() - started) / 1e6, round);
    tell(w, "daemon MB", (double)bench_resident(daemon) / 1e6, round);
    nrbac_client_disconnect(client);
    (void)kill(daemon, SIGTERM);
    (void)waitpid(daemon, NULL, 0);
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        (void)fputs("usage: bench-load WORKLOAD ROOT IMAGE ROUNDS DAEMON SOCKET\n",
                    stderr);
        return 2;
    }
    bench_workload *w = bench_workload_make(argv[1], argv[2]);
    unsigned rounds = (unsigned)strtoul(argv[4], NULL, 10);
    char *arguments[] = { argv[3], argv[5], argv[6] };
    for (unsigned round = 0; round < rounds; round++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            load(w, argv[3], round);
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
            bench_fail("the image does not load");
        start(w, arguments, round);
    }
    bench_workload_free(w);
    return 0;
}
