"""Section 5 of the exercise: with 200 hidden units in all, which network is the best on the validation images?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from seedbed import searches
from seedbed.figures import words
from seedbed.records import Result
from seedbed.runs import RunStore
from seedbed.searches import Finalist, Search, Terms
from seedbed.specs import Dense, Plan, RunSpec
from seedbed.statistics import Interval
from seedbed.studies.answers import Figure, Part, Study, Table, interval_text, share_text
from seedbed.studies.bench import Bench
from seedbed.studies.cells import Cell, Wanted, by, wanted
from seedbed.studies.contrasts import Contrast, Planned
from seedbed.studies.setup import Setup
from seedbed.studies.timing.kept import measurements

UNITS, FEW = 200, 10
MOST_NAMED = 3
"""Settings that a sentence names as not told apart from the first; with more of them nothing stands out."""

CONTRASTS = ("the search's winner against one plain layer", "200 units against 10")
PUBLISHED = "Student reports (handout protocol, single runs): 98.01 % and 97.84 % with 200 hidden units."

NAMES: Mapping[str, str] = {
    "layers": "depth",
    "first": "first layer's share of the units",
    "second": "second layer's share of the rest",
    "drops": "dropout or none",
    "dropout": "dropout's rate",
    "penalty": "none, l1 or l2",
    "strength": "strength of the penalty",
    "rate": "learning rate",
    "decay": "weight decay",
    "batch_size": "batch size",
}
"""What readers call dimensions of the search's space whose own names say little."""


def epochs(setup: Setup) -> int:
    """Enough for a search to tell good settings from bad ones; few, for there are many of them."""
    return setup.epochs(setup.pick(400, 100), setup.facts.train, least=setup.pick(12, 5), most=40)


def plain(setup: Setup) -> list[Wanted]:
    """One layer of all the units, and one of very few, at the defaults: what a search has to beat, and a positive control."""
    base = setup.run(Dense(), Plan(epochs=epochs(setup)))
    return wanted(base, [{"hidden": (units,)} for units in (UNITS, FEW)])


def design(setup: Setup) -> list[Wanted]:
    """What is known before the search: the plain nets."""
    return plain(setup)


def terms(setup: Setup) -> Terms:
    """The search: its trials and its finals have seeds of their own, so that none of the study's seeds chose anything."""
    asked = searches.terms_for(
        f"units={UNITS}",
        setup.data,
        name="study-budget",
        epochs=epochs(setup),
        trials=setup.pick(80, 16),
        finalists=setup.pick(5, 2),
        seeds=setup.pick(3, 2),
        seed=setup.fresh[0],
    )
    settings = {**asked.settings(), "finalists": asked.finalists, "seeds": asked.seeds}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    return replace(asked, name=f"study-budget-{digest}")


@dataclass(frozen=True, eq=False)
class Found:
    """What came of it.

    Attributes:
        cells: the plain nets, and the winner where there is one, with the study's seeds.
        test: the winner's accuracy on the test part, where it was looked at.
    """

    search: Search
    plain: Cell
    few: Cell
    winner: Cell | None
    contrasts: Mapping[str, Contrast]
    test: Interval | None

    @property
    def cells(self) -> list[Cell]:
        return [cell for cell in (self.winner, self.plain, self.few) if cell is not None]


def parts(bench: Bench) -> list[Part]:
    """Searches, trains the winner with the study's seeds, looks at the test part once, and answers."""
    setup = bench.setup
    cells = bench.train(plain(setup))
    asked, trainer = terms(setup), bench.trainer
    found = trainer.search(asked.name, lambda: searches.run(asked, trainer.execution))
    bench.others += [*_tried(bench.home, found), *found.results]
    winner = bench.train([_as_wanted(found.winner)])[0] if found.winner else None
    one, few = by(cells, hidden=(UNITS,)), by(cells, hidden=(FEW,))
    planned = [
        Planned(CONTRASTS[1], one, few, f"{UNITS} units in one layer", f"{FEW} units in one layer", where="at the defaults")
    ]
    if winner is not None:
        planned.insert(0, Planned(CONTRASTS[0], winner, one, "the winner of the search", f"one plain layer of {UNITS} units"))
    verdicts = bench.settle(planned)
    everything = Found(found, one, few, winner, verdicts, _tested(bench, winner))
    return [_best(setup, everything), _importance(everything)]


def _tried(home: RunStore, found: Search) -> list[Result]:
    """What came of every trial, pruned ones too: they cost what they cost."""
    tried = {trial.name for trial in found.trials}
    listed = [each for each in home.listing() if each.name in tried]
    return [each.record.result(home.folder(each.name)) for each in listed if each.record and each.record.ended]


def _as_wanted(finalist: Finalist) -> Wanted:
    """The winner, told apart by what a search chooses; the fields that only some optimizers have stand where they count."""
    run = finalist.trial.run
    setting: dict[str, object] = {"hidden": _hidden(run), "activation": _activation(run)}
    setting |= {name: getattr(run.plan, name) for name in ("optimizer", "learning_rate", "schedule", "batch_size")}
    setting |= {name: getattr(run.plan, name) for name in ("l1", "l2") if getattr(run.plan, name)}
    if isinstance(run.model, Dense) and run.model.dropout:
        setting["dropout"] = run.model.dropout
    return Wanted(setting, run)  # type: ignore[arg-type]


