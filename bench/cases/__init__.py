"""The bench's questions, one function each: settings in, an `Outcome` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.cases import accuracy, commands, engine, networks, own, page, saving, sweeps
from bench.sitting import Outcome, Settings

Case = Callable[[Settings], Outcome]

CASES: Mapping[str, Case] = {
    "lone": networks.lone,
    "mixed": networks.mixed,
    "tiny": networks.tiny,
    "conv": networks.conv,
    "conv4": networks.conv4,
    "keras": own.networks,
    "sweep": sweeps.sweep,
    "scaling": sweeps.scaling,
    "compile": engine.compilation,
    "memory": engine.memory,
    "streamed": engine.streamed,
    "probes": engine.probes,
    "saving": saving.saving,
    "flood": page.flood,
    "accuracy": accuracy.against_keras,
    "cli": commands.times,
    "accuracy-cli": commands.accuracies,
    "many": networks.many,
}

ON_GPU_ONLY = frozenset({"many"})
