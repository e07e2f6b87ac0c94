"""How good a trained network is, on which images it fails, and what it says to pictures that it has never seen."""

from seedbed.evaluation.assessment import Evaluation, GroupEvaluation, Mistake, PartEvaluation, evaluate, evaluate_group
from seedbed.evaluation.illustration import illustrate
from seedbed.evaluation.prediction import Inversion, Prediction, predict

__all__ = [
    "Evaluation",
    "GroupEvaluation",
    "Inversion",
    "Mistake",
    "PartEvaluation",
    "Prediction",
    "evaluate",
    "evaluate_group",
    "illustrate",
    "predict",
]
