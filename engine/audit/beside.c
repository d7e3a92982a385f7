/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008, and flock */
#include "audit/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { OURS = 0600, PUBLISHED = 0644, RETRY_US = 1000000 };

static int open_file(const char *path, int flags, mode_t mode)
{
    return open(path, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
}

static void close_keeping_errno(int fd)
{
    int number = errno;
    (void)close(fd);
    errno = number;
}

int nr_lock_take(const char *path)
{
    int fd = open_file(path, O_RDWR, OURS);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    close_keeping_errno(fd);
    return -1;
}

/* ---- Reserve ------------------------------------------------------------------------------ */

/* Without it there is no reserve, whether or not the space came back. */
static bool give_back(nr_reserve *reserve)
{
    reserve->spent = true;
    return ftruncate(reserve->fd, 0) == 0;
}

static bool lay_in(nr_reserve *reserve)
{
    struct stat about;
    if (fstat(reserve->fd, &about) != 0)
        return false;
    bool there = (uint64_t)about.st_size == reserve->size &&
                 (uint64_t)about.st_blocks * 512 >= reserve->size;
    /* Half a reserve would only take the space from whoever needs it. */
    if (!there && give_back(reserve)) {
        there = posix_fallocate(reserve->fd, 0, (off_t)reserve->size) == 0;
        if (!there)
            (void)give_back(reserve);
    }
    reserve->spent = !there;
    return there;
}

bool nr_reserve_open(nr_reserve *reserve, const char *path, uint64_t size)
{
    *reserve = (nr_reserve){ .fd = open_file(path, O_RDWR, OURS), .size = size };
    if (reserve->fd < 0)
        return false;
    (void)lay_in(reserve);
    return true;
}

void nr_reserve_close(nr_reserve *reserve)
{
    if (reserve->fd >= 0)
        (void)close(reserve->fd);
    reserve->fd = -1;
}

void nr_reserve_spend(nr_reserve *reserve)
{
    (void)give_back(reserve);
}

bool nr_reserve_restore(nr_reserve *reserve, int64_t now)
{
    if (!reserve->spent)
        return true;
    /* The clock may have been moved back: then at once. */
    if (now >= reserve->tried_at && now - reserve->tried_at < RETRY_US)
        return false;
    reserve->tried_at = now;
    return lay_in(reserve);
}

uint64_t nr_reserve_free_bytes(const nr_reserve *reserve)
{
    struct statvfs about;
    if (fstatvfs(reserve->fd, &about) != 0)
        return UINT64_MAX;
    return (uint64_t)about.f_bavail * about.f_frsize;
}

/* ---- Published checkpoints ------------------------------------------------------------------- */

static bool ends_line(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char last = '\n';
    return size <= 0 || (pread(fd, &last, 1, size - 1) == 1 && last == '\n');
}

bool nr_published_add(const char *path, const char *line)
{
    char text[NR_STATEMENT_MAX + 2];
    int fd = open_file(path, O_RDWR | O_APPEND, PUBLISHED);
    if (fd < 0)
        return false;
    int size = snprintf(text, sizeof(text), "%s%s\n", ends_line(fd) ? "" : "\n", line);
    bool added = write(fd, text, (size_t)size) == size && fdatasync(fd) == 0;
    close_keeping_errno(fd);
    return added;
}

nr_trail_status nr_published_read(const char *path, nr_published_each *each,
                                  void *context)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT ? NR_TRAIL_MISSING : NR_TRAIL_IO;
    char line[NR_STATEMENT_MAX + 2];
    bool going = true;
    while (going && fgets(line, sizeof(line), file) != NULL) {
        size_t size = strlen(line);
        bool whole = size > 0 && line[size - 1] == '\n';
        if (!whole && feof(file))
            break;
        line[whole ? size - 1 : size] = 0;
        going = each(context, line);
    }
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    return failed ? NR_TRAIL_IO : NR_TRAIL_OK;
}
