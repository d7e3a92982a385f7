/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that writes and does not sync, for one program alone (LD_PRELOAD), while the file
 * that FAILING_SYNC names is there: it fails, or, if the file is not empty, hangs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int sync_by(long call, int fd)
{
    const char *path = getenv("FAILING_SYNC");
    struct stat about;
    bool failing = path != NULL && stat(path, &about) == 0;
    while (failing && about.st_size != 0) {
        (void)usleep(10000);
        failing = stat(path, &about) == 0;
    }
    if (!failing)
        return (int)syscall(call, fd);
    errno = EIO;
    return -1;
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    return sync_by(SYS_fsync, fd);
}

__attribute__((visibility("default"))) int fdatasync(int fildes)
{
    return sync_by(SYS_fdatasync, fildes);
}
