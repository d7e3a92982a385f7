/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared table: what is in force here, for others to decide on in their own
 * process. The image in sealed memory, the status page, and both as files if a
 * folder is configured. Who may have them is decided in attach.c.
 */
#ifndef NR_SHARED_H
#define NR_SHARED_H

#include "server/options.h"
#include "share/folder.h"

#include <nrbac/nrbac.h>

typedef struct nr_shared {
    nr_status_page *page;
    int page_fd;
    int image_fd; /* -1: nothing is published yet */
    nr_status status;
    char digest[2 * NR_SHA256_SIZE + 1]; /* of the image, as text */
    int64_t life_ns;                     /* how long a heartbeat counts; 0: for ever */
    const char *folder_path;             /* NULL: none */
    nr_folder folder;
    bool folder_behind; /* its image is not the one in force */
    bool folder_failed; /* and that has been told */
    bool is_locked;     /* another daemon publishes to the folder */
} nr_shared;

#define NR_SHARED_NONE \
    ((nr_shared){ .page_fd = -1, .image_fd = -1, .folder = NR_FOLDER_NONE })

/* Makes the page and opens the folder; false after saying why not. */
bool nr_shared_open(nr_shared *shared, const nr_options *options);
void nr_shared_close(nr_shared *shared);

/* Publishes what the engine has in force, which is the image in this sealed memory,
 * and takes the descriptor over. `info` is the policy's. Returns the descriptor of what
 * it replaces, for the caller to close, or -1. */
int nr_shared_publish(nr_shared *shared, int image, size_t size,
                      const nrbac_value *info);
/* Promises to live for another `stale_seconds`. */
void nr_shared_beat(nr_shared *shared);
/* How often that must happen, in milliseconds; 0: never. */
uint64_t nr_shared_beat_ms(const nr_shared *shared);

void nr_shared_revoke(nr_shared *shared, const nrbac_revocation *which);
void nr_shared_stop(nr_shared *shared, bool stopped);

#endif
