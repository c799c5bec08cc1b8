"""What is not tested shows when it is made wrong: each small change of a parser has to make a test fail."""
