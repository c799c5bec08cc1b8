"""The names of Twisted's modules and of ours, side by side."""
