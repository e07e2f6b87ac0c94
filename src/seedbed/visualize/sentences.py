"""The facts in words; every number in a sentence is computed."""

from __future__ import annotations

from collections import Counter

import numpy as np

from seedbed.data import Dataset
from seedbed.data.facts import KEPT_PAIRS, DuplicatePairs
from seedbed.figures.words import counted, listed, percent
from seedbed.visualize.survey import Survey

HIDDEN = 5
"""How many pairs with a test image are named."""


def all_of(dataset: Dataset, found: Survey) -> dict[str, list[str]]:
    """Section -> its sentences."""
    return {
        "overview": _overview(dataset, found),
        "balance": _balance(found),
        "classes": _classes(found),
        "pixels": _pixels(found),
        "duplicates": _duplicates(found),
        "leakage": _leakage(dataset, found),
        "embedding": _embedding(found),
    }


def _overview(dataset: Dataset, found: Survey) -> list[str]:
    h, w, c = found.facts.image_shape
    parts = [f"{found.facts.train:,} training", f"{found.facts.validation:,} validation"]
    parts += [f"{found.facts.test:,} test"] if found.facts.test else []
    colour = "grey" if c == 1 else "in colour"
    classes = counted(len(dataset.classes), "class", "classes")
    said = [f"{found.name} has {listed(parts)} images of {h} x {w} pixels, {colour}, in {classes}."]
    if found.protocol == "handout" and not found.facts.test:
        said.append(
            "As in the exercise's own protocol, the official test images are called validation here, and no test part is left."
        )
    elif found.facts.test:
        said.append(
            "The test part is locked: no image of it is shown, none is part of a mean or map, and none of its labels is read. "
            "Only its pixels are compared with the other parts, to find images that leaked."
        )
    return [*said, *dataset.notes]


def _balance(found: Survey) -> list[str]:
    train, validation, names = found.balance["training"], found.balance["validation"], found.facts.classes
    most, least = int(train.argmax()), int(train.argmin())
    said = []
    if train[least] == 0:
        missing = [names[i] for i in np.flatnonzero(train == 0)]
        said.append(f"No training image belongs to {_some(missing)}: a network cannot learn what it never sees.")
    elif train[most] == train[least]:
        said.append(f"All classes have the same number of training images, {train[most]:,}.")
    else:
        said.append(
            f"The largest class, {names[most]}, has {train[most] / train[least]:.2f} times as many training images "
            f"as the smallest, {names[least]} ({train[most]:,} and {train[least]:,})."
        )
    always = validation[most] / max(validation.sum(), 1)
    return [*said, f"Always answering {names[most]} is right on {percent(always)} of the validation images, without any skill."]


def _classes(found: Survey) -> list[str]:
    base = found.baseline
    names = found.facts.classes
    spread = found.classes.deviation.mean(axis=(1, 2, 3))
    known = np.flatnonzero(np.isfinite(spread))
    said = [
        f"Giving each validation image the class whose mean image is nearest is right on {percent(base.mean)} of them "
        f"(95 % interval {percent(base.low)} to {percent(base.high)}, n = {base.n:,}). A network has to beat that."
    ]
    if len(known) > 1:
        most, least = known[spread[known].argmax()], known[spread[known].argmin()]
        said.append(f"By the standard deviation of its pixels, {names[most]} varies the most and {names[least]} the least.")
    return said


def _pixels(found: Survey) -> list[str]:
    pixels = found.pixels
    names = ["red", "green", "blue"] if len(pixels.mean) == 3 else [""]
    moments = [
        f"{name + ': ' if name else ''}mean {m:.1f}, standard deviation {d:.1f}"
        for name, m, d in zip(names, pixels.mean, pixels.deviation, strict=True)
    ]
    said = [f"Values run from {pixels.low:g} to {pixels.high:g} ({'; '.join(moments)}); {percent(pixels.zeros)} of them are 0."]
    if not pixels.constant:
        return [*said, "Every pixel varies between images."]
    values = counted(pixels.places, "pixel value")
    return [*said, f"{pixels.constant} of {values} are the same in all training images, so they are of no use."]


