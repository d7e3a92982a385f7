/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of check share.
 *
 * Errors are told wherever they stand; lints only in the policy itself, because
 * the author of a policy cannot mend the one that it extends.
 */
#ifndef NR_CHECKS_H
#define NR_CHECKS_H

#include "base/bits.h"
#include "compile/compile.h"

typedef struct nr_checking {
    nr_model *model;
    nr_diags *diags;
    nr_arena *scratch; /* dropped when the check is over */
    /* check_inclusion.c: what each activity passes on, itself included; an
     * obsolete one passes on nothing. Rows of `words` words. */
    uint32_t words;
    uint64_t *closures;
    uint64_t *national_closures; /* with what extended policies declare alone */
    bool cyclic;                 /* then the closures are not complete */
} nr_checking;

nrbac_status nr_check_inclusion(nr_checking *checking);
/* Needs closures: redundant-grant, exclusive-baseline, national-uplift. */
nrbac_status nr_check_baseline(nr_checking *checking);
nrbac_status nr_check_requirements(nr_checking *checking);
/* check_apis.c: rbac-none-requires, local-codes-suffice. */
void nr_check_apis(nr_checking *checking);
/* check_callers.c: lints of APIs and applications. After everything else, and only where there is no
 * mistake: one that could not be read would look like one that is not there. */
nrbac_status nr_check_callers(nr_checking *checking);
/* legacy-used, obsolete-used, obsolete-baseline, unused-obligation. */
nrbac_status nr_check_mentions(nr_checking *checking);

/* Whether the place is in the policy itself, not in one that it extends. */
bool nr_check_is_own(nr_span at);

#endif
