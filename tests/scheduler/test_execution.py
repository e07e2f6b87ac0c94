"""How runs are trained, as one value; and the keywords of the public functions that it is made of."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import seedbed as sb
from seedbed import api
from seedbed.errors import SpecError
from seedbed.executor import Engine
from seedbed.scheduler import Execution, ExecutionOptions
from seedbed.searches import Terms
from seedbed.specs import Plan


def own(options: Any) -> set[str]:
    return options.__annotations__.keys() - ExecutionOptions.__annotations__.keys()


def test_every_keyword_of_the_public_functions_is_one_of_an_execution_a_plan_or_a_search() -> None:
    assert ExecutionOptions.__annotations__.keys() == {each.name for each in fields(Execution)} | {"address"}
    assert own(api.TrainOptions) == Plan.model_fields.keys()
    assert own(api.SearchOptions) <= {each.name for each in fields(Terms)} | Plan.model_fields.keys()


def test_an_execution_is_made_of_plain_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDBED_HOME", str(tmp_path / "there"))
    assert Execution.of().home.root == tmp_path / "there"
    made = Execution.of(home=tmp_path, device="cpu", workers=2, engine="ray", address="auto", resume=True)
    assert (made.home.root, made.device, made.workers, made.engine) == (tmp_path, "cpu", 2, Engine("ray", "auto"))
    assert (made.resume, made.replace) == (True, False)


def test_an_address_without_a_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="only a Ray cluster has one"):
        Execution.of(home=tmp_path, address="head:6379")


@pytest.mark.parametrize("call", [lambda **more: sb.smallest(0.9, "digits", **more), sb.studies.budget])
def test_what_never_replaces_runs_takes_no_such_keyword(call: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="replace"):
        call(home=tmp_path, replace=True)


def test_a_keyword_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="epoch"):
        sb.train(sb.Dense(), "digits", home=tmp_path, epoch=3)  # type: ignore[call-arg]
