"""Homes with runs that were never trained, and requests to the page without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from seedbed import data
from seedbed.groups.naming import group_name
from seedbed.records import History, ModelFacts, Result, Seconds, Verdict
from seedbed.runs import FinishedRun, NamedRun, RunStore
from seedbed.specs import DataSpec, Dense, Plan, RunSpec
from seedbed.web import Access, RequestLimits, application
from seedbed.web.guard import Guard

TOKEN = "the-token-of-the-page"
OWN = {"host": "127.0.0.1:8000"}
CHANGE = {**OWN, "origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin", "x-seedbed-token": TOKEN}

T = TypeVar("T")

HOSTILE = '<img src=x onerror="alert(1)">&"\''


def entry(group: str, seed: int = 0, *, hidden: int = 16, l2: float = 0.0, several: bool = True) -> NamedRun:
    spec = data.resolve(DataSpec(name="digits"))
    run = RunSpec(model=Dense(hidden=(hidden,)), plan=Plan(epochs=6, l2=l2), data=spec, seed=seed)
    return NamedRun(f"{group}.{seed}" if several else group, group, run)


def rows(epochs: int, accuracy: float = 0.95, first: int = 1) -> list[dict[str, float]]:
    """Metrics of epochs that approach an accuracy."""
    return [
        {
            "train_loss": 2.0 / epoch,
            "train_penalty": 0.0,
            "train_accuracy": accuracy - 0.4 / epoch,
            "validation_loss": 2.1 / epoch,
            "validation_accuracy": accuracy - 0.5 / epoch,
            "seconds": 0.01,
            **{f"{kind}/dense_0": 0.1 for kind in ("saturation", "gradient", "weights", "update")},
        }
        for epoch in range(first, first + epochs)
    ]


def finished(of: NamedRun, accuracy: float = 0.95, epochs: int = 6, *, predictions: bool = True) -> FinishedRun:
    """A run that is right on about this share of the validation images."""
    dataset = data.load(of.run.data)
    facts = dataset.facts()
    labels = dataset.validation.labels
    random = np.random.default_rng(of.run.seed)
    shares = random.dirichlet(np.ones(10), size=len(labels)).astype(np.float32) * 0.4
    answers = np.where(random.random(len(labels)) < accuracy, labels, (labels + 1) % 10)
    shares[np.arange(len(labels)), answers] += 0.6
    kept = {"validation_probabilities": shares, "last_validation_probabilities": shares, "validation_labels": labels}
    result = Result(
        of.name,
        of.group,
        of.run,
        ModelFacts(1210, 2400, 16),
        facts,
        History.from_rows(rows(epochs, accuracy)),
        Verdict("good_fit", "It learned.", "Nothing to do."),
        Seconds(0.5, 1.5, 2.0),
        "cpu",
    )
    return FinishedRun(of, result, 16.0, predictions=kept if predictions else {})


def home(root: Path, groups: Mapping[str, float], seeds: int = 2) -> RunStore:
    """A home with a group of finished runs for each name, at its accuracy."""
    store = RunStore(root)
    entries = {
        group: [entry(group, seed, hidden=16 + 8 * place) for seed in range(seeds)] for place, group in enumerate(groups)
    }
    with store.claim([each for some in entries.values() for each in some]):
        for group, some in entries.items():
            for each in some:
                store.append(each.name, rows(6, groups[group]))
            store.finish(*(finished(each, groups[group]) for each in some))
    return store


def swept(root: Path, penalties: Sequence[float] = (0.0, 0.001)) -> RunStore:
    """A home with a sweep named `s` of two widths by some penalties with two seeds each, none of it trained."""
    store = RunStore(root)
    settings = [(hidden, l2) for hidden in (8, 16) for l2 in penalties]
    for hidden, l2 in settings:
        group = group_name("s", {"hidden": (hidden,), "l2": l2})
        some = [entry(group, seed, hidden=hidden, l2=l2) for seed in range(2)]
        with store.claim(some):
            for each in some:
                store.append(each.name, rows(6, 0.9))
            store.finish(*(finished(each, 0.9 + hidden / 200) for each in some))
    return store


def many(root: Path, count: int) -> RunStore:
    """A home with this number of finished runs, copies of one."""
    first = home(root, {"many": 0.9}, seeds=1).folder("many.0")
    for number in range(1, count):
        folder = root / f"many.{number}"
        folder.mkdir()
        for file in ("run.json", "metrics.jsonl"):
            (folder / file).write_bytes((first / file).read_bytes())
    return RunStore(root)


class Training:
    """A run that is being trained, epoch by epoch, by hand."""

    def __init__(self, store: RunStore, name: str = "live") -> None:
        self.store, self.entry = store, entry(name, several=False)
        self._held = ExitStack()
        self._held.enter_context(store.claim([self.entry]))
        self.epochs = 0

    def epoch(self) -> None:
        self.epochs += 1
        self.store.append(self.entry.name, rows(1, first=self.epochs))

    def end(self) -> None:
        self.store.finish(finished(self.entry, epochs=self.epochs))
        self._held.close()


# Requests


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


def app_of(store: RunStore, access: Access | None = None, **limits: Any) -> Guard:
    """The application, unlimited unless said otherwise."""
    return application(store, access or Access(TOKEN), limits=RequestLimits(**{"rate": 1e9, "burst": 10**9, **limits}))


def ask(
    app: Guard,
    path: str,
    query: str = "",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | list[bytes] | None = None,
) -> Answer:
    """Ask as the server would; without headers, as a program of this machine."""
    return run(asked(app, path, query, method, {**OWN, **(headers or {})}, body))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: the browser's library keeps a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def asked(
    app: Guard, path: str, query: str, method: str, headers: Mapping[str, str], body: bytes | list[bytes] | None
) -> Answer:
    pieces = [body] if isinstance(body, bytes) else list(body or [])
    given = {**headers, **({"transfer-encoding": "chunked"} if body is not None else {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode("utf-8", "surrogatepass"),
        "headers": [(name.encode(), value.encode("utf-8", "surrogatepass")) for name, value in given.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
        "root_path": "",
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.001)
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
        await asyncio.sleep(3600)
        raise AssertionError("no one waits so long")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)  # type: ignore[arg-type]
    start = next(message for message in sent if message["type"] == "http.response.start")
    content = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Answer(start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, content)
