"""Each test of the data room has a cache, a home folder and a working folder of its own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    for name in ("cache", "user", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "user"))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.delenv("SEEDBED_DATA", raising=False)
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path
