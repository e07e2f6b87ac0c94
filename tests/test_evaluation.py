"""Evaluations of real networks, trained on `digits`, against a forward pass in NumPy."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hostile.engine import here
from seedbed import data, evaluation
from seedbed.data import Dataset, Part
from seedbed.data.parts import Pictures
from seedbed.errors import CorruptData, DataError, RunError, SpecError, UnknownRun
from seedbed.evaluation import assessment, prediction
from seedbed.groups.evaluation import evaluate_group
from seedbed.records import History, PictureRule, Verdict
from seedbed.runs import FinishedRun, NamedRun, RunStore
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import DataSpec, Dense, Plan, RunSpec

DIGITS = DataSpec(name="digits")
HANDOUT = DataSpec(name="digits", protocol="handout")
PERMUTED = DataSpec(name="digits", permutation=1)
NET = Dense(hidden=(24,))
BOOM = Plan(epochs=1, optimizer="sgd", learning_rate=1e20)
WEAK = Plan(epochs=1, optimizer="sgd", learning_rate=1e-3)


def entry(name: str, seed: int = 0, plan: Plan | None = None, spec: DataSpec = DIGITS, model: Any = NET) -> NamedRun:
    group = name.partition(".")[0]
    return NamedRun(name, group, RunSpec(model=model, plan=plan or Plan(epochs=12, batch_size=32), data=spec, seed=seed))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    home = RunStore(tmp_path_factory.mktemp("evaluation") / "runs")
    entries = [
        entry("net.0"),
        entry("net.1", 1),
        entry("mixed.0", 2),
        entry("boom", 4, BOOM),
        entry("weak", 5, WEAK),
        entry("handout", spec=HANDOUT),
        entry("permuted", spec=PERMUTED),
    ]
    with here():
        train_runs(entries, Execution(home, device="cpu", workers=1))
    _lose(home, "mixed.0", "mixed.1", Verdict("diverged", "The loss was not finite at epoch 1.", "Try."))
    _lose(home, "mixed.0", "mixed.2", Verdict("collapsed", "It predicts class '0' for 100 % of the validation images.", "Try."))
    return home


def _lose(home: RunStore, like: str, name: str, verdict: Verdict) -> None:
    """A run of the same group that went wrong: without any finite figure, or with a network that knows one class."""
    (result,) = home.find(like)
    one = NamedRun(name, result.group, result.run.changed(seed=result.run.seed + int(name[-1])))
    history, best = result.history, {key: np.zeros_like(array) for key, array in home.weights(like, "best").items()}
    if verdict.kind == "diverged":
        history, best = History({key: np.full_like(column, math.nan) for key, column in history.columns.items()}), {}
    lost = replace(result, run=one.run, history=history, verdict=verdict)
    with home.claim([one]):
        home.finish(FinishedRun(one, lost, 16.0, best))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load(data.resolve(DIGITS))


@pytest.fixture(scope="module")
def net(home: RunStore) -> evaluation.Evaluation:
    return evaluation.evaluate(home, "net.0")


def forward(home: RunStore, name: str, images: NDArray[Any]) -> NDArray[Any]:
    """Class probabilities by hand, in float64."""
    weights = {key: array.astype(np.float64) for key, array in home.weights(name, "best").items()}
    x = images.reshape(len(images), -1) / 16.0
    hidden = np.maximum(0, x @ weights["dense_0/kernel"] + weights["dense_0/bias"])
    logits = hidden @ weights["dense_1/kernel"] + weights["dense_1/bias"]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


# One run


def test_loss_and_accuracy_are_those_of_a_forward_pass_by_hand(
    home: RunStore, digits: Dataset, net: evaluation.Evaluation
) -> None:
    for part, loss, accuracy in (
        (digits.train, net.train_loss, net.train_accuracy),
        (digits.validation, net.validation.loss, net.validation.accuracy.mean),
    ):
        found = forward(home, "net.0", part.images)
        assert loss == pytest.approx(-np.log(found[np.arange(len(part)), part.labels]).mean(), rel=1e-4)
        assert accuracy == pytest.approx((found.argmax(axis=1) == part.labels).mean())


def test_the_validation_figures_are_those_of_training_at_the_best_epoch(home: RunStore, net: evaluation.Evaluation) -> None:
    (result,) = home.find("net.0")
    row = result.history.row(result.best)
    assert net.epoch == result.best
    assert net.validation.loss == pytest.approx(row["validation_loss"], rel=1e-5)
    assert net.validation.accuracy.mean == pytest.approx(row["validation_accuracy"], rel=1e-6)


def test_a_part_that_is_larger_than_the_memory_is_answered_in_pieces(
    home: RunStore, net: evaluation.Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    take = Part.take
    monkeypatch.setattr(assessment, "AT_ONCE", 100)
    monkeypatch.setattr(Part, "take", lambda part, rows: taken.append(len(rows)) or take(part, rows))
    found = evaluation.evaluate(home, "net.0")
    assert max(taken) == 100
    assert (found.train_n, sum(taken)) == (1257, 1257 + 270)
    assert found.train_loss == pytest.approx(net.train_loss, rel=1e-6)


def test_mistakes_are_all_there_the_surest_first_and_can_be_found_again(
    home: RunStore, digits: Dataset, net: evaluation.Evaluation
) -> None:
    part, found = digits.validation, net.validation
    wrong = forward(home, "net.0", part.images).argmax(axis=1) != part.labels
    assert {one.index for one in found.mistakes} == set(np.flatnonzero(wrong))
    confidences = [one.confidence for one in found.mistakes]
    assert confidences == sorted(confidences, reverse=True)
    first = found.mistakes[0]
    assert first.label == digits.classes[part.labels[first.index]] != first.predicted
    assert first.source == part.source(first.index)
    assert 0 <= first.true_probability < first.confidence
    assert found.confusion.sum() - np.trace(found.confusion) == len(found.mistakes)


def test_the_json_is_the_contract(net: evaluation.Evaluation) -> None:
    plain = json.loads(json.dumps(net.as_json(), allow_nan=False))
    assert {"name", "parameters", "train", "validation", "test"} <= set(plain)
    assert (plain["name"], plain["parameters"], plain["test"]) == ("net.0", 64 * 24 + 24 + 24 * 10 + 10, None)
    assert set(plain["train"]) == {"loss", "accuracy", "n"}
    validation = plain["validation"]
    assert {"loss", "accuracy", "interval", "n", "confusion", "mistakes"} <= set(validation)
    low, high = validation["interval"]
    assert low < validation["accuracy"] < high
    assert set(validation["mistakes"][0]) == {
        "index",
        "source",
        "label",
        "predicted",
        "confidence",
        "probability of the true class",
    }
    assert sum(one["n"] for one in validation["per_class"]) == validation["n"] == 270
    assert sum(one["n"] for one in validation["calibration"]["bins"]) == 270


def test_a_class_that_is_never_predicted_has_no_precision(home: RunStore) -> None:
    plain = evaluation.evaluate(home, "weak").as_json()
    figures = plain["validation"]["per_class"]
    called = np.array(plain["validation"]["confusion"]).sum(axis=0)
    assert [one["precision"] is None for one in figures] == (called == 0).tolist()
    assert (called == 0).any()


# The test part


def test_without_being_asked_nobody_looks_at_the_test_part(home: RunStore) -> None:
    before = len(home.looks())
    assert evaluation.evaluate(home, "mixed.0").test is None
    assert len(home.looks()) == before


def test_each_look_at_the_test_part_is_written_down_and_counted(home: RunStore, digits: Dataset) -> None:
    first, second = (evaluation.evaluate(home, "net.1", test=True) for _ in range(2))
    assert (first.looks, second.looks) == (1, 2)
    assert digits.test is not None
    assert second.test is not None
    right = (forward(home, "net.1", digits.test.images).argmax(axis=1) == digits.test.labels).mean()
    assert second.test.accuracy.mean == pytest.approx(right)
    assert home.looks("net.1")[0]["figures"]["accuracy"] == pytest.approx(right)
    assert second.as_json()["test"]["looks"] == 2


def test_a_run_of_the_handout_protocol_has_no_test_part_and_says_why(home: RunStore) -> None:
    with pytest.raises(DataError, match=r"'handout' was trained with the handout protocol.*--protocol honest"):
        evaluation.evaluate(home, "handout", test=True)
    assert home.looks("handout") == []


# Groups, and runs without a network


def test_a_group_has_its_runs_and_a_mean_with_both_sources_of_chance(home: RunStore) -> None:
    group = evaluate_group(home, "net")
    accuracies = [run.validation.accuracy.mean for run in group.runs]
    assert group.validation is not None
    assert group.validation.mean == pytest.approx(np.mean(accuracies))
    assert (group.validation.n, len(accuracies)) == (2, 2)
    plain = json.loads(json.dumps(group.as_json(), allow_nan=False))
    assert [run["name"] for run in plain["runs"]] == ["net.0", "net.1"]
    assert plain["test"] is None


def test_diverged_and_collapsed_runs_enter_no_mean_and_stand_beside(home: RunStore) -> None:
    group = evaluate_group(home, "mixed")
    assert [run.name for run in group.runs] == ["mixed.0", "mixed.2"]
    assert {name: verdict.kind for name, verdict in group.left_out.items()} == {"mixed.1": "diverged", "mixed.2": "collapsed"}
    assert group.validation is not None
    assert group.validation.mean == group.runs[0].validation.accuracy.mean
    assert group.runs[1].validation.accuracy.mean < 0.2


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("boom", RunError, "it diverged"),
        ("net", RunError, r"a group of 2 runs \(net.0, net.1\)"),
        ("nett", UnknownRun, "Did you mean"),
    ],
)
def test_what_cannot_be_evaluated_is_told_in_one_line(home: RunStore, name: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        evaluation.evaluate(home, name)


def test_a_group_that_diverged_throughout_has_nothing_to_evaluate(home: RunStore) -> None:
    with pytest.raises(RunError, match="all diverged"):
        evaluate_group(home, "boom")


# Figures


def test_the_figures_are_written_for_each_part_that_was_looked_at(home: RunStore, digits: Dataset, tmp_path: Path) -> None:
    found = evaluation.evaluate(home, "net.1", test=True)
    written = evaluation.illustrate(found, digits, tmp_path)
    names = ["confusion.png", "reliability.png", "per_class.png", "mistakes.png"]
    assert [path.name for path in written] == names + [f"test_{name}" for name in names]
    for path in written:
        with Image.open(path) as picture:
            assert min(picture.size) > 200


def test_a_part_without_mistakes_keeps_no_older_picture_of_them(
    home: RunStore, digits: Dataset, net: evaluation.Evaluation, tmp_path: Path
) -> None:
    evaluation.illustrate(net, digits, tmp_path)
    assert (tmp_path / "mistakes.png").is_file()
    flawless = replace(net, validation=replace(net.validation, mistakes=[]))
    assert [path.name for path in evaluation.illustrate(flawless, digits, tmp_path)] == [
        "confusion.png",
        "reliability.png",
        "per_class.png",
    ]
    assert not (tmp_path / "mistakes.png").exists()


# Pictures from outside


@pytest.fixture
def picture(digits: Dataset, tmp_path: Path) -> Path:
    """The first validation image, as a PNG of the network's own size."""
    path = tmp_path / "digit.png"
    pixels = np.rint(digits.validation.take(np.array([0]))[0, :, :, 0] * (255 / 16)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_a_picture_gets_the_answer_that_the_same_image_gets_in_the_data_set(
    home: RunStore, digits: Dataset, picture: Path
) -> None:
    (found,) = evaluation.predict(home, "net.0", [picture])
    expected = forward(home, "net.0", digits.validation.take(np.array([0])))[0]
    assert found.probabilities == pytest.approx(expected, abs=0.01)
    assert found.best == digits.classes[int(expected.argmax())]
    assert found.top(1) == [(found.best, pytest.approx(float(expected.max()), abs=0.01))]
    assert found.preprocessing[0] == "Read as grey."
    assert found.preprocessing[1].startswith("Not inverted: its border's brightness is 0.")


def test_a_large_black_on_white_picture_is_made_small_and_inverted_and_says_so(home: RunStore, picture: Path) -> None:
    (plain,) = evaluation.predict(home, "net.0", [picture])
    large = picture.with_name("large.jpg")
    with Image.open(picture) as small:
        Image.eval(small, lambda level: 255 - level).convert("RGB").resize((160, 160), Image.Resampling.NEAREST).save(large)
    (found,) = evaluation.predict(home, "net.0", [large])
    assert found.preprocessing[0] == "Resized from 160 x 160 to 8 x 8 pixels (height x width)."
    assert found.preprocessing[2].startswith("Inverted: its border's brightness is 0.")
    assert found.best == plain.best
    (kept,) = evaluation.predict(home, "net.0", [large], invert="no")
    assert kept.image == pytest.approx(16 - found.image)
    assert kept.preprocessing[2] == "Not inverted, as requested."


def test_an_oblong_picture_is_padded_and_says_so(home: RunStore, tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    Image.new("L", (30, 10)).save(path)
    (found,) = evaluation.predict(home, "net.0", [path])
    assert found.preprocessing[0] == "Padded from 10 x 30 to 8 x 8 pixels (height x width)."


def test_grey_paper_becomes_the_black_that_all_training_images_lie_on(digits: Dataset, tmp_path: Path) -> None:
    framed = np.zeros((20, 8, 8, 1), np.uint8)
    framed[:, 2:6, 2:6] = 255
    part = Part(Pictures(framed), np.arange(20), np.zeros(20, np.int32))
    dataset = replace(digits, train=part, scale=255.0, pictures=PictureRule((0.0,), (255.0,)))
    paper = np.full((8, 8), 180, np.uint8)
    paper[2:6, 3] = 40
    Image.fromarray(paper).save(tmp_path / "photo.png")
    image, said = prediction.prepared(tmp_path / "photo.png", dataset, prediction.border_of(dataset), "auto")
    assert said[1].startswith("Inverted")
    assert said[2].startswith("Its background was set to that of the training images")
    expected = np.zeros((8, 8), np.uint8)
    expected[2:6, 3] = 255
    assert (image[..., 0] == expected).all()
    assert image.dtype == np.uint8


def prepared(dataset: Dataset, images: np.ndarray, rule: PictureRule, path: Path, picture: np.ndarray) -> tuple[Any, str]:
    """A picture as the network of these training images gets it, and what is said about its inversion."""
    part = Part(Pictures(images), np.arange(len(images)), np.zeros(len(images), np.int32))
    learned = replace(dataset, train=part, scale=1.0, image_shape=images.shape[1:], pictures=rule)
    Image.fromarray(picture).save(path)
    image, said = prediction.prepared(path, learned, prediction.border_of(learned), "auto")
    return image, next(sentence for sentence in said if "nverted" in sentence)


def test_a_picture_gets_the_range_of_the_training_images(digits: Dataset, tmp_path: Path) -> None:
    framed = np.full((20, 8, 8, 1), -1, np.float32)
    framed[:, 2:6, 2:6] = 1
    picture = np.zeros((8, 8), np.uint8)
    picture[2:6, 2:6] = 255
    image, _ = prepared(digits, framed, PictureRule((-1.0,), (1.0,)), tmp_path / "x.png", picture)
    assert np.array_equal(image, framed[0])
    negative, said = prepared(digits, framed, PictureRule((-1.0,), (1.0,)), tmp_path / "x.png", 255 - picture)
    assert said.startswith("Inverted: its border's brightness is 1.00, that of the training images 0.00")
    assert np.array_equal(negative, framed[0])


def test_colour_is_never_inverted_and_grey_only_where_the_training_images_agree(digits: Dataset, tmp_path: Path) -> None:
    white = np.full((20, 8, 8, 3), 255, np.uint8)
    dark = np.full((8, 8, 3), 10, np.uint8)
    image, said = prepared(digits, white, PictureRule((0.0,), (255.0,)), tmp_path / "x.png", dark)
    assert said == "Not inverted: the network learned from colour."
    assert image.max() == 10
    mixed = np.full((20, 8, 8, 1), 255, np.uint8)
    mixed[::4] = 0
    image, said = prepared(digits, mixed, PictureRule((0.0,), (255.0,)), tmp_path / "x.png", dark[..., 0])
    assert said.startswith("Not inverted: its border's brightness is 0.04, that of the training images 0.75 (standard")
    assert "--invert yes" in said
    assert image.max() == 10


def test_a_groups_best_run_answers_and_the_answer_is_plain_json(home: RunStore, picture: Path) -> None:
    best = max(home.find("net"), key=lambda result: max(result.history["validation_accuracy"])).name
    (of_group,), (of_run,) = (evaluation.predict(home, name, [picture]) for name in ("net", best))
    assert (of_group.probabilities == of_run.probabilities).all()
    plain = json.loads(json.dumps(of_group.as_json(), allow_nan=False))
    assert (plain["predicted"], len(plain["probabilities"])) == (of_group.best, 10)
    assert math.isclose(sum(plain["probabilities"].values()), 1, rel_tol=1e-5)


@pytest.mark.parametrize(
    ("name", "file", "invert", "error", "says"),
    [
        ("net.0", "none.png", "auto", DataError, "no such file"),
        ("net.0", "text.png", "auto", CorruptData, "no PNG, JPEG, "),
        ("net.0", "text.png", "yess", SpecError, "Did you mean 'yes'"),
        ("boom", "text.png", "auto", RunError, "diverged or collapsed"),
        ("permuted", "text.png", "auto", RunError, "permuted pixels"),
    ],
)
def test_what_cannot_be_answered_is_told_in_one_line(
    home: RunStore, tmp_path: Path, name: str, file: str, invert: Any, error: type[Exception], says: str
) -> None:
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(error, match=says) as caught:
        evaluation.predict(home, name, [tmp_path / file], invert=invert)
    assert "\n" not in str(caught.value)


def test_no_pictures_no_answers(home: RunStore) -> None:
    assert evaluation.predict(home, "net.0", []) == []
