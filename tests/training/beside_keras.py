"""A user's network trained here and by Keras itself: from the same weights, on the same minibatches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from seedbed.models.keras_backend import load_keras
from seedbed.randomness import minibatch_order
from seedbed.specs import Keras, Plan
from training.samples import digits, ran, task

HEAD = "import keras\nfrom keras import layers, ops\n"
STEPS, BATCH, SEED = 6, 15, 3
"""Two epochs of 6 minibatches that divide the 90 images, so that nothing pads the last one."""
EPOCHS = 2
PLAN = Plan(epochs=EPOCHS, batch_size=BATCH, optimizer="momentum", learning_rate=0.05, momentum=0.9)


@dataclass(frozen=True)
class Both:
    """Last weights of both, by the order of the variables, and the losses on the training images after each epoch."""

    ours: dict[str, Any]
    theirs: dict[str, Any]
    our_losses: list[float]
    their_losses: list[float]

    def agree(self, tolerance: float = 2e-4) -> None:
        """Check that weights and losses are those of Keras."""
        np.testing.assert_allclose(self.our_losses, self.their_losses, rtol=10 * tolerance)
        assert self.ours.keys() == self.theirs.keys()
        for name, expected in self.theirs.items():
            scale = max(float(np.max(np.abs(expected), initial=0.0)), 0.1)
            np.testing.assert_allclose(self.ours[name] / scale, expected / scale, atol=tolerance, err_msg=name)


def network(folder: Path, body: str, **arguments: Any) -> Keras:
    """The network of a file whose function `build` has this body, or of a file with this text."""
    path = folder / "net.py"
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    path.write_text(HEAD + (body if "def build" in body else f"\ndef build():\n{lines}"))
    return Keras.of(f"{path}:build", **arguments)


def both(spec: Keras, *, logits: bool = False, raw: bool = False, plan: Plan = PLAN) -> Both:
    """Train the network here and by Keras.

    Args:
        spec: the network.
        logits: whether it returns logits.
        raw: whether it takes pixels as stored.
        plan: epochs, batch size, learning rate and momentum.
    """
    outcome = ran(task([spec], plan, seeds=(SEED,))).outcomes[0, 0]
    with jax.numpy_dtype_promotion("standard"):
        theirs, losses = _by_keras(spec, logits, raw, plan)
    return Both(outcome.last, theirs, outcome.history["train_loss"].tolist(), losses)


def _by_keras(spec: Keras, logits: bool, raw: bool, plan: Plan) -> tuple[dict[str, Any], list[float]]:
    from seedbed.models.keras import build_model, canonical_names

    keras, dataset = load_keras(), digits()
    model = build_model(spec, dataset.image_shape, 10, SEED)
    names = canonical_names(model)
    variables = list(model.variables)
    model.compile(
        keras.optimizers.SGD(plan.learning_rate, plan.momentum),
        keras.losses.SparseCategoricalCrossentropy(from_logits=logits),
    )
    images = dataset.train.images.astype(np.float32) / np.float32(1 if raw else dataset.scale)
    images = images.reshape(-1, *(model.inputs[0].shape[1:] if getattr(model, "inputs", None) else dataset.image_shape))
    labels = dataset.train.labels
    losses = []
    sample = np.arange(90)
    for epoch in range(plan.epochs):
        order = minibatch_order(SEED, epoch, len(labels))
        for start in range(0, len(labels), plan.batch_size):
            rows = order[start : start + plan.batch_size]
            model.train_on_batch(images[rows], labels[rows])
        out = np.asarray(_leaf(model(images[sample], training=False)), np.float64)
        odds = np.exp(out - out.max(axis=1, keepdims=True)) if logits else out
        chosen = (odds / odds.sum(axis=1, keepdims=True))[np.arange(len(sample)), labels[sample]]
        losses.append(float(-np.log(np.maximum(chosen, 1e-7)).mean()))
    kept = {name: np.array(v.value) for name, v in zip(names, variables, strict=True) if "seed_generator" not in v.path}
    return kept, losses


def _leaf(out: Any) -> Any:
    return jax.tree.leaves(out)[0]
