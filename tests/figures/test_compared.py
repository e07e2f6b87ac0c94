"""Learning curves of several settings: what is drawn of many, and names at the ends of lines."""

from __future__ import annotations

import numpy as np
import pytest

from figures.samples import result
from seedbed import figures
from seedbed.errors import StatisticsError
from seedbed.figures import NamedCurves, compared_curves
from seedbed.figures.compared import apart, compared_points


def curves(name: str, level: float, seeds: int = 2, *, epochs: int = 5, verdict: str = "ok") -> NamedCurves:
    results = []
    for seed in range(seeds):
        made = result(seed, name=name, verdict=verdict)  # type: ignore[arg-type]
        rising = np.linspace(0.3, level, epochs) - 0.001 * seed
        columns = {key: np.full(epochs, 0.4) for key in made.history.columns}
        made.history.columns.clear()
        made.history.columns.update(
            {**columns, "validation_accuracy": rising, "train_accuracy": np.minimum(1.0, rising + 0.05)}
        )
        results.append(made)
    return NamedCurves(name, results)


def texts(chart: object) -> str:
    return str(figures.specification(chart))  # type: ignore[arg-type]


def test_few_seeds_are_drawn_one_by_one_and_more_as_a_band():
    points = compared_points([curves("few", 0.98), curves("more", 0.95, seeds=5)])
    assert {row["line"] for row in points.single} == {"few"}
    assert {row["part"] for row in points.mean} == {"training", "validation"}
    said = texts(compared_curves(points.settings))
    assert "bands: 95 % intervals (Student t)" in said
    assert "thin: single seeds" in said


def test_of_many_settings_the_highest_and_the_lowest_are_drawn_and_that_is_said():
    many = [curves(f"s{number}", 0.80 + 0.01 * number) for number in range(12)]
    points = compared_points(many)
    assert [setting.name for setting in points.settings] == ["s11", "s10", "s9", "s8", "s7", "s2", "s1", "s0"]
    assert "the 5 highest and the 3 lowest means of 12 settings" in texts(compared_curves(many))


def test_good_accuracies_stand_on_a_logarithmic_axis_that_ends_at_100_percent():
    good, poor = compared_points([curves("a", 1.0), curves("b", 0.99)]), compared_points([curves("a", 0.6)])
    assert (good.log_error, poor.log_error) == (True, False)
    spec = texts(compared_curves(good.settings))
    assert "99 %" in spec
    drawn = figures.specification(compared_curves(poor.settings))
    domains = [axis["scale"]["domain"] for axis in _axes(drawn["concat"][0], "y") if axis.get("scale")]
    assert domains
    assert all(0 <= min(domain) < max(domain) <= 1 for domain in domains)


def _axes(panel: dict, channel: str) -> list[dict]:
    return [layer["encoding"][channel] for layer in panel["layer"] if channel in layer.get("encoding", {})]


def test_compared_means_are_smoothed_before_they_become_errors():
    settings = [curves("a", 0.99), curves("b", 0.95)]
    points = compared_points(settings).smoothed(0.5)
    assert [row["mean"] for row in points.mean] == [row["mean"] for row in compared_points(settings).mean]
    last = next(row for row in reversed(points.mean) if row["line"] == "a" and row["panel"] == "Accuracy")
    spec = figures.specification(compared_curves(settings, smoothing=0.5))
    layers = [layer for layer in spec["concat"][0]["layer"] if layer["encoding"].get("y", {}).get("field") == "smoothed"]
    drawn = [row["smoothed"] for layer in layers for row in layer["data"]["values"] if row["line"] == "a"]
    assert drawn[-1][-1] == pytest.approx(1 - last["smoothed"])
    assert "weight 0.5" in str(spec["title"])


def test_epochs_of_different_lengths_are_counted_in_minibatches():
    a, b = curves("a", 0.9), curves("b", 0.9)
    halved = [each.run.changed(plan=each.run.plan.changed(batch_size=64)) for each in b.results]
    b = NamedCurves("b", [type(each)(**{**vars(each), "run": run}) for each, run in zip(b.results, halved, strict=True)])
    points = compared_points([a, b])
    assert points.steps
    assert max(row["x"] for row in points.mean if row["line"] == "b") > max(
        row["x"] for row in points.mean if row["line"] == "a"
    )


def test_settings_without_a_run_left_are_named_and_not_drawn():
    said = texts(compared_curves([curves("fine", 0.9), curves("lost", 0.1, verdict="collapsed")]))
    assert "every run diverged or collapsed: lost" in said
    with pytest.raises(StatisticsError, match="every run diverged or collapsed"):
        compared_curves([curves("lost", 0.1, verdict="collapsed")])


def test_names_at_the_ends_of_lines_keep_their_order_and_never_overlap():
    random = np.random.default_rng(0)
    for _ in range(50):
        wanted = {f"s{number}": float(place) for number, place in enumerate(random.uniform(0, 60, size=8))}
        places = apart(wanted)
        ordered = sorted(places, key=lambda name: places[name])
        assert ordered == sorted(wanted, key=lambda name: wanted[name])
        gaps = np.diff([places[name] for name in ordered])
        assert (gaps >= 14 - 1e-9).all()
    assert apart({"a": 5.0, "b": 100.0}) == {"a": 5.0, "b": 100.0}


@pytest.mark.parametrize(("best", "at"), [(0.98, 0.06), (0.85, 0.7)])
def test_a_level_has_a_line_and_each_setting_a_dot_where_its_mean_first_reaches_it(best, at):
    """At errors on a logarithmic axis, at accuracies on a plain one."""
    level = 1 - at if best > 0.9 else at
    settings = [curves("good", best, epochs=11), curves("poor", 0.4, epochs=11)]
    spec = figures.specification(compared_curves(settings, level=level))
    [values] = [
        layer["data"]["values"]
        for layer in spec["concat"][0]["layer"]
        if layer["mark"].get("style") == "solid"  # type: ignore[union-attr]
    ]
    mean = [row for row in compared_points(settings).mean if row["line"] == "good" and row["part"] == "validation"]
    first = min(row["x"] for row in mean if "loss" not in row["panel"].lower() and row["mean"] >= level)
    assert [(row["line"], row["x"]) for row in values] == [("good", first)]
    assert f"dots: the first epoch whose mean is at least {100 * level:.0f} %" in texts(compared_curves(settings, level=level))
