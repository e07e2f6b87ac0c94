"""Figures: records in, Altair charts and pictures out; drawn anywhere, the same everywhere."""

from seedbed.figures.assessment import confusion, paired_differences, per_class, reliability_curve
from seedbed.figures.curves import learning_curves, probes_over_epochs
from seedbed.figures.dataset import class_balance, embedding_scatter
from seedbed.figures.pages import page, place
from seedbed.figures.pictures import picture_address, picture_bytes, picture_grid, thumbnails
from seedbed.figures.saving import save
from seedbed.figures.studies import Curve, Point, curve_panels, mean_curve, measures_over, share_table
from seedbed.figures.sweeps import accuracy_over_field, accuracy_over_parameters, setting_means
from seedbed.figures.theme import specification
from seedbed.figures.timings import Measured, Phase, time_by_phase, times_by_row, times_over_sizes

__all__ = [
    "Curve",
    "Measured",
    "Phase",
    "Point",
    "accuracy_over_field",
    "accuracy_over_parameters",
    "class_balance",
    "confusion",
    "curve_panels",
    "embedding_scatter",
    "learning_curves",
    "mean_curve",
    "measures_over",
    "page",
    "paired_differences",
    "per_class",
    "picture_address",
    "picture_bytes",
    "picture_grid",
    "place",
    "probes_over_epochs",
    "reliability_curve",
    "save",
    "setting_means",
    "share_table",
    "specification",
    "thumbnails",
    "time_by_phase",
    "times_by_row",
    "times_over_sizes",
]
