"""Tests that setup.cfg, tox.ini and related files agree."""

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
    """Split a setting with one value per line."""
    return text.split("\n")[1:]


class TestVersion:
    """Tests for the version."""

    def test_attribute(self) -> None:
        """The metadata reads the version from the package."""
        assert read("setup.cfg")["metadata"]["version"] == "attr: twisted_basic_ng.__version__"

    def test_demo(self) -> None:
        """The demo's package has the same version."""
        assert read("benchmarks/setup.cfg")["metadata"]["version"] == twisted_basic_ng.__version__

    def test_installed(self) -> None:
        """An installed copy reports the same version."""
        try:
            installed = version("twisted_basic_ng")
        except PackageNotFoundError:
            pytest.skip("the package is not installed here, only importable")
        assert installed == twisted_basic_ng.__version__


class TestBuildSystem:
    """Tests for pyproject.toml."""

    def test_alone(self) -> None:
        """It has only the table C{build-system}."""
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        assert re.findall(r"^\[+(.*?)\]+$", text, re.MULTILINE) == ["build-system"]


class TestPythons:
    """The same versions of Python are supported everywhere."""

    supported = re.findall(r"Python :: (3\.\d+)", read("setup.cfg")["metadata"]["classifiers"])

    def test_lowest(self) -> None:
        """pip requires the lowest version."""
        assert read("setup.cfg")["options"]["python_requires"] == f">={self.supported[0]}"

    def test_tox(self) -> None:
        """
        Each version has a tox environment.  The environment that runs all tests is not named after
        one.
        """
        tox = read("tox.ini")
        environments = lines(tox["tox"]["env_list"])
        pythons = tox["testenv:full"]["base_python"].split(", ")
        assert "full" in environments
        assert sorted(pythons) == [f"python{each}" for each in self.supported]
        others = {f"py{each.removeprefix('python').replace('.', '')}" for each in pythons[1:]}
        assert others <= set(environments)

    def test_wheels(self) -> None:
        """A wheel is built for each version."""
        workflow = (ROOT / ".github" / "workflows" / "wheels.yml").read_text(encoding="utf-8")
        built = re.search(r"CIBW_BUILD: (.*)", workflow)
        assert built is not None
        assert built[1].split() == [f"cp{each.replace('.', '')}-*" for each in self.supported]

    def test_linter(self) -> None:
        """The linter targets the lowest version."""
        assert f'target-version = "py{self.supported[0].replace(".", "")}"' in (ROOT / "ruff.toml").read_text(
            encoding="utf-8"
        )


class TestFiles:
    """Tests for files of the package that are not modules."""

    def test_typed(self) -> None:
        """The marker of a typed package exists, and is included in the wheel."""
        assert (PACKAGE / "py.typed").exists()
        assert "py.typed" in lines(read("setup.cfg")["options.package_data"]["twisted_basic_ng"])

    def test_license(self) -> None:
        """The license file matches the license in the metadata."""
        name = read("setup.cfg")["metadata"]["license"]
        assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith(f"{name} License")


class TestFragments:
    """Tests for the changelog fragments."""

    def test_types(self) -> None:
        """The type of each fragment is declared for towncrier."""
        declared = re.findall(
            r'^directory = "(\w+)"$', (ROOT / "towncrier.toml").read_text(encoding="utf-8"), re.MULTILINE
        )
        fragments = [each.name for each in (ROOT / "changelog.d").iterdir() if each.name != "README.rst"]
        assert [each for each in fragments if each.split(".")[-2] not in declared] == []


class TestReasons:
    """Tests that each disabled rule has a reason."""

    def test_linter(self) -> None:
        """Each line with ignored rules has a comment."""
        text = (ROOT / "ruff.toml").read_text(encoding="utf-8")
        _, _, ignored = text.partition("\nignore = [\n")
        bare = [each for each in ignored.split("\n]")[0].splitlines() if "#" not in each]
        assert bare == []
