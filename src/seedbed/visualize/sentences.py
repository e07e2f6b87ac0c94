"""The facts as sentences; every number in a sentence is computed."""

from __future__ import annotations

from collections import Counter

import numpy as np

from seedbed.data.facts import KEPT_PAIRS, DuplicatePairs
from seedbed.visualize.survey import Survey
from seedbed.words import counted, listed, percent

MISSING = 5
"""Maximal number of classes without images in the sentences."""

HIDDEN = 5
"""Maximal number of pairs with a test image in the sentences."""


def write(survey: Survey) -> dict[str, list[str]]:
    """Write the sentences of each section."""
    return {
        "overview": _overview(survey),
        "balance": _balance(survey),
        "classes": _classes(survey),
        "pixels": _pixels(survey),
        "duplicates": _duplicates(survey),
        "leakage": _leakage(survey),
        "embedding": _embedding(survey),
    }


def _overview(survey: Survey) -> list[str]:
    dataset = survey.dataset
    h, w, c = dataset.image_shape
    parts = [f"{len(dataset.train):,} training", f"{len(dataset.validation):,} validation"]
    parts += [f"{len(dataset.test):,} test"] if dataset.test else []
    colour = "grey" if c == 1 else "in colour"
    classes = counted(len(dataset.classes), "class", "classes")
    sentences = [f"{dataset.spec.name} has {listed(parts)} images of {h} x {w} pixels, {colour}, in {classes}."]
    if dataset.spec.protocol == "handout" and not dataset.test:
        sentences.append(
            "As in the exercise's own protocol, the official test images are called validation here, and no test part is left."
        )
    elif dataset.test:
        sentences.append(
            "The test part is locked: its images are not shown or averaged, and its labels are not read. "
            "Only its pixels are compared with the other parts, to find leaked images."
        )
    return [*sentences, *dataset.notes]


def _balance(survey: Survey) -> list[str]:
    train, validation, names = survey.balance["training"], survey.balance["validation"], survey.dataset.classes
    most, least = int(train.argmax()), int(train.argmin())
    sentences = []
    if train[least] == 0:
        missing = [names[i] for i in np.flatnonzero(train == 0)]
        shown = missing if len(missing) <= MISSING else [*missing[:MISSING], f"{len(missing) - MISSING} others"]
        sentences.append(f"No training image belongs to {listed(shown)}: a network cannot learn a class without images.")
    elif train[most] == train[least]:
        sentences.append(f"All classes have the same number of training images, {train[most]:,}.")
    else:
        sentences.append(
            f"The largest class, {names[most]}, has {train[most] / train[least]:.2f} times as many training images "
            f"as the smallest, {names[least]} ({train[most]:,} and {train[least]:,})."
        )
    always = validation[most] / max(validation.sum(), 1)
    return [*sentences, f"Always predicting {names[most]} is right on {percent(always)} of the validation images."]


def _classes(survey: Survey) -> list[str]:
    base = survey.baseline
    names = survey.dataset.classes
    spread = survey.classes.deviation.mean(axis=(1, 2, 3))
    known = np.flatnonzero(np.isfinite(spread))
    sentences = [
        f"Predicting the class with the nearest mean image is right on {percent(base.mean)} of the validation images "
        f"(95 % interval {percent(base.low)} to {percent(base.high)}, n = {base.n:,}). A network should do better."
    ]
    if len(known) > 1:
        most, least = known[spread[known].argmax()], known[spread[known].argmin()]
        sentences.append(
            f"By the standard deviation of its pixels, {names[most]} varies the most and {names[least]} the least."
        )
    return sentences


def _pixels(survey: Survey) -> list[str]:
    pixels = survey.pixels
    names = ["red", "green", "blue"] if len(pixels.mean) == 3 else [""]
    moments = [
        f"{name + ': ' if name else ''}mean {m:.1f}, standard deviation {d:.1f}"
        for name, m, d in zip(names, pixels.mean, pixels.deviation, strict=True)
    ]
    sentences = [
        f"Values run from {pixels.low:g} to {pixels.high:g} ({'; '.join(moments)}); {percent(pixels.zeros)} of them are 0."
    ]
    if not pixels.constant:
        return [*sentences, "Every pixel varies between images."]
    values = counted(pixels.places, "pixel value")
    return [*sentences, f"{pixels.constant} of {values} are equal in all training images, so they carry no information."]


