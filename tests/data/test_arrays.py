"""Arrays as data: without a file and without a name, the same by content, and there again in a later session."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from seedbed import data
from seedbed.data import ARRAYS, Dataset, kept
from seedbed.errors import CorruptData, DataError, UnknownDataset
from seedbed.specs import DataSpec

RANDOM = np.random.default_rng(5)
X = RANDOM.integers(0, 256, size=(120, 6, 6)).astype(np.uint8)
Y = np.arange(120) % 3


def test_equal_arrays_are_the_same_data_whatever_their_form():
    dataset = Dataset.of(X, Y)
    assert dataset.spec.name == f"{ARRAYS}{dataset.spec.digest[:8]}"
    for images, labels in ((X.reshape(120, 36), Y), (X[..., None].astype(int).tolist(), Y.tolist()), (X, np.eye(3)[Y])):
        assert Dataset.of(images, labels).spec == dataset.spec
    assert Dataset.of(X, (Y + 1) % 3).spec != dataset.spec
    assert Dataset.of(X, Y, classes="abc").spec != dataset.spec


def test_they_can_be_loaded_again_by_their_spec_and_not_once_the_cache_is_empty():
    dataset = Dataset.of(X[:90], Y[:90])
    again = data.load(dataset.spec)
    assert np.array_equal(again.train.images, dataset.train.images)
    assert np.array_equal(again.validation.labels, dataset.validation.labels)
    assert again.pictures == dataset.pictures
    kept.forget(dataset.spec.digest)
    with pytest.raises(UnknownDataset, match=r"are arrays, .* Give them again, in Python: Dataset\.of"):
        data.load(dataset.spec)
    assert Dataset.of(X[:90], Y[:90]).spec == dataset.spec
    assert len(data.load(dataset.spec).train) == len(dataset.train)


def test_parts_that_are_given_stay_as_they_are():
    dataset = Dataset.of(X[:60], Y[:60], validation=(X[60:90], Y[60:90]), test=(X[90:], Y[90:]))
    assert dataset.test is not None
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [60, 30, 30]
    assert np.array_equal(dataset.test.images[..., 0], X[90:])
    assert len(Dataset.of(X[:90], Y[:90], test=(X[90:], Y[90:])).test or ()) == 30


def test_what_users_give_as_data_becomes_a_spec():
    dataset = Dataset.of(X, Y)
    assert data.spec_of(dataset) == data.spec_of((X, Y)) == data.spec_of(dataset.spec) == dataset.spec
    assert data.spec_of("digits") == DataSpec(name="digits")
    pairs = data.spec_of(((X[:90], Y[:90]), (X[90:], Y[90:])))
    assert pairs == Dataset.of(X[:90], Y[:90], test=(X[90:], Y[90:])).spec
    with pytest.raises(DataError, match="it must be the name of a data set"):
        data.spec_of([X, Y])  # type: ignore[arg-type]


def test_classes_are_named_in_order_or_ordered_by_name():
    words = np.array(["no", "yes", "maybe"], dtype=object)[Y]
    assert Dataset.of(X, Y, classes=("no", "yes", "maybe")).classes == ("no", "yes", "maybe")
    assert Dataset.of(X, words).classes == ("maybe", "no", "yes")
    ordered = Dataset.of(X, words, classes=("no", "yes", "maybe"))
    assert ordered.spec == Dataset.of(X, Y, classes=("no", "yes", "maybe")).spec


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"labels": Y[:5]}, CorruptData, "arrays: 120 images, but 5 labels"),
        ({"labels": Y * 0}, DataError, "at least 2 classes"),
        ({"classes": ("a", "b")}, DataError, "classes = ('a', 'b'): the labels are 0, 1, 2"),
        ({"classes": ("a", "a", "b")}, DataError, "each name may stand once"),
        ({"images": X.reshape(120, 36)[:, :35]}, DataError, "35 pixels per image are no square"),
        ({"images": X.astype(object)}, DataError, "images must be numbers"),
        ({"test": X}, DataError, "test arrays: give images and labels"),
        ({"images": np.where(X[3, 1, 2] == X, np.nan, X)}, CorruptData, "pixels must be finite"),
    ],
)
def test_what_is_no_data_is_refused(given: dict[str, Any], error: type[Exception], says: str):
    arguments = {"images": X, "labels": Y, **given}
    with pytest.raises(error, match=re.escape(says)):
        Dataset.of(arguments.pop("images"), arguments.pop("labels"), **arguments)


def test_a_data_set_is_one_line_in_a_notebook():
    shown = repr(Dataset.of(X, Y, test=(X[:9], Y[:9])))
    assert shown.endswith("90 training, 30 validation, 9 test images of 6 x 6 x 1, 3 classes")
