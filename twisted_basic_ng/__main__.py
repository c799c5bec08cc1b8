"""C{python -m twisted_basic_ng} runs the command line."""

from ._cli import main

if __name__ == "__main__":
    main()
