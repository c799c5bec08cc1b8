"""
The command line: which commands there are, and which function runs each.

C{run} is recognised first, because its arguments belong to the program that it starts, and because
it must start quickly.  Each other command imports what it needs when it is called.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # like typing's, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final, NoReturn

__all__ = ["main"]

_HELP: Final = """\
usage: twisted-basic-ng COMMAND ...      (or: python -m twisted_basic_ng COMMAND ...)

Twisted's line, netstring and int-prefixed protocols, written afresh.

commands:
  run       run a program with our modules in the place of Twisted's
  demo      the same work on Twisted's modules and on ours, side by side
  bench     how fast they are: a table, JSON and charts
  enable    let every program of this Python environment run on ours
  disable   undo enable
  status    say what is swapped, and which build is in use

  --version print the version
  --help    print this; every command has a --help of its own

examples:
  twisted-basic-ng run trial twisted.protocols.test.test_basic
  twisted-basic-ng run twistd -n web
  twisted-basic-ng run -m my.server --port 8007
  twisted-basic-ng demo
  twisted-basic-ng bench lines
"""


class _UsageError(Exception):
    """The command line is wrong; the message says where."""


def _run(words: Sequence[str]) -> None:
    from ._swapping.run import NoProgramError, run

    try:
        run(words)
    except NoProgramError as error:
        raise _UsageError(str(error)) from error


def _demo(words: Sequence[str]) -> None:
    try:
        from twisted_basic_ng_demo.demo import main as demo
    except ModuleNotFoundError as error:
        _failWithout(error, "demo")
    sys.exit(demo(words))


def _bench(words: Sequence[str]) -> None:
    try:
        from twisted_basic_ng_demo.bench import main as bench
    except ModuleNotFoundError as error:
        _failWithout(error, "bench")
    sys.exit(bench(words))


def _failWithout(error: ModuleNotFoundError, extra: str) -> NoReturn:
    """
    Say how to install the package of the demo and the benchmarks, if that is the missing module.
    """
    if error.name != "twisted_basic_ng_demo":
        raise error
    _fail(f"'{extra}' is a package of its own: pip install 'twisted_basic_ng[{extra}]'", 1)


def _noWords(command: str, does: str, words: Sequence[str]) -> bool:
    """
    Check that a command has no arguments.

    @return: whether to run the command; C{False} if only its help was asked for.
    """
    if _isHelp(words):
        print(f"usage: twisted-basic-ng {command}\n\n{does}")
        return False
    if words:
        raise _UsageError(f"{command} takes no argument {words[0]!r}")
    return True


def _enable(words: Sequence[str]) -> None:
    does = "Let every program of this Python environment run on ours, by a .pth file in its site-packages."
    if _noWords("enable", does, words):
        from ._swapping import enable as switch

        isNew = switch.enable()
        print(f"{'enabled' if isNew else 'was enabled already'}: {switch.enabledBy()}")
        if not switch.isRecorded():
            print("An installer that removes twisted_basic_ng leaves this file: 'disable' first, or delete it.")


def _disable(words: Sequence[str]) -> None:
    if _noWords("disable", "Undo enable: programs of this Python environment run on Twisted's own modules.", words):
        from ._swapping import enable as switch

        isGone = switch.disable()
        print(f"{'disabled' if isGone else 'was not enabled'}: {switch.pthFile()}")
        other = switch.enabledBy()
        if other is not None:
            print(f"It still swaps, by {other}: 'disable' with the Python that has this file.")


def _status(words: Sequence[str]) -> None:
    if _noWords("status", "Say what is swapped in this Python environment, and which build is in use.", words):
        from ._swapping.status import read

        print(read())


def _fail(message: str, status: int) -> NoReturn:
    print(f"twisted-basic-ng: {message}", file=sys.stderr)
    sys.exit(status)


_COMMANDS: Final[dict[str, Callable[[Sequence[str]], None]]] = {
    "run": _run,
    "demo": _demo,
    "bench": _bench,
    "enable": _enable,
    "disable": _disable,
    "status": _status,
}


def _isHelp(words: Sequence[str]) -> bool:
    return list(words) in (["-h"], ["--help"])


def _isRunHelp(words: list[str]) -> bool:
    """Whether the first of C{words} that is no option of C{run} asks for its help."""
    from ._swapping.run import OPTIONS

    return _isHelp([each for each in words[:3] if each not in OPTIONS][:1])


def main(arguments: Sequence[str] | None = None) -> None:
    """
    Run a command.

    @param arguments: the words of the command line; the default is those of this process.
    @raise SystemExit: with status 2 for an unknown command or option, else with the command's own
        status.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["run"] and not _isRunHelp(words[1:]):
        _obey(words)  # the program handles errors of its own output
        return
    try:
        try:
            _obey(words)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        _endUnread()
    except OSError as error:
        sys.stdout = None  # if standard output failed, Python would report it again at exit
        _fail(str(error), 1)


def _obey(words: list[str]) -> None:
    if not words or _isHelp(words[:1]):
        print(_HELP, end="")
        return
    if words == ["--version"]:
        from . import __version__

        print(f"twisted_basic_ng {__version__}")
        return
    command = _COMMANDS.get(words[0])
    try:
        if command is None:
            kind = "option" if words[0].startswith("-") else "command"
            raise _UsageError(f"there is no {kind} {words[0]!r}; see 'twisted-basic-ng --help'")
        command(words[1:])
    except _UsageError as error:
        _fail(str(error), 2)


def _endUnread() -> NoReturn:
    """
    End quietly because nobody reads the output, like other programs: by C{SIGPIPE}, if there is
    one.
    """
    import signal

    sys.stdout = sys.stderr = None  # otherwise Python would flush them at exit
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.raise_signal(signal.SIGPIPE)
    sys.exit(1)
