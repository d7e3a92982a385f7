/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that one process fills and others map, and what the kernel promises about
 * it: its seals. An image has all of them, so that nobody, its maker included, can
 * change a byte of it or take a page away. A status page can be written through the
 * mapping that was there before it was sealed, and through no other. A ring can be
 * written by everybody who has it, and is never taken away.
 */
#ifndef NR_MEMORY_H
#define NR_MEMORY_H

#include "share/ring.h"
#include "share/status.h"

/* ---- Making; -1 or NULL with errno ---------------------------------------------- */

/* A descriptor of sealed memory that holds these bytes. */
int nr_memory_seal(const void *bytes, size_t size);

/* A page with its descriptor. This process is its publisher until it ends: it holds
 * a lock on the page that the kernel takes away then, and must never close another
 * descriptor of it. */
nr_status_page *nr_memory_make_page(int *fd);
void nr_memory_drop_page(nr_status_page *page, int fd);

/* A ring with its descriptor. */
nr_ring *nr_memory_make_ring(int *fd);

/* ---- Using ---------------------------------------------------------------------- */

/* Map what was received. Refused with NRBAC_E_IMAGE: what is no memory, lacks a
 * seal, or has a size that it cannot have. The descriptor stays the caller's. */
NRBAC_MUST_USE nrbac_status nr_memory_map_image(int fd, void **image, size_t *size,
                                                nrbac_error *error);
NRBAC_MUST_USE nrbac_status nr_memory_map_page(int fd, const nr_status_page **page,
                                               nrbac_error *error);
void nr_memory_unmap_page(const nr_status_page *page);
NRBAC_MUST_USE nrbac_status nr_memory_map_ring(int fd, nr_ring **ring,
                                               nrbac_error *error);
/* Moves a mapping to where another one is, which goes: for all threads at once. False:
 * the kernel did not, and both are as they were. */
bool nr_memory_move_ring(nr_ring *ring, nr_ring *to);
void nr_memory_unmap_ring(nr_ring *ring); /* NULL is fine */

/* Whether the page's publisher still lives. Not to be asked by itself. */
bool nr_memory_has_publisher(int fd);

/* A private, write-protected copy of a whole regular file: somebody who truncates
 * the file must not be able to take memory from under a decision. It is let go with
 * munmap. */
NRBAC_MUST_USE nrbac_status nr_memory_copy(int file, void **image, size_t *size);

#endif
