"""The tests of the demo, one file for each of its files."""
