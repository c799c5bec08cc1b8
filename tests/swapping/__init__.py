"""Tests for C{twisted_basic_ng._swapping}, one file for each source file."""
