"""`python -m nngraph` is the command `nngraph`."""

from .cli.app import main

if __name__ == "__main__":
    main()
