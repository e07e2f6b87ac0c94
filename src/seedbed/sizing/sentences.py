"""The answer in words, bounded by the statistics."""

from __future__ import annotations

from collections.abc import Sequence

from seedbed.figures import words
from seedbed.sizing.records import Claim, Smallest, Tried
from seedbed.specs import Plan

PLAN_TOLD = ("epochs", "learning_rate", "schedule", "batch_size", "l2", "augment")


def sentences(found: Smallest) -> list[str]:
    """The answer, how it was trained, what was tested, what was tried, and what limits it."""
    said = [_answer(found)]
    best = found.nearest
    if best:
        said.append(f"Trained with {plan_in_words(best.setting.plan)}.")
    if found.claims:
        said.append(_tested(found))
    said.append(_chosen(found))
    if found.stopped:
        said.append("The time was over before the search was; the same command with --resume and more --minutes goes on.")
    elif found.confirmed and all(claim.holds(found.target) for claim in found.claims):
        said.append("All sizes that were tested are above the target, so a smaller one may be as well.")
    return said


def plan_in_words(plan: Plan) -> str:
    """What was tuned, and what else is not as by default."""
    default = Plan()
    told = {n: getattr(plan, n) for n in PLAN_TOLD if n in PLAN_TOLD[:3] or getattr(plan, n) != getattr(default, n)}
    return words.setting(told)


def best_so_far(tried: Sequence[Tried]) -> str:
    """What came of a round of choosing."""
    best = max(tried, key=lambda one: one.score, default=None)
    if best is None or best.accuracy is None:
        return "every run diverged or collapsed"
    return f"the best: {_network(best)}, {words.percent(best.accuracy, 2)} on the images for choosing"


def claimed(claim: Claim) -> str:
    """What came of a test."""
    return f"{_network(claim)}: {_interval(claim)}"


def _answer(found: Smallest) -> str:
    target, best = words.percent(found.target, 2), found.nearest
    if found.confirmed:
        return f"The smallest network shown to be above {target}: {_network(found.confirmed)}, {_interval(found.confirmed)}."
    if best:
        return f"No network is shown to be above {target}. The nearest: {_network(best)}, {_interval(best)}."
    tried = max(found.tried, key=lambda one: one.score, default=None)
    if tried and tried.accuracy is not None:
        so_far = f"{words.percent(tried.accuracy, 2)} on the images for choosing, {_network(tried)}"
        return f"No network is shown to be above {target}. The best so far: {so_far}, which is no claim."
    return f"No network is shown to be above {target}; every run diverged or collapsed, or none was trained."


def _network(one: Claim | Tried) -> str:
    return f"{words.network(one.setting.model)}, {words.counted(one.parameters, 'parameter')}"


def _interval(claim: Claim) -> str:
    accuracy = claim.accuracy
    if accuracy is None:
        return f"{claim.left_out} of {words.counted(len(claim.seeds), 'seed')} diverged or collapsed"
    low, high = words.percent(accuracy.low, 2), words.percent(accuracy.high, 2)
    chance = f"95 % interval over {words.counted(accuracy.n, 'fresh seed')} and the images"
    return f"validation accuracy {words.percent(accuracy.mean, 2)} ({low} to {high}, {chance}) at the last epoch"


def _tested(found: Smallest) -> str:
    sizes = words.listed([_result(claim, found.target) for claim in found.claims])
    order = "Sizes were tested from large to small, in an order fixed before"
    order += "" if found.claims[-1].holds(found.target) else ", up to the first that failed"
    second = " (the larger ones only because the first had failed)" if _second_chance(found.claims, found.target) else ""
    return f"{order}{second}: {sizes}."


def _result(claim: Claim, target: float) -> str:
    return f"{claim.parameters:,} {'above' if claim.holds(target) else 'not shown'}"


def _second_chance(claims: Sequence[Claim], target: float) -> bool:
    return len(claims) > 1 and not claims[0].holds(target)


def _chosen(found: Smallest) -> str:
    how = f"{words.counted(found.settings, 'setting')} in {words.counted(found.runs, 'run')}"
    return f"For that {how} were trained; seeds and images of the tests had no part in choosing."
