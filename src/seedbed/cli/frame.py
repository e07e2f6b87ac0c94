"""The frame of all commands: they are loaded when asked for, and an error is one line.

Exit codes: 0 done; 1 an error, in one line; 2 wrong usage; 128 + signal (130, 143) interrupted, with everything saved.
"""

from __future__ import annotations

import atexit
import os
import re
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from seedbed import __version__
from seedbed.cli import screen
from seedbed.cli.text import escaped
from seedbed.errors import Interrupted, SeedbedError, nearest

COMMANDS = {
    "doctor": "What this machine offers: devices, speed, memory, data found.",
    "data": "The data sets that seedbed knows; add your own.",
    "visualize": "Look at the images before training on them.",
    "train": "Train a network, or several seeds of it together.",
    "evaluate": "Loss, accuracy and mistakes of a trained network.",
    "predict": "What a trained network says about image files.",
    "compare": "Paired differences between runs, or a sweep's settings.",
    "curves": "Learning curves of several settings in one picture.",
    "sweep": "Train a grid of settings, with several seeds of each.",
    "search": "The best networks within a budget.",
    "smallest": "The fewest parameters above a target accuracy.",
    "study": "Answer one question of the exercise.",
    "report": "Answer all of them, on one page.",
    "export": "A network for other programs, or metrics as a table.",
    "runs": "List, show or remove what was trained.",
    "serve": "Show the runs on a page, live.",
}
"""Every command with its line in `seedbed --help`, in the order of a day's work; known without loading the command."""

DEBUG = "--debug"

ELSEWHERE = {"vary": "--set", "grid": "--set", "param": "--set", "layers": "--hidden", "units": "--hidden", "gpu": "--device"}
"""What other programs call an option: name -> the option here, where a command has it."""


class CommandGroup(click.Group):
    """A group that offers the nearest of its commands where one is mistyped."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name, known = args[0], self.list_commands(ctx)
        if name == "help" and name not in known:
            _show_help(self, ctx, args[1:])
        if name not in known and not name.startswith("-"):
            raise click.UsageError(f"There is no command {name!r}.{nearest(name, known)}", ctx)
        return super().resolve_command(ctx, args)


def _show_help(group: click.Group, ctx: click.Context, path: Sequence[str]) -> NoReturn:
    """Print the help of a group, or of the command below it that `seedbed help NAME` names."""
    shown: click.Command = group
    for name in path:
        _, below, _ = shown.resolve_command(ctx, [name]) if isinstance(shown, click.Group) else (None, None, [])
        if below is None:
            raise click.UsageError(f"{shown.name} has no commands of its own.", ctx)
        shown, ctx = below, click.Context(below, info_name=name, parent=ctx)
    click.echo(shown.get_help(ctx))
    ctx.exit()


class LazyGroup(CommandGroup):
    """A group whose commands are imported only when they are used: `NAME` is `seedbed.cli.NAME.command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"seedbed.cli.{cmd_name}").command
        add_debug(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def add_debug(command: click.Command) -> None:
    """Give a command, and all below it, the option `--debug`; a second call changes nothing."""
    if any(parameter.name == "debug" for parameter in command.params):
        return
    text = "On an error, show the traceback too."
    option = click.Option([DEBUG], is_flag=True, expose_value=False, help=text)
    command.params.append(option)
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        add_debug(below)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, message="seedbed %(version)s")
def seedbed() -> None:
    """A bench for experiments on small neural networks.

    Begin with `seedbed train -m first -d --data digits`: it needs no network.
    """


add_debug(seedbed)


class _Terminated(KeyboardInterrupt):
    """SIGTERM, where nothing else handles it: half-written files are removed, as after Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, and end the process with its exit code."""
    codes: list[int] = []
    atexit.register(_end, codes)  # before all others, and so called after them

    def terminate(*_: object) -> NoReturn:
        raise _Terminated

    signal.signal(signal.SIGTERM, terminate)
    code = run(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    codes.append(code)
    sys.exit(code)


def _end(codes: Sequence[int]) -> None:
    """End the process before the interpreter is torn down, which aborts it where a daemon thread is in C++ (Python < 3.14)."""
    if codes:
        os._exit(codes[0])


def run(arguments: Sequence[str]) -> int:
    """Run one command line, print errors on stderr, and return the exit code."""
    screen.start_clock()
    for stream in (sys.stdout, sys.stderr):
        # A file name or label that the terminal cannot show must not end the program.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with seedbed.make_context("seedbed", list(arguments)) as context:
            seedbed.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    except Exception as error:
        return _error(error, arguments)
    except Interrupted as stopped:
        return _print_line(f"interrupted: {stopped}", 128 + stopped.signal)
    except KeyboardInterrupt as stopped:
        return _print_line("interrupted", 143 if isinstance(stopped, _Terminated) else 130)
    return 0


def _error(error: Exception, arguments: Sequence[str]) -> int:
    debug = DEBUG in arguments
    if isinstance(error, BrokenPipeError):
        _discard_output()
        return 1
    if isinstance(error, click.ClickException):
        return _usage_error(error, arguments)
    if isinstance(error, click.Abort):
        return _print_line("interrupted", 130)
    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, SeedbedError):
        return _print_line(f"error: {error}")
    if isinstance(error, OSError):
        return _print_line(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
    hint = "" if debug else " `--debug` shows where."
    return _print_line(f"error: this was not foreseen: {type(error).__name__}: {error}.{hint}")


def _usage_error(error: click.ClickException, arguments: Sequence[str]) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return 2
    context = error.ctx if isinstance(error, click.UsageError) else None
    message = error.format_message()
    if isinstance(error, click.NoSuchOption) and context:
        known = [name for option in context.command.get_params(context) for name in option.opts if name.startswith("--")]
        message = f"There is no option {error.option_name!r}.{_near_option(error.option_name, known)}"
    elif context:
        message += _by_name(error, context, arguments)
    more = f" `{context.command_path} -h` shows the usage." if context else ""
    return _print_line(f"error: {message}{more}", error.exit_code)


def _by_name(error: click.ClickException, context: click.Context, arguments: Sequence[str]) -> str:
    """Suggest -m before a name that stands where no argument is expected."""
    named = any("-m" in option.opts for option in context.command.params)
    missing = isinstance(error, click.MissingParameter) and error.param is not None and "-m" in error.param.opts
    if not named or not (missing or "unexpected extra argument" in error.format_message()):
        return ""
    words = list(arguments[len(context.command_path.split()) - 1 :])
    name = next((word for word in words[:1] if not word.startswith("-")), None)
    return f" Names are given with -m: did you mean `{context.command_path} -m {name}`?" if name else ""


def _near_option(name: str, known: Sequence[str]) -> str:
    """Suggest an option: for one letter those that begin with it, else one of the same meaning, beginning or spelling."""
    if re.fullmatch(r"-[a-zA-Z]", name):
        begins = [option for option in known if option.startswith(f"--{name[1].lower()}")]
        return f" Did you mean {' or '.join(map(repr, begins[:3]))}?" if begins else ""
    meant = ELSEWHERE.get(name.removeprefix("--"))
    longer = [meant] if meant in known else [option for option in known if option.startswith(name)]
    return f" Did you mean {longer[0]!r}?" if len(longer) == 1 else nearest(name, known, least=0.65)


def _print_line(line: str, code: int = 1) -> int:
    click.echo(escaped(line), err=True)
    return code


def _discard_output() -> None:
    """Point stdout at nothing, so that the interpreter's own flush at the end has somewhere to write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
