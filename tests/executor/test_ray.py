"""Ray's own promises: many machines, none of which has what the driver has, and some of which die."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # before ray, which brings one of its own
import pytest

pytest.importorskip("ray", reason="ray has no wheel for this Python and system")

import seedbed
from executor.test_contract import collected, of_a_user, same, task, weights
from seedbed import data, devices
from seedbed.devices import WorkerKind
from seedbed.errors import DeviceError, WorkerError
from seedbed.executor import Engine, LocalExecutor, Lost
from seedbed.executor.protocol import Death
from seedbed.executor.ray import RayExecutor, cluster
from seedbed.executor.ray.actor import Facts
from seedbed.executor.ray.executor import _check_versions
from seedbed.models import trust
from seedbed.runs import NamedRun, RunStore
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import DataSpec, Dense, Keras, Plan, RunSpec
from seedbed.training.reports import Failed, Outcome, Segment, Task

TOKEN = "0123456789abcdef" * 4

STRANGER = "import ray, sys; ray.init(address=sys.argv[1], logging_level='ERROR', log_to_driver=False)"


@pytest.fixture(scope="module")
def own_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "net.py"
    path.write_text(
        "import keras\n"
        "def build():\n"
        "    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])\n"
    )
    return path


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """The address of a cluster of two nodes that has nothing of the driver's, and a function that kills a process's node."""
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here.parent), str(Path(seedbed.__file__).parents[1])])
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": paths}
    with pytest.MonkeyPatch.context() as patch:
        cluster.close()
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
            patch.setenv(name, own[name])
        command = [sys.executable, str(here / "two_nodes.py"), str(tmp_path_factory.mktemp("elsewhere"))]
        with subprocess.Popen(
            command, env={**os.environ, **own}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")

            def kill(pid: int) -> None:
                assert process.stdin is not None
                process.stdin.write(f"{pid}\n")
                process.stdin.flush()
                assert next(lines) == "killed\n"

            yield next(lines).strip(), kill
            cluster.close()
            process.stdin.close()


@pytest.fixture
def thousand(tmp_path: Path) -> DataSpec:
    """A data set of the user's that is known here only."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "set.npz", X=rng.integers(0, 255, (300, 8, 8), dtype=np.uint8), y=np.arange(300) % 3)
    return data.resolve(DataSpec(name=data.named(str(tmp_path / "set.npz"))))


@pytest.mark.slow
def test_images_and_files_go_to_the_nodes_and_of_a_killed_nodes_work_nothing_is_lost_or_there_twice(
    nodes: tuple[str, Any], thousand: DataSpec, own_network: Path
) -> None:
    address, kill = nodes
    tasks = [task(60, 60, seed=seed, save_every=0.0) for seed in range(2)]
    run = RunSpec(model=Dense(hidden=(4,)), plan=Plan(epochs=2, batch_size=32), data=thousand)
    tasks += [Task("sent", ((run,),)), of_a_user(own_network)]
    found: dict[str, list[Any]] = {each.key: [] for each in tasks}
    kinds = Engine("ray", address).kinds("auto", None, len(tasks))
    assert kinds == [WorkerKind()] * 2
    killed = False
    with RayExecutor(kinds, address) as executor:
        for which, report in executor.run(tasks):
            found[which.key].append(report)
            if isinstance(report, Segment) and report.epoch == 10 and not killed:
                kill(next(w.facts.process for h, w in executor._workers if h.task and h.task.key == which.key))  # type: ignore[attr-defined]
                killed = True
    lost = [report for reports in found.values() for report in reports if isinstance(report, Lost)]
    assert killed
    assert len(lost) == 1
    for each in tasks:
        reports = found[each.key]
        assert [type(report) for report in reports if isinstance(report, Failed)] == []
        assert reports.count(None) == 1
        counts = Counter(report.member for report in reports if isinstance(report, Outcome))
        assert counts == {(0, member): 1 for member in range(len(each.blocks[0]))}
    with LocalExecutor(kinds[:1]) as executor:
        undisturbed = collected(executor, tasks)
    assert all(same(weights(found[each.key]), weights(undisturbed[each.key])) for each in tasks)


