/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes in a policy: collected while work goes on, rendered at the end.
 */
#ifndef NR_DIAG_H
#define NR_DIAG_H

#include "text/source.h"

#include <nrbac/policy.h>

/* NR_DIAG_UNKNOWN_CODE and so on, from schema/nrbac/diagnostic.def. */
typedef enum nr_diag_code {
#define NRBAC_DIAGNOSTIC(code, NAME, slug, severity, summary, page) NR_DIAG_##NAME,
#include <nrbac/diagnostic.def>
#undef NRBAC_DIAGNOSTIC
    NR_DIAG_COUNT,
} nr_diag_code;

typedef struct nr_diag {
    nr_diag_code code;
    nr_span at;
    const char *message;
    const char *help; /* NULL: none */
    nr_span related;  /* source NULL: none */
    const char *related_message;
} nr_diag;

typedef struct nr_diags {
    nr_arena *arena;
    nr_diag *items;
    size_t count, room;
    size_t error_count; /* what severity says without --strict */
    size_t left_out;    /* beyond NR_DIAG_MAX: counted, not kept */
    bool failed;        /* one could not be kept: out of memory */
    nr_diag spare;      /* what nr_diag_add returns where it keeps nothing */
} nr_diags;

/* The most diagnostics kept; beyond it they are only counted. */
enum { NR_DIAG_MAX = 1000 };

/* Appends; the result (never NULL: a spare one when memory is out) may be given
 * help and a related place. */
nr_diag *nr_diag_add(nr_diags *diags, nr_diag_code code, nr_span at, const char *format,
                     ...) NR_PRINTF(4, 5);
void nr_diag_help(nr_diags *diags, nr_diag *diag, const char *format, ...)
    NR_PRINTF(3, 4);
void nr_diag_related(nr_diag *diag, nr_span at, const char *message);

/* What schema/nrbac/diagnostic.def says of a code. */
const nrbac_diagnostic_help *nr_diag_help_of(nr_diag_code code);

/* The diagnostic as the public header words it; texts that the list does not
 * have yet go to the arena. False: out of memory. */
bool nr_diag_tell(nr_arena *arena, const nr_diag *diag, nrbac_diagnostic *out);

/* In the order of files (as they were loaded) and places, equal ones once. */
void nr_diags_sort(nr_diags *diags);

/* The nearest of the candidates, if it is near enough to be what was meant
 * (few letters wrong, missing, added or swapped); else NULL. */
const char *nr_nearest_name(const char *name, const char *const *candidates,
                            size_t count);

#endif
