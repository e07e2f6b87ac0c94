"""Twenty questions of students, and where the right answers stand: number and direction, in a card or a first paragraph.

The right answers come from the JSON values of a study, as `results.json` has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Part = Mapping[str, Any]


@dataclass(frozen=True)
class StudentQuestion:
    """A question, the part of the study that answers it, and what its answer must say.

    Attributes:
        fragments: the part -> texts that must stand there; of a tuple one is enough.
    """

    text: str
    part: str
    fragments: Callable[[Part], list[str | tuple[str, ...]]]

    def check(self, study: Mapping[str, Any]) -> None:
        """Assert that a reader finds the answer."""
        [part] = [each for each in study["parts"] if each["name"] == self.part]
        read = " ".join([part["card"]["answer"] if part["card"] else "", *part["answer"][:3]])
        for fragment in self.fragments(part):
            either = (fragment,) if isinstance(fragment, str) else fragment
            assert any(each in read for each in either), f"{self.text} {fragment!r} is not in: {read}"


def difference(part: Part, place: int) -> float:
    """A planned comparison's difference, in points."""
    return float(100 * part["contrasts"][place]["difference"])


def better(part: Part, place: int, named: str, other: str) -> list[str | tuple[str, ...]]:
    """What a sentence says of a comparison: its size and who is ahead, or that both are equal."""
    size = difference(part, place)
    return [(*sizes(size), "the same mean"), named if size > 0 else other]


def sizes(points: float) -> tuple[str, str]:
    """A size as cards and as sentences give it."""
    return f"{abs(points):.1f} points", f"{abs(points):.2f} points"


def against_none(part: Part) -> list[str | tuple[str, ...]]:
    """Which side a comparison of l2 with no penalty favours, shown or not."""
    l2 = ("more accurate than no penalty", "l2 0.01 is ahead", "(the best above 0) is ahead")
    none = ("no penalty is more accurate", "no penalty is ahead")
    size = difference(part, 1)
    return [(*sizes(size), "the same mean"), (*(l2 if size > 0 else none), "the same mean")]


def gains(place: int) -> Callable[[Part], list[str | tuple[str, ...]]]:
    """What a step of the first layer's width gains."""

    def fragments(part: Part) -> list[str | tuple[str, ...]]:
        steps = [step["gain"]["mean"] for step in part["data"]["doublings"] if step["layer"] == 1]
        return ["the first layer gains", f"{100 * steps[place]:.2f} points"]

    return fragments


def sigmoid(part: Part) -> list[str | tuple[str, ...]]:
    size = difference(part, 0)
    name = "sigmoid" if size > 0 else "ReLU"
    return [(*sizes(size), "the same mean"), (f"{name} is more accurate", f"{name} is ahead", "the same mean")]


def winner(part: Part) -> list[str | tuple[str, ...]]:
    return better(part, 0, "winner", "one plain layer")


def best_lambda(part: Part) -> list[str | tuple[str, ...]]:
    return [f"lambda {part['data']['best']:g} is the best"]


def points(part: Part, place: int, sign: str = "") -> str:
    return f"{difference(part, place):{sign}.1f} points"


def on_the_way_back(part: Part) -> list[str | tuple[str, ...]]:
    return [("smallest", "largest"), "gradient", "sigmoid"]


def steps(part: Part) -> list[str | tuple[str, ...]]:
    return [("steps to 90 %", "steps to 95 %", "steps to 97 %"), "ReLU", "tanh", "sigmoid"]


def fewest(target: str) -> Callable[[Part], list[str | tuple[str, ...]]]:
    def fragments(part: Part) -> list[str | tuple[str, ...]]:
        found = part["data"][target]["two_layers"]["parameters"]
        share = f"{100 * float(target):.0f} %"
        return [f"{found:,} parameters" if found else ("no tested net", "not clearly above"), share]

    return fragments


def permuted(part: Part) -> list[str | tuple[str, ...]]:
    return better(part, 0, "pixels in place", "permuted pixels")


def shifted(part: Part) -> list[str | tuple[str, ...]]:
    found = part["data"]["advantage"]
    return [f"by {100 * abs(found['difference']):.1f} points", "right more often than"]


QUESTIONS: dict[str, list[StudentQuestion]] = {
    "hidden-units": [
        StudentQuestion("What do more units in the first layer gain?", "widths", gains(0)),
        StudentQuestion("Does it go on helping?", "widths", gains(-1)),
        StudentQuestion("How few parameters for 95 %?", "fewest-parameters", fewest("0.95")),
        StudentQuestion("How few parameters for 97 %?", "fewest-parameters", fewest("0.97")),
    ],
    "regularization": [
        StudentQuestion(
            "Does l2 help on all images?",
            "effect",
            lambda part: [(points(part, 0, "+"), f"{abs(difference(part, 0)):.2f} points")],
        ),
        StudentQuestion("Can it be too much?", "effect", against_none),
        StudentQuestion(
            "Does it help against wrong labels?",
            "harder-data",
            against_none,
        ),
        StudentQuestion(
            "Which smaller net is the penalized one like?", "smaller-net", lambda part: ["behaves like", ("seed", "none")]
        ),
    ],
    "polynomial": [
        StudentQuestion("Which lambda is best?", "bias-variance", best_lambda),
        StudentQuestion("What does too little and too much do?", "fits", lambda part: ["misses", "the true curve"]),
    ],
    "activations": [
        StudentQuestion("Is ReLU better than sigmoid?", "swap", sigmoid),
        StudentQuestion("Does ReLU learn faster than tanh?", "swap", steps),
        StudentQuestion("And in deep networks?", "depths", lambda part: ["Depth", "ReLU", "sigmoid"]),
        StudentQuestion("Why?", "why", on_the_way_back),
    ],
    "budget": [
        StudentQuestion(
            "How good is the best net of 200 units?",
            "best",
            lambda part: [part["data"]["winner"]["name"] and "200 hidden units", " % of the images right"],
        ),
        StudentQuestion("How much more is that than one layer?", "best", winner),
    ],
    "convolution": [
        StudentQuestion(
            "Is the conv net better?", "nets", lambda part: better(part, 0, "the conv net is", "the 200-100 net is")
        ),
        StudentQuestion(
            "How many parameters do both have?",
            "nets",
            lambda part: [f"{part['cells'][0]['parameters']:,} parameters", f"{part['cells'][1]['parameters']:,}"],
        ),
        StudentQuestion("Does it matter which pixels are neighbours?", "permuted", permuted),
        StudentQuestion("Which net is hurt less by shifted images?", "shifted", shifted),
    ],
}
