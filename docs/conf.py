"""
Settings of Sphinx.

C{_ext/reference.py} makes the API reference.  pydoctor documents every file, private ones too, for
those who change them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import twisted_basic_ng

_here = Path(__file__).parent
_root = _here.parent
sys.path.insert(0, str(_here / "_ext"))  # our extensions of Sphinx and of pydoctor

project = "twisted_basic_ng"
author = "The developers of twisted_basic_ng"
copyright = author
version = release = twisted_basic_ng.__version__

extensions = ["pydoctor.sphinx_ext.build_apidocs", "builds", "reference"]
pydoctor_args = [
    f"--project-name={project}",
    f"--project-version={release}",
    f"--project-base-dir={_root}",
    "--docformat=epytext",
    "--system-class=apipages.Pages",
    "--html-output={outdir}/internals",
    "--privacy=PRIVATE:twisted_basic_ng._*",
    "--warnings-as-errors",
    "--quiet",
    "--quiet",
    str(_root / "twisted_basic_ng"),
]

html_theme = "furo"
html_title = f"{project} {release}"
exclude_patterns = ["_build"]
nitpicky = True
