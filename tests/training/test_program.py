"""Compiled programs: how many of them a worker keeps."""

from __future__ import annotations

import pytest

from seedbed.executor.serving import Server
from seedbed.specs import Dense
from seedbed.training import program
from seedbed.training.reports import Outcome, Task
from training.samples import digits, same_bits, task


def test_a_worker_keeps_the_programs_that_it_used_last_and_trains_the_same_without_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(program, "KEPT", 2)
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
