/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions, and the names that are asked of them. A check is one comparison of types,
 * one of engines, and nrbac_check(); whatever is not so plain goes the long way, which
 * alone words errors.
 */
#include "module.h"

#include <string.h>

/* ---- Life --------------------------------------------------------------------------- */

static nrbac_session *take(nrp_session *self)
{
    nrbac_session *session = self->session;
    if (session == NULL)
        return NULL;
    self->session = NULL;
    *self->link = self->next;
    if (self->next != NULL)
        self->next->link = self->link;
    return session;
}

void nrp_session_end(nrp_session *self)
{
    nrbac_session *session = take(self);
    if (self->busy > 0 && session != NULL)
        self->parting = session;
    else
        nrbac_session_close(session);
}

void nrp_session_disown(nrp_session *self)
{
    (void)take(self);
}

/* Around a question without the interpreter's lock: neither session nor engine goes. */
static nrbac_session *enter(nrp_session *self)
{
    self->busy++;
    nrp_engine_enter(self->engine);
    return self->session;
}

static void leave(nrp_session *self)
{
    if (--self->busy == 0) {
        nrbac_session_close(self->parting);
        self->parting = NULL;
    }
    nrp_engine_leave(self->engine);
}

static PyObject *session_make(nrp_engine *engine, nrbac_session *session,
                              PyObject *answer)
{
    PyTypeObject *type = engine->state->session_type;
    nrp_session *self = (nrp_session *)type->tp_alloc(type, 0);
    if (self == NULL) {
        nrbac_session_close(session);
        return NULL;
    }
    self->session = session;
    self->name_type = engine->state->name_type;
    self->recorded = engine->recorded;
    self->engine = (nrp_engine *)Py_NewRef(engine);
    self->answer = Py_NewRef(answer);
    self->next = engine->sessions;
    self->link = &engine->sessions;
    if (self->next != NULL)
        self->next->link = &self->next;
    engine->sessions = self;
    return (PyObject *)self;
}

static PyObject *raise_not_opened(const nrp_engine *engine, PyObject *answer)
{
    PyObject *error = PyObject_CallOneArg(engine->state->not_opened, answer);
    if (error != NULL)
        PyErr_SetObject(engine->state->not_opened, error);
    Py_XDECREF(error);
    return NULL;
}

PyObject *nrp_session_open(nrp_engine *engine, PyObject *request)
{
    if (!nrp_engine_usable(engine))
        return NULL;
    nrbac_document *document = nrbac_document_create();
    if (document == NULL)
        return PyErr_NoMemory();
    nrbac_ask how = { .flags = engine->flags };
    nrbac_value *answer = NULL;
    nrbac_session *session = NULL;
    PyObject *map = NULL, *opened = NULL;
    const nrbac_value *asked = nrp_request_of(document, request);
    if (asked != NULL && nrp_engine_usable(engine)) { /* converting may run anything */
        nrp_engine_enter(engine);
        PyThreadState *thread = PyEval_SaveThread();
        (void)nrbac_session_open_document(engine->engine, asked, &how, document,
                                          &answer, &session);
        PyEval_RestoreThread(thread);
        map = answer == NULL ? PyErr_NoMemory() : nrp_object_of(answer);
        if (map == NULL || !nrp_engine_usable(engine)) /* closed meanwhile */
            nrbac_session_close(session);
        else if (session == NULL)
            raise_not_opened(engine, map);
        else
            opened = session_make(engine, session, map);
        nrp_engine_leave(engine);
    }
    Py_XDECREF(map);
    nrbac_document_destroy(document);
    return opened;
}

static void session_dealloc(PyObject *object)
{
    nrp_session *self = (nrp_session *)object;
    PyTypeObject *type = Py_TYPE(object);
    nrp_session_end(self);
    Py_XDECREF(self->engine);
    Py_XDECREF(self->answer);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *session_close(PyObject *self, PyObject *none)
{
    (void)none;
    nrp_session_end((nrp_session *)self);
    Py_RETURN_NONE;
}

static PyObject *session_entered(PyObject *self, PyObject *none)
{
    (void)none;
    return Py_NewRef(self);
}

static PyObject *session_exit(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)args;
    (void)count;
    return session_close(self, NULL);
}

/* ---- What is asked ------------------------------------------------------------------------ */

static bool usable(const nrp_session *self)
{
    if (self->session != NULL)
        return true;
    nrp_engine_raise(self->engine, "the session is closed");
    return false;
}

static bool is_own(const nrp_session *self, PyObject *name)
{
    return Py_IS_TYPE(name, self->name_type) &&
           ((nrp_name *)name)->engine == self->engine;
}

/* A name as text; false after raising. */
static bool read_text(const nrp_session *self, PyObject *name, const char **text,
                      Py_ssize_t *size)
{
    if (PyUnicode_Check(name)) {
        *text = PyUnicode_AsUTF8AndSize(name, size);
        return *text != NULL;
    }
    if (Py_IS_TYPE(name, self->name_type))
        PyErr_Format(self->engine->state->foreign_name,
                     "`%U` was prepared by another engine", ((nrp_name *)name)->text);
    else
        PyErr_Format(PyExc_TypeError, "a name is a str or a Name, not %.100s",
                     Py_TYPE(name)->tp_name);
    return false;
}

