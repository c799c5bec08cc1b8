"""
Tests for L{twisted_basic_ng._swapping.run}, which runs a program as if it had been started
directly.
"""

from __future__ import annotations

import errno
import io
import linecache
import os
import signal
import subprocess
import sys
import time
import zipfile
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from tests.processes import SAYS, environment, python, write
from twisted_basic_ng._swapping import children, run, swap

RUN = ("-m", "twisted_basic_ng", "run")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return write(tmp_path / "a program.py", SAYS)


class TestLikeDirectly:
    """The start and the end of a program are the same as without the launcher."""

    def compare(self, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """
        Start the program with and without the launcher, and compare.  Return the result under the
        launcher.
        """
        direct = python(program.name, *arguments, directory=program.parent)
        under = python(*RUN, program.name, *arguments, directory=program.parent)
        assert (under.stdout, under.stderr) == (direct.stdout, direct.stderr)
        assert under.returncode == direct.returncode
        return under

    def test_start(self, tmp_path: Path) -> None:
        """The arguments, the module's attributes and C{sys.path[0]} are the same."""
        shown = "sys.argv, sys.path[0], __name__, __file__, __spec__, __package__, sorted(globals())"
        self.compare(write(tmp_path / "start.py", f"import sys\nprint({shown})\n"), "-m", "--verbose", "a b")

    @pytest.mark.parametrize("end", ["sys.exit()", "sys.exit(3)", "sys.exit('no')", "pass", "os._exit(7)"])
    def test_exit(self, tmp_path: Path, end: str) -> None:
        """The exit status and the output are the same."""
        self.compare(write(tmp_path / "end.py", f"import os, sys\nprint('x', flush=True)\n{end}\n"))

    def test_traceback(self, tmp_path: Path) -> None:
        """A traceback shows only the program's own frames."""
        code = "def f():\n    raise ValueError('x')\ntry:\n    f()\nexcept ValueError:\n    f()\n"
        assert self.compare(write(tmp_path / "raise.py", code)).returncode == 1

    def test_path(self, tmp_path: Path) -> None:
        """The paths of files are exactly the same."""
        write(tmp_path / "sub" / "raise.py", "import sys; print(__file__, sys.path[0], __builtins__); 1 / 0\n")
        write(tmp_path / "sub" / "__main__.py", "import sys; print(__file__, sys.path[0]); 1 / 0\n")
        for name in ("./sub/raise.py", "sub/../sub/raise.py", "./sub", "sub/"):
            direct, under = (python(*way, name, directory=tmp_path) for way in ((), RUN))
            assert (under.stdout, under.stderr) == (direct.stdout, direct.stderr)

    def test_afterwards(self, tmp_path: Path) -> None:
        """C{sys.last_traceback} has only the program's own frames at the end."""
        code = "import atexit, sys, traceback\natexit.register(lambda: traceback.print_tb(sys.last_traceback))\n1 / 0\n"
        assert self.compare(write(tmp_path / "last.py", code)).returncode == 1

    def test_syntaxError(self, tmp_path: Path) -> None:
        """A syntax error looks the same."""
        assert self.compare(write(tmp_path / "syntax.py", "def f(:\n")).returncode == 1

    def test_ownHook(self, tmp_path: Path) -> None:
        """The program's own C{sys.excepthook} is called."""
        self.compare(write(tmp_path / "hook.py", "import sys\nsys.excepthook = lambda *a: print(a[1])\n1 / 0\n"))

    @pytest.mark.skipif(os.name != "posix", reason="signals end processes so on POSIX")
    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
    def test_signals(self, tmp_path: Path, name: str) -> None:
        """If a signal ends the program, the launcher ends with that signal."""
        # A shell's background process ignores SIGINT.
        code = "import os, signal, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        code += f"os.kill(os.getpid(), signal.{name})\ntime.sleep(60)\n"
        assert self.compare(write(tmp_path / "kill.py", code)).returncode == -getattr(signal, name)

    def test_atExit(self, tmp_path: Path) -> None:
        """Exit functions and threads can still use the program's module at the end."""
        code = "import atexit, threading, time\nX = 1\natexit.register(lambda: print(X, __name__))\n"
        code += "threading.Thread(target=lambda: (time.sleep(.05), print(X))).start()\n"
        self.compare(write(tmp_path / "late.py", code))

    def test_module(self, tmp_path: Path) -> None:
        """A module runs as with C{python -m}, including its errors."""
        write(tmp_path / "pack" / "__init__.py", "")
        write(tmp_path / "pack" / "__main__.py", "import sys\nprint(sys.argv[1:], __spec__.name, sys.path[0])\n1 / 0\n")
        direct = python("-m", "pack", "x", directory=tmp_path)
        under = python(*RUN, "-m", "pack", "x", directory=tmp_path)
        assert (under.stdout, under.returncode) == (direct.stdout, direct.returncode)
        assert under.stderr == direct.stderr

    def test_command(self) -> None:
        """A command runs as with C{python -c}."""
        code = "import sys; print(sys.argv, repr(sys.path[0]), __name__); undefined"
        direct, under = python("-c", code, "x"), python(*RUN, "-c", code, "x")
        assert (under.stdout, under.returncode) == (direct.stdout, direct.returncode)
        assert under.stderr.splitlines()[-1] == direct.stderr.splitlines()[-1]

    def test_commandItself(self) -> None:
        """
        A command has the same globals, is not affected by the launcher's future imports, and looks
        the same in a traceback.
        """
        code = """\
import traceback
def f(x: int):
    1 / 0
print(f.__annotations__, sorted((name, str(value)) for name, value in globals().items() if name[0] == "_"))
try:
    f(1)
except ZeroDivisionError:
    traceback.print_exc()
f(2)
"""
        direct, under = python("-c", code), python(*RUN, "-c", code)
        assert (under.stdout, under.stderr, under.returncode) == (direct.stdout, direct.stderr, direct.returncode)

    def test_safePathArchive(self, tmp_path: Path) -> None:
        """C{sys.path} begins with the directory or zip file that is run, even in safe path mode."""
        write(tmp_path / "app" / "__main__.py", "import sys, other\nprint(sys.path[0], other.X)\n")
        write(tmp_path / "app" / "other.py", "X = 1\n")
        options = ("-I",) if sys.version_info < (3, 11) else ("-P",)
        # In isolated mode, Python does not find the package.
        launcher = f"import sys; sys.path.append({environment()['PYTHONPATH']!r}); sys.argv[1:] = ['run', 'app']"
        launcher += "; from twisted_basic_ng._cli import main; main()"
        direct, under = (python(*options, *way, directory=tmp_path) for way in (("app",), ("-c", launcher)))
        assert (under.stdout, under.stderr) == (direct.stdout, direct.stderr) == (f"{tmp_path / 'app'} 1\n", "")

    @pytest.mark.parametrize("launcher", [("-Bm", "twisted_basic_ng", "run"), (*RUN, "--verbose"), ("script", "run")])
    @pytest.mark.parametrize("program", [["tool"], ["-m", "tool"], ["-c", "import tool"], ["-"], ["tool.py"]])
    def test_commandLine(self, tmp_path: Path, launcher: tuple[str, ...], program: list[str]) -> None:
        """C{sys.orig_argv} is the same, with which programs restart themselves."""
        write(tmp_path / "tool.py", "import sys\nprint(sys.orig_argv[1:])\n")
        write(tmp_path / "tool" / "__main__.py", "import sys\nprint(sys.orig_argv[1:])\n")
        (tmp_path / "tool" / "__init__.py").symlink_to(tmp_path / "tool.py")
        write(tmp_path / "script", "from twisted_basic_ng._cli import main\nmain()\n")
        options = ["-O", "-B"] if launcher[0] == "-Bm" else ["-O"]
        said = []
        for way in (options, ["-O", *launcher]):
            with open(tmp_path / "tool.py", "rb") as file:
                said.append(python(*way, *program, "", "x", directory=tmp_path, stdin=file).stdout)
        assert said[1] == said[0] != ""

    def test_directoryAndZip(self, tmp_path: Path) -> None:
        """A directory or a zip file with C{__main__.py} can be run."""
        write(tmp_path / "app" / "__main__.py", "import sys\nprint(sys.argv, sys.path[0], __name__)\n")
        with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
            archive.write(tmp_path / "app" / "__main__.py", "__main__.py")
        # zipapp makes such files: executable, and without a suffix.
        (tmp_path / "tool").write_bytes(b"#!/usr/bin/env python3\n" + (tmp_path / "app.zip").read_bytes())
        for name in ("app", "app.zip", "tool"):
            direct, under = (python(*way, name, "x", directory=tmp_path) for way in ((), RUN))
            assert (under.stdout, under.stderr) == (direct.stdout, direct.stderr)

    def test_stdin(self, tmp_path: Path) -> None:
        """The program can read standard input."""
        program = write(tmp_path / "cat.py", "import sys\nprint(sys.stdin.read().upper())\n")
        command = [sys.executable, *RUN, str(program)]
        ended = subprocess.run(command, input="abc", env=environment(), capture_output=True, text=True, check=True)
        assert ended.stdout == "ABC\n"


@pytest.mark.skipif(os.name != "posix", reason="these are files on POSIX")
class TestStreams:
    """Programs that can be read only once run as with Python itself."""

    SHOWS = """\
    import sys
    names = ("__file__", "__cached__", "__name__", "__package__", "__spec__", "__annotations__")
    print(sys.argv, sys.path[0], type(__loader__), len(globals()))
    print([(name, globals().get(name, "none")) for name in names])
    print(sys.stdin.read())
    def f():
        sys.exit(3) if "exit" in sys.argv else 1 / 0
    f()
    """

    def compare(self, name: str, program: Path, *arguments: str, piped: bool = False) -> None:
        """
        Run C{program} from standard input with and without the launcher, from the file itself or
        from a pipe.
        """
        ends = []
        for way in ((), RUN):
            with open(program, "rb") as file:
                if piped:
                    with subprocess.Popen(["cat", program], stdout=subprocess.PIPE) as cat:
                        assert cat.stdout is not None
                        ends.append(python(*way, name, *arguments, directory=program.parent, stdin=cat.stdout))
                else:
                    ends.append(python(*way, name, *arguments, directory=program.parent, stdin=file))
        direct, under = ends
        assert (under.stdout, under.stderr, under.returncode) == (direct.stdout, direct.stderr, direct.returncode)
        assert under.returncode == (3 if "exit" in arguments else 1)

    @pytest.mark.parametrize("piped", [False, True])
    @pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/0"])
    def test_standardInput(self, tmp_path: Path, name: str, piped: bool) -> None:
        """
        Standard input works under all its names, with the same globals, C{sys.path}, remaining
        input and tracebacks.
        """
        program = write(tmp_path / "shows.py", self.SHOWS)
        self.compare(name, program, "a", "-m", piped=piped)
        self.compare(name, program, "exit", piped=piped)

    def test_swapped(self) -> None:
        """These programs are swapped."""
        for name in ("-", "/dev/stdin"):
            with subprocess.Popen(["echo", SAYS], stdout=subprocess.PIPE) as echo:
                assert echo.stdout is not None
                assert python(*RUN, name, stdin=echo.stdout).stdout == "twisted_basic_ng\n"

    def test_syntaxError(self, tmp_path: Path) -> None:
        """A syntax error looks the same."""
        self.compare("-", write(tmp_path / "syntax.py", "def f(:\n"), piped=True)

    def test_namedPipe(self, tmp_path: Path) -> None:
        """A named pipe can be run."""
        program = write(tmp_path / "shows.py", self.SHOWS)
        os.mkfifo(tmp_path / "pipe")
        ends = []
        for way in ((), RUN):
            with subprocess.Popen(["sh", "-c", "exec cat shows.py >pipe"], cwd=program.parent) as writer:
                ends.append(python(*way, "pipe", "exit", directory=tmp_path))
                writer.kill()  # otherwise it waits forever for a reader
        direct, under = ends
        assert (under.stdout, under.stderr, under.returncode) == (direct.stdout, direct.stderr, 3)

    def test_closed(self) -> None:
        """If standard input is closed, nothing runs."""
        command = [sys.executable, *RUN, "-"]
        ended = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *command], env=environment(), check=False)
        assert ended.returncode == 0

    def test_terminal(self) -> None:
        """At a terminal, Python runs interactively."""
        import pty

        ours, theirs = pty.openpty()
        os.write(ours, SAYS.encode() + b"\x04")
        with open(theirs, "rb") as terminal:
            ended = python(*RUN, "-", stdin=terminal)
        os.close(ours)
        assert (ended.stdout.replace(">>> ", ""), ended.returncode) == ("twisted_basic_ng\n", 0)


