"""Twisted's receivers and ours, driven with the same scripts."""
