"""The smallest network: the fewest parameters whose accuracy is above a target, with fresh seeds and fresh images.

`networks` has the forms and their sizes, `effort` the amount of work, `stages` the steps, `ranking` their arithmetic, `claims`
the order of the tests, `trainer` trains and remembers, `outcome` and `files` hold the answer.
"""

from __future__ import annotations

from seedbed.sizing.attempts import Attempt, Candidate
from seedbed.sizing.networks import DEPTHS
from seedbed.sizing.outcome import Smallest
from seedbed.sizing.search import SEEDS, SizingTerms, forecast_scouts, run, terms_for

__all__ = ["DEPTHS", "SEEDS", "Attempt", "Candidate", "SizingTerms", "Smallest", "forecast_scouts", "run", "terms_for"]
