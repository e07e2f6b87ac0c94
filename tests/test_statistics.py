"""Intervals and tests against SciPy, scikit-learn, published worked examples, and by simulation."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
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


def test_the_mean_interval_is_scipys() -> None:
    found = st.mean_interval(SLEEP_A, confidence=0.9)
    low, high = stats.t.interval(0.9, 9, SLEEP_A.mean(), stats.sem(SLEEP_A))
    assert ends(found) == pytest.approx((low, high))
    assert (found.mean, found.n) == (pytest.approx(2.33), 10)


def test_the_paired_difference_is_students_own() -> None:
    found = st.paired_difference(SLEEP_A, SLEEP_B)
    assert (found.mean, *ends(found)) == pytest.approx((1.58, 0.7001142, 2.4598858))
    assert st.paired_estimate(SLEEP_A, SLEEP_B).p == pytest.approx(0.002832890)


def test_two_unpaired_cells_pool_to_the_t_test() -> None:
    pooled = st.pooled_variance([SLEEP_A, SLEEP_B[:7]])
    found = st.pooled_difference(SLEEP_A, SLEEP_B[:7], pooled)
    known = stats.ttest_ind(SLEEP_A, SLEEP_B[:7])
    assert found.p == pytest.approx(known.pvalue)
    assert ends(found.interval()) == pytest.approx(tuple(known.confidence_interval()))


def test_two_paired_cells_pool_to_the_paired_t_test() -> None:
    pooled = st.pooled_variance([SLEEP_A, SLEEP_B], paired=True)
    found = st.pooled_difference(SLEEP_A, SLEEP_B, pooled)
    assert found.p == pytest.approx(stats.ttest_rel(SLEEP_A, SLEEP_B).pvalue)


def test_a_missing_run_costs_one_degree_of_freedom_and_not_its_seed() -> None:
    table = np.random.default_rng(0).normal(size=(4, 5))
    whole = st.pooled_variance(list(table), paired=True)
    centred = table - table.mean(1, keepdims=True) - table.mean(0) + table.mean()
    assert whole == st.Pooled(pytest.approx((centred**2).sum() / 12), 12, True)
    table[2, 3] = math.nan
    assert st.pooled_variance(list(table), paired=True).freedom == 11
    assert st.pooled_difference(table[2], table[0], whole).n == 4


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


def test_mcnemar_is_exact_for_few_and_mid_p_for_many() -> None:
    few = st.Discordance(1, 7, 21)  # Bentur et al. 2009, in Fagerland, Lydersen, Laake 2013
    assert (few.method, few.p) == ("McNemar, exact", pytest.approx(0.0703, abs=5e-5))
    assert few.p == pytest.approx(stats.binomtest(1, 8).pvalue)
    many = st.Discordance(30, 52, 5000)
    mid = stats.binomtest(30, 82).pvalue - stats.binom.pmf(30, 82, 0.5)
    assert (many.method, many.p) == ("McNemar, mid-p", pytest.approx(mid))
    assert st.Discordance(0, 0, 100).p == 1.0
    assert st.Discordance(20, 20, 100).p == 1.0


def test_discordance_counts_the_images_that_only_one_has_right() -> None:
    found = st.Discordance.of([True, True, False, False, True], [True, False, True, False, False])
    assert (found.only_a, found.only_b, found.n) == (2, 1, 5)
    assert found.interval().mean == pytest.approx(0.2)


def test_two_networks_that_agree_everywhere_may_still_differ() -> None:
    found = st.Discordance(0, 0, 100).interval()
    assert found.mean == 0
    assert 0 < found.high == -found.low < 0.03


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


def test_the_bootstrap_has_the_width_of_students_t() -> None:
    values = np.random.default_rng(4).normal(size=(4, 400))
    spread = st.two_sources(values)
    reach = stats.t.ppf(0.975, spread.freedom) * math.sqrt(spread.variance)
    found = st.bootstrap(values).interval()
    assert ends(found) == pytest.approx((spread.mean - reach, spread.mean + reach), abs=0.06 * reach)


@pytest.mark.parametrize("shape", [(5, 60), (5, 3000), (1, 400)])
def test_both_ways_to_resample_images_have_the_same_distribution(shape: tuple[int, int]) -> None:
    correct = np.random.default_rng(5).random(shape) < 0.9
    nudge = np.arange(shape[1]) * 1e-12  # makes every image of its own kind
    by_kind, by_image = st.bootstrap(correct, resamples=4000), st.bootstrap(correct + nudge, resamples=4000)
    reach = by_kind.interval().high - by_kind.mean
    assert by_image.values.std() == pytest.approx(by_kind.values.std(), rel=0.06)
    assert ends(by_image.interval()) == pytest.approx(ends(by_kind.interval()), abs=0.12 * reach)


def test_a_bootstrap_is_the_same_each_time_and_agrees_with_its_p() -> None:
    random = np.random.default_rng(6)
    a, b = random.random((5, 800)) < 0.97, random.random((5, 800)) < 0.962
    found = st.bootstrap_difference(a, b)
    assert found.interval() == st.bootstrap_difference(a, b).interval()
    assert found.interval(1 - found.p - 0.002).excludes()
    assert not found.interval(1 - found.p + 0.002).excludes()


def test_no_difference_anywhere_has_p_one() -> None:
    same = np.random.default_rng(7).random((3, 50)) < 0.9
    found = st.bootstrap_difference(same, same)
    assert (found.p, ends(found.interval())) == (1.0, (0.0, 0.0))


def test_a_bootstrapped_accuracy_stays_a_share() -> None:
    correct = np.random.default_rng(8).random((2, 60)) < 0.97
    found = st.bootstrap_accuracy(correct)
    assert 0 <= found.low < found.mean < found.high <= 1


# The variance of a study


def test_moderated_variances_are_the_pooled_one_where_cells_are_alike() -> None:
    table = np.random.default_rng(11).normal(size=(1, 5)) + np.array([[1, -1, 1, -1, 0]] * 3 + [[-1, 1, 0, -1, 1]] * 3)
    found = st.moderated_variances(list(table))
    pooled = st.pooled_variance(list(table), paired=True)
    assert found.alike
    assert found.variances == pytest.approx([pooled.variance] * 6)
    assert found.freedoms == pytest.approx([pooled.freedom] * 6)


def test_a_far_noisier_cell_keeps_its_own_variance_and_does_not_spoil_the_others() -> None:
    random = np.random.default_rng(12)
    table = random.normal(size=(12, 5))
    table[3] *= 30
    found = st.moderated_variances(list(table))
    assert found.variances[3] > 100
    assert max(variance for cell, variance in enumerate(found.variances) if cell != 3) < 30
    assert not found.alike


def test_two_cells_give_the_paired_interval() -> None:
    a, b = np.random.default_rng(13).normal(size=(2, 5))
    found = st.moderated_variances([a, b])
    ours = st.seeds_difference(a, b, found.variances, found.freedoms).interval()
    assert ours.mean == pytest.approx(st.paired_difference(a, b).mean)
    # Both cells' freedoms are those of one shared residual: Satterthwaite gives twice one half of the pairs' n - 1.
    assert ours.high - ours.low == pytest.approx(st.paired_difference(a, b).high - st.paired_difference(a, b).low, rel=0.35)


def test_missing_runs_and_other_seeds_leave_a_studys_variance_alone() -> None:
    random = np.random.default_rng(14)
    table = np.full((8, 10), math.nan)
    table[:6, :5], table[6:, 5:] = random.normal(size=(6, 5)), random.normal(size=(2, 5))
    table[2, 3] = math.nan
    found = st.moderated_variances(list(table))
    assert all(0.1 < variance < 10 for variance in found.variances)


@pytest.mark.parametrize("cells", [[[1.0, 2.0]], [[1.0, 2.0], [1.0]], [[1.0], [2.0]], []])
def test_a_studys_variance_needs_cells_and_seeds(cells: list[list[float]]) -> None:
    with pytest.raises(StatisticsError):
        st.moderated_variances(cells)


# Coverage by simulation


def covers(intervals: Iterator[tuple[st.Interval, float]]) -> float:
    return float(np.mean([found.low <= truth <= found.high for found, truth in intervals]))


def means(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    yield from ((st.mean_interval(row), 0.0) for row in random.normal(size=(2500, 5)))


def paired(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    for block in random.normal(size=(2500, 1, 5)) + random.normal(size=(2500, 2, 5)):
        yield st.paired_difference(block[0] + 1, block[1]), 1.0


def pooled(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    for table in random.normal(size=(800, 1, 3)) + random.normal(size=(800, 6, 3)):
        table[4, 1] = math.nan
        shared = st.pooled_variance(list(table), paired=True)
        yield st.pooled_difference(table[0], table[4], shared).interval(), 0.0


def of_a_study(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    for table in random.normal(size=(700, 1, 5)) + random.normal(size=(700, 10, 5)):
        table[4, 1] = math.nan
        known = st.moderated_variances(list(table))
        both = np.isfinite(table[4])
        yield (
            st.seeds_difference(
                table[0][both], table[4][both], (known.variances[0], known.variances[4]), known.freedoms[:2]
            ).interval(),
            0.0,
        )


def of_an_uneven_study(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    spread = np.array([1, 1, 1, 2, 2, 2, 3, 3, 3, 12])[:, None]
    for table in random.normal(size=(700, 10, 5)) * spread:
        known = st.moderated_variances(list(table))
        for a, b in ((0, 9), (0, 6)):
            pair = [(found[a], found[b]) for found in (known.variances, known.freedoms)]
            yield st.seeds_difference(table[a], table[b], *pair).interval(), 0.0


def of_studied_nets(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    for _ in range(300):
        hard = 3 * random.normal(size=(1, 1, 400))
        own = 0.5 * random.normal(size=(8, 1, 400)) + 0.5 * random.normal(size=(8, 4, 1))
        right = random.random((8, 4, 400)) < 1 / (1 + np.exp(-(5 + hard + own)))
        known = st.moderated_variances(list(right.mean(axis=2)))
        yield st.study_difference(right[0], right[1], known.variances[:2], known.freedoms[:2]).interval(), 0.0


def shares(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    yield from ((st.wilson(int(hits), 1000), 0.97) for hits in random.binomial(1000, 0.97, size=3000))


def paired_shares(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    for only_a, only_b, _ in random.multinomial(1000, [0.03, 0.02, 0.95], size=2500):
        yield st.Discordance(int(only_a), int(only_b), 1000).interval(), 0.01


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


def bootstrapped_accuracies(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    for right, _ in nets(random, 600, 5, 1000):
        yield st.bootstrap_accuracy(right, resamples=1000), TRUE_ACCURACY


def bootstrapped_differences(random: np.random.Generator) -> Iterator[tuple[st.Interval, float]]:
    for a, b in nets(random, 600, 5, 2000):
        yield st.bootstrap_difference(a, b, resamples=1000).interval(), 0.0


@pytest.mark.parametrize(
    "world",
    [
        means,
        paired,
        pooled,
        shares,
        paired_shares,
        ranks,
        accuracies,
        single_accuracies,
        bootstrapped_accuracies,
        bootstrapped_differences,
        of_a_study,
        of_an_uneven_study,
        of_studied_nets,
    ],
)
def test_an_interval_of_95_percent_covers_between_93_and_97(world) -> None:  # type: ignore[no-untyped-def]
    assert 0.93 <= covers(world(np.random.default_rng(11))) <= 0.97


def test_a_difference_that_is_there_is_found() -> None:
    found = [
        st.bootstrap_difference(a, b, resamples=1000).p < 0.05 for a, b in nets(np.random.default_rng(1), 100, 5, 2000, 1.0)
    ]
    assert np.mean(found) > 0.9


# Several claims


def test_holms_adjusted_p_values() -> None:
    assert st.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert st.holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    assert st.holm([]).size == 0


def test_a_corrected_interval_excludes_zero_exactly_where_holm_rejects() -> None:
    random = np.random.default_rng(9)
    for _ in range(200):
        claims = [st.Estimate(random.normal() * 2.5, 1.0, 10, 11) for _ in range(5)]
        p = st.holm([claim.p for claim in claims])
        for claim, adjusted, found in zip(claims, p, st.corrected(claims), strict=True):
            assert found.p == adjusted
            assert found.interval.excludes() == found.shown == (adjusted < 0.05), claim


def test_holm_keeps_the_share_of_families_with_a_false_claim_below_alpha() -> None:
    random = np.random.default_rng(10)
    false = [
        any(one.shown for one in st.corrected([st.Estimate(x, 1, math.inf, 1) for x in row]))
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
        (lambda: st.pooled_variance([[1.0], [2.0]]), "second seed"),
        (lambda: st.pooled_variance([[1.0, 2.0], [2.0]], paired=True), "same seeds"),
        (lambda: st.wilson(3, 0), "n > 0"),
        (lambda: st.wilson(math.nan, 10), "successes"),
        (lambda: st.Discordance.of([True], [True, False]), "same images"),
        (lambda: st.bootstrap_difference(np.ones((2, 5)), np.ones((3, 5))), "(2, 5)"),
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