def _hidden(run: RunSpec) -> tuple[int, ...]:
    return run.model.hidden if isinstance(run.model, Dense) else ()


def _activation(run: RunSpec) -> str:
    return run.model.activation if isinstance(run.model, Dense) else ""


def _tested(bench: Bench, winner: Cell | None) -> Interval | None:
    """The winner's accuracy on the test part: looked at once, and kept, so that repeating the study looks no second time."""
    from seedbed.evaluation import evaluate_group

    setup = bench.setup
    if winner is None or setup.quick or not setup.facts.test or setup.data.protocol != "honest":
        return None
    key = {"runs": sorted(result.run.identity for result in winner.results)}
    with measurements(bench.home, "budget-test", key) as kept:
        if not kept.of("test"):
            seen = evaluate_group(bench.home, winner.group, test=True).test
            if seen is None:
                return None
            kept.add("test", **vars(seen))
        [row, *_] = kept.of("test")
    return Interval(row["mean"], row["low"], row["high"], row["n"])


# The first part: the best network


def _best(setup: Setup, found: Found) -> Part:
    search = found.search
    trials = words.counted(len(search.trials), "trial")
    drawn = {name: chart for name, chart in search.charts().items() if name in ("trials", "accuracy_over_parameters")}
    captions = {
        "trials": "Each trial is one network with one seed; a pruned one was stopped early.",
        "accuracy_over_parameters": "The best trials' settings with fresh seeds: equal units, nets of unequal sizes.",
    }
    return Part(
        name="best",
        question=f"Which network with {UNITS} hidden units in all is the best?",
        answer=[
            _winner(found),
            *(found.contrasts[name].sentence for name in CONTRASTS if name in found.contrasts),
            *_flattered(found),
            _test(setup, found),
        ],
        method=(
            f"{trials} chosen by Optuna's TPE over depth, split, activation, dropout, l1, l2, optimizer, learning rate, "
            f"schedule and batch size, each with {UNITS} units; {words.counted(search.terms.space.epochs, 'epoch')}, the worse "
            f"half stopped at two rungs; the best {len(search.best)} trained again with "
            f"{words.counted(search.terms.seeds, 'fresh seed')}, and the winner with "
            f"{words.counted(len(setup.seeds), 'seed')} that chose nothing."
        ),
        figures=[Figure(f"budget_{name}", chart, captions[name]) for name, chart in drawn.items()],
        tables=[_finalist_table(found), _depth_table(search)],
        cells=[*(cell.as_json() for cell in found.cells), *map(_finalist_json, search.best)],
        contrasts=list(found.contrasts.values()),
        marks=_marks(search),
        published=[PUBLISHED],
        data={
            "search": search.name,
            "states": search.states,
            "winner": search.winner.as_json() if search.winner else None,
            "test": {"mean": found.test.mean, "interval": found.test.pair(), "n": found.test.n} if found.test else None,
        },
    )


def _winner(found: Found) -> str:
    if found.winner is None:
        return f"No trial of {len(found.search.trials)} came to a sound end, so there is no best network."
    what = words.setting({name: value for name, value in found.winner.setting.items() if name != "hidden"})
    hidden = words.value(found.winner.setting["hidden"])
    return (
        f"With {UNITS} hidden units in all, the best of {words.counted(len(found.search.trials), 'trial')} is {hidden} "
        f"({found.winner.parameters:,} parameters; {what}): {share_text(found.winner.accuracy)} validation accuracy over "
        f"{words.counted(found.winner.n, 'seed')} that did not choose it."
    )


def _flattered(found: Found) -> list[str]:
    best = found.search.winner
    if best is None:
        return []
    return [
        f"As trial {best.trial.number}, with one seed, it had {words.percent(best.trial.accuracy, 2)}: what is chosen for its "
        "accuracy flatters itself, so that figure is not the answer. The same validation images chose it, whatever the seed."
    ]


def _test(setup: Setup, found: Found) -> str:
    if found.winner is None:
        return "Without a winner the test part was not looked at."
    if setup.data.protocol == "handout":
        return "Under the handout protocol the official test images are the validation part: none are left to confirm it."
    if not setup.facts.test:
        return "This data set has no test part to confirm it."
    if found.test is None:
        return "A preview does not look at the test part."
    n = words.counted(found.test.n, "seed")
    return f"On the test part, looked at once and written into the ledger, the winner has {share_text(found.test)} ({n})."


def _marks(search: Search) -> list[str]:
    out = {state: search.states[state] for state in ("diverged", "collapsed") if state in search.states}
    said = [
        f"Of {words.counted(len(search.trials), 'trial')}, {words.listed([f'{n} {state}' for state, n in out.items()])}; they "
        "were not ranked."
    ]
    left = sum(one.left_out for one in search.best)
    return (said if out else []) + (
        [f"{words.counted(left, 'run')} of the best diverged or collapsed: in no mean."] if left else []
    )


