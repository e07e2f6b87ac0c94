"""Section 5 of the exercise: the best network with 200 hidden units in all, on the validation images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from seedbed import searches, words
from seedbed.groups import Contrast, Difference, Group, Request, by, caveats
from seedbed.groups.statements import Certainty, Statement
from seedbed.kinds import ACTIVATIONS, OPTIMIZERS
from seedbed.records import Result
from seedbed.runs import RunStore
from seedbed.searches import Finalist, Search, Terms
from seedbed.searches.importance import Importance
from seedbed.searches.trial import Trial
from seedbed.specs import Dense, Plan
from seedbed.statistics import Interval
from seedbed.studies.answers import AnswerPart, Figure, Study
from seedbed.studies.cards import Card, accuracies_picture
from seedbed.studies.context import Steps, StudyContext, request, requests
from seedbed.studies.setup import Setup
from seedbed.studies.texts import interval_text, share_text, sized
from seedbed.studies.timing.kept import measurements
from seedbed.tables import Column, Table

UNITS, FEW = 200, 10
MOST_NAMED = 3
"""The most settings that a sentence names as possibly equal to the first; with more of them none stands out."""

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
"""Readable names of dimensions of the search's space."""


def epochs(setup: Setup) -> int:
    """Epochs of a trial: enough to separate good settings from bad ones, and few, because there are many trials."""
    return setup.epochs(setup.pick(400, 100), setup.facts.train, least=setup.pick(12, 5), most=40)


def plain(setup: Setup) -> list[Request]:
    """Request one layer of all the units (the search's baseline) and one of very few (a positive control), at the defaults."""
    base = setup.run(Dense(), Plan(epochs=epochs(setup)))
    return requests(base, [{"hidden": (units,)} for units in (UNITS, FEW)])


def terms(setup: Setup) -> Terms:
    """The search: its trials and its finals have their own seeds, so that none of the study's seeds selects anything."""
    asked = searches.terms_for(
        f"units={UNITS}",
        setup.data,
        name="study-budget",
        epochs=epochs(setup),
        trials=setup.pick(80, 16),
        finalists=setup.pick(5, 2),
        seeds=setup.pick(3, 2),
        seed=setup.fresh[0],
        select=setup.plan.get("select"),
    )
    settings = {**asked.settings(), "finalists": asked.finalists, "seeds": asked.seeds}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    return replace(asked, name=f"study-budget-{digest}")


@dataclass(frozen=True, eq=False)
class SearchOutcome:
    """The search, and its winner compared with plain nets.

    Attributes:
        cells: the winner where there is one, then the plain nets, with the study's seeds.
        contrasts: decided comparisons.
        test: the winner's accuracy on the test part, where it was evaluated.
    """

    search: Search
    winner: Group | None
    cells: list[Group]
    contrasts: list[Difference]
    test: Interval | None


def parts(study: StudyContext) -> Steps[list[AnswerPart]]:
    """Search, train the winner with the study's seeds, evaluate it on the test part once, and answer."""
    setup = study.setup
    cells = yield from study.train(plain(setup))
    asked, execution = terms(setup), study.trainer.execution
    search = yield from study.do(asked.name, lambda: searches.run(asked, execution))
    study.others += [*_trial_results(study.home, search), *search.results]
    winners = yield from study.train([_request(search.winner)] if search.winner else [])
    yield from study.trained()
    many, few = by(cells, hidden=(UNITS,)), by(cells, hidden=(FEW,))
    names = f"{UNITS} units in one layer", f"{FEW} units in one layer"
    layer = f"one plain layer of {UNITS} units"
    contrasts = study.decide(
        [
            *(Contrast(winner, many, "the winner of the search", layer, name=CONTRASTS[0]) for winner in winners),
            Contrast(many, few, *names, where="at the defaults", name=CONTRASTS[1]),
        ]
    )
    winner = winners[0] if winners else None
    outcome = SearchOutcome(search, winner, [*winners, many, few], contrasts, _tested(study, winner))
    return [replace(_best(setup, outcome), card=_card(outcome)), _importance(search)]


