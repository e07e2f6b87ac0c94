"""Trains a dense or a convolutional network and draws its learning curves: img/NAME_learn.png."""

from __future__ import annotations

import argparse
from pathlib import Path

import seedbed as sb


def build_dense_net() -> sb.Dense:
    """Two hidden layers. Edit this."""
    return sb.Dense(hidden=(200, 100), activation="relu")


def build_conv_net() -> sb.Conv:
    """Two convolutions with pooling. Edit this."""
    return sb.Conv(filters=(20, 10), kernel=(5, 3), pool=(2, 2), padding="same", activation="relu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", metavar="NAME", required=True, help="name of the model")
    parser.add_argument("-r", metavar="L2", type=float, default=0.0, help="L2 regularization (default: 0)")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("-d", action="store_true", help="train the dense network")
    kind.add_argument("-c", action="store_true", help="train the convolutional network")
    parser.add_argument("--data", default="mnist", help="data set (default: mnist)")
    arguments = parser.parse_args()

    network = build_dense_net() if arguments.d else build_conv_net()
    with sb.watching(arguments.m) as watch:
        results = sb.train(
            network, arguments.data, name=arguments.m, replace=True, on_event=watch, epochs=10, batch_size=128, l2=arguments.r
        )
    [picture] = sb.save(sb.learning_curves(results), Path(f"img/{arguments.m}_learn"), kinds=("png",))
    print(picture)


if __name__ == "__main__":
    main()
