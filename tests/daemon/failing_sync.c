/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that writes and does not sync, for one program alone (LD_PRELOAD), while the file
 * that FAILING_SYNC names is there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int sync_by(long call, int fd)
{
    const char *path = getenv("FAILING_SYNC");
    if (path == NULL || access(path, F_OK) != 0)
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