def _duplicates(found: Survey) -> list[str]:
    exact, near = found.duplicates.exact, found.duplicates.near
    train = found.facts.train
    copies, alike = exact.affected["training"], near.affected["training"]
    said = [
        f"{counted(copies, 'training image')} ({percent(copies / train, 2)}) {_have(copies)} an exact duplicate in training."
        if copies
        else "No training image occurs twice.",
        f"Two images are called near duplicates when their pixels correlate by {found.duplicates.threshold} or more; "
        f"{_at_least(near)}{counted(alike, 'training image')} ({percent(alike / train, 2)}) {_have(alike)} one in training.",
    ]
    said += _whose(found, near)
    conflicts = len(exact.conflicts) + len(near.conflicts)
    if conflicts:
        more = "at least " if max(len(exact.conflicts), len(near.conflicts)) >= KEPT_PAIRS else ""
        pairs = counted(conflicts, "pair")
        said.append(f"{more}{pairs} of similar images {_have(conflicts)} different labels; one may be wrong.")
    elif exact.found or near.found:
        said.append("No such pair of training or validation images has two different labels.")
    return said


def _whose(found: Survey, near: DuplicatePairs) -> list[str]:
    """A sentence where nearly all pairs belong to one class: a property of the class, not a sign of copies."""
    labelled = [pair for pair in near.pairs if pair.same_label and pair.first.part == "training"]
    if len(labelled) < 20 or near.found > KEPT_PAIRS:
        return []
    classes = Counter(found.labels[pair.first.position] for pair in labelled)
    label, times = classes.most_common(1)[0]
    if times < 0.9 * len(labelled):
        return []
    name, share = found.facts.classes[label], "All" if times == len(labelled) else percent(times / len(labelled), 0)
    return [f"{share} of these pairs show {name}: its images are very similar, which need not mean that any was copied."]


def _leakage(dataset: Dataset, found: Survey) -> list[str]:
    exact, near = found.duplicates.exact, found.duplicates.near
    said = []
    for name, part in (("validation", dataset.validation), ("test", dataset.test)):
        if part is None:
            continue
        same, like = exact.affected[name], near.affected[name]
        if same or like:
            said.append(
                f"Of {len(part):,} {name} images, {same:,} ({percent(same / len(part), 2)}) {_have(same)} an exact and "
                f"{_at_least(near)}{like:,} ({percent(like / len(part), 2)}) a near duplicate in the training part."
            )
        else:
            said.append(f"None of the {len(part):,} {name} images has an exact or near duplicate in the training part.")
    if any(likeness.affected[name] for likeness in (exact, near) for name in likeness.affected if name != "training"):
        said.append(
            "On such images a network may remember instead of recognise; the accuracy is too high by at most their share."
        )
    hidden = [pair for likeness in (exact, near) for pair in likeness.pairs if pair.second.part == "test"][:HIDDEN]
    if hidden:
        pairs = [
            f"{pair.first.part} {pair.first.source} and test {pair.second.source} ({pair.correlation:.4f})" for pair in hidden
        ]
        said.append(f"Test images are not shown. The most similar by number and correlation: {listed(pairs)}.")
    return said


def _embedding(found: Survey) -> list[str]:
    if found.embedding is None:
        return ["There are too few training images for a map."]
    first, second = found.embedding.explained
    return [
        f"Both maps show the same {len(found.embedding.positions):,} training images, each class by its share.",
        f"PCA is a straight view: its two axes hold {percent(first)} and {percent(second)} of the variance, so "
        f"{percent(1 - first - second, 0)} of the differences between images cannot be seen in it.",
        "t-SNE keeps neighbours together; distances between groups, and their sizes, mean nothing.",
    ]


def _some(names: list[str], most: int = 5) -> str:
    return listed(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} others"


def _have(n: int) -> str:
    return "has" if n == 1 else "have"


def _at_least(found: DuplicatePairs) -> str:
    return "" if found.complete else "at least "