class TestSwapped:
    """Tests that the program and its Python child processes use our modules."""

    def test_itself(self, program: Path) -> None:
        """The program uses our modules."""
        assert python(program).stdout == "twisted\n"
        assert python(*RUN, program).stdout == "twisted_basic_ng\n"

    @pytest.mark.parametrize(
        "start",
        [
            "subprocess.run([sys.executable, '-c', SAYS], check=True)",
            'os.system(f\'"{sys.executable}" -c "{SAYS}"\')',
            "os.execv(sys.executable, [sys.executable, '-c', SAYS])",
            "multiprocessing.get_context('spawn').Process(target=child).start()",
            "multiprocessing.get_context('forkserver').Process(target=child).start()",
            "with concurrent.futures.ProcessPoolExecutor(1) as pool: pool.submit(child).result()",
        ],
    )
    def test_children(self, tmp_path: Path, start: str) -> None:
        """Children use our modules, however the program starts them."""
        code = f"""\
import concurrent.futures, multiprocessing, os, subprocess, sys
SAYS = "from twisted.protocols import basic; print(basic.__name__.split('.')[0])"
def child():
    exec(SAYS)
    sys.stdout.flush()
if __name__ == "__main__":
    {start}
"""
        ended = python(*RUN, write(tmp_path / "parent.py", code))
        assert (ended.stdout, ended.stderr) == ("twisted_basic_ng\n", "")

    @pytest.mark.parametrize("env", ["os.environ", "None"])
    def test_spawnProcess(self, tmp_path: Path, env: str) -> None:
        """Children that C{spawnProcess} starts use our modules."""
        code = f"""\
import os, sys
from twisted.internet import protocol, reactor
class Child(protocol.ProcessProtocol):
    def outReceived(self, data):
        print(data.decode(), end="")
    def processEnded(self, reason):
        reactor.stop()
says = "from twisted.protocols import basic; print(basic.__name__.split('.')[0])"
reactor.callWhenRunning(reactor.spawnProcess, Child(), sys.executable, [sys.executable, "-c", says], env={env})
reactor.run()
"""
        assert python(*RUN, write(tmp_path / "spawn.py", code)).stdout == "twisted_basic_ng\n"

    def test_trial(self, tmp_path: Path) -> None:
        """C{trial} and the workers of C{trial -j} use our modules."""
        write(
            tmp_path / "test_it.py",
            """\
            from twisted.trial.unittest import TestCase
            from twisted.protocols import basic
            class It(TestCase):
                def test_it(self):
                    self.assertEqual(basic.__name__.split(".")[0], "twisted_basic_ng")
                test_that = test_it
            """,
        )
        for jobs in ((), ("-j2",)):
            ended = python(*RUN, "-m", "twisted.trial", *jobs, "test_it", directory=tmp_path)
            assert "PASSED (successes=2)" in ended.stdout, ended.stdout + ended.stderr

    def test_package(self, tmp_path: Path) -> None:
        """With C{-m}, the package of the module uses our modules, too."""
        write(tmp_path / "package" / "__init__.py", "from twisted.protocols import basic\n")
        write(tmp_path / "package" / "server.py", "import package; print(package.basic.__name__)\n")
        ended = python(*RUN, "-m", "package.server", directory=tmp_path)
        assert (ended.stdout.split(".")[0], ended.stderr) == ("twisted_basic_ng", "")

    def test_failingPackage(self, tmp_path: Path) -> None:
        """If the package of the module fails, the traceback is the same as without the launcher."""
        write(tmp_path / "package" / "__init__.py", "1 / 0\n")
        write(tmp_path / "package" / "server.py", "")
        ours, direct = (python(*words, "-m", "package.server", directory=tmp_path) for words in (RUN, ()))
        assert (ours.returncode, ours.stderr) == (direct.returncode, direct.stderr)

    def test_verbose(self, program: Path) -> None:
        """C{--verbose} prints the swapped modules on standard error."""
        ended = python(*RUN, "--verbose", program)
        assert ended.stdout == "twisted_basic_ng\n"
        assert "twisted.protocols.basic -> twisted_basic_ng.basic" in ended.stderr

    def test_extended(self, tmp_path: Path) -> None:
        """C{--extended} enables AMP's extensions in the program and its children."""
        says = "from twisted.protocols import amp; print(amp.AMP.extended, flush=True)"
        code = f"import subprocess, sys\n{says}\nsubprocess.run([sys.executable, '-c', {says!r}])\n"
        program = write(tmp_path / "says.py", code)
        for options, says in (([], "False\n" * 2), (["--extended"], "True\n" * 2)):
            assert python(*RUN, *options, program).stdout == says
        ended = python(*RUN, "--verbose", "--extended", program)
        assert ended.stdout == "True\n" * 2
        assert "AMP extended (TWISTED_BASIC_NG_EXTENDED): yes" in ended.stderr

    def test_nested(self, program: Path) -> None:
        """The launcher can be nested."""
        assert python(*RUN, "-m", "twisted_basic_ng", "run", program).stdout == "twisted_basic_ng\n"


