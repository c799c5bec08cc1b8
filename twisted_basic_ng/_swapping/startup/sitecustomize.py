"""
Python runs this file at its start if a parent process under the swap started it.

That may be any Python, with or without this package.  It may have a C{sitecustomize} of its own,
which runs as if this one did not exist.  So this file imports nothing that may be missing, and
breaks nothing.
"""

# No annotations: any Python, 2.7 included, must be able to read this file.
# mypy: ignore-errors
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_OURS = os.path.join("twisted_basic_ng", "_swapping", "startup")


def _swap():
    if os.environ.get("TWISTED_BASIC_NG_SWAP") != "1":
        return
    # Python has removed the second entry of children.stayOn; add it again, because this process may
    # pass on its sys.path, too.
    if sys.path.count(_HERE) == 1:
        sys.path.insert(sys.path.index(_HERE), _HERE)
    if sys.version_info < (3, 10):
        sys.meta_path.insert(0, _Notice())
        return
    _loadPackage()
    from twisted_basic_ng._swapping.swap import installIfPossible

    installIfPossible()


class _Notice(object):
    """
    A finder that finds nothing.  It warns when Twisted's modules are imported, which most programs
    never do.
    """

    names = ["twisted.protocols.amp", "twisted.protocols.basic", "twisted.protocols.ftp"]
    module = sys.modules.get(__name__)  # Python 2 empties a module without references

    def find_spec(self, name, path=None, target=None):
        if name in self.names:
            del self.names[:]
            _warn("it needs Python 3.10 or later, not %d.%d" % sys.version_info[:2])

    find_module = find_spec  # its name in Python 2


def _warn(reason):
    """Warn as swap.warn does, for Pythons that cannot import it."""
    if "TWISTED_BASIC_NG_WARNED" not in os.environ:
        os.environ["TWISTED_BASIC_NG_WARNED"] = "1"
        try:
            sys.stderr.write("twisted_basic_ng: not swapped: %s\n" % str(reason).partition("\n")[0])
        except (AttributeError, IOError, ValueError):
            pass


def _loadPackage():
    """Import this package; if it is not on C{sys.path}, load it from the location of this file."""
    try:
        import twisted_basic_ng

        if getattr(twisted_basic_ng, "__file__", None) is not None:  # else remains that pip has left
            return
    except ImportError:
        pass
    from importlib.util import module_from_spec, spec_from_file_location

    home = os.path.dirname(os.path.dirname(_HERE))
    spec = spec_from_file_location(
        "twisted_basic_ng", os.path.join(home, "__init__.py"), submodule_search_locations=[home]
    )
    module = module_from_spec(spec)
    sys.modules["twisted_basic_ng"] = module
    spec.loader.exec_module(module)


def _goOn():
    """
    Run the C{sitecustomize} that would have run without this one; without any, leave no trace.
    """
    # Skip this one, and that of another installation, which would look for this one.
    path = [each for each in sys.path if not os.path.abspath(each).endswith(_OURS)]
    load = _finding(path)
    if load is None:
        # The error that site expects, and ignores, if there is no such module.
        error = ImportError("there is no other sitecustomize")
        error.name = "sitecustomize"
        raise error
    load()


def _finding(path):
    """Find the other C{sitecustomize}; return a function that loads it, or C{None}."""
    if sys.version_info < (3,):
        return _findingIn2(path)
    try:
        # Faster to import than importlib.machinery.
        from _frozen_importlib_external import PathFinder
    except ImportError:
        from importlib.machinery import PathFinder
    spec = PathFinder.find_spec("sitecustomize", path)
    if spec is None or spec.loader is None:
        return None

    def load():
        from importlib.util import module_from_spec

        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)

    return load


def _findingIn2(path):
    import imp

    try:
        found = imp.find_module("sitecustomize", path)
    except ImportError:
        return None

    def load():
        kept = sys.modules.pop("sitecustomize")  # as above
        imp.load_module("sitecustomize", *found)
        return kept

    return load


try:
    _swap()
except Exception as _error:  # the program and its own sitecustomize still run
    _warn(_error)
_goOn()
