"""Whole commands, their disk failing or their process dying at every change that they make on it.

`COMMANDS` is the table: a command that trains and writes files is tested by one line there.
"""

from __future__ import annotations

import contextlib
import functools
import io
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from faults import Died, Kind, faulty
from hostile.engine import check_sound, install, leftovers, outcome
from hostile.pictures import hashed
from report.samples import HERE as MACHINE
from seedbed import scheduler, storage, studies
from seedbed.cli import frame
from seedbed.figures import drawing
from seedbed.report import making
from seedbed.runs import RunStore
from seedbed.searches import latency
from seedbed.searches.latency import Latency
from seedbed.studies.answers import AnswerPart, Cost, Study
from seedbed.studies.context import Steps, StudyContext
from studies.samples import SMALL


@dataclass(frozen=True)
class Command:
    """A command line whose results lie in the home and in a folder of files.

    Attributes:
        arguments: without `--home`; the same command a second time goes on.
        before: of the command that wrote into the same folder earlier; its files are the old state. Where there was none, the
            folder is not there.
        folder: what it writes, below the working directory.
        alike: both write files of the same names; otherwise one of the earlier command's has to go.
        least: it changes the disk more often than so while it writes them.
    """

    arguments: tuple[str, ...]
    before: tuple[str, ...] | None
    folder: str
    alike: bool = False
    least: int = 30


HERE = ("--device", "cpu", "--workers", "1")
PREVIEW = ("--data", "digits", "--quick", "--seeds", "2", *HERE)
SEARCH = ("search", "--budget", "units=4", "--data", "digits", *HERE, "--epochs", "1", "--finalists", "1", "--seeds", "2")
TINY = ("--data", "digits", "--epochs", "1", "--batch-size", "256", "--device", "cpu", "--workers", "1", "--resume")
COMMANDS = {
    "train": Command(
        ("train", "-m", "t", *TINY, "--hidden", "2", "--seeds", "2"), None, "home/t.0/figures", alike=True, least=20
    ),
    "sweep": Command(
        ("sweep", "-m", "s", *TINY, "--seeds", "2", "--set", "hidden=2", "--set", "hidden=3"),
        ("sweep", "-m", "s", *TINY, "--seeds", "1", "--set", "hidden=2", "--set", "l2=0,1e-3"),
        "sweeps/s",
    ),
    "study": Command(
        ("study", "small", *PREVIEW, "-o", "answers/a.html"),
        ("study", "other", *PREVIEW, "-o", "answers/a.html"),
        "answers",
    ),
    "report": Command(
        ("report", "--studies", "small", *PREVIEW, "-o", "answers/a.html"),
        ("report", "--studies", "other", *PREVIEW, "-o", "answers/a.html"),
        "answers",
    ),
    "search": Command(
        (*SEARCH, "-m", "s", "--trials", "3", "--resume", "--out", "found"),
        (*SEARCH, "-m", "t", "--trials", "4", "--pareto", "--resume", "--out", "found"),
        "found",
        alike=True,
    ),
}
STEPS: dict[Kind, int] = {"dies": 17, "fails": 23, "full": 23}
"""How far apart the changes are that are hit while files are written; primes, so that no period of the changes hides one."""
WHILE_TRAINING = 181

LAST: dict[Kind, int] = {"dies": 9, "fails": 3, "full": 3}
"""So many changes at the end are all hit: there the file is written that stands for all others."""

Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch)


def _install(patch: pytest.MonkeyPatch) -> None:
    """The engine in this process, with a save after every segment; a chart is drawn as the hash of what it shows, for drawing
    is not what is tested."""
    install(patch)
    patch.setattr(scheduler, "train_runs", functools.partial(scheduler.train_runs, save_every=0.0))
    patch.setattr(drawing, "draw", hashed)
    patch.setattr(studies, "find", STUDIES.__getitem__)
    patch.setattr(making, "chosen", lambda names: [STUDIES[name] for name in names])
    patch.setattr(making, "examine", lambda *_: MACHINE)
    patch.setattr(Cost, "of", classmethod(lambda cls, results, beside=0.0: cls(len(results))))
    patch.setattr(latency, "latencies", lambda networks, _: [Latency(1.0, (1.0, 1.0), 1.0, (1.0, 1.0), 1, "")] * len(networks))


def _named(name: str) -> Study:
    """The small study under another name, with a figure of another name."""

    def parts(study: StudyContext) -> Steps[list[AnswerPart]]:
        made = yield from SMALL.parts(study)
        return [replace(part, figures=[replace(part.figures[0], name=f"{name}_means")]) for part in made]

    return replace(SMALL, name=name, parts=parts)


STUDIES = {name: _named(name) for name in ("small", "other")}


def _run(place: Path, arguments: Sequence[str]) -> tuple[int, str]:
    """In a working directory with its home; exit code and standard error."""
    place.mkdir(parents=True, exist_ok=True)
    told = io.StringIO()
    with contextlib.chdir(place), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
        code = frame.run([*arguments, "--home", "home"])
    return code, told.getvalue()


