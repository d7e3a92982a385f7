/* SPDX-License-Identifier: Apache-2.0 */
#include "module.h"

bool nrp_engine_usable(const nrp_engine *self)
{
    if (self->engine != NULL && !self->closing)
        return true;
    nrp_engine_raise(self, "the engine is closed");
    return false;
}

void nrp_engine_raise(const nrp_engine *self, const char *closed)
{
    if (self->forked)
        PyErr_SetString(self->state->forked,
                        "the engine was opened before this process was forked: a child "
                        "opens its own");
    else
        PyErr_SetString(self->state->closed, closed);
}

/* Destroys the engine unless somebody is still in it. */
static void destroy(nrp_engine *self)
{
    nrbac_engine *engine = self->engine;
    if (self->busy > 0 || engine == NULL)
        return;
    self->engine = NULL;
    PyThreadState *thread = PyEval_SaveThread(); /* it waits for its watcher */
    nrbac_engine_destroy(engine);
    PyEval_RestoreThread(thread);
}

void nrp_engine_enter(nrp_engine *self)
{
    self->busy++;
}

void nrp_engine_leave(nrp_engine *self)
{
    self->busy--;
    if (self->closing)
        destroy(self);
}

/* ---- Life --------------------------------------------------------------------------- */

static PyObject *engine_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "trust_request_time", "recorded", NULL };
    int trust = 0, recorded = 0;
    PyObject *module = PyType_GetModuleByDef(type, &nrp_module);
    if (module == NULL || !PyArg_ParseTupleAndKeywords(args, keywords, "|$pp:Engine",
                                                       names, &trust, &recorded))
        return NULL;
    nrp_engine *self = (nrp_engine *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->state = PyModule_GetState(module);
    self->flags = trust ? NRBAC_ASK_REQUEST_TIME : 0;
    self->recorded = recorded != 0;
    if (nrbac_engine_create(recorded ? NRBAC_ENGINE_RECORDED : 0, &self->engine) !=
        NRBAC_OK) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

/* Nobody holds it, so it has no sessions and nobody is in it. */
static void engine_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    nrbac_engine_destroy(((nrp_engine *)object)->engine);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *engine_close(PyObject *object, PyObject *none)
{
    nrp_engine *self = (nrp_engine *)object;
    (void)none;
    self->closing = true;
    while (self->sessions != NULL)
        nrp_session_end(self->sessions);
    destroy(self);
    Py_RETURN_NONE;
}

/* _disown(): in a forked child. The parent's memory is left as it lies: locks in it may
 * be held by threads that are not here. */
static PyObject *engine_disown(PyObject *object, PyObject *none)
{
    nrp_engine *self = (nrp_engine *)object;
    (void)none;
    while (self->sessions != NULL)
        nrp_session_disown(self->sessions);
    self->engine = NULL;
    self->forked = true;
    Py_RETURN_NONE;
}

static PyObject *engine_entered(PyObject *self, PyObject *none)
{
    (void)none;
    return Py_NewRef(self);
}

static PyObject *engine_exit(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)args;
    (void)count;
    return engine_close(self, NULL);
}

/* ---- Policies --------------------------------------------------------------------------- */

