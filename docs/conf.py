"""What Sphinx is told."""

from __future__ import annotations

import twisted_basic_ng

project = "twisted_basic_ng"
author = "The developers of twisted_basic_ng"
copyright = author
version = release = twisted_basic_ng.__version__

html_theme = "furo"
html_title = f"{project} {release}"
nitpicky = True