class TestTwistd:
    """Tests for twistd."""

    SERVICE = """\
    from twisted.application import service, strports
    from twisted.internet.protocol import Factory
    from twisted.protocols import basic
    class Says(basic.LineReceiver):
        def lineReceived(self, line):
            self.sendLine(basic.__name__.split(".")[0].encode())
    application = service.Application("says")
    strports.service("unix:says.sock", Factory.forProtocol(Says)).setServiceParent(application)
    """

    def ask(self, path: Path) -> bytes:
        """
        Connect to the server at the socket C{path} as soon as it exists, and return its answer.
        """
        import socket

        end = time.monotonic() + 30
        while True:
            with socket.socket(socket.AF_UNIX) as client:
                try:
                    client.connect(os.path.relpath(path))
                except OSError:
                    assert time.monotonic() < end, "the server did not start"
                    time.sleep(0.05)
                    continue
                client.sendall(b"?\r\n")
                return client.recv(100)

    @pytest.mark.skipif(os.name != "posix", reason="there are no UNIX sockets, nor daemons")
    @pytest.mark.parametrize("daemon", [False, True])
    def test_serves(self, tmp_path: Path, daemon: bool) -> None:
        """A service uses our modules in the foreground and as a daemon, and shuts down cleanly."""
        write(tmp_path / "says.tac", self.SERVICE)
        command = [sys.executable, *RUN, "-c", "from twisted.scripts.twistd import run; run()"]
        options = [] if daemon else ["-n"]
        process = subprocess.Popen(
            [*command, *options, "-y", "says.tac", "--pidfile", "says.pid", "-l", "says.log"],
            cwd=tmp_path,
            env=environment(),
        )
        try:
            assert self.ask(tmp_path / "says.sock") == b"twisted_basic_ng\r\n"
        finally:
            pidFile = tmp_path / "says.pid"
            os.kill(int(pidFile.read_text()) if pidFile.exists() else process.pid, signal.SIGTERM)
            process.wait(30)
        self.waitFor(lambda: not (tmp_path / "says.pid").exists())
        assert "Server Shut Down" in (tmp_path / "says.log").read_text()

    def waitFor(self, condition: object) -> None:
        end = time.monotonic() + 30
        while not condition():  # type: ignore[operator]
            assert time.monotonic() < end, "the server did not stop"
            time.sleep(0.05)


