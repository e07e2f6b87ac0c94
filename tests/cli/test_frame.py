"""The frame of all commands: exit codes, one line for every error, suggestions, nothing loaded too early."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from seedbed import errors
from seedbed.cli import frame
from seedbed.cli.frame import COMMANDS, run


@pytest.fixture
def failing(monkeypatch):
    """A command line that has one more command, `fail`, which raises what the test chose."""

    def install(error: BaseException) -> None:
        @click.command("fail")
        def command() -> None:
            raise error

        def get_command(self, ctx, cmd_name):
            frame.add_debug(command)
            return command

        monkeypatch.setitem(frame.COMMANDS, "fail", "Fails.")
        monkeypatch.setattr(frame.LazyGroup, "get_command", get_command)

    return install


def only_line(text: str) -> str:
    [line] = text.splitlines()
    return line


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (errors.SpecError("epochs = 0: the rule."), 1, "error: epochs = 0: the rule."),
        (errors.Interrupted("saved"), 130, "interrupted: saved"),
        (errors.Interrupted("saved", 15), 143, "interrupted: saved"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (PermissionError(13, "Permission denied", "x.png"), 1, "error: Permission denied: x.png."),
        (ZeroDivisionError("by zero"), 1, "error: this was not foreseen: ZeroDivisionError: by zero. `--debug` shows where."),
        (errors.UnknownRun("no \x1b[31m[red]run\nhere"), 1, "error: no \\x1b[31m[red]run\\nhere"),
    ],
)
def test_every_error_is_one_line_with_its_exit_code(failing, capsys, error, code, line):
    failing(error)
    assert run(["fail"]) == code
    out, err = capsys.readouterr()
    assert (out, only_line(err)) == ("", line)


def test_debug_adds_the_traceback(failing, capsys):
    failing(errors.SpecError("the rule"))
    assert run(["fail", "--debug"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("error: the rule\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["trian"], "There is no command 'trian'. Did you mean 'train'?"),
        (["xyzzy"], "There is no command 'xyzzy'"),
        (["--hepl"], "Did you mean '--help'?"),
        (["train", "--hiden", "3"], "Did you mean '--hidden'?"),
        (["train"], "Missing option '-m'"),
        (["train", "-m", "a", "--epochs", "ten"], "'ten' is not a valid integer"),
        (["train", "-m", "a", "-d", "-c"], "-d and -c exclude each other"),
        (["train", "-m", "a", "--hidden", "2,,3"], "'2,,3' must be whole numbers with commas between them"),
        (["train", "-m", "a", "--size", "big"], "'big' must be HEIGHTxWIDTH"),
        (["train", "-m", "a", "--device", "tpu"], "'tpu' is not one of"),
        (["runs", "lst"], "'lst'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(capsys, arguments, says):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    line = only_line(err)
    assert line.startswith("error: ")
    assert says in line


def test_no_command_shows_the_help_and_exits_2(capsys):
    assert run([]) == 2
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_command_with_its_line(capsys, flag):
    assert run([flag]) == 0
    out = capsys.readouterr().out
    for name, text in COMMANDS.items():
        assert name in out
        assert text in out


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_listed_command_has_help_and_debug(capsys, name):
    assert run([name, "-h"]) == 0
    assert "--debug" in capsys.readouterr().out


def test_a_reader_that_left_ends_the_program_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        left = subprocess.run([sys.executable, "-m", "seedbed", "-h"], stdout=gone, stderr=subprocess.PIPE, text=True)
    assert left.stderr == ""
    assert left.returncode in (0, 1)


def test_the_module_runs_as_the_program_does():
    version = subprocess.run([sys.executable, "-m", "seedbed", "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("seedbed ")


def test_help_is_a_command_too(capsys):
    assert run(["help"]) == 0
    assert "visualize" in capsys.readouterr().out
    assert run(["help", "runs"]) == 0
    assert "Usage: seedbed runs" in capsys.readouterr().out
    assert run(["help", "trian"]) == 2
    assert "Did you mean 'train'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "says", "never"),
    [
        ("-e", "'--epochs'", "--size"),
        ("--epoch", "'--epochs'", "--head"),
        ("--learn", "'--learning-rate'", "--separable"),
        ("--quirk", "", "Did you mean"),
        ("--vary", "", "Did you mean"),
        ("--layers", "'--hidden'", "--label"),
    ],
)
def test_the_nearest_option_is_near(capsys, option, says, never):
    assert run(["train", "-m", "x", option, "3"]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert never not in said


def test_what_other_programs_call_an_option_is_known(capsys):
    assert run(["sweep", "-m", "x", "--vary", "l2=0,1"]) == 2
    assert "Did you mean '--set'?" in capsys.readouterr().err


ENDS = """
import atexit, os
from seedbed.cli import frame
class Kept:
    def __del__(self):
        os.write(1, b"torn down")
kept = Kept()
def run(arguments):
    atexit.register(os.write, 1, b"cleaned up")
    print("written")
    return 7
frame.run = run
frame.main([])
"""


def test_a_command_ends_before_python_is_torn_down_under_threads_that_go_on():
    ended = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (7, "written\ncleaned up")
