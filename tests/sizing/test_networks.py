"""Forms and their sizes."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from seedbed.records import DataFacts
from seedbed.sizing.networks import CONV_FORMS, DEPTHS, Form, dense_forms, forms, parameters
from seedbed.specs import Dense
from sizing.samples import MNIST

FORMS = [*dense_forms(DEPTHS), *CONV_FORMS]
DIGITS = DataFacts(1257, 270, 270, tuple("0123456789"), (8, 8, 1))


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_sizes_grow_one_by_one_and_the_largest_below_a_bound_is_found(form: Form) -> None:
    sizes = list(islice(form.sizes(MNIST), 30))
    numbers = [number for number, _ in sizes]
    assert numbers == sorted(set(numbers))
    assert [parameters(network, MNIST) for _, network in sizes] == numbers
    assert form.largest(numbers[7], MNIST) == sizes[7][1]
    assert form.largest(numbers[7] - 1, MNIST) == sizes[6][1]
    assert form.largest(numbers[0] - 1, MNIST) is None


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_network_is_known_to_be_of_its_form_and_of_no_other(form: Form) -> None:
    for _, network in islice(form.sizes(MNIST), 12, 20):
        tuned = network.changed(activation="silu")
        assert [other for other in FORMS if other.has(tuned)] == [form]


def test_a_convolutional_form_has_a_size_within_a_quarter_of_any() -> None:
    for form in CONV_FORMS:
        numbers = [number for number, _ in islice(form.sizes(MNIST), 60) if number > 600]
        assert max(after / before for before, after in pairwise(numbers)) < 1.25


def test_depths_say_which_dense_forms_there_are() -> None:
    assert {len(form.ratios) for form in forms("dense", (2,), MNIST)} == {2}
    assert {len(form.ratios) for form in forms("dense", DEPTHS, MNIST)} == {1, 2, 3}


def test_forms_for_which_the_images_are_too_small_are_left_out() -> None:
    assert forms("conv", DEPTHS, DIGITS) == CONV_FORMS
    tiny = DataFacts(100, 10, 10, ("a", "b"), (4, 4, 1))
    left = forms("conv", DEPTHS, tiny)
    assert left
    assert len(left) < len(CONV_FORMS)


def test_every_layer_has_one_unit_at_least() -> None:
    assert Form(Dense(), (1.0, 0.1)).network(2) == Dense(hidden=(2, 1))
