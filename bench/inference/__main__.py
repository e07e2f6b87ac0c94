"""`python -m bench.inference`: simulates all worlds and writes docs/statistics.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.inference.page import page
from bench.inference.simulation import simulate

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.inference", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=PAGE)
    asked = parser.parse_args()
    asked.out.write_text(page(simulate(workers=asked.workers)), encoding="utf-8")
