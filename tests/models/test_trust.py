"""Whose Python files are run: the very text that the user named, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedbed.errors import ModelError
from seedbed.models import trust
from seedbed.specs import Keras

NAMED = "def build():\n    '''The text that the user named.'''\n"


@pytest.fixture
def named(tmp_path: Path) -> Keras:
    """A network in a file that the user named just now."""
    path = tmp_path / "net.py"
    path.write_text(NAMED)
    return Keras.of(f"{path}:build")


def test_the_text_that_was_named_is_run(named: Keras) -> None:
    assert trust.text(named) == NAMED.encode()


def test_a_file_that_changed_since_is_not_run(named: Keras) -> None:
    Path(named.file).write_text("raise SystemExit\n")
    with pytest.raises(ModelError, match="changed since this run was described"):
        trust.text(named)


def test_another_file_under_a_known_digest_is_not_run(named: Keras, tmp_path: Path) -> None:
    (tmp_path / "strangers.py").write_text("raise SystemExit\n")
    with pytest.raises(ModelError, match=r"strangers\.py' changed since"):
        trust.text(named.changed(file=str(tmp_path / "strangers.py")))


def test_a_file_that_is_gone_is_named(named: Keras) -> None:
    Path(named.file).unlink()
    with pytest.raises(ModelError, match=r"net\.py' is gone"):
        trust.text(named)


def test_a_text_that_arrived_damaged_is_not_run() -> None:
    with pytest.raises(ModelError, match="arrived damaged"):
        trust.accept({"0" * 64: NAMED.encode()})
