"""The context of a study: it requests groups, and gets them trained; it measures, and counts the time.

A study is a generator. Where it needs runs it yields requests, and is sent the groups; where it needs something that trains by
itself, such as a search, it yields `Work`, and is sent the outcome. So the requests of several studies are trained together,
and each study runs once, from its first line to its last. A study that needs no more runs yields `TRAINED`: what is left of
it, to compute and draw its answer, is done while others train.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from seedbed.errors import Interrupted, StatisticsError
from seedbed.groups import Contrast, Difference, Group, Request, differences, train_groups
from seedbed.groups.fields import Setting, applied
from seedbed.groups.naming import setting_name
from seedbed.records import Result
from seedbed.runs import RunStore
from seedbed.specs import RunSpec
from seedbed.studies.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seedbed.scheduler import Execution

T = TypeVar("T")

MOST = 5
"""The number of contrasts that a study may announce."""


@dataclass(frozen=True)
class Work:
    """Something that trains by itself, done once for each key."""

    key: Hashable
    do: Callable[[], Any]


class Trained:
    """Says that no more runs and no more work are needed."""


TRAINED = Trained()

Steps = Generator[Sequence[Request] | Work | Trained, Any, T]
"""Requests groups and work, is sent them, and returns a T."""


def request(setting: Mapping[str, Any], run: RunSpec) -> Request:
    """Request a setting; its runs are named by their spec alone, whichever study requests them.

    Args:
        setting: the fields that the study varies, with their values; shown in tables, on axes and in results.json.
        run: the run to train.
    """
    return Request(setting_name(run), run, (), dict(setting))


def requests(base: RunSpec, settings: Iterable[Setting]) -> list[Request]:
    """Request a base with each of several settings: a list of field -> value, or a whole `sweeps.Grid`."""
    return [request(setting, applied(base, setting)) for setting in settings]


class StudyTrainer:
    """Trains the requests of studies in a home, and remembers the groups that it has read there.

    Half-done runs of a study are always resumed: no other command uses their names. As a context manager it keeps its workers
    from one call to the next.

    Args:
        execution: how and where runs are trained; always with `resume`.
    """

    def __init__(self, execution: Execution) -> None:
        self.execution = replace(execution, resume=True)
        self._groups: dict[tuple[str, tuple[int, ...]], Group] = {}
        self._done: dict[Hashable, Any] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.execution = self._open.enter_context(self.execution.standing())
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def home(self) -> RunStore:
        return self.execution.home

    def train(self, asked: Sequence[Request]) -> list[Group]:
        """The groups of all requests; missing runs are trained in one call.

        Raises:
            SeedbedError: as `train_runs` raises them.
        """
        new = list({_key(each): each for each in asked if _key(each) not in self._groups}.values())
        if new:
            with _resumable():
                groups = train_groups(new, self.execution)
            self._groups |= {_key(each): group for each, group in zip(new, groups, strict=True)}
        return [replace(self._groups[_key(each)], setting=each.setting) for each in asked]

    def do(self, work: Work) -> Any:
        """The outcome of work, which is done once for each key."""
        if work.key not in self._done:
            self._done[work.key] = work.do()
        return self._done[work.key]

    def run(self, steps: Steps[T]) -> T:
        """Run steps to their end, and return their result."""
        answer: Any = None
        with closing(steps):
            while True:
                try:
                    asked = steps.send(answer)
                except StopIteration as end:
                    outcome: T = end.value
                    return outcome
                match asked:
                    case Trained():
                        answer = None
                    case Work():
                        answer = self.do(asked)
                    case _:
                        answer = self.train(asked)


def side_by_side(several: Sequence[Steps[T]], on_end: Callable[[T], None] = lambda _: None) -> Steps[list[T]]:
    """Run several steps side by side: their requests are made together, and work is done where no runs are requested.

    Steps that are `TRAINED` come to their ends in another thread, one after the other, while others train or work. Who closes
    this before its end waits for the one that is under way: no process may end while a thread of it compiles.

    Args:
        several: the steps.
        on_end: called with each outcome, in the thread that runs these steps.
    """
    ended: dict[int, T] = {}
    ending: dict[int, Future[T]] = {}
    asked: dict[int, Sequence[Request] | Work] = {}
    answers: dict[int, Any] = dict.fromkeys(range(len(several)))
    thread = ThreadPoolExecutor(1)

    def end(place: int, outcome: T) -> None:
        ended[place] = outcome
        on_end(outcome)

    try:
        while len(ended) < len(several):
            last: list[int] = []
            for place, answer in answers.items():
                asked.pop(place, None)
                try:
                    step = several[place].send(answer)
                except StopIteration as returned:
                    end(place, returned.value)
                    continue
                if isinstance(step, Trained):
                    last.append(place)
                else:
                    asked[place] = step
            ending |= {place: thread.submit(_last, several[place]) for place in last}
            wanted = {place: step for place, step in asked.items() if not isinstance(step, Work)}
            if wanted:
                groups = iter((yield [each for requested in wanted.values() for each in requested]))
                answers = {place: [next(groups) for _ in requested] for place, requested in wanted.items()}
            elif asked:
                place, work = next(iter(asked.items()))
                answers = {place: (yield work)}
            else:
                answers = {}
            for place in [place for place, future in ending.items() if future.done() or not asked]:
                end(place, ending.pop(place).result())
    finally:
        thread.shutdown(cancel_futures=True)
    return [ended[place] for place in range(len(several))]


def _last(steps: Steps[T]) -> T:
    """The outcome of steps that need nothing more."""
    try:
        steps.send(None)
    except StopIteration as returned:
        outcome: T = returned.value
        return outcome
    raise TypeError("Steps that said that they are TRAINED ask for more.")


def _key(request: Request) -> tuple[str, tuple[int, ...]]:
    return request.name, request.seeds


@contextmanager
def _resumable() -> Iterator[None]:
    try:
        yield
    except Interrupted as stopped:
        raise Interrupted("Stopped; everything is saved. The same command resumes from here.", stopped.signal) from None


@dataclass
class StudyContext:
    """The context in which one study runs.

    Attributes:
        setup: data, seeds and extent.
        contrasts: names of the comparisons that the study has announced.
        seconds: time of the study's own measurements, without its runs (s).
        used: setting and seeds -> group, for all groups that the study has requested.
        others: runs of searches, which are no groups of the study; they count in its cost.
    """

    setup: Setup
    trainer: StudyTrainer
    contrasts: tuple[str, ...] = ()
    seconds: float = 0.0
    used: dict[tuple[str, tuple[int, ...]], Group] = field(default_factory=dict)
    others: list[Result] = field(default_factory=list)
    _decided: bool = False

    @property
    def home(self) -> RunStore:
        return self.trainer.home

    def train(self, asked: Sequence[Request], seeds: Sequence[int] | None = None) -> Steps[list[Group]]:
        """The groups of these settings with the study's seeds, or others; trained where they are missing, else read."""
        seeded = [self.setup.seeded(each, seeds) for each in asked]
        groups: list[Group] = (yield seeded) if seeded else []
        for each, group in zip(seeded, groups, strict=True):
            self.used.setdefault(_key(each), group)
        return groups

    def confirm(self, asked: Sequence[Request]) -> Steps[list[Group]]:
        """The groups of these settings with fresh seeds: a setting selected for its mean is evaluated on other runs."""
        return self.train(asked, self.setup.fresh)

    def trained(self) -> Steps[None]:
        """Say that the study needs no more runs: what follows may be done in another thread, while others train."""
        yield TRAINED

    def do(self, key: Hashable, work: Callable[[], T]) -> Steps[T]:
        """The outcome of something that trains by itself, done once for each key, whichever study requests it."""
        outcome: T = yield Work(key, work)
        return outcome

    def decide(self, contrasts: Sequence[Contrast]) -> list[Difference]:
        """Decide the study's contrasts: once, and only those that it announced.

        Raises:
            StatisticsError: a contrast that was not announced, one twice, or a second call.
        """
        names = [each.name for each in contrasts]
        alien = [name for name in names if name not in self.contrasts]
        if alien or self._decided or len(set(names)) < len(names):
            why = f"{alien[0]!r} was not announced" if alien else "they were decided already, or one is there twice"
            raise StatisticsError(f"A study's contrasts are announced beforehand and decided once; {why}.")
        self._decided = True
        return differences(contrasts)
