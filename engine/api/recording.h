/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between those who decide and the recorder: <nrbac/recorder.h> is what it sees.
 */
#ifndef NR_RECORDING_H
#define NR_RECORDING_H

#include "api/question.h"

typedef struct nr_moment {
    int64_t clock; /* µs */
    int64_t time;  /* that counts, Unix seconds */
} nr_moment;

/* session.c, asking.c: the same as the public ones, unrecorded. They return the policy that
 * answered with a reference that the caller releases; NULL: none did. *at is when the
 * session begins. The name's text is filled in. */
nrbac_decision nr_session_open(nrbac_engine *engine, const nrbac_request *request,
                               nr_policy **by, nr_moment *at, nrbac_session **out);
nr_policy *nr_session_decide(nrbac_session *session, const void *held,
                             nrbac_called *name, nrbac_decision *decision);

/* recording.c: decides, and has it recorded; without a recorder there is no permit. */
void nr_recording_decide(nrbac_session *session, const void *held, nrbac_called name,
                         nrbac_decision *decision);

/* Has the decided question recorded, with its answer. False: that could not be done,
 * and the question's verdict is not-recorded now. True without a recorder. */
bool nr_recording_question(const nrbac_engine *engine, nr_question *question,
                           const nrbac_value *answer);

#endif
