/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "server/shared.h"

#include "base/hex.h"
#include "server/log.h"
#include "share/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    NS_PER_SECOND = 1000000000,
    BEATS = 5, /* in the time that one counts: one more than is promised */
};

/* ---- The folder ------------------------------------------------------------------ */

static bool open_folder(nr_shared *shared, bool waits)
{
    if (nr_folder_open(&shared->folder, shared->folder_path))
        return true;
    shared->is_locked = errno == EWOULDBLOCK;
    if (!shared->is_locked || !waits)
        nr_log("cannot publish to `%s`: %s", shared->folder_path,
               shared->is_locked ? "another daemon does" : nr_errno(errno).text);
    return false;
}

static bool put_image(nr_shared *shared)
{
    void *image = NULL;
    size_t size = 0;
    if (nr_memory_map_image(shared->image_fd, &image, &size, NULL) != NRBAC_OK)
        return false;
    bool put = nr_folder_put_image(&shared->folder, image, size);
    int number = errno;
    (void)munmap(image, size);
    errno = number;
    return put;
}

/* A status never speaks of an image that is not there. If the folder cannot be
 * written, those who read it find no heartbeat and stop deciding; each beat tries
 * again. */
static bool put_files(nr_shared *shared)
{
    if (shared->folder_path == NULL || shared->image_fd < 0)
        return true;
    bool put = !shared->folder_behind || put_image(shared);
    shared->folder_behind = !put;
    put = put && nr_folder_put_status(&shared->folder, shared->page);
    if (!put && !shared->folder_failed)
        nr_log("cannot publish to `%s`: %s", shared->folder_path, nr_errno(errno).text);
    else if (put && shared->folder_failed)
        nr_log("publishes to `%s` again", shared->folder_path);
    shared->folder_failed = !put;
    return put;
}

/* ---- The page ---------------------------------------------------------------------- */

bool nr_shared_open(nr_shared *shared, const nr_options *options)
{
    *shared = (nr_shared){
        .page_fd = -1,
        .image_fd = -1,
        .life_ns = (int64_t)options->stale_seconds * NS_PER_SECOND,
        .folder_path = options->publish_to,
        .folder = NR_FOLDER_NONE,
    };
    shared->page = nr_memory_make_page(&shared->page_fd);
    if (shared->page != NULL)
        return shared->folder_path == NULL || open_folder(shared, options->takeover);
    nr_log("cannot make the shared table, which needs Linux 5.1: %s",
           nr_errno(errno).text);
    return false;
}

void nr_shared_close(nr_shared *shared)
{
    nr_memory_drop_page(shared->page, shared->page_fd);
    if (shared->image_fd >= 0)
        (void)close(shared->image_fd);
    if (shared->folder_path != NULL)
        nr_folder_close(&shared->folder);
    shared->page = NULL;
}

static void write_page(nr_shared *shared)
{
    nr_status *status = &shared->status;
    status->beaten_at = nr_boot_ns();
    status->beaten_wall = (int64_t)time(NULL);
    status->alive_until = shared->life_ns == 0 ? 0
                                               : status->beaten_at + shared->life_ns;
    nr_status_write(shared->page, status);
}

void nr_shared_beat(nr_shared *shared)
{
    write_page(shared);
    (void)put_files(shared);
}

uint64_t nr_shared_beat_ms(const nr_shared *shared)
{
    return (uint64_t)(shared->life_ns / BEATS / 1000000);
}

int nr_shared_publish(nr_shared *shared, int image, size_t size,
                      const nrbac_value *info)
{
    int last = shared->image_fd;
    shared->image_fd = image;
    (void)snprintf(shared->digest, sizeof(shared->digest), "%s",
                   nrbac_value_text(nrbac_value_find(info, "digest")));
    (void)nr_hex_read(shared->digest, NR_SHA256_SIZE, shared->status.digest);
    shared->status.generation = (uint64_t)nrbac_value_integer(
        nrbac_value_find(info, "generation"));
    shared->status.image_size = size;
    shared->status.published_at = (int64_t)time(NULL);
    shared->folder_behind = true;
    nr_shared_beat(shared);
    return last;
}

void nr_shared_revoke(nr_shared *shared, const nrbac_revocation *which)
{
    nr_status_revoke(shared->page, which);
    /* Our last words may not be a status that lacks what we say that we revoked. */
    if (!put_files(shared))
        nr_folder_remove_status(&shared->folder);
}

void nr_shared_stop(nr_shared *shared, bool stopped)
{
    shared->status.stopped = stopped;
    nr_shared_beat(shared);
}
