/* SPDX-License-Identifier: Apache-2.0 */
/* A bar is shown on a terminal, after two seconds, and taken away again. */
#define _POSIX_C_SOURCE 200809L /* dup2, mkstemp */
#include "check.h"

#include "base/time.h"
#include "cli/audit.h"

#include <stdlib.h>
#include <unistd.h>

/* What is said on stderr while this is done. */
static void said(void (*what)(void), char *text, size_t room)
{
    char path[] = "/tmp/nrbac-progress-XXXXXX";
    int file = mkstemp(path), kept = dup(STDERR_FILENO);
    CHECK(file >= 0 && kept >= 0);
    (void)fflush(stderr);
    CHECK(dup2(file, STDERR_FILENO) >= 0);
    what();
    (void)fflush(stderr);
    CHECK(dup2(kept, STDERR_FILENO) >= 0);
    ssize_t size = pread(file, text, room - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    (void)close(file);
    (void)close(kept);
    (void)unlink(path);
}

static nr_progress begun(int64_t seconds_ago, bool terminal)
{
    nr_progress progress = nr_progress_begin("replaying");
    progress.started -= seconds_ago * NR_SECOND;
    progress.terminal = terminal;
    return progress;
}

static void half_done_after_three_seconds(void)
{
    nr_progress progress = begun(3, true);
    nr_progress_show(&progress, 1023, 4096); /* one call of many is enough */
    nr_progress_show(&progress, 2048, 4096);
    nr_progress_end(&progress);
}

static void done_and_more(void)
{
    nr_progress progress = begun(3, true);
    nr_progress_show(&progress, 8192, 4096); /* records are added meanwhile */
    nr_progress_end(&progress);
}

static void too_early(void)
{
    nr_progress progress = begun(1, true);
    nr_progress_show(&progress, 2048, 4096);
    nr_progress_end(&progress);
}

static void no_terminal(void)
{
    nr_progress progress = begun(3, false);
    nr_progress_show(&progress, 2048, 4096);
    nr_progress_end(&progress);
}

static void of_nothing(void)
{
    nr_progress progress = begun(3, true);
    nr_progress_show(&progress, 0, 0);
    nr_progress_end(&progress);
}

int main(void)
{
    char text[256];
    said(half_done_after_three_seconds, text, sizeof(text));
    CHECK_STR(text, "\rreplaying [####################....................]  50 %"
                    "\r\033[K");
    said(done_and_more, text, sizeof(text));
    CHECK_STR(text, "\rreplaying [########################################] 100 %"
                    "\r\033[K");
    said(too_early, text, sizeof(text));
    CHECK_STR(text, "");
    said(no_terminal, text, sizeof(text));
    CHECK_STR(text, "");
    said(of_nothing, text, sizeof(text));
    CHECK_STR(text, "");
    return check_report();
}
