"""What every population promises, whatever its family: one suite for all of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.by_hand import finite_differences
from models.samples import (
    BATCH,
    CLASSES,
    CONV,
    DENSE,
    IMAGE_SHAPE,
    KEY,
    QUICK,
    SEPARABLE,
    VARIANTS,
    Family,
    batch,
    close,
    families,
    in_training,
    knob,
    knobs_of,
    reference,
    switched,
    user_spec,
)
from seedbed import models
from seedbed.models.plain import assign
from seedbed.models.protocol import image_losses, loss_gradients
from seedbed.models.stacked import is_kernel
from seedbed.specs import Conv, Dense, Keras, ModelSpec

FAMILIES = families()


@pytest.fixture(params=FAMILIES, ids=str, scope="module")
def family(request: pytest.FixtureRequest) -> Any:
    """A family; what it compiles is shared by this module's tests."""
    return request.param


def test_logits_and_probes_have_one_row_a_member(family: Family) -> None:
    members = len(family.specs)
    logits, state, probes, gradients = family.trained
    assert jax.tree.structure(gradients) == jax.tree.structure(family.packed[0])
    assert (logits.shape, logits.dtype) == ((members, CLASSES, BATCH), jnp.float32)
    assert jax.tree.structure(state) == jax.tree.structure(family.packed[1])
    assert all(values.shape == (members,) for values in probes.values())


def test_a_member_has_as_many_parameters_as_keras_counts(family: Family) -> None:
    for member, spec in enumerate(family.specs):
        model = reference(spec, IMAGE_SHAPE, CLASSES)
        params, _ = family.alone(member).pack([family.weights[member]])
        expected = sum(math.prod(variable.shape) for variable in model.trainable_variables)
        assert sum(leaf.size for leaf in jax.tree.leaves(params)) == expected
        assert models.facts(spec, IMAGE_SHAPE, CLASSES).parameters == expected


def test_unpack_is_the_inverse_of_pack_for_weights_and_for_moments(family: Family) -> None:
    params, state = family.packed
    for member, weights in enumerate(family.weights):
        unpacked = family.population.unpack(params, state, member)
        assert unpacked.keys() == weights.keys()
        assert all(np.array_equal(unpacked[name], weights[name]) for name in weights)
    moments = jax.tree.map(lambda leaf: np.asarray(leaf) * 3, params)
    members = [family.population.unpack(moments, {}, member) for member in range(len(family.specs))]
    again, _ = family.population.pack(members)
    assert jax.tree.all(jax.tree.map(np.array_equal, again, moments))


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_gradients_agree_with_finite_differences_in_float64(family: Family) -> None:
    specs = STILL[family.name.split("-")[0]]
    still = replace(family, specs=specs, _compiled={})
    gradients, _ = still.jitted("gradients")(*still.packed, batch(), still.hyper, KEY)
    for member, spec in enumerate(specs):
        unpacked = still.population.unpack(gradients, {}, member)
        expected = finite_differences(spec, still.weights[member], batch(), knob(still.hyper, member))
        for array, gradient in expected.items():
            close(unpacked[array], gradient, 1e-4)


STILL: dict[str, tuple[ModelSpec, ...]] = {
    "dense": (Dense(hidden=(5, 4), activation="gelu"), Dense(hidden=(3,), activation="tanh"), Dense(hidden=())),
    "conv": (CONV[1], CONV[1]),
    "separable": (SEPARABLE[1], SEPARABLE[1]),
    "keras": (user_spec(drop=0.0), user_spec(drop=0.0)),
}


def test_a_member_alone_is_as_in_a_population_dropout_included(family: Family) -> None:
    logits, new_state, probes, gradients = family.trained
    for member in range(len(family.specs)):
        alone = family.alone(member)
        own = alone.pack([family.weights[member]])
        found = in_training(alone)(*own, batch(), knob(family.hyper, member), KEY)
        its_logits, its_state, its_probes, its_gradients = found
        close(its_logits[0], logits[member], 1e-6)
        for name, values in its_probes.items():
            close(values, probes[name][member : member + 1], 1e-6)
        assert all(np.isnan(probes[name][member]) for name in probes.keys() - its_probes.keys())
        expected = family.population.unpack(gradients, new_state, member)
        for name, array in alone.unpack(its_gradients, its_state, 0).items():
            close(array, expected[name], 2e-6, least=0.25)  # of summands that cancel each other


