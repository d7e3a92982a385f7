/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy that might be published: compiled from its folder or read from its
 * file, and looked at, without touching the engine that serves. A reload does this
 * on a thread of its own.
 */
#ifndef NR_CANDIDATE_H
#define NR_CANDIDATE_H

#include "server/options.h"
#include "server/recorder.h"

#include <nrbac/verify.h>

typedef struct nr_candidate {
    nrbac_status status;
    nrbac_error error;  /* when the status is not NRBAC_OK */
    nrbac_build *build; /* of a folder: image and diagnostics */
    void *file;         /* of a compiled file: its bytes */
    const void *image;  /* in the one or the other */
    size_t size;
    char digest[NR_DIGEST_HEX]; /* of the image */
    bool evidence;              /* it is the evidence settings that are wrong */
    nrbac_document *mistakes;   /* a list of maps, the first few; made when prepared */
    const nrbac_value *list;
} nr_candidate;

/* The status says whether the image may be published. If it may, evidence settings
 * that were read again beside it (`verifier`; NULL: there are none) are in force
 * already; if it may not, they are as they were. */
void nr_candidate_prepare(nr_candidate *candidate, const nr_options *options,
                          nrbac_verifier *verifier);
/* Has the trail keep it, before anybody can decide by it; then the status says so. */
void nr_candidate_keep(nr_candidate *candidate, nr_recorder *recorder);
void nr_candidate_finish(nr_candidate *candidate);

/* Frees the image and what it was made from; the outcome stays. */
void nr_candidate_drop(nr_candidate *candidate);

/* Says on stderr what is wrong with it, mistake by mistake. */
void nr_candidate_report(const nr_candidate *candidate, const nrbac_verifier *verifier);

#endif
