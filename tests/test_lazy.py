"""Modules that are loaded when they are used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from seedbed.lazy import loaded_when_used


def test_a_module_is_loaded_in_full_at_its_first_use_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heavy_library.py").write_text("import sys\nsys.heavy_loads += 1\nanswer = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "heavy_loads", 0, raising=False)
    finders = list(sys.meta_path)
    with loaded_when_used("heavy_library"):
        import heavy_library
    assert (sys.meta_path, sys.heavy_loads) == (finders, 0)
    assert (heavy_library.answer, heavy_library.answer, sys.heavy_loads) == (42, 42, 1)
    monkeypatch.delitem(sys.modules, "heavy_library")
