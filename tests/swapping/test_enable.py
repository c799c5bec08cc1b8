"""Tests for L{twisted_basic_ng._swapping.enable}."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.environments import LIBRARIES, Environment, editableWheel, userEnvironment, virtualEnvironment, wheel
from tests.processes import SAYS, environment, write
from twisted_basic_ng._swapping import enable
from twisted_basic_ng._swapping.enabled import FILE

OURS = ("twisted_basic_ng", "")
TWISTEDS = ("twisted", "")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="these environments are made of links")


class TestFile:
    """Tests for creating and deleting the file."""

    @pytest.fixture(autouse=True)
    def site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Set up one site directory that works, with an installation in it."""
        record = tmp_path / "twisted_basic_ng-1.dist-info" / "RECORD"
        record.parent.mkdir()
        record.write_bytes(b"a.py,,\r\nb.py,,\r\n")
        monkeypatch.setattr(enable, "_ownSites", lambda: [tmp_path / "other", tmp_path])
        monkeypatch.setattr(enable, "_otherSites", lambda: [tmp_path / "shared"])
        monkeypatch.setattr(enable, "_obstacle", lambda directory: "")
        monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
        return tmp_path

    def record(self, site: Path) -> Path:
        return site / "twisted_basic_ng-1.dist-info" / "RECORD"

    def test_switch(self, site: Path) -> None:
        """
        C{enable} and C{disable} return whether they have changed anything, and leave no other files
        behind.
        """
        before = sorted(os.listdir(site))
        assert enable.enabledBy() is None
        assert [enable.enable(), enable.enable(), enable.enabledBy()] == [True, False, site / FILE]
        assert sorted(os.listdir(site)) == sorted([*before, FILE])
        assert stat.S_IMODE((site / FILE).stat().st_mode) == 0o644
        assert [enable.disable(), enable.disable(), enable.enabledBy()] == [True, False, None]
        assert sorted(os.listdir(site)) == before

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_record(self, site: Path, end: str) -> None:
        """
        The file is listed in RECORD once while it exists, and the rest of RECORD is unchanged.
        """
        record = self.record(site)
        before = f"a.py,,{end}b.py,,{end}".encode()
        record.write_bytes(before)
        record.chmod(0o664)
        assert enable.isRecorded()
        enable.enable()
        assert record.read_bytes() == before + f"{FILE},,{end}".encode()
        (site / FILE).unlink()
        enable.enable()
        assert record.read_bytes() == before + f"{FILE},,{end}".encode()
        assert stat.S_IMODE(record.stat().st_mode) == 0o664
        enable.disable()
        assert record.read_bytes() == before

    def test_noRecord(self, site: Path) -> None:
        """An installation without RECORD can be enabled, but the file is not recorded."""
        self.record(site).unlink()
        assert enable.enable()
        assert not enable.isRecorded()
        assert "ng.start()" in (site / FILE).read_text()
        assert (enable.enable(), enable.disable()) == (False, True)

    def test_elsewhere(self, site: Path) -> None:
        """
        An installation that is shared with other environments is identified by its modification
        time, and is not changed.
        """
        record = self.record(site)
        record.parent.rename(site / "shared")
        metadata = site / "shared" / record.parent.name / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text("")
        os.utime(metadata, (1234567890.75, 1234567890.75))
        assert enable.enable()
        assert not enable.isRecorded()
        assert f"installed='{metadata}', at=1234567890" in (site / FILE).read_text().replace("\\'", "'")
        assert enable.pthFile() == site / FILE

    def test_leftOver(self, site: Path) -> None:
        """A file of an earlier installation does not count, and is replaced."""
        for text in ("", f"{FILE},,\n"):
            (site / FILE).write_text("import earlier\n")
            self.record(site).write_text(text)
            assert enable.enabledBy() is None
            assert (enable.enable(), enable.enabledBy()) == (True, site / FILE)
        self.record(site).write_text("")  # as after a reinstallation that has kept the file
        assert (enable.enabledBy(), enable.enable()) == (None, True)

    def test_two(self, site: Path) -> None:
        """With two installations, the file of either counts, and C{disable} removes it."""
        enable.enable()
        other = site / "other" / "twisted_basic_ng-2.dist-info" / "RECORD"
        write(other, "")
        assert enable.enabledBy() == site / FILE
        assert (enable.enable(), enable.enabledBy()) == (True, site / "other" / FILE)
        assert (FILE in other.read_text(), FILE in self.record(site).read_text()) == (True, False)
        assert (enable.disable(), enable.enabledBy(), other.read_text()) == (True, None, "")

    def test_interrupted(self, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """If the user interrupts C{enable}, no file is left behind."""

        def interrupt(directory: Path) -> str:
            raise KeyboardInterrupt

        monkeypatch.setattr(enable, "_obstacle", interrupt)
        with pytest.raises(KeyboardInterrupt):
            enable.enable()
        assert not (site / FILE).exists()

    def test_shared(self, site: Path) -> None:
        """A file of the environment that this one was created from counts, and is not deleted."""
        shared = site / "shared" / FILE
        shared.parent.mkdir()
        shared.write_text("")
        assert enable.enabledBy() == shared
        assert (enable.disable(), enable.enabledBy()) == (False, shared)

    def test_obstacle(self, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        If the environment does not swap, C{enable} raises an error and removes the file, even one
        that existed before.
        """
        before = self.record(site).read_bytes()
        enable.enable()
        monkeypatch.setattr(enable, "_obstacle", lambda directory: f"something in {directory}")
        with pytest.raises(enable.EnableError, match=f"^not enabled: something in {site}$"):
            enable.enable()
        assert (os.listdir(site), self.record(site).read_bytes()) == ([self.record(site).parent.name], before)

    @pytest.mark.parametrize("failing", [1, 2])
    def test_forbidden(self, site: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
        """If writing fails at any point, nothing is left behind."""
        before = self.record(site).read_bytes()
        calls: list[object] = []
        replace = os.replace

        def fail(source: str, target: Path) -> None:
            calls.append(target)
            if len(calls) == failing:
                raise PermissionError("no")
            replace(source, target)

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(PermissionError):
            enable.enable()
        assert (os.listdir(site), self.record(site).read_bytes()) == ([self.record(site).parent.name], before)
        assert os.listdir(self.record(site).parent) == ["RECORD"]


class TestSites:
    """Tests for which directories belong to the environment."""

    def test_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        The user's directory belongs to the environment, except in a virtual environment, which
        shares it with others.
        """
        import site

        monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
        monkeypatch.setattr(site, "getusersitepackages", lambda: "/user")
        both = ["/own", "/shared"]
        monkeypatch.setattr(site, "getsitepackages", lambda prefixes=None: both[:1] if prefixes else both[:])
        monkeypatch.setattr(sysconfig, "get_path", lambda name: "/own")
        monkeypatch.setattr(sys, "prefix", sys.base_prefix)
        assert (enable._ownSites(), enable._otherSites()) == ([Path("/user"), Path("/own")], [Path("/shared")])
        monkeypatch.setattr(sys, "prefix", "/venv")
        assert (enable._ownSites(), enable._otherSites()) == ([Path("/own")], [Path("/shared"), Path("/user")])
        monkeypatch.setattr(site, "ENABLE_USER_SITE", False)
        assert (enable._ownSites(), enable._otherSites()) == ([Path("/own")], [Path("/shared")])


class TestObstacle:
    """Tests for the result of the probe process."""

    @pytest.mark.parametrize(
        ("code", "says"),
        [
            (f"print('noise'); print('{enable.probe.MARK}'); print('noise')", ""),
            (f"print('noise'); print('{enable.probe.MARK}a reason'); print('noise')", "a reason"),
            ("print('noise'); raise ValueError('x')", "ValueError: x"),
            ("import os; os._exit(3)", f"{sys.executable} ended with status 3"),
        ],
    )
    def test_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, says: str) -> None:
        """
        The marked line of its output is the result.  Without one, the result is how the process
        ended.
        """
        monkeypatch.setattr(enable.probe, "__file__", str(write(tmp_path / "probe.py", code)))
        assert enable._obstacle(tmp_path) == says


class TestEnvironment:
    """Tests for a complete Python environment."""

    def test_everyProcess(self, tmp_path: Path) -> None:
        """
        Every process of an enabled environment swaps, even with an empty environment, until the
        package is removed.
        """
        home = tmp_path / "environment"
        venv.create(home, symlinks=True)
        interpreter = home / "bin" / "python"
        paths = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = Path(subprocess.check_output([interpreter, "-c", paths], text=True).strip())
        (site / "here.pth").write_text("\n".join(each for each in sys.path if each.endswith("site-packages")) + "\n")
        package = Path(enable.__file__).parent.parent
        (site / package.name).symlink_to(package)
        program = write(tmp_path / "says.py", SAYS)

        def says(**environment: str) -> str:
            return subprocess.check_output(
                [interpreter, "-W", "error", program], env=environment, text=True, stderr=subprocess.STDOUT
            )

        def command(word: str, **changes: str) -> None:
            changed = environment(PYTHONPATH="", **changes)
            subprocess.run([interpreter, "-m", "twisted_basic_ng", word], env=changed, check=True)

        assert says() == "twisted\n"
        command("enable", TWISTED_BASIC_NG_SWAP="0")
        assert says() == "twisted_basic_ng\n"
        assert says(TWISTED_BASIC_NG_SWAP="0") == "twisted\n"
        (site / package.name).unlink()
        assert says() == "twisted\n"
        (site / package.name).symlink_to(package)
        command("disable")
        assert says() == "twisted\n"


class TestPip:
    """pip deletes the file with the package, however the package was installed."""

    def test_wheel(self, tmp_path: Path) -> None:
        """
        This works for a wheel in a virtual environment, and a new installation is not enabled.
        """
        there, archive = virtualEnvironment(tmp_path), wheel(tmp_path)
        there.install(archive)
        before = sorted(os.listdir(there.site))
        assert there.says() == TWISTEDS
        assert there.command("enable") == f"enabled: {there.site / FILE}\n"
        assert f"yes ({there.site / FILE})" in there.command("status")
        assert [there.says(), there.says("-I"), there.says("-W", "error")] == [OURS] * 3
        assert there.command("disable").startswith("disabled: ")
        assert (there.says(), sorted(os.listdir(there.site))) == (TWISTEDS, before)
        there.command("enable")
        there.uninstall()
        assert (os.listdir(there.site), there.says()) == ([LIBRARIES], TWISTEDS)
        there.install(archive)
        assert (sorted(os.listdir(there.site)), there.says()) == (before, TWISTEDS)

    def test_editable(self, tmp_path: Path) -> None:
        """This works for an editable installation."""
        there = virtualEnvironment(tmp_path)
        there.install(editableWheel(tmp_path))
        there.command("enable")
        assert there.says() == OURS
        there.uninstall()
        assert (os.listdir(there.site), there.says()) == ([LIBRARIES], TWISTEDS)

    def test_user(self, tmp_path: Path) -> None:
        """This works for a user installation, also together with a virtual environment."""
        user, archive = userEnvironment(tmp_path), wheel(tmp_path)
        there = virtualEnvironment(tmp_path, tmp_path / "user")
        user.install(archive)
        assert user.command("enable") == f"enabled: {user.site / FILE}\n"
        assert (user.says(), there.says()) == (OURS, OURS)
        assert f"still swaps, by {user.site / FILE}" in there.command("disable")
        assert user.command("disable").startswith("disabled: ")
        said = there.command("enable").splitlines()
        assert said[0] == f"enabled: {there.site / FILE}"
        assert "'disable' first, or delete it" in said[1]
        assert (user.says(), there.says()) == (TWISTEDS, OURS)
        user.command("enable")
        user.uninstall()
        assert (os.listdir(user.site), user.says(), there.says()) == ([LIBRARIES], TWISTEDS, TWISTEDS)
        user.install(archive)
        ours, warning = there.says()
        assert (user.says(), ours, len(warning.splitlines())) == (TWISTEDS, "twisted", 1)
        assert f"delete {there.site / FILE}" in warning
        there.command("disable")
        assert (sorted(os.listdir(there.site)), there.says()) == ([LIBRARIES], TWISTEDS)


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Environment, Path]:
    """Return an enabled environment with the package, and its parent directory."""
    directory = tmp_path_factory.mktemp("switched")
    there = virtualEnvironment(directory)
    there.unpack(wheel(directory))
    there.command("enable")
    assert there.says() == OURS
    return there, directory


