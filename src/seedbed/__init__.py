"""A bench for experiments on small neural networks."""

__version__ = "0.1.0"
