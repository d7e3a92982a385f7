/* SPDX-License-Identifier: Apache-2.0 */
/* Needs more than C11: memfd_create, seals, MAP_ANONYMOUS. */
#define _GNU_SOURCE
#include "share/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3; glibc does not know it yet */
#endif

enum {
    IMAGE_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
    PAGE_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE,
    RING_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW,
};

/* ---- Making ------------------------------------------------------------------------ */

static int make_memory(const char *name)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
    return fd < 0 && errno == EINVAL ? memfd_create(name, flags) : fd;
}

static int close_keeping_errno(int fd)
{
    int number = errno;
    (void)close(fd);
    errno = number;
    return -1;
}

int nr_memory_seal(const void *bytes, size_t size)
{
    int fd = make_memory("nrbac-image");
    if (fd < 0)
        return -1;
    for (size_t done = 0; done < size;) {
        ssize_t put = write(fd, (const char *)bytes + done, size - done);
        if (put < 0 && errno != EINTR)
            return close_keeping_errno(fd);
        done += put < 0 ? 0 : (size_t)put;
    }
    if (fcntl(fd, F_ADD_SEALS, IMAGE_SEALS) != 0)
        return close_keeping_errno(fd);
    return fd;
}

/* A lock of the process, not of the descriptor: those who are handed the descriptor
 * do not get it, and it ends with the process. */
static struct flock publisher_lock(void)
{
    return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
}

static nr_status_page *fill_page(int fd)
{
    if (ftruncate(fd, sizeof(nr_status_page)) != 0)
        return NULL;
    nr_status_page *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED,
                                fd, 0);
    if (page == MAP_FAILED)
        return NULL;
    struct flock lock = publisher_lock();
    if (nr_status_begin(page) && fcntl(fd, F_ADD_SEALS, PAGE_SEALS) == 0 &&
        fcntl(fd, F_SETLK, &lock) == 0)
        return page;
    (void)munmap(page, sizeof(*page));
    return NULL;
}

nr_status_page *nr_memory_make_page(int *fd)
{
    *fd = make_memory("nrbac-status");
    if (*fd < 0)
        return NULL;
    nr_status_page *page = fill_page(*fd);
    if (page == NULL)
        *fd = close_keeping_errno(*fd);
    return page;
}

void nr_memory_drop_page(nr_status_page *page, int fd)
{
    if (page != NULL)
        (void)munmap(page, sizeof(*page));
    if (fd >= 0)
        (void)close(fd);
}

static nr_ring *fill_ring(int fd)
{
    if (ftruncate(fd, sizeof(nr_ring)) != 0)
        return NULL;
    nr_ring *ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                         0);
    if (ring == MAP_FAILED)
        return NULL;
    nr_ring_make(ring);
    if (fcntl(fd, F_ADD_SEALS, RING_SEALS) == 0)
        return ring;
    (void)munmap(ring, sizeof(*ring));
    return NULL;
}

nr_ring *nr_memory_make_ring(int *fd)
{
    *fd = make_memory("nrbac-ring");
    if (*fd < 0)
        return NULL;
    nr_ring *ring = fill_ring(*fd);
    if (ring == NULL)
        *fd = close_keeping_errno(*fd);
    return ring;
}

/* ---- Using --------------------------------------------------------------------------- */

static nrbac_status refuse(nrbac_error *error, const char *what, const char *why)
{
    if (error != NULL)
        (void)snprintf(error->text, sizeof(error->text), "%s %s", what, why);
    return NRBAC_E_IMAGE;
}

/* What is mapped, and how. An image privately, since older kernels take a shared
 * mapping for one that might be made writable; pages that nobody writes stay shared
 * all the same. */
typedef struct kind {
    const char *name;
    int seals;
    int access;
    int flags;
} kind;

static const kind image_kind = { "the shared image", IMAGE_SEALS, PROT_READ,
                                 MAP_PRIVATE };
static const kind page_kind = { "the status page", PAGE_SEALS, PROT_READ, MAP_SHARED };
static const kind ring_kind = { "the audit ring", RING_SEALS, PROT_READ | PROT_WRITE,
                                MAP_SHARED };