def test_runs_grown_by_ray_are_those_grown_here(tmp_path: Path) -> None:
    spec = DataSpec(name="digits", first=100)
    runs = [RunSpec(model=Dense(hidden=(4 + n,)), plan=Plan(epochs=3, batch_size=32), data=spec, seed=n // 2) for n in range(4)]
    entries = [NamedRun(f"r-{n}", "r", run) for n, run in enumerate(runs)]
    one, other = (
        train_runs(entries, Execution.of(home=tmp_path / name, workers=1, engine=name))  # type: ignore[arg-type]
        for name in ("local", "ray")
    )
    for mine, theirs in zip(one, other, strict=True):
        assert (mine.name, mine.device, mine.verdict) == (theirs.name, theirs.device, theirs.verdict)
        assert mine.history["train_loss"].tolist() == theirs.history["train_loss"].tolist()
    for entry in entries:
        mine_, theirs_ = (RunStore(tmp_path / name).weights(entry.name, "best") for name in ("local", "ray"))
        assert same([mine_], [theirs_])


def test_an_own_cluster_listens_on_loopback_alone_wants_its_token_and_has_no_dashboard() -> None:
    cluster.connected(None, 1)
    assert cluster._head is not None
    head = psutil.Process(cluster._head.pid)
    listening, dashboards = set(), []
    for process in [head, *head.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # starting it takes processes that end at once
            sockets = [each for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
            listening |= {each.laddr.ip.removeprefix("::ffff:") for each in sockets}
            dashboards += [process.cmdline()] if any("dashboard.py" in part for part in process.cmdline()) else []
    assert listening == {"127.0.0.1"}
    assert all("--disable-frontend" in command for command in dashboards)
    assert head.environ()["RAY_USAGE_STATS_ENABLED"] == "0"
    address = cluster._current.ray.get_runtime_context().gcs_address  # type: ignore[union-attr]
    sound = {
        **os.environ,
        "RAY_NUM_REDIS_GET_RETRIES": "1",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }  # as for the head: 127.0.0.1 stays what it is
    ways = {"right": sound, "wrong": sound | {"RAY_AUTH_TOKEN": "f" * 64}, "none": sound | {"RAY_AUTH_MODE": "disabled"}}
    del ways["none"]["RAY_AUTH_TOKEN"]
    knocking = {
        way: subprocess.Popen([sys.executable, "-c", STRANGER, address], env=env, stderr=subprocess.PIPE, text=True)
        for way, env in ways.items()
    }
    told = {way: process.communicate()[1] for way, process in knocking.items()}
    assert knocking["right"].returncode == 0, told["right"]
    for way in ("wrong", "none"):
        assert knocking[way].returncode != 0
        assert "InvalidAuthToken" in told[way]


# What can be known before anything is started


def test_a_gpu_that_no_machine_has_and_a_cluster_without_cores_are_refused() -> None:
    with pytest.raises(DeviceError, match="the Ray cluster has no GPU"):
        cluster.share([(4, 0)], True, None, 3)
    with pytest.raises(DeviceError, match="offers no cores"):
        cluster.share([(0, 0)], False, None, 3)


@pytest.mark.parametrize(
    ("machines", "number", "runs", "workers", "threads"),
    [
        ([(2, 0)], None, 5, 2, 1),
        ([(2, 0)], None, 1, 1, 2),
        ([(3, 0), (3, 0)], None, 3, 3, 1),  # two of two threads would leave a third nowhere to go
        ([(3, 0), (3, 0)], None, 2, 2, 3),
        ([(0, 0), (1, 0), (1, 0)], None, 1, 1, 1),
        ([(16, 0)] * 10, None, 1000, 160, 1),
        ([(16, 0)] * 10, 4, 1000, 4, 16),
    ],
)
def test_workers_fit_the_machines(
    machines: list[tuple[int, int]], number: int | None, runs: int, workers: int, threads: int
) -> None:
    assert cluster.share(machines, False, number, runs) == [WorkerKind(threads=threads)] * workers


def test_each_gpu_gets_a_worker() -> None:
    assert cluster.share([(8, 4), (8, 4)], True, None, 100) == [WorkerKind("gpu")] * 8
    assert cluster.share([(8, 4), (8, 4)], True, 3, 100) == [WorkerKind("gpu")] * 3


def test_a_machine_with_other_versions_is_named() -> None:
    found = devices.versions() | {"jax": "0.1.2"}
    with pytest.raises(WorkerError, match=r"machine north has jax 0\.1\.2 \(here "):
        _check_versions(Facts("north", 1, found))


def test_nobody_at_the_address_is_told_within_seconds() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DeviceError, match=f"--address {address}: no Ray cluster answers there") as caught:
            Engine("ray", address).check("auto", None, 1)
    assert "\n" not in str(caught.value)


CRASHED = (
    "The actor died unexpectedly before finishing this task.\n\tpid: 11553\nThe actor is dead because its worker process has "
    "died. Worker exit type: {kind} Worker exit detail: ... (1) the process was killed by the OOM killer"
)


@pytest.mark.parametrize(
    ("said", "death"),
    [
        (CRASHED.format(kind="SYSTEM_ERROR"), Death("its worker process has died, SYSTEM_ERROR")),
        (CRASHED.format(kind="NODE_OUT_OF_MEMORY"), Death("its worker process has died, NODE_OUT_OF_MEMORY", True)),
        ("The actor is dead because its node has died. Node Id: 12ab", Death("its node has died")),
        ("The actor is temporarily unavailable: no route\nmore", Death("The actor is temporarily unavailable: no route")),
    ],
)
def test_the_ways_in_which_actors_die_are_told_apart(said: str, death: Death) -> None:
    assert cluster.death_of(RuntimeError(said)) == death


def test_a_machine_without_seedbed_is_told_what_to_install() -> None:
    death = cluster.death_of(RuntimeError("The actor failed to import: ModuleNotFoundError: No module named 'seedbed'"))
    assert isinstance(death.error, WorkerError)
    assert "pip install 'seedbed[ray]'" in str(death.error)


def test_a_text_that_is_not_what_its_digest_says_is_not_run() -> None:
    model = Keras(file="gone.py", function="build", digest="0" * 64)
    with pytest.raises(seedbed.errors.ModelError, match="arrived damaged"):
        trust.accept({model.digest: b"print('hello')"})
    with pytest.raises(seedbed.errors.ModelError, match="only the run names"):
        trust.text(model)
