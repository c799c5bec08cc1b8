# cython: language_level=3, boundscheck=True, wraparound=False, embedsignature=True
"""
The compiled build of L{twisted_basic_ng._accelerate.values}: same arguments, results and errors.

It looks for overridden hooks as Python itself does, in the types and in the arguments' own
dictionaries, but creates no bound methods.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError, PyDict_SetItem, PyDict_Size
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_FromLongLong
from cpython.object cimport PyObject, PyTypeObject
from cpython.unicode cimport PyUnicode_AsUTF8String, PyUnicode_DecodeUTF8

from .steps import noteStep

cdef extern from "Python.h":
    PyObject *_PyType_Lookup(PyTypeObject *kind, object name)
    object PyObject_GenericGetDict(object owner, void *context)
    PyTypeObject *Py_TYPE(object owner)
    int PyDict_CheckExact(object owner)
    # Not <PyObject *> True: Cython treats that constant as a number, and the pointer would be 1.
    PyObject *_TRUE "Py_True"
    PyObject *_FALSE "Py_False"

cdef extern from *:
    """
    #define usesGenericGetAttr(owner) (Py_TYPE(owner)->tp_getattro == PyObject_GenericGetAttr)
    #define hasDict(owner) (Py_TYPE(owner)->tp_dictoffset != 0 || usesManagedDict(owner))
    #ifdef Py_TPFLAGS_MANAGED_DICT
    #define usesManagedDict(owner) (Py_TYPE(owner)->tp_flags & Py_TPFLAGS_MANAGED_DICT)
    #else
    #define usesManagedDict(owner) 0
    #endif
    """
    bint usesGenericGetAttr(object owner)
    bint hasDict(object owner)

#: The maximal number of digits to read here, and of values to write without copying the dictionary.
cdef enum:
    _DIGITS = 18
    _MANY = 32

cdef enum:
    _REQUIRED
    _OPTIONAL
    _OVERRIDDEN


cdef inline bint _has(object argument, str name, object function):
    """Whether the type of C{argument} has C{function} as its attribute C{name}."""
    return _PyType_Lookup(Py_TYPE(argument), name) == <PyObject *> function


cdef int _look(object argument, tuple hooks, str box, str proto, str last) except -1:
    """
    Look for overridden hooks.

    @param hooks: the functions called C{box}, C{retrieve} and C{proto}.
    @return: C{_OVERRIDDEN} if one of them is overridden, or C{last} is set on the argument itself;
        else C{_OPTIONAL} or C{_REQUIRED}.
    """
    cdef dict own
    cdef PyObject *optional
    cdef PyObject *inherited
    if not usesGenericGetAttr(argument) or not hasDict(argument):
        return _OVERRIDDEN
    if not _has(argument, box, hooks[0]) or not _has(argument, "retrieve", hooks[1]) or not _has(argument, proto, hooks[2]):
        return _OVERRIDDEN
    own = PyObject_GenericGetDict(argument, NULL)
    optional = PyDict_GetItemWithError(own, "optional")
    if optional == NULL or PyDict_Size(own) > 1:
        if box in own or "retrieve" in own or proto in own or last in own:
            return _OVERRIDDEN
    inherited = _PyType_Lookup(Py_TYPE(argument), "optional")
    # Any other value may be a property, which precedes the argument's own attribute.
    if inherited == _TRUE or inherited == _FALSE:
        if optional == NULL:
            optional = inherited
        if optional == _TRUE:
            return _OPTIONAL
        if optional == _FALSE:
            return _REQUIRED
    return _OPTIONAL if argument.optional else _REQUIRED


cdef object _number(bytes string):
    """Read a decimal number."""
    cdef const char *raw = PyBytes_AS_STRING(string)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(string)
    cdef Py_ssize_t at = 0
    cdef long long number = 0
    cdef bint isNegative = size > 1 and raw[0] == c"-"
    if isNegative:
        at = 1
    if size - at == 0 or size - at > _DIGITS:
        return int(string)
    while at < size:
        if not c"0" <= raw[at] <= c"9":
            return int(string)
        number = number * 10 + (raw[at] - c"0")
        at += 1
    return PyLong_FromLongLong(-number if isNegative else number)


cdef object _digits(object value):
    """Write a decimal number."""
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    cdef unsigned long long rest
    cdef char[24] written
    cdef int at = 24
    if overflow:
        return b"%d" % (value,)
    rest = <unsigned long long> number
    if number < 0:
        rest = 0 - rest
    while True:
        at -= 1
        written[at] = <char> (c"0" + rest % 10)
        rest //= 10
        if rest == 0:
            break
    if number < 0:
        at -= 1
        written[at] = c"-"
    return PyBytes_FromStringAndSize(written + at, 24 - at)


cdef object _read(object argument, object string, tuple plain):
    """Read a value of a type; the argument itself has no C{fromString}."""
    cdef PyObject *reader = _PyType_Lookup(Py_TYPE(argument), "fromString")
    if type(string) is bytes:
        if reader == <PyObject *> plain[3]:
            return _number(string)
        if _PyType_Lookup(<PyTypeObject *> plain[0], "fromString") == <PyObject *> plain[1]:
            if reader == <PyObject *> plain[1]:
                return string
            if reader == <PyObject *> plain[5]:
                return PyUnicode_DecodeUTF8(PyBytes_AS_STRING(string), PyBytes_GET_SIZE(string), NULL)
    return argument.fromString(string)


cdef object _write(object argument, object value, tuple plain):
    """Write a value of a type; the argument itself has no C{toString}."""
    cdef PyObject *writer = _PyType_Lookup(Py_TYPE(argument), "toString")
    if writer == <PyObject *> plain[4]:
        if type(value) is int:
            return _digits(value)
    elif _PyType_Lookup(<PyTypeObject *> plain[0], "toString") == <PyObject *> plain[2]:
        if writer == <PyObject *> plain[2]:
            return value
        if writer == <PyObject *> plain[6] and type(value) is str:
            return PyUnicode_AsUTF8String(value)
    return argument.toString(value)


def areGiven(arglist, dict objects not None, identifiers not None):
    for name, _ in arglist:
        if _identifier(identifiers, name) not in objects:
            return False
    return True


def areKnown(arglist, objects, identifiers not None):
    cdef set known = set()
    for name, _ in arglist:
        known.add(_identifier(identifiers, name))
    for name in objects:
        if name not in known:
            return False
    return True


cdef int _check(object identifiers, object hooks) except -1:
    if not isinstance(identifiers, dict):
        raise TypeError("identifiers is not a dictionary")
    if not isinstance(hooks, tuple) or len(hooks) != 5:
        raise TypeError("hooks is not what it should be")
    return 0


cdef inline str _identifier(object identifiers, object name):
    """Return the Python name of an argument."""
    cdef PyObject *found = PyDict_GetItemWithError(identifiers, name)
    return <str> found if found != NULL else identifiers[name]


cdef int _readBox(
    object strings, object arglist, dict objects, object proto, object identifiers, object hooks
) except -1:
    cdef tuple reading = (<tuple> hooks)[0]
    cdef tuple plain = (<tuple> hooks)[4]
    cdef object remaining = None
    cdef Py_ssize_t taken = 0
    cdef set kept = None
    cdef PyObject *string
    cdef int kind
    cdef str identifier
    if type(strings) not in <tuple> (<tuple> hooks)[2]:
        remaining = strings.copy()
    name = None
    try:
        for name, argument in arglist:
            identifier = _identifier(identifiers, name)
            if remaining is None:
                kind = _OVERRIDDEN if identifier in objects else _look(
                    argument, reading, "fromBox", "fromStringProto", "fromString"
                )
                if kind != _OVERRIDDEN:
                    string = PyDict_GetItemWithError(strings, name)
                    if kind == _OPTIONAL and (string == NULL or string == <PyObject *> None):
                        objects[identifier] = None
                        if string != NULL:
                            kept = kept or set()
                            kept.add(name)
                    elif string == NULL:
                        raise KeyError(name)
                    else:
                        # Keeps a reference, even if the argument changes the box.
                        value = <object> string
                        objects[identifier] = _read(argument, value, plain)
                    taken += 1
                    continue
                remaining = strings.copy()
                for each, _ in arglist:
                    if taken == 0:
                        break
                    taken -= 1
                    if kept is None or each not in kept:
                        remaining.pop(each, None)
            argument.fromBox(name, remaining, objects, proto)
    except Exception as error:
        noteStep(error, name)
        raise
    return 0


def readBox(strings, arglist, objects not None, proto, identifiers not None, hooks not None):
    _check(identifiers, hooks)
    _readBox(strings, arglist, objects, proto, identifiers, hooks)


def readBoxes(boxes, arglist, list rows not None, proto, identifiers not None, hooks not None):
    cdef dict row
    _check(identifiers, hooks)
    for box in boxes:
        row = {}
        rows.append(row)
        _readBox(box, arglist, row, proto, identifiers, hooks)


def writeBox(objects, arglist, strings not None, proto, identifiers not None, hooks not None):
    _check(identifiers, hooks)
    cdef tuple writing = (<tuple> hooks)[1]
    cdef tuple plain = (<tuple> hooks)[4]
    cdef object remaining = None if PyDict_CheckExact(objects) else objects.copy()
    cdef bint isBox = type(strings) in <tuple> (<tuple> hooks)[2]
    cdef PyObject *found
    cdef list taken = []
    cdef int kind
    cdef str identifier
    name = None
    try:
        for name, argument in arglist:
            identifier = _identifier(identifiers, name)
            if remaining is None:
                kind = _OVERRIDDEN
                if len(taken) < _MANY and identifier not in taken:
                    kind = _look(argument, writing, "toBox", "toStringProto", "toString")
                if kind != _OVERRIDDEN:
                    found = PyDict_GetItemWithError(objects, identifier)
                    if kind == _OPTIONAL and (found == NULL or found == <PyObject *> None):
                        continue
                    if found == NULL:
                        raise KeyError(identifier)
                    # Keeps a reference, even if the argument changes the dictionary.
                    value = <object> found
                    value = _write(argument, value, plain)
                    if isBox:
                        PyDict_SetItem(strings, name, value)
                    else:
                        strings[name] = value
                    taken.append(identifier)
                    continue
                remaining = objects.copy()
                for each in taken:
                    remaining.pop(each, None)
            argument.toBox(name, strings, remaining, proto)
    except Exception as error:
        noteStep(error, name)
        raise
