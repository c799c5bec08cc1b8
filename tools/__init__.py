"""What tox runs besides the tools that it installs."""
