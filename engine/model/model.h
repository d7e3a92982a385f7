/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy as its author meant it: codes, baseline, functions, sets, each with
 * the place where it was said.
 *
 * The stages of compile/ fill it in order: load (what is written), resolve
 * (names become numbers), check (rules that span declarations). The twin reads
 * it as it is after resolve; the table is built from it and never sees it again.
 * All of it belongs to one arena; nothing here is freed alone.
 */
#ifndef NR_MODEL_H
#define NR_MODEL_H

#include "base/codes.h"
#include "base/terms.h"
#include "text/source.h"

/* A code where another one is meant: as written, and what it came to mean. */
typedef struct nr_mention {
    const char *code;  /* as written, without the name after it */
    const char *named; /* the name written after it, to be checked; NULL: none */
    nr_span at;
    /* After resolve: index into the list of its kind; a replaced code has become
     * its replacement. NR_NONE: unknown (then there was a diagnostic). */
    uint32_t index;
} nr_mention;

typedef struct nr_mentions {
    nr_mention *items;
    size_t count, room;
} nr_mentions;

/* An activity, a job role or an area of work. */
typedef struct nr_code {
    const char *code;
    const char *name; /* NULL: none given */
    nr_span at;       /* of the code */
    nr_code_status status;
    nr_mention replaced_by; /* code NULL: not replaced; index after resolve */
    bool national;          /* declared by an extended policy */
    const char *staff_group, *sub_group; /* of job roles; NULL: not given */
    nr_mentions includes;                /* of activities: what it includes */
} nr_code;

typedef struct nr_codes {
    nr_code *items;
    size_t count, room;
} nr_codes;

/* An entry of the baseline: each role has each activity, if it holds any of the
 * areas of work (S12); without areas, always. */
typedef struct nr_entry {
    nr_span at;
    bool national;
    nr_mentions roles, areas, activities;
} nr_entry;

typedef struct nr_obligation {
    const char *id;
    const char *name; /* NULL: none given */
    nr_span at;
} nr_obligation;

/* A requirement (S20): nested all and any over atoms, no negation. */
typedef struct nr_requirement nr_requirement;
struct nr_requirement {
    nr_atom atom;
    nr_span at;
    nr_mention code;          /* ACTIVITY, ROLE, AREA */
    const char *text;         /* WORKGROUP, ORGANISATION, ACTING_AS */
    int level;                /* AAL, IAL, PROOFING: the plain number */
    nr_mentions obligations;  /* that come with it, if it holds */
    nr_requirement *children; /* ALL, ANY: the first child */
    nr_requirement *next;     /* the next sibling */
};

/* A sentence of the policy's own for an outcome. */
typedef struct nr_message {
    const char *outcome; /* an effect's or a reason's slug; "" every refusal */
    const char *text;
    nr_span at;
} nr_message;

typedef struct nr_function {
    const char *id;
    const char *name; /* NULL: none given */
    nr_span at;
    nr_requirement *require;
    nr_mentions obligations;
    nr_record_first record_first;
    struct {
        nr_message *items;
        size_t count, room;
    } messages;
} nr_function;

/* What an API offers, under its security patterns. */
typedef struct nr_operation {
    const char *id;
    const char *name; /* NULL: none given */
    nr_span at;
    uint32_t patterns;       /* bits of nr_pattern; those of its API if it names none */
    bool own_patterns;       /* it names them itself */
    bool delegation;         /* delegation: allowed */
    nr_requirement *require; /* NULL: it asks nothing of a user */
    nr_mentions obligations;
} nr_operation;

typedef struct nr_api {
    const char *id;
    const char *name; /* NULL: none given */
    nr_span at;
    uint32_t patterns; /* bits of nr_pattern */
    nr_rbac rbac;
    nr_local_user local_user;
    struct {
        nr_operation *items;
        size_t count, room;
    } operations;
} nr_api;

/* What an application may call of one API. */
typedef struct nr_allowance {
    nr_mention api; /* index after resolve: into apis */
    bool all;
    nr_mentions operations; /* index after resolve: into the API's operations */
} nr_allowance;

typedef struct nr_application {
    const char *id;
    const char *name; /* NULL: none given */
    nr_span at;
    bool closed;               /* status: closed */
    uint32_t proofs;           /* bits of nr_proof: authenticated_by */
    bool any_organisation;     /* `organisations` is left out */
    nr_mentions organisations; /* ODS codes; never resolved */
    bool every_api;            /* apis: all; after resolve an allowance for each */
    struct {
        nr_allowance *items;
        size_t count, room;
    } allowances;
} nr_application;

/* Codes that one profile must not use together (S22), judged after closure. */
typedef struct nr_exclusive {
    const char *name;
    nr_span at;
    nr_mentions activities; /* in the order listed */
    nr_on_conflict on_conflict;
} nr_exclusive;

typedef struct nr_suspension {
    nr_suspended_kind kind;
    nr_mention what;
    const char *reason; /* NULL: none given */
    const char *until;  /* as written; for people */
    nr_span at;
} nr_suspension;

typedef struct nr_model {
    nr_arena *arena;
    const char *name, *version, *nrd_version; /* "" where not given */
    nr_provenance provenance; /* example also if any extended policy is one */
    bool roleless_additional; /* settings: roleless_profiles: additional */

    struct {
        nr_source **items;
        size_t count, room;
    } sources;
    nr_codes activities, roles, areas;
    struct {
        nr_entry *items;
        size_t count, room;
    } baseline;
    struct {
        nr_obligation *items;
        size_t count, room;
    } obligations;
    struct {
        nr_function *items;
        size_t count, room;
    } functions;
    struct {
        nr_exclusive *items;
        size_t count, room;
    } exclusives;
    struct {
        nr_suspension *items;
        size_t count, room;
    } suspensions;
    struct {
        nr_api *items;
        size_t count, room;
    } apis;
    struct {
        nr_application *items;
        size_t count, room;
    } applications;
} nr_model;

#endif
