"""
Runs a program as Python itself would, with the swap in place.

The program sees the same C{sys.argv}, C{sys.path}, C{__main__}, exit status and traceback as if it
had been started directly.  This file knows how Python starts programs, and nothing about Twisted.
Every C{run} imports it, so it imports little, and imports a module that few programs need only for
those.
"""

from __future__ import annotations

import builtins
import os
import sys
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from types import ModuleType

from . import children, programs, swap

TYPE_CHECKING = False  # like typing's, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, TracebackType
    from typing import Any, Final, NoReturn

__all__ = ["OPTIONS", "USAGE", "NoProgramError", "run"]

USAGE: Final = """\
usage: twisted-basic-ng run [OPTIONS] PROGRAM [ARGUMENT ...]
       twisted-basic-ng run [OPTIONS] -m MODULE [ARGUMENT ...]
       twisted-basic-ng run [OPTIONS] -c CODE [ARGUMENT ...]

Run a Python program with our modules in the place of Twisted's, in its process and in the Python processes
that it starts.  PROGRAM is a file, a directory or zip file with a __main__.py, the name of an installed
script (trial, twistd, pytest), or - for standard input.

  --extended  switch on the features of AMP that Twisted's has not
  --verbose   say on standard error what is swapped
"""

#: The options that may precede the program.
OPTIONS: Final = ("--extended", "--verbose")


class NoProgramError(ValueError):
    """There is no such program, or no such option of C{run}."""


def run(arguments: Sequence[str]) -> None:
    """
    Run the program that the command line C{arguments} names, and end as the program does.

    @raise NoProgramError: there is no program to run.
    """
    words = list(arguments)
    options = set()
    while words and words[0] in OPTIONS:
        options.add(words.pop(0))
    if not words:
        raise NoProgramError("run needs a program to run; see 'twisted-basic-ng run --help'")
    if words[0] in ("-h", "--help"):
        print(USAGE, end="")
        return
    start = _find(words)
    extended = "--extended" in options
    swap.install(extended)
    children.passOn(os.environ, extended)
    children.stayOn(sys.path)
    if "--verbose" in options:
        _printStatus()
    _guard(start)


def _printStatus() -> None:
    from .status import read

    print(read(), file=sys.stderr)


def _find(words: list[str]) -> Callable[[], None]:
    """
    Find the program to run.

    @return: a function that runs it.
    @raise NoProgramError: there is no such program.
    """
    first = words[0]
    if first in ("-m", "-c"):
        if len(words) < 2:
            raise NoProgramError(f"run {first} needs {'a module' if first == '-m' else 'code'} to run")
        return (_module if first == "-m" else _command)(words[1], words[2:])
    if first == "-":
        return lambda: _standardInput(words[1:])
    if first.startswith("-"):
        raise NoProgramError(f"run has no option {first!r}; see 'twisted-basic-ng run --help'")
    return _program(first, words[1:])


def _module(name: str, arguments: list[str]) -> Callable[[], None]:
    import runpy

    _putFirst(os.getcwd())
    if not programs.moduleExists(name):
        raise NoProgramError(f"there is no module {name!r}")

    def start() -> None:
        _showCommand(["-m", name], arguments)
        _freshMain()
        runpy._run_module_as_main(name)  # type: ignore[attr-defined]

    return start


def _command(code: str, arguments: list[str]) -> Callable[[], None]:
    def start() -> None:
        _showCommand(["-c", code], arguments)
        _putFirst("")
        if sys.version_info >= (3, 13):  # its tracebacks show lines of C{code}
            import linecache

            lines = [f"{line}\n" for line in code.splitlines()]
            linecache.cache["<string>"] = (len(code), None, lines, "<string>")
        main = _freshMain()
        main.__loader__ = BuiltinImporter
        _exec(code, "<string>", main)

    return start


def _standardInput(arguments: list[str]) -> None:
    """
    Run the program on standard input, read to its end; at a terminal, run it statement by
    statement.
    """
    _showCommand(["-"], arguments)
    _putFirst("")
    main = _freshMain()
    main.__loader__ = BuiltinImporter
    if sys.stdin is None:
        return
    if sys.stdin.isatty():
        from code import interact

        interact(local=vars(main), exitmsg="")
        return
    main.__file__ = "<stdin>"
    main.__dict__["__cached__"] = None
    _exec(sys.stdin.buffer.read(), "<stdin>", main)


def _exec(source: str | bytes, name: str, main: ModuleType) -> None:
    # Without dont_inherit, the __future__ imports of this file would apply to the program.
    exec(compile(source, name, "exec", dont_inherit=True), vars(main))