class TestRemains:
    """Whatever remains of the package, a starting process prints one line at most."""

    @pytest.fixture
    def there(self, switched: tuple[Environment, Path], tmp_path: Path) -> Environment:
        """Return a copy of the environment."""
        environment, directory = switched
        return environment.copy(directory, tmp_path / "copy")

    def test_moved(self, there: Environment) -> None:
        """A copied environment swaps, too."""
        assert there.says() == OURS

    def says(self, there: Environment) -> str:
        """
        Start a program, assert that it runs on Twisted's modules and prints one warning, and return
        the reason.
        """
        ours, warning = there.says()
        assert (ours, len(warning.splitlines())) == ("twisted", 1)
        before, _, reason = warning.strip().partition(": not swapped: ")
        assert before == "twisted_basic_ng"
        return reason

    def test_gone(self, there: Environment) -> None:
        """If nothing is left of the package, there is no warning."""
        there.delete("twisted_basic_ng")
        assert there.says() == TWISTEDS

    def test_directories(self, there: Environment) -> None:
        """If only files that pip does not know are left, there is no warning."""
        there.delete("twisted_basic_ng")
        for name in ("__pycache__/__init__.cpython-311.opt-1.pyc", "_swapping/startup/__pycache__/x.pyc"):
            write(there.site / "twisted_basic_ng" / name, "")
        assert there.says() == TWISTEDS

    def test_half(self, there: Environment) -> None:
        """If files are missing, there is one warning for a process and all its children."""
        there.delete("twisted_basic_ng/_swapping/swap.py")
        assert self.says(there) == "No module named 'twisted_basic_ng._swapping.swap'"
        child = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'print(1)']))"
        ended = there.run("-c", child)
        assert (ended.stdout, len(ended.stderr.splitlines())) == ("1\n", 1)

    @pytest.mark.parametrize("name", ["__init__.py", "_swapping/swap.py"])
    def test_broken(self, there: Environment, name: str) -> None:
        """If a file is not valid Python, there is a warning."""
        there.delete(f"twisted_basic_ng/{name}")
        write(there.site / "twisted_basic_ng" / name, "def (:\n")
        assert "invalid syntax" in self.says(there) or "expected" in self.says(there)

    def test_noReader(self, there: Environment) -> None:
        """If standard error is closed, the program runs."""
        there.delete("twisted_basic_ng/_swapping/swap.py")
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", there.python, "-c", "print(1)"]
        assert subprocess.check_output(command, env={}, text=True) == "1\n"

    def test_noModule(self, there: Environment) -> None:
        """
        If our modules cannot be imported, there is a warning when a program imports Twisted's.
        """
        there.delete("twisted_basic_ng/basic.py")
        assert there.run("-c", "print(1)").stderr == ""
        assert "twisted_basic_ng.basic" in self.says(there)

    def test_inUse(self, there: Environment) -> None:
        """If another file has already imported Twisted's modules, there is a warning."""
        write(there.site / "aaa.pth", "import twisted.mail.smtp\n")
        assert self.says(there).startswith("Twisted's own classes are in use already, by twisted.mail")

    def test_oldTwisted(self, there: Environment) -> None:
        """If Twisted has become too old, there is a warning when a program imports its modules."""
        (there.site / LIBRARIES).unlink()
        basic = "class LineReceiver: ..."
        for name, code in (("", "__version__ = '20.3.0'"), ("protocols/", ""), ("protocols/basic/", basic)):
            write(there.site / "twisted" / name / "__init__.py", code)
        assert there.run("-c", "print(1)").stderr == ""
        assert "Twisted 20.3.0 is too old" in self.says(there)

    def test_noTwisted(self, there: Environment) -> None:
        """If Twisted is missing, the program gets its own ImportError."""
        (there.site / LIBRARIES).unlink()
        code = "try:\n from twisted.protocols import basic\nexcept ImportError as error:\n print(error.name)"
        ended = there.run("-c", code)
        assert (ended.stdout, ended.stderr) == ("twisted\n", "")

    def test_noZope(self, there: Environment) -> None:
        """If a dependency of Twisted is missing, the program gets Twisted's own error."""
        there.hide("zope")
        there.hide("zope.interface")
        ended = there.run("-c", "from twisted.protocols.basic import LineReceiver")
        assert ended.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'zope'"
        assert there.run("-c", "print(1)").stderr == ""

    def test_reinstalled(self, there: Environment, tmp_path: Path) -> None:
        """
        If another installer has replaced the package without deleting the file, there is a warning,
        and no swap.
        """
        there.unpack(wheel(tmp_path))
        reason = f"it was reinstalled since 'enable': enable it again, or delete {there.site / FILE}"
        assert self.says(there) == reason
        there.command("enable")
        assert there.says() == OURS