def _duplicates(survey: Survey) -> list[str]:
    exact, near = survey.duplicates.exact, survey.duplicates.near
    train = len(survey.dataset.train)
    copies, alike = exact.affected["training"], near.affected["training"]
    copied = (
        f"{counted(copies, 'training image')} ({percent(copies / train, 2)}) {_have(copies)} an exact duplicate in training."
    )
    sentences = [
        copied if copies else "No training image occurs twice.",
        f"Near duplicates are images whose pixels correlate by {survey.duplicates.threshold} or more; "
        f"{_at_least(near)}{counted(alike, 'training image')} ({percent(alike / train, 2)}) {_have(alike)} one in training.",
        *_main_class(survey, near),
    ]
    conflicts = len(exact.conflicts) + len(near.conflicts)
    if conflicts:
        more = "at least " if max(len(exact.conflicts), len(near.conflicts)) >= KEPT_PAIRS else ""
        pairs = counted(conflicts, "pair")
        sentences.append(f"{more}{pairs} of similar images {_have(conflicts)} different labels; one of the two may be wrong.")
    elif exact.count or near.count:
        sentences.append("No such pair of training or validation images has two different labels.")
    return sentences


def _main_class(survey: Survey, near: DuplicatePairs) -> list[str]:
    """A sentence if nearly all pairs belong to one class: a property of the class, not a sign of copies."""
    labelled = [pair for pair in near.pairs if pair.same_label and pair.first.part == "training"]
    if len(labelled) < 20 or near.count > KEPT_PAIRS:
        return []
    classes = Counter(survey.dataset.train.labels[pair.first.position] for pair in labelled)
    label, times = classes.most_common(1)[0]
    if times < 0.9 * len(labelled):
        return []
    name, share = survey.dataset.classes[label], "All" if times == len(labelled) else percent(times / len(labelled), 0)
    return [f"{share} of these pairs show {name}: its images are all similar; that alone is no sign of copies."]


def _leakage(survey: Survey) -> list[str]:
    exact, near = survey.duplicates.exact, survey.duplicates.near
    sentences = []
    for name, part in (("validation", survey.dataset.validation), ("test", survey.dataset.test)):
        if part is None:
            continue
        same, like = exact.affected[name], near.affected[name]
        if same or like:
            sentences.append(
                f"Of {len(part):,} {name} images, {same:,} ({percent(same / len(part), 2)}) {_have(same)} an exact and "
                f"{_at_least(near)}{like:,} ({percent(like / len(part), 2)}) a near duplicate in the training part."
            )
        else:
            sentences.append(f"None of the {len(part):,} {name} images has an exact or near duplicate in the training part.")
    if any(kind.affected[name] for kind in (exact, near) for name in kind.affected if name != "training"):
        sentences.append(
            "A network may have memorized such images; their share is the most by which the accuracy can be too high."
        )
    hidden = [pair for kind in (exact, near) for pair in kind.pairs if pair.second.part == "test"][:HIDDEN]
    if hidden:
        pairs = [
            f"{pair.first.part} {pair.first.source} and test {pair.second.source} ({pair.correlation:.4f})" for pair in hidden
        ]
        sentences.append(f"Test images are not shown. The most similar pairs by index (correlation): {listed(pairs)}.")
    return sentences


def _embedding(survey: Survey) -> list[str]:
    if survey.embedding is None:
        return ["There are too few training images for a map."]
    first, second = survey.embedding.explained
    return [
        f"Both maps show the same {len(survey.embedding.positions):,} training images, each class by its share.",
        f"The two axes of PCA have {percent(first)} and {percent(second)} of the variance, so the map hides "
        f"{percent(1 - first - second, 0)} of the differences between images.",
        "t-SNE keeps neighbours together; distances between groups, and their sizes, mean nothing.",
    ]


def _have(n: int) -> str:
    return "has" if n == 1 else "have"


def _at_least(kind: DuplicatePairs) -> str:
    return "" if kind.complete else "at least "
