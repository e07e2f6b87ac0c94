"""Our own trials, outside races: the same job again and again, each in processes of its own."""

from __future__ import annotations

from collections.abc import Callable

from bench import contenders
from bench.contenders import OURS, OURS_COLD, Contender, Trial
from bench.job import Answer, Job, prepare
from bench.sitting import Settings


class TrialFailed(Exception):
    """A trial of ours came to no end; says why."""


def trial(settings: Settings, job: Job, *, cold: bool = False, memory: bool = False) -> Trial:
    """One trial of seedbed.

    Raises:
        TrialFailed: the process failed.
    """
    done = contenders.run(OURS_COLD if cold else OURS, job, settings.scratch, memory=memory)
    if done.answer is None:
        raise TrialFailed(done.error)
    return done


def answer(done: Trial) -> Answer:
    """What a trial that came to its end measured."""
    if done.answer is None:
        raise TrialFailed(done.error)
    return done.answer


def rounds(
    settings: Settings, contestants: dict[str, tuple[Contender, Job]], number: int, tell: Callable[[str], None] = lambda _: None
) -> dict[str, list[Trial]]:
    """Several jobs in turns.

    Raises:
        TrialFailed: a process of ours failed; a peer's failure is told and its trials are left out.
    """
    found: dict[str, list[Trial]] = {name: [] for name in contestants}
    for _ in range(number):
        for name, (contender, job) in contestants.items():
            done = contenders.run(contender, prepare(job, settings.scratch), settings.scratch)
            if done.answer is not None:
                found[name].append(done)
            elif contender.ours:
                raise TrialFailed(done.error)
            else:
                tell(f"{name}: {done.error}")
    return found
