/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call into C costs in Python at the least: a method of one argument, on a type
 * like those of nrbac._nrbac, that answers False and looks at nothing. ./bench alone
 * builds it.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *empty(PyObject *self, PyObject *argument)
{
    (void)self;
    (void)argument;
    Py_RETURN_FALSE;
}

static PyMethodDef methods[] = { { "empty", empty, METH_O, NULL }, { 0 } };

static PyType_Slot slots[] = { { Py_tp_methods, methods }, { 0, NULL } };

static PyType_Spec spec = {
    .name = "bench_empty.Session",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "bench_empty",
    .m_size = -1,
};

PyMODINIT_FUNC PyInit_bench_empty(void);

PyMODINIT_FUNC PyInit_bench_empty(void)
{
    PyObject *made = PyModule_Create(&module);
    PyObject *type = made == NULL ? NULL : PyType_FromSpec(&spec);
    if (type == NULL || PyModule_AddObjectRef(made, "Session", type) != 0)
        Py_CLEAR(made);
    Py_XDECREF(type);
    return made;
}
