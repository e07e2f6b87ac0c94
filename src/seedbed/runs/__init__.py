"""The run store: run folders, claims, checkpoints of populations, the ledger.

store.py         `RunStore`: the interface for all other packages
claims.py        claiming runs: finished, half done, other settings, in use
record.py        reading and writing `run.json`
arrays.py        safetensors and npz, without copies, safe for untrusted files
live.py          the same for readers that stay while trainings go on
longer.py        continuation of a finished run with more epochs
checkpoints.py   checkpoints of populations: the last two, each with its hash
"""

from seedbed.runs.claims import ClaimedRuns
from seedbed.runs.live import LiveRuns
from seedbed.runs.longer import FinishedState, is_over
from seedbed.runs.record import TOGETHER, Listed, NamedRun, Record, Status, together
from seedbed.runs.store import FinishedRun, RunStore, Which

__all__ = [
    "TOGETHER",
    "ClaimedRuns",
    "FinishedRun",
    "FinishedState",
    "Listed",
    "LiveRuns",
    "NamedRun",
    "Record",
    "RunStore",
    "Status",
    "Which",
    "is_over",
    "together",
]
