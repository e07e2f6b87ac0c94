"""Draws images of the training and of the validation part: img/training_example.png and img/validation_example.png."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import seedbed as sb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="mnist", help="data set (default: mnist)")
    dataset = sb.load(parser.parse_args().data)
    Path("img").mkdir(exist_ok=True)
    for name, part in {"training": dataset.train, "validation": dataset.validation}.items():
        chosen = np.random.default_rng().choice(len(part), size=15, replace=False)
        titles = [dataset.classes[label] for label in part.labels[chosen]]
        picture = sb.picture_grid(part.take(chosen), titles, columns=5, top=dataset.scale)
        picture.save(f"img/{name}_example.png")
        print(f"img/{name}_example.png")


if __name__ == "__main__":
    try:
        main()
    except sb.SeedbedError as error:
        sys.exit(f"error: {error}")
