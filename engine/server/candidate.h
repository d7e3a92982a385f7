/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy that might be published: compiled from its folder or read from its
 * file, and looked at, without touching the engine that serves. This is the part
 * of a reload that takes long, and runs on a thread of its own.
 */
#ifndef NR_CANDIDATE_H
#define NR_CANDIDATE_H

#include "server/options.h"

#include <nrbac/policy.h>

typedef struct nr_candidate {
    nrbac_status status;
    nrbac_error error;  /* when the status is not NRBAC_OK */
    nrbac_build *build; /* of a folder: image and diagnostics */
    void *file;         /* of a compiled file: its bytes */
    const void *image;  /* in the one or the other */
    size_t size;
} nr_candidate;

/* The status says whether the image may be published. */
void nr_candidate_prepare(nr_candidate *candidate, const nr_options *options);
void nr_candidate_finish(nr_candidate *candidate);

/* Says on stderr what is wrong with it, mistake by mistake. */
void nr_candidate_report(const nr_candidate *candidate);

/* The mistakes as a list of maps, the first few of them. */
nrbac_value *nr_candidate_mistakes(const nr_candidate *candidate,
                                   nrbac_document *document);

#endif
