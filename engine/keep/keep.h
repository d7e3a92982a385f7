/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the library, which tells what it decided (<nrbac/recorder.h>), and the trail,
 * which keeps it (audit/record.h): here alone stands what becomes of each member, both
 * ways. What is kept and recalled is decided again the same; schema/audit.md says how it
 * is written.
 *
 * A patient's number is in nothing that is kept unless it was configured. What a
 * decision rests on is whether the record asked for is the patient's own, so this is
 * kept in its place.
 */
#ifndef NR_KEEP_H
#define NR_KEEP_H

#include "audit/key.h"
#include "base/arena.h"

#include <nrbac/recorder.h>

typedef enum nr_patients {
    NR_PATIENTS_NONE = 0, /* "=": the subject's own record; "#": another's */
    NR_PATIENTS_NAMED,    /* what stands for the number by the trail's key */
    NR_PATIENTS_PLAIN,    /* the number */
} nr_patients;

/* How a trail is kept; borrowed. */
typedef struct nr_keeping {
    const nr_key *key; /* for NR_PATIENTS_NAMED */
    nr_patients patients;
} nr_keeping;

/* The circumstances of what is told, which has a `request` or a `fault`; sealed, with
 * texts in the arena. The document is reset and worked in. False: out of memory. */
bool nr_keep_circumstances(const nr_keeping *keeping, const nrbac_record *told,
                           const nr_peer *peer, nrbac_document *document,
                           nr_arena *arena, nr_circumstances *out);

/* All else, under these circumstances; texts in the arena. `subject_number`: the
 * patient's own, in a session whose request is not told; NULL: not a patient. False:
 * out of memory. */
bool nr_keep_record(const nr_keeping *keeping, const nrbac_record *told,
                    const nr_circumstances *circumstances, const char *subject_number,
                    nr_arena *arena, nr_record *out);

/* What was told of an entry that is a decision, for nrbac_decide_again(): its request is
 * written to *request. Texts belong to entry and document, which is not reset. False: it
 * is not what nr_keep_* writes, *error (may be NULL) says why. */
bool nr_recall(const nr_entry *entry, nrbac_document *document, nrbac_request *request,
               nrbac_record *told, nrbac_error *error);

#endif
