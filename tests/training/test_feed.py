"""The way of the images to the device: without copies, and piece by piece."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest

from seedbed import data
from seedbed.models.dense import DensePopulation
from seedbed.specs import DataSpec, Dense
from seedbed.training import feed, footprint
from seedbed.training.feed import EvalBatches, aligned
from seedbed.training.program import EvalSet
from training.samples import PAIR, PLAN, digits, ran, task


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_an_aligned_array_is_taken_over_without_a_copy(dtype: type) -> None:
    for _ in range(5):
        array = aligned((3, 5, 7), np.dtype(dtype))
        assert jax.device_put(array).unsafe_buffer_pointer() == array.ctypes.data


@pytest.fixture
def in_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations of the digits come in six pieces of a batch each."""
    monkeypatch.setattr(footprint, "PIECE_BYTES", 2 * 50 * 64)


@pytest.mark.usefixtures("in_sheets")
@pytest.mark.parametrize("images", [400, 100])
def test_the_sheets_hold_every_image_of_the_exam_once(images: int) -> None:
    dataset = digits(images)
    pieces = list(EvalBatches(dataset, 50))
    assert len(pieces) == 6
    size = len(dataset.validation)
    assert tuple(np.sum([piece.counts for piece in pieces], axis=0)) == (min(images, size), size)
    parts = [_parts(piece.eval_set) for piece in pieces]
    seen = [images[weights > 0] for _, (images, _, weights) in parts]
    assert np.array_equal(np.concatenate(seen), dataset.validation.images)
    sample = [labels[weights > 0] for (_, labels, weights), _ in parts]
    whole = np.concatenate(sample)
    assert len(whole) == min(images, size)
    if images == 100:
        assert np.array_equal(whole, dataset.train.labels)


def _parts(eval_set: EvalSet) -> list[tuple[Any, Any, Any]]:
    """Images, labels and weights of the training sample and of the validation part, each in batches."""
    weights = [np.asarray(part) for part in eval_set.weights]
    cut = len(weights[0])
    images, labels = np.asarray(eval_set.images), np.asarray(eval_set.labels)
    return [(images[:cut], labels[:cut], weights[0]), (images[cut:], labels[cut:], weights[1])]


def test_few_training_images_are_not_filled_up_to_as_many_as_are_validated_on() -> None:
    dataset = digits(60)
    [piece] = EvalBatches(dataset, 50)
    (sample, *_), (validated, *_) = _parts(piece.eval_set)
    assert (len(sample), len(validated)) == (2, 6)


@pytest.mark.parametrize("images", [90, 400])
def test_an_exam_in_sheets_gives_the_figures_of_an_exam_in_one(
    images: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DensePopulation, "eval_batch_size", 50)
    whole = ran(task(PAIR, PLAN.changed(epochs=2)), digits(images)).outcomes
    request.getfixturevalue("in_sheets")
    cut = ran(task(PAIR, PLAN.changed(epochs=2)), digits(images)).outcomes
    for place, one in whole.items():
        other = cut[place]
        assert all(np.array_equal(one.last[name], other.last[name]) for name in one.last)
        np.testing.assert_allclose(other.probabilities, one.probabilities, rtol=1e-5)
        for name, column in one.history.columns.items():
            if name != "seconds":
                np.testing.assert_allclose(other.history[name], column, rtol=1e-5, atol=1e-7, err_msg=name)


def test_at_most_three_pieces_are_in_memory() -> None:
    alive: set[int] = set()
    most = 0

    class Piece:
        def __init__(self, number: int) -> None:
            nonlocal most
            self.number = number
            alive.add(number)
            most = max(most, len(alive))

        def __del__(self) -> None:
            alive.discard(self.number)

    seen = [piece.number for piece in feed._ahead(Piece, range(0, 60, 3))]
    assert seen == list(range(0, 60, 3))
    assert most <= 3


def test_a_stream_that_is_left_early_leaves_no_thread() -> None:
    before = threading.active_count()
    pieces = feed._ahead(lambda start: start, range(9))
    assert next(pieces) == 0
    assert threading.active_count() == before + 1
    pieces.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_the_pixels_of_a_permuted_set_are_gathered_permuted() -> None:
    dataset = data.load(data.resolve(DataSpec(name="digits", first=90, permutation=3)))
    rows = np.array([[3, 1], [4, 4]])
    found = feed._gathered(dataset.train, rows)
    assert np.array_equal(found, dataset.train.images[rows])
    assert "array" not in vars(dataset.train.pictures), "all images were permuted for some"


@pytest.mark.parametrize(
    "others", [[{"fold": (number, 4)} for number in (1, 3)], [{"first": 500}, {"first": 200, "permutation": 3}]]
)
def test_folds_subsets_and_permutations_compile_nothing_that_is_compiled(others: list[dict[str, Any]]) -> None:
    """Folds of 1,527 images have 381 to 385; whoever compiled for each size would compile three times."""
    first = DataSpec(name="digits", fold=(0, 4)) if "fold" in others[0] else DataSpec(name="digits")
    work = task([Dense(hidden=(7,))], PLAN.changed(epochs=1))
    ran(work, data.load(data.resolve(first)))
    for changes in others:
        [outcome] = ran(work, data.load(data.resolve(first.changed(**changes)))).outcomes.values()
        assert outcome.compile_seconds == 0, changes


def test_the_room_for_other_folds_changes_no_bit() -> None:
    """A fold with room for the largest, and the same images without."""
    dataset = data.load(data.resolve(DataSpec(name="digits", fold=(3, 4))))
    assert dataset.room
    assert dataset.room.train >= len(dataset.train)
    assert dataset.room.validation > len(dataset.validation)
    work = task([Dense(hidden=(7,))])
    roomy, tight = ran(work, dataset).outcomes[0, 0], ran(work, replace(dataset, room=None)).outcomes[0, 0]
    assert all(np.array_equal(roomy.last[name], tight.last[name]) for name in tight.last)
    np.testing.assert_allclose(roomy.probabilities, tight.probabilities, rtol=1e-5)
    np.testing.assert_allclose(roomy.history["validation_loss"], tight.history["validation_loss"], rtol=1e-5)
