"""Fuzz tests for each parser and each argument type."""
