"""A server and its peers, of whom some are slow, silent, rude or gone: nothing is lost, and nothing stays behind."""
