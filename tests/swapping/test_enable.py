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
    """The file comes and goes, whole."""

    @pytest.fixture(autouse=True)
    def site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The one directory of an environment that works, with an installation in it."""
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
        """Each switch says whether it has changed anything, and leaves nothing else behind."""
        before = sorted(os.listdir(site))
        assert enable.enabledBy() is None
        assert [enable.enable(), enable.enable(), enable.enabledBy()] == [True, False, site / FILE]
        assert sorted(os.listdir(site)) == sorted([*before, FILE])
        assert stat.S_IMODE((site / FILE).stat().st_mode) == 0o644
        assert [enable.disable(), enable.disable(), enable.enabledBy()] == [True, False, None]
        assert sorted(os.listdir(site)) == before

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_record(self, site: Path, end: str) -> None:
        """Meanwhile it is listed among what was installed, once, and the rest of the list stays as it was."""
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
        """Where there is no list, nobody is told."""
        self.record(site).unlink()
        assert enable.enable()
        assert not enable.isRecorded()
        assert "ng.start()" in (site / FILE).read_text()
        assert (enable.enable(), enable.disable()) == (False, True)

    def test_elsewhere(self, site: Path) -> None:
        """An installation that is shared with other environments is known by its age, and is not touched."""
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
        self.record(site).write_text("")  # as after a reinstallation that has left the file
        assert (enable.enabledBy(), enable.enable()) == (None, True)

    def test_two(self, site: Path) -> None:
        """Where there are two installations, the file of either counts, and goes with it."""
        enable.enable()
        other = site / "other" / "twisted_basic_ng-2.dist-info" / "RECORD"
        write(other, "")
        assert enable.enabledBy() == site / FILE
        assert (enable.enable(), enable.enabledBy()) == (True, site / "other" / FILE)
        assert (FILE in other.read_text(), FILE in self.record(site).read_text()) == (True, False)
        assert (enable.disable(), enable.enabledBy(), other.read_text()) == (True, None, "")

    def test_interrupted(self, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nor is it left where the user loses patience."""

        def interrupt(directory: Path) -> str:
            raise KeyboardInterrupt

        monkeypatch.setattr(enable, "_obstacle", interrupt)
        with pytest.raises(KeyboardInterrupt):
            enable.enable()
        assert not (site / FILE).exists()

    def test_shared(self, site: Path) -> None:
        """A file of the environment that this one was made from counts, and stays."""
        shared = site / "shared" / FILE
        shared.parent.mkdir()
        shared.write_text("")
        assert enable.enabledBy() == shared
        assert (enable.disable(), enable.enabledBy()) == (False, shared)

    def test_obstacle(self, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where it does not work, that is an error, and nothing is left behind, not even what was there."""
        before = self.record(site).read_bytes()
        enable.enable()
        monkeypatch.setattr(enable, "_obstacle", lambda directory: f"something in {directory}")
        with pytest.raises(enable.EnableError, match=f"^not enabled: something in {site}$"):
            enable.enable()
        assert (os.listdir(site), self.record(site).read_bytes()) == ([self.record(site).parent.name], before)

    @pytest.mark.parametrize("failing", [1, 2])
    def test_forbidden(self, site: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
        """Nor is anything left where writing fails, in the middle too."""
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
    """Which directories are the environment's own."""

    def test_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The user's are, but in a virtual environment, which shares them with others."""
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
    """What another process says is told."""

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
        """Its line, whatever else is printed; or how it ended."""
        monkeypatch.setattr(enable.probe, "__file__", str(write(tmp_path / "probe.py", code)))
        assert enable._obstacle(tmp_path) == says


class TestEnvironment:
    """A whole Python environment is switched."""

    def test_everyProcess(self, tmp_path: Path) -> None:
        """Every process of it swaps, even with an empty environment; and none after the package is gone."""
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
    """pip deletes the file with the package, wherever and however that was installed."""

    def test_wheel(self, tmp_path: Path) -> None:
        """An installation in a virtual environment; the next one is not switched."""
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
        """One that is a reference to the sources."""
        there = virtualEnvironment(tmp_path)
        there.install(editableWheel(tmp_path))
        there.command("enable")
        assert there.says() == OURS
        there.uninstall()
        assert (os.listdir(there.site), there.says()) == ([LIBRARIES], TWISTEDS)

    def test_user(self, tmp_path: Path) -> None:
        """One for a user; and what a virtual environment has to do with that."""
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
    """An environment with the package in it, switched; and the directory of both."""
    directory = tmp_path_factory.mktemp("switched")
    there = virtualEnvironment(directory)
    there.unpack(wheel(directory))
    there.command("enable")
    assert there.says() == OURS
    return there, directory


class TestRemains:
    """Whatever is left of the package, a start prints one line at the most."""

    @pytest.fixture
    def there(self, switched: tuple[Environment, Path], tmp_path: Path) -> Environment:
        """A copy of it."""
        environment, directory = switched
        return environment.copy(directory, tmp_path / "copy")

    def test_moved(self, there: Environment) -> None:
        """The copy swaps, too."""
        assert there.says() == OURS

    def says(self, there: Environment) -> str:
        """Start a program, which runs on Twisted's modules; return the reason that is given in one line."""
        ours, warning = there.says()
        assert (ours, len(warning.splitlines())) == ("twisted", 1)
        before, _, reason = warning.strip().partition(": not swapped: ")
        assert before == "twisted_basic_ng"
        return reason

    def test_gone(self, there: Environment) -> None:
        """Nothing is left: silence."""
        there.delete("twisted_basic_ng")
        assert there.says() == TWISTEDS

    def test_directories(self, there: Environment) -> None:
        """Nothing is left but what pip does not know of: silence."""
        there.delete("twisted_basic_ng")
        for name in ("__pycache__/__init__.cpython-311.opt-1.pyc", "_swapping/startup/__pycache__/x.pyc"):
            write(there.site / "twisted_basic_ng" / name, "")
        assert there.says() == TWISTEDS

    def test_half(self, there: Environment) -> None:
        """Files are missing: that is told, once for a process and its children."""
        there.delete("twisted_basic_ng/_swapping/swap.py")
        assert self.says(there) == "No module named 'twisted_basic_ng._swapping.swap'"
        child = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'print(1)']))"
        ended = there.run("-c", child)
        assert (ended.stdout, len(ended.stderr.splitlines())) == ("1\n", 1)

    @pytest.mark.parametrize("name", ["__init__.py", "_swapping/swap.py"])
    def test_broken(self, there: Environment, name: str) -> None:
        """A file is no Python any more."""
        there.delete(f"twisted_basic_ng/{name}")
        write(there.site / "twisted_basic_ng" / name, "def (:\n")
        assert "invalid syntax" in self.says(there) or "expected" in self.says(there)

    def test_noReader(self, there: Environment) -> None:
        """Nobody is there to be told."""
        there.delete("twisted_basic_ng/_swapping/swap.py")
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", there.python, "-c", "print(1)"]
        assert subprocess.check_output(command, env={}, text=True) == "1\n"

    def test_noModule(self, there: Environment) -> None:
        """Ours cannot be imported when a program asks for them."""
        there.delete("twisted_basic_ng/basic.py")
        assert there.run("-c", "print(1)").stderr == ""
        assert "twisted_basic_ng.basic" in self.says(there)

    def test_inUse(self, there: Environment) -> None:
        """Another file imports Twisted's modules first."""
        write(there.site / "aaa.pth", "import twisted.mail.smtp\n")
        assert self.says(there).startswith("Twisted's own classes are in use already, by twisted.mail")

    def test_oldTwisted(self, there: Environment) -> None:
        """Twisted is another one now."""
        (there.site / LIBRARIES).unlink()
        basic = "class LineReceiver: ..."
        for name, code in (("", "__version__ = '20.3.0'"), ("protocols/", ""), ("protocols/basic/", basic)):
            write(there.site / "twisted" / name / "__init__.py", code)
        assert there.run("-c", "print(1)").stderr == ""
        assert "Twisted 20.3.0 is too old" in self.says(there)

    def test_noTwisted(self, there: Environment) -> None:
        """Nor Twisted is there: that is for the program to find."""
        (there.site / LIBRARIES).unlink()
        code = "try:\n from twisted.protocols import basic\nexcept ImportError as error:\n print(error.name)"
        ended = there.run("-c", code)
        assert (ended.stdout, ended.stderr) == ("twisted\n", "")

    def test_noZope(self, there: Environment) -> None:
        """What Twisted needs is missing: the program gets Twisted's own error."""
        there.hide("zope")
        there.hide("zope.interface")
        ended = there.run("-c", "from twisted.protocols.basic import LineReceiver")
        assert ended.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'zope'"
        assert there.run("-c", "print(1)").stderr == ""

    def test_reinstalled(self, there: Environment, tmp_path: Path) -> None:
        """The package was reinstalled by something that ignores its list: nobody has switched the new one on."""
        there.unpack(wheel(tmp_path))
        reason = f"it was reinstalled since 'enable': enable it again, or delete {there.site / FILE}"
        assert self.says(there) == reason
        there.command("enable")
        assert there.says() == OURS