def _files(place: Path, command: Command) -> Files:
    folder = place / command.folder
    return {str(path.relative_to(folder)): _timeless(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _timeless(path: Path) -> bytes:
    """A file's content without the seconds that its runs took."""
    content = re.sub(rb'"seconds": [0-9.e-]+', b"", path.read_bytes())
    if path.name not in ("runs.csv", "trials.csv"):
        return content
    return b"\n".join(line.rpartition(b",")[0] for line in content.splitlines())


@dataclass(frozen=True)
class States:
    """What there is before a command and after it, undisturbed."""

    command: Command
    place: Path
    old: Files
    new: Files
    changes: list[str]

    def fresh(self, place: Path) -> Path:
        """A copy where all is trained and the files of the earlier command lie."""
        shutil.copytree(self.place / "trained", place)
        return place

    def untrained(self, place: Path) -> Path:
        """Only the files of the earlier command."""
        if self.command.before:
            shutil.copytree(self.place / "files", place / self.command.folder)
        return place


@pytest.fixture(scope="module", params=COMMANDS)
def states(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> States:
    command, place = COMMANDS[request.param], tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        _install(patch)
        assert _run(place / "whole", command.arguments)[0] == 0
        shutil.rmtree(place / "whole" / command.folder)
        if command.before:
            assert _run(place / "whole", command.before)[0] == 0
            shutil.copytree(place / "whole" / command.folder, place / "files")
        old = _files(place / "whole", command)
        assert _run(place / "whole", command.arguments)[0] == 0
        new = _files(place / "whole", command)
        shutil.copytree(place / "whole", place / "trained")
        shutil.rmtree(place / "trained" / command.folder)
        if command.before:
            shutil.copytree(place / "files", place / "trained" / command.folder)
        with faulty(10**9, "fails") as struck:
            shutil.copytree(place / "trained", place / "counted")
            assert _run(place / "counted", command.arguments)[0] == 0
    assert _files(place / "counted", command) == new != old
    assert command.alike or old.keys() - new.keys(), "no file of the earlier command has to go"
    return States(command, place, old, new, struck.changes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fails", "full", "dies"])
def test_a_fault_while_files_are_written_leaves_old_ones_or_new_ones(
    tmp_path: Path, states: States, kind: Kind, step_of: Callable[[int], int]
) -> None:
    assert len(states.changes) > states.command.least
    step = step_of(STEPS[kind])
    last = len(states.changes)
    for number in sorted(
        {*range(min(1 + 2 * (kind == "full"), step), last + 1, step), *range(last + 1 - LAST[kind], last + 1)}
    ):
        place = states.fresh(tmp_path / str(number))
        struck = _struck(number, kind, lambda at=place: _run(at, states.command.arguments))
        where = f"change {number}: {struck[-3:]}"
        for name, content in _files(place, states.command).items():
            if not Path(name).name.startswith((storage.TEMPORARY, ".lock")):
                assert content in (states.old.get(name), states.new.get(name)), f"{where}: {name}"
        check_sound(place / "home")
        assert _run(place, states.command.arguments)[0] == 0, where
        assert _files(place, states.command) == states.new, where
        shutil.rmtree(place)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fails", "dies"])
def test_a_fault_while_it_trains_costs_no_bit(
    tmp_path: Path, states: States, kind: Kind, step_of: Callable[[int], int]
) -> None:
    names = [each.name for each in RunStore(states.place / "counted" / "home").listing()]
    expected = outcome(states.place / "counted" / "home", names)
    step = step_of(WHILE_TRAINING)
    number, reached = 1 if kind == "fails" else max(1, step // 2), True
    while reached:
        place = states.untrained(tmp_path / str(number))
        struck = _struck(number, kind, lambda at=place: _run(at, states.command.arguments))
        reached = len(struck) >= number
        if (place / "home").exists():
            check_sound(place / "home")
        assert _run(place, states.command.arguments)[0] == 0
        trained = [each.name for each in RunStore(place / "home").listing()]
        assert outcome(place / "home", trained) == {name: expected[name] for name in trained}, f"change {number}: {struck[-3:]}"
        assert _files(place, states.command) == states.new, f"change {number}: {struck[-3:]}"
        assert leftovers(place / "home") == []
        shutil.rmtree(place)
        number += step


def _struck(number: int, kind: Kind, work: Callable[[], tuple[int, str]]) -> list[str]:
    """Does the work with its fault; a command that fails says so in one line. Returns the changes that it asked for."""
    with faulty(number, kind) as struck:
        try:
            code, told = work()
        except Died:
            assert kind == "dies"
            return struck.changes
    assert code == 0 or told.splitlines()[-1].startswith("error: "), told
    assert "not foreseen" not in told
    assert code in (0, 1), told
    return struck.changes
