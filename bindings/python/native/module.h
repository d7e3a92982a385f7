/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nrbac._nrbac: libnrbac for Python.
 *
 * An Engine owns an nrbac_engine, a Session an nrbac_session; a Session and a Name
 * hold their Engine, so that it outlives them. An Engine that is closed closes its
 * sessions first; after that they raise Closed. What a session answers is read with
 * the interpreter's lock held, so that nobody closes it meanwhile; compiling, loading,
 * opening, and whatever is recorded, which may wait for the daemon, let the lock go, and
 * keep engine and session by `busy`. In a forked child all of it is given up.
 */
#ifndef NRBAC_PYTHON_MODULE_H
#define NRBAC_PYTHON_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <nrbac/policy.h>
#include <nrbac/recorder.h>

/* What a module needs; everything is owned by it. */
typedef struct nrp_state {
    PyTypeObject *engine_type, *session_type, *name_type;
    PyObject *decision_type;   /* nrbac._types.Decision, a tuple of four */
    PyObject *answer_type;     /* nrbac._types.Answer */
    PyObject *diagnostic_type; /* nrbac._types.Diagnostic */
    PyObject *moment;          /* nrbac._types.moment */
    PyObject *effects;         /* nrbac._words: tuples by number, None where none is */
    PyObject *reasons;
    PyObject *of_status;    /* nrbac.errors.of_status */
    PyObject *policy_error; /* the exceptions of nrbac.errors */
    PyObject *not_opened;
    PyObject *closed;
    PyObject *forked;
    PyObject *foreign_name;
    PyObject *no_obligations; /* () */
} nrp_state;

typedef struct nrp_session nrp_session;

typedef struct nrp_engine {
    PyObject_HEAD nrbac_engine *engine; /* NULL: closed */
    nrp_state *state;                   /* of the module, which the type holds */
    nrp_session *sessions;
    unsigned flags; /* nrbac_ask_flags of every question */
    unsigned busy;  /* calls under way without the interpreter's lock */
    bool closing;   /* the last of them destroys the engine */
    bool recorded;  /* every decision is */
    bool forked;    /* it was the parent process's, and nothing of it is touched */
} nrp_engine;

struct nrp_session {
    PyObject_HEAD nrbac_session *session; /* NULL: closed */
    PyTypeObject *name_type;              /* what a check compares with, near at hand */
    bool recorded;                        /* as its engine */
    unsigned busy;                        /* as its engine's */
    nrbac_session *parting;    /* closed while busy: the last one closes it */
    nrp_engine *engine;        /* held */
    PyObject *answer;          /* of its opening: a dict */
    nrp_session *next, **link; /* among the engine's */
};

typedef struct nrp_name {
    PyObject_HEAD nrp_engine *engine; /* held */
    PyObject *text;
    nrbac_name number;
} nrp_name;

extern PyModuleDef nrp_module;

/* ---- document.c: values of Python to documents and back ----------------------------- */

/* NULL after raising TypeError or ValueError, which say where in the request. */
nrbac_value *nrp_request_of(nrbac_document *document, PyObject *request);
/* The same for what may be no request at all. */
nrbac_value *nrp_value_of(nrbac_document *document, PyObject *request);
/* A new reference; NULL after raising MemoryError. */
PyObject *nrp_object_of(const nrbac_value *value);
/* A text of the library's, which may hold a path in any encoding; NULL: None. */
PyObject *nrp_text_of(const char *text);

/* ---- engine.c -------------------------------------------------------------------------- */

extern PyType_Spec nrp_engine_spec;

/* False after raising Closed or Forked. */
bool nrp_engine_usable(const nrp_engine *self);
/* Raises what is so of an engine, or a session of it, that is not usable. */
void nrp_engine_raise(const nrp_engine *self, const char *closed);
/* Around a call without the interpreter's lock: the engine is not destroyed in it. */
void nrp_engine_enter(nrp_engine *self);
void nrp_engine_leave(nrp_engine *self);

/* ---- session.c ------------------------------------------------------------------------ */

extern PyType_Spec nrp_session_spec;
extern PyType_Spec nrp_name_spec;

/* Opens a session; NULL after raising NotOpened. */
PyObject *nrp_session_open(nrp_engine *engine, PyObject *request);
PyObject *nrp_name_prepare(nrp_engine *engine, PyObject *text);
void nrp_session_end(nrp_session *self);
/* Forgets the session, which is the parent process's. */
void nrp_session_disown(nrp_session *self);

#endif
