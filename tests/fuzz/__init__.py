"""Bytes that nobody thought of: each parser and each argument type, fed with what a fuzzer makes up."""