static nrbac_status map_sealed(int fd, const kind *as, void **bytes, size_t *size,
                               nrbac_error *error)
{
    struct stat about;
    int there = fcntl(fd, F_GET_SEALS);
    if (there < 0)
        return refuse(error, as->name, "is no memory that can be sealed");
    if ((there & as->seals) != as->seals)
        return refuse(error, as->name, "is not sealed");
    /* Looked at after the seals: from there on it cannot change. */
    if (fstat(fd, &about) != 0 || about.st_size <= 0)
        return refuse(error, as->name, "is empty");
    *size = (size_t)about.st_size;
    *bytes = mmap(NULL, *size, as->access, as->flags, fd, 0);
    if (*bytes != MAP_FAILED)
        return NRBAC_OK;
    *bytes = NULL;
    (void)refuse(error, as->name, "cannot be mapped");
    return NRBAC_E_MEMORY;
}

nrbac_status nr_memory_map_image(int fd, void **image, size_t *size, nrbac_error *error)
{
    return map_sealed(fd, &image_kind, image, size, error);
}

nrbac_status nr_memory_map_page(int fd, const nr_status_page **page, nrbac_error *error)
{
    void *bytes = NULL;
    size_t size = 0;
    *page = NULL;
    NR_TRY(map_sealed(fd, &page_kind, &bytes, &size, error));
    if (nr_status_is_page(bytes, size)) {
        *page = bytes;
        return NRBAC_OK;
    }
    (void)munmap(bytes, size);
    return refuse(error, page_kind.name, "is not one that this release reads");
}

/* It is const for whoever reads it; munmap does not write either. */
void nr_memory_unmap_page(const nr_status_page *page)
{
    void *bytes;
    memcpy(&bytes, &page, sizeof(bytes));
    if (page != NULL)
        (void)munmap(bytes, sizeof(*page));
}

nrbac_status nr_memory_map_ring(int fd, nr_ring **ring, nrbac_error *error)
{
    void *bytes = NULL;
    size_t size = 0;
    *ring = NULL;
    NR_TRY(map_sealed(fd, &ring_kind, &bytes, &size, error));
    if (!nr_ring_is_ring(bytes, size)) {
        (void)munmap(bytes, size);
        return refuse(error, ring_kind.name, "is not one that this release knows");
    }
    *ring = bytes;
    return NRBAC_OK;
}

bool nr_memory_move_ring(nr_ring *ring, nr_ring *to)
{
    return mremap(ring, sizeof(*ring), sizeof(*ring), MREMAP_MAYMOVE | MREMAP_FIXED,
                  to) != MAP_FAILED;
}

void nr_memory_unmap_ring(nr_ring *ring)
{
    if (ring != NULL)
        (void)munmap(ring, sizeof(*ring));
}

bool nr_memory_has_publisher(int fd)
{
    struct flock lock = publisher_lock();
    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* Memory for so many bytes; NULL: there is none. Where large pages can be had it begins
 * with one, since making small ones would be most of the time that loading takes. */
static void *make_room(size_t size)
{
    enum { LARGE = 2 << 20 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (size + page - 1) / page * page;
    size_t spare = size < LARGE ? 0 : LARGE - page;
    char *room = mmap(NULL, pages + spare, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return NULL;
    size_t before = spare == 0 ? 0 : -(uintptr_t)room & (LARGE - 1);
    if (before != 0)
        (void)munmap(room, before);
    if (before != spare)
        (void)munmap(room + before + pages, spare - before);
    (void)madvise(room + before, pages, MADV_HUGEPAGE);
    return room + before;
}

nrbac_status nr_memory_copy(int file, void **image, size_t *size)
{
    struct stat about;
    *image = NULL;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size <= 0)
        return NRBAC_E_IMAGE;
    size_t whole = (size_t)about.st_size;
    void *copy = make_room(whole);
    if (copy == NULL)
        return NRBAC_E_MEMORY;
    for (size_t done = 0; done < whole;) {
        ssize_t got = read(file, (char *)copy + done, whole - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            (void)munmap(copy, whole);
            return NRBAC_E_IO;
        }
        done += (size_t)got;
    }
    (void)mprotect(copy, whole, PROT_READ);
    *image = copy;
    *size = whole;
    return NRBAC_OK;
}
