"""Tests for L{twisted_basic_ng_demo.demo}."""

from __future__ import annotations

import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng_demo.demo import main
from twisted_basic_ng_demo.paths import childEnvironment


class MainTests(SynchronousTestCase):
    """Tests for the package."""

    def test_main(self) -> None:
        """C{main} runs the command line, and returns the exit status."""
        with redirect_stdout(StringIO()) as output:
            status = main(["--help"])
        self.assertEqual(status, 0)
        self.assertIn("twisted-basic-ng demo", output.getvalue())

    def test_light(self) -> None:
        """Importing the package imports neither Twisted nor rich."""
        code = "import sys, twisted_basic_ng_demo.demo; print({'twisted', 'rich'} & set(sys.modules))"
        said = subprocess.check_output([sys.executable, "-c", code], env=childEnvironment(), text=True)
        self.assertEqual(said, "set()\n")
