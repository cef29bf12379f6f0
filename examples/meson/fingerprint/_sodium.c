/* BLAKE2b by libsodium. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <sodium.h>

static PyObject *blake2b(PyObject *self, PyObject *args)
{
    const char *data;
    Py_ssize_t size;
    unsigned char hash[16];

    if (!PyArg_ParseTuple(args, "y#", &data, &size))
        return NULL;
    if (crypto_generichash(hash, sizeof hash, (const unsigned char *)data, size, NULL, 0) != 0)
        return PyErr_Format(PyExc_RuntimeError, "libsodium has no hash");
    return PyBytes_FromStringAndSize((const char *)hash, sizeof hash);
}

static PyMethodDef methods[] = {{"blake2b", blake2b, METH_VARARGS, "16 bytes of hash"}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_sodium", NULL, -1, methods};

PyMODINIT_FUNC PyInit__sodium(void)
{
    if (sodium_init() < 0)
        return PyErr_Format(PyExc_ImportError, "libsodium cannot be used");
    return PyModule_Create(&module);
}
