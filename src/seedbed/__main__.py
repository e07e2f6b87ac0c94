"""`python -m seedbed`: the command line without the installed script."""

from seedbed.cli import main

if __name__ == "__main__":
    main()
