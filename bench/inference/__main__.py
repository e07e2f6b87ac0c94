"""`python -m bench.inference`: simulates all worlds and learners and writes docs/statistics.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.inference.folds import simulate_folds
from bench.inference.folds_page import HEADING, folds_section
from bench.inference.page import page
from bench.inference.simulation import simulate

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.inference", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.add_argument("--folds", action="store_true", help="only the section on folds, in the page that is there")
    asked = parser.parse_args()
    if asked.folds:
        text = asked.out.read_text(encoding="utf-8").partition(f"\n{HEADING}\n")[0] + "\n"
    else:
        text = page(simulate(workers=asked.workers)) + "\n"
    asked.out.write_text(text + folds_section(simulate_folds(workers=asked.workers)), encoding="utf-8")
