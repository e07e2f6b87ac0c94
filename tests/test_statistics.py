"""Intervals and tests against SciPy, scikit-learn, published worked examples, and by simulation."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings, strategies
from numpy.typing import NDArray
from scipy import stats

from seedbed import statistics as st
from seedbed.errors import StatisticsError

SLEEP_A = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
SLEEP_B = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
"""Student 1908: hours of sleep gained under two drugs, ten patients."""


def ends(interval: st.Interval) -> tuple[float, float]:
    return interval.low, interval.high


# One value per seed


@pytest.mark.parametrize("seeds", [2, 3, 8, 10, 33])
@pytest.mark.parametrize("folds", [1, 5])
def test_intervals_of_many_rows_are_those_of_each_bit_for_bit(seeds: int, folds: int) -> None:
    rows = np.random.default_rng(seeds).normal(size=(200, seeds))
    each = [st.mean_interval(row, folds=folds) for row in rows]
    assert st.mean_intervals(rows, folds=folds) == each
    assert st.mean_intervals(np.asfortranarray(rows), folds=folds) == each
    assert st.mean_intervals(rows, folds=folds, limits=(0.0, 1.0)) == [mean.within(0.0, 1.0) for mean in each]


def test_of_a_row_with_one_value_or_one_that_is_not_finite_the_ends_are_unknown() -> None:
    [alone] = st.mean_intervals([[0.9]])
    assert (alone.mean, alone.n) == (0.9, 1)
    for wrong in (math.nan, math.inf):
        [found, right] = st.mean_intervals([[0.5, wrong], [0.5, 0.6]], limits=(0.0, 1.0))
        assert all(math.isnan(end) for end in (*alone.pair(), *found.pair()))
        assert right == st.mean_interval([0.5, 0.6]).within(0.0, 1.0)


def test_the_mean_interval_is_scipys() -> None:
    found = st.mean_interval(SLEEP_A, confidence=0.9)
    low, high = stats.t.interval(0.9, 9, SLEEP_A.mean(), stats.sem(SLEEP_A))
    assert ends(found) == pytest.approx((low, high))
    assert (found.mean, found.n) == (pytest.approx(2.33), 10)


def test_the_paired_difference_is_students_own() -> None:
    found = st.paired_difference(SLEEP_A, SLEEP_B)
    assert (found.mean, *ends(found)) == pytest.approx((1.58, 0.7001142, 2.4598858))
    assert st.paired_estimate(SLEEP_A, SLEEP_B).p == pytest.approx(0.002832890)


def test_the_slope_is_scipys() -> None:
    values = np.array([1.0, 0.7, 0.8, 0.4, 0.45])
    known = stats.linregress(np.arange(5), values)
    found = st.slope(values)
    assert (found.mean, found.error, found.p) == pytest.approx((known.slope, known.stderr, known.pvalue))


# Shares


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_newcombes_table(successes: int, n: int, low: float, high: float) -> None:
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3."""
    assert ends(st.wilson(successes, n)) == pytest.approx((low, high), abs=5e-5)
    known = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert ends(st.wilson(successes, n)) == pytest.approx((known.low, known.high), abs=1e-12)


# Seeds and images


def test_one_seed_has_wilsons_interval() -> None:
    correct = np.arange(500) % 50 != 0
    assert ends(st.accuracy_interval(correct)) == pytest.approx(ends(st.wilson(490, 500)), rel=2e-3)


def test_seeds_that_agree_on_every_image_count_as_one() -> None:
    correct = np.arange(500) % 50 != 0
    assert ends(st.accuracy_interval(np.stack([correct] * 5))) == pytest.approx(ends(st.wilson(490, 500)), rel=2e-3)


def test_an_accuracy_without_mistakes_has_an_interval() -> None:
    found = st.accuracy_interval(np.ones((3, 100), dtype=bool))
    assert (found.mean, found.high, found.low) == (1.0, 1.0, st.wilson(100, 100).low)


def test_the_variance_of_two_sources_is_the_one_that_the_mean_has() -> None:
    random = np.random.default_rng(3)
    found = []
    for _ in range(1500):
        table = random.normal(size=(4, 1)) * 0.3 + random.normal(size=(1, 25)) + random.normal(size=(4, 25)) * 2
        spread = st.two_sources(table)
        found.append((spread.mean, spread.variance))
    means, variances = np.array(found).T
    assert variances.mean() == pytest.approx(means.var(), rel=0.1)
    assert means.var() == pytest.approx(0.09 / 4 + 1 / 25 + 4 / 100, rel=0.1)


