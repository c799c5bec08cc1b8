"""Tests for the demo, one file for each source file."""
