"""Whether speed cost anything: the same nets under the same plan, five seeds, ours against Keras."""

from __future__ import annotations

from bench import ours
from bench.contenders import OURS, PEERS, Contender
from bench.job import Job, Net
from bench.sitting import Outcome, Settings, Table
from bench.summary import Summary, summarize, welch

SEEDS = 5
PEER = "Keras on JAX"
NETS = {
    "784-200-100-10, ReLU, 10 epochs": (Net(l2=1e-4), 10, None),
    "784-50-10, tanh, 5 epochs": (Net(hidden=(50,), activation="tanh"), 5, None),
    "the exercise's conv net, 11,000 images, 3 epochs": (Net("conv", ()), 3, 11_000),
}


def against_keras(settings: Settings) -> Outcome:
    """Mean accuracies and their difference."""
    keras = next(peer for peer in PEERS if peer.name == PEER)
    peers = [] if keras.missing() else [keras]
    failures: list[str] = [] if peers else [f"{PEER}: {keras.missing()}"]
    rows, raw = [], {}
    for name, (net, epochs, first) in NETS.items():
        nets = tuple(Net(net.family, net.hidden, net.activation, net.l2, net.rate, seed) for seed in range(SEEDS))
        job = Job(
            nets, epochs=2 if settings.quick else epochs, first=1_000 if settings.quick else first, device=settings.device
        )
        found = _accuracies(settings, job, [OURS, *peers], failures)
        raw[name] = found
        rows.append([name, *_cells(found[OURS.name], found.get(PEER, []))])
    text = (
        f"Accuracy on the validation images after the last epoch, {SEEDS} seeds each. The two draw their weights and orders "
        f"differently, so that seeds are not paired: the interval is Welch's, 95 %."
    )
    columns = ["", "seedbed, %", f"{PEER}, %", "difference, points", "95 % interval", "0 lies within"]
    return Outcome("accuracy", "Accuracy: ours against Keras", text, [Table("", columns, rows)], notes=failures, raw=raw)


def _accuracies(settings: Settings, job: Job, who: list[Contender], failures: list[str]) -> dict[str, list[float]]:
    trials = ours.rounds(settings, {each.name: (each, job) for each in who}, 1, failures.append)
    return {name: ours.answer(done[0]).accuracies for name, done in trials.items() if done}


def _cells(mine: list[float], theirs: list[float]) -> list[str]:
    cells = [_percent(summarize(each)) if each else "not measured" for each in (mine, theirs)]
    if not theirs:
        return [*cells, "", "", ""]
    difference = welch(mine, theirs)
    within = "yes" if difference.low <= 0 <= difference.high else "**no**"
    interval = f"{100 * difference.low:+.2f} to {100 * difference.high:+.2f}"
    return [*cells, f"{100 * difference.value:+.2f}", interval, within]


def _percent(summary: Summary) -> str:
    return Summary(100 * summary.median, 100 * summary.low, 100 * summary.high, summary.n).text()
