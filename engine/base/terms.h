/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that the model and the table both speak, though they never meet.
 * The numbers stand in images: add at the end, never change.
 */
#ifndef NR_TERMS_H
#define NR_TERMS_H

/* Room for ten times the real thing; each is checked where it is counted. */
enum {
    NR_ROLE_MAX = 4096,
    NR_ACTIVITY_MAX = 8192,
    NR_AREA_MAX = 4096,
    NR_FUNCTION_MAX = 16384,
    NR_OBLIGATION_MAX = 4096,
    NR_EXCLUSIVE_MAX = 1024,
    NR_API_MAX = 1024,
    NR_OPERATION_MAX = 8192, /* of all APIs together */
    NR_APPLICATION_MAX = 4096,
    NR_REQUIREMENT_DEPTH_MAX = 16,
    NR_REQUIREMENT_NODE_MAX = 1024, /* in one function or operation */
};

typedef enum nr_code_status {
    NR_ACTIVE = 0,
    NR_LEGACY,   /* grants and warns (S19) */
    NR_OBSOLETE, /* grants nothing; with replaced_by it counts as that code */
} nr_code_status;

typedef enum nr_atom {
    NR_ALL = 0, /* of the children; never empty */
    NR_ANY,     /* of the children; the first that holds decides the obligations */
    NR_ATOM_ACTIVITY,
    NR_ATOM_ROLE,
    NR_ATOM_AREA,
    NR_ATOM_WORKGROUP,            /* text */
    NR_ATOM_ORGANISATION,         /* text: ODS code of the acting organisation */
    NR_ATOM_ORGANISATION_REQUEST, /* the acting organisation is the request's */
    NR_ATOM_AAL,                  /* level: at least */
    NR_ATOM_IAL,
    NR_ATOM_PROOFING,     /* level: 0, 5 or 9 */
    NR_ATOM_ACTING_AS,    /* text: the capacity in which the request says it asks */
    NR_ATOM_ON_BEHALF_OF, /* the request says for whom */
} nr_atom;

typedef enum nr_on_conflict {
    NR_CONFLICT_DENY = 0,     /* none of the set's codes counts */
    NR_CONFLICT_WARN,         /* all count, with a warning */
    NR_CONFLICT_PREFER_FIRST, /* only the first listed one held counts */
} nr_on_conflict;

/* How sure of its record a function must be before anybody learns what was decided. */
typedef enum nr_record_first {
    NR_RECORD_ANY = 0, /* as the daemon is configured */
    NR_RECORD_SYNC,    /* it is on disk */
} nr_record_first;

typedef enum nr_suspended_kind {
    NR_SUSPENDED_ACTIVITY,
    NR_SUSPENDED_ROLE,
    NR_SUSPENDED_FUNCTION,
    NR_SUSPENDED_APPLICATION,
} nr_suspended_kind;

/* NR_PATTERN_OPEN_ACCESS and so on; sets of them are kept as bits. */
typedef enum nr_pattern {
#define NRBAC_PATTERN(number, NAME, slug, PROOF, USER, aal, doc) \
    NR_PATTERN_##NAME = (number),
#include <nrbac/pattern.def>
#undef NRBAC_PATTERN
} nr_pattern;

enum { NR_PATTERN_COUNT = 10 };

/* How an application proves who it is; sets of them are kept as bits. */
typedef enum nr_proof {
    NR_PROOF_NOTHING = 0,
    NR_PROOF_API_KEY = 1 << 0,
    NR_PROOF_SIGNED_JWT = 1 << 1,
    NR_PROOF_TLS_MA = 1 << 2,
    NR_PROOF_ANY = NR_PROOF_API_KEY | NR_PROOF_SIGNED_JWT | NR_PROOF_TLS_MA,
} nr_proof;

/* Whose evidence a pattern takes. */
typedef enum nr_pattern_user {
    NR_USER_NOBODY = 0,
    NR_USER_LOCAL,
    NR_USER_CIS2,
    NR_USER_PLATFORM_CIS2,
    NR_USER_CIS1,
    NR_USER_NHS_LOGIN,
    NR_USER_PLATFORM_NHS_LOGIN,
} nr_pattern_user;

/* Which codes may meet the requirements of an API's operations. */
typedef enum nr_rbac {
    NR_RBAC_OWN = 0,
    NR_RBAC_NATIONAL,
    NR_RBAC_NONE,
} nr_rbac;

/* What application-restricted patterns do with a user that the caller asserts. */
typedef enum nr_local_user {
    NR_LOCAL_USER_NONE = 0,
    NR_LOCAL_USER_AUTHENTICATED,
    NR_LOCAL_USER_AUTHORISED,
} nr_local_user;

typedef enum nr_provenance {
    NR_PROVENANCE_LOCAL = 0,
    NR_PROVENANCE_EXAMPLE, /* no daemon serves it unless told to */
} nr_provenance;

#endif
