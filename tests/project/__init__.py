"""Tests for the project as a whole."""
