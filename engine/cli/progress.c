/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* isatty */
#include "base/time.h"
#include "cli/audit.h"

#include <unistd.h>

enum { PATIENCE = 2 * NR_SECOND, EVERY = 1024, WIDTH = 40 };

nr_progress nr_progress_begin(const char *what)
{
    return (nr_progress){ .what = what,
                          .started = nr_time_now(),
                          .terminal = isatty(STDERR_FILENO) == 1 };
}

void nr_progress_show(nr_progress *progress, uint64_t done, uint64_t all)
{
    char bar[WIDTH + 1];
    if (!progress->terminal || done % EVERY != 0 || all == 0 ||
        nr_time_now() - progress->started < PATIENCE)
        return;
    unsigned filled = (unsigned)(done >= all ? WIDTH : done * WIDTH / all);
    for (unsigned i = 0; i < WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3llu %%", progress->what, bar,
            (unsigned long long)(done >= all ? 100 : done * 100 / all));
    (void)fflush(stderr);
    progress->shown = true;
}

void nr_progress_end(const nr_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
}
