/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames of MessagePack-RPC:
 *
 *   request       [0, msgid, method, params]
 *   response      [1, msgid, error, result]      error: nil or {code, message}
 *   notification  [2, method, params]
 *
 * A fault whose request could not be read carries nil for its msgid.
 */
#ifndef NR_RPC_H
#define NR_RPC_H

#include "wire/wire.h"

/* NR_FAULT_BAD_MESSAGE and so on, from schema/nrbac/fault.def. */
typedef enum nr_fault {
    NR_FAULT_NONE = 0,
#define NRBAC_FAULT(NAME, slug, doc) NR_FAULT_##NAME,
#include <nrbac/fault.def>
#undef NRBAC_FAULT
} nr_fault;

const char *nr_fault_slug(nr_fault fault);

typedef enum nr_rpc_kind {
    NR_RPC_REQUEST = 0,
    NR_RPC_RESPONSE = 1,
    NR_RPC_NOTIFICATION = 2,
} nr_rpc_kind;

/* One frame; its pointers belong to the document that it was read into. */
typedef struct nr_rpc {
    nr_rpc_kind kind;
    bool has_id; /* false: a notification, or a fault without one */
    uint32_t id;
    const char *method;        /* not of a response */
    const nrbac_value *params; /* not of a response; of any kind */
    const nrbac_value *error;  /* of a response; null: none */
    const nrbac_value *result;
} nr_rpc;

/* Reads one scanned message. When it cannot be read (NRBAC_E_FORMAT, *problem
 * says why) out->has_id tells whether at least its msgid could. */
NRBAC_MUST_USE nrbac_status nr_rpc_read(nrbac_document *document, const uint8_t *bytes,
                                        size_t size, nr_rpc *out, const char **problem);

/* params NULL: an empty list. */
void nr_rpc_write_request(nr_buffer *buffer, uint32_t id, const char *method,
                          const nrbac_value *params);
void nr_rpc_write_result(nr_buffer *buffer, uint32_t id, const nrbac_value *result);
/* The start of a response alone; one encoded value must follow. */
void nr_rpc_begin_result(nr_buffer *buffer, uint32_t id);

/* A refusal; `id` NULL: it is not known which request is meant. */
void nr_rpc_write_fault(nr_buffer *buffer, const uint32_t *id, nr_fault fault,
                        const char *text);

#endif
