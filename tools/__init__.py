"""Scripts of this project that tox runs."""
