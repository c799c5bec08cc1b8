"""Random conversations of two AMP ends under every pair of bounds."""
