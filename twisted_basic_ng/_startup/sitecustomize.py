"""
What a Python process runs at its start if a parent under the swap has started it.

It may be any Python, with or without this package, and may have a C{sitecustomize} of its own, which runs as
if this one were not there.  So this file imports nothing that may be missing and breaks nothing.
"""

# No annotations: it has to be readable for any Python.
# mypy: ignore-errors
import os
import sys
from importlib.machinery import PathFinder

_HERE = os.path.dirname(os.path.abspath(__file__))


def _loadPackage():
    """Import this package, from where this file is if it is not on the path."""
    try:
        import twisted_basic_ng  # noqa: F401
    except ImportError:
        from importlib.util import module_from_spec, spec_from_file_location

        home = os.path.dirname(_HERE)
        spec = spec_from_file_location(
            "twisted_basic_ng", os.path.join(home, "__init__.py"), submodule_search_locations=[home]
        )
        module = module_from_spec(spec)
        sys.modules["twisted_basic_ng"] = module
        spec.loader.exec_module(module)


def _swap():
    if os.environ.get("TWISTED_BASIC_NG_SWAP") == "1" and sys.version_info >= (3, 10):
        _loadPackage()
        import twisted_basic_ng

        twisted_basic_ng.install()


def _goOn():
    """Run the C{sitecustomize} that would have run without this one; where there is none, leave no trace."""
    path = [each for each in sys.path if os.path.abspath(each) != _HERE]
    spec = PathFinder.find_spec("sitecustomize", path)
    if spec is None or spec.loader is None:
        # What site expects, and passes over, where there is no such module.
        raise ImportError("there is no other sitecustomize", name="sitecustomize")
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


try:
    _swap()
except Exception as _error:  # the program and its own sitecustomize run all the same
    sys.stderr.write("twisted_basic_ng: not swapped: " + str(_error) + "\n")
_goOn()
