"""Which engine makes the workers, and what is wrong with how it was asked for."""

from __future__ import annotations

import pytest

from seedbed import cli
from seedbed.errors import DeviceError, SpecError
from seedbed.executor import Engine, LocalExecutor, engine


@pytest.mark.parametrize(
    ("name", "address", "told"),
    [
        ("rya", None, r"engine = 'rya' is not known\. Did you mean 'ray'\?"),
        ("local", "10.0.0.1:6379", "only a Ray cluster has one; give --engine ray"),
        ("ray", "10.0.0.1", "it must read HOST:PORT"),
        ("ray", ":6379", "it must read HOST:PORT"),
        ("ray", "ray://10.0.0.1:10001", "it must read HOST:PORT"),
        ("ray", "10.0.0.1:port", "it must read HOST:PORT"),
    ],
)
def test_an_engine_or_address_that_is_none_is_refused(name, address, told):
    with pytest.raises(SpecError, match=told):
        Engine(name, address)


def test_without_ray_the_way_to_it_is_told_before_anything_begins(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(DeviceError, match=r"pip install 'seedbed\[ray\]'"):
        Engine("ray").check("auto", None, 1)
    command = ["train", "-m", "a", "--data", "digits", "--engine", "ray", "--home", str(tmp_path / "runs")]
    assert cli.frame.run(command) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: --engine ray: Ray is not installed.")
    assert not (tmp_path / "runs").exists()


def test_local_is_the_default():
    assert isinstance(Engine().executor(Engine().kinds("cpu", 1, 1)), LocalExecutor)
