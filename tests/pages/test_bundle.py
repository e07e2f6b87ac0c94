"""The script that draws charts is joined once, and may be while other things are done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedbed.pages import bundle


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path))
    bundle.vega.cache_clear()
    yield tmp_path
    bundle.vega.cache_clear()


@pytest.mark.slow
def test_what_another_process_made_meanwhile_is_found(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle.make_vega_meanwhile()
    for thread in threading.enumerate():
        if thread.name.startswith("joining the script"):
            thread.join()
    assert [file.name for file in empty.rglob("vega-*.js")] == [f"vega-{bundle.vega_version()}.js"]
    monkeypatch.setattr("vl_convert.javascript_bundle", None)
    assert "vegaEmbed" in bundle.vega()


def test_where_no_other_process_can_make_it_this_one_does(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda: "vegaEmbed()")
    assert bundle.vega_made_elsewhere() == "vegaEmbed()"
    assert len(list(empty.rglob("vega-*.js"))) == 1