# Paired differences


@pytest.mark.parametrize(("seeds", "images"), [(1, 100), (5, 270), (20, 5_000)])
def test_where_no_prediction_differs_the_interval_is_the_rule_of_three(seeds: int, images: int) -> None:
    same = np.random.default_rng(7).random((seeds, images)) < 0.9
    found = st.accuracy_difference(same, same)
    reach = -math.log(0.05) / (images + 1)
    assert (found.p, found.interval().mean) == (1.0, 0.0)
    assert ends(found.interval()) == pytest.approx((-reach, reach))
    assert reach == pytest.approx(3 / images, rel=0.02)


@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 20])
def test_one_differing_prediction_makes_no_winner(seeds: int) -> None:
    """A comparison once called a network better by 0.07 points (0.01 to 0.41) for one prediction of 1,350."""
    a, b = np.ones((seeds, 270), bool), np.ones((seeds, 270), bool)
    b[0, 7] = False
    found = st.accuracy_difference(a, b)
    assert found.interval().mean == pytest.approx(1 / (270 * seeds))
    assert not found.interval().excludes()
    assert found.p > 0.3


def test_nothing_below_three_images_is_ever_shown() -> None:
    a, b = np.ones((20, 1000), bool), np.ones((20, 1000), bool)
    b[:, :2] = False
    assert not st.accuracy_difference(a, b).interval().excludes()
    b[:, :9] = False
    assert st.accuracy_difference(a, b).interval().excludes()


def test_one_network_each_is_compared_about_as_by_mcnemars_test() -> None:
    a, b = np.ones(21, bool), np.ones(21, bool)  # Bentur et al. 2009, in Fagerland, Lydersen, Laake 2013
    a[:7], b[7:8] = False, False
    mid_p = stats.binomtest(1, 8).pvalue - stats.binom.pmf(1, 8, 0.5)
    assert st.accuracy_difference(a, b).p == pytest.approx(mid_p, abs=0.02)
    many_a, many_b = np.ones(5000, bool), np.ones(5000, bool)
    many_a[:30], many_b[30:82] = False, False
    mid_p = stats.binomtest(30, 82).pvalue - stats.binom.pmf(30, 82, 0.5)
    assert st.accuracy_difference(many_a, many_b).p == pytest.approx(mid_p, abs=0.002)


def test_where_seeds_differ_most_the_interval_is_students_t() -> None:
    random = np.random.default_rng(4)
    quality = np.linspace(0.2, 0.8, 5)[:, None]
    a, b = random.random((5, 20_000)) < quality, random.random((5, 20_000)) < 0.5
    by_seeds = st.paired_difference(a.mean(axis=1), b.mean(axis=1))
    assert ends(st.accuracy_difference(a, b).interval()) == pytest.approx(ends(by_seeds), rel=0.01)


def test_the_p_value_is_the_level_at_which_the_interval_touches_zero() -> None:
    random = np.random.default_rng(6)
    for images in (50, 800):
        found = st.accuracy_difference(random.random((5, images)) < 0.97, random.random((5, images)) < 0.94)
        assert found.interval(1 - 1.001 * found.p).excludes()
        assert not found.interval(1 - 0.999 * found.p).excludes()


def test_a_difference_of_losses_has_no_least_width() -> None:
    a, b = np.full((3, 100), 0.5), np.full((3, 100), 0.3)
    assert ends(st.loss_difference(a, b).interval()) == pytest.approx((0.2, 0.2))
    noisy = a + np.random.default_rng(8).normal(size=(3, 100))
    assert st.loss_difference(noisy, b).interval().low < 0.2 < st.loss_difference(noisy, b).interval().high


# The frontier


def test_the_frontier_holds_what_nothing_cheaper_equals() -> None:
    costs, scores = [30, 10, 20, 20, 40, 40], [0.9, 0.5, 0.7, 0.8, 0.9, -math.inf]
    assert st.frontier(costs, scores) == [1, 3, 0]
    assert st.frontier([], []) == []
    assert st.frontier([1, 1], [0.5, 0.5]) == [0]