def _program(name: str, arguments: list[str]) -> Callable[[], None]:
    path = programs.locate(name)
    if path is None:
        raise NoProgramError(f"there is no program {name!r}, neither as a file nor among the installed scripts")
    if programs.isStream(path):
        return lambda: _script(path, arguments)
    if programs.isArchive(path):
        return lambda: _archive(path, arguments)
    if not programs.isPython(path):
        if not os.access(path, os.X_OK):
            raise NoProgramError(f"{name!r} is neither a Python program nor executable")
        return lambda: _execute(path, [name, *arguments])
    return lambda: _script(path, arguments)


def _execute(path: str, words: list[str]) -> NoReturn:
    try:
        os.execv(path, words)
    except OSError as error:
        raise NoProgramError(f"cannot start {words[0]!r}: {error.strerror}") from error


def _script(path: str, arguments: list[str]) -> None:
    _showCommand([path], arguments)
    _putFirst(programs.scriptDirectory(path))
    file = os.path.join(os.getcwd(), path)  # not normalised, as in Python
    main = _freshMain()
    main.__file__ = file
    main.__dict__["__cached__"] = None
    exec(_code(main, file), vars(main))


def _code(main: ModuleType, file: str) -> CodeType:
    """Read the script's code.  As in Python itself, no compiled copy is written."""
    if file.endswith(".pyc"):
        compiled = SourcelessFileLoader("__main__", file)
        main.__loader__ = compiled
        code = compiled.get_code("__main__")
        assert code is not None  # only the directory of a package has no code
        return code
    loader = SourceFileLoader("__main__", file)
    main.__loader__ = loader
    try:
        source = loader.get_data(file)
    except OSError as error:
        raise NoProgramError(f"cannot open {file!r}: {error.strerror}") from error
    result: CodeType = loader.source_to_code(source, file)
    return result


def _archive(path: str, arguments: list[str]) -> None:
    import runpy

    _showCommand([path], arguments)
    # Safe mode leaves out directories, but not the program itself.
    sys.path[: 0 if _isSafe() else 1] = [os.path.join(os.getcwd(), path)]
    _freshMain()
    runpy._run_module_as_main("__main__", False)  # type: ignore[attr-defined]


def _showCommand(program: list[str], arguments: list[str]) -> None:
    """Show the program the command line of a direct start."""
    sys.argv[:] = [program[0], *arguments]
    words = getattr(sys, "orig_argv", [])
    launcher = words[: -len(program) - len(arguments)]
    while launcher and launcher[-1] in OPTIONS:
        launcher.pop()
    if len(launcher) > 2 and launcher.pop() == "run":
        *python, name = launcher
        if name == "twisted_basic_ng":
            # Remove the m of "-m", which may end a word of several options.
            options = python.pop()[:-1]
            python += [options] if options != "-" else []
        words[:] = [*python, *program, *arguments]


def _putFirst(directory: str) -> None:
    """Put C{directory} first on C{sys.path}, in the place of the launcher's own entry."""
    if not _isSafe():
        sys.path[:1] = [directory]


def _isSafe() -> bool:
    """Whether Python's options forbid a directory at the front of C{sys.path}."""
    return getattr(sys.flags, "safe_path", False) or bool(sys.flags.isolated)


def _freshMain() -> ModuleType:
    """Make a new C{__main__} for the program."""
    main = ModuleType("__main__")
    vars(main).update(__builtins__=builtins, __annotations__={})
    sys.modules["__main__"] = main
    return main


def _guard(start: Callable[[], None]) -> None:
    """
    Run the program.

    An exception that ends the program reaches Python, which prints it and chooses the exit status
    as usual.  The printed traceback leaves out the frames of this launcher.
    """
    try:
        start()
    except SystemExit:
        raise
    except BaseException as error:
        programTraceback = _programTraceback(error.__traceback__)
        originalHook = sys.excepthook

        def reportProgram(kind: type[BaseException], value: BaseException, _: TracebackType | None) -> Any:
            sys.last_traceback = programTraceback
            return originalHook(kind, value.with_traceback(programTraceback), programTraceback)

        sys.excepthook = reportProgram
        raise


def _programTraceback(traceback: TracebackType | None) -> TracebackType | None:
    """Return C{traceback} without the launcher's frames; C{None} if the program had not started."""
    main = sys.modules["__main__"].__dict__
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_globals is main or frame.f_code.co_name == "_run_module_as_main":
            return traceback
        traceback = traceback.tb_next
    return None