def test_members_that_train_are_the_same_to_the_bit_whether_others_train(family: Family) -> None:
    alive = np.arange(len(family.specs)) > 0
    logits, state, probes, gradients = family.trained
    found = family.program(*family.packed, batch(), family.hyper._replace(alive=alive), KEY)
    np.testing.assert_array_equal(found[0][1:], logits[1:])
    for name, values in probes.items():
        np.testing.assert_array_equal(found[2][name][1:], values[1:])
    for member in np.flatnonzero(alive):
        of_all = family.population.unpack(gradients, state, member)
        for name, array in family.population.unpack(found[3], found[1], member).items():
            np.testing.assert_array_equal(array, of_all[name])


def test_inference_ignores_dropout_and_leaves_the_state(family: Family) -> None:
    apply = jax.jit(lambda *arguments: family.population.apply(*arguments, None), compiler_options=QUICK)
    params, state = family.packed
    dry = family.hyper._replace(dropout=np.zeros(len(family.specs), np.float32))
    logits, after, _ = apply(params, state, batch().images, family.hyper)
    assert np.array_equal(logits, apply(params, state, batch().images, dry)[0])
    assert jax.tree.all(jax.tree.map(np.array_equal, after, state))


def test_training_drops_by_the_key_and_by_the_members_own_rate(family: Family) -> None:
    arguments = (*family.packed, batch(), family.hyper)
    logits, other = family.trained[0], family.program(*arguments, jax.random.key(4))[0]
    assert np.array_equal(logits, family.program(*arguments, KEY)[0])
    for member, spec in enumerate(family.specs):
        drops = isinstance(spec, Keras) or spec.dropout > 0
        assert drops != np.array_equal(logits[member], other[member])


def test_the_penalty_is_over_kernels_and_a_users_own_regularizers(family: Family) -> None:
    penalties, squares = family.jitted("penalty")(family.packed[0], family.hyper)
    for member, weights in enumerate(family.weights):
        l1, l2 = float(family.hyper.l1[member]), float(family.hyper.l2[member])
        kernels = [array.astype(np.float64) for name, array in weights.items() if name.endswith("kernel")]
        expected = sum(l2 * np.sum(w**2) + l1 * np.sum(np.abs(w)) for w in kernels)
        if isinstance(family.specs[member], Keras):
            expected += 0.03 * np.sum(weights["think/kernel"].astype(np.float64) ** 2)
        assert penalties[member] == pytest.approx(expected, rel=1e-5)
        assert sum(float(own[member]) for own in squares.values()) == pytest.approx(
            sum(np.sum(w**2) for w in kernels), rel=1e-5
        )


def test_values_are_spread_to_the_members_own_arrays(family: Family) -> None:
    params, _ = family.packed
    values = np.arange(1, len(family.specs) + 1, dtype=np.float32)
    broadcast = family.jitted("broadcast")(values, params)
    whole = jax.tree.map(lambda leaf, value: np.broadcast_to(value, leaf.shape), params, broadcast)
    for member in range(len(family.specs)):
        unpacked = family.population.unpack(whole, {}, member)
        assert unpacked
        assert all(np.all(array == member + 1) for array in unpacked.values())


def test_kernels_are_told_from_biases(family: Family) -> None:
    params, _ = family.packed
    marked = jax.tree.map(lambda leaf, kernel: np.full(leaf.shape, float(kernel)), params, family.population.kernels(params))
    for member in range(len(family.specs)):
        unpacked = family.population.unpack(marked, {}, member)
        assert all(np.all(array == name.endswith("kernel")) for name, array in unpacked.items())


def test_squares_are_those_of_each_layers_kernel(family: Family) -> None:
    params, _ = family.packed
    squares = family.jitted("squares")([params, jax.tree.map(lambda leaf: 2 * leaf, params)])
    for member, weights in enumerate(family.weights):
        for layer, sums in squares.items():
            kernels = [array for name, array in weights.items() if name.startswith(f"{layer}/") and name.endswith("kernel")]
            expected = sum(np.sum(kernel.astype(np.float64) ** 2) for kernel in kernels)
            np.testing.assert_allclose(sums[:, member], [expected, 4 * expected], rtol=1e-5)
        assert {name.rpartition("/")[0] for name in weights if name.endswith("kernel")} <= squares.keys()


def test_fresh_weights_are_a_function_of_seed_and_shape_alone(family: Family) -> None:
    for member, own in enumerate(family.population.initial(5)):
        again, other = (family.alone(member).initial(seed)[0] for seed in (5, 6))
        assert all(np.array_equal(own[name], again[name]) for name in own)
        assert not any(np.array_equal(own[name], other[name]) for name in own if name.endswith("kernel"))


