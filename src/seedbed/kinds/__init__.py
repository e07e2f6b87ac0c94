"""The kinds that a setting can name, one record each: activations, optimizers and augmentations.

A record holds all that is known of its kind, arithmetic included; everyone else asks the record. JAX is imported by the
functions that compute, when they first do, so that checking a name loads nothing.
"""

from __future__ import annotations

from seedbed.kinds.activations import ACTIVATIONS, Activation
from seedbed.kinds.augmentations import AUGMENTATIONS, Augmentation
from seedbed.kinds.optimizers import OPTIMIZERS, Optimizer
from seedbed.kinds.registry import Registry

__all__ = ["ACTIVATIONS", "AUGMENTATIONS", "OPTIMIZERS", "Activation", "Augmentation", "Optimizer", "Registry"]
