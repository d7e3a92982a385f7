/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be asked: one row a method, one function a row.
 */
#ifndef NR_METHODS_H
#define NR_METHODS_H

#include "server/connection.h"

/* One call of a method. */
typedef struct nr_call {
    nr_server *server;
    nr_worker *worker;
    nr_connection *connection;
    const nrbac_value *params; /* a list, of as many as the method takes */
    nrbac_document *document;  /* for the result */
    const char *usage;         /* what the method takes */
    uint64_t occasion; /* the message's number: what it presents, it presents once */
    uint64_t message;  /* its msgid and one more; 0: none */
    size_t size;       /* of the message, in bytes */
    uint32_t id;
    bool notification; /* nobody waits for a result */
    bool written;      /* the method has put its result into the output itself */
    bool later;        /* the result comes by another way */
    nr_fault fault;    /* why there is no result */
    const char *text;
} nr_call;

/* Answers one frame into the connection's output; false: the frame ends the
 * connection, after what is in the output. */
bool nr_methods_answer(nr_connection *connection, const uint8_t *bytes, size_t size);

/* The same for the messages at the front of what has come, as long as quick.c knows them
 * and there is room for their answers; the size of all of them. 0: it does not know the
 * first, and nothing has happened. */
size_t nr_methods_answer_quick(nr_connection *connection, const uint8_t *bytes,
                               size_t size);

/* No result: NULL, so that a method can return it. */
nrbac_value *nr_call_refuse(nr_call *call, nr_fault fault, const char *text);
/* The parameters are not what the method takes. */
nrbac_value *nr_call_bad_params(nr_call *call);
/* A number as a member of a map of the result. */
void nr_call_set_number(nr_call *call, nrbac_value *map, const char *key,
                        int64_t number);
/* A request of the caller, checked, and how it is to be asked. It may not be moved:
 * `ask` points to `findings`. */
typedef struct nr_asking {
    const nrbac_value *request;
    nrbac_findings findings;
    nrbac_ask ask;
} nr_asking;

/* What the document needs, it gets there; false: out of memory. */
bool nr_call_asking(const nr_call *call, const nrbac_value *request, unsigned flags,
                    nrbac_document *document, nr_asking *asking);

/* ---- evaluate.c: whole requests ------------------------------------------------ */

nrbac_value *nr_method_evaluate(nr_call *call);
nrbac_value *nr_method_explain(nr_call *call);
nrbac_value *nr_method_evaluations(nr_call *call);

/* ---- health.c: what the daemon tells of itself ---------------------------------- */

nrbac_value *nr_method_policy(nr_call *call);
nrbac_value *nr_method_health(nr_call *call);
nrbac_value *nr_method_metrics(nr_call *call);

#endif
