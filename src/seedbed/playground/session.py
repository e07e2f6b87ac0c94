"""The server's side of the playground: one trainer, started when it is first needed, and what it last said."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

from numpy.typing import NDArray

from seedbed.errors import RunError, SeedbedError
from seedbed.executor.channel import Channel, child, ended
from seedbed.playground.messages import PrepareRuns, StopTraining, TrainEntries, TrainerReady, TrainingEnded
from seedbed.playground.settings import PlaygroundRequest
from seedbed.runs import NamedRun, RunStore
from seedbed.training.events import Done, Note, Progress, Snapshot

Phase = Literal["off", "warming", "ready", "training", "stopping", "paused"]
"""What the trainer does: nothing yet, loading and compiling, waiting, training, saving; or waiting to continue a training."""

OnNews = Callable[[Mapping[str, Any]], None]


class PlaygroundSession:
    """The trainer of a home. All methods may be called from any thread.

    Args:
        home: home of the runs.
        on_news: called with what changed, in a thread of its own: `phase` and `message`; `epoch` with the `rows` of runs; or
            `weights`, the name of a run whose weights are new.
    """

    def __init__(self, home: RunStore, on_news: OnNews) -> None:
        self._home = home
        self._on_news = on_news
        self._changing = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._phase: Phase = "off"
        self._message = ""
        self._for_good = False
        self._finished = False
        self._entries: tuple[NamedRun, ...] = ()
        self._rows: dict[str, list[dict[str, float]]] = {}
        self._weights: dict[str, Snapshot] = {}

    def prepare(self, request: PlaygroundRequest) -> None:
        """Start the trainer if needed, and have it load and compile what these runs need.

        Raises:
            SpecError, UnknownDataset: the request breaks a rule.
        """
        runs = tuple(request.runs())
        with self._changing:
            if self._phase not in ("training", "stopping"):
                self._send(PrepareRuns(runs))
                self._set("paused" if self._phase == "paused" else "warming")

    def start(self, request: PlaygroundRequest) -> list[str]:
        """Train what is asked for, and return the names of the runs.

        Raises:
            SpecError, UnknownDataset: the request breaks a rule.
            RunError: a training goes on, or the name is taken.
        """
        taken = [listed.name for listed in self._home.listing()]
        entries = tuple(request.entries(taken))
        known = {name for entry in entries for name in (entry.name, entry.group)} & {*taken}
        if known:
            raise RunError(f"There is a run {min(known)!r} already. Choose another name.")
        with self._changing:
            self._check_free()
            self._entries, self._rows, self._weights = entries, {entry.name: [] for entry in entries}, {}
            self._finished = False
            self._send(TrainEntries(entries))
            self._set("training")
        return [entry.name for entry in entries]

    def others(self, request: PlaygroundRequest, taken: Sequence[str]) -> Sequence[str]:
        """Taken names without those of the last training, where that was what is asked for: its name stays in the commands.

        Raises:
            SpecError, UnknownDataset: the request breaks a rule.
        """
        with self._changing:
            own = {entry.name for entry in self._entries}
            free = [name for name in taken if name not in own]
            return free if own and tuple(request.entries(free)) == self._entries else taken

    def stop(self, *, for_good: bool = False) -> None:
        """Save and stop the training that goes on; `resume` continues it, unless it is stopped for good.

        Its runs stay in the home as interrupted ones in both cases.

        Raises:
            RunError: no training goes on.
        """
        with self._changing:
            if self._phase == "paused" and for_good:
                self._set("ready")
                return
            if self._phase != "training":
                raise RunError("No training goes on.")
            self._for_good = for_good
            self._send(StopTraining())
            self._set("stopping")

    def resume(self) -> None:
        """Continue the training that was stopped.

        Raises:
            RunError: there is none.
        """
        with self._changing:
            self._check_free()
            if not self._entries or self._phase != "paused":
                raise RunError("No training of the playground is stopped.")
            self._send(TrainEntries(self._entries, resume=True))
            self._set("training")

    def as_json(self) -> dict[str, Any]:
        """Phase, message, the runs of the current or last training with their metrics so far, which have weights, and whether
        all of it is finished."""
        with self._changing:
            return {
                "phase": self._phase,
                "message": self._message,
                "finished": self._finished,
                "runs": [
                    {"name": entry.name, "group": entry.group, "seed": entry.run.seed, "epochs": entry.run.plan.epochs}
                    for entry in self._entries
                ],
                "rows": {name: list(rows) for name, rows in self._rows.items()},
                "weights": {name: snapshot.epoch for name, snapshot in self._weights.items()},
            }

    def entry(self, name: str) -> NamedRun:
        """A run of the current or last training.

        Raises:
            RunError: none has this name.
        """
        for entry in self._entries:
            if entry.name == name:
                return entry
        raise RunError(f"The playground does not train {name!r}.")

    def weights(self, name: str) -> tuple[int, Mapping[str, NDArray[Any]]] | None:
        """The newest epoch of a run whose weights are known, and these weights; None before the first.

        Raises:
            RunError: the current or last training has no such run.
        """
        self.entry(name)
        snapshot = self._weights.get(name)
        return (snapshot.epoch, snapshot.weights) if snapshot else None

    def close(self) -> None:
        """Part from the trainer, which finishes the training that goes on; without one, end it."""
        with self._changing:
            if self._process and self._phase not in ("training", "stopping"):
                ended(self._process)
            elif self._process and self._process.stdin:
                with suppress(OSError):
                    self._process.stdin.close()

    def _check_free(self) -> None:
        if self._phase in ("training", "stopping"):
            raise RunError("A training goes on. Stop it first.")

    def _send(self, message: Any) -> None:
        """Send a message to the trainer, and start it if there is none."""
        if self._channel is None:
            self._process, self._channel = child("seedbed.playground.trainer", str(self._home.root.resolve()))
            threading.Thread(target=self._listen, args=(self._channel,), daemon=True).start()
        try:
            self._channel.send(message)
        except OSError:
            raise SeedbedError("The trainer has ended; the terminal of `seedbed serve` shows why. Try again.") from None

    def _set(self, phase: Phase, message: str = "") -> None:
        self._phase, self._message = phase, message
        self._on_news({"phase": phase, "message": message})

    def _listen(self, channel: Channel) -> None:
        while True:
            try:
                message = channel.receive()
            except (EOFError, OSError, ValueError):  # ValueError: the pipe was closed at this end
                break
            with self._changing:
                self._take(message)
        with self._changing:
            self._channel = self._process = None
            self._set("off", "The trainer has ended." if self._phase in ("training", "stopping") else "")

    def _copied(self, name: str) -> None:
        """Show a run that was not trained, since the home has one of the same settings and seed under another name."""
        [result] = self._home.find(name)
        epochs = range(1, result.history.epochs + 1)
        self._rows[name] = [result.history.row(epoch) for epoch in epochs]
        self._weights[name] = Snapshot(name, epochs[-1], self._home.weights(name, "last"))
        self._on_news({"epoch": epochs[-1], "rows": {name: self._rows[name][-1]}})
        self._on_news({"weights": name, "epoch": epochs[-1]})

    def _take(self, message: Any) -> None:
        match message:
            case Progress() if message.rows:
                for name, row in message.rows.items():
                    before = self._rows.get(name, [])[: message.epoch - 1]  # a continued training repeats some epochs
                    self._rows[name] = [*before, row]
                self._on_news({"epoch": message.epoch, "rows": message.rows})
            case Snapshot():
                self._weights[message.name] = message
                self._on_news({"weights": message.name, "epoch": message.epoch})
            case Done() if not self._rows.get(message.name):
                self._copied(message.name)
            case Note():
                self._on_news({"phase": self._phase, "message": message.text})
            case TrainingEnded():
                self._finished = message.how == "finished"
                paused = message.how == "interrupted" and not self._for_good
                reason = (
                    "" if paused or message.how == "finished" else message.reason
                )  # a pause has a button to go on, not a command
                self._set("paused" if paused else "warming", reason)
            case TrainerReady() if self._phase == "warming":
                self._set("ready", self._message)
