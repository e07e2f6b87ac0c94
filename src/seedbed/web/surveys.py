"""Surveys of data sets in processes of their own, since they take seconds to minutes; kept in the cache by their content.

`python -m seedbed.web.surveys NAME` is such a process: it writes lines of progress to stderr, and the survey into the cache.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seedbed import data, figures, storage
from seedbed.data import Dataset
from seedbed.devices import cache_folder
from seedbed.errors import SeedbedError, StorageError
from seedbed.names import checked_name
from seedbed.records import finite
from seedbed.specs import DataSpec
from seedbed.visualize import drawing, sentences, survey
from seedbed.web.events import Hub

FORMAT = 1
MOST_BYTES = 64 << 20


class Surveys:
    """The surveys of a server, at most one in the making for each data set."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._doing: dict[str, str] = {}
        self._lock = threading.Lock()

    def find(self, digest: str) -> Mapping[str, Any] | None:
        """The survey of this content, if it was made before."""
        try:
            found = storage.read_json(_file(digest), MOST_BYTES)
        except StorageError:
            return None
        return found if isinstance(found, dict) and found.get("format") == FORMAT else None

    def doing(self, name: str) -> str:
        """What the survey of a data set is doing; empty if none is made."""
        return self._doing.get(name, "")

    def begin(self, name: str) -> None:
        """Begin to survey a data set, unless that is going on."""
        with self._lock:
            if name in self._doing:
                return
            self._doing[name] = "starting"
        threading.Thread(target=self._make, args=(name,), name=f"survey of {name}", daemon=True).start()

    def _make(self, name: str) -> None:
        problem = ""
        try:
            problem = self._made(name)
        finally:
            self._doing.pop(name, None)
            self._hub.publish("data", {"data": name, "done": True, "problem": problem})

    def _made(self, name: str) -> str:
        """Make the survey; returns what went wrong."""
        command = [sys.executable, "-m", "seedbed.web.surveys", checked_name(name)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr
            last = ""
            for line in process.stderr:
                last = line.strip()
                self._doing[name] = last
                self._hub.publish("data", {"data": name, "done": False, "doing": last})
        return last if process.returncode else ""


def _file(digest: str) -> Path:
    return cache_folder() / "surveys" / f"{checked_name(digest)}.json"


def plain_survey(dataset: Dataset, on_event: Callable[[str], None]) -> dict[str, Any]:
    """Survey a data set, as JSON values: sentences, pictures as addresses for light and dark pages, and charts."""
    facts = survey(dataset, on_event)
    pictures = {
        name: {mode: figures.picture_address(png) for mode, png in themed.items()}
        for name, themed in drawing.grids(facts).items()
    }
    charts = {name: {**figures.specification(chart), "config": {}} for name, chart in drawing.charts(facts).items()}
    plain: dict[str, Any] = finite(
        {"format": FORMAT, "sentences": sentences.write(facts), "pictures": pictures, "charts": charts}
    )
    return plain


def main() -> int:
    """Survey the data set that the command line names."""
    try:
        dataset = data.load(DataSpec(name=sys.argv[1]))
        plain = plain_survey(dataset, lambda line: print(line, file=sys.stderr, flush=True))
        storage.write_json(_file(dataset.spec.digest), plain)
    except SeedbedError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
