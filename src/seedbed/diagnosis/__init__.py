"""Diagnose a run: its verdict with the evidence and what to try next; and explain it by its probes."""

from seedbed.diagnosis.advice import ENOUGH_SEEDS
from seedbed.diagnosis.course import LastPredictions
from seedbed.diagnosis.probes import explain
from seedbed.diagnosis.verdicts import diagnose

__all__ = ["ENOUGH_SEEDS", "LastPredictions", "diagnose", "explain"]
