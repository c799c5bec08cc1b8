# cython: language_level=3, boundscheck=True, wraparound=False, embedsignature=True
"""
The compiled build of L{twisted_basic_ng._accelerate.framing}'s inner loops: same arguments, results
and errors.

This is a second source, because compiling the Python source gains little: it spends its time on
slices, integers and tuples, which are plain C here.  Every read is checked against the size of
C{data} first.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError, PyDict_Keys, PyDict_SetItem, PyDict_Size
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.object cimport PyObject, PyTypeObject
from libc.string cimport memchr, memcmp, memcpy

from .framing import LONGEST, Stop, _bound as _boundOf, splitStrings as _splitStrings

cdef extern from "Python.h":
    PyObject *_PyType_Lookup(PyTypeObject *kind, object name)
    PyTypeObject *Py_TYPE(object owner)

cdef extern from *:
    """
    static PyObject *allocateDict(PyTypeObject *kind, PyObject *arguments) {
        return PyDict_Type.tp_new(kind, arguments, NULL);
    }
    """
    object _allocateDict "allocateDict"(type kind, object arguments)

cdef tuple _NO_ARGUMENTS = ()

cdef object _ITEMS = dict.__dict__["items"]

#: A cache of recent keys: most boxes share their keys, and finding one is cheaper than creating it
#: and computing its hash.
cdef enum:
    _SLOTS = 128
    _LONGEST_KNOWN = 32

cdef list _KNOWN = [None] * _SLOTS

cdef long long _LONGEST = LONGEST
cdef int _MALFORMED = Stop.MALFORMED
cdef int _TOO_LONG = Stop.TOO_LONG
cdef int _UNTERMINATED = Stop.UNTERMINATED


cdef Py_ssize_t _bound(object limit) except? -1:
    """Convert the limit to a number that C can hold with one more digit."""
    cdef int overflow = 0
    cdef long long bound
    if type(limit) is int:
        bound = PyLong_AsLongLongAndOverflow(limit, &overflow)
        if overflow == 0 and bound <= _LONGEST:
            return bound
    return _boundOf(limit)


cdef int _checkStart(Py_ssize_t start) except -1:
    if start < 0:
        raise ValueError("start is negative")
    return 0


cdef Py_ssize_t _find(const char *data, Py_ssize_t start, Py_ssize_t stop, const char *sought, Py_ssize_t size) noexcept:
    """Find the C{size} bytes at C{sought}, completely before C{stop}; -1 if they are not there."""
    cdef const char *found
    cdef const char *at = data + start
    cdef const char *last = data + stop - size  # the last possible beginning
    while at <= last:
        found = <const char *> memchr(at, sought[0], last - at + 1)
        if found == NULL:
            return -1
        if size == 1 or memcmp(found + 1, sought + 1, size - 1) == 0:
            return found - data
        at = found + 1
    return -1


def splitLines(bytes data not None, Py_ssize_t start, bytes delimiter not None, Py_ssize_t window):
    """See L{twisted_basic_ng._accelerate.framing.splitLines}."""
    cdef const char *raw = PyBytes_AS_STRING(data)
    cdef const char *sought = PyBytes_AS_STRING(delimiter)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef Py_ssize_t width = PyBytes_GET_SIZE(delimiter)
    cdef Py_ssize_t stop = size if window > size - start else start + window
    cdef Py_ssize_t end
    cdef list lines = []
    _checkStart(start)
    if width == 0:
        return lines, start
    while True:
        end = _find(raw, start, stop, sought, width)
        if end < 0:
            break
        lines.append(PyBytes_FromStringAndSize(raw + start, end - start))
        start = end + width
    if not lines:
        end = _find(raw, max(start, stop - width + 1), size, sought, width)
        if end >= 0:
            lines.append(PyBytes_FromStringAndSize(raw + start, end - start))
            start = end + width
    return lines, start


cdef int _width(str structFormat, object prefixLength):
    """The size of an unsigned prefix in network byte order; 0 for any other format."""
    if structFormat == "!I" or structFormat == ">I" or structFormat == "!L" or structFormat == ">L":
        return 4 if prefixLength == 4 else 0
    if structFormat == "!H" or structFormat == ">H":
        return 2 if prefixLength == 2 else 0
    if structFormat == "!B" or structFormat == ">B":
        return 1 if prefixLength == 1 else 0
    return 0


def splitStrings(bytes data not None, Py_ssize_t start, str structFormat not None, prefixLength, limit, Py_ssize_t most):
    """See L{twisted_basic_ng._accelerate.framing.splitStrings}."""
    cdef const unsigned char *raw = <const unsigned char *> PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef int width = _width(structFormat, prefixLength)
    cdef Py_ssize_t bound
    cdef Py_ssize_t length
    cdef int place
    cdef list strings = []
    _checkStart(start)
    if width == 0:
        return _splitStrings(data, start, structFormat, prefixLength, limit, most)
    bound = _bound(limit)
    while most > 0:
        if size - start < width:
            return strings, start, width
        length = 0
        for place in range(width):
            length = (length << 8) | raw[start + place]
        if length > bound:
            return strings, start, _TOO_LONG
        if size - start - width < length:
            return strings, start, width + length
        strings.append(PyBytes_FromStringAndSize(<const char *> raw + start + width, length))
        start += width + length
        most -= 1
    return strings, start, 0


def splitNetstrings(bytes data not None, Py_ssize_t start, limit, Py_ssize_t most):
    """See L{twisted_basic_ng._accelerate.framing.splitNetstrings}."""
    cdef const unsigned char *raw = <const unsigned char *> PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef Py_ssize_t bound = _bound(limit)
    cdef Py_ssize_t widest = len(str(bound)) + 1
    cdef Py_ssize_t at, stop, length
    cdef list strings = []
    _checkStart(start)
    while start < size and most > 0:
        stop = min(size, start + widest)
        length = 0
        at = start
        while at < stop and 48 <= raw[at] <= 57:
            length = length * 10 + (raw[at] - 48)
            at += 1
        if at == start or (at < stop and raw[at] != 58) or (at - start > 1 and raw[start] == 48):
            return strings, start, _MALFORMED
        if length > bound:
            return strings, start, _TOO_LONG
        if at == stop:
            return strings, start, size - start + 1
        at += 1
        if size - at <= length:
            return strings, start, at + length + 1 - start
        if raw[at + length] != 44:
            return strings, start, _UNTERMINATED
        strings.append(PyBytes_FromStringAndSize(<const char *> raw + at, length))
        start = at + length + 1
        most -= 1
    return strings, start, 0


def formatBox(box not None):
    """See L{twisted_basic_ng._accelerate.framing.formatBox}."""
    cdef list keys
    cdef Py_ssize_t total = 2
    cdef Py_ssize_t size
    cdef object key, value
    cdef PyObject *found
    cdef bytes whole
    cdef unsigned char *at
    cdef list values = []
    if not isinstance(box, dict) or _PyType_Lookup(Py_TYPE(box), "items") != <PyObject *> _ITEMS:
        return None  # its class defines its own items
    keys = PyDict_Keys(box)
    keys.sort()
    for key in keys:
        if type(key) is not bytes:
            return None
        found = PyDict_GetItemWithError(box, key)
        if found == NULL or type(<object> found) is not bytes:
            return None
        value = <object> found
        if PyBytes_GET_SIZE(key) > 255 or PyBytes_GET_SIZE(value) > 65535:
            return None
        total += 4 + PyBytes_GET_SIZE(key) + PyBytes_GET_SIZE(value)
        values.append(value)
    whole = PyBytes_FromStringAndSize(NULL, total)
    at = <unsigned char *> PyBytes_AS_STRING(whole)
    for index in range(len(keys)):
        for string in (keys[index], values[index]):
            size = PyBytes_GET_SIZE(string)
            at[0] = size >> 8
            at[1] = size & 0xFF
            memcpy(at + 2, PyBytes_AS_STRING(string), size)
            at += 2 + size
    at[0] = at[1] = 0
    return whole


def parseBox(bytes data not None, Py_ssize_t start, box not None, bytes key):
    """See L{twisted_basic_ng._accelerate.framing.parseBox}."""
    cdef const unsigned char *raw = <const unsigned char *> PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef Py_ssize_t length
    _checkStart(start)
    while True:
        if size - start < 2:
            return start, key, 2
        length = (raw[start] << 8) | raw[start + 1]
        if key is None:
            if length > 255:
                return start, None, _TOO_LONG
            if length == 0:
                return start + 2, None, 0
            if size - start - 2 < length:
                return start, None, 2 + length
            key = _key(raw + start + 2, length)
        else:
            if size - start - 2 < length:
                return start, key, 2 + length
            PyDict_SetItem(box, key, PyBytes_FromStringAndSize(<const char *> raw + start + 2, length))
            key = None
        start += 2 + length


cdef inline bytes _key(const unsigned char *raw, Py_ssize_t size):
    """
    Return the key of C{size} bytes at C{raw}, at least one; if it is in the cache, the same object.
    """
    cdef Py_ssize_t slot
    cdef object known
    cdef bytes key
    if size > _LONGEST_KNOWN:
        return PyBytes_FromStringAndSize(<const char *> raw, size)
    slot = (raw[0] + 7 * raw[size - 1] + 31 * size) % _SLOTS
    known = _KNOWN[slot]
    if known is not None:
        key = <bytes> known
        if PyBytes_GET_SIZE(key) == size and memcmp(PyBytes_AS_STRING(key), raw, size) == 0:
            return key
    key = PyBytes_FromStringAndSize(<const char *> raw, size)
    _KNOWN[slot] = key
    return key


def splitBoxes(bytes data not None, Py_ssize_t start, type kind not None, Py_ssize_t most, mostKeys, mostBytes):
    """See L{twisted_basic_ng._accelerate.framing.splitBoxes}."""
    cdef const unsigned char *raw = <const unsigned char *> PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef Py_ssize_t keyBound = _bound(mostKeys)
    cdef Py_ssize_t byteBound = _bound(mostBytes)
    cdef Py_ssize_t at, length
    cdef list boxes = []
    cdef list ends = []
    cdef object box
    cdef bytes key
    _checkStart(start)
    if not issubclass(kind, dict):
        raise TypeError("not a type of dictionaries")
    while most > 0:
        box = _allocateDict(kind, _NO_ARGUMENTS)
        at = start
        while True:
            if size - at < 2 or raw[at] != 0:
                return boxes, ends
            length = raw[at + 1]
            at += 2
            if length == 0:
                break
            if size - at < length + 2:
                return boxes, ends
            key = _key(raw + at, length)
            at += length
            length = (raw[at] << 8) | raw[at + 1]
            at += 2
            if size - at < length:
                return boxes, ends
            PyDict_SetItem(box, key, PyBytes_FromStringAndSize(<const char *> raw + at, length))
            at += length
        if PyDict_Size(box) > keyBound or at - 2 - start > byteBound:
            return boxes, ends
        start = at
        boxes.append(box)
        ends.append(at)
        most -= 1
    return boxes, ends
