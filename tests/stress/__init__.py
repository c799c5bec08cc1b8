"""Stress tests: random conversations of two AMP ends under every pair of overload bounds."""
