"""Work in processes of its own: for a server, since it takes long, or needs libraries that would stay in the server's memory.

work.py        a piece of work, its result in the cache, and the process that makes it
kinds.py       the functions that do the work, by their names
__main__.py    such a process: `python -m seedbed.background KIND`
"""

from seedbed.background.work import Background, BackgroundWork

__all__ = ["Background", "BackgroundWork"]