/* What is called, by its number or its text; false after raising. */
static bool read_name(const nrp_session *self, PyObject *name, nrbac_called *called)
{
    Py_ssize_t size;
    *called = (nrbac_called){ 0 };
    if (is_own(self, name)) {
        called->number = ((nrp_name *)name)->number;
        return true;
    }
    if (!read_text(self, name, &called->text, &size))
        return false;
    called->size = (size_t)size;
    return true;
}

/* A check that gets into the daemon's trail, or is a no. It may wait for room there, and
 * others go on meanwhile. */
static int check_recorded(nrp_session *self, PyObject *name)
{
    nrbac_called called;
    if (!read_name(self, name, &called))
        return -1;
    nrbac_session *session = enter(self);
    PyThreadState *thread = PyEval_SaveThread();
    bool yes = called.text != NULL
                   ? nrbac_check_text_recorded(session, called.text, called.size)
                   : nrbac_check_recorded(session, called.number);
    PyEval_RestoreThread(thread);
    leave(self);
    return yes;
}

/* 1 yes, 0 no, -1 after raising. */
static int check(nrp_session *self, PyObject *name)
{
    const char *text;
    Py_ssize_t size;
    if (!usable(self))
        return -1;
    if (self->recorded)
        return check_recorded(self, name);
    if (is_own(self, name))
        return nrbac_check(self->session, ((nrp_name *)name)->number);
    if (!read_text(self, name, &text, &size))
        return -1;
    return nrbac_check_text(self->session, text, (size_t)size);
}

static PyObject *session_check(PyObject *object, PyObject *name)
{
    nrp_session *self = (nrp_session *)object;
    int yes = check(self, name);
    if (yes < 0)
        return NULL;
    return Py_NewRef(yes ? Py_True : Py_False);
}

/* ---- Decisions ------------------------------------------------------------------------------ */

/* What stands for a number; a newer library's slug where there is none yet. */
static PyObject *word(PyObject *words, int number, const char *slug)
{
    PyObject *known = number < PyTuple_GET_SIZE(words) ? PyTuple_GET_ITEM(words, number)
                                                       : Py_None;
    return known == Py_None ? PyUnicode_FromString(slug) : Py_NewRef(known);
}

static PyObject *obligations_of(const nrp_state *state, const nrbac_decision *decision)
{
    uint32_t count = decision->obligation_count;
    if (count == 0)
        return Py_NewRef(state->no_obligations);
    PyObject *tuple = PyTuple_New(count);
    for (uint32_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *id = PyUnicode_FromString(decision->obligations[i]);
        if (id == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, id);
    }
    return tuple;
}

/* A nrbac.Decision, which is a tuple of four. */
static PyObject *decision_object(const nrp_state *state, const nrbac_decision *decision)
{
    PyTypeObject *type = (PyTypeObject *)state->decision_type;
    PyObject *parts[4] = {
        word(state->effects, (int)decision->effect,
             nrbac_effect_slug(decision->effect)),
        word(state->reasons, (int)decision->reason,
             nrbac_reason_slug(decision->reason)),
        obligations_of(state, decision),
        PyLong_FromUnsignedLong(decision->generation),
    };
    PyObject *whole = type->tp_alloc(type, 4);
    for (int i = 0; i < 4; i++) {
        if (whole != NULL && parts[i] == NULL)
            Py_CLEAR(whole);
        if (whole != NULL)
            PyTuple_SET_ITEM(whole, i, parts[i]);
        else
            Py_XDECREF(parts[i]);
    }
    return whole;
}

/* The engine is kept meanwhile: obligations belong to it, and making objects may run
 * anything, also what closes it. */
static PyObject *session_decide(PyObject *object, PyObject *name)
{
    nrp_session *self = (nrp_session *)object;
    nrbac_decision decision;
    nrbac_called called;
    if (!usable(self) || !read_name(self, name, &called))
        return NULL;
    nrbac_session *session = enter(self);
    PyThreadState *thread = self->recorded ? PyEval_SaveThread() : NULL;
    if (called.text != NULL)
        nrbac_decide_text_into(session, called.text, called.size, &decision);
    else
        nrbac_decide_into(session, called.number, &decision);
    if (thread != NULL)
        PyEval_RestoreThread(thread);
    PyObject *whole = decision_object(self->engine->state, &decision);
    leave(self);
    return whole;
}

/* ---- Several at once -------------------------------------------------------------------- */

