"""Writes docs/reference/cli.md from the commands' own help: `python docs/make_cli.py`. A test sees that it is up to date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from seedbed.cli.frame import seedbed

PAGE = Path(__file__).with_name("reference") / "cli.md"
WIDTH = 100

INTRODUCTION = """\
# The command line

Made from `--help` by `python docs/make_cli.py`.

Results go to stdout, notes and progress to stderr; `--json` prints exactly one JSON object on stdout.
Exit codes: 0 done; 1 an error, in one line (`--debug` adds the traceback); 2 wrong usage;
130 or 143 interrupted by Ctrl-C or SIGTERM, with everything saved.
"""


def page() -> str:
    """The whole page as Markdown."""
    root = click.Context(seedbed, info_name="seedbed", terminal_width=WIDTH, max_content_width=WIDTH)
    root.help_option_names = ["-h", "--help"]
    return "\n".join([INTRODUCTION, *sections(root)])


def sections(context: click.Context) -> Iterator[str]:
    """A command's help, then that of the commands below it."""
    yield f"## {context.command_path}\n\n```text\n{context.command.get_help(context)}\n```\n"
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            below = context.command.get_command(context, name)
            if below is not None:
                yield from sections(click.Context(below, parent=context, info_name=name))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
