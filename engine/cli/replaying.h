/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deciding the records of a trail again, one after the other.
 */
#ifndef NR_REPLAYING_H
#define NR_REPLAYING_H

#include "cli/audit.h"

typedef struct nr_replay nr_replay; /* opaque */

/* What became of a record. */
typedef enum nr_replayed {
    NR_REPLAYED_SAME = 0,
    NR_REPLAYED_CHANGED,
    NR_REPLAYED_OF_MOMENT,  /* its reason is no matter of a policy: not decided again */
    NR_REPLAYED_NONE,       /* it is no decision */
    NR_REPLAYED_UNREADABLE, /* this release cannot read what it was decided on */
    NR_REPLAYED_NO_POLICY,  /* its own policy is not kept, or of another release */
} nr_replayed;

/* `engine`: the policy to decide under, borrowed; NULL: each record under its own, of
 * which `policies`, a reader of its own, gets the image; borrowed too. NULL: out of
 * memory. */
nr_replay *nr_replay_create(nrbac_engine *engine, nr_reader *policies);
void nr_replay_destroy(nr_replay *replay); /* NULL is fine */

/* Decides one again; *decision is set if it was. OK, or why a policy could not be had;
 * MEMORY. */
nr_trail_status nr_replay_entry(nr_replay *replay, const nr_entry *entry,
                                nrbac_decision *decision, nr_replayed *what);

#endif
