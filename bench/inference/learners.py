"""Real learners on made-up data, cross-validated: what the networks of two settings have right in folds.

The data are Gaussian clusters, two per class, in three views of equal distribution; a learner sees all of them or two. Two
learners that see different views are equally good in truth, and yet differ with every training set. Two that differ in their
seeds alone are equal too. Of the others the true difference is measured on many new images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

CLASSES, VIEW, SPREAD, NOISE = 4, 4, 1.3, 0.02
FIRST, LAST, ALL = slice(0, 2 * VIEW), slice(VIEW, 3 * VIEW), slice(0, 3 * VIEW)
NEW_IMAGES = 2_000

CENTRES = SPREAD * np.random.default_rng(1).standard_normal((CLASSES, 2, VIEW))


@dataclass(frozen=True)
class Fit:
    """A trained classifier.

    Attributes:
        predict: inputs `(n, d)` -> classes `(n,)`.
        norm: its squared weights, a value that each run has one of.
    """

    predict: Callable[[Floats], Labels]
    norm: float


Learner = Callable[[Floats, Labels, np.random.Generator], Fit]


def draw(random: np.random.Generator, images: int) -> tuple[Floats, Labels]:
    """Inputs `(images, d)` and labels, a few of them wrong."""
    labels = random.integers(CLASSES, size=images)
    inputs = np.empty((images, 3 * VIEW), np.float32)
    for view in range(3):
        cluster = random.integers(2, size=images)
        own = slice(view * VIEW, (view + 1) * VIEW)
        inputs[:, own] = CENTRES[labels, cluster] + random.standard_normal((images, VIEW))
    wrong = random.random(images) < NOISE
    return inputs, np.where(wrong, random.integers(CLASSES, size=images), labels)


def ridge(strength: float, seen: slice, units: int = 0) -> Learner:
    """Ridge regression on the inputs, or on random features of them: a hidden layer of fixed, random weights."""

    def fit(inputs: Floats, labels: Labels, random: np.random.Generator) -> Fit:
        size = inputs[0, seen].size
        hidden = random.standard_normal((size, units)).astype(np.float32) * 1.5 / np.sqrt(size)
        shift = random.standard_normal(units).astype(np.float32)

        def features(x: Floats) -> Floats:
            read = np.tanh(x[:, seen] @ hidden + shift) if units else x[:, seen]
            return np.concatenate([read, np.ones((len(x), 1), np.float32)], axis=1)

        table = features(inputs)
        gram = table.T @ table + strength * np.eye(table.shape[1], dtype=np.float32)
        weights = np.linalg.solve(gram, table.T @ np.eye(CLASSES, dtype=np.float32)[labels])
        return Fit(lambda x: (features(x) @ weights).argmax(axis=1), float((weights[:-1] ** 2).sum()))

    return fit


def nearest_mean(seen: slice) -> Learner:
    """The class whose mean is nearest."""

    def fit(inputs: Floats, labels: Labels, _: np.random.Generator) -> Fit:
        means = np.stack([inputs[labels == label][:, seen].mean(axis=0) for label in range(CLASSES)])
        squares = (means**2).sum(axis=1)
        return Fit(lambda x: (2 * x[:, seen] @ means.T - squares).argmax(axis=1), float(squares.sum()))

    return fit


def net(units: int, seen: slice, *, epochs: int = 12, rate: float = 0.02, batch: int = 32) -> Learner:
    """A network with one hidden layer of ReLU, trained by Adam."""

    def fit(inputs: Floats, labels: Labels, random: np.random.Generator) -> Fit:
        x, wanted = inputs[:, seen], np.eye(CLASSES, dtype=np.float32)[labels]
        size = x.shape[1]
        first = random.standard_normal((size, units)).astype(np.float32) * np.sqrt(2 / size)
        second = random.standard_normal((units, CLASSES)).astype(np.float32) / np.sqrt(units)
        weights = [first, np.zeros(units, np.float32), second, np.zeros(CLASSES, np.float32)]
        slots = [[np.zeros_like(each), np.zeros_like(each)] for each in weights]
        step = 0
        for _ in range(epochs):
            order = random.permutation(len(x))
            for start in range(0, len(x), batch):
                own, step = order[start : start + batch], step + 1
                for weight, slot, gradient in zip(weights, slots, _gradients(weights, x[own], wanted[own]), strict=True):
                    slot[0] += 0.1 * (gradient - slot[0])
                    slot[1] += 0.01 * (gradient**2 - slot[1])
                    change = rate * (slot[0] / (1 - 0.9**step)) / (np.sqrt(slot[1] / (1 - 0.99**step)) + 1e-7)
                    np.subtract(weight, change, out=weight)
        norm = float(sum((weight**2).sum() for weight in weights[::2]))
        return Fit(lambda new: _logits(weights, new[:, seen])[1].argmax(axis=1), norm)

    return fit


def _logits(weights: list[Floats], x: Floats) -> tuple[Floats, Floats]:
    hidden = np.maximum(x @ weights[0] + weights[1], 0)
    return hidden, hidden @ weights[2] + weights[3]


def _gradients(weights: list[Floats], x: Floats, wanted: Floats) -> list[Floats]:
    hidden, logits = _logits(weights, x)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    above = (shares - wanted) / len(x)
    below = (above @ weights[2].T) * (hidden > 0)
    return [x.T @ below, below.sum(axis=0), hidden.T @ above, above.sum(axis=0)]


@dataclass(frozen=True)
class Pair:
    """Two settings.

    Attributes:
        equal: whether their true difference is 0.
        own_seeds: whether the second has seeds of its own, so that both are the same setting.
        slow: whether it is simulated less often.
    """

    name: str
    a: Learner
    b: Learner
    equal: bool = False
    own_seeds: bool = False
    slow: bool = False


PAIRS = (
    Pair("ridge, two views", ridge(1, FIRST), ridge(1, LAST), equal=True),
    Pair("nearest mean, two views", nearest_mean(FIRST), nearest_mean(LAST), equal=True),
    Pair("20 random features, two views", ridge(1, FIRST, 20), ridge(1, LAST, 20), equal=True),
    Pair("30 random features, two seeds", ridge(1, ALL, 30), ridge(1, ALL, 30), equal=True, own_seeds=True),
    Pair("6 random features, two seeds", ridge(1, ALL, 6), ridge(1, ALL, 6), equal=True, own_seeds=True),
    Pair("net of 8 units, two seeds", net(8, ALL), net(8, ALL), equal=True, own_seeds=True, slow=True),
    Pair("ridge and nearest mean", ridge(1, ALL), nearest_mean(ALL)),
    Pair("weak and strong ridge", ridge(1, ALL), ridge(300, ALL)),
    Pair("20 and 40 random features", ridge(1, ALL, 20), ridge(1, ALL, 40)),
    Pair("nets of 4 and 16 units", net(4, ALL), net(16, ALL), slow=True),
)


@dataclass(frozen=True)
class Judged:
    """One cross-validation of a pair.

    Attributes:
        table: differences of right and wrong `(networks, images)`; NaN where a network did not judge an image.
        truth: mean difference of accuracy of these very networks on new images.
        norms: the settings' difference of squared weights, `(networks,)`.
    """

    table: NDArray[np.float64]
    truth: float
    norms: NDArray[np.float64]


def cross_validated(pair: Pair, images: int, folds: int, turns: int, random: np.random.Generator) -> Judged:
    """Train both settings `turns` times on each of the folds, every time with another seed."""
    inputs, labels = draw(random, images)
    new = None if pair.equal else draw(random, NEW_IMAGES)
    fold = np.empty(images, np.int64)
    for label in range(CLASSES):
        members = random.permutation(np.flatnonzero(labels == label))
        fold[members] = np.arange(len(members)) % folds
    table, truths, norms = np.full((folds * turns, images), np.nan), [], []
    for number in range(folds * turns):
        own = fold == number % folds
        seed = int(random.integers(2**31))
        seeds = (seed, seed + 1) if pair.own_seeds else (seed, seed)
        a, b = (
            learner(inputs[~own], labels[~own], np.random.default_rng(each))
            for learner, each in zip((pair.a, pair.b), seeds, strict=True)
        )
        table[number, own] = _lead(a, b, inputs[own], labels[own])
        truths.append(0.0 if new is None else float(_lead(a, b, *new).mean()))
        norms.append(a.norm - b.norm)
    return Judged(table, float(np.mean(truths)), np.array(norms))


def _lead(a: Fit, b: Fit, inputs: Floats, labels: Labels) -> NDArray[np.float64]:
    lead: NDArray[np.float64] = (a.predict(inputs) == labels).astype(np.float64) - (b.predict(inputs) == labels)
    return lead
