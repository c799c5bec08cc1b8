"""C{python -m twisted_basic_ng}: hands over to the command line."""

from ._cli import main

if __name__ == "__main__":
    main()
