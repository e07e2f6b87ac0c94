"""How good a trained network is, on which images it fails, and what it says to pictures that it has never seen."""

from seedbed.evaluation.assess import Evaluation, GroupEvaluation, Mistake, PartEvaluation, evaluate, evaluate_group
from seedbed.evaluation.illustrate import illustrate
from seedbed.evaluation.predict import Inversion, Prediction, predict

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
