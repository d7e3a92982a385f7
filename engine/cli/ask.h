/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a policy: opening it, putting a request together, telling the answer.
 */
#ifndef NR_ASK_H
#define NR_ASK_H

#include "cli/cli.h"

#include <nrbac/verify.h>

/* opened.c: an engine that serves POLICY, a folder (compiled in memory; its
 * mistakes go to stderr and end in NR_EXIT_NO) or a compiled file. The caller
 * destroys *out. */
nr_exit nr_policy_open(const char *path, nrbac_engine **out);

/* Who answers here: a policy, and who checks evidence for it. */
typedef struct nr_judge {
    nrbac_engine *engine;
    nrbac_verifier *verifier; /* NULL: no evidence settings are given */
} nr_judge;

/* The policy, and the settings that --evidence names, if it is given. What was
 * opened is the caller's, to be closed also after a failure. */
nr_exit nr_judge_open(const nr_arguments *arguments, nr_judge *judge);
void nr_judge_close(nr_judge *judge);
/* The request with what it presents checked, and how to ask it; `findings` is where
 * *ask points to. */
nr_exit nr_judge_verify(const nr_judge *judge, nrbac_document *document,
                        const nrbac_value **request, nrbac_findings *findings,
                        nrbac_ask *ask);
#define NR_EVIDENCE_OPTION                                                         \
    {                                                                              \
        "evidence", 0, "FILE",                                                     \
            "evidence settings: tokens, keys and certificates are checked by them" \
    }

/* The options that put a request together, for the tables of the commands that
 * ask: check, explain, query. */
/* clang-format off */
#define NR_REQUEST_OPTIONS \
    { "action", 'a', "NAME", "what is asked: an activity code, a function, or an operation" }, \
    NR_REQUEST_CONTEXT_OPTIONS, \
    { "api", 0, "ID", "the API whose operation is asked for" }, \
    { "authenticated-by", 0, "WAY", "how the application was: api-key, signed-jwt, tls-ma" }, \
    { "pattern", 0, "SLUG", "the security pattern used, as user-restricted/cis2-combined" }, \
    { "record", 0, "NUMBER", "the NHS number of the patient whose record it is" }, \
    { "acting-as", 0, "NAME", "in which capacity the user asks, as an e-RS business function" }, \
    { "on-behalf-of", 0, "ID", "for whom the user asks" }
#define NR_REQUEST_CONTEXT_OPTIONS \
    { "subject", 's', "FILE", "the request's subject, as JSON" }, \
    { "role-profile", 0, "ID", "the caller's choice of role profile" }, \
    { "organisation", 0, "ODS", "the organisation where the user acts" }, \
    { "application", 0, "ID", "the calling application" }
/* clang-format on */

/* The members of a request that options, and the tests of a policy, can say. */
typedef enum nr_override {
    NR_OVERRIDE_ACTION = 0,
    NR_OVERRIDE_ROLE_PROFILE,
    NR_OVERRIDE_ORGANISATION,
    NR_OVERRIDE_APPLICATION,
    NR_OVERRIDE_AUTHENTICATED_BY,
    NR_OVERRIDE_PATTERN,
    NR_OVERRIDE_API,
    NR_OVERRIDE_RECORD,
    NR_OVERRIDE_ACTING_AS,
    NR_OVERRIDE_ON_BEHALF_OF,
    NR_OVERRIDE_COUNT,
} nr_override;

/* What is said about every request; it overrides the request's own members. */
typedef struct nr_overrides {
    nrbac_document *document;             /* owns the subject, if these are options */
    nrbac_value *subject;                 /* NULL: the request's */
    const char *texts[NR_OVERRIDE_COUNT]; /* NULL: the request's */
    char error[300]; /* what is wrong with the subject's JSON; "": nothing */
} nr_overrides;

/* request.c */
nr_exit nr_overrides_read(nr_overrides *overrides, const nr_arguments *arguments);
void nr_overrides_finish(nr_overrides *overrides);
/* The request with the overrides, in `document`. It shares what it leaves as it is
 * with `given` (which may be NULL) and the overrides. */
const nrbac_value *nr_request_make(const nr_overrides *overrides,
                                   nrbac_document *document, const nrbac_value *given);
/* The request that operand `index` (a file, or "-") and the options make: *out,
 * NULL if JSON was not well formed; then overrides->error says why. */
nr_exit nr_request_read_given(nr_overrides *overrides, const nr_arguments *arguments,
                              size_t index, nrbac_document *document,
                              const nrbac_value **out);

/* Where questions are answered: in this process, or by a daemon. */
typedef struct nr_asked {
    nrbac_document *document; /* of the answer */
    const nrbac_value *request;
    const char *error; /* the request's JSON is not well formed: why; or NULL */
    unsigned flags;    /* nrbac_ask_flags */
} nr_asked;
typedef struct nr_oracle {
    /* *answer is set when NR_EXIT_OK is returned. */
    nr_exit (*ask)(void *self, const nr_asked *asked, nrbac_value **answer);
    void *self;
} nr_oracle;

/* oracle.c: answers from an engine. The judge is borrowed. */
nr_oracle nr_judge_oracle(nr_judge *judge);
/* A copy of the answer to a malformed request in which `fault` is this error. */
nrbac_value *nr_answer_malformed(nrbac_document *document, const nrbac_value *answer,
                                 const char *error);

/* answer.c */
bool nr_answer_permits(const nrbac_value *answer);
/* The words people use: "PERMIT", "CANNOT DECIDE: choose a role first". */
const char *nr_answer_words(const nrbac_value *answer);
/* The same for what is no permit. */
const char *nr_refusal_words(const char *effect, const char *reason);
/* One line: words, slug, what was asked, the sentence. */
void nr_answer_print_line(FILE *out, const nrbac_value *answer);

/* story.c: the answer with everything that led to it, as `explain` tells it. Each
 * line is preceded by `indent`. */
void nr_answer_print_story(FILE *out, const nrbac_value *answer, const char *indent);

/* stream.c: a line of answer for each line of request, in order. */
typedef struct nr_stream {
    nr_oracle oracle;
    const nr_overrides *overrides;
    unsigned flags;
    bool text;  /* one line for people; else JSON */
    bool quiet; /* nothing at all */
} nr_stream;
nr_exit nr_stream_run(const nr_stream *stream, const char *path);

/* shown.c: the value as it may be shown to people: control characters in its texts
 * are replaced. It is the value itself if it has none, else a copy in `document`. */
const nrbac_value *nr_shown(nrbac_document *document, const nrbac_value *value);

/* Shorthand for walking documents: the member at the end of a dotted path. */
const nrbac_value *nr_member_at(const nrbac_value *value, const char *path);
/* Its text; "" if it has none. */
const char *nr_text_at(const nrbac_value *value, const char *path);

#endif