def _trial_results(home: RunStore, search: Search) -> list[Result]:
    """The results of every trial, pruned ones too: they have their cost."""
    names = {trial.name for trial in search.trials}
    listed = [each for each in home.listing() if each.name in names]
    return [each.record.result(home.folder(each.name)) for each in listed if each.record and each.record.ended]


def _request(finalist: Finalist) -> Request:
    """Request a finalist by the fields that a search varies; optional ones only where they have an effect."""
    model, plan = finalist.trial.run.model, finalist.trial.run.plan
    setting: dict[str, object] = {"hidden": model.hidden, "activation": model.activation}
    setting |= {name: getattr(plan, name) for name in ("optimizer", "learning_rate", "schedule", "batch_size")}
    optional = {"l1": plan.l1, "l2": plan.l2, "dropout": model.dropout}
    return request(setting | {name: value for name, value in optional.items() if value}, finalist.trial.run)


def _settings_text(setting: Mapping[str, object]) -> str:
    return words.setting({name: value for name, value in setting.items() if name != "hidden"})


def _tested(study: StudyContext, winner: Group | None) -> Interval | None:
    """The winner's accuracy on the test part: evaluated once and stored, so that repeating the study does not repeat it."""
    from seedbed.groups.evaluation import evaluate_group

    setup = study.setup
    if winner is None or setup.quick or not setup.facts.test or setup.data.protocol != "honest":
        return None
    key = {"runs": sorted(result.run.identity for result in winner.results)}
    with measurements(study.home, "budget-test", key) as kept:
        if not kept.of("test"):
            test = evaluate_group(study.home, winner.name, test=True).test
            if test is None:
                return None
            kept.add("test", **vars(test))
        [row, *_] = kept.of("test")
    return Interval(row["mean"], row["low"], row["high"], row["n"])


# At a glance


def _card(outcome: SearchOutcome) -> Card:
    question, winner = f"How good can a net with {UNITS} hidden units get?", outcome.winner
    named = {"best found": winner, f"one layer of {UNITS}": outcome.cells[-2], f"one layer of {FEW}": outcome.cells[-1]}
    picture = accuracies_picture((name, group.accuracy) for name, group in named.items() if group)
    if winner is None or winner.accuracy is None:
        return Card(question, "No net of the search learned anything.", Certainty("not shown", "There is no winner."), picture)
    against = outcome.contrasts[0]
    activation, optimizer = ACTIVATIONS[winner.setting["activation"]].title, OPTIMIZERS[winner.setting["optimizer"]].title
    net = f"{words.value(winner.setting['hidden'])} {activation} units, trained by {optimizer}"
    answer = f"{words.percent(winner.mean)} of the images right, with {net}."
    if against.decision:
        gain = 100 * against.decision.interval.mean
        by_chance = "" if against.decision.interval.excludes() else ", which may be chance"
        answer += f" That is {abs(gain):.1f} points {'more' if gain > 0 else 'less'} than one plain layer{by_chance}."
    return Card(question, answer, against.certainty("Against one plain layer"), picture)


# The first part: the best network


def _best(setup: Setup, outcome: SearchOutcome) -> AnswerPart:
    search, test = outcome.search, outcome.test
    captions = {
        "trials": "Each trial is one network with one seed; a pruned one was stopped early.",
        "accuracy_over_parameters": "The best trials' settings with fresh seeds: equal units, nets of unequal sizes.",
    }
    charts = search.charts()
    return AnswerPart(
        name="best",
        question=f"Which network with {UNITS} hidden units in all is the best?",
        answer=[
            _winner(outcome),
            *(contrast.sentence for contrast in outcome.contrasts),
            *_optimism(search),
            _test_sentence(setup, outcome),
        ],
        method=(
            f"{words.counted(len(search.trials), 'trial')} chosen by Optuna's TPE over depth, split, activation, dropout, l1, "
            f"l2, optimizer, learning rate, schedule and batch size, each with {UNITS} units; "
            f"{words.counted(search.terms.space.epochs, 'epoch')}, the worse half stopped at two rungs; the best "
            f"{len(search.best)} trained again with {words.counted(search.terms.seeds, 'fresh seed')}, and the winner with "
            f"{words.counted(len(setup.seeds), 'seed')} that selected nothing."
        ),
        figures=[Figure(f"budget_{name}", charts[name], caption) for name, caption in captions.items() if name in charts],
        tables=[_finalist_table(search), _depth_table(search)],
        cells=[*(cell.as_json() for cell in outcome.cells), *map(_finalist_json, search.best)],
        contrasts=outcome.contrasts,
        caveats=_caveats(search),
        published=[PUBLISHED],
        data={
            "search": search.name,
            "states": search.states,
            "winner": search.winner.as_json() if search.winner else None,
            "test": {"mean": test.mean, "interval": test.pair(), "n": test.n} if test else None,
        },
    )


