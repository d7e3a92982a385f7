/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the library, which tells what it decided (<nrbac/recorder.h>), and the trail,
 * which keeps it (audit/record.h): here alone stands what becomes of each member, both
 * ways. What is kept and recalled is decided again the same; schema/audit-request.md
 * says how it is written.
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
    NR_PATIENTS_NONE = 0, /* "=": the subject's own record; "#": another's; "-": a
                           * number that was named and is empty */
    NR_PATIENTS_NAMED,    /* what stands for the number by the trail's key */
    NR_PATIENTS_PLAIN,    /* the number */
} nr_patients;

/* How a trail is kept; borrowed. */
typedef struct nr_keeping {
    const nr_key *key; /* for NR_PATIENTS_NAMED */
    nr_patients patients;
    bool asserted;              /* the one who tells it decided, and not this daemon */
    char digest[NR_DIGEST_HEX]; /* of the policy of the last record, */
    uint8_t policy[NR_DIGEST_SIZE]; /* and as bytes */
} nr_keeping;

/* The circumstances of what is told, which has a `request` or a `fault`; sealed, with
 * texts in the arena. The document is reset and worked in. False: out of memory. */
bool nr_keep_circumstances(const nr_keeping *keeping, const nrbac_record *told,
                           const nr_peer *peer, nrbac_document *document,
                           nr_arena *arena, nr_circumstances *out);

/* All else, under these circumstances; texts in the arena. `subject_number`: the
 * patient's own, in a session whose request is not told; NULL: not a patient. False:
 * out of memory. */
bool nr_keep_record(nr_keeping *keeping, const nrbac_record *told,
                    const nr_circumstances *circumstances, const char *subject_number,
                    nr_arena *arena, nr_record *out);

/* What is kept of the name of a person, who may be a patient known by the number alone:
 * in the arena. NULL: out of memory. */
const char *nr_keep_person(const nr_keeping *keeping, const char *name,
                           nr_arena *arena);

/* The detail of a record whose policy, with this digest in hex, the trail does not have;
 * NULL: out of memory. */
const char *nr_keep_policy_detail(const nr_record *record, const char *digest,
                                  nr_arena *arena);

/* ---- Back --------------------------------------------------------------------------- */

/* What circumstances tell; equal ones, by their digest, tell the same. */
typedef struct nr_recalled_inputs {
    nrbac_request request; /* without what each record tells itself */
    const char *fault;     /* of a malformed request, which is not there; or NULL */
    unsigned flags;        /* nrbac_ask_flags */
} nr_recalled_inputs;

/* Reads them; texts belong to the document, which is not reset. False: they are not what
 * nr_keep_circumstances() writes, or memory ran out, as the document's status says. */
bool nr_recall_inputs(const nr_circumstances *circumstances, nrbac_document *document,
                      nr_recalled_inputs *out);

/* A decision to be made again. It refers to itself, so it stays where it is, and to the
 * entry and the inputs that it was recalled from. */
typedef struct nr_recalled {
    nrbac_record told; /* for nrbac_decide_again() */
    nrbac_request request;
    nrbac_decision decision; /* effect, reason, generation */
} nr_recalled;

/* What was told of an entry, with its circumstances' inputs. False: it is no decision,
 * or not what nr_keep_record() writes. */
bool nr_recall(const nr_entry *entry, const nr_recalled_inputs *inputs,
               nr_recalled *out);

/* Whether a record's decision is this one: reason (hence effect) and obligations. */
bool nr_record_is(const nr_record *record, const nrbac_decision *decision);

/* Whether a reason is of the moment, no matter what the policy says: of a policy that is
 * not there or stale, a session that was revoked, a record that could not be written, a
 * request that could not be read. */
bool nr_reason_is_of_moment(nrbac_reason reason);

#endif
