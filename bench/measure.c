/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

uint64_t bench_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_tell(const bench_figure *figure, double value, unsigned round)
{
    (void)printf("%s\t%s\t%s\t%.6g\t%u\n", figure->workload, figure->measure,
                 figure->contender, value, round);
    (void)fflush(stdout);
}

/* A number of a file's first line, by its place; 0 if there is none. */
static uint64_t number_in(const char *path, unsigned place)
{
    char line[256];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    char *at = fgets(line, sizeof(line), file);
    (void)fclose(file);
    for (; at != NULL && place > 0; place--)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at, NULL, 10);
}

size_t bench_resident(pid_t process)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)process);
    return (size_t)number_in(path, 1) * (size_t)sysconf(_SC_PAGESIZE);
}

static uint64_t thread_time(pid_t process, const char *thread)
{
    char path[320];
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)process,
                   thread);
    return number_in(path, 0);
}

uint64_t bench_processor_time(pid_t process)
{
    char path[64];
    uint64_t ran = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)process);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.')
            ran += thread_time(process, entry->d_name);
    (void)closedir(folder);
    return ran;
}

pid_t bench_serve(const char *program, const char *image, const char *socket)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    int nowhere = open("/dev/null", O_WRONLY);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)execl(program, program, "--policy", image, "--socket", socket,
                "--allow-example", "--unsafe-no-audit", (char *)NULL);
    _exit(3);
}

static int by_size(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a;
    uint64_t other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

void bench_tell_percentiles(const bench_figure *figure, uint64_t *samples, size_t count,
                            unsigned round)
{
    static const struct {
        const char *name;
        size_t of_1000;
    } wanted[] = { { "p50", 500 }, { "p99", 990 }, { "p99.9", 999 } };
    qsort(samples, count, sizeof(*samples), by_size);
    for (size_t i = 0; count > 0 && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        char measure[96];
        (void)snprintf(measure, sizeof(measure), "%s.%s", figure->measure,
                       wanted[i].name);
        bench_figure one = { figure->workload, measure, figure->contender };
        size_t place = count * wanted[i].of_1000 / 1000;
        bench_tell(&one, (double)samples[place] / 1000, round);
    }
}