class TestMistakes:
    """A mistyped program or option causes one line of output and exit status 2."""

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ([], "needs a program"),
            (["no-such-program"], "no program 'no-such-program'"),
            (["--no-such-option"], "no option '--no-such-option'"),
            (["-m"], "-m needs a module"),
            (["-c"], "-c needs code"),
            (["-m", "no_such_module"], "no module 'no_such_module'"),
            (["-m", "no_such_package.module"], "no module 'no_such_package.module'"),
            (["-m", "json.no_such_module"], "no module 'json.no_such_module'"),
            (["-m", "json.decoder.inner"], "no module 'json.decoder.inner'"),
            (["-m", ".relative"], "no module '.relative'"),
        ],
    )
    def test_line(self, words: list[str], says: str) -> None:
        """Each mistake is reported."""
        ended = python(*RUN, *words)
        assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)
        assert says in ended.stderr

    @pytest.mark.skipif(os.name != "posix", reason="a file is executable by its name there")
    def test_notExecutable(self, tmp_path: Path) -> None:
        """A shell script without execute permission is reported."""
        script = write(tmp_path / "script", "#!/bin/sh\n")
        ended = python(*RUN, script)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
        assert "nor executable" in ended.stderr

    @pytest.mark.skipif(os.name != "posix", reason="what a program is to be read by stands in it on POSIX")
    @pytest.mark.parametrize("text", ["echo\n", "#!/no/such/interpreter\n"])
    def test_notStartable(self, tmp_path: Path, text: str) -> None:
        """An executable file that the system cannot start is reported."""
        script = write(tmp_path / "script", text)
        script.chmod(0o755)
        ended = python(*RUN, script)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
        assert "cannot start" in ended.stderr

    def test_tooLate(self, tmp_path: Path) -> None:
        """If C{sitecustomize} has used Twisted's classes already, the error names their user."""
        write(tmp_path / "sitecustomize.py", "import twisted.mail.smtp\n")
        home = environment()["PYTHONPATH"]
        ended = python(*RUN, "-c", "pass", PYTHONPATH=os.pathsep.join([str(tmp_path), home]))
        assert ended.returncode == 1
        assert "twisted.mail.smtp" in ended.stderr


