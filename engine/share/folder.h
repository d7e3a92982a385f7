/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared table as two files of a folder, for those who share a folder and no
 * socket: `image` and `status`, the same bytes as in memory. Each is written aside
 * and put in its place by a rename, so that a reader finds a whole old one or a
 * whole new one; and it copies what it finds, so that nobody can take it away.
 *
 * The image is put there before the status that speaks of it. A reader that finds
 * an image of another digest than its status says has come between the two, and
 * looks again.
 *
 * `before` is the last status of the daemon before this one, which its successor puts
 * there before its own: memory outlives its daemon for whoever has mapped it, but a
 * file is gone once it is replaced, with revocations that somebody may not have read.
 */
#ifndef NR_FOLDER_H
#define NR_FOLDER_H

#include "share/status.h"

#include <sys/types.h>

/* ---- Publishing ------------------------------------------------------------------ */

typedef struct nr_folder {
    int fd;   /* -1: none */
    int lock; /* held as long as we publish there: two daemons would take turns */
} nr_folder;

#define NR_FOLDER_NONE ((nr_folder){ .fd = -1, .lock = -1 })

/* False with errno; EWOULDBLOCK: another daemon publishes there. The folder is made
 * if it is missing, and the status that is there becomes `before`. */
bool nr_folder_open(nr_folder *folder, const char *path);
bool nr_folder_put_image(nr_folder *folder, const void *bytes, size_t size);
bool nr_folder_put_status(nr_folder *folder, const nr_status_page *page);
/* Those who have read it keep to it, until its deadline or the next one. */
void nr_folder_remove_status(nr_folder *folder);
void nr_folder_close(nr_folder *folder);

/* ---- Reading --------------------------------------------------------------------- */

/* Which file it was: another one has another of these. */
typedef struct nr_file_mark {
    dev_t device;
    ino_t inode;
    int64_t changed_ns;
    off_t size;
} nr_file_mark;

/* Reads `status` of the folder, if it is another than `mark` says, and moves the
 * mark. NRBAC_E_TIMEOUT: it is the same one. NRBAC_E_IO, NRBAC_E_IMAGE: *error (may
 * be NULL) says what is wrong, and *page is of no use. */
NRBAC_MUST_USE nrbac_status nr_folder_read_status(const char *path, nr_file_mark *mark,
                                                  nr_status_page *page,
                                                  nrbac_error *error);
/* Reads `before`; false: there is none, or none that this release reads. */
bool nr_folder_read_before(const char *path, nr_status_page *page);
/* A private copy of `image`, let go with munmap. */
NRBAC_MUST_USE nrbac_status nr_folder_read_image(const char *path, void **image,
                                                 size_t *size, nrbac_error *error);

#endif
