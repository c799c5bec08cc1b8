"""Tests of C{twisted_basic_ng._receiving}, one file for each source file."""
