/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a request while its session is open: enough to stand again under
 * the next policy, in one block of a few hundred bytes at most for an ordinary user.
 *
 * Of several profiles the one in force alone: which one that is depends on the request
 * and on no policy. Texts stand one after the other; where they are is known by
 * counting, so that a user costs no pointers.
 */
#ifndef NR_KEPT_H
#define NR_KEPT_H

#include "api/engine.h"

typedef struct nr_kept nr_kept;

/* A request recalled. Refers to itself, so it stays where it is. */
typedef struct nr_recalled {
    nrbac_request request;
    nrbac_profile profile;
    nrbac_findings findings; /* without texts */
} nr_recalled;

/* What a kept request comes to under one policy. `holding` refers to `facts`, and both
 * to the kept request's texts. */
typedef struct nr_held {
    nrbac_reason reason; /* OPENED, or why nothing is permitted; then no holding */
    nr_facts facts; /* without its lists, except for what the holding took of them */
    nr_holding holding;
} nr_held;

/* Keeps a request whose standing is OPENED. A request may state its time; from there
 * the session's time goes on with the clock, so that its evidence still ends, `behind`
 * seconds after it. The caller frees what is kept; NULL: out of memory. */
nr_kept *nr_kept_make(const nrbac_request *request, const nr_standing *standing,
                      int64_t behind);

/* What a revocation may call it; NULL: not stated. */
nrbac_revocation nr_kept_names(const nr_kept *kept);
size_t nr_kept_workgroups(const nr_kept *kept);

/* When its evidence ends, by its own time and by the clock; 0: never. */
int64_t nr_kept_valid_until(const nr_kept *kept);
int64_t nr_kept_expiry(const nr_kept *kept);

/* The session's time at `clock`. */
int64_t nr_kept_time(const nr_kept *kept, int64_t clock);
/* The number that a recorder gave its circumstances; 0: none yet. */
uint64_t nr_kept_circumstances(const nr_kept *kept);
void nr_kept_name_circumstances(nr_kept *kept, uint64_t number);
/* Whose record the request named; NULL: nobody's. */
const char *nr_kept_nhs_number(const nr_kept *kept);

/* The request as it was, as far as a standing looks at it: without an action, since a
 * session is asked many names, of no API. Texts are borrowed from what is kept. */
nrbac_status nr_kept_recall(const nr_kept *kept, nr_arena *arena,
                            nr_recalled *recalled);

/* Stands under the policy at `clock` (Unix seconds), with the holding in `arena` and
 * whatever is needed on the way in `scratch`, which may be the same. */
nrbac_status nr_held_make(nr_arena *arena, nr_arena *scratch, const nr_policy *policy,
                          const nr_kept *kept, int64_t clock, nr_held *held);

/* For whoever takes a session over. Dissolving closes it, except for what it keeps,
 * which is then the caller's; *going: it had not ended. The engine is locked. */
nrbac_engine *nr_session_engine(const nrbac_session *session);
nr_kept *nr_session_kept(const nrbac_session *session);
nr_kept *nr_session_dissolve(nrbac_session *session, bool *going);

#endif