def _winner(outcome: SearchOutcome) -> str:
    trials, winner = words.counted(len(outcome.search.trials), "trial"), outcome.winner
    if winner is None:
        return f"There is no best network: none of {trials} finished without diverging or collapsing."
    name = sized(words.value(winner.setting["hidden"]), winner.parameters)
    return (
        f"With {UNITS} hidden units in all, the best of {trials} is {name}: {share_text(winner.accuracy)} validation accuracy "
        f"over {words.counted(winner.n, 'seed')} that did not select it. Its settings: {_settings_text(winner.setting)}."
    )


def _optimism(search: Search) -> list[str]:
    if search.winner is None:
        return []
    trial = search.winner.trial
    return [
        f"As trial {trial.number}, with one seed, it had {words.percent(trial.accuracy, 2)}. It was selected for that, so this "
        "number is optimistic; the same validation images selected it, whatever the seed."
    ]


def _test_sentence(setup: Setup, outcome: SearchOutcome) -> str:
    if outcome.winner is None:
        return "Without a winner the test part was not used."
    if setup.data.protocol == "handout":
        return "Under the handout protocol the official test images are the validation part: none are left to confirm it."
    if not setup.facts.test:
        return "This data set has no test part to confirm it."
    if outcome.test is None:
        return "A preview does not use the test part."
    seeds = words.counted(outcome.test.n, "seed")
    return f"On the test part, used once and entered in the ledger, the winner has {share_text(outcome.test)} over {seeds}."


def _caveats(search: Search) -> list[str]:
    failed = [f"{search.states[state]} {state}" for state in ("diverged", "collapsed") if state in search.states]
    trials = f"{words.listed(failed)} of {words.counted(len(search.trials), 'trial')}; they were not ranked."
    finalists = caveats([finalist.group for finalist in search.best])
    return [*([trials] if failed else []), *(f"Best trials: {caveat}" for caveat in finalists)]


def _finalist_table(search: Search) -> Table[Finalist]:
    columns: list[Column[Finalist]] = [
        Column("hidden units", lambda finalist: finalist.trial.run.model.hidden, words.value, align="left"),
        Column("parameters", lambda finalist: finalist.trial.model.parameters, ","),
        Column("settings", lambda finalist: _settings_text(_request(finalist).setting), align="left"),
        Column("as a trial", lambda finalist: 100 * finalist.trial.accuracy, ".2f", unit="%"),
        Column("fresh runs", lambda finalist: f"{finalist.group.n} of {finalist.group.total}"),
        Column("fresh accuracy, best epoch", lambda finalist: finalist.accuracy, interval_text, unit="%"),
    ]
    caption = (
        "The best trials trained again, by the lower ends of their intervals; in brackets 95 % intervals (seeds x images)."
    )
    return Table(columns, search.best, caption)


def _depth_table(search: Search) -> Table[list[Trial]]:
    """The trials with each number of layers."""

    def depth(trial: Trial) -> int:
        return len(trial.run.model.hidden)

    def best(trials: list[Trial]) -> Trial | None:
        whole = [trial for trial in trials if trial.state == "complete"]
        return max(whole, key=lambda trial: trial.accuracy, default=None)

    columns: list[Column[list[Trial]]] = [
        Column("layers", lambda trials: depth(trials[0])),
        Column("trials", len),
        Column("trained to the end", lambda trials: sum(trial.state == "complete" for trial in trials)),
        Column("best split", lambda trials: (top := best(trials)) and words.value(top.run.model.hidden)),
        Column("its parameters", lambda trials: (top := best(trials)) and top.model.parameters, ","),
        Column("its accuracy as a trial", lambda trials: (top := best(trials)) and 100 * top.accuracy, ".2f", unit="%"),
    ]
    caption = "The trials at each depth: single runs, selected for their accuracy; a description, not a comparison."
    rows = [list(trials) for _, trials in groupby(sorted(search.trials, key=depth), depth)]
    return Table(columns, rows, caption)


