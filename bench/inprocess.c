/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks everybody who answers in this process, in turn, round after round, and holds
 * every answer against the oracle's.
 *
 *   bench-inprocess WORKLOAD ROOT IMAGE ROUNDS MILLISECONDS [MEASURE...]
 *
 * A round of one contender takes about so many milliseconds of asking; of all
 * measures, or of these (`check`, `check by name`, ...). Tells for
 * each: `MEASURE ns` per request, `asked` and `wrong`; once, in a process of its
 * own: `load ms` and `memory MB`.
 */
#include "contender.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONTENDERS_MAX = 32, AT_ONCE = 16384, MISSING = 4 };

typedef struct entrant {
    const bench_contender *contender;
    void *state;
    uint32_t next;         /* request */
    uint64_t asked, wrong; /* in all rounds */
} entrant;

typedef struct contest {
    const bench_workload *workload;
    const char *image;
    entrant entrants[CONTENDERS_MAX];
    size_t count;
    unsigned rounds;
    uint64_t budget;  /* of one round of one contender, in nanoseconds */
    char **measures;  /* ends with NULL; none: all */
    uint8_t *answers; /* AT_ONCE of them */
} contest;

static void tell(const contest *c, const entrant *e, const char *what, double value,
                 unsigned round)
{
    char measure[96];
    (void)snprintf(measure, sizeof(measure), "%s %s", e->contender->measure, what);
    bench_figure figure = { c->workload->name, measure, e->contender->name };
    bench_tell(&figure, value, round);
}

/* In a process of its own, so that memory freed by others is not used again. False:
 * what it needs is not there. */
static bool weigh(const contest *c, const entrant *e)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        size_t before = bench_resident(getpid());
        uint64_t started = bench_now();
        if (e->contender->start(c->workload, c->image) == NULL)
            _exit(MISSING);
        uint64_t ended = bench_now();
        tell(c, e, "load ms", (double)(ended - started) / 1e6, 0);
        tell(c, e, "memory MB", (double)(bench_resident(getpid()) - before) / 1e6, 0);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) ||
        (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != MISSING))
        bench_fail("%s cannot be loaded", e->contender->name);
    return WEXITSTATUS(status) == 0;
}

static uint32_t turn_of(const contest *c, const entrant *e)
{
    uint32_t all = e->contender->most != 0 ? e->contender->most
                                           : c->workload->request_count;
    uint32_t left = all - e->next;
    return left < AT_ONCE ? left : AT_ONCE;
}

static void judge(const contest *c, entrant *e, uint32_t count)
{
    const uint8_t *expected = c->workload->expected + e->next;
    e->asked += count;
    for (uint32_t i = 0; !e->contender->silent && i < count; i++)
        e->wrong += c->answers[i] != expected[i] ? 1 : 0;
}

static void play(const contest *c, entrant *e, unsigned round)
{
    uint64_t spent = 0;
    uint64_t asked = 0;
    while (spent < c->budget) {
        uint32_t count = turn_of(c, e);
        uint64_t started = bench_now();
        e->contender->ask(e->state, e->next, count, c->answers);
        spent += bench_now() - started;
        judge(c, e, count);
        asked += count;
        uint32_t all = e->contender->most != 0 ? e->contender->most
                                               : c->workload->request_count;
        e->next = e->next + count == all ? 0 : e->next + count;
    }
    tell(c, e, "ns", (double)spent / (double)asked, round);
}

static uint64_t finish(const contest *c, const entrant *e)
{
    tell(c, e, "asked", (double)e->asked, 0);
    tell(c, e, "wrong", (double)e->wrong, 0);
    if (e->wrong != 0)
        (void)fprintf(stderr, "bench: %s: %s is wrong\n", c->workload->name,
                      e->contender->name);
    e->contender->finish(e->state);
    return e->wrong;
}

static void enter(contest *c, const bench_contender *contender)
{
    entrant one = { .contender = contender };
    if (c->count == CONTENDERS_MAX)
        bench_fail("more contenders than there is room for");
    if (weigh(c, &one))
        c->entrants[c->count++] = one;
    else
        (void)fprintf(stderr, "bench: %s takes no part\n", contender->name);
}

static bool is_wanted(const contest *c, const bench_contender *contender)
{
    for (char **one = c->measures; *one != NULL; one++)
        if (strcmp(*one, contender->measure) == 0)
            return true;
    return *c->measures == NULL;
}

static void enlist(contest *c)
{
    for (size_t l = 0; bench_lists[l] != NULL; l++)
        for (const bench_contender *one = bench_lists[l]; one->name != NULL; one++)
            if (is_wanted(c, one))
                enter(c, one);
    for (size_t i = 0; i < c->count; i++)
        c->entrants[i].state = c->entrants[i].contender->start(c->workload, c->image);
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        (void)fputs(
            "usage: bench-inprocess WORKLOAD ROOT IMAGE ROUNDS MS [MEASURE...]\n",
            stderr);
        return 2;
    }
    contest c = { .workload = bench_workload_make(argv[1], argv[2]),
                  .image = argv[3],
                  .rounds = (unsigned)strtoul(argv[4], NULL, 10),
                  .budget = strtoul(argv[5], NULL, 10) * 1000000u,
                  .measures = argv + 6,
                  .answers = bench_new(AT_ONCE, 1) };
    enlist(&c);
    for (unsigned round = 0; round < c.rounds; round++)
        for (size_t i = 0; i < c.count; i++)
            play(&c, &c.entrants[i], round);
    uint64_t wrong = 0;
    for (size_t i = 0; i < c.count; i++)
        wrong += finish(&c, &c.entrants[i]);
    return wrong == 0 ? 0 : 1;
}
