"""The functions for notebooks and scripts: those of the packages, with names and places filled in.

training.py    `train`, `sweep`, `own_network`
searching.py   `search`, `smallest`
reading.py     what is finished: runs, networks, comparisons, curves, data sets
arguments.py   networks, data, seeds and settings as users give them, and their mistakes in words
"""

from seedbed.api.arguments import SearchOptions, TrainOptions
from seedbed.api.reading import compare, evaluate, find, learning_curves, load, load_network
from seedbed.api.searching import search, smallest
from seedbed.api.training import own_network, sweep, train

__all__ = [
    "SearchOptions",
    "TrainOptions",
    "compare",
    "evaluate",
    "find",
    "learning_curves",
    "load",
    "load_network",
    "own_network",
    "search",
    "smallest",
    "sweep",
    "train",
]
