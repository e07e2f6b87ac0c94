"""Measures the costs, keeps them as JSON, simulates, and writes docs/benchmarks/scaling.md: `python -m bench.scaling`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path

from bench.scaling import page
from bench.scaling.costs import Costs, Line, measured
from bench.sitting import Settings
from seedbed import devices, storage

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "benchmarks"
KEPT = ROOT / "bench" / "results" / "scaling.json"


def main() -> None:
    """Quick looks are written to a folder of their own, never into docs/."""
    parser = argparse.ArgumentParser("python -m bench.scaling", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="rounds of 64 runs by each engine  [default: 3]")
    parser.add_argument("--quick", action="store_true", help="a look at whether it works; its figures mean nothing")
    parser.add_argument("--busy", action="store_true", help="other programs run beside; the page says so")
    parser.add_argument("--render", type=Path, metavar="JSON", help="write the page from kept costs; measure nothing")
    parser.add_argument("-o", "--output", type=Path, default=PAGES, metavar="DIR", help="[default: docs/benchmarks]")
    options = parser.parse_args()
    if options.render:
        found = storage.read_json(options.render)
    else:
        found = {"costs": asdict(_measure(options)), "about": _about(options.busy, options.quick)}
        storage.write_json(KEPT if not options.quick else Path(tempfile.mkdtemp()) / "scaling.json", found)
    costs = found["costs"]
    lines = {name: Line(**line) for name, line in costs["messages"].items()}
    for path in page.write(Costs(**{**costs, "messages": lines}), found["about"], options.output):
        print(f"Written: {path}", file=sys.stderr)


def _measure(options: argparse.Namespace) -> Costs:
    from seedbed.executor.ray import cluster

    with tempfile.TemporaryDirectory(prefix="seedbed-scaling-") as scratch:
        os.environ["SEEDBED_CACHE"] = str(Path(scratch) / "cache")
        costs = measured(Settings(options.repeats, options.quick, "cpu", Path(scratch)))
        cluster.close()
    return costs


def _about(busy: bool, quick: bool) -> str:
    looked = "A quick look of one epoch on 1,000 images, to be measured in full; " if quick else ""
    load = "busy: other programs ran beside, and the figures are too high" if busy else "nothing else ran"
    versions = ", ".join(f"{name} {version}" for name, version in devices.versions().items())
    return f"{looked}{devices.cores()} cores, {date.today():%Y-%m-%d}, {load}; {versions}, ray {_ray_version()}"


def _ray_version() -> str:
    from importlib import metadata

    return metadata.version("ray")


if __name__ == "__main__":
    main()
