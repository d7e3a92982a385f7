/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an author wrote, and places in it.
 */
#ifndef NR_SOURCE_H
#define NR_SOURCE_H

#include "base/arena.h"

/* The largest file that is read as text, and the longest line: places stay cheap. */
enum {
    NR_SOURCE_SIZE_MAX = 8 << 20,
    NR_SOURCE_LINE_MAX = 128 << 10,
};

/* A file's text. `origin` is its path from the policy's folder ("baseline.yaml",
 * "../national/baseline.yaml"): the same on every machine, so it is what goes
 * into the image. `path` is how it is reached from here: diagnostics show it. A
 * source without text stands for a folder, or for a file that was not read. */
typedef struct nr_source {
    const char *origin;
    const char *path;
    const char *text;
    size_t size;
    uint32_t index; /* in the order of loading: the order in which mistakes are told */
    const uint32_t *lines; /* where each line starts; NULL until they are counted */
    uint32_t line_count;
} nr_source;

/* A piece of a source, as byte offsets; source NULL: nowhere in particular. */
typedef struct nr_span {
    const nr_source *source;
    uint32_t start;
    uint32_t end;
} nr_span;

/* Reads a regular file; the path is copied and is the origin too. NULL if that
 * cannot be, and *why says so in a few words. */
typedef enum nr_read_flags {
    NR_READ_FOLLOW = 1 << 0, /* a symbolic link is fine (but a policy's is not) */
} nr_read_flags;
nr_source *nr_source_read(nr_arena *arena, const char *path, unsigned flags,
                          const char **why);
/* Counts the lines, so that places are found by halving. False: out of memory. */
bool nr_source_count_lines(nr_arena *arena, nr_source *source);

/* Lines and columns for people: from 1, columns in characters. Line 0: the whole
 * file or folder. */
typedef struct nr_place {
    uint32_t line;
    uint32_t column;
    uint32_t width;
    const char *line_text; /* in the source, not NUL-terminated */
    size_t line_size;
} nr_place;

nr_place nr_place_of(nr_span span);
/* The line alone, which costs less. */
uint32_t nr_line_of(nr_span span);

#endif
