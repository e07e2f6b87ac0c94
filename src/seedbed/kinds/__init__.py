"""Activations, optimizers and augmentations that a setting can name, one record each.

A record holds everything that depends on its kind, arithmetic included. JAX is imported inside the functions that compute, so
that checking a name does not load it.
"""

from __future__ import annotations

from seedbed.kinds.activations import ACTIVATIONS, Activation
from seedbed.kinds.augmentations import AUGMENTATIONS, Augmentation
from seedbed.kinds.optimizers import OPTIMIZERS, Optimizer
from seedbed.kinds.registry import Registry

__all__ = ["ACTIVATIONS", "AUGMENTATIONS", "OPTIMIZERS", "Activation", "Augmentation", "Optimizer", "Registry"]
