"""Tests of C{twisted_basic_ng._ftp}, one file for each source file."""
