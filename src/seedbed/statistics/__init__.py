"""Intervals, differences and corrections: every claim that seedbed makes about numbers rests on these pure functions.

Two sources of chance are kept apart throughout: the *seed* (another one gives another network) and the *images* (others
might have been drawn for the validation part). Arrays that hold both are `(seeds, images)`.

What can carry a decision has an `interval(confidence)` and a `p` (two-sided, of "the value is 0"): `PairedDifference` (seeds
and images) and `Estimate` (Student's t). `decide` takes several of them and applies Holm's correction to all.
"""

from __future__ import annotations

from seedbed.statistics.associations import independence_p, slope, spearman
from seedbed.statistics.classification import (
    Calibration,
    ClassFigures,
    ReliabilityBin,
    calibration,
    confusion,
    losses,
    per_class,
)
from seedbed.statistics.corrections import Decision, Equivalence, decide, equivalent, holm
from seedbed.statistics.crossed import TwoSources, accuracy_interval, two_sources
from seedbed.statistics.differences import PairedDifference, accuracy_difference, loss_difference
from seedbed.statistics.independent import images_interval, share_difference
from seedbed.statistics.interval import SHARE, UNLIMITED, Claim, Estimate, Floats, Interval, ValueRange
from seedbed.statistics.metrics import MetricTable, balanced_accuracy, macro_f1, metric_difference, metric_value
from seedbed.statistics.ranges import mean_over_ranges
from seedbed.statistics.ratios import log_ratio
from seedbed.statistics.seeds import (
    interval_of,
    mean_estimate,
    mean_interval,
    mean_intervals,
    paired_difference,
    paired_estimate,
)
from seedbed.statistics.selection import frontier
from seedbed.statistics.shares import wilson

__all__ = [
    "SHARE",
    "UNLIMITED",
    "Calibration",
    "Claim",
    "ClassFigures",
    "Decision",
    "Equivalence",
    "Estimate",
    "Floats",
    "Interval",
    "MetricTable",
    "PairedDifference",
    "ReliabilityBin",
    "TwoSources",
    "ValueRange",
    "accuracy_difference",
    "accuracy_interval",
    "balanced_accuracy",
    "calibration",
    "confusion",
    "decide",
    "equivalent",
    "frontier",
    "holm",
    "images_interval",
    "independence_p",
    "interval_of",
    "log_ratio",
    "loss_difference",
    "losses",
    "macro_f1",
    "mean_estimate",
    "mean_interval",
    "mean_intervals",
    "mean_over_ranges",
    "metric_difference",
    "metric_value",
    "paired_difference",
    "paired_estimate",
    "per_class",
    "share_difference",
    "slope",
    "spearman",
    "two_sources",
    "wilson",
]