/* Raises what nrbac.errors makes of a status. */
static PyObject *raise_status(const nrp_engine *self, nrbac_status status,
                              PyObject *source, const char *text, bool daemon)
{
    PyObject *error = PyObject_CallFunction(self->state->of_status, "iNNO", (int)status,
                                            nrp_text_of(PyBytes_AS_STRING(source)),
                                            nrp_text_of(text),
                                            daemon ? Py_True : Py_False);
    if (error != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    return NULL;
}

/* _open(source, daemon): as nrbac_engine_open(), or a compiled file's path. */
static PyObject *engine_open(PyObject *object, PyObject *args)
{
    nrp_engine *self = (nrp_engine *)object;
    PyObject *path;
    int daemon;
    nrbac_error error = { "" };
    nrbac_status status;
    if (!PyArg_ParseTuple(args, "O&p:_open", PyUnicode_FSConverter, &path, &daemon))
        return NULL;
    if (!nrp_engine_usable(self)) {
        Py_DECREF(path);
        return NULL;
    }
    const char *source = PyBytes_AS_STRING(path);
    nrp_engine_enter(self);
    PyThreadState *thread = PyEval_SaveThread();
    status = daemon ? nrbac_engine_open(self->engine, source, &error)
                    : nrbac_engine_load(self->engine, source, &error);
    PyEval_RestoreThread(thread);
    nrp_engine_leave(self);
    if (status == NRBAC_E_MEMORY)
        PyErr_NoMemory();
    else if (status != NRBAC_OK)
        raise_status(self, status, path, error.text, daemon);
    Py_DECREF(path);
    return status == NRBAC_OK ? Py_NewRef(Py_None) : NULL;
}

/* A list of nrbac.Diagnostic; NULL after raising. */
static PyObject *diagnostics_of(const nrp_engine *self, const nrbac_build *build)
{
    size_t count = nrbac_build_diagnostic_count(build);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        const nrbac_diagnostic *one = nrbac_build_diagnostic(build, i);
        PyObject *item = PyObject_CallFunction(
            self->state->diagnostic_type, "sssNIINN", one->code, one->slug,
            one->severity == NRBAC_SEVERITY_ERROR ? "error" : "warning",
            nrp_text_of(one->file), one->line, one->column, nrp_text_of(one->message),
            nrp_text_of(one->help));
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

static PyObject *raise_policy_error(const nrp_engine *self, const char *folder,
                                    nrbac_status status, PyObject *diagnostics)
{
    PyObject *text = PyUnicode_FromFormat("%s: %s", folder, nrbac_status_text(status));
    PyObject *error = text == NULL
                          ? NULL
                          : PyObject_CallFunctionObjArgs(self->state->policy_error,
                                                         text, diagnostics, NULL);
    if (error != NULL)
        PyErr_SetObject(self->state->policy_error, error);
    Py_XDECREF(text);
    Py_XDECREF(error);
    return NULL;
}

static nrbac_status compile_and_load(nrbac_engine *engine, const char *folder,
                                     const nrbac_compile_options *options,
                                     nrbac_build **build)
{
    nrbac_status status = nrbac_compile(folder, options, build);
    if (status != NRBAC_OK)
        return status;
    size_t size = 0;
    const void *image = nrbac_build_image(*build, &size);
    return nrbac_engine_load_image(engine, image, size, NULL);
}

/* _compile(folder, strict): compiles a policy folder and publishes it; the
 * diagnostics. */
static PyObject *engine_compile(PyObject *object, PyObject *args)
{
    nrp_engine *self = (nrp_engine *)object;
    nrbac_compile_options options = { 0 };
    nrbac_build *build = NULL;
    nrbac_status status;
    PyObject *path;
    int strict;
    if (!PyArg_ParseTuple(args, "O&p:_compile", PyUnicode_FSConverter, &path, &strict))
        return NULL;
    if (!nrp_engine_usable(self)) {
        Py_DECREF(path);
        return NULL;
    }
    const char *folder = PyBytes_AS_STRING(path);
    options.flags = strict ? NRBAC_COMPILE_STRICT : 0;
    nrp_engine_enter(self);
    PyThreadState *thread = PyEval_SaveThread();
    status = compile_and_load(self->engine, folder, &options, &build);
    PyEval_RestoreThread(thread);
    nrp_engine_leave(self);
    PyObject *diagnostics = build == NULL ? PyErr_NoMemory()
                                          : diagnostics_of(self, build);
    nrbac_build_destroy(build);
    if (diagnostics != NULL && status != NRBAC_OK) {
        raise_policy_error(self, folder, status, diagnostics);
        Py_CLEAR(diagnostics);
    }
    Py_DECREF(path);
    return diagnostics;
}

/* ---- Questions ---------------------------------------------------------------------------- */

typedef nrbac_value *reading(nrbac_document *document, PyObject *request);

/* The answer to a whole request, as nrbac.Answer. */
static PyObject *ask(nrp_engine *self, PyObject *request, reading *read, unsigned flags)
{
    if (!nrp_engine_usable(self))
        return NULL;
    nrbac_document *document = nrbac_document_create();
    if (document == NULL)
        return PyErr_NoMemory();
    nrbac_ask how = { .flags = self->flags | flags };
    nrbac_value *answer = NULL;
    PyObject *map = NULL, *whole = NULL;
    const nrbac_value *asked = read(document, request);
    if (asked != NULL && nrp_engine_usable(self)) { /* converting may run anything */
        nrp_engine_enter(self);
        PyThreadState *thread = self->recorded ? PyEval_SaveThread() : NULL;
        (void)nrbac_evaluate_document(self->engine, asked, &how, document, &answer);
        if (thread != NULL)
            PyEval_RestoreThread(thread);
        map = answer == NULL ? PyErr_NoMemory() : nrp_object_of(answer);
        nrp_engine_leave(self);
    }
    if (map != NULL)
        whole = PyObject_CallOneArg(self->state->answer_type, map);
    Py_XDECREF(map);
    nrbac_document_destroy(document);
    return whole;
}

static PyObject *engine_evaluate(PyObject *self, PyObject *request)
{
    return ask((nrp_engine *)self, request, nrp_request_of, 0);
}

static PyObject *engine_explain(PyObject *self, PyObject *request)
{
    return ask((nrp_engine *)self, request, nrp_request_of, NRBAC_ASK_EXPLAIN);
}

/* _evaluate(item): one of several; what is no request at all is answered so. */
static PyObject *engine_evaluate_item(PyObject *self, PyObject *item)
{
    return ask((nrp_engine *)self, item, nrp_value_of, 0);
}

static PyObject *engine_session(PyObject *self, PyObject *request)
{
    return nrp_session_open((nrp_engine *)self, request);
}

static PyObject *engine_prepare(PyObject *self, PyObject *text)
{
    return nrp_name_prepare((nrp_engine *)self, text);
}

static PyObject *engine_policy(PyObject *object, PyObject *none)
{
    nrp_engine *self = (nrp_engine *)object;
    (void)none;
    if (!nrp_engine_usable(self))
        return NULL;
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *info = document == NULL
                                  ? NULL
                                  : nrbac_policy_info(self->engine, document);
    PyObject *map = info == NULL ? PyErr_NoMemory() : nrp_object_of(info);
    nrbac_document_destroy(document);
    return map;
}

static PyObject *engine_revoke(PyObject *object, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "sid", "sub", "role_profile", NULL };
    nrp_engine *self = (nrp_engine *)object;
    nrbac_revocation which = { 0 };
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$zzz:revoke", names, &which.sid,
                                     &which.sub, &which.role_profile) ||
        !nrp_engine_usable(self))
        return NULL;
    if (which.sid == NULL && which.sub == NULL && which.role_profile == NULL) {
        PyErr_SetString(PyExc_TypeError, "say whose: sid, sub or role_profile");
        return NULL;
    }
    return PyLong_FromSize_t(nrbac_revoke(self->engine, &which));
}

