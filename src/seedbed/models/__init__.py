"""Networks built from specs: their layers, and populations of networks for the engine."""

from __future__ import annotations

from seedbed.models.architecture import LayerFacts, Weights, check_weights
from seedbed.models.families import FAMILIES, Family, build, describe, facts
from seedbed.models.inference import probabilities

__all__ = ["FAMILIES", "Family", "LayerFacts", "Weights", "build", "check_weights", "describe", "facts", "probabilities"]
