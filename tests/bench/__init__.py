"""Tests for L{twisted_basic_ng_demo.bench}."""
