/* SPDX-License-Identifier: Apache-2.0 */
/* Needs more than C11: flock, O_PATH's relatives, st_ctim. */
#define _GNU_SOURCE
#include "share/folder.h"

#include "share/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char image_name[] = "image";
static const char status_name[] = "status";
static const char before_name[] = "before";
static const char aside_name[] = ".aside";
static const char lock_name[] = ".lock";

enum { FOLDER_MODE = 0755, FILE_MODE = 0644, LOCK_MODE = 0600 };

/* ---- Publishing ---------------------------------------------------------------------- */

/* Modes are those above, whatever the umask. */
static bool make_folder(const char *path)
{
    if (mkdir(path, FOLDER_MODE) == 0)
        return chmod(path, FOLDER_MODE) == 0;
    return errno == EEXIST;
}

void nr_folder_close(nr_folder *folder)
{
    if (folder->lock >= 0)
        (void)close(folder->lock);
    if (folder->fd >= 0)
        (void)close(folder->fd);
    *folder = NR_FOLDER_NONE;
}

static bool write_all(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t put = write(fd, (const char *)bytes + done, size - done);
        if (put < 0 && errno != EINTR)
            return false;
        done += put < 0 ? 0 : (size_t)put;
    }
    return true;
}

/* What a daemon left that died while it wrote is in the way, and is removed. */
static bool put(nr_folder *folder, const char *name, const void *bytes, size_t size)
{
    (void)unlinkat(folder->fd, aside_name, 0);
    int fd = openat(folder->fd, aside_name,
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    if (fd < 0)
        return false;
    bool written = write_all(fd, bytes, size) && fchmod(fd, FILE_MODE) == 0;
    int number = errno;
    if (close(fd) == 0 && written)
        return renameat(folder->fd, aside_name, folder->fd, name) == 0;
    errno = number;
    return false;
}

static bool read_all(int fd, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(fd, (char *)bytes + done, size - done);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        done += got < 0 ? 0 : (size_t)got;
    }
    return true;
}

/* *about is of the file that is read, which may be a newer one than was looked at. */
static bool read_page(int fd, nr_status_page *page, struct stat *about)
{
    return fstat(fd, about) == 0 && about->st_size == sizeof(*page) &&
           read_all(fd, page, sizeof(*page)) && nr_status_is_page(page, sizeof(*page));
}

static bool read_page_at(int folder, const char *name, nr_status_page *page)
{
    struct stat about;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool read = fd >= 0 && read_page(fd, page, &about);
    if (fd >= 0)
        (void)close(fd);
    return read;
}

/* Whoever had the lock writes nothing any more. If what it left cannot be kept there is
 * none: an older one would say too little, while without any all sessions end. */
static void keep_before(nr_folder *folder)
{
    nr_status_page *last = malloc(sizeof(*last));
    if (last == NULL || !read_page_at(folder->fd, status_name, last) ||
        !put(folder, before_name, last, sizeof(*last)))
        (void)unlinkat(folder->fd, before_name, 0);
    free(last);
}

bool nr_folder_open(nr_folder *folder, const char *path)
{
    *folder = NR_FOLDER_NONE;
    if (!make_folder(path))
        return false;
    folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0)
        return false;
    folder->lock = openat(folder->fd, lock_name,
                          O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    if (folder->lock >= 0 && flock(folder->lock, LOCK_EX | LOCK_NB) == 0) {
        keep_before(folder);
        return true;
    }
    int number = errno;
    nr_folder_close(folder);
    errno = number;
    return false;
}

bool nr_folder_put_image(nr_folder *folder, const void *bytes, size_t size)
{
    return put(folder, image_name, bytes, size);
}

bool nr_folder_put_status(nr_folder *folder, const nr_status_page *page)
{
    return put(folder, status_name, page, sizeof(*page));
}

void nr_folder_remove_status(nr_folder *folder)
{
    (void)unlinkat(folder->fd, status_name, 0);
}

/* ---- Reading -------------------------------------------------------------------------- */

static nrbac_status fail(nrbac_error *error, nrbac_status status, const char *folder,
                         const char *name, const char *why)
{
    if (error != NULL)
        (void)snprintf(error->text, sizeof(error->text), "%.150s/%s: %s", folder, name,
                       why);
    return status;
}

static nrbac_status fail_errno(nrbac_error *error, const char *folder, const char *name)
{
    char room[64];
    return fail(error, NRBAC_E_IO, folder, name, strerror_r(errno, room, sizeof(room)));
}

static bool join(char path[PATH_MAX], const char *folder, const char *name)
{
    int size = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return size > 0 && size < PATH_MAX;
}

static nr_file_mark mark_of(const struct stat *about)
{
    return (nr_file_mark){ .device = about->st_dev,
                           .inode = about->st_ino,
                           .changed_ns = (int64_t)about->st_ctim.tv_sec * 1000000000 +
                                         about->st_ctim.tv_nsec,
                           .size = about->st_size };
}

static bool same_file(const nr_file_mark *a, const nr_file_mark *b)
{
    return a->device == b->device && a->inode == b->inode &&
           a->changed_ns == b->changed_ns && a->size == b->size;
}

nrbac_status nr_folder_read_status(const char *path, nr_file_mark *mark,
                                   nr_status_page *page, nrbac_error *error)
{
    char name[PATH_MAX];
    struct stat about;
    if (!join(name, path, status_name))
        return fail(error, NRBAC_E_ARGUMENT, path, status_name, "too long");
    if (stat(name, &about) != 0)
        return fail_errno(error, path, status_name);
    nr_file_mark found = mark_of(&about);
    if (same_file(&found, mark))
        return NRBAC_E_TIMEOUT;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(error, path, status_name);
    bool read = read_page(fd, page, &about);
    (void)close(fd);
    if (!read)
        return fail(error, NRBAC_E_IMAGE, path, status_name,
                    "not a status page that this release reads");
    *mark = mark_of(&about);
    return NRBAC_OK;
}

bool nr_folder_read_before(const char *path, nr_status_page *page)
{
    char name[PATH_MAX];
    return join(name, path, before_name) && read_page_at(AT_FDCWD, name, page);
}

nrbac_status nr_folder_read_image(const char *path, void **image, size_t *size,
                                  nrbac_error *error)
{
    char name[PATH_MAX];
    *image = NULL;
    if (!join(name, path, image_name))
        return fail(error, NRBAC_E_ARGUMENT, path, image_name, "too long");
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(error, path, image_name);
    nrbac_status status = nr_memory_copy(fd, image, size);
    (void)close(fd);
    return status == NRBAC_OK
               ? status
               : fail(error, status, path, image_name, nrbac_status_text(status));
}
