/* SPDX-License-Identifier: Apache-2.0 */
#include "module.h"

#include <math.h>
#include <string.h>

enum { DEPTH_MAX = 64 }; /* as JSON may have */

/* Where in the request a value stands, for what is said when it cannot be taken. */
typedef struct place {
    const struct place *outer;
    PyObject *key; /* of a map, borrowed; NULL: an item of a list */
    Py_ssize_t index;
    int depth;
} place;

static nrbac_value *convert(nrbac_document *document, PyObject *object,
                            const place *here);

/* "subject.properties[3]"; NULL after raising MemoryError. */
static PyObject *place_text(const place *here)
{
    if (here->outer == NULL)
        return PyUnicode_FromString("request");
    PyObject *outer = place_text(here->outer);
    if (outer == NULL)
        return NULL;
    PyObject *text = here->key != NULL
                         ? PyUnicode_FromFormat("%U.%S", outer, here->key)
                         : PyUnicode_FromFormat("%U[%zd]", outer, here->index);
    Py_DECREF(outer);
    return text;
}

static nrbac_value *refuse(const place *here, PyObject *error, const char *what)
{
    PyObject *text = place_text(here);
    if (text != NULL)
        PyErr_Format(error, "%U %s", text, what);
    Py_XDECREF(text);
    return NULL;
}

/* The UTF-8 of a text, borrowed from it; NULL after raising. */
static const char *utf8_of(PyObject *text, Py_ssize_t *size, const place *here)
{
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, size);
    if (utf8 == NULL) {
        PyErr_Clear();
        refuse(here, PyExc_ValueError, "is not text that UTF-8 can hold");
    } else if (memchr(utf8, '\0', (size_t)*size) != NULL) {
        refuse(here, PyExc_ValueError, "holds a NUL");
        utf8 = NULL;
    }
    return utf8;
}

static nrbac_value *convert_integer(nrbac_document *document, PyObject *object,
                                    const place *here)
{
    int over;
    long long integer = PyLong_AsLongLongAndOverflow(object, &over);
    if (over != 0)
        return refuse(here, PyExc_ValueError, "does not fit into 64 bits");
    return nrbac_new_integer(document, integer);
}

static nrbac_value *convert_real(nrbac_document *document, PyObject *object,
                                 const place *here)
{
    double real = PyFloat_AS_DOUBLE(object);
    if (!isfinite(real))
        return refuse(here, PyExc_ValueError, "is not a finite number");
    return nrbac_new_real(document, real);
}

static nrbac_value *convert_text(nrbac_document *document, PyObject *object,
                                 const place *here)
{
    Py_ssize_t size;
    const char *text = utf8_of(object, &size, here);
    return text == NULL ? NULL : nrbac_new_text_of(document, text, (size_t)size);
}

/* A list or tuple, which its items may change while they are read. */
static nrbac_value *convert_list(nrbac_document *document, PyObject *object,
                                 const place *here)
{
    nrbac_value *list = nrbac_new_list(document);
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); i++) {
        place inner = { here, NULL, i, here->depth + 1 };
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(object, i));
        nrbac_value *value = convert(document, item, &inner);
        Py_DECREF(item);
        if (PyErr_Occurred() != NULL)
            return NULL;
        nrbac_append(document, list, value);
    }
    return list;
}

/* Adds a member; false after raising. */
static bool convert_member(nrbac_document *document, nrbac_value *map, PyObject *key,
                           PyObject *object, const place *here)
{
    place inner = { here, key, 0, here->depth + 1 };
    Py_ssize_t size;
    if (!PyUnicode_Check(key)) {
        refuse(here, PyExc_TypeError, "has a key that is not a text");
        return false;
    }
    const char *text = utf8_of(key, &size, here);
    if (text == NULL)
        return false;
    nrbac_value *value = convert(document, object, &inner);
    if (PyErr_Occurred() != NULL)
        return false;
    nrbac_set_of(document, map, text, (size_t)size, value);
    return true;
}

