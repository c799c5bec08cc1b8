"""Random conversations of two AMP ends under every pair of bounds; see C{python -m tests.stress --help}."""