class TestFinding:
    """Tests in this process, for finding the program and running it."""

    @pytest.fixture(autouse=True)
    def asItWas(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Restore what the launcher changes in this process."""
        monkeypatch.setattr(sys, "path", list(sys.path))
        monkeypatch.setattr(sys, "argv", list(sys.argv))
        monkeypatch.setattr(sys, "orig_argv", list(sys.orig_argv))
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
        monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
        monkeypatch.setattr(os, "environ", dict(os.environ))
        monkeypatch.setattr(swap, "install", lambda extended: None)

    def test_inProcess(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A script runs, compiled or not."""
        import py_compile

        program = write(tmp_path / "shows.py", "import sys\nprint(sys.argv[1:], __file__ in sys.argv)\n")
        compiled = py_compile.compile(str(program), cfile=str(tmp_path / "shows.pyc"))
        assert compiled is not None
        for path in (str(program), compiled):
            run.run([path, "x"])
            assert capsys.readouterr().out == "['x'] True\n"

    def test_archive(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A directory and a zip file run."""
        main = write(tmp_path / "__main__.py", "print('main')\n")
        with zipfile.ZipFile(tmp_path / "tool", "w") as archive:
            archive.write(main, main.name)
        for path in (tmp_path, tmp_path / "tool"):
            run.run(["--extended", "--verbose", str(path)])
            out, err = capsys.readouterr()
            assert out == "main\n"
            assert "twisted_basic_ng" in err
            assert os.environ.pop("TWISTED_BASIC_NG_EXTENDED") == "1"

    def test_moduleAndCommand(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A module and a command run, with their arguments."""
        monkeypatch.chdir(write(tmp_path / "some_module.py", "import sys\nprint(sys.argv[1:])\n").parent)
        run.run(["-m", "some_module", "x"])
        run.run(["-c", "import sys; print(sys.argv)", "y"])
        assert capsys.readouterr().out == "['x']\n['-c', 'y']\n"

    @pytest.mark.parametrize("version", [(3, 12), (3, 13)])
    def test_lines(self, version: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
        """From Python 3.13 on, tracebacks show the lines of a command."""
        monkeypatch.setattr(sys, "version_info", version)
        monkeypatch.setattr(linecache, "cache", {})
        run.run(["-c", "pass\npass"])
        assert linecache.getlines("<string>") == (["pass\n", "pass\n"] if version == (3, 13) else [])

    def test_standardInput(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Standard input runs if it exists, and interactively at a terminal."""
        stdin = io.TextIOWrapper(io.BytesIO(b"import sys\nprint(sys.argv, __file__)\n"))
        monkeypatch.setattr(sys, "stdin", stdin)
        run.run(["-", "x"])
        assert capsys.readouterr().out == "['-', 'x'] <stdin>\n"
        monkeypatch.setattr(stdin, "isatty", lambda: True)
        names: list[object] = []
        monkeypatch.setattr("code.interact", lambda local, exitmsg: names.append(local["__name__"]))
        run.run(["-"])
        assert names == ["__main__"]
        monkeypatch.setattr(sys, "stdin", None)
        run.run(["-"])
        assert capsys.readouterr() == ("", "")

    @pytest.mark.skipif(os.name != "posix", reason="these are files on POSIX")
    def test_stream(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A program in a pipe runs."""
        reading, writing = os.pipe()
        os.write(writing, b"import sys\nprint(sys.argv, sys.path[0])\n")
        os.close(writing)
        run.run([f"/dev/fd/{reading}", "x"])
        os.close(reading)
        assert capsys.readouterr().out == f"['/dev/fd/{reading}', 'x'] /dev/fd\n"

    @pytest.mark.parametrize(
        ("launcher", "python"),
        [
            (["python", "-m", "twisted_basic_ng", "run"], ["python"]),
            (["python", "-OIm", "twisted_basic_ng", "run", "--verbose"], ["python", "-OI"]),
            (["python", "-m", "twisted_basic_ng", "run", "--verbose", "--extended"], ["python"]),
            (["--extended"], None),
            (["python", "-O", "twisted-basic-ng", "run"], ["python", "-O"]),
            (["python", "something", "else"], None),
            ([], None),
        ],
    )
    def test_commandLine(self, launcher: list[str], python: list[str] | None, monkeypatch: pytest.MonkeyPatch) -> None:
        """The launcher is removed from C{sys.orig_argv} if that begins with it."""
        line = [*launcher, "-c", "pass", "x"]
        monkeypatch.setattr(sys, "orig_argv", list(line))
        run.run(["-c", "pass", "x"])
        assert sys.orig_argv == (line if python is None else [*python, "-c", "pass", "x"])

    def test_help(self, capsys: pytest.CaptureFixture[str]) -> None:
        """C{--help} prints the help and runs nothing."""
        run.run(["--help"])
        assert capsys.readouterr().out == run.USAGE

    def test_mistakes(self, tmp_path: Path) -> None:
        """Anything that is not a program raises L{run.NoProgramError}."""
        script = str(write(tmp_path / "script", "#!/bin/sh\n"))
        for words in (
            [],
            ["-x"],
            ["-m"],
            ["-m", "no.such"],
            ["-m", "json.no_such"],
            ["-m", ".no"],
            ["no-such"],
            [script],
        ):
            with pytest.raises(run.NoProgramError):
                run.run(words)

    def test_unreadable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that cannot be opened raises an error, unless it is executable."""

        def refuse(*arguments: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr("builtins.open", refuse)
        monkeypatch.setattr(SourceFileLoader, "get_data", refuse)
        started: list[str] = []
        monkeypatch.setattr(os, "execv", lambda path, words: started.append(path))
        program = tmp_path / "program"
        program.touch()
        with pytest.raises(run.NoProgramError, match=f"cannot open '{program}': Permission denied"):
            run.run([str(program)])
        program.chmod(0o711)
        run.run([str(program)])
        assert started == [str(program)]

    @pytest.mark.skipif(os.name != "posix", reason="these are files on POSIX")
    def test_socket(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A socket is not a program."""
        import socket

        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as unopened:
            unopened.bind("socket")
            with pytest.raises(run.NoProgramError, match="cannot open"):
                run.run(["socket"])

    def test_beside(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """An installed script is searched beside the interpreter first, then on C{PATH}."""
        for name in ("here", "there"):
            script = write(tmp_path / name / "tool", f"#!/usr/bin/python\nprint({name!r})\n")
            script.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path / "there"))
        os.environ["PATH"] = str(tmp_path / "there")
        monkeypatch.setattr(sys, "executable", str(tmp_path / "here" / "python"))
        run.run(["tool"])
        monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere" / "python"))
        run.run(["tool"])
        assert capsys.readouterr().out == "here\nthere\n"

    def test_notPython(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A program that is not Python is executed, with an environment for its Python children."""
        script = write(tmp_path / "wrapper", "#!/bin/sh\nexec python\n")
        script.chmod(0o755)
        started: list[object] = []
        monkeypatch.setattr(os, "execv", lambda *arguments: started.append(arguments))
        run.run([str(script), "x"])
        assert started == [(str(script), [str(script), "x"])]
        assert os.environ[children.ENVIRONMENT] == "1"

    def test_notStartable(self, tmp_path: Path) -> None:
        """A program that the system cannot execute raises an error."""
        script = write(tmp_path / "script", "echo\n")
        script.chmod(0o755)
        with pytest.raises(run.NoProgramError, match="cannot start"):
            run.run([str(script)])

    def test_safePath(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In safe path mode, no directory is put first in C{sys.path}."""

        class Safe:
            safe_path = True
            isolated = False

        class Isolated:
            isolated = True

        before = list(sys.path)
        for flags in (Safe, Isolated):
            monkeypatch.setattr(sys, "flags", flags)
            run._putFirst("x")
            assert sys.path == before

    def test_safePathArchive(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In safe path mode, a directory that is run is still put first."""
        write(tmp_path / "__main__.py", "")
        monkeypatch.setattr(run, "_isSafe", lambda: True)
        before = [each for each in sys.path if each != children.STARTUP]
        run.run([str(tmp_path)])
        assert [each for each in sys.path if each != children.STARTUP] == [str(tmp_path), *before]

    def test_exceptions(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Exceptions propagate, and C{sys.excepthook} gets only the program's own frames."""
        reported: list[list[str]] = []

        def report(kind: object, value: object, traceback: object) -> None:
            names = []
            while traceback is not None:
                names.append(traceback.tb_frame.f_code.co_name)  # type: ignore[attr-defined]
                traceback = traceback.tb_next  # type: ignore[attr-defined]
            reported.append(names)

        for code in ("def f():\n    1 / 0\nf()\n", "def f(:\n"):
            monkeypatch.setattr(sys, "excepthook", report)
            program = write(tmp_path / "fails.py", code)
            with pytest.raises((ZeroDivisionError, SyntaxError)) as caught:
                run.run([str(program)])
            sys.excepthook(caught.type, caught.value, caught.tb)
        assert reported == [["<module>", "f"], []]

    def test_exit(self, tmp_path: Path) -> None:
        """C{SystemExit} propagates without a report."""
        hook = sys.excepthook
        with pytest.raises(SystemExit) as caught:
            run.run(["-c", "raise SystemExit(5)"])
        assert (caught.value.code, sys.excepthook) == (5, hook)