static nrbac_value *convert_dict(nrbac_document *document, PyObject *object,
                                 const place *here)
{
    nrbac_value *map = nrbac_new_map(document);
    PyObject *key, *value;
    Py_ssize_t at = 0;
    bool sound = true;
    while (sound && PyDict_Next(object, &at, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        sound = convert_member(document, map, key, value, here);
        Py_DECREF(key);
        Py_DECREF(value);
    }
    return sound ? map : NULL;
}

/* Any other mapping: its items, as it gives them. */
static nrbac_value *convert_mapping(nrbac_document *document, PyObject *object,
                                    const place *here)
{
    PyObject *plain = PyDict_New();
    nrbac_value *map = NULL;
    if (plain != NULL && PyDict_Update(plain, object) == 0)
        map = convert_dict(document, plain, here);
    Py_XDECREF(plain);
    return map;
}

static bool is_mapping(PyObject *object)
{
    return PyDict_Check(object) ||
           (PyMapping_Check(object) && PyObject_HasAttrString(object, "keys"));
}

static nrbac_value *convert(nrbac_document *document, PyObject *object,
                            const place *here)
{
    if (here->depth > DEPTH_MAX)
        return refuse(here, PyExc_ValueError, "is nested deeper than 64");
    if (PyUnicode_Check(object))
        return convert_text(document, object, here);
    if (PyDict_CheckExact(object))
        return convert_dict(document, object, here);
    if (PyList_Check(object) || PyTuple_Check(object))
        return convert_list(document, object, here);
    if (object == Py_None)
        return nrbac_new_null(document);
    if (PyBool_Check(object))
        return nrbac_new_boolean(document, object == Py_True);
    if (PyLong_Check(object))
        return convert_integer(document, object, here);
    if (PyFloat_Check(object))
        return convert_real(document, object, here);
    if (is_mapping(object))
        return convert_mapping(document, object, here);
    return refuse(here, PyExc_TypeError,
                  "is none of str, int, float, bool, None, mapping, list and tuple");
}

nrbac_value *nrp_request_of(nrbac_document *document, PyObject *request)
{
    if (is_mapping(request))
        return nrp_value_of(document, request);
    PyErr_Format(PyExc_TypeError, "a request is a mapping, not %.100s",
                 Py_TYPE(request)->tp_name);
    return NULL;
}

nrbac_value *nrp_value_of(nrbac_document *document, PyObject *request)
{
    place here = { .outer = NULL };
    nrbac_value *value = convert(document, request, &here);
    if (PyErr_Occurred() == NULL && nrbac_document_status(document) != NRBAC_OK)
        PyErr_NoMemory();
    return PyErr_Occurred() == NULL ? value : NULL;
}

/* ---- And back ----------------------------------------------------------------------- */

PyObject *nrp_text_of(const char *text)
{
    if (text == NULL)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

/* Keys and short texts of answers are codes, slugs and names, the same in every one:
 * interned, an answer that is kept holds pointers to them. */
enum { INTERNED_SIZE_MAX = 40 };

static PyObject *text_object(const char *text, size_t size)
{
    PyObject *object = PyUnicode_FromStringAndSize(text, (Py_ssize_t)size);
    if (object != NULL && size <= INTERNED_SIZE_MAX)
        PyUnicode_InternInPlace(&object);
    return object;
}

static PyObject *list_object(const nrbac_value *value)
{
    size_t count = nrbac_value_count(value);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *item = nrp_object_of(nrbac_value_at(value, i));
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

static PyObject *map_object(const nrbac_value *value)
{
    size_t count = nrbac_value_count(value);
    PyObject *map = PyDict_New();
    for (size_t i = 0; map != NULL && i < count; i++) {
        const char *name = nrbac_value_key(value, i);
        PyObject *key = text_object(name, strlen(name));
        PyObject *item = key == NULL ? NULL : nrp_object_of(nrbac_value_at(value, i));
        if (item == NULL || PyDict_SetItem(map, key, item) != 0)
            Py_CLEAR(map);
        Py_XDECREF(key);
        Py_XDECREF(item);
    }
    return map;
}

PyObject *nrp_object_of(const nrbac_value *value)
{
    switch (nrbac_value_kind(value)) {
    case NRBAC_KIND_NULL:
        Py_RETURN_NONE;
    case NRBAC_KIND_BOOLEAN:
        return PyBool_FromLong(nrbac_value_boolean(value));
    case NRBAC_KIND_INTEGER:
        return PyLong_FromLongLong(nrbac_value_integer(value));
    case NRBAC_KIND_REAL:
        return PyFloat_FromDouble(nrbac_value_real(value));
    case NRBAC_KIND_TEXT:
        return text_object(nrbac_value_text(value), nrbac_value_text_size(value));
    case NRBAC_KIND_LIST:
        return list_object(value);
    case NRBAC_KIND_MAP:
        return map_object(value);
    }
    Py_RETURN_NONE;
}