/* A list of what `one` says of each name; the border is crossed once. */
static PyObject *each(PyObject *self, PyObject *names,
                      PyObject *(*one)(PyObject *self, PyObject *name))
{
    if (PyUnicode_Check(names)) {
        PyErr_SetString(PyExc_TypeError, "several names are a list of them, not a str");
        return NULL;
    }
    PyObject *all = PySequence_Tuple(names);
    if (all == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(all);
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        PyObject *item = one(self, PyTuple_GET_ITEM(all, i));
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    Py_DECREF(all);
    return list;
}

static PyObject *session_check_many(PyObject *self, PyObject *names)
{
    return each(self, names, session_check);
}

static PyObject *session_decide_many(PyObject *self, PyObject *names)
{
    return each(self, names, session_decide);
}

/* ---- About it ------------------------------------------------------------------------------ */

static PyObject *session_valid_until(PyObject *object, void *none)
{
    const nrp_session *self = (const nrp_session *)object;
    (void)none;
    if (!usable(self))
        return NULL;
    int64_t seconds = nrbac_session_valid_until(self->session);
    return PyObject_CallFunction(self->engine->state->moment, "L", (long long)seconds);
}

static PyObject *session_answer(PyObject *object, void *none)
{
    (void)none;
    return Py_NewRef(((nrp_session *)object)->answer);
}

static PyObject *session_closed(PyObject *object, void *none)
{
    (void)none;
    return PyBool_FromLong(((nrp_session *)object)->session == NULL);
}

static PyMethodDef methods[] = {
    { "check", session_check, METH_O,
      PyDoc_STR(
          "check($self, name, /)\n--\n\n"
          "May the subject do this? True only for a permit without obligations on a\n"
          "session that has neither expired nor been revoked.") },
    { "check_many", session_check_many, METH_O,
      PyDoc_STR("check_many($self, names, /)\n--\n\n"
                "check() of each name, as a list, in one call.") },
    { "decide", session_decide, METH_O,
      PyDoc_STR(
          "decide($self, name, /)\n--\n\n"
          "The Decision with its reason and obligations; the question to ask for a\n"
          "name whose permit carries obligations.") },
    { "decide_many", session_decide_many, METH_O,
      PyDoc_STR("decide_many($self, names, /)\n--\n\n"
                "decide() of each name, as a list, in one call.") },
    { "close", session_close, METH_NOARGS,
      PyDoc_STR("close($self, /)\n--\n\n"
                "Ends the session; any question after it raises Closed.") },
    { "__enter__", session_entered, METH_NOARGS, NULL },
    { "__exit__", (PyCFunction)(void (*)(void))session_exit, METH_FASTCALL, NULL },
    { 0 },
};

static PyGetSetDef getters[] = {
    { "valid_until", session_valid_until, NULL,
      PyDoc_STR(
          "When the subject's evidence expires, as a datetime in UTC; None: it does\n"
          "not say."),
      NULL },
    { "answer", session_answer, NULL,
      PyDoc_STR("The answer to its opening: profile, activities, functions and more."),
      NULL },
    { "closed", session_closed, NULL, PyDoc_STR("Whether it was closed."), NULL },
    { 0 },
};

static PyType_Slot session_slots[] = {
    { Py_tp_doc,
      PyDoc_STR(
          "A subject in the role profile in force; Engine.session() opens one.") },
    { Py_tp_dealloc, session_dealloc },
    { Py_tp_methods, methods },
    { Py_tp_getset, getters },
    { 0, NULL },
};

PyType_Spec nrp_session_spec = {
    .name = "nrbac._nrbac.Session",
    .basicsize = sizeof(nrp_session),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = session_slots,
};

/* ---- Names ------------------------------------------------------------------------------------ */

PyObject *nrp_name_prepare(nrp_engine *engine, PyObject *text)
{
    Py_ssize_t size;
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "a name is a str, not %.100s",
                     Py_TYPE(text)->tp_name);
        return NULL;
    }
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &size);
    if (utf8 == NULL || !nrp_engine_usable(engine))
        return NULL;
    if (strlen(utf8) != (size_t)size) {
        PyErr_SetString(PyExc_ValueError, "a name holds no NUL");
        return NULL;
    }
    nrbac_name number = nrbac_prepare(engine->engine, utf8);
    if (number == 0) {
        PyErr_SetString(PyExc_MemoryError, "an engine has room for 1,048,576 names");
        return NULL;
    }
    PyTypeObject *type = engine->state->name_type;
    nrp_name *self = (nrp_name *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->engine = (nrp_engine *)Py_NewRef(engine);
    self->text = Py_NewRef(text);
    self->number = number;
    return (PyObject *)self;
}

static void name_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF(((nrp_name *)object)->engine);
    Py_XDECREF(((nrp_name *)object)->text);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *name_text(PyObject *object)
{
    return Py_NewRef(((nrp_name *)object)->text);
}

static PyObject *name_repr(PyObject *object)
{
    return PyUnicode_FromFormat("<nrbac.Name %R>", ((nrp_name *)object)->text);
}

static PyType_Slot name_slots[] = {
    { Py_tp_doc,
      PyDoc_STR("A prepared name; Engine.prepare() makes one, str() is its text.") },
    { Py_tp_dealloc, name_dealloc },
    { Py_tp_str, name_text },
    { Py_tp_repr, name_repr },
    { 0, NULL },
};

PyType_Spec nrp_name_spec = {
    .name = "nrbac._nrbac.Name",
    .basicsize = sizeof(nrp_name),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = name_slots,
};
