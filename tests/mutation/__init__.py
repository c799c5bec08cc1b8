"""Mutation tests: each small change of a parser has to make a test fail."""