class TestDoesNotWork:
    """
    If the environment would not swap, C{enable} reports the reason, and leaves nothing behind.
    """

    @pytest.fixture
    def there(self, tmp_path: Path) -> Environment:
        there = virtualEnvironment(tmp_path)
        there.unpack(wheel(tmp_path))
        return there

    def fails(self, there: Environment, **changes: str) -> str:
        before = {path: path.read_bytes() for path in there.site.rglob("*.*info/RECORD")}
        ended = there.run("-m", "twisted_basic_ng", "enable", **changes)
        assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)
        assert not (there.site / FILE).exists()
        assert {path: path.read_bytes() for path in there.site.rglob("*.*info/RECORD")} == before
        start, _, reason = ended.stderr.strip().partition(": not enabled: ")
        assert start == "twisted-basic-ng"
        return reason

    def test_inUse(self, there: Environment) -> None:
        """
        The reason can be another file that imports Twisted's modules first.  It is named with the
        users of the classes.
        """
        write(there.site / "aaa.pth", "import sys\n")
        importer = write(there.site / "bbb.pth", "import twisted.mail.smtp\n")
        write(there.site / "ccc.pth", "import twisted.protocols.ftp\n")
        reason = self.fails(there)
        assert "in use already, by twisted.mail" in reason
        assert reason.endswith(f" (imported first by {importer})")
        assert there.says() == TWISTEDS

    def test_noTwisted(self, there: Environment) -> None:
        """The reason can be that Twisted or one of its dependencies is missing."""
        there.hide("zope")
        there.hide("zope.interface")
        assert self.fails(there).endswith("No module named 'zope'")
        (there.site / LIBRARIES).unlink()
        assert self.fails(there).endswith("No module named 'twisted'")

    def test_oldTwisted(self, there: Environment) -> None:
        """The reason can be that Twisted is too old."""
        (there.site / LIBRARIES).unlink()
        for name, code in (("", "__version__ = '20.3.0'"), ("protocols/", "")):
            write(there.site / "twisted" / name / "__init__.py", code)
        assert "Twisted 20.3.0 is too old: twisted_basic_ng needs 22.10 or later" in self.fails(there)

    def test_notInstalled(self, there: Environment) -> None:
        """The reason can be that the package is not installed for other processes."""
        there.delete("twisted_basic_ng-*.dist-info")
        elsewhere = there.site.parent / "elsewhere"
        elsewhere.mkdir()
        (there.site / "twisted_basic_ng").rename(elsewhere / "twisted_basic_ng")
        assert self.fails(there, PYTHONPATH=str(elsewhere)) == "twisted_basic_ng is not installed there"

    def test_later(self, there: Environment) -> None:
        """A file that imports Twisted's modules after the swap is no obstacle."""
        write(there.site / "zzz.pth", "import twisted.mail.smtp\n")
        there.command("enable")
        assert there.says() == OURS
