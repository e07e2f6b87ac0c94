"""The run store: run folders, claims, checkpoints of populations, the ledger.

home.py          `Home`: what the rest of the house talks to
claims.py        who trains what: done, half done, other settings, in use
record.py        `run.json`, written and read
arrays.py        safetensors and npz, without copies and without trust
checkpoints.py   populations: the last two saves, each with its hash
"""

from seedbed.runs.claims import Claim
from seedbed.runs.home import Ending, Home, Listed
from seedbed.runs.record import TOGETHER, Entry, Record, Status, together

__all__ = ["TOGETHER", "Claim", "Ending", "Entry", "Home", "Listed", "Record", "Status", "together"]
