/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one JavaScript environment (the main thread, or a worker) has open.
 *
 * Nothing is shared between environments and nothing is global: the addon's data
 * hang on the environment and go with it. All of this runs on the environment's own
 * thread, but for what engines.c says of its work.
 *
 * JavaScript names engines and sessions by slots, which are numbers from 1. A slot
 * stays taken until its JavaScript object gives it back, also when the engine was
 * closed under its sessions: so an object that is kept too long meets a closed
 * session, never somebody else's.
 */
#ifndef NRBAC_NODE_ADDON_H
#define NRBAC_NODE_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>

#include <nrbac/recorder.h>

#include <string.h>

/* A prepared name is a number that JavaScript holds as it is: 2^52, plus its engine's
 * random tag, plus the name's own number there in the low bits. So a name of another
 * engine, or of another thread, is seen to be foreign. Doubles from 2^52 to 2^53 are the
 * integers, with the integer in their low 52 bits, which is how they are read here. */
enum { NAME_BITS = 21, TAG_BITS = 31 };

typedef struct na_engine {
    nrbac_engine *handle;
    uint64_t tag;   /* of a name, its bits but the last NAME_BITS */
    unsigned works; /* reloads under way, which need the handle until they end */
    bool closed;
    bool recorded; /* whatever it decides, checks too */
} na_engine;

typedef struct na_session {
    nrbac_session *session; /* NULL: closed, or free */
    uint64_t tag;           /* its engine's */
    na_engine *engine;      /* whose it is; NULL as above */
    uint32_t next_free;
    bool recorded; /* as its engine */
} na_session;

/* What a check asks and is answered: memory that both sides see, since to pass an
 * argument costs more than the check itself. lib/engine.js has the same places. */
typedef struct na_cell {
    uint32_t session;
    uint32_t effect; /* of a check: an answer */
    uint32_t reason;
    uint32_t generation;
    double name; /* 0: it comes as text */
} na_cell;
enum { ANSWER_NO = 0, ANSWER_YES = 1, ANSWER_CLOSED = 2, ANSWER_FOREIGN = 3 };

/* The same for many names: a session, how many, that many names, then answers of one
 * number (checks) or three (decisions: effect, reason, generation). */
enum { BATCH_SESSION, BATCH_COUNT, BATCH_NAMES };
enum { BATCH_PLACES_PER_NAME = 4, BATCH_NAMES_MAX = 1 << 20 };

typedef struct na_addon {
    na_cell *cell;
    na_session *sessions;
    uint32_t session_count, session_room, free_session;
    double *batch;
    uint32_t batch_names; /* how many it has room for */
    napi_ref cell_ref, batch_ref;
    na_engine **engines; /* by slot; NULL: free */
    uint32_t engine_count;
    nrbac_document *document; /* of the question being asked */
    char *text;               /* of the argument being read */
    size_t text_room;
} na_addon;

/* ---- addon.c --------------------------------------------------------------- */

/* Never NULL while JavaScript of this environment runs. */
static inline na_addon *na_of(napi_env env)
{
    void *data = NULL;
    (void)napi_get_instance_data(env, &data);
    return data;
}

/* The engine of a slot; NULL if it is closed. */
na_engine *na_engine_at(const na_addon *self, uint32_t slot);
/* The session of a slot, which is open; NULL if it is closed. */
static inline const na_session *na_session_at(const na_addon *self, uint32_t slot)
{
    if (slot >= self->session_count || self->sessions[slot].session == NULL)
        return NULL;
    return &self->sessions[slot];
}
/* The name's number at the session's engine; 0 if it was not prepared there. */
static inline nrbac_name na_session_name(const na_session *its, double name)
{
    uint64_t bits;
    memcpy(&bits, &name, sizeof(bits));
    return bits >> NAME_BITS == its->tag ? bits & ((1U << NAME_BITS) - 1) : 0;
}

/* A slot for what was opened; 0 when out of memory, and the caller keeps it. */
uint32_t na_keep_engine(na_addon *self, na_engine *engine);
uint32_t na_keep_session(na_addon *self, na_engine *engine, nrbac_session *session);
/* Closes, and frees the slot. A slot that is free already is fine. */
void na_close_engine(na_addon *self, uint32_t slot);
void na_close_session(na_addon *self, uint32_t slot);
/* A reload has ended: what was closed meanwhile can go now. */
void na_engine_idle(na_engine *engine);

/* The call's first `count` arguments; those not given are undefined. */
na_addon *na_arguments(napi_env env, napi_callback_info info, size_t count,
                       napi_value *arguments);
uint32_t na_number(napi_env env, napi_value value); /* 0 if it is no number */
/* A text, as UTF-8 with a NUL behind it; valid until the next one is read. NULL, with
 * an exception pending, if it is no text or memory is short. */
const char *na_text(napi_env env, na_addon *self, napi_value value, size_t *size);
/* A request as JSON, read into the emptied document; NULL, with an exception pending, if
 * it is none. */
const nrbac_value *na_request(napi_env env, na_addon *self, napi_value value);
/* JavaScript values; NULL, with an exception pending, when out of memory. */
napi_value na_string(napi_env env, const char *text);
napi_value na_json(napi_env env, const nrbac_value *value);
/* Throws; text NULL: the status' own. Always NULL, to be returned. */
napi_value na_throw(napi_env env, nrbac_status status, const char *text);

typedef struct na_function {
    const char *name;
    napi_callback call;
} na_function;
napi_status na_export(napi_env env, napi_value exports, const na_function *functions,
                      size_t count);

/* ---- The rest: what each adds to the module -------------------------------- */

napi_status na_engines_export(napi_env env, napi_value exports);
napi_status na_sessions_export(napi_env env, napi_value exports);

#endif
