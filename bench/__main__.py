"""The bench's command line."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bench import report
from bench.cases import CASES, ON_GPU_ONLY
from bench.contenders import PEERS
from bench.sitting import Outcome, Settings, Sitting, machine
from seedbed import storage

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks" / "speed.md"
RESULTS = ROOT / "bench" / "results"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, keeps the figures as JSON, writes the page."""
    options = _parser().parse_args(arguments)
    if options.render:
        sittings = [Sitting.of(storage.read_json(path)) for path in options.render]
        _write(sittings, options.output or PAGE)
        return
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that scratch and processes go too
    with tempfile.TemporaryDirectory(prefix="seedbed-bench-") as scratch:
        os.environ |= {"SEEDBED_CACHE": str(Path(scratch) / "cache"), "TMPDIR": scratch}  # what contenders leave goes too
        settings = Settings(options.repeats, options.quick, options.device, Path(scratch), options.peers or ())
        sitting = _sit(settings, _chosen(options))
    whole = not (options.case or options.quick or options.peers)
    output = options.output or (PAGE if whole else None)
    if output is None:
        print(report.page([sitting]))
    else:
        _write([sitting], output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench", description="Measures seedbed against its peers, in one sitting.")
    parser.add_argument(
        "--case", nargs="+", action="extend", choices=list(CASES), metavar="NAME", help=f"of {', '.join(CASES)}"
    )
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="rounds; long cases take fewer  [default: 3]")
    parser.add_argument(
        "--peers",
        nargs="+",
        choices=[peer.name for peer in PEERS],
        metavar="NAME",
        help="race against these alone: 'PyTorch eager'",
    )
    parser.add_argument("--quick", action="store_true", help="a look at whether the bench works; its figures mean nothing")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu", help="[default: cpu]")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"[default: {PAGE.relative_to(ROOT)}, of all cases]")
    parser.add_argument(
        "--render", nargs="+", type=Path, metavar="JSON", help="write the page from kept results; measure nothing"
    )
    return parser


def _chosen(options: argparse.Namespace) -> list[str]:
    if options.repeats < 1:
        raise SystemExit(f"--repeats {options.repeats}: it must be at least 1.")
    if options.case:
        return list(dict.fromkeys(options.case))
    return [name for name in CASES if options.device == "gpu" or name not in ON_GPU_ONLY]


def _sit(settings: Settings, names: Sequence[str]) -> Sitting:
    """Runs the cases one after the other; what is measured is kept after each."""
    _warm_data()
    sitting = Sitting(machine(settings))
    kept = RESULTS / f"{datetime.now():%Y-%m-%dT%H-%M-%S}.json"
    for name in names:
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        outcome = _measure(name, settings)
        sitting.outcomes.append(outcome)
        storage.write_json(kept, sitting.plain())
        print(f"{outcome.seconds:,.0f} s", *outcome.notes[:1], file=sys.stderr, flush=True)
    print(f"Kept: {kept}", file=sys.stderr)
    return sitting


def _measure(name: str, settings: Settings) -> Outcome:
    """One case; one that fails is an outcome too, so that the others go on."""
    began = time.perf_counter()
    try:
        outcome = CASES[name](settings)
    except Exception as error:  # the page names it, with its reason
        outcome = Outcome(name, name, "", [], notes=[f"**Failed:** {type(error).__name__}: {error}"])
    return replace(outcome, seconds=time.perf_counter() - began)


def _warm_data() -> None:
    """Decodes MNIST once, so that no contender pays for it."""
    from seedbed import data
    from seedbed.specs import DataSpec

    data.load(DataSpec(name="mnist"))


def _write(sittings: Sequence[Sitting], output: Path) -> None:
    storage.write(output, report.page(sittings).encode())
    print(f"Written: {output}", file=sys.stderr)


if __name__ == "__main__":
    main()
