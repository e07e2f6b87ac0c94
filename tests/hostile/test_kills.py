"""`seedbed train` stopped, starved and locked out, as a process with worker processes."""

from __future__ import annotations

import pickle
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hostile.engine import check_sound, entries, leftovers, outcome, recorded
from hostile.processes import LIMIT, complaint, environment, run, start, training
from seedbed.runs import RunStore
from seedbed.specs import Dense

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")

SAVING = {"save_every": 0.1}


IN_PHASES = [(phase, signal.SIGINT) for phase in ("loading", "planning", "compiling", "training", "saving", "drawing")]
IN_PHASES += [
    (phase, signal.SIGTERM) for phase in ("loading", "training")
]  # outside `train_runs`, and within: the same handlers


@pytest.mark.parametrize(("phase", "number"), IN_PHASES)
def test_a_signal_in_any_phase_ends_in_one_line_and_loses_nothing(tmp_path: Path, phase: str, number: int) -> None:
    home = tmp_path / "home"
    ended = run(*training(home, epochs=60 if phase == "drawing" else 20_000), at=phase, signal=number, save_every=0.5)
    assert ended.returncode == 128 + number, ended.stderr
    assert complaint(ended).startswith("interrupted")
    check_sound(home)
    status = {each.name: each.status for each in RunStore(home).listing()}
    assert status == {"loading": {}, "drawing": {"k": "finished"}}.get(phase, {"k": "interrupted"})
    assert len(RunStore(home).populations()) == (phase in ("training", "saving"))
    assert not list(home.rglob(".tmp-*"))


def test_the_second_signal_quits_now_even_if_the_worker_does_not_answer(tmp_path: Path) -> None:
    ended = run(*training(tmp_path), at="training", stall=True, **SAVING)
    assert ended.returncode == 130
    assert complaint(ended) == "interrupted: Stopped at once; the last save is kept. Continue from it with --resume."
    check_sound(tmp_path)


def test_a_second_process_on_the_same_run_learns_who_trains_it(tmp_path: Path) -> None:
    with start(*training(tmp_path, epochs=100_000)) as owner:
        _await_line(owner, "Training k")
        ended = run(*training(tmp_path, "--resume", epochs=100_000))
        owner.kill()
    assert ended.returncode == 1
    assert re.fullmatch(rf"error: Run 'k' is in use by pid {owner.pid} on host \S+\. .*", complaint(ended))


AT_ONCE = """
import pickle, sys
from importlib import import_module
from pathlib import Path
from seedbed.runs import RunStore
from seedbed.scheduler import Execution, train_runs
home, entry, reports = pickle.loads(Path(sys.argv[1]).read_bytes())
class Recorded:
    def __init__(self, kinds): pass
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def stop(self): pass
    def run(self, tasks):
        return ((task, report) for task in tasks for report in [*reports, None])
import_module("seedbed.executor.engine").LocalExecutor = Recorded
print("ready", flush=True)
sys.stdin.readline()
train_runs([entry], Execution(RunStore(home), device="cpu", workers=1))
"""


@pytest.mark.slow
def test_many_processes_finish_in_one_empty_home_at_once(tmp_path: Path, step_of: Callable[[int], int]) -> None:
    """Eight, or sixteen where every point is asked for."""
    number = 16 // step_of(2)
    pipe, home = subprocess.PIPE, RunStore(tmp_path / "home")
    wanted = [entries(Dense(hidden=(2,)), epochs=2, group=f"g{n}", learning_rate=1e-3 * (n + 1))[0] for n in range(number)]
    growers = []
    for entry in wanted:
        (tmp_path / entry.name).write_bytes(pickle.dumps((home.root, entry, recorded(entry))))
        command = [sys.executable, "-c", AT_ONCE, str(tmp_path / entry.name)]
        growers.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment()))
    for grower in growers:
        assert grower.stdout is not None
        assert grower.stdout.readline() == "ready\n"
    for grower in growers:
        assert grower.stdin is not None
        grower.stdin.write("\n")
        grower.stdin.flush()
    for grower in growers:
        grower.communicate()
    assert [grower.returncode for grower in growers] == [0] * number
    assert sorted(each.name for each in home.results()) == sorted(entry.name for entry in wanted)
    check_sound(home.root)
    assert leftovers(home.root) == []


def test_a_limit_on_file_size_ends_as_failed_with_no_space_and_the_run_can_go_on(tmp_path: Path) -> None:
    ended = run(*training(tmp_path, "--hidden", 100, epochs=60), file=20_000, save_every=0.0)
    assert ended.returncode == 1
    assert "no space is left" in complaint(ended)
    [listed] = RunStore(tmp_path).listing()
    assert listed.status == "failed"
    assert "no space" in listed.reason
    assert run(*training(tmp_path, "--resume", "--hidden", 100, epochs=60)).returncode == 0
    check_sound(tmp_path)


@pytest.mark.parametrize("foreseen", [True, False])
def test_a_network_larger_than_memory_fails_with_a_hint(tmp_path: Path, foreseen: bool) -> None:
    ended = run(*training(tmp_path, "--hidden", "40000,40000", epochs=1), memory=4 << 30, unforeseen=not foreseen)
    assert ended.returncode == 1
    told = "a network of 1,603,040,010 parameters" if foreseen else "the device's memory is too small for this network alone"
    assert complaint(ended).startswith(f"error: Out of memory: {told}")
    assert "Use a smaller network" in complaint(ended)
    [listed] = RunStore(tmp_path).listing()
    assert (listed.status, listed.reason[:13]) == ("failed", "Out of memory")


