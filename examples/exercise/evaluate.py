"""Evaluates a trained network and draws images that it takes for others: img/NAME_mistakes.png."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import seedbed as sb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", metavar="NAME", required=True, help="name of the model")
    name = parser.parse_args().m

    found, run = sb.evaluate(name), sb.find(name)[0]
    validation = found.validation
    print(f"{run.run.model.title}: {run.model.parameters:,} parameters, best epoch {run.best} of {run.history.epochs}")
    print(f"training:   loss {found.train_loss:.4f}, accuracy {found.train_accuracy:.4f}")
    print(f"validation: loss {validation.loss:.4f}, accuracy {validation.accuracy.mean:.4f}")
    print(f"verdict: {run.verdict}")
    mistakes = validation.mistakes[:15]
    if not mistakes:
        print("It makes no mistakes.")
        return
    dataset = sb.load(run.run.data)
    images = dataset.validation.take(np.array([mistake.index for mistake in mistakes]))
    titles = [f"{mistake.label} taken for {mistake.predicted}" for mistake in mistakes]
    Path("img").mkdir(exist_ok=True)
    settings = "".join(f", {setting} {value}" for setting, value in run.run.plan.altered.items())
    heading = f"{name}: {run.run.model.title}{settings}"
    sb.picture_grid(images, titles, columns=5, top=dataset.scale, heading=heading).save(f"img/{name}_mistakes.png")
    print(f"img/{name}_mistakes.png")


if __name__ == "__main__":
    try:
        main()
    except sb.SeedbedError as error:
        sys.exit(f"error: {error}")
