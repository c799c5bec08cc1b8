"""Tests for L{twisted_basic_ng._bench}."""
