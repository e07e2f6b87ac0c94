"""The run store: run folders, claims, checkpoints of populations, the ledger.

home.py          `Home`: the interface for all other packages
claims.py        claiming runs: finished, half done, other settings, in use
record.py        reading and writing `run.json`
arrays.py        safetensors and npz, without copies, safe for untrusted files
checkpoints.py   checkpoints of populations: the last two, each with its hash
"""

from seedbed.runs.claims import Claim
from seedbed.runs.home import Ending, Home, Listed
from seedbed.runs.record import TOGETHER, Entry, Record, Status, together

__all__ = ["TOGETHER", "Claim", "Ending", "Entry", "Home", "Listed", "Record", "Status", "together"]
