"""Evaluate trained networks, find their mistakes, and predict the classes of new pictures."""

from seedbed.evaluation.agreement import agreement_json, agreement_sentence, part_difference
from seedbed.evaluation.assessment import Evaluation, Mistake, PartEvaluation, assess, evaluate, evaluate_result
from seedbed.evaluation.illustration import illustrate
from seedbed.evaluation.prediction import Cropping, Inversion, Prediction, predict

__all__ = [
    "Cropping",
    "Evaluation",
    "Inversion",
    "Mistake",
    "PartEvaluation",
    "Prediction",
    "agreement_json",
    "agreement_sentence",
    "assess",
    "evaluate",
    "evaluate_result",
    "illustrate",
    "part_difference",
    "predict",
]
