"""How small a network can be: the fewest parameters whose accuracy lies above a target, with fresh seeds and fresh images.

`networks` knows the forms and their sizes, `effort` how much is done, `hunt` the steps, `ranking` the arithmetic between them,
`claims` the order of the tests, `trainer` trains and remembers, `records` and `sentences` hold the answer.
"""

from __future__ import annotations

from seedbed.sizing.attempts import Attempt, Candidate
from seedbed.sizing.networks import DEPTHS
from seedbed.sizing.outcome import Smallest
from seedbed.sizing.search import SEEDS, search

__all__ = ["DEPTHS", "SEEDS", "Attempt", "Candidate", "Smallest", "search"]
