"""Evaluates a trained network and draws images that it takes for others: img/NAME_mistakes.png."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import seedbed as sb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", metavar="NAME", required=True, help="name of the model")
    name = parser.parse_args().m

    found = sb.evaluate(name)
    validation = found.validation
    print(f"training:   loss {found.train_loss:.4f}, accuracy {found.train_accuracy:.4f}")
    print(f"validation: loss {validation.loss:.4f}, accuracy {validation.accuracy.mean:.4f}")
    mistakes = validation.mistakes[:15]
    if not mistakes:
        print("It makes no mistakes.")
        return
    dataset = sb.load(sb.find(name)[0].run.data)
    images = dataset.validation.take(np.array([mistake.index for mistake in mistakes]))
    titles = [f"{mistake.label} taken for {mistake.predicted}" for mistake in mistakes]
    Path("img").mkdir(exist_ok=True)
    sb.picture_grid(images, titles, columns=5, top=dataset.scale).save(f"img/{name}_mistakes.png")
    print(f"img/{name}_mistakes.png")


if __name__ == "__main__":
    main()
