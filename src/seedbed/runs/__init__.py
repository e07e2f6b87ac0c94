"""The run store: run folders, claims, checkpoints of populations, the ledger.

store.py         `RunStore`: what the rest of the package talks to
claims.py        who trains what: done, half done, other settings, in use
record.py        `run.json`, written and read
arrays.py        safetensors and npz, without copies and without trust
checkpoints.py   populations: the last two saves, each with its hash
"""

from seedbed.runs.claims import ClaimedRuns
from seedbed.runs.record import TOGETHER, NamedRun, Record, Status, together
from seedbed.runs.store import FinishedRun, Listed, RunStore

__all__ = ["TOGETHER", "ClaimedRuns", "FinishedRun", "Listed", "NamedRun", "Record", "RunStore", "Status", "together"]