def _mounted(mount: str, script: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A shell script in a mount namespace of its own, where `mount` was done first; `$@` is the home."""
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", f"{mount} || exit 77; {script}", "sh", str(home)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    if ended.returncode == 77 or "unshare" in ended.stderr:
        pytest.skip("this machine lets nobody mount")
    return ended


@pytest.mark.skipif(sys.platform != "linux", reason="needs mount namespaces")
def test_a_full_disk_leaves_the_last_save_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    train = " ".join(
        map(str, [sys.executable, "-m", "hostile.child", """'{"save_every": 0.2}'""", *training(tmp_path / "home")])
    )
    full = (
        f"{train} --epochs 700; echo code $?; mount -o remount,size=20m $1; {train} --epochs 700 --resume && cp -r $1 $1-kept"
    )
    ended = _mounted("mount -t tmpfs -o size=250k tmpfs $1", full, tmp_path / "home")
    assert "code 1\n" in ended.stdout, ended.stderr
    assert "no space is left" in ended.stderr
    assert "Traceback" not in ended.stderr
    check_sound(tmp_path / "home-kept")
    assert [each.status for each in RunStore(tmp_path / "home-kept").listing()] == ["finished"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs mount namespaces")
def test_a_home_that_cannot_be_written_is_known_before_training(tmp_path: Path) -> None:
    train = " ".join(map(str, [sys.executable, "-m", "hostile.child", "'{}'", *training(tmp_path)]))
    ended = _mounted("mount --bind -o ro $1 $1 && mount -o remount,bind,ro $1", train, tmp_path)
    assert ended.returncode == 1
    assert re.fullmatch(r"error: .*: not allowed to .* \(Read-only file system\)\. Choose a folder .*", complaint(ended))
    assert "Training" not in ended.stderr


def test_without_a_gpu_asking_for_one_fails_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    ended = run(*training(tmp_path, "--device", "gpu"))
    assert ended.returncode == 1
    assert complaint(ended).startswith("error: --device gpu: no NVIDIA GPU was found on this machine")
    assert "Training" not in ended.stderr


OWN = """
import keras
def net():
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
"""


@pytest.mark.parametrize("own", [False, True], ids=["the engine's", "those that JAX keeps of a user's network"])
def test_bit_rot_in_the_programs_kept_from_before_only_costs_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    (tmp_path / "net.py").write_text(OWN)

    def command(home: Path) -> tuple[object, ...]:
        network = ("--model", f"{tmp_path / 'net.py'}:net", "--epochs", 3, "--workers", 1, "--home", home)
        return ("train", "-m", "k", "--data", "digits", *network) if own else training(home, epochs=3)

    assert run(*command(tmp_path / "a")).returncode == 0
    kept = [path for path in (tmp_path / "cache" / "programs").iterdir() if path.name.endswith("-cache") == own]
    assert len(kept) > 5 if own else len(kept) == 3
    for number, path in enumerate(kept):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content if number % 2 else content[: len(content) // 2])
    ended = run(*command(tmp_path / "b"))
    assert ended.returncode == 0, ended.stderr
    assert outcome(tmp_path / "a", ["k"]) == outcome(tmp_path / "b", ["k"])


# The user's own network

HANGS = """
import os, time
def net(where):
    if where == "driver" or "JAX_NUMPY_DTYPE_PROMOTION" in os.environ:
        while True:
            time.sleep(0.01)
    import keras
    print("built by the driver")
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
"""


@pytest.mark.parametrize(
    ("where", "note"), [("driver", "note: your function is still"), ("worker", "note: After 1 s a worker is still")]
)
def test_a_function_that_never_returns_is_told_of_and_stopped_at_once(tmp_path: Path, where: str, note: str) -> None:
    (tmp_path / "net.py").write_text(HANGS)
    own = ("train", "-m", "k", "--data", "digits", "--model", f"{tmp_path / 'net.py'}:net", "--arg", f"where={where}")
    with start(*own, "--home", tmp_path / "home", slow=1.0) as trainer:
        _await_line(trainer, note)
        trainer.send_signal(signal.SIGINT)
        out, _ = trainer.communicate(timeout=60)  # on a machine that does much else; by itself it takes two
    assert trainer.returncode == 130
    assert out == ""


def test_ctrl_c_while_the_libraries_are_loaded_is_one_line_too(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(HANGS)
    own = ("train", "-m", "k", "--data", "digits", "--model", f"{tmp_path / 'net.py'}:net", "--arg", "where=driver")
    with start(*own, "--home", tmp_path / "home", slow=0.05) as trainer:
        _await_line(trainer, "note: your function is still")
        trainer.send_signal(signal.SIGINT)
        _, told = trainer.communicate(timeout=30)
    assert trainer.returncode == 130
    assert told == "interrupted\n"


def _await_line(process: subprocess.Popen[Any], beginning: str) -> None:
    """Whoever does not say it in time is killed."""
    assert process.stderr is not None
    late = threading.Timer(LIMIT, process.kill)
    late.start()
    try:
        found = any(line.startswith(beginning) for line in process.stderr)
    finally:
        late.cancel()
    assert found, f"The process ended without a line {beginning!r}."
