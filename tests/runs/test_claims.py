from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faults import faulty
from runs.samples import WEIGHTS, entry, finish, grown, rows
from seedbed import storage
from seedbed.errors import CorruptFile, HomeInUse, RunError, RunExists, RunHalfDone, SpecError, StorageError
from seedbed.runs import NamedRun, RunStore
from seedbed.specs import RunSpec

TESTS = Path(__file__).parents[1]


def _half_done(root: Path, name: str = "a", epochs: int = 2) -> RunStore:
    home = RunStore(root)
    with home.claim([entry(name)]):
        home.append(name, rows(epochs))
    return home


def test_absent_runs_are_to_be_done_and_held(tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    entries = [entry("a.0", group="a"), entry("a.1", group="a", seed=1)]
    with home.claim(entries) as claim:
        assert claim.todo == tuple(entries)
        assert (claim.half_done, claim.done) == (frozenset(), {})
        assert {home.status("a.0"), home.status("a.1")} == {"running"}
    assert {home.status("a.0"), home.status("a.1")} == {"interrupted"}


def test_a_finished_run_of_the_same_identity_is_done_and_untouched(tmp_path: Path) -> None:
    home = grown(tmp_path, entry("a"))
    before = (tmp_path / "a" / "run.json").read_bytes()
    with home.claim([entry("a"), entry("b")]) as claim:
        assert [each.name for each in claim.todo] == ["b"]
        assert claim.done["a"].run.identity == entry().run.identity
        assert claim.done["a"].history.epochs == 3
    assert (tmp_path / "a" / "run.json").read_bytes() == before


def test_a_half_done_run_says_how_to_resume(tmp_path: Path) -> None:
    home = _half_done(tmp_path)
    with pytest.raises(RunHalfDone, match=r"'a' was interrupted after 2 epochs\. Continue with --resume"):
        home.claim([entry()])


def test_a_half_done_run_is_resumed_with_its_metrics(tmp_path: Path) -> None:
    home = _half_done(tmp_path)
    with home.claim([entry()], resume=True) as claim:
        assert claim.half_done == {"a"}
        assert home.epochs("a") == 2
        assert home.status("a") == "running"


def test_a_run_that_failed_on_its_way_is_never_begun_anew_in_silence(tmp_path: Path) -> None:
    home = _half_done(tmp_path)
    home.mark(["a"], "failed", "no space")
    with pytest.raises(RunHalfDone, match=r"'a' failed \(no space\) after 2 epochs\. Continue with --resume"):
        home.claim([entry()])
    with home.claim([entry()], resume=True) as claim:
        assert (claim.half_done, home.epochs("a")) == ({"a"}, 2)


def test_a_run_that_failed_before_its_first_epoch_begins_anew(tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    with home.claim([entry()]):
        home.mark(["a"], "failed", "out of memory")
    with home.claim([entry()]) as claim:
        assert (claim.half_done, home.epochs("a")) == (frozenset(), 0)


@pytest.mark.parametrize("finished", [True, False])
def test_other_settings_under_the_name_are_shown(tmp_path: Path, finished: bool) -> None:
    home = grown(tmp_path, entry()) if finished else _half_done(tmp_path)
    for resume in (True, False):
        with pytest.raises(RunExists, match=r"\(plan\.l2: 0\.0 there, 0\.5 here; seed: 0 there, 3 here\).*--replace"):
            home.claim([entry(l2=0.5, seed=3)], resume=resume)


def test_replace_begins_anew(tmp_path: Path) -> None:
    home = grown(tmp_path, entry())
    storage.write(tmp_path / "a" / "figures" / "old.png", b"")
    with home.claim([entry(l2=0.5)], replace=True) as claim:
        assert len(claim.todo) == 1
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["run.json"]


def test_nothing_is_changed_when_one_of_many_is_refused(tmp_path: Path) -> None:
    home = grown(tmp_path, entry("b"))
    with pytest.raises(RunExists):
        home.claim([entry("a"), entry("b", l2=0.5)])
    assert [each.name for each in home.listing()] == ["b"]


def test_a_groups_runs_differ_only_in_seed(tmp_path: Path) -> None:
    home = grown(tmp_path, *(entry(f"a.{seed}", group="a", seed=seed) for seed in range(3)))
    with home.claim([entry("a.3", group="a", seed=3)]) as claim:
        finish(home, claim.todo[0])
    other = entry("a.4", group="a", seed=4, l2=0.5)
    with pytest.raises(RunExists, match=r"'a\.0' exists with other settings \(plan\.l2: 0\.0 there, 0\.5 here\)"):
        home.claim([other])
    home.claim([other], replace=True).close()
    assert [each.name for each in home.listing()] == ["a.4"]


def test_a_name_is_one_run_or_a_group_but_not_both(tmp_path: Path) -> None:
    home = grown(tmp_path, entry("a"), entry("b.0", group="b"), entry("ab"))
    for claimed in (entry("a.1", group="a", seed=1), entry("b", seed=1)):
        with pytest.raises(RunExists, match="one run and a group of seeds at once"):
            home.claim([claimed])


def test_names_that_some_systems_cannot_tell_apart_are_refused(tmp_path: Path) -> None:
    home = grown(tmp_path, entry("net"))
    with pytest.raises(RunExists, match="'net' exists, which some systems do not distinguish from 'Net'"):
        home.claim([entry("Net")])
    with pytest.raises(RunError, match="given twice"):
        home.claim([entry("x"), entry("X", seed=1)])


@pytest.mark.parametrize("name", ["../x", "", "a/b", "-rf", ".hidden", "con", "a\n", "x" * 101, "<b>", "a."])
def test_hostile_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError):
        NamedRun(name, "a", RunSpec())
    with pytest.raises(SpecError):
        NamedRun("a", name, RunSpec())
    home = grown(tmp_path, entry())
    for method in (home.find, home.folder, home.remove, home.status, home.predictions, home.load_population):
        with pytest.raises(SpecError):
            method(name)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    storage.write(tmp_path / "a" / "thesis.tex", b"years of work")
    for replace in (True, False):
        with pytest.raises(RunExists, match="no run of seedbed"):
            RunStore(tmp_path).claim([entry()], replace=replace)
    assert (tmp_path / "a" / "thesis.tex").read_bytes() == b"years of work"


def test_a_damaged_run_is_an_error_until_it_is_replaced(tmp_path: Path) -> None:
    home = grown(tmp_path, entry())
    (tmp_path / "a" / "run.json").write_text("{")
    with pytest.raises(CorruptFile):
        home.claim([entry()])
    with home.claim([entry()], replace=True) as claim:
        assert claim.todo == (entry(),)


def test_a_home_that_cannot_be_written_is_an_error_before_training(tmp_path: Path) -> None:
    with faulty(1, "full"), pytest.raises(StorageError, match="no space"):
        RunStore(tmp_path / "home").claim([entry()])


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs a mount namespace")
def test_a_home_mounted_read_only_is_one_line(tmp_path: Path) -> None:
    grown(tmp_path / "home", entry("b"))
    code = (
        "import sys; from pathlib import Path; from seedbed.runs import RunStore; from seedbed.errors import StorageError\n"
        "from runs.samples import entry\n"
        "home = RunStore(Path(sys.argv[1]))\n"
        "assert [each.name for each in home.results()] == ['b']\n"
        "try: home.claim([entry()])\n"
        "except StorageError as error: print(error)"
    )
    bind = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$1" -c "$2" "$0"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", bind, str(tmp_path / "home"), sys.executable, code],
        capture_output=True,
        text=True,
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip("no mount namespace here")
    assert "not allowed to lock" in done.stdout, done.stderr
    assert "--home DIR" in done.stdout


