"""The form in which a job computes its networks: bits, saves of another form, what is recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.samples import VARIANTS, switched
from seedbed import kernels
from seedbed.kernels import KernelSupport, library
from seedbed.specs import Conv, Dense
from seedbed.training import job as job_module
from seedbed.training.reports import Begun, Checkpoint, Outcome
from training.samples import PLAN, Ran, all_same_bits, at_every_step, ran, task

pytestmark = pytest.mark.slow

NET = Conv(filters=(3,), kernel=(3,))
needs_kernels = pytest.mark.skipif(not VARIANTS, reason="the kernels were not built here")


def work(**more: Any) -> Any:
    return task([NET, NET.changed(dropout=0.2)], PLAN.changed(epochs=1), **more)


def notes(run: Ran) -> tuple[str, ...]:
    return next(report.notes for report in run.reports if isinstance(report, Begun))


def forms(run: Ran) -> set[str]:
    return {report.form for report in run.reports if isinstance(report, Outcome)}


@needs_kernels
def test_a_job_resumed_by_kernels_has_the_same_bits_and_by_another_form_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "SEGMENT_SECONDS", 0.0)
    with switched(VARIANTS[0]):
        whole = ran(at_every_step(work()), pace=1.0)
        save = whole.checkpoints[2]
        again = ran(work(resume=save), pace=1.0)
        old = ran(work(resume=Checkpoint(save.arrays, replace(save.state, form=""))), pace=1.0)
    all_same_bits(again, whole)
    all_same_bits(old, whole)
    with switched("off"):
        other = ran(work(resume=save), pace=1.0)
    assert (notes(whole), notes(again)) == ((), ())
    assert (forms(again), forms(other)) == ({f"kernels {VARIANTS[0]}"}, {"products"})
    assert f"the form 'kernels {VARIANTS[0]}', and training continues with 'products'" in notes(other)[0]
    assert f"the form 'products', and training continues with 'kernels {VARIANTS[0]}'" in notes(old)[0]
    for member, outcome in other.outcomes.items():
        for name, array in outcome.last.items():
            np.testing.assert_allclose(array, whole.outcomes[member].last[name], atol=1e-4)


def test_broken_kernels_are_one_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_loaded", lambda: KernelSupport(0, "the file is damaged.", broken=True))
    monkeypatch.delenv(kernels.SWITCH, raising=False)
    for broken in (ran(work()), ran(task([Dense(hidden=(3,))], PLAN.changed(epochs=1)))):
        expected = "The networks train without native kernels, convolutional ones at about half the speed: the file is damaged."
        assert (notes(broken), forms(broken)) == ((expected,), {"products"})