def test_costs_that_overlap_are_not_told_apart() -> None:
    low, high, scores = [1.0, 1.5, 4.0], [2.0, 2.5, 5.0], [0.8, 0.9, 0.95]
    assert st.frontier(high, scores, low) == [1, 2]
    assert st.frontier(high, scores) == [0, 1, 2]
    assert st.frontier([9.0, 2.0], [0.8, 0.8], [1.0, 1.0]) == [1]  # of equals the one that is surely cheap


# Coverage by simulation


def covers(intervals: Iterator[tuple[st.Interval, float]]) -> float:
    return float(np.mean([found.low <= truth <= found.high for found, truth in intervals]))


def means(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    yield from ((st.mean_interval(row), 0.0) for row in random.normal(size=(2500, 5)))


def paired(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    for block in random.normal(size=(2500, 1, 5)) + random.normal(size=(2500, 2, 5)):
        yield st.paired_difference(block[0] + 1, block[1]), 1.0


def shares(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    yield from ((st.wilson(int(hits), 1000), 0.97) for hits in random.binomial(1000, 0.97, size=3000))


def ranks(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    truth = 6 / math.pi * math.asin(0.5 / 2)
    for x, noise in random.normal(size=(1500, 2, 40)):
        yield st.spearman(x, 0.5 * x + math.sqrt(0.75) * noise), truth


def nets(
    random: np.random.Generator, times: int, seeds: int, images: int, edge: float = 0.0
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Pairs of settings, correctness `(seeds, images)`: images differ in how hard they are, seeds in how good they are."""
    for _ in range(times):
        hard, net = 3 * random.normal(size=(1, images)), 0.3 * random.normal(size=(seeds, 1))
        logits = 6.5 + hard + net
        own = 0.5 * random.normal(size=(2, 1, images)) + 0.2 * random.normal(size=(2, seeds, 1))
        right = random.random((2, seeds, images)) < 1 / (1 + np.exp(-(logits + own + edge * np.array([1, 0])[:, None, None])))
        yield right[0], right[1]


def accuracy_of(spread: float) -> float:
    z = np.linspace(-8, 8, 20001)
    density = np.exp(-(z**2) / 2)
    return float((density / (1 + np.exp(-(6.5 + spread * z)))).sum() / density.sum())


TRUE_ACCURACY = accuracy_of(math.sqrt(9 + 0.09 + 0.25 + 0.04))


def accuracies(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    yield from ((st.accuracy_interval(right), TRUE_ACCURACY) for right, _ in nets(random, 1500, 5, 500))


def single_accuracies(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    yield from ((st.accuracy_interval(right), 0.97) for right in random.random((2500, 1, 1000)) < 0.97)


@pytest.mark.parametrize(
    "world",
    [
        means,
        paired,
        shares,
        ranks,
        accuracies,
        single_accuracies,
    ],
)
def test_an_interval_of_95_percent_covers_between_93_and_97(world) -> None:  # type: ignore[no-untyped-def]
    assert 0.93 <= covers(world(np.random.default_rng(11))) <= 0.97


def few_answers(random: np.random.Generator) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Equal settings, of which three answers in 5 x 270 differ."""
    for _ in range(1000):
        a = b = np.ones((5, 270), bool)
        for _ in range(random.poisson(3)):
            a, b = (a.copy(), b) if random.random() < 0.5 else (a, b.copy())
            (a if b.all() else b)[random.integers(5), random.integers(270)] = False
        yield a, b


def coins(random: np.random.Generator) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Equal settings that toss a coin on a few images."""
    for _ in range(1000):
        right = np.ones((2, 5, 270), bool)
        right[:, :, : random.poisson(4)] = random.random((2, 5, 1)) < 0.5
        yield right[0], right[1]


def equal_nets(random: np.random.Generator) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    yield from nets(random, 600, 3, 1000)


@pytest.mark.parametrize("world", [few_answers, coins, equal_nets])
def test_equal_settings_hardly_ever_raise_a_false_alarm(world) -> None:  # type: ignore[no-untyped-def]
    """docs/benchmarks/comparisons.md has the whole plane."""
    alarms = [st.accuracy_difference(a, b).interval().excludes() for a, b in world(np.random.default_rng(2))]
    assert np.mean(alarms) < 0.06


def test_a_difference_between_equal_and_unequal_nets_is_covered() -> None:
    found = [st.accuracy_difference(a, b).interval() for a, b in nets(np.random.default_rng(3), 600, 5, 1000)]
    assert np.mean([one.low <= 0 <= one.high for one in found]) > 0.93


def test_a_difference_that_is_there_is_found() -> None:
    found = [st.accuracy_difference(a, b).p < 0.05 for a, b in nets(np.random.default_rng(1), 100, 5, 2000, 1.0)]
    assert np.mean(found) > 0.9


# Several claims


def test_holms_adjusted_p_values() -> None:
    assert st.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert st.holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    assert st.holm([]).size == 0


def test_a_correction_decides_what_is_shown_and_changes_no_interval() -> None:
    random = np.random.default_rng(9)
    for _ in range(200):
        claims = [st.Estimate(random.normal() * 2.5, 1.0, 10, 11) for _ in range(5)]
        p = st.holm([claim.p for claim in claims])
        for claim, adjusted, found in zip(claims, p, st.decide(claims), strict=True):
            assert (found.p, found.corrected_p, found.claims) == (claim.p, adjusted, 5)
            assert found.interval == claim.interval(0.95)
            assert found.shown == (adjusted < 0.05)


def test_holm_keeps_the_share_of_families_with_a_false_claim_below_alpha() -> None:
    random = np.random.default_rng(10)
    false = [
        any(one.shown for one in st.decide([st.Estimate(x, 1, math.inf, 1) for x in row]))
        for row in random.normal(size=(1500, 5))
    ]
    assert 0.03 < np.mean(false) < 0.065


# Associations


def test_spearman_is_scipys_and_the_textbooks() -> None:
    iq, hours = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110], [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    found = st.spearman(iq, hours)
    assert found.mean == pytest.approx(-29 / 165) == stats.spearmanr(iq, hours).statistic
    reach = 1.959963985 * math.sqrt((1 + (29 / 165) ** 2 / 2) / 7)
    assert math.atanh(found.high) == pytest.approx(math.atanh(-29 / 165) + reach)


def test_a_perfect_rank_correlation_has_an_interval() -> None:
    found = st.spearman([1, 2, 3, 4, 5, 6], [1, 4, 9, 16, 25, 36])
    assert found.mean == found.high == pytest.approx(1.0)
    assert 0 < found.low < 0.95


# Classification


def test_the_confusion_matrix_is_scikit_learns() -> None:
    from sklearn.metrics import confusion_matrix

    random = np.random.default_rng(12)
    labels, predicted = random.integers(4, size=200), random.integers(3, size=200)
    assert (st.confusion(labels, predicted, 4) == confusion_matrix(labels, predicted, labels=range(4))).all()


def test_precision_and_recall_of_each_class() -> None:
    first, second, third = st.per_class(np.array([[8, 0, 2], [0, 0, 0], [1, 0, 9]]))
    assert first.precision is not None
    assert first.recall is not None
    assert (first.precision.mean, first.precision.n, first.recall.mean, first.n) == (pytest.approx(8 / 9), 9, 0.8, 10)
    assert (second.precision, second.recall, second.n) == (None, None, 0)
    assert third.recall == st.wilson(9, 10)


def test_the_expected_calibration_error_by_hand() -> None:
    probabilities = [[0.95, 0.05], [0.85, 0.15], [0.35, 0.65], [0.4, 0.6], [0.5, 0.5]]
    found = st.calibration(probabilities, [0, 1, 1, 0, 0], bins=5)
    assert [(one.low, one.high, one.accuracy.n) for one in found.bins] == [(0.4, 0.6, 2), (0.6, 0.8, 1), (0.8, 1.0, 2)]
    assert [one.confidence for one in found.bins] == pytest.approx([0.55, 0.65, 0.9])
    assert [one.accuracy.mean for one in found.bins] == [0.5, 1.0, 0.5]
    assert found.ece == pytest.approx((2 * 0.05 + 0.35 + 2 * 0.4) / 5)


def test_probabilities_that_keep_their_word_are_calibrated() -> None:
    random = np.random.default_rng(13)
    first = random.random(50_000)
    labels = (random.random(50_000) >= first).astype(int)
    assert st.calibration(np.stack([first, 1 - first], axis=1), labels).ece < 0.01


# What is refused


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: st.mean_interval([0.9]), "at least 2"),
        (lambda: st.mean_interval([0.9, math.nan]), "not finite"),
        (lambda: st.mean_interval([0.9, 0.8], confidence=1.0), "between 0 and 1"),
        (lambda: st.mean_interval([0.9, 0.8], confidence=math.nan), "between 0 and 1"),
        (lambda: st.paired_difference([1, 2, 3], [1, 2]), "a has 3, b has 2"),
        (lambda: st.wilson(3, 0), "n > 0"),
        (lambda: st.wilson(math.nan, 10), "successes"),
        (lambda: st.accuracy_difference(np.ones((2, 5)), np.ones((3, 5))), "(2, 5)"),
        (lambda: st.two_sources([[0.5, math.inf]]), "finite"),
        (lambda: st.holm([0.5, 1.5]), "between 0 and 1"),
        (lambda: st.spearman([1, 2, 3], [1, 2, 3]), "at least 4"),
        (lambda: st.spearman([1, 1, 1, 1], [1, 2, 3, 4]), "columns that change"),
        (lambda: st.slope([1, 2]), "at least 3"),
        (lambda: st.confusion([0, 1], [0, 5], 3), "0 to 2"),
        (lambda: st.calibration([[0.5, 0.5]], [0, 1]), "Calibration needs"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_one_line(wrong, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(StatisticsError, match=says.replace("(", r"\(").replace(")", r"\)")) as caught:
        wrong()
    assert "\n" not in str(caught.value)


def test_ratios_of_times_are_welchs_on_logarithms():
    a, b = np.array([2.1, 1.9, 2.4, 2.0]), np.array([1.0, 1.1, 0.7])
    ours = st.log_ratio(a, b).interval()
    scipys = stats.ttest_ind(np.log(a), np.log(b), equal_var=False).confidence_interval()
    assert (ours.low, ours.high) == pytest.approx(tuple(scipys))
    assert ours.mean == pytest.approx(np.log(a).mean() - np.log(b).mean())


def test_a_ratio_needs_two_positive_values_each():
    for a in ([1.0], [1.0, 0.0], [1.0, -2.0]):
        with pytest.raises(StatisticsError):
            st.log_ratio(a, [1.0, 2.0])


def test_an_interval_can_be_ended_at_bounds_and_unknown_ends_stay_unknown() -> None:
    assert st.Interval(0.97, -0.1, 1.1, 5).within(0, 1) == st.Interval(0.97, 0.0, 1.0, 5)
    alone = st.Interval(0.97, math.nan, math.nan, 1).within(0, 1)
    assert (alone.mean, math.isnan(alone.low), math.isnan(alone.high)) == (0.97, True, True)


# Folds


def in_folds(random: np.random.Generator, folds: int, turns: int, images: int, *, networks: float = 0.0) -> NDArray[np.float64]:
    """Differences of right and wrong of equal settings; with `networks`, each network has a true difference of its own."""
    table = np.full((folds * turns, images), np.nan)
    for number, row in enumerate(table):
        own = slice(number % folds, None, folds)
        lead = networks * random.standard_normal()
        row[own] = random.choice([-1.0, 0.0, 1.0], len(row[own]), p=[0.05 - lead / 2, 0.9, 0.05 + lead / 2])
    return table


@pytest.mark.parametrize(("folds", "turns"), [(3, 1), (5, 1), (3, 2)])
@pytest.mark.parametrize("networks", [0.0, 0.015])
def test_settings_that_are_equal_seldom_differ_in_folds(folds: int, turns: int, networks: float) -> None:
    random = np.random.default_rng(folds)
    tables = [in_folds(random, folds, turns, 600, networks=networks) for _ in range(600)]
    shown = np.mean([st.accuracy_difference(each, np.zeros_like(each), folds=folds).interval().excludes() for each in tables])
    assert shown < 0.06


def test_networks_that_differ_more_than_their_images_widen_the_interval_of_folds() -> None:
    random = np.random.default_rng(1)
    alike = in_folds(random, 5, 1, 1000)
    apart = alike.copy()
    for number, row in enumerate(apart):
        row[np.flatnonzero(np.isfinite(row))[:40]] = 1.0 if number % 2 else -1.0
    widths = [ends(st.accuracy_difference(each, np.zeros_like(each), folds=5).interval()) for each in (alike, apart)]
    assert widths[1][1] - widths[1][0] > 2 * (widths[0][1] - widths[0][0])


def test_folds_that_agree_are_never_surer_than_independent_images() -> None:
    table = np.full((3, 300), np.nan)
    for fold, row in enumerate(table):
        row[fold::3] = np.resize([1.0, 0.0, 0.0, 0.0, -1.0], 100)
    found = st.accuracy_difference(table, np.zeros_like(table), folds=3)
    images = st.accuracy_difference(np.nanmean(table, axis=0), np.zeros(300))
    low, high = ends(found.interval())
    assert high - low == pytest.approx(np.sqrt(1.2) * np.subtract(*ends(images.interval())[::-1]), rel=0.01)


def test_the_accuracy_of_folds_is_the_mean_over_images_and_covers_the_truth() -> None:
    random = np.random.default_rng(2)
    covered = []
    for _ in range(300):
        correct = np.full((3, 300), np.nan)
        for fold, row in enumerate(correct):
            row[fold::3] = random.random(100) < 0.95
        found = st.accuracy_interval(correct, folds=3)
        assert found.mean == pytest.approx(np.nanmean(correct))
        covered.append(found.low <= 0.95 <= found.high)
    assert np.mean(covered) > 0.94


def test_a_value_that_is_missing_is_refused_without_folds() -> None:
    table = in_folds(np.random.default_rng(3), 3, 1, 30)
    with pytest.raises(StatisticsError, match="must be finite"):
        st.accuracy_difference(table, table)


def test_one_value_per_run_of_folds_has_nadeaus_and_bengios_variance() -> None:
    plain, folds = (st.mean_estimate(SLEEP_A, folds=number) for number in (1, 10))
    assert folds.error**2 == pytest.approx(plain.error**2 * 10 * (1 / 10 + 1 / 9))
    assert folds.freedom == plain.freedom == 9


@pytest.mark.parametrize(("images", "within"), [(290, False), (310, True)])
def test_where_no_prediction_differs_three_images_must_fit_into_the_margin(images: int, within: bool) -> None:
    same = np.ones((5, images), bool)
    p = st.accuracy_difference(same, same).equivalence_p(0.01)
    assert p == pytest.approx(math.exp(-0.01 * (images + 1)))
    assert (p < 0.05) == within


def test_what_is_equivalent_at_5_percent_has_its_95_percent_interval_within_the_margin() -> None:
    random = np.random.default_rng(4)
    for _ in range(50):
        a, b = random.random((3, 900)) < 0.97, random.random((3, 900)) < 0.97
        found = st.accuracy_difference(a, b)
        low, high = found.interval().pair()
        margin = max(-low, high)
        assert found.equivalence_p(margin * 1.001) < 0.05 < found.equivalence_p(margin * 0.999)


def test_settings_that_differ_by_the_margin_are_rarely_called_equivalent() -> None:
    """Three images of 300 on which one is right with all seeds; some are not among those drawn."""
    random, called = np.random.default_rng(0), 0
    for _ in range(600):
        a, b = np.ones((5, 300), bool), np.ones((5, 300), bool)
        b[:, random.integers(300, size=random.poisson(3))] = False
        called += st.accuracy_difference(a, b).equivalence_p(3 / 300) < 0.05
    assert 0.02 < called / 600 < 0.075


def test_equal_losses_have_no_difference_and_one_extreme_image_decides_none() -> None:
    same = np.random.default_rng(0).exponential(size=(4, 200))
    assert st.loss_difference(same, same).p == 1.0
    other = same.copy()
    other[:, 7] += 9.0
    assert not st.loss_difference(same, other).interval().excludes()
    assert not st.loss_difference(same, np.where(np.arange(200) < 4, same + 5, same)).interval().excludes()


def test_a_margin_is_above_0() -> None:
    with pytest.raises(StatisticsError, match="above 0"):
        st.accuracy_difference(np.ones((2, 9)), np.ones((2, 9))).equivalence_p(0.0)


def test_rows_and_columns_are_independent_as_fishers_tea_taster_shows() -> None:
    assert st.independence_p([[3, 1], [1, 3]]) == pytest.approx(34 / 70)  # Fisher 1935, "The Design of Experiments", chapter 2
    assert st.independence_p([[50, 0], [0, 50]]) < 1e-20


@settings(max_examples=100, deadline=None)
@given(cells=strategies.lists(strategies.integers(0, 40) | strategies.integers(0, 3000), min_size=4, max_size=4))
def test_independence_is_tested_as_by_scipy(cells: list[int]) -> None:
    table = np.reshape(cells, (2, 2))
    assert st.independence_p(table) == pytest.approx(float(stats.fisher_exact(table).pvalue), rel=1e-9, abs=1e-300)
