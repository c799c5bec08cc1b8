"""What setup.cfg, tox.ini and their neighbours say agrees."""

from __future__ import annotations

import re
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, version

import pytest

import twisted_basic_ng

from .sources import PACKAGE, ROOT


def read(name: str) -> ConfigParser:
    """Parse a file of the root directory."""
    parser = ConfigParser(interpolation=None, delimiters=("=",))
    parser.read_string((ROOT / name).read_text(encoding="utf-8"))
    return parser


def lines(text: str) -> list[str]:
    """Split a setting that has a line for each of its values."""
    return text.split("\n")[1:]


class TestVersion:
    """The version stands in one place."""

    def test_attribute(self) -> None:
        """The metadata takes it from the package."""
        assert read("setup.cfg")["metadata"]["version"] == "attr: twisted_basic_ng.__version__"

    def test_demo(self) -> None:
        """The package of the demo has the same one."""
        assert read("benchmarks/setup.cfg")["metadata"]["version"] == twisted_basic_ng.__version__

    def test_installed(self) -> None:
        """An installed copy has the version that it says."""
        try:
            installed = version("twisted_basic_ng")
        except PackageNotFoundError:
            pytest.skip("the package is not installed here, only importable")
        assert installed == twisted_basic_ng.__version__


class TestBuildSystem:
    """pyproject.toml says what builds the package and nothing else."""

    def test_alone(self) -> None:
        """There is one table in it."""
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        assert re.findall(r"^\[+(.*?)\]+$", text, re.MULTILINE) == ["build-system"]


class TestPythons:
    """The supported versions of Python are the same wherever they are named."""

    supported = re.findall(r"Python :: (3\.\d+)", read("setup.cfg")["metadata"]["classifiers"])

    def test_lowest(self) -> None:
        """The lowest one is what pip asks for."""
        assert read("setup.cfg")["options"]["python_requires"] == f">={self.supported[0]}"

    def test_tox(self) -> None:
        """Each is an environment of tox; the one that runs all tests is named after none."""
        tox = read("tox.ini")
        environments = lines(tox["tox"]["env_list"])
        pythons = tox["testenv:full"]["base_python"].split(", ")
        assert "full" in environments
        assert sorted(pythons) == [f"python{each}" for each in self.supported]
        others = {f"py{each.removeprefix('python').replace('.', '')}" for each in pythons[1:]}
        assert others <= set(environments)

    def test_wheels(self) -> None:
        """A wheel is built for each."""
        workflow = (ROOT / ".github" / "workflows" / "wheels.yml").read_text(encoding="utf-8")
        built = re.search(r"CIBW_BUILD: (.*)", workflow)
        assert built is not None
        assert built[1].split() == [f"cp{each.replace('.', '')}-*" for each in self.supported]

    def test_linter(self) -> None:
        """The linter looks for what the lowest one bears."""
        assert f'target-version = "py{self.supported[0].replace(".", "")}"' in (ROOT / "ruff.toml").read_text(
            encoding="utf-8"
        )


class TestFiles:
    """What is no module comes with the package, too."""

    def test_typed(self) -> None:
        """The marker of a typed package is there, and named for the wheel."""
        assert (PACKAGE / "py.typed").exists()
        assert "py.typed" in lines(read("setup.cfg")["options.package_data"]["twisted_basic_ng"])

    def test_license(self) -> None:
        """The license that is named is the one that is enclosed."""
        name = read("setup.cfg")["metadata"]["license"]
        assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith(f"{name} License")


class TestFragments:
    """What has changed is told in a form that towncrier takes."""

    def test_types(self) -> None:
        """Each fragment has a type that is declared."""
        declared = re.findall(
            r'^directory = "(\w+)"$', (ROOT / "towncrier.toml").read_text(encoding="utf-8"), re.MULTILINE
        )
        fragments = [each.name for each in (ROOT / "changelog.d").iterdir() if each.name != "README.rst"]
        assert [each for each in fragments if each.split(".")[-2] not in declared] == []


class TestReasons:
    """A rule that is switched off has its reason beside it."""

    def test_linter(self) -> None:
        """Each line that names rules to ignore goes on with a comment."""
        text = (ROOT / "ruff.toml").read_text(encoding="utf-8")
        _, _, ignored = text.partition("\nignore = [\n")
        bare = [each for each in ignored.split("\n]")[0].splitlines() if "#" not in each]
        assert bare == []
