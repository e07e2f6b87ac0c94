"""`python -m bench.inference`: simulates all worlds and learners and writes docs/benchmarks/comparisons.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.inference import classes
from bench.inference.folds import simulate_folds
from bench.inference.folds_page import HEADING, folds_section
from bench.inference.page import page
from bench.inference.simulation import simulate

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "comparisons.md"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.inference", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.add_argument("--folds", action="store_true", help="only the section on folds, in the page that is there")
    parser.add_argument("--classes", action="store_true", help="only the section on uneven classes, likewise")
    asked = parser.parse_args()
    there = asked.out.read_text(encoding="utf-8") if asked.folds or asked.classes else ""
    before, _, of_classes = there.partition(f"\n{classes.HEADING}\n")
    if not asked.classes:
        text = there.partition(f"\n{HEADING}\n")[0] if asked.folds else page(simulate(workers=asked.workers))
        before = f"{text}\n{folds_section(simulate_folds(workers=asked.workers))}"
    section = f"\n{classes.HEADING}\n{of_classes}"
    if not asked.folds:
        section = classes.classes_section(classes.simulate_classes(workers=asked.workers))
    asked.out.write_text(before.rstrip("\n") + "\n" + section, encoding="utf-8")
