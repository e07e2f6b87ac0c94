"""Build both archives, check them, install each in an environment of its own, and try it: `python start.py package`.

The archives are left in `dist/`. The tools are installed in a temporary environment, so that nothing but Python is needed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
SOURCE = ROOT / "src" / "seedbed"
TOOLS = ("build>=1.3", "twine>=6.2")
LARGEST = 2 * 2**20
"""Bytes that an archive may have; the wheel has about a million."""

COMPILED = (".so", ".pyd", ".pyc")
LEFT_OUT = re.compile(r"^(tests|bench|docs/.*\.png)|\.(so|pyd|pyc)$")
"""Files that the source archive must not hold."""


def main() -> None:
    """Build, check and try."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-trial", action="store_true", help="build and check, and install nothing")
    parser.add_argument("--whole", action="store_true", help="run the commands of README.md too, some minutes for each archive")
    asked = parser.parse_args()
    check_release()
    with tempfile.TemporaryDirectory() as name:
        archives = build(environment(Path(name) / "tools", *TOOLS))
        check(archives)
        more = ["--readme", str(ROOT / "README.md")] if asked.whole else []
        for number, archive in enumerate([] if asked.no_trial else archives):
            python = environment(Path(name) / f"trial-{number}", "-c", str(ROOT / "constraints.txt"), str(archive))
            print(f"\n== {archive.name}", flush=True)
            run(str(python), str(ROOT / "release" / "trial.py"), *more)
    print(f"\nReady to be published: {', '.join(archive.name for archive in archives)} in {DIST}")


def run(*command: str) -> None:
    """Run a command outside the checkout; end with its exit code where it fails."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    code = subprocess.run(command, cwd=tempfile.gettempdir(), env=outside, check=False).returncode
    if code:
        sys.exit(f"exit code {code}: {' '.join(command)}")


def environment(folder: Path, *wanted: str) -> Path:
    """The Python of a fresh virtual environment in which these are installed."""
    run(sys.executable, "-m", "venv", str(folder))
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted)
    return python


def build(python: Path) -> list[Path]:
    """The source archive, and the wheel that is built from it."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(str(python), "-m", "build", "--outdir", str(DIST), str(ROOT))
    archives = sorted(DIST.iterdir())
    run(str(python), "-m", "twine", "check", "--strict", *map(str, archives))
    return archives


def check(archives: Iterable[Path]) -> None:
    """End with what is missing in an archive, or too much."""
    for archive in archives:
        wheel = archive.suffix == ".whl"
        wrong = wrong_in_wheel(zipfile.ZipFile(archive)) if wheel else wrong_in_source(tarfile.open(archive))  # noqa: SIM115
        if archive.stat().st_size > LARGEST:
            wrong.append(f"it has {archive.stat().st_size:,} bytes, and {LARGEST:,} are allowed")
        if wrong:
            sys.exit(f"{archive.name}: {'; '.join(wrong)}.")
        print(f"{archive.name}: {archive.stat().st_size:,} bytes, complete.")


def wrong_in_wheel(wheel: zipfile.ZipFile) -> list[str]:
    """What a wheel lacks of the package, has besides it, or says by addresses that lead nowhere."""
    there = {name.removeprefix("seedbed/") for name in wheel.namelist() if name.startswith("seedbed/")}
    others = [name for name in wheel.namelist() if not re.match(r"seedbed(-[^/]*\.dist-info)?/", name)]
    expected = {path.relative_to(SOURCE).as_posix() for path in package_files()}
    metadata = next(wheel.read(name).decode() for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    relative = re.findall(r"\]\((?!https?:|#)[^)]*\)", metadata)
    return [
        *(f"{name} is missing" for name in sorted(expected - there)),
        *(f"{name} is too much" for name in sorted({*(there - expected - {"kernels/_native.so"}), *others})),
        *(f"its description has the relative link {link}" for link in relative),
    ]


def wrong_in_source(source: tarfile.TarFile) -> list[str]:
    """What the source archive lacks of the package, or has besides it."""
    there = {name.partition("/")[2] for name in source.getnames()}
    expected = {path.relative_to(ROOT).as_posix() for path in package_files()}
    return [
        *(f"{name} is missing" for name in sorted(expected - there)),
        *(f"{name} is too much" for name in sorted(filter(LEFT_OUT.search, there))),
    ]


def package_files() -> list[Path]:
    """All files of the package but what was compiled."""
    return [
        path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts and path.suffix not in COMPILED
    ]


def check_release() -> None:
    """On GitHub a tag must name the version, and the addresses in the metadata must be those of the repository."""
    if os.environ.get("GITHUB_REF_TYPE") != "tag":
        return
    tag, repository = os.environ["GITHUB_REF_NAME"], os.environ["GITHUB_REPOSITORY"]
    [version] = re.findall(r'^__version__ = "(.+)"', (SOURCE / "__init__.py").read_text(encoding="utf-8"), flags=re.MULTILINE)
    if tag != f"v{version}":
        sys.exit(f"The tag is {tag}, and the version {version}. Tag v{version}, or correct src/seedbed/__init__.py.")
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    if not urls["Source"].endswith(f"/{repository}"):
        sys.exit(
            f"pyproject.toml: Source = {urls['Source']}, and this is {repository}. Correct [project.urls] and CITATION.cff."
        )


if __name__ == "__main__":
    main()
