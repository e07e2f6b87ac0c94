"""The programs of a worker: how many of them stay in memory, and what another process finds on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.experimental.compilation_cache import compilation_cache

from seedbed.executor.serving import Server
from seedbed.specs import Conv, Dense, Keras, ModelSpec
from seedbed.training import programs
from seedbed.training.job import Job
from seedbed.training.programs import OnDisk, Programs
from seedbed.training.reports import Outcome, Task
from training.samples import digits, same_bits, task


def test_a_worker_keeps_the_programs_that_it_used_last_and_trains_the_same_without_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "KEPT", 2)
    server = Server(lambda _: digits(), bool)

    def trained(work: Task) -> Outcome:
        [outcome] = [report for report in server.reports(work) if isinstance(report, Outcome)]
        return outcome

    def kept() -> list[str]:
        return [key[0][2][0].activation for key in server._programs]

    works = {name: task([Dense(hidden=(5,), activation=name)]) for name in ("relu", "tanh", "sigmoid", "gelu", "silu")}
    before = {name: trained(works[name]) for name in ("relu", "tanh", "sigmoid", "gelu", "relu")}
    assert kept() == ["tanh", "sigmoid", "gelu", "relu"]
    trained(works["silu"])
    assert kept() == ["relu", "silu"]
    for name in ("relu", "tanh"):
        same_bits(trained(works[name]), before[name])


# On the disk


def trained(work: Task, kept: Programs) -> Outcome:
    [outcome] = [report for report in Job(work, digits(), kept).reports() if isinstance(report, Outcome)]
    return outcome


@contextmanager
def nothing_is_compiled() -> Iterator[None]:
    raise AssertionError("compiled")
    yield


@pytest.mark.parametrize("model", [Dense(hidden=(5, 4), dropout=0.1), Conv(filters=(2,))], ids=["dense", "conv"])
def test_another_process_trains_the_same_bits_in_programs_that_it_finds(
    model: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = trained(task([model]), Programs(tmp_path))
    monkeypatch.setattr(programs, "_without_jax_cache", nothing_is_compiled)
    same_bits(trained(task([model]), Programs(tmp_path)), before)


NETWORK = """
import keras
from pathlib import Path

def build():
    factor = float((Path(__file__).parent / "factor").read_text())
    inputs = keras.Input((8, 8, 1))
    scaled = keras.layers.Rescaling(factor)(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, keras.layers.Dense(10)(scaled))
"""


def test_a_users_own_function_that_looks_elsewhere_gets_the_program_of_what_it_says_now(tmp_path: Path) -> None:
    """Its file's digest does not cover what it reads, so that its programs are found by their lowered text alone."""
    (tmp_path / "network.py").write_text(NETWORK)
    losses = []
    for factor in ("1", "3", "1"):
        (tmp_path / "factor").write_text(factor)
        spec = Keras.of(f"{tmp_path / 'network.py'}:build")
        losses.append(trained(task([spec]), Programs(tmp_path / "programs")).history["train_loss"].tolist())
    assert losses[0] == losses[2] != losses[1]


class Doubling:
    """A function that counts how often it is compiled."""

    def __init__(self) -> None:
        self.compiled = 0

    def __call__(self) -> Any:
        self.compiled += 1
        return jax.jit(lambda x: 2 * x + 1).lower(jnp.zeros(3)).compile()

    def found(self, folder: Path, key: str = "k", name: str = "f") -> Any:
        function = OnDisk(folder, key).compiled(name, self)
        assert function(jnp.arange(3.0)).tolist() == [1, 3, 5]
        return function


def test_what_a_program_is_made_from_says_which_file_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doubling = Doubling()
    for key, name in (("k", "f"), ("k", "g"), ("l", "f"), ("k", "f")):
        doubling.found(tmp_path, key, name)
    assert doubling.compiled == 3
    for part in ("_code", "_instructions"):
        with monkeypatch.context() as patch:
            patch.setattr(programs, part, lambda: "another")
            programs._environment.cache_clear()
            doubling.found(tmp_path)
    with monkeypatch.context() as patch:
        patch.setenv("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
        programs._environment.cache_clear()
        doubling.found(tmp_path)
    assert doubling.compiled == 6
    programs._environment.cache_clear()
    doubling.found(tmp_path)
    assert doubling.compiled == 6


@pytest.mark.parametrize(
    "harm",
    [lambda data: data[: len(data) // 2], lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: b""],
    ids=["cut off", "a bit", "empty"],
)
def test_a_file_that_is_not_whole_is_compiled_anew(harm: Callable[[bytes], bytes], tmp_path: Path) -> None:
    doubling = Doubling()
    doubling.found(tmp_path)
    [path] = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(harm(whole))
    doubling.found(tmp_path)
    assert doubling.compiled == 2
    doubling.found(tmp_path)
    assert doubling.compiled == 2


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owner's number there")
def test_what_another_user_has_put_there_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doubling = Doubling()
    doubling.found(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    doubling.found(tmp_path)
    assert doubling.compiled == 2


def test_a_folder_that_cannot_be_written_to_costs_compiling_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    doubling = Doubling()
    for _ in range(2):
        doubling.found(tmp_path / "file")
    assert doubling.compiled == 2


def test_programs_that_were_not_used_for_longest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doubling, files = Doubling(), dict[str, Path]()
    for name in ("used lately", "old", "young"):
        doubling.found(tmp_path, name=name)
        [files[name]] = set(tmp_path.iterdir()) - set(files.values())
    for name, (used, written) in {"used lately": (9_000, 1_000), "old": (2_000, 2_000), "young": (3_000, 3_000)}.items():
        os.utime(files[name], (used, written))
    together = sum(file.stat().st_size for file in files.values())
    monkeypatch.setattr(programs, "CACHE_BYTES", together + files["old"].stat().st_size // 2)
    programs._evict.cache_clear()  # as in another process
    doubling.found(tmp_path, name="new")
    assert [name for name, file in files.items() if not file.exists()] == ["old"]
    assert len(list(tmp_path.iterdir())) == 3


@contextmanager
def jax_keeps_programs(folder: Path) -> Iterator[None]:
    settings = {
        "jax_enable_compilation_cache": True,
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": 0,
    }
    before = {name: jax.config.values[name] for name in settings}

    def use(values: dict[str, Any]) -> None:
        for name, value in values.items():
            jax.config.update(name, value)  # type: ignore[no-untyped-call]
        compilation_cache.reset_cache()

    use(settings)
    try:
        yield
    finally:
        use(before)


def test_jax_keeps_its_own_programs_but_not_ours(tmp_path: Path) -> None:
    with jax_keeps_programs(tmp_path / "jax"):
        jnp.arange(3.0)  # what `found` computes beside it is compiled by now
        jax.jit(lambda x: x - 1).lower(jnp.zeros(3)).compile()
        before = len(list((tmp_path / "jax").iterdir()))
        assert before > 0
        Doubling().found(tmp_path / "ours")
        assert len(list((tmp_path / "jax").iterdir())) == before
        jax.jit(lambda x: x - 2).lower(jnp.zeros(3)).compile()
        assert len(list((tmp_path / "jax").iterdir())) > before
