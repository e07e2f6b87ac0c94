"""Learning curves of many settings, a small panel each."""

from __future__ import annotations

import numpy as np
import pytest

from figures.samples import result
from figures.test_compared import curves, texts
from seedbed import figures
from seedbed.errors import StatisticsError
from seedbed.figures import NamedCurves, small_multiples


def lines(chart: object) -> list[dict]:
    return figures.specification(chart)["data"]["values"]  # type: ignore[arg-type]


def test_each_setting_has_its_seeds_and_their_means_in_a_panel() -> None:
    settings = [curves("b", 0.8, seeds=3), curves("a", 0.7, seeds=1)]
    chart = small_multiples(settings, "accuracy")
    found = [(line["setting"], line["part"], line["seed"], line["kind"]) for line in lines(chart)]
    assert found == [
        *(("b", "validation", f"seed {seed}", "seed") for seed in range(3)),
        ("b", "training", "mean", "mean"),
        ("b", "validation", "mean", "mean"),
        ("a", "training", "seed 0", "mean"),
        ("a", "validation", "seed 0", "mean"),
    ]
    mean = np.mean([run.history["validation_accuracy"] for run in settings[0].results], axis=0)
    assert lines(chart)[4]["mean"] == pytest.approx(mean)
    assert lines(chart)[4]["x"] == [1, 2, 3, 4, 5]
    spec = figures.specification(chart)
    assert spec["encoding"]["facet"]["sort"] == ["b", "a"]
    assert "1 to 3 seeds per setting" in texts(chart)


def test_good_accuracies_are_errors_on_a_logarithmic_axis() -> None:
    chart = small_multiples([curves("a", 0.98, seeds=1), curves("b", 0.5, seeds=1)], "accuracy")
    scale = figures.specification(chart)["encoding"]["y"]["scale"]
    assert scale["type"] == "log"
    assert scale["domain"][0] > scale["domain"][1]
    assert lines(chart)[1]["mean"][-1] == pytest.approx(0.02)
    assert "'90 %'" in texts(chart)
    assert figures.specification(small_multiples([curves("b", 0.5)], "accuracy"))["encoding"]["y"]["scale"]["type"] == "linear"


def test_runs_that_diverged_are_counted_and_stretch_no_axis() -> None:
    lost = NamedCurves("lost", [result(name="lost", verdict="diverged")])
    mixed = NamedCurves("mixed", [result(0), result(1, verdict="diverged"), result(2)])
    chart = small_multiples([mixed, lost], "loss")
    assert {(line["setting"], line["seed"]) for line in lines(chart)} == {
        ("mixed", name) for name in ("seed 0", "seed 2", "mean")
    }
    assert None not in [value for line in lines(chart) for value in line["mean"]]
    assert "not drawn: 2 runs that diverged or collapsed" in texts(chart)
    with pytest.raises(StatisticsError, match="every run diverged"):
        small_multiples([lost], "loss")


def test_only_the_thick_lines_are_smoothed() -> None:
    plain, smooth = (lines(small_multiples([curves("a", 0.8)], "accuracy", smoothing=weight)) for weight in (0.0, 0.9))
    assert smooth[0] == plain[0]
    assert smooth[-1]["mean"][-1] < plain[-1]["mean"][-1]