def _finalist_table(found: Found) -> Table:
    rows = [
        [
            words.value(_hidden(one.trial.run)),
            f"{one.trial.model.parameters:,}",
            words.setting({name: value for name, value in _as_wanted(one).setting.items() if name != "hidden"}),
            f"{100 * one.trial.accuracy:.2f}",
            f"{len(one.correct)} of {len(one.results)}",
            interval_text(one.accuracy),
        ]
        for one in found.search.best
    ]
    heads = ["hidden units", "parameters", "settings", "as a trial (%)", "fresh runs", "fresh accuracy, best epoch (%)"]
    return Table(
        {head: "left" if head in ("hidden units", "settings") else "right" for head in heads},
        rows,
        "The best trials trained again, by the lower ends of their intervals; in brackets 95 % intervals (seeds x images).",
    )


def _depth_table(search: Search) -> Table:
    rows = []
    for depth in sorted({len(_hidden(trial.run)) for trial in search.trials}):
        trials = [trial for trial in search.trials if len(_hidden(trial.run)) == depth]
        whole = [trial for trial in trials if trial.state == "complete"]
        top = max(whole, key=lambda trial: trial.accuracy, default=None)
        best = [words.value(_hidden(top.run)), f"{top.model.parameters:,}", f"{100 * top.accuracy:.2f}"] if top else [""] * 3
        rows.append([str(depth), str(len(trials)), str(len(whole)), *best])
    heads = ["layers", "trials", "trained to the end", "best split", "its parameters", "its accuracy as a trial (%)"]
    caption = "What the search saw at each depth: single runs, chosen for their accuracy; a description, not a comparison."
    return Table(dict.fromkeys(heads, "right"), rows, caption)


def _finalist_json(one: Finalist) -> dict[str, object]:
    found, wanted_ = one.accuracy, _as_wanted(one)
    return {
        "setting": wanted_.setting,
        "label": f"finalist of trial {one.trial.number}: {words.setting(wanted_.setting)}",
        "group": one.name,
        "parameters": one.trial.model.parameters,
        "units": one.trial.model.units,
        "seeds": [runs[0].run.seed for runs in one.results],
        "n": len(one.correct),
        "mean": found.mean if found else None,
        "interval": found.pair() if found else None,
    }


# The second part: what mattered


def _importance(found: Found) -> Part:
    search = found.search
    shares = search.importances
    at = words.counted(search.compared_at, "epoch")
    charts = {} if not shares else {"importance": search.charts()["importance"]}
    rows = [
        [
            NAMES.get(one.dimension, one.dimension.replace("_", " ")),
            f"{100 * one.share:.0f}",
            f"{100 * one.low:.0f} to {100 * one.high:.0f}",
        ]
        for one in shares
    ]
    heads: dict[str, str] = {"setting": "left", "share (%)": "right", "nine tenths of resamples": "right"}
    return Part(
        name="importance",
        question="Which settings mattered most?",
        answer=[_mattered(found)],
        method=(
            f"Functional ANOVA (Hutter, Hoos, Leyton-Brown 2014) of the accuracy after {at}, which all trials reached: the "
            "share of its variance that a setting explains by itself; uncertainty by resampling the trials. A search looks "
            "most where it is good, so this speaks of the region that was searched."
        ),
        figures=[Figure(f"budget_{name}", chart, "Bars that overlap are not told apart.") for name, chart in charts.items()],
        tables=[Table(heads, rows, "Shares of the variance between trials.")] if shares else [],  # type: ignore[arg-type]
        data={"epoch": search.compared_at, "shares": [vars(one) for one in shares]},
    )


def _mattered(found: Found) -> str:
    shares = found.search.importances
    if not shares:
        return f"{words.counted(len(found.search.trials), 'trial')} are too few, or too alike, to weigh the settings."
    first = shares[0]
    share = f"{words.percent(first.share, 0)} ({100 * first.low:.0f} to {100 * first.high:.0f} in nine tenths of the resamples)"
    name = NAMES.get(first.dimension, first.dimension.replace("_", " "))
    rest = [one for one in shares[1:] if one.high >= first.low]
    if len(rest) > MOST_NAMED:
        return (
            f"No setting stands out: of the variance between trials the {name} explains the largest share, {share}, and is not "
            f"told apart from {len(rest)} of the other {len(shares) - 1} settings."
        )
    named = [NAMES.get(one.dimension, one.dimension.replace("_", " ")) for one in rest]
    beside = f"; not told apart from it: {words.listed(named)}" if named else ""
    return f"The largest share of the variance between trials goes with the {name}: {share}{beside}."


STUDY = Study(
    name="budget",
    title=f"The best of {UNITS} hidden units",
    question=f"With {UNITS} hidden units in all, which depth, split and settings give the best validation accuracy?",
    contrasts=CONTRASTS,
    design=design,
    parts=parts,
)
