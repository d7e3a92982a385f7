/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record: one event that the audit trail keeps, and the hash that ties it to the one
 * before it.
 *
 *   circumstances   what stays the same from one check of a session to the next: who,
 *                   by which role profile, and what else the decision rests on
 *   record          what happened: circumstances, time, policy, name, reason
 *   entry           a record that has its place in a trail: number and chain hash
 *
 * A record holds every input of its decision, so that the decision can be made again.
 * The path that led to it is not stored: it follows, bit for bit, from the inputs and
 * the policy, which the trail keeps by its digest. schema/audit.md is the promise: what
 * the members mean and which bytes are hashed.
 *
 * Everything here is plain data. Texts are UTF-8 without NUL and borrowed; NULL and ""
 * both say that there is none, and read back as NULL.
 */
#ifndef NR_RECORD_H
#define NR_RECORD_H

#include "base/base.h"
#include "base/hex.h"

#include <nrbac/value.h>

/* BLAKE2b-256 of the trail, SHA-256 of a policy. */
enum { NR_DIGEST_SIZE = 32, NR_DIGEST_HEX = 2 * NR_DIGEST_SIZE + 1 };

typedef enum nr_event {
    NR_EVENT_NONE = 0, /* no record may carry it */
#define NRBAC_EVENT(number, name, slug, decides, doc) NR_EVENT_##name = (number),
#include <nrbac/event.def>
#undef NRBAC_EVENT
} nr_event;

/* "evaluate"; "unknown" for a number that this release does not know. */
const char *nr_event_slug(nr_event event);
/* The event of a slug; NR_EVENT_NONE if there is none. */
nr_event nr_event_of(const char *slug);
/* Whether it is a decision, so that its reason means something. */
bool nr_event_decides(nr_event event);

/* What a call to the trail came to. */
typedef enum nr_trail_status {
    NR_TRAIL_OK = 0,
    NR_TRAIL_AGAIN,     /* the reserve made room: do the same batch again, now */
    NR_TRAIL_FULL,      /* no space, or a quota */
    NR_TRAIL_READ_ONLY, /* the file or its file system cannot be written */
    NR_TRAIL_LOCKED,    /* somebody else holds it: another daemon, or a tool */
    NR_TRAIL_IO,        /* reading, writing or syncing failed */
    NR_TRAIL_CORRUPT,   /* what is there is damaged, or not what was written */
    NR_TRAIL_MEMORY,
    NR_TRAIL_VERSION,  /* written by a newer release */
    NR_TRAIL_MISSING,  /* no such file, record or policy */
    NR_TRAIL_ARGUMENT, /* a record that no trail takes: the caller's mistake */
} nr_trail_status;

/* Hands a failure to the caller, as NR_TRY does: where there is nothing to undo. */
#define NR_TRAIL_TRY(call)                  \
    do {                                    \
        nr_trail_status nr_tried_ = (call); \
        if (nr_tried_ != NR_TRAIL_OK)       \
            return nr_tried_;               \
    } while (0)

/* What an errno means; `otherwise` for those that tell nothing more. */
nr_trail_status nr_trail_status_of(int number, nr_trail_status otherwise);
/* "full"; stable, for health and metrics. */
const char *nr_trail_status_slug(nr_trail_status status);
/* "there is no space left": one line, for a message. */
const char *nr_trail_status_text(nr_trail_status status);

/* Who is at the other end of the socket, by the kernel. */
typedef struct nr_peer {
    bool known; /* false: nobody, and the numbers mean nothing */
    uint32_t uid, gid;
    int32_t pid;
} nr_peer;

/*
 * Whoever makes them seals them once, in any thread, and shares them between records:
 * a session for as long as it lives, a single request for one record. The trail writes
 * equal circumstances once, whoever made them.
 */
typedef struct nr_circumstances {
    /* The subject of the request as it was read, as JSON text: type, id, evidence,
     * profile (role, organisation, areas of work, activities, workgroups), levels,
     * what was verified. In force alone, if one was; else all that could have been. */
    const char *who;
    /* All else that the decision rests on, as JSON text: application and how it was
     * authenticated, organisation, pattern, a time that counted, ... Not the name, the
     * API and the resource, which the record has. Neither text may hold a patient's
     * number: nr_key_patient() makes what may stand for it. */
    const char *inputs;
    /* The same once more, each as one text, for finding records by it. */
    const char *user;         /* subject id */
    const char *role_profile; /* its id */
    const char *role;         /* usable code: "R8000" */
    const char *organisation; /* acting */
    const char *application;
    nr_peer peer;
    bool asserted; /* a program's own recorder says so; the daemon did not decide it */
    uint8_t digest[NR_DIGEST_SIZE]; /* of all members above: nr_circumstances_seal() */
} nr_circumstances;

/* Computes the digest; must follow every change. Any thread. */
void nr_circumstances_seal(nr_circumstances *circumstances);

typedef struct nr_record {
    nr_event event;
    /* When it was decided, µs since 1970 UTC, by the clock reading that the decision
     * used. Time may run backwards from one record to the next; numbers do not. */
    int64_t at;
    /* SHA-256 that names the policy, which must have been kept; zeros: no policy. */
    uint8_t policy[NR_DIGEST_SIZE];
    uint32_t generation; /* its publication, counted since the daemon started */
    const nr_circumstances *circumstances; /* sealed; NULL: an event without any */
    const char *action;                    /* the name asked for, as it was spelled */
    const char *api;                       /* if it is an operation of one */
    const char *resource;    /* what it is asked about, other than a patient */
    const char *patient;     /* as nr_key_patient() wrote it; NULL: not recorded */
    nrbac_reason reason;     /* of a decision; its effect follows from it */
    const char *obligations; /* ids, separated by a space, in the decision's order */
    uint64_t session;        /* its number on the socket; 0: none */
    uint64_t message;        /* the request's msgid plus one; 0: none */
    const char *detail;      /* JSON text: what an event that decides nothing tells */
} nr_record;

/* A record in its place. */
typedef struct nr_entry {
    uint64_t seq; /* 1, 2, 3, ... without gaps */
    nr_record record;
    uint8_t hash[NR_DIGEST_SIZE]; /* of the record and the hash before it */
} nr_entry;

/* Where a chain stands after entry `seq`. At seq 0 the hash is that of the trail's id. */
typedef struct nr_head {
    uint64_t seq;
    uint8_t hash[NR_DIGEST_SIZE];
} nr_head;

enum { NR_TRAIL_ID_SIZE = 16, NR_TRAIL_ID_HEX = 2 * NR_TRAIL_ID_SIZE + 1 };

/* The head of an empty trail. */
nr_head nr_head_first(const uint8_t id[NR_TRAIL_ID_SIZE]);
/* Moves the head on by one record. */
void nr_head_move(nr_head *head, const nr_record *record);

/* ---- As a document ---------------------------------------------------------------- */

/* An entry with its circumstances as a map, as schema/audit.md shows it: what `audit
 * list --format json` writes a line of, and what a receipt holds. NULL: out of memory. */
nrbac_value *nr_entry_tell(nrbac_document *document, const nr_entry *entry);

/* The same back, borrowed from the map and the document, which may be its own; the
 * record's circumstances are put into *circumstances and sealed. False: it is not such a
 * map, *error (may be NULL) says where. */
bool nr_entry_read(nrbac_document *document, const nrbac_value *map,
                   nr_circumstances *circumstances, nr_entry *entry,
                   nrbac_error *error);

#endif
