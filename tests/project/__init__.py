"""What holds for the project as a whole, and for no source file alone."""