static PyObject *engine_stop(PyObject *object, PyObject *stopped)
{
    nrp_engine *self = (nrp_engine *)object;
    int stop = PyObject_IsTrue(stopped);
    if (stop < 0 || !nrp_engine_usable(self))
        return NULL;
    nrbac_engine_stop(self->engine, stop != 0);
    Py_RETURN_NONE;
}

static PyObject *engine_generation(PyObject *object, void *none)
{
    nrp_engine *self = (nrp_engine *)object;
    (void)none;
    if (!nrp_engine_usable(self))
        return NULL;
    return PyLong_FromUnsignedLong(nrbac_engine_generation(self->engine));
}

static PyObject *engine_closed(PyObject *object, void *none)
{
    const nrp_engine *self = (const nrp_engine *)object;
    (void)none;
    return PyBool_FromLong(self->closing || self->engine == NULL);
}

/* ---- The type ----------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    { "_open", engine_open, METH_VARARGS, NULL },
    { "_compile", engine_compile, METH_VARARGS, NULL },
    { "_evaluate", engine_evaluate_item, METH_O, NULL },
    { "_disown", engine_disown, METH_NOARGS, NULL },
    { "evaluate", engine_evaluate, METH_O,
      PyDoc_STR(
          "evaluate($self, request, /)\n--\n\n"
          "Answers a whole request: an Answer, which is true only for a permit\n"
          "without obligations. What is wrong with the request is an answer, too.") },
    { "explain", engine_explain, METH_O,
      PyDoc_STR("explain($self, request, /)\n--\n\n"
                "As evaluate, with everything that led to the decision.") },
    { "session", engine_session, METH_O,
      PyDoc_STR("session($self, request, /)\n--\n\n"
                "Opens a Session for the subject of a request, whose action does not\n"
                "count. NotOpened, with the whole answer, if there is none.") },
    { "prepare", engine_prepare, METH_O,
      PyDoc_STR(
          "prepare($self, name, /)\n--\n\n"
          "A Name, by which this engine's sessions answer fastest. Prepare names\n"
          "of your own once and keep them: an engine never forgets a name.") },
    { "policy", engine_policy, METH_NOARGS,
      PyDoc_STR(
          "policy($self, /)\n--\n\n"
          "The policy in force: name, version, digest, generation, counts and more.") },
    { "revoke", (PyCFunction)(void (*)(void))engine_revoke,
      METH_VARARGS | METH_KEYWORDS,
      PyDoc_STR(
          "revoke($self, /, *, sid=None, sub=None, role_profile=None)\n--\n\n"
          "Ends sessions: those of which everything that is given holds. How many.") },
    { "stop", engine_stop, METH_O,
      PyDoc_STR("stop($self, stopped, /)\n--\n\n"
                "Stops all deciding with policy-stale, or lets it go on.") },
    { "close", engine_close, METH_NOARGS,
      PyDoc_STR(
          "close($self, /)\n--\n\n"
          "Closes the engine and its sessions; any use after it raises Closed.") },
    { "__enter__", engine_entered, METH_NOARGS, NULL },
    { "__exit__", (PyCFunction)(void (*)(void))engine_exit, METH_FASTCALL, NULL },
    { 0 },
};

static PyGetSetDef getters[] = {
    { "generation", engine_generation, NULL,
      PyDoc_STR("The number of the policy in force; it grows with each."), NULL },
    { "closed", engine_closed, NULL,
      PyDoc_STR(
          "Whether close() was called, or this is a forked child of its process."),
      NULL },
    { 0 },
};

static PyType_Slot slots[] = {
    { Py_tp_doc, PyDoc_STR("Decides in this process; nrbac.open() makes one.") },
    { Py_tp_new, engine_new },
    { Py_tp_dealloc, engine_dealloc },
    { Py_tp_methods, methods },
    { Py_tp_getset, getters },
    { 0, NULL },
};

PyType_Spec nrp_engine_spec = {
    .name = "nrbac._nrbac.Engine",
    .basicsize = sizeof(nrp_engine),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};
