"""Playground: choose settings, train, and watch; two settings side by side with the same seeds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from seedbed import data, figures, words
from seedbed.commands import train_call, train_command
from seedbed.errors import SeedbedError, SpecError, StatisticsError, UnknownRun
from seedbed.evaluation.browser import browser_network, browser_weights
from seedbed.figures import NamedCurves
from seedbed.kinds import ACTIVATIONS, OPTIMIZERS
from seedbed.models import facts
from seedbed.playground import PlaygroundRequest, PlaygroundSession
from seedbed.playground.settings import MOST_SEEDS, PlaygroundSetting
from seedbed.web.images import known_dataset
from seedbed.web.site import Here, PageSite, View, ViewQuery

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

router = APIRouter()

FieldText = Annotated[str, Field(max_length=60)]

NUMBERS = {"learning_rate": float, "l2": float, "batch_size": int}
"""Fields of the plan that a user types, and their types."""


class PlaygroundQuery(ViewQuery):
    """What is to be trained, as the form has it. Fields of the second setting begin with `b_`.

    Attributes:
        data, epochs, seed, seeds: what both settings share.
        called: name of the runs; empty means the next free one.
        two: whether there is a second setting.
        family, hidden, filters, activation, optimizer, learning_rate, l2, batch_size: the first setting.
    """

    data: FieldText = "digits"
    epochs: FieldText = "100"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)] = 1
    called: Annotated[str, Field(max_length=100)] = ""
    two: bool = False
    family: FieldText = "dense"
    hidden: FieldText = "32"
    filters: FieldText = "20,10"
    activation: FieldText = "relu"
    optimizer: FieldText = "adam"
    learning_rate: FieldText = "0.001"
    l2: FieldText = "0"
    batch_size: FieldText = "128"
    b_family: FieldText = "dense"
    b_hidden: FieldText = "32"
    b_filters: FieldText = "20,10"
    b_activation: FieldText = "tanh"
    b_optimizer: FieldText = "adam"
    b_learning_rate: FieldText = "0.001"
    b_l2: FieldText = "0"
    b_batch_size: FieldText = "128"

    def request(self) -> PlaygroundRequest:
        """What the playground is asked for.

        Raises:
            SpecError: a text is not a number.
        """
        settings = [self._setting(prefix) for prefix in (("", "b_") if self.two else ("",))]
        return PlaygroundRequest(settings=settings, data=self.data, seed=self.seed, seeds=self.seeds, name=self.called)

    def _setting(self, prefix: str) -> PlaygroundSetting:
        def text(field: str) -> str:
            value: str = getattr(self, prefix + field)
            return value.strip()

        model: dict[str, Any] = {"family": text("family"), "hidden": _counts("hidden", text("hidden"))}
        model["activation"] = text("activation")
        if text("family") == "conv":
            model["filters"] = _counts("filters", text("filters"))
        plan: dict[str, Any] = {field: _number(field, text(field), kind) for field, kind in NUMBERS.items()}
        epochs = self.epochs if self.epochs == "auto" else _number("epochs", self.epochs, int)
        return PlaygroundSetting(model=model, plan={**plan, "optimizer": text("optimizer"), "epochs": epochs})


def _counts(field: str, text: str) -> list[int]:
    if text.lower() in ("", "none"):
        return []
    if not re.fullmatch(r"\d{1,6}(\s*[,-]\s*\d{1,6})*", text):
        raise SpecError(f"{field} = {text!r}: it must be whole numbers with commas between them, like 200,100, or none.")
    return [int(part) for part in re.split(r"[,-]", text)]


def _number(field: str, text: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise SpecError(f"{field} = {text!r}: it must be a{' whole' if kind is int else ''} number.") from None


@dataclass(frozen=True, eq=False)
class PlaygroundState:
    """The form's texts, what they mean, and what the trainer does.

    Attributes:
        session: what the trainer does, see `PlaygroundSession.as_json`.
        names: names of the runs of each setting, were they trained now.
        networks: each setting's network in words.
        commands, calls: the command and the Python call of each setting.
        error: why the settings cannot be trained; empty if they can.
    """

    session: Mapping[str, Any]
    names: list[str]
    networks: list[str]
    commands: list[str]
    calls: list[str]
    error: str = ""

    @property
    def choices(self) -> dict[str, list[str]]:
        """What the fields with a choice can be."""
        names = [each.name for each in data.known()]
        return {
            "data": names,
            "family": ["dense", "conv"],
            "activation": list(ACTIVATIONS),
            "optimizer": list(OPTIMIZERS),
        }

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "choices": self.choices}


def session_of(site: PageSite) -> PlaygroundSession:
    """The playground of a server; its trainer starts when it is first needed."""
    return site.lasting("playground", lambda: PlaygroundSession(site.home, lambda news: site.hub.publish("playground", news)))


def state(site: PageSite, query: PlaygroundQuery) -> PlaygroundState:
    """Read the form's texts; nothing is trained or started."""
    session = session_of(site)
    now = session.as_json()
    try:
        request = query.request()
        groups = request.groups(session.others(request, [listed.name for listed in site.live.listing()]))
    except SeedbedError as error:
        return PlaygroundState(now, [], [], [], [], str(error))
    home = "" if site.usual_home else str(site.home.root)
    return PlaygroundState(
        now,
        [name for name, _ in groups],
        [run.model.title for _, run in groups],
        [train_command(run, name, seeds=request.seeds, home=home) for name, run in groups],
        [train_call(run, name, seeds=request.seeds, home=home) for name, run in groups],
    )