class TestDoesNotWork:
    """Where the environment would not swap, C{enable} says why, and leaves nothing behind."""

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
        """Another file imports Twisted's modules first: both are named."""
        write(there.site / "aaa.pth", "import sys\n")
        importer = write(there.site / "bbb.pth", "import twisted.mail.smtp\n")
        write(there.site / "ccc.pth", "import twisted.protocols.ftp\n")
        reason = self.fails(there)
        assert "in use already, by twisted.mail" in reason
        assert reason.endswith(f" (imported first by {importer})")
        assert there.says() == TWISTEDS

    def test_noTwisted(self, there: Environment) -> None:
        """Twisted is missing, or what it needs."""
        there.hide("zope")
        there.hide("zope.interface")
        assert self.fails(there).endswith("No module named 'zope'")
        (there.site / LIBRARIES).unlink()
        assert self.fails(there).endswith("No module named 'twisted'")

    def test_oldTwisted(self, there: Environment) -> None:
        """Twisted is too old."""
        (there.site / LIBRARIES).unlink()
        for name, code in (("", "__version__ = '20.3.0'"), ("protocols/", "")):
            write(there.site / "twisted" / name / "__init__.py", code)
        assert "Twisted 20.3.0 is too old: twisted_basic_ng needs 22.10 or later" in self.fails(there)

    def test_notInstalled(self, there: Environment) -> None:
        """The package is here, but not for other processes."""
        there.delete("twisted_basic_ng-*.dist-info")
        elsewhere = there.site.parent / "elsewhere"
        elsewhere.mkdir()
        (there.site / "twisted_basic_ng").rename(elsewhere / "twisted_basic_ng")
        assert self.fails(there, PYTHONPATH=str(elsewhere)) == "twisted_basic_ng is not installed there"

    def test_later(self, there: Environment) -> None:
        """A file that imports Twisted's modules after ours is no obstacle."""
        write(there.site / "zzz.pth", "import twisted.mail.smtp\n")
        there.command("enable")
        assert there.says() == OURS
