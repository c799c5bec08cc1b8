"""Tests for L{twisted_basic_ng._swapping.programs}."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from tests.processes import write
from twisted_basic_ng._swapping import programs

onPosix = pytest.mark.skipif(os.name != "posix", reason="these files exist on POSIX alone")


class TestModuleExists:
    """Tests for L{programs.moduleExists}."""

    @pytest.mark.parametrize(
        ("name", "exists"),
        [
            ("json", True),
            ("json.decoder", True),
            ("no_such_module", False),
            ("no_such_package.module", False),
            ("json.no_such_module", False),
            ("json.decoder.inner", False),
            (".relative", False),
            ("", False),
        ],
    )
    def test_exists(self, name: str, exists: bool) -> None:
        """Packages and modules in packages are found.  Empty and relative names are not."""
        assert programs.moduleExists(name) is exists

    def test_withoutImport(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The packages of the module are not imported."""
        write(tmp_path / "failingpackage" / "__init__.py", "1 / 0\n")
        write(tmp_path / "failingpackage" / "server.py", "")
        monkeypatch.syspath_prepend(tmp_path)
        assert programs.moduleExists("failingpackage.server")
        assert "failingpackage" not in sys.modules


class TestLocate:
    """Tests for L{programs.locate}, which finds a program by its name."""

    @pytest.fixture(autouse=True)
    def installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Install the script C{tool} beside the interpreter and in a directory on C{PATH}."""
        for name in ("interpreter", "path"):
            write(tmp_path / name / "tool", "#!/usr/bin/python\n").chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "interpreter" / "python"))
        monkeypatch.setenv("PATH", str(tmp_path / "path"))
        write(tmp_path / "here" / "README", "")
        monkeypatch.chdir(tmp_path / "here")

    def test_file(self, tmp_path: Path) -> None:
        """A file comes before a script."""
        write(tmp_path / "here" / "tool", "")
        assert programs.locate("tool") == "tool"

    def test_directory(self, tmp_path: Path) -> None:
        """A directory counts if it contains C{__main__.py}."""
        (tmp_path / "here" / "tool").mkdir()
        assert programs.locate("tool") == str(tmp_path / "interpreter" / "tool")
        write(tmp_path / "here" / "tool" / "__main__.py", "")
        assert programs.locate("tool") == "tool"

    @onPosix
    def test_stream(self, tmp_path: Path) -> None:
        """A named pipe counts."""
        os.mkfifo(tmp_path / "here" / "tool")
        assert programs.locate("tool") == "tool"

    def test_script(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A script beside the interpreter comes before one on C{PATH}."""
        assert programs.locate("tool") == str(tmp_path / "interpreter" / "tool")
        monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere" / "python"))
        assert programs.locate("tool") == str(tmp_path / "path" / "tool")

    def test_none(self) -> None:
        """The result is C{None} if there is no such program."""
        assert programs.locate("no-such-program") is None


class TestKinds:
    """Tests for the functions that distinguish kinds of programs."""

    def test_stream(self, tmp_path: Path) -> None:
        """Directories, files and missing files are not streams."""
        file = write(tmp_path / "program.py", "")
        assert not any(programs.isStream(str(path)) for path in (tmp_path, file, tmp_path / "no-such"))

    @onPosix
    def test_openFile(self, tmp_path: Path) -> None:
        """A named pipe and an open file's number in C{/dev/fd} are streams."""
        os.mkfifo(tmp_path / "pipe")
        assert programs.isStream(str(tmp_path / "pipe"))
        with open(write(tmp_path / "program.py", ""), "rb") as file:
            assert programs.isStream(f"/dev/fd/{file.fileno()}")

    def test_archive(self, tmp_path: Path) -> None:
        """Directories and zip files are archives, whatever their names.  Other files are not."""
        with zipfile.ZipFile(tmp_path / "tool", "w") as archive:
            archive.writestr("__main__.py", "")
        (tmp_path / "begins").write_bytes(b"#!/usr/bin/env python3\n" + (tmp_path / "tool").read_bytes())
        file = write(tmp_path / "program.py", "")
        assert [programs.isArchive(str(tmp_path / name)) for name in ("", "tool", "begins", file.name)] == [
            True,
            True,
            True,
            False,
        ]

    @pytest.mark.parametrize(
        ("text", "executable", "isPython"),
        [
            ("#!/usr/bin/env python3\n", True, True),
            ("#!/bin/sh\n'''exec' /a/very/long/path/python \"$0\" \"$@\"\n' '''\n", True, True),
            ("#!/bin/sh\n", True, False),
            ("\x7fELF", True, False),
            ("print(1)\n", False, True),
        ],
    )
    def test_python(self, tmp_path: Path, text: str, executable: bool, isPython: bool) -> None:
        """The beginning and the mode of a file tell whether it is a Python program."""
        path = tmp_path / "program"
        path.write_text(text)
        path.chmod(0o755 if executable else 0o644)
        assert programs.isPython(str(path)) is isPython

    @pytest.mark.parametrize("suffix", [".py", ".pyc", ".pyw", ".tac"])
    def test_suffix(self, suffix: str) -> None:
        """The suffix of a Python program is sufficient."""
        assert programs.isPython(f"no-such-program{suffix}")

    def test_unreadable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that cannot be read is a Python program, unless it is executable."""

        def refuse(*arguments: object) -> None:
            raise PermissionError

        program = write(tmp_path / "program", "")
        monkeypatch.setattr("builtins.open", refuse)
        assert programs.isPython(str(program))
        program.chmod(0o711)
        assert not programs.isPython(str(program))


@pytest.mark.skipif(os.name != "posix", reason="links are made like this on POSIX")
class TestScriptDirectory:
    """Tests for L{programs.scriptDirectory}."""

    def test_links(self, tmp_path: Path) -> None:
        """Links are resolved, even if their target does not exist."""
        program = write(tmp_path / "real" / "program.py", "")
        (tmp_path / "link").symlink_to(program)
        (tmp_path / "broken").symlink_to(tmp_path / "other" / "no-such")
        assert programs.scriptDirectory(str(tmp_path / "link")) == os.path.realpath(program.parent)
        assert programs.scriptDirectory(str(tmp_path / "broken")) == str(tmp_path / "other")

    def test_noPath(self, tmp_path: Path) -> None:
        """
        For a missing file, and for a link whose target is not a path, the directory is their own.
        """
        (tmp_path / "link").symlink_to("pipe:[1]")
        for name in ("link", "no-such"):
            assert programs.scriptDirectory(str(tmp_path / name)) == str(tmp_path)
