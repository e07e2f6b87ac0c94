"""A process for one piece of work: `python -m seedbed.background KIND`, with what it is given as JSON on standard input.

It writes lines of progress to standard error, and the result into the cache.
"""

from __future__ import annotations

import sys

from seedbed import storage
from seedbed.background.kinds import KINDS
from seedbed.background.work import BackgroundWork
from seedbed.errors import SeedbedError
from seedbed.records import finite


def main() -> int:
    """Do the work that the command line names; returns the exit code."""
    import json

    work = BackgroundWork(sys.argv[1], sys.stdin.read())
    try:
        result = KINDS[work.kind](lambda line: print(line, file=sys.stderr, flush=True), **json.loads(work.given))
        storage.write_json(work.file, {"result": finite(result)})
    except SeedbedError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
