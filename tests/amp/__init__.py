"""Tests of C{twisted_basic_ng.amp}, one file for each source file."""