OTHERS: dict[str, list[ModelSpec]] = {
    "dense": [spec.changed(dropout=0.9 * spec.dropout) for spec in DENSE],
    "conv": [spec.changed(dropout=0.1) for spec in CONV],
    "separable": [spec.changed(dropout=0.1) for spec in SEPARABLE],
    "keras": [user_spec(), user_spec()],
}


def test_equal_signatures_share_one_program(family: Family) -> None:
    specs = OTHERS[family.name.split("-")[0]]
    other = family.build(specs)
    assert other.signature == family.population.signature
    hash(other.signature)
    arguments = (*other.pack(family.weights), batch(), knobs_of(specs), KEY)
    theirs, ours = in_training(other)(*arguments), family.program(*arguments)
    assert jax.tree.all(jax.tree.map(lambda a, b: np.array_equal(a, b, equal_nan=True), ours, theirs))


DIFFERENT: list[tuple[list[ModelSpec], list[ModelSpec]]] = [
    ([Dense(hidden=(3,))], [Dense(hidden=(4,))]),
    ([Dense(hidden=(3,))], [Dense(hidden=(3,), activation="tanh")]),
    ([Dense(hidden=(3,))], [Dense(hidden=(3,)), Dense(hidden=(3,))]),
    ([Dense(hidden=(3,))], [Dense(hidden=(3,), dropout=0.5)]),
    ([Conv(filters=(2,))], [Conv(filters=(2,), activation="tanh")]),
    ([Conv(filters=(2,))], [Conv(filters=(2,), kernel=(2,))]),
    ([Conv(filters=(2,))], [Conv(filters=(2,), dropout=0.5)]),
    ([Conv(filters=(2, 2))], [Conv(filters=(2, 2), separable=True)]),
    ([user_spec()], [user_spec(units=5)]),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_programs_have_different_signatures(one: list[ModelSpec], other: list[ModelSpec]) -> None:
    with switched("off"):
        signatures = [models.build(specs, IMAGE_SHAPE, CLASSES).signature for specs in (one, other)]
    assert signatures[0] != signatures[1]


def test_what_the_device_runs_is_part_of_the_signature() -> None:
    for specs in ([Conv(filters=(2,))], [user_spec()]):
        assert len({models.build(specs, IMAGE_SHAPE, CLASSES, on_cpu=on_cpu).signature for on_cpu in (True, False)}) == 2
    for family, members in (("conv", CONV), ("dense", DENSE)):
        forms = {switch: Family(family, members, switch=switch).population for switch in ("off", *VARIANTS)}
        assert len({population.signature for population in forms.values()}) == len(forms)
        assert [population.form for population in forms.values()] == ["products", *(f"kernels {name}" for name in VARIANTS)]
    assert len({models.build([Dense()], IMAGE_SHAPE, CLASSES, precision=p).signature for p in ("f32", "bf16")}) == 2


def test_batch_statistics_are_what_keras_would_have_after_one_minibatch() -> None:
    spec = user_spec(drop=0.0)
    alone = Family("still", (spec,))
    full = batch()._replace(weights=np.ones(BATCH, np.float32))
    _, state = alone.jitted("gradients")(*alone.packed, full, alone.hyper, KEY)
    model = reference(spec, IMAGE_SHAPE, CLASSES)
    assign(model, alone.weights[0])
    with jax.numpy_dtype_promotion("standard"):
        model(full.images, training=True)
    moving = [variable for variable in model.non_trainable_variables if "moving" in variable.path]
    assert len(moving) == 2
    for variable in moving:
        close(state[variable.path][0], variable.value, 1e-5)


def test_losses_are_in_nats_and_with_their_gradients_survive_large_logits() -> None:
    logits = jnp.array([[[1000.0, 0.0], [0.0, 0.0]]])
    labels = jnp.array([1, 0], jnp.int32)
    np.testing.assert_allclose(image_losses(logits, labels), [[1000.0, math.log(2)]], rtol=1e-6)
    gradients = loss_gradients(logits, labels, jnp.array([0.5, 1.0]))
    np.testing.assert_allclose(gradients, [[[0.5, -0.5], [-0.5, 0.5]]], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "penalised"),
    [("dense_0/kernel", True), ("a/depthwise_kernel", True), ("dense_0/bias", False), ("norm/gamma", False)],
)
def test_the_penalty_counts_kernels_by_their_names(name: str, penalised: bool) -> None:
    assert is_kernel(name) is penalised
