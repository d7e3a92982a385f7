/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One whole question on its way to an answer: first decided, then written.
 */
#ifndef NR_QUESTION_H
#define NR_QUESTION_H

#include "api/engine.h"
#include "base/value.h"

typedef struct nr_question {
    nrbac_document *document; /* the answer's; its arena is the scratch memory too */
    const nrbac_request *request;
    const char *fault; /* what is malformed about the request; NULL: nothing */
    bool explain;      /* the answer tells everything that led to it */
    bool opening;      /* asks for a session, not for a name */
    bool stranger;     /* the caller is not the application that it names */
    bool stopped;      /* the policy is stale: nobody decides */
    nr_policy *policy; /* NULL: none loaded */
    int64_t now;       /* 0: the request's time, or the clock's */
    int64_t clock;     /* when it is decided, µs; 0: now */
    /* What deciding found: */
    nr_target target;
    uint32_t application; /* APPLICATIONS; NR_NONE: not declared, or none named */
    uint32_t pattern;     /* nr_pattern, of an operation; NR_NONE: none judged */
    nr_standing standing;
    nr_facts facts;
    nr_holding holding; /* if standing.reason is OPENED */
    nr_verdict verdict;
} nr_question;

/* question.c: the checks in the contract's order; the first that fails gives the
 * reason. What is given: document, request, fault, opening, stranger, stopped, policy.
 * NRBAC_E_MEMORY alone is a failure. */
nrbac_status nr_question_decide(nr_question *question);
/* As a session of the request answers a name at `now`: it has ended if its evidence
 * has, and no application is judged. */
nrbac_status nr_question_decide_in_session(nr_question *question);
/* The same for one of several profiles, as if it were in force; there may be very
 * many of them, so what is in the scratch memory is forgotten first. */
nr_verdict nr_question_decide_as(const nr_question *question, nr_arena *scratch,
                                 const nrbac_profile *profile);

/* evaluate.c: a request document with how it is asked, except its flags about the
 * application; false: out of memory. */
bool nr_question_read(nrbac_document *document, const nrbac_value *request,
                      const nrbac_ask *ask, bool need_action, nr_reading *reading);

/* answer.c: the answer of a decided question; NULL when out of memory. */
nrbac_value *nr_answer_write(const nr_question *question);
/* The answer of `open`. */
nrbac_value *nr_answer_write_opened(const nr_question *question);
nrbac_value *nr_answer_profile(const nr_question *question);
nrbac_value *nr_answer_warnings(const nr_question *question);
nrbac_value *nr_answer_path(const nr_question *question, uint32_t activity);
/* Adds `source` and `steps` of a held activity to a map. */
void nr_answer_add_steps(const nr_question *question, uint32_t activity,
                         nrbac_value *map);
nrbac_value *nr_answer_obligations(const nr_question *question,
                                   const nr_verdict *verdict);

/* explain.c: a requirement (NODES), each part with whether it holds. */
nrbac_value *nr_explain_requirement(const nr_question *question, nr_range range);
/* The names of the codes in an answer's context, by code. */
nrbac_value *nr_explain_names(const nr_question *question, const nrbac_value *context);
/* The same requirement as the policy says it: without what holds, with the
 * obligations of its parts; null if there is none. */
nrbac_value *nr_tell_requirement(nrbac_document *document, const nr_table *table,
                                 nr_range range);
/* The ids of obligations (NUMBERS), as a list. */
nrbac_value *nr_tell_obligations(nrbac_document *document, const nr_table *table,
                                 nr_range range);
/* Adds the names of all codes in a value to the map `names`, each once. */
void nr_tell_names(nrbac_document *document, const nr_table *table,
                   const nrbac_value *from, nrbac_value *names);

/* message.c: the sentence for the person at the screen. */
const char *nr_message_write(const nr_question *question);

#endif
