"""Caveats of means: the runs that are excluded, and those that were still improving."""

from __future__ import annotations

from collections.abc import Sequence

from seedbed import words
from seedbed.groups.group import Group, shows_classes
from seedbed.groups.measures import MEASURES
from seedbed.records import SAME_START, Result

MOST_PLACES = 6
"""Settings that a sentence names."""

HAPPENED = {
    "diverged": ("diverged and is excluded", "diverged and are excluded"),
    "collapsed": ("collapsed and is excluded", "collapsed and are excluded"),
    "still_improving": ("was still improving at the last epoch", "were still improving at the last epoch"),
}
"""Verdict -> its sentence about one run, and about several."""


def caveats(groups: Sequence[Group], *, name: bool = False) -> list[str]:
    """Make a sentence for each kind of run that diverged, collapsed, or was still improving, with the settings concerned.

    Args:
        groups: groups whose runs are behind the means.
        name: whether groups are called by their names. False means by their settings.
    """
    runs, sentences = sum(len(group.results) for group in groups), []
    for verdict, (singular, plural) in HAPPENED.items():
        counts = [(group, group.verdicts[verdict]) for group in groups if verdict in group.verdicts]
        count = sum(number for _, number in counts)
        if count:
            places = "" if len(groups) == 1 or count == runs else ": " + _places(counts, name)
            sentences.append(f"{_subject(count, groups, name)} {singular if count == 1 else plural}{places}.")
    return sentences + same_start(groups, name=name)


def _subject(count: int, groups: Sequence[Group], name: bool) -> str:
    runs = sum(len(group.results) for group in groups)
    only = groups[0].name if name and len(groups) == 1 else ""
    return only if only and runs == 1 else f"{count} of {words.counted(runs, 'run')}{f' of {only}' if only else ''}"


def same_start(groups: Sequence[Group], *, name: bool = False) -> list[str]:
    """Make a sentence if the seeds of a group share their initial weights, which its interval over seeds does not vary."""
    alike = [group for group in groups if len(group.by_seed) > 1 and SAME_START in group.results[0].model.traits]
    if not alike:
        return []
    places = "" if len(alike) == len(groups) else f" of {words.counted(len(alike), 'setting')}"
    places = f" of {words.listed([group.name for group in alike])}" if name else places
    return [f"All seeds{places} start from the same weights: the intervals vary only the images' order and random layers."]


def uneven_classes(groups: Sequence[Group]) -> list[str]:
    """Say what the largest class alone gives, for each data set whose classes are uneven."""
    data = {result.run.unfolded.data.images: result.data for group in groups for result in group.results[:1]}
    sentences = []
    for facts in (each for each in data.values() if each.uneven):
        name, share = facts.largest_class
        among = sum(count > 0 for count in facts.validation_counts)
        sentences.append(
            f"Classes are uneven: always answering {name!r} gives an accuracy of {words.percent(share)}, "
            f"and a balanced accuracy of {words.percent(1 / among)}."
        )
    return sentences


def class_sentences(group: Group) -> list[str]:
    """Give the metrics that count all classes alike, with their intervals, where accuracy does not say enough."""
    if not (shows_classes([group]) and group.judged()):
        return []
    parts = []
    for called, metric in (("balanced accuracy", "balanced"), ("macro F1", "f1")):
        interval = group.measured(MEASURES[metric])  # type: ignore[index]
        if interval:
            parts.append(f"{called} {words.percent(interval.mean, 2)} (95 % interval {words.ends(*interval.pair())})")
    return [f"All classes count alike in the {' and in the '.join(parts)}.", *uneven_classes([group])]


def _places(counts: Sequence[tuple[Group, int]], name: bool) -> str:
    places = [
        f"{count} of {len(group.results)} {'of' if name else 'with'} {group.name if name else group.label or group.name}"
        for group, count in counts
    ]
    more = [f"and {len(places) - MOST_PLACES} more settings"] if len(places) > MOST_PLACES else []
    return "; ".join([*places[:MOST_PLACES], *more])


MANY_IMAGES = 1_000
"""Validation images from which the optimism of a selected epoch is below the digits that are shown."""


def optimism(results: Sequence[Result]) -> list[str]:
    """Make a sentence on how much too high the accuracy at a selected epoch is on average; none where that does not matter."""
    few = [each for each in results if each.included and each.data.validation < MANY_IMAGES and each.best < each.history.epochs]
    points = 100 * sum(result.optimism for result in few) / max(1, len(few))
    if round(points, 1) <= 0:
        return []
    measure = MEASURES[few[0].run.plan.metric].name.replace("validation ", "")
    return [
        f"The best epoch was selected on these {few[0].data.validation:,} images, so its {measure} is optimistic: on average "
        f"by {points:.1f} points. That of the last epoch is not."
    ]


def excluded(groups: Sequence[Group]) -> str:
    """How many runs of these settings are excluded, in a few words for figures; empty where all of them count.

    >>> excluded([group_of_which_two_runs_diverged])
    '2 of 5 runs excluded'
    """
    out = sum(group.left_out for group in groups)
    return f"{out} of {words.counted(sum(group.total for group in groups), 'run')} excluded" if out else ""
