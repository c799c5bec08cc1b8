"""Tests for C{twisted_basic_ng._accelerate}, one file for each source file."""
