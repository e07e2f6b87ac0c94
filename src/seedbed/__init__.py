"""A bench for experiments on small neural networks.

    import seedbed as sb
    results = sb.train([sb.Dense(hidden=(200, 100)), sb.Dense(hidden=(32,))], data="digits", seeds=5)

Names are imported when they are first used, so that `import seedbed` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedbed import studies
    from seedbed.api import (
        compare,
        evaluate,
        find,
        learning_curves,
        load,
        load_network,
        own_network,
        search,
        smallest,
        sweep,
        train,
    )
    from seedbed.cli.watch import watching
    from seedbed.data import Dataset
    from seedbed.errors import SeedbedError
    from seedbed.exports import export
    from seedbed.figures import picture_grid, save
    from seedbed.network import Network
    from seedbed.records import History, Result, Verdict
    from seedbed.runs import RunStore
    from seedbed.specs import Conv, DataSpec, Dense, Keras, Plan, RunSpec
    from seedbed.web import serve

__version__ = "0.2.0"

__all__ = [
    "Conv",
    "DataSpec",
    "Dataset",
    "Dense",
    "History",
    "Keras",
    "Network",
    "Plan",
    "Result",
    "RunSpec",
    "RunStore",
    "SeedbedError",
    "Verdict",
    "compare",
    "evaluate",
    "export",
    "find",
    "learning_curves",
    "load",
    "load_network",
    "own_network",
    "picture_grid",
    "save",
    "search",
    "serve",
    "smallest",
    "studies",
    "sweep",
    "train",
    "watching",
]

_MODULES = {
    "api": (
        "compare",
        "evaluate",
        "find",
        "learning_curves",
        "load",
        "load_network",
        "own_network",
        "search",
        "smallest",
        "sweep",
        "train",
    ),
    "cli.watch": ("watching",),
    "data": ("Dataset",),
    "errors": ("SeedbedError",),
    "exports": ("export",),
    "figures": ("picture_grid", "save"),
    "network": ("Network",),
    "records": ("History", "Result", "Verdict"),
    "runs": ("RunStore",),
    "specs": ("Conv", "DataSpec", "Dense", "Keras", "Plan", "RunSpec"),
    "web": ("serve",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "studies":
        return import_module("seedbed.studies")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'seedbed' has no attribute {name!r}")
    value = getattr(import_module(f"seedbed.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
