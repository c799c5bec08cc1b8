"""Small suites that the tests of the comparison run."""
