"""Try an installed seedbed as a user would, in an empty folder: `python trial.py [--expect-kernels] [--readme FILE]`.

It needs nothing but the installation, and ends with the first command that fails. With `--readme` the commands of a page's
`console` blocks run too, which takes some minutes more.
"""

from __future__ import annotations

import argparse
import html
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SEEDBED = Path(sysconfig.get_path("scripts")) / ("seedbed.exe" if os.name == "nt" else "seedbed")
CHECKOUT = Path(__file__).resolve().parents[1]

COMMANDS = """
visualize --data digits
train -m first -d --data digits --epochs 2
train -m second -c --data digits --epochs 1
evaluate -m first
predict -m first digit.png
compare first second
curves first second
sweep -m widths --data digits --epochs 2 --seeds 2 --set hidden=4 --set hidden=8
export first --format keras
export first --format safetensors
export first --format html
export widths --format csv
runs list
"""

PROGRAM = """
import seedbed as sb
results = sb.train([sb.Dense(hidden=(8,)), sb.Dense(hidden=(4,))], data="digits", seeds=2, epochs=2)
comparison = sb.compare(results)
assert comparison.sentences()
sb.save(comparison.figure(), "from_python")
"""

OPTIONAL = {"onnx": "onnx", "torch": "torch"}
"""Formats that need another package: format -> module."""


def main() -> None:
    """Run all of it in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--expect-kernels", action="store_true", help="fail if there are no native kernels")
    parser.add_argument("--readme", type=Path, help="a page whose `console` blocks are run too")
    asked = parser.parse_args()
    readme = asked.readme.read_text(encoding="utf-8") if asked.readme else ""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        os.chdir(name)
        os.environ["SEEDBED_HOME"] = str(Path(name) / "runs")
        os.environ.pop("PYTHONPATH", None)
        check_installation()
        check_doctor(kernels=asked.expect_kernels)
        draw_digit()
        for line in COMMANDS.strip().splitlines():
            seedbed(*shlex.split(line))
        check_exports()
        run(sys.executable, "-c", PROGRAM)
        check_page()
        for line in of_console(readme):
            seedbed(*shlex.split(line))
    print("All of it works.")


def run(*command: str) -> str:
    """Run a command; return what it prints, or end with its message."""
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        sys.exit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}\nexit code {done.returncode}")
    print(f"{time.monotonic() - began:6.1f} s  {shlex.join((Path(command[0]).name, *command[1:]))[:120]}", flush=True)
    return done.stdout


def seedbed(*arguments: str) -> str:
    """Run the installed command."""
    return run(str(SEEDBED), *arguments)


def check_installation() -> None:
    """The package is not the checkout's, both ways to call it agree, and type checkers see its types."""
    place = Path(run(sys.executable, "-c", "import seedbed; print(seedbed.__file__)").strip())
    if CHECKOUT / "src" in place.parents:
        sys.exit(f"{place} is the checkout's: this trial is for an installed package.")
    if not (place.parent / "py.typed").is_file():
        sys.exit("py.typed is not installed.")
    versions = {seedbed("--version"), run(sys.executable, "-m", "seedbed", "--version")}
    if len(versions) != 1:
        sys.exit(f"`seedbed` and `python -m seedbed` differ: {versions}")


def check_doctor(*, kernels: bool) -> None:
    """Doctor finds a worker that works, and the kernels where they are expected."""
    facts: dict[str, Any] = json.loads(seedbed("doctor", "--json"))
    for worker in facts["workers"]:
        if worker["error"]:
            sys.exit(f"doctor: {worker['error']}")
        if worker["device"] == "cpu":
            support = worker["kernels"]
            print(f"          kernels: {support['lanes']} lanes {support['reason']}")
            if support["broken"] or (kernels and not support["lanes"]):
                sys.exit(f"doctor: no native kernels: {support['reason']}")


def draw_digit() -> None:
    """A picture of a one."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", (28, 28), 0)
    ImageDraw.Draw(picture).line((14, 4, 14, 24), fill=255, width=3)
    picture.save("digit.png")


def check_exports() -> None:
    """The formats that need something else: they are written where it is there, and else say what to install."""
    compiler = any(map(shutil.which, ("cc", "gcc", "clang")))
    seedbed("export", "first", "--format", "c", *([] if compiler else ["--no-check"]))
    if not (list(Path().rglob("first*.c")) and list(Path().rglob("first*.h"))):
        sys.exit("The C files are not there.")
    for name, module in OPTIONAL.items():
        command = (str(SEEDBED), "export", "first", "--format", name)
        if importlib.util.find_spec(module):
            run(*command)
            continue
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
        if refused.returncode != 1 or "install" not in refused.stderr:
            sys.exit(f"{shlex.join(command)}: {refused.stderr}")


def check_page() -> None:
    """The page answers under all of its links, with all of its scripts and styles."""
    with served() as address:
        views: dict[str, str] = {}
        for link in re.findall(r'href="/([^"#]*)"', fetched(address)):
            path = link.partition("?")[0]
            if path not in views and not path.startswith(("static/", "api/")):
                views[path] = fetched(address + html.unescape(link))
        statics = {link for page in views.values() for link in re.findall(r'(?:src|href)="/(static/[^"]+)"', page)}
        for link in sorted(statics):
            fetched(address + link)
        if len(views) < 5 or len(statics) < 3:
            sys.exit(f"The page links too little: {sorted(views)}, {sorted(statics)}")
        print(f"          the page: {len(views)} views ({', '.join(sorted(views))}), {len(statics)} static files")


@contextmanager
def served() -> Iterator[str]:
    """The page's address, as long as the block runs."""
    command = [str(SEEDBED), "serve", "--port", "0", "--no-browser"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield line.rpartition(" ")[2].strip()
        finally:
            process.kill()


def fetched(address: str) -> str:
    """The content of an address on this machine; an error of the server ends the trial."""
    with urllib.request.urlopen(address, timeout=60) as answer:
        return str(answer.read().decode())


def of_console(page: str) -> Sequence[str]:
    """The arguments of each `$ seedbed ...` line in the `console` blocks of a page."""
    blocks = re.findall(r"^```console\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ seedbed ") for line in lines if line.startswith("$ seedbed ")]


if __name__ == "__main__":
    main()
