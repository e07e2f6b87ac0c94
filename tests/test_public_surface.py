"""What `import seedbed` offers, and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import seedbed

SURFACE = [
    "Conv",
    "DataSpec",
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


def test_the_public_names_are_these():
    assert seedbed.__all__ == SURFACE


@pytest.mark.parametrize("name", SURFACE)
def test_each_public_name_can_be_had_and_is_listed(name):
    assert getattr(seedbed, name).__name__.removeprefix("seedbed.") == name
    assert name in dir(seedbed)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        seedbed.trian  # noqa: B018


def loaded_after(statement: str) -> set[str]:
    program = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


HEAVY = {"numpy", "pydantic", "jax", "keras", "altair", "scipy", "sklearn", "rich", "PIL"}


@pytest.mark.parametrize("statement", ["import seedbed", "import seedbed.cli", "import seedbed.errors"])
def test_importing_the_package_or_the_command_line_loads_nothing_heavy(statement):
    assert not loaded_after(statement) & HEAVY


def test_specs_and_training_from_python_load_no_framework():
    assert not loaded_after("import seedbed\nseedbed.Dense, seedbed.train, seedbed.RunStore") & {
        "jax",
        "keras",
        "altair",
        "sklearn",
    }
