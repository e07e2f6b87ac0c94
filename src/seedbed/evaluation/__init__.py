"""How good a trained network is, on which images it fails, and what it says to pictures that it has never seen."""

from seedbed.evaluation.assessment import Evaluation, Mistake, PartEvaluation, evaluate, evaluate_result
from seedbed.evaluation.illustration import illustrate
from seedbed.evaluation.prediction import Inversion, Prediction, predict

__all__ = [
    "Evaluation",
    "Inversion",
    "Mistake",
    "PartEvaluation",
    "Prediction",
    "evaluate",
    "evaluate_result",
    "illustrate",
    "predict",
]
