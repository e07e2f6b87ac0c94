"""`python -m bench.epochs`: trains all cases and writes docs/benchmarks/epochs.md; about 20 minutes on 2 cores."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.epochs.choosing import choices, stops
from bench.epochs.page import page
from bench.epochs.trainings import CASES, trainings

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "epochs.md"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.epochs", description=__doc__)
    parser.add_argument("--records", type=Path, help="folder that keeps the trainings, for other rules; made if missing")
    parser.add_argument("--out", type=Path, default=PAGE)
    asked = parser.parse_args()
    found = [training for case in CASES for training in trainings(case, asked.records)]
    asked.out.write_text(page(choices(found), stops(found)), encoding="utf-8")
