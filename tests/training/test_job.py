"""A job's life between its segments: bits, checkpoints, members that end early, metrics."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seedbed import models
from seedbed.models.dense import DensePopulation
from seedbed.records import best_epoch
from seedbed.specs import Conv, Dense, Plan, Select
from seedbed.training import footprint, program, saves
from seedbed.training import job as job_module
from seedbed.training.reports import Begun, Checkpoint, Outcome, Segment, Stopped
from training.samples import PAIR, PLAN, Ran, all_same_bits, at_every_step, compiled_as_by_workers, digits, ran, same_bits, task

pytestmark = pytest.mark.slow


@pytest.fixture
def one_step_a_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "SEGMENT_SECONDS", 0.0)


@pytest.fixture
def compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a population does whose members are worth it."""
    monkeypatch.setattr(job_module, "WORTH_COMPILING", 0)


@pytest.fixture
def as_by_workers() -> Iterator[None]:
    with compiled_as_by_workers():
        yield


@pytest.fixture(scope="module")
def straight() -> Ran:
    """Two blocks abreast, without a stop, images on the device: made before a test changes anything."""
    with compiled_as_by_workers():
        return ran(task(PAIR, seeds=(0, 3)))


def test_options_that_this_release_of_jax_does_not_know_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = program.OPTIONS["cpu"]
    older = program.OLDER_EMITTERS if jax.__version_info__ < (0, 11) else {}
    assert used(older=True) == usual | older
    monkeypatch.setitem(program.OPTIONS, "cpu", usual | {"xla_of_another_time": True})
    assert used(older=True) == usual | older
    assert used(older=False) == usual


def used(*, older: bool) -> dict[str, str | bool]:
    """The options with which a function is compiled in the end."""
    lowered, tried = jax.jit(jnp.sin).lower(np.float32(1)), list[dict[str, str | bool]]()

    class Recorded:
        def compile(self, compiler_options: dict[str, str | bool]) -> Any:
            tried.append(compiler_options)
            return lowered.compile(compiler_options=compiler_options)

    assert program.compiled(Recorded(), program._options(older=older))(np.float32(0)) == 0
    return tried[-1]


@pytest.mark.parametrize(
    ("model", "plan", "lanes", "older"),
    [
        (Dense(hidden=(3,)), Plan(), 8, {"segment", "evaluation", "best"}),
        (Dense(hidden=(3,)), Plan(), 0, {"evaluation", "best"}),
        (Dense(hidden=(3,), dropout=0.1), Plan(), 8, {"evaluation", "best"}),
        (Dense(hidden=(3,)), Plan(augment="affine"), 8, {"evaluation", "best"}),
    ],
)
def test_steps_are_compiled_in_less_time_where_the_kernels_do_what_takes_long(
    model: Dense, plan: Plan, lanes: int, older: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DensePopulation, "lanes", lanes)
    population = models.build([model], (8, 8, 1), 10)
    assert program._by_older_emitters(population, plan) == older


