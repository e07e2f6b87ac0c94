"""Figures: records in, Altair charts and pictures out; drawn anywhere, the same everywhere."""

from seedbed.figures.assessment import confusion, paired_differences, per_class, reliability_curve
from seedbed.figures.compared import NamedCurves, compared_curves
from seedbed.figures.curves import Curve, curve_panels, layers_over_epochs, mean_curve
from seedbed.figures.dataset import class_balance, embedding_scatter
from seedbed.figures.embedding import embedded
from seedbed.figures.folder import RESULTS, alone_in, remove_earlier, save_results
from seedbed.figures.frontier import Sized, accuracy_over_size, frontier
from seedbed.figures.learning import learning_curves, probes_over_epochs
from seedbed.figures.letters import missing_letters
from seedbed.figures.multiples import small_multiples
from seedbed.figures.panels import Dot, Picture, dot_panels, measures_over, picture_panels, share_table
from seedbed.figures.pictures import picture_address, picture_bytes, picture_grid, thumbnails
from seedbed.figures.saving import save
from seedbed.figures.search import search_coordinates, search_course, search_frontier, search_importance
from seedbed.figures.sweeps import accuracy_over_field, accuracy_over_parameters, setting_means
from seedbed.figures.theme import specification
from seedbed.figures.timings import time_by_phase, times_by_row, times_over_sizes

__all__ = [
    "RESULTS",
    "Curve",
    "Dot",
    "NamedCurves",
    "Picture",
    "Sized",
    "accuracy_over_field",
    "accuracy_over_parameters",
    "accuracy_over_size",
    "alone_in",
    "class_balance",
    "compared_curves",
    "confusion",
    "curve_panels",
    "dot_panels",
    "embedded",
    "embedding_scatter",
    "frontier",
    "layers_over_epochs",
    "learning_curves",
    "mean_curve",
    "measures_over",
    "missing_letters",
    "paired_differences",
    "per_class",
    "picture_address",
    "picture_bytes",
    "picture_grid",
    "picture_panels",
    "probes_over_epochs",
    "reliability_curve",
    "remove_earlier",
    "save",
    "save_results",
    "search_coordinates",
    "search_course",
    "search_frontier",
    "search_importance",
    "setting_means",
    "share_table",
    "small_multiples",
    "specification",
    "thumbnails",
    "time_by_phase",
    "times_by_row",
    "times_over_sizes",
]
