"""Intervals, differences and corrections: every claim that seedbed makes about numbers rests on these pure functions.

Two sources of chance are told apart throughout: the *seed* (another one gives another network) and the *images* (others
might have been drawn for the validation part). Arrays that hold both are `(seeds, images)`.

What can carry a verdict has an `interval(confidence)` and a `p` (two-sided, of "the value is 0"): `Estimate` (Student's t),
`Bootstrap` (both sources of chance) and `Discordance` (one network against another on the same images). `corrected` takes
several of them and applies Holm's correction to all.
"""

from __future__ import annotations

from seedbed.statistics.associations import slope, spearman
from seedbed.statistics.classification import Calibration, ClassFigures, ReliabilityBin, calibration, confusion, per_class
from seedbed.statistics.corrections import Corrected, corrected, holm, holm_confidences
from seedbed.statistics.crossed import (
    Bootstrap,
    TwoSources,
    accuracy_interval,
    bootstrap,
    bootstrap_accuracy,
    bootstrap_difference,
    two_sources,
)
from seedbed.statistics.interval import Claim, Estimate, Interval
from seedbed.statistics.ratios import log_ratio
from seedbed.statistics.seeds import (
    Pooled,
    interval_of,
    mean_estimate,
    mean_interval,
    paired_difference,
    paired_estimate,
    pooled_difference,
    pooled_variance,
)
from seedbed.statistics.shares import Discordance, wilson
from seedbed.statistics.studies import Moderated, moderated_variances, seeds_difference, study_difference

__all__ = [
    "Bootstrap",
    "Calibration",
    "Claim",
    "ClassFigures",
    "Corrected",
    "Discordance",
    "Estimate",
    "Interval",
    "Moderated",
    "Pooled",
    "ReliabilityBin",
    "TwoSources",
    "accuracy_interval",
    "bootstrap",
    "bootstrap_accuracy",
    "bootstrap_difference",
    "calibration",
    "confusion",
    "corrected",
    "holm",
    "holm_confidences",
    "interval_of",
    "log_ratio",
    "mean_estimate",
    "mean_interval",
    "moderated_variances",
    "paired_difference",
    "paired_estimate",
    "per_class",
    "pooled_difference",
    "pooled_variance",
    "seeds_difference",
    "slope",
    "spearman",
    "study_difference",
    "two_sources",
    "wilson",
]
