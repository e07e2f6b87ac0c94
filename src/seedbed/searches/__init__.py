"""Search: the best networks within a budget, proposed batch after batch by a sampler, and confirmed with fresh seeds.

budget.py       the most that a network may cost
space.py        from a point to a run that fits the budget by construction
sampling.py     the next points, as a pure function of the trials before (Optuna)
store.py        the study that holds the trials, safe against kills
terms.py        the settings of a search
naming.py       the names of its runs
forecasting.py  about how long a search takes, before it begins
loop.py         batches of trials through `train_runs`, then the best with fresh seeds
trial.py, finalists.py, latency.py, importance.py, outcome.py    the results, and their sentences
files.py        tables, JSON and figures in a folder
"""

from __future__ import annotations

from seedbed.searches.budget import Budget
from seedbed.searches.files import save
from seedbed.searches.finalists import Finalist
from seedbed.searches.forecasting import forecast_search
from seedbed.searches.loop import run
from seedbed.searches.outcome import Search
from seedbed.searches.space import Space
from seedbed.searches.terms import Terms, terms_for
from seedbed.searches.trial import Trial

__all__ = ["Budget", "Finalist", "Search", "Space", "Terms", "Trial", "forecast_search", "run", "save", "terms_for"]