# Two processes

HOLD = (
    "import sys; from pathlib import Path; from seedbed.runs import RunStore; from runs.samples import entry, rows\n"
    "home = RunStore(Path(sys.argv[1]))\n"
    "claim = home.claim([entry('a'), entry('b')])\n"
    "home.append('a', rows(2))\n"
    "print('held', flush=True); sys.stdin.read()"
)


def _start(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )


def test_the_second_process_learns_who_trains_and_takes_over_when_it_is_killed(tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    with _start(HOLD, tmp_path) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        assert home.status("a") == "running"
        for attempt in (
            lambda: home.claim([entry("b")], resume=True),
            lambda: home.claim([entry("b")], replace=True),
            lambda: home.remove("b"),
        ):
            with pytest.raises(HomeInUse, match=rf"Run 'b' is in use by pid {owner.pid} on host "):
                attempt()
        home.claim([entry("c")]).close()
        owner.kill()
        owner.wait()
    assert home.status("a") == "interrupted"
    with home.claim([entry("a"), entry("b")], resume=True) as claim:
        assert claim.half_done == {"a", "b"}
        home.cut("a", 1)
        finish(home, entry("a"))
    assert len(list((tmp_path / ".locks").iterdir())) == 0


GROW = (
    "import sys; from pathlib import Path; from runs.samples import *\n"
    "home, number = RunStore(Path(sys.argv[1])), sys.argv[2]\n"
    "sys.stdin.readline()\n"
    "for each in (entry(f'r{number}.{seed}', group=f'r{number}', seed=seed) for seed in range(3)):\n"
    "    with home.claim([each]):\n"
    "        home.append(each.name, rows(1))\n"
    "        finish(home, each)\n"
    "    home.look(each.name, {'number': number})\n"
)


def test_processes_that_finish_runs_at_once_are_all_listed_and_none_twice(tmp_path: Path) -> None:
    growers = [_start(GROW, tmp_path, number) for number in range(5)]
    for grower in growers:
        assert grower.stdin is not None
        grower.stdin.write("\n")
        grower.stdin.flush()
    for grower in growers:
        with grower:
            assert grower.wait() == 0
    expected = [f"r{number}.{seed}" for number in range(5) for seed in range(3)]
    home = RunStore(tmp_path)
    assert [each.name for each in home.results()] == expected
    assert sorted(look["run"] for look in home.looks()) == expected


KILLED = (
    "import sys; from pathlib import Path; from runs.samples import *\n"
    "home = RunStore(Path(sys.argv[1]))\n"
    "with home.claim([entry()], resume=True) as claim:\n"
    "    saved = home.load_population('p', print)\n"
    "    epoch = saved[1]['epoch'] if saved else 0\n"
    "    home.cut('a', epoch)\n"
    "    print('go', flush=True)\n"
    "    for epoch in range(epoch, 100_000):\n"
    "        home.append('a', rows(epoch % 7 + 1)[-1:])\n"
    "        if epoch % 3 == 2:\n"
    "            arrays = {name: array + epoch + 1 for name, array in WEIGHTS.items()}\n"
    "            home.save_population('p', arrays, {'epoch': epoch + 1, 'runs': ['a']})\n"
)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_killed_again_and_again_no_epoch_is_lost_or_doubled(tmp_path: Path) -> None:
    home, reached = RunStore(tmp_path), 0
    for milliseconds in (3, 11, 29, 47):
        with _start(KILLED, tmp_path) as trainer:
            assert trainer.stdout is not None
            assert trainer.stdout.readline() == "go\n"
            with pytest.raises(subprocess.TimeoutExpired):
                trainer.wait(milliseconds / 1000)
            trainer.send_signal(signal.SIGKILL)
            trainer.wait()
        saved = home.load_population("p", pytest.fail)
        epoch = saved[1]["epoch"] if saved else 0
        assert epoch >= reached
        if saved:
            assert (saved[0]["dense_0/bias"] == WEIGHTS["dense_0/bias"] + epoch).all()
        found = [row["epoch"] for row in storage.read_lines(tmp_path / "a" / "metrics.jsonl")]
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= epoch
        reached = epoch
    assert reached > 0
    assert not [path for path in tmp_path.rglob("*") if re.match(r"\.gone-", path.name)]
