/* SPDX-License-Identifier: Apache-2.0 */
#include "module.h"

#include <stddef.h>

/* What the module takes from the package's own Python. */
static const struct {
    const char *module, *name;
    size_t place;
} imports[] = {
    { "nrbac._types", "Decision", offsetof(nrp_state, decision_type) },
    { "nrbac._types", "Answer", offsetof(nrp_state, answer_type) },
    { "nrbac._types", "Diagnostic", offsetof(nrp_state, diagnostic_type) },
    { "nrbac._types", "moment", offsetof(nrp_state, moment) },
    { "nrbac._words", "EFFECTS", offsetof(nrp_state, effects) },
    { "nrbac._words", "REASONS", offsetof(nrp_state, reasons) },
    { "nrbac.errors", "of_status", offsetof(nrp_state, of_status) },
    { "nrbac.errors", "PolicyError", offsetof(nrp_state, policy_error) },
    { "nrbac.errors", "NotOpened", offsetof(nrp_state, not_opened) },
    { "nrbac.errors", "Closed", offsetof(nrp_state, closed) },
    { "nrbac.errors", "Forked", offsetof(nrp_state, forked) },
    { "nrbac.errors", "ForeignName", offsetof(nrp_state, foreign_name) },
};

static const struct {
    PyType_Spec *spec;
    size_t place;
} types[] = {
    { &nrp_engine_spec, offsetof(nrp_state, engine_type) },
    { &nrp_session_spec, offsetof(nrp_state, session_type) },
    { &nrp_name_spec, offsetof(nrp_state, name_type) },
};

enum {
    IMPORT_COUNT = sizeof imports / sizeof *imports,
    TYPE_COUNT = sizeof types / sizeof *types,
};

static PyObject **slot(nrp_state *state, size_t place)
{
    return (PyObject **)(void *)((char *)state + place);
}

static int run(PyObject *module)
{
    nrp_state *state = PyModule_GetState(module);
    for (int i = 0; i < IMPORT_COUNT; i++) {
        PyObject *from = PyImport_ImportModule(imports[i].module);
        PyObject *what = from == NULL ? NULL
                                      : PyObject_GetAttrString(from, imports[i].name);
        Py_XDECREF(from);
        if (what == NULL)
            return -1;
        *slot(state, imports[i].place) = what;
    }
    for (int i = 0; i < TYPE_COUNT; i++) {
        PyObject *type = PyType_FromModuleAndSpec(module, types[i].spec, NULL);
        if (type == NULL)
            return -1;
        *slot(state, types[i].place) = type;
        if (PyModule_AddType(module, (PyTypeObject *)type) != 0)
            return -1;
    }
    state->no_obligations = PyTuple_New(0);
    return state->no_obligations == NULL ||
                   PyModule_AddStringConstant(module, "VERSION", nrbac_version()) != 0
               ? -1
               : 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    nrp_state *state = PyModule_GetState(module);
    for (int i = 0; i < IMPORT_COUNT; i++)
        Py_VISIT(*slot(state, imports[i].place));
    for (int i = 0; i < TYPE_COUNT; i++)
        Py_VISIT(*slot(state, types[i].place));
    return 0;
}

static int clear(PyObject *module)
{
    nrp_state *state = PyModule_GetState(module);
    for (int i = 0; i < IMPORT_COUNT; i++)
        Py_CLEAR(*slot(state, imports[i].place));
    for (int i = 0; i < TYPE_COUNT; i++)
        Py_CLEAR(*slot(state, types[i].place));
    Py_CLEAR(state->no_obligations);
    return 0;
}

static PyModuleDef_Slot slots[] = {
    { Py_mod_exec, run },
    { 0, NULL },
};

PyModuleDef nrp_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "nrbac._nrbac",
    .m_doc = PyDoc_STR("libnrbac for Python; import nrbac instead."),
    .m_size = sizeof(nrp_state),
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
};

PyMODINIT_FUNC PyInit__nrbac(void);

PyMODINIT_FUNC PyInit__nrbac(void)
{
    return PyModuleDef_Init(&nrp_module);
}