def _finalist_json(finalist: Finalist) -> dict[str, object]:
    accuracy, setting = finalist.accuracy, _request(finalist).setting
    return {
        "setting": setting,
        "label": f"finalist of trial {finalist.trial.number}: {words.setting(setting)}",
        "group": finalist.name,
        "parameters": finalist.trial.model.parameters,
        "units": finalist.trial.model.units,
        "seeds": list(finalist.group.by_seed),
        "n": finalist.group.n,
        "mean": accuracy.mean if accuracy else None,
        "interval": accuracy.pair() if accuracy else None,
    }


# The second part: the importance of settings


def _importance(search: Search) -> AnswerPart:
    shares = search.importances
    brief, whole = (_most_important(shares, len(search.trials), brief=at) for at in (True, False))
    return AnswerPart(
        name="importance",
        question="Which settings mattered most?",
        answer=[whole],
        finding=Statement(brief, _standing_out(shares), whole),
        method=(
            "Functional ANOVA (Hutter, Hoos, Leyton-Brown 2014) of the accuracy after "
            f"{words.counted(search.compared_at, 'epoch')}, which all trials reached: the share of its variance that a setting "
            "explains by itself; in brackets the range of nine tenths of the resamples of the trials. A search tries most "
            "settings where accuracies are high, so this is about the region that was searched."
        ),
        figures=[Figure("budget_importance", search.charts()["importance"], "Bars that overlap may be equal.")]
        if shares
        else [],
        tables=[_importance_table(shares)] if shares else [],
        data={"epoch": search.compared_at, "shares": [vars(each) for each in shares]},
    )


def _name(share: Importance) -> str:
    return NAMES.get(share.dimension, share.dimension.replace("_", " "))


def _importance_table(shares: Sequence[Importance]) -> Table[Importance]:
    columns: list[Column[Importance]] = [
        Column("setting", _name, align="left"),
        Column("share", lambda share: 100 * share.share, ".0f", unit="%"),
        Column("nine tenths of resamples", lambda share: f"{100 * share.low:.0f} to {100 * share.high:.0f}"),
    ]
    return Table(columns, shares, "Shares of the variance between trials.")


def _standing_out(shares: Sequence[Importance]) -> Certainty:
    """How sure it is that the first setting explains the most: at most *likely*, for ranges of resamples are no test."""
    if not shares:
        return Certainty("not shown", "Too few trials reached one epoch together, or their accuracies are too alike.")
    first, *others = shares
    if any(other.high >= first.low for other in others):
        return Certainty("not shown", "The ranges of nine tenths of the resamples of the trials overlap.")
    return Certainty("likely", "The ranges of nine tenths of the resamples of the trials do not overlap; this is no test.")


def _most_important(shares: Sequence[Importance], trials: int, *, brief: bool = False) -> str:
    if not shares:
        return f"{words.counted(trials, 'trial')} are too few, or too alike, to weigh the settings."
    first, *others = shares
    reach = "" if brief else f" ({100 * first.low:.0f} to {100 * first.high:.0f})"
    share = f"{words.percent(first.share, 0)}{reach}"
    largest = f"the {_name(first)} explains the largest share of the variance between trials, {share}"
    equal = [_name(other) for other in others if other.high >= first.low]
    if len(equal) > MOST_NAMED:
        return f"No setting stands out: {largest}, but {len(equal)} of the other {len(others)} settings may matter as much."
    return words.capital(largest) + (f"; as important may be {words.listed(equal)}." if equal else ".")


STUDY = Study(
    name="budget",
    title=f"The best of {UNITS} hidden units",
    question=f"With {UNITS} hidden units in all, which depth, split and settings give the best validation accuracy?",
    contrasts=CONTRASTS,
    design=plain,
    parts=parts,
    searching=lambda setup, execution: searches.forecast_search(terms(setup), execution).seconds or 0.0,
)
