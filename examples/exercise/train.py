"""Trains a dense or a convolutional network and draws its learning curves: img/NAME_learn.png."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import seedbed as sb
from seedbed.data import Dataset
from seedbed.models import describe


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
    parser.add_argument("--replace", action="store_true", help="train again what has this name")
    arguments = parser.parse_args()

    network, name = build_dense_net() if arguments.d else build_conv_net(), arguments.m
    show_layers(network, sb.load(arguments.data))
    with sb.watching(name) as watch:
        settings = {"epochs": 10, "batch_size": 128, "l2": arguments.r}
        results = sb.train(network, arguments.data, name=name, replace=arguments.replace, on_event=watch, **settings)
    [result] = results
    best = result.history.row(result.best)
    print(f"Best epoch: {result.best} of {result.history.epochs}, validation accuracy {best['validation_accuracy']:.4f}")
    print(f"Verdict: {result.verdict}")
    [picture] = sb.save(sb.learning_curves(results), Path(f"img/{name}_learn"), kinds=("png",))
    print(picture)


def show_layers(network: sb.Dense | sb.Conv, dataset: Dataset) -> None:
    """Print each layer with its output and its parameters."""
    layers = describe(network, dataset.image_shape, len(dataset.classes))
    for layer in layers:
        shape = " x ".join(map(str, layer.output_shape))
        print(f"{layer.name:10} {layer.kind:28} {shape:>12} {layer.parameters:>10,} parameters")
    print(f"Parameters: {sum(layer.parameters for layer in layers):,}")


if __name__ == "__main__":
    try:
        main()
    except sb.SeedbedError as error:
        sys.exit(f"error: {error}")
