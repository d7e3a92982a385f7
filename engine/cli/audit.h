/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of `nrbac audit` have in common: a trail, which records of it are
 * meant, and how one is shown.
 */
#ifndef NR_AUDIT_H
#define NR_AUDIT_H

#include "audit/key.h"
#include "audit/reader.h"
#include "cli/cli.h"

/* ---- audit_trail.c ----------------------------------------------------------------- */

/* Opens the trail that the first operand names. The caller closes *out. */
nr_exit nr_audit_open(const nr_arguments *arguments, nr_reader **out);
/* Says what became of a call on the reader, and is the status to end with. */
nr_exit nr_audit_failed(const nr_arguments *arguments, const nr_reader *reader,
                        nr_trail_status status);
/* An operand that is the number of a record. */
nr_exit nr_audit_seq(const nr_arguments *arguments, size_t index, uint64_t *seq);
/* A number that an option gives; what is there stays if it is not given. */
nr_exit nr_audit_number(const nr_arguments *arguments, const char *option,
                        uint64_t *number);
/* A moment that an option gives, in µs: RFC 3339, or a day. *given is 0 without it. */
nr_exit nr_audit_moment(const nr_arguments *arguments, const char *option,
                        int64_t *given);

/* The public key that is expected, by --key. *expected is
 * NULL without it, else `key`. */
nr_exit nr_audit_key(const nr_arguments *arguments, uint8_t key[NR_PUBLIC_KEY_SIZE],
                     const uint8_t **expected);
#define NR_AUDIT_KEY_OPTION                                                    \
    {                                                                          \
        "key", 0, "HEX", "the public key that must have signed, in hex digits" \
    }

/* Which records are meant; for tables of options. */
/* clang-format off */
#define NR_AUDIT_FILTER_OPTIONS \
    { "user", 'u', "ID", "records of this user" }, \
    { "role", 0, "CODE", "in this job role" }, \
    { "role-profile", 0, "ID", "in this role profile" }, \
    { "organisation", 0, "ODS", "acting at this organisation" }, \
    { "application", 0, "ID", "from this application" }, \
    { "activity", 0, "CODE", "that asked for this activity" }, \
    { "function", 0, "ID", "that asked for this function or operation" }, \
    { "api", 0, "ID", "that asked for operations of this API" }, \
    { "patient", 0, "NAME", "about this patient, as the trail names them" }, \
    { "effect", 0, "permit|deny|indeterminate|not-applicable", "with this effect" }, \
    { "reason", 0, "SLUG", "with this reason" }, \
    { "event", 0, "SLUG", "of this event, as check" }, \
    { "from", 0, "TIME", "from this time or day on, as 2026-11-23T09:00:00Z" }, \
    { "to", 0, "TIME", "before this time or day" }, \
    { "after", 0, "SEQ", "after this record" }, \
    { "limit", 0, "N", "at most so many" }
/* clang-format on */
nr_exit nr_audit_filter(const nr_arguments *arguments, nr_filter *filter);

/* ---- audit_shown.c ------------------------------------------------------------------- */

/* "2026-11-23T09:00:00.123Z" */
enum { NR_STAMP_SIZE = 25 };
void nr_audit_stamp(int64_t at, char stamp[NR_STAMP_SIZE]);
/* A line for people. */
void nr_audit_print_line(FILE *out, const nr_entry *entry);
/* RFC 4180: the names of the columns, and a record in them. */
void nr_audit_print_columns(FILE *out);
void nr_audit_print_row(FILE *out, const nr_entry *entry);
/* The record as JSON, in one line. */
nr_exit nr_audit_print_json(nrbac_document *document, const nr_entry *entry);

/* ---- audit_fhir.c -------------------------------------------------------------------- */

/* Where the events of a trail come from. */
typedef struct nr_fhir_origin {
    char trail[NR_TRAIL_ID_HEX]; /* its id: who decided */
    const char *site; /* the machine whose daemon wrote it; NULL: not known, left out */
} nr_fhir_origin;

/* A decision as a FHIR R4 AuditEvent; NULL: out of memory. */
nrbac_value *nr_audit_fhir(nrbac_document *document, const nr_entry *entry,
                           const nr_fhir_origin *origin);

/* ---- audit_policy.c ------------------------------------------------------------------ */

/* An engine with the policy that the trail keeps by this digest. MISSING: it has none,
 * or the digest is of no policy at all. The caller destroys *out. */
nr_trail_status nr_audit_policy(nr_reader *reader, const uint8_t digest[NR_DIGEST_SIZE],
                                nrbac_engine **out);

/* ---- progress.c ---------------------------------------------------------------------- */

/* A bar on a terminal, for what takes more than two seconds. */
typedef struct nr_progress {
    const char *what; /* "replaying" */
    int64_t started;  /* µs */
    bool terminal, shown;
} nr_progress;

nr_progress nr_progress_begin(const char *what);
/* Cheap enough to be called for each of a million things. */
void nr_progress_show(nr_progress *progress, uint64_t done, uint64_t all);
void nr_progress_end(const nr_progress *progress);

#endif
