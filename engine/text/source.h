/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an author wrote, and places in it.
 */
#ifndef NR_SOURCE_H
#define NR_SOURCE_H

#include "base/arena.h"

/* A file's text. `origin` is its path from the policy's folder ("baseline.yaml",
 * "../national/baseline.yaml"): the same on every machine, so it is what goes
 * into the image. `path` is how it is reached from here: diagnostics show it. */
typedef struct nr_source {
    const char *origin;
    const char *path;
    const char *text;
    size_t size;
    uint32_t index; /* in the order of loading: the order in which mistakes are told */
} nr_source;

/* A piece of a source, as byte offsets; source NULL: nowhere in particular. */
typedef struct nr_span {
    const nr_source *source;
    uint32_t start;
    uint32_t end;
} nr_span;

/* Lines and columns for people: from 1, columns in characters. */
typedef struct nr_place {
    uint32_t line;
    uint32_t column;
    uint32_t width;
    const char *line_text; /* in the source, not NUL-terminated */
    size_t line_size;
} nr_place;

nr_place nr_place_of(nr_span span);

#endif
