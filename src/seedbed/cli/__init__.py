"""The command line: it parses, calls and shows. Each command lives in the module of its name and is loaded when asked for."""

from seedbed.cli.frame import main

__all__ = ["main"]
