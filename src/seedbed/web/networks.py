"""The networks of a server's runs as its pages need them: descriptions, weights, data, and answers of users' own networks."""

from __future__ import annotations

from typing import Any, cast, get_args

from seedbed.data import Part
from seedbed.errors import RunError, SpecError
from seedbed.evaluation import Inversion
from seedbed.evaluation.browser import browser_result, browser_weights
from seedbed.playground.answering import AnsweringProcess
from seedbed.records import Result
from seedbed.runs.store import EpochChoice, Which
from seedbed.web.images import ShownPart, dataset_of, part_of
from seedbed.web.site import PageSite


def description(site: PageSite, name: str) -> dict[str, Any]:
    """Describe a run's network, see `browser_network`.

    Raises:
        UnknownRun: no run has this name.
        RunError: it has no epoch yet.
        DataUnavailable: its images are not on this machine.
    """
    result = _result(site, name)
    return browser_result(result, dataset_of(site, result.run.data))


def weights(site: PageSite, name: str, epoch: str) -> bytes:
    """A finished run's weights as a safetensors file.

    Args:
        epoch: "best", "last", or the number of a kept epoch.

    Raises:
        SpecError: the epoch is none of these.
        RunError: they were not kept.
    """
    return browser_weights(site.home.weights(name, _epoch_of(epoch)))


def shown_part(site: PageSite, name: str, part: ShownPart) -> Part:
    """A part of a run's data; errors as of `description`."""
    return part_of(dataset_of(site, _result(site, name).run.data), part)


def predict(site: PageSite, name: str, picture: bytes, invert: Inversion) -> dict[str, Any]:
    """What a network answers to a picture file, by a process of its own: this one never loads the engine."""
    answering: AnsweringProcess = site.lasting("answering", lambda: AnsweringProcess(site.home))
    return answering.predict(name, picture, invert)


def _result(site: PageSite, name: str) -> Result:
    result = site.live.result(name)
    if result is None:
        raise RunError(f"Run {name!r} has no epoch yet.")
    return result


def _epoch_of(text: str) -> EpochChoice:
    if text in get_args(Which):
        return cast("Which", text)
    if text.isascii() and text.isdecimal() and len(text) < 7:
        return int(text)
    raise SpecError(f"epoch = {text[:20]!r}: it must be best, last, or the number of an epoch that the run kept.")