@pytest.mark.parametrize("seeds", [(0,), (0, 3)])
def test_a_job_compiles_three_functions_and_nothing_beside_them(
    seeds: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """Each small operation on an array would be one more program for every shape."""
    jax.clear_caches()
    with jax.log_compiles(), caplog.at_level(logging.DEBUG, logger="jax"):
        ran(at_every_step(task(PAIR, seeds=seeds)), pace=1.0)
    messages = [record.getMessage().split() for record in caplog.records]
    found = [words[1] for words in messages if words[0] == "Compiling"]
    assert sorted(found) == [f"jit(_{name}_of_block)" for name in ("best", "evaluation", "segment")]


# Segments and checkpoints


@pytest.mark.usefixtures("as_by_workers")
@pytest.mark.parametrize("steps", [1, 4, 1000])
def test_the_length_of_segments_does_not_change_the_bits(straight: Ran, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "SEGMENT_SECONDS", float(steps))
    monkeypatch.setattr(job_module.Job, "_timed", _untimed)
    cut = ran(task(PAIR, seeds=(0, 3)), pace=1.0)
    ends = [report.step for report in cut.reports if isinstance(report, Segment) and report.epoch == 1]
    assert ends == {1: [1, 2, 3, 4, 5, 6], 4: [4, 6], 1000: [6]}[steps]
    all_same_bits(cut, straight)


@pytest.mark.usefixtures("as_by_workers", "one_step_a_segment")
def test_a_long_epoch_of_a_single_run_is_measured_in_its_midst_and_its_bits_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ran(task(PAIR[:1], seeds=(0,)))
    assert not any(report.glance for report in plain.reports if isinstance(report, Segment))
    monkeypatch.setattr(job_module, "LONG_EPOCH", 0.0)
    looked = ran(task(PAIR[:1], seeds=(0,)))
    glances = [report.glance for report in looked.reports if isinstance(report, Segment) and not report.rows]
    assert all(glance and glance.keys() == {"train_loss", "validation_accuracy"} for glance in glances)
    assert glances[-1]["train_loss"] < glances[0]["train_loss"]
    all_same_bits(looked, plain)
    pair = ran(task(PAIR, seeds=(0,)))
    assert not any(report.glance for report in pair.reports if isinstance(report, Segment))


def _untimed(job: Any, work: Any, *arguments: Any) -> Any:
    """As if every step took a second."""
    if len(arguments) == 5:
        job._training_seconds += arguments[-1] - arguments[-2]
    return work(*arguments)


@pytest.mark.usefixtures("one_step_a_segment", "as_by_workers")
def test_a_job_resumed_from_any_step_gives_the_same_bits(straight: Ran) -> None:
    stepped = ran(at_every_step(task(PAIR, seeds=(0, 3))), pace=1.0)
    all_same_bits(stepped, straight)
    assert len(stepped.checkpoints) == 3 * 6 - 1
    for save in (stepped.checkpoints[at] for at in (0, 5, 9, 16)):
        all_same_bits(_resumed(task(PAIR, seeds=(0, 3)), save, stepped), straight)


def _resumed(work: Any, save: Checkpoint, before: Ran) -> Ran:
    """A new job from the checkpoint as it comes back from a disk, with the outcomes from before it."""
    names = {(b, s): f"run-{b}-{s}" for b, block in enumerate(work.blocks) for s in range(len(block))}
    text = json.dumps(saves.manifest(work, save, names, 1), allow_nan=False)
    arrays = pickle.loads(pickle.dumps(save.arrays))
    again = saves.read(work.key, json.loads(text)).task(work.key, arrays, {})
    earlier = before.reports[: next(at for at, report in enumerate(before.reports) if report is save)]
    return Ran([*(report for report in earlier if isinstance(report, Outcome)), *ran(again, pace=1.0).reports])


@pytest.mark.usefixtures("one_step_a_segment", "compiled_anew")
def test_resuming_is_exact_when_members_stopped_early_and_were_dropped() -> None:
    plans = [PLAN.changed(epochs=epochs, patience=patience) for epochs, patience in ((1, 0), (2, 0), (8, 1), (4, 0))]
    work = task([Dense(hidden=(5,), activation=a) for a in ("relu", "tanh", "relu", "tanh")], plans, seeds=(1,))
    whole = ran(at_every_step(work), pace=1.0)
    sizes = [len(save.state.settings) for save in whole.checkpoints]
    assert sizes == sorted(sizes, reverse=True)
    assert {4, 2} <= set(sizes), "no member was dropped"
    for at in (7, sizes.index(2), len(sizes) - 1):
        all_same_bits(_resumed(work, whole.checkpoints[at], whole), whole)


@pytest.mark.usefixtures("one_step_a_segment")
def test_a_resumed_job_still_has_the_best_network_from_before() -> None:
    work = task([Dense(hidden=(8,))], PLAN.changed(epochs=12, learning_rate=0.2))
    whole = ran(at_every_step(work), pace=1.0)
    assert best_epoch(whole.outcomes[0, 0].history, "smoothed") < 12, "the last epoch is the best: nothing is tested"
    all_same_bits(_resumed(work, whole.checkpoints[-1], whole), whole)


@pytest.mark.usefixtures("one_step_a_segment")
def test_a_network_with_batch_statistics_is_resumed_exactly(tmp_path: Any) -> None:
    from seedbed.specs import Keras

    path = tmp_path / "net.py"
    path.write_text(
        "import keras\n"
        "def build():\n"
        "    layers = [keras.layers.Flatten(), keras.layers.Dense(6), keras.layers.BatchNormalization(), keras.layers.ReLU(),\n"
        "              keras.layers.Dropout(0.3), keras.layers.Dense(10)]\n"
        "    return keras.Sequential([keras.Input((8, 8, 1)), *layers])\n"
    )
    model = Keras.of(f"{path}:build")
    work = task([model, model], [PLAN, PLAN.changed(learning_rate=0.01)])
    whole = ran(at_every_step(work), pace=1.0)
    all_same_bits(_resumed(work, whole.checkpoints[8], whole), whole)
    assert any("moving" in name for name in whole.outcomes[0, 0].last)


def test_a_job_that_is_told_to_stop_saves_and_ends_after_its_segment() -> None:
    asked = iter([False, True])
    stopped = ran(task(PAIR), stop=lambda: next(asked))
    assert [type(report) for report in stopped.reports] == [Begun, Segment, Segment, Checkpoint, Stopped]


# Members that end before the others


@pytest.mark.usefixtures("as_by_workers")
def test_a_diverged_member_leaves_its_neighbours_untouched() -> None:
    models = [Dense(hidden=(8,)), Dense(hidden=(8,)), Dense(hidden=(6, 5), activation="tanh", dropout=0.3)]
    calm, wild = (ran(task(models, [PLAN, PLAN.changed(learning_rate=rate), PLAN])).outcomes for rate in (1e-3, 1e20))
    same_bits(wild[0, 0], calm[0, 0])
    same_bits(wild[0, 2], calm[0, 2])
    gone = wild[0, 1]
    assert gone.history.epochs == 1
    assert not np.isfinite(gone.history["validation_loss"]).any()


@pytest.mark.usefixtures("one_step_a_segment")
def test_a_frozen_member_does_not_move_while_the_others_go_on() -> None:
    plans = [PLAN.changed(epochs=epochs) for epochs in (1, 3, 3)]
    whole = ran(at_every_step(task([Dense(hidden=(4,))] * 3, plans)), pace=1.0)
    outcome = whole.outcomes[0, 0]
    last = whole.checkpoints[-1]
    assert last.state.alive == ((False, True, True),)
    for kind, weights in (("weights", outcome.last), ("best", outcome.best)):
        assert all(np.array_equal(last.arrays[f"0.0/{kind}/{name}"], array) for name, array in weights.items())
    moved = last.arrays["0.1/weights/dense_0/kernel"]
    assert not np.array_equal(moved, whole.checkpoints[0].arrays["0.1/weights/dense_0/kernel"])


def test_patience_ends_a_run_so_many_epochs_after_its_best() -> None:
    plan = PLAN.changed(epochs=60, patience=3, learning_rate=0.05)
    outcome = ran(task([Dense(hidden=(8,))], plan)).outcomes[0, 0]
    assert outcome.history.epochs == best_epoch(outcome.history, "loss") + 3 < 60


@pytest.mark.usefixtures("as_by_workers")
def test_a_member_that_stops_early_leaves_its_neighbours_untouched() -> None:
    models = [Dense(hidden=(8,)), Dense(hidden=(8,)), Dense(hidden=(6, 5), activation="tanh", dropout=0.3)]
    eager = PLAN.changed(epochs=20, learning_rate=0.2)
    steady = PLAN.changed(epochs=20)
    going, stopping = (ran(task(models, [steady, eager.changed(patience=patience), steady])).outcomes for patience in (0, 2))
    assert stopping[0, 1].history.epochs < 18
    same_bits(stopping[0, 0], going[0, 0])
    same_bits(stopping[0, 2], going[0, 2])


@pytest.mark.parametrize("select", ["smoothed", "loss", "accuracy"])
def test_the_best_weights_are_those_of_the_best_epoch(select: Select) -> None:
    plan = PLAN.changed(epochs=12, learning_rate=0.2, select=select)
    long = ran(task([Dense(hidden=(8,))], plan)).outcomes[0, 0]
    best = best_epoch(long.history, select)
    assert best < 12, "the last epoch is the best: nothing is tested"
    short = ran(task([Dense(hidden=(8,))], plan.changed(epochs=best))).outcomes[0, 0]
    assert all(np.array_equal(long.best[name], short.last[name]) for name in long.best)
    assert not np.array_equal(long.best["dense_0/kernel"], long.last["dense_0/kernel"])
    assert np.array_equal(long.probabilities, short.probabilities)
    validation = digits().validation
    accuracy = (long.probabilities.argmax(axis=1) == validation.labels).mean()
    assert accuracy == pytest.approx(long.history["validation_accuracy"][best - 1], abs=1e-6)
    np.testing.assert_allclose(long.probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.usefixtures("compiled_anew")
def test_the_rest_go_on_untouched_when_more_than_half_are_dropped() -> None:
    model = Dense(hidden=(6,), dropout=0.2)
    plans = [PLAN.changed(epochs=epochs) for epochs in (1, 1, 1, 4)]
    dropped = ran(task([model] * 4, plans)).outcomes[0, 3]
    alone = ran(task([model], plans[-1])).outcomes[0, 0]
    for name, array in alone.last.items():
        np.testing.assert_allclose(dropped.last[name], array, atol=1e-5)
    for name, column in alone.history.columns.items():
        if name != "seconds":
            np.testing.assert_allclose(dropped.history[name], column, atol=1e-5, err_msg=name)


def test_a_population_is_not_compiled_anew_for_a_few_operations() -> None:
    plans = [PLAN.changed(epochs=epochs) for epochs in (1, 1, 1, 4)]
    saved = ran(at_every_step(task([Dense(hidden=(6,))] * 4, plans))).checkpoints[-1]
    assert saved.state.alive == ((False, False, False, True),)


# Metrics


def test_a_history_has_the_probes_of_the_members_own_layers_only(straight: Ran) -> None:
    shallow, deep = (straight.outcomes[0, member].history.columns for member in (0, 1))
    layers = {"shallow": {"dense_0", "dense_1"}, "deep": {"dense_0", "dense_1", "dense_2"}}
    for columns, own in ((shallow, layers["shallow"]), (deep, layers["deep"])):
        for kind in ("gradient", "update", "weights"):
            assert {name.split("/", 1)[1] for name in columns if name.startswith(kind)} == own
        hidden = {name.split("/", 1)[1] for name in columns if name.startswith("saturation")}
        assert hidden == own - {max(own)}
        assert all(np.isfinite(column).all() for column in columns.values())


@pytest.mark.parametrize(
    ("train", "batch_size", "validation"),
    [(40, 40, None), (20, 128, None), (30, 16, None)],
    ids=["one step", "one part", "few"],
)
def test_small_and_odd_sizes_train_and_count_every_image_once(train: int, batch_size: int, validation: None) -> None:
    dataset = digits(train)
    assert len(dataset.validation) > len(dataset.train)
    plan = PLAN.changed(batch_size=batch_size, epochs=2)
    outcome = ran(task([Dense(hidden=(5,))], plan), dataset).outcomes[0, 0]
    from seedbed import models

    images = dataset.train.images
    found = models.probabilities(Dense(hidden=(5,)), outcome.last, images, normalization=dataset.normalization, classes=10)
    right = found[np.arange(len(images)), dataset.train.labels]
    assert outcome.history["train_loss"][-1] == pytest.approx(-np.log(right).mean(), rel=1e-5)
    accuracy = (found.argmax(axis=1) == dataset.train.labels).mean()
    assert outcome.history["train_accuracy"][-1] == pytest.approx(accuracy)


FOUR_STEPS = 4 * 2 * 16 * 64
"""Bytes of the images of four steps of two blocks."""


def test_shares_of_saturated_units_count_training_images_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the sample is so much smaller than the validation part that whole chunks of the evaluation hold none."""
    monkeypatch.setattr(DensePopulation, "eval_batch_size", 30)
    dataset = digits(30)
    assert len(dataset.validation) > 8 * 30
    model = Dense(hidden=(5,), activation="sigmoid")
    outcome = ran(task([model], PLAN.changed(epochs=1, learning_rate=0.3)), dataset).outcomes[0, 0]
    weights, images = outcome.last, dataset.train.images.reshape(30, -1) / np.float32(dataset.scale)
    a = 1 / (1 + np.exp(-(images @ weights["dense_0/kernel"] + weights["dense_0/bias"])))
    share = ((a < 0.03) | (a > 0.97)).mean()
    assert 0 < share < 1
    assert outcome.history["saturation/dense_0"][0] == pytest.approx(share, abs=1e-6)


@pytest.mark.usefixtures("as_by_workers")
def test_images_that_stay_in_their_file_give_the_same_bits(straight: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "RESIDENT_BYTES", 0)
    monkeypatch.setattr(footprint, "PIECE_BYTES", FOUR_STEPS)
    streamed = ran(task(PAIR, seeds=(0, 3)))
    all_same_bits(streamed, straight)


@pytest.mark.usefixtures("one_step_a_segment", "as_by_workers")
def test_images_that_stay_in_their_file_are_resumed_exactly_mid_epoch(straight: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "RESIDENT_BYTES", 0)
    monkeypatch.setattr(footprint, "PIECE_BYTES", FOUR_STEPS)
    work = task(PAIR, seeds=(0, 3))
    whole = ran(at_every_step(work), pace=1.0)
    for at in (2, 3, 4):
        all_same_bits(_resumed(work, whole.checkpoints[at], whole), straight)


@pytest.mark.parametrize(("images", "batch_size"), [(10, 4), (3, 8), (8, 4)])
def test_the_last_minibatch_is_filled_up_with_the_epochs_first_images(images: int, batch_size: int) -> None:
    """They weigh nothing, but batch normalisation sees them: one image again and again would spoil its statistics."""
    from seedbed.training.feed import _Orders

    (order,) = _Orders([4], images, batch_size).order(epoch=2)
    assert len(order) % batch_size == 0
    assert np.array_equal(np.sort(order[:images]), np.arange(images))
    assert np.array_equal(order, np.resize(order[:images], len(order)))


def test_augmented_images_are_the_same_for_all_members_of_a_block() -> None:
    plan = PLAN.changed(augment="shift", epochs=1)
    twins = ran(task([Dense(hidden=(5,))] * 2, [plan, plan.changed(l1=0.0)])).outcomes
    assert all(np.array_equal(twins[0, 0].last[name], twins[0, 1].last[name]) for name in twins[0, 0].last)
    plain = ran(task([Dense(hidden=(5,))] * 2, plan.changed(augment="none"))).outcomes
    assert not np.array_equal(plain[0, 0].last["dense_0/kernel"], twins[0, 0].last["dense_0/kernel"])


def test_a_convolutional_population_trains_and_learns() -> None:
    models = [Conv(filters=(4,), kernel=(3,), dropout=dropout) for dropout in (0.1, 0.2)]
    outcomes = ran(task(models, PLAN.changed(epochs=8, learning_rate=0.01))).outcomes
    assert all(outcome.history["train_accuracy"][-1] > 0.5 for outcome in outcomes.values())


def test_a_checkpoint_of_a_diverged_member_is_plain_json() -> None:
    plans = [Plan(batch_size=16, epochs=3, learning_rate=1e20), PLAN, PLAN]
    saved = ran(replace(task([Dense(hidden=(5,))] * 3, plans), save_every=0.0)).checkpoints[-1]
    assert saved.state.alive == ((False, True, True),)
    work = task([Dense(hidden=(5,))] * 3, plans)
    json.dumps(saves.manifest(work, saved, {(0, 1): "b", (0, 2): "c"}, 1), allow_nan=False)
