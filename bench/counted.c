/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thing, done a number of times, for bench/counts to count its instructions:
 *
 *   bench-counted ask MEASURE CONTENDER IMAGE TIMES [WORKLOAD]    one contender
 *   bench-counted recorded SOCKET TIMES                           checks, by an audit ring
 *   bench-counted compile FOLDER TIMES                            a policy folder
 *
 * The same few requests again and again; with a WORKLOAD all of its requests, for
 * cachegrind to count what memory they bring in (bench/README.md).
 * Whatever is done once beforehand is the same for any TIMES, and cancels out.
 */
#include "contender.h"
#include "people.h"

#include <nrbac/policy.h>
#include <nrbac/recorder.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 512 };

static const bench_contender *contender_of(const char *measure, const char *name)
{
    for (size_t l = 0; bench_lists[l] != NULL; l++)
        for (const bench_contender *one = bench_lists[l]; one->name != NULL; one++)
            if (strcmp(one->measure, measure) == 0 && strcmp(one->name, name) == 0)
                return one;
    bench_fail("nobody is called `%s` for `%s`", name, measure);
}

static void ask(char **arguments)
{
    uint8_t answers[AT_ONCE];
    bool all = arguments[4] != NULL;
    bench_workload *w = bench_workload_make(all ? arguments[4] : "counted", ".");
    const bench_contender *contender = contender_of(arguments[0], arguments[1]);
    void *state = contender->start(w, arguments[2]);
    uint32_t from = 0;
    uint32_t end = contender->most != 0 ? contender->most : w->request_count;
    for (unsigned long left = strtoul(arguments[3], NULL, 10); left > 0;) {
        uint32_t count = left < AT_ONCE ? (uint32_t)left : AT_ONCE;
        if (!all || count > end - from)
            from = 0;
        contender->ask(state, from, count, answers);
        if (!contender->silent && memcmp(answers, w->expected + from, count) != 0)
            bench_fail("`%s` is wrong", contender->name);
        from += count;
        left -= count;
    }
    contender->finish(state);
    bench_workload_free(w);
}

/* In the trail of the daemon that serves this socket. Nobody polls: a thread that does so
 * would be counted too. */
static void check_recorded(char **arguments)
{
    nrbac_engine *engine;
    nrbac_session *session;
    nrbac_error error;
    bench_person person;
    bench_workload *w = bench_workload_make("counted", ".");
    if (nrbac_engine_create(NRBAC_ENGINE_UNWATCHED | NRBAC_ENGINE_RECORDED, &engine) !=
            NRBAC_OK ||
        nrbac_engine_open(engine, arguments[0], &error) != NRBAC_OK)
        bench_fail("%s: %s", arguments[0], error.text);
    bench_person_of(w, w->requests[0].user, &person);
    (void)nrbac_session_open(engine, &person.request, &session);
    nrbac_name name = nrbac_prepare(engine,
                                    w->activities[w->requests[0].activity].code);
    for (unsigned long left = strtoul(arguments[1], NULL, 10); left > 0; left--)
        if (nrbac_check_recorded(session, name) != (w->expected[0] == 1))
            bench_fail("a check is wrong, or not recorded");
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    bench_workload_free(w);
}

static void compile(char **arguments)
{
    for (unsigned long left = strtoul(arguments[1], NULL, 10); left > 0; left--) {
        nrbac_build *build = NULL;
        if (nrbac_compile(arguments[0], NULL, &build) != NRBAC_OK)
            bench_fail("%s does not compile", arguments[0]);
        nrbac_build_destroy(build);
    }
}

int main(int argc, char **argv)
{
    if ((argc == 6 || argc == 7) && strcmp(argv[1], "ask") == 0) {
        ask(argv + 2);
    } else if (argc == 4 && strcmp(argv[1], "recorded") == 0) {
        check_recorded(argv + 2);
    } else if (argc == 4 && strcmp(argv[1], "compile") == 0) {
        compile(argv + 2);
    } else {
        (void)fputs(
            "usage: bench-counted ask MEASURE CONTENDER IMAGE TIMES [WORKLOAD]\n"
            "       bench-counted recorded SOCKET TIMES\n"
            "       bench-counted compile FOLDER TIMES\n",
            stderr);
        return 2;
    }
    return 0;
}
