"""One sitting at one machine: its settings, what it measured, and how that is kept."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, Self

import psutil

from bench.summary import Summary

PACKAGES = ("seedbed", "jax", "jaxlib", "numpy", "keras", "torch", "tensorflow-cpu", "tensorflow", "scikit-learn")


@dataclass(frozen=True)
class Settings:
    """How a sitting measures.

    Attributes:
        repeats: rounds of each race; a case may take fewer where one takes minutes.
        quick: a look at whether the bench works: few images, one round, figures that mean nothing.
        device: "cpu" or "gpu".
        scratch: a folder that goes away with the sitting.
        peers: the names of the peers that take part in races; empty lets all take part.
    """

    repeats: int
    quick: bool
    device: Literal["cpu", "gpu"]
    scratch: Path
    peers: Sequence[str] = ()

    def rounds(self, most: int = 10**6) -> int:
        return 1 if self.quick else min(self.repeats, most)


@dataclass(frozen=True)
class Table:
    """Rows of text under a title; `text` explains what stands there."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: str = ""


@dataclass(frozen=True)
class Measured:
    """A figure beside a target: the target's key, which figure it is, and the figure."""

    target: str
    what: str
    value: Summary


@dataclass(frozen=True)
class Outcome:
    """What a case found.

    Attributes:
        name: of the case.
        title, text: its heading, and what was done.
        raw: every single measurement, as JSON values.
        seconds: that the case took.
    """

    name: str
    title: str
    text: str
    tables: Sequence[Table]
    measured: Sequence[Measured] = ()
    notes: Sequence[str] = ()
    raw: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Self:
        tables = [Table(**table) for table in facts.pop("tables")]
        measured = [Measured(each["target"], each["what"], Summary(**each["value"])) for each in facts.pop("measured")]
        return cls(tables=tables, measured=measured, **facts)


@dataclass
class Sitting:
    """All outcomes of one sitting, with the machine."""

    machine: dict[str, Any]
    outcomes: list[Outcome] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return {"machine": self.machine, "outcomes": [asdict(outcome) for outcome in self.outcomes]}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Self:
        return cls(facts["machine"], [Outcome.of(outcome) for outcome in facts["outcomes"]])


def machine(settings: Settings) -> dict[str, Any]:
    """This machine, its versions and the hour."""
    from seedbed import __version__, devices

    installed = {name: version for name in PACKAGES if (version := _version(name))}
    return {
        "date": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        "device": settings.device,
        "quick": settings.quick,
        "repeats": settings.repeats,
        "processor": _processor(),
        "cores": devices.cores(),
        "memory": psutil.virtual_memory().total,
        "gpu": _gpu() if settings.device == "gpu" else "",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "revision": _revision(),
        "versions": {**installed, "seedbed": __version__},  # of this checkout, whatever is installed
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    """The processor's name, with what tells its speed where the name does not."""
    from seedbed import devices

    facts = devices.processor_facts()
    generation = f", family {facts['cpu family']} model {facts['model']}" if "cpu family" in facts and "model" in facts else ""
    flags = facts.get("flags", "").split()
    wide = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_tile") if flag in flags]
    return f"{devices.processor()}{generation}{', ' + ' '.join(wide) if wide else ''}"


def _gpu() -> str:
    from seedbed.devices import WorkerKind
    from seedbed.executor import probe

    return ", ".join(str(device["kind"]) for device in probe.ask(WorkerKind("gpu"))["devices"])


def _revision() -> str:
    """Of this checkout, with a sign where files differ from it; empty outside of one."""
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