def _curves(site: PageSite, _: PlaygroundQuery) -> AnyChart:
    """Learning curves of the current or last training, setting by setting."""
    site.live.refresh()
    groups: dict[str, list[Any]] = {}
    for run in session_of(site).as_json()["runs"]:
        with suppress(UnknownRun):  # it is claimed in this moment
            if result := site.live.result(run["name"]):
                groups.setdefault(run["group"], []).append(result)
    if not groups:
        raise StatisticsError("The curves begin with the first epoch.")
    if len(groups) == 1:
        return figures.learning_curves(next(iter(groups.values())))
    return figures.compared_curves([NamedCurves(name, results) for name, results in groups.items()], "Learning curves")


FormQuery = Annotated[PlaygroundQuery, Query()]


@router.post("/prepare")
def prepare(site: Here, query: FormQuery) -> dict[str, Any]:
    """Load and compile what these settings need, so that their training begins at once; settings in error need nothing."""
    session = session_of(site)
    if not state(site, query).error:
        session.prepare(query.request())
    return session.as_json()


@router.post("/start")
def start(site: Here, query: FormQuery) -> dict[str, Any]:
    """Train these settings; the answer names the runs."""
    return {"names": session_of(site).start(query.request())}


@router.post("/stop")
def stop(site: Here, for_good: bool = False) -> dict[str, Any]:
    """Save and stop the training that goes on."""
    session_of(site).stop(for_good=for_good)
    return session_of(site).as_json()


@router.post("/resume")
def resume(site: Here) -> dict[str, Any]:
    """Continue the training that was stopped."""
    session_of(site).resume()
    return session_of(site).as_json()


@router.get("/networks/{run}")
def network(site: Here, run: str) -> dict[str, Any]:
    """The network of a run of the current or last training, as the browser computes it."""
    entry = session_of(site).entry(run)
    dataset = known_dataset(site, entry.run.data.name)
    size = facts(entry.run.model, dataset.image_shape, len(dataset.classes))
    about = f"{entry.run.model.title}; {words.counted(size.parameters, 'parameter')}; seed {entry.run.seed}"
    return browser_network(run, entry.run, dataset, about)


@router.get("/weights/{run}", response_class=Response)
def weights(site: Here, run: str) -> Response:
    """Its newest weights as a safetensors file, with the epoch in a header; nothing (204) before the end of the first."""
    known = session_of(site).weights(run)
    if known is None:
        return Response(status_code=204)
    epoch, arrays = known
    return Response(browser_weights(arrays), media_type="application/octet-stream", headers={"x-epoch": str(epoch)})


VIEW = View("playground", "Playground", PlaygroundQuery, state, key="g", charts={"curves": _curves}, router=router, script=True)
