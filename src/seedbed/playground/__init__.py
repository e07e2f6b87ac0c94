"""The playground: change a setting, train, and watch. A trainer process stays, with its workers and their compiled programs.

settings.py   what the page asks for, as named runs
messages.py   messages between a page's server and the trainer
trainer.py    the trainer: `python -m seedbed.playground.trainer HOME`
answering.py  predictions in a process of its own, for networks that a browser does not compute
session.py    the server's side: starts the trainer, and keeps what it last said
"""

from seedbed.playground.session import PlaygroundSession
from seedbed.playground.settings import PlaygroundRequest

__all__ = ["PlaygroundRequest", "PlaygroundSession"]
