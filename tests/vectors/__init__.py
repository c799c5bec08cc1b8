"""What AMP version 1 is on the wire, as data, and the programs that hold implementations to it."""
