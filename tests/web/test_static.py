"""Static files: what draws charts is made once, however many ask, and the addresses of files do not change by that."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seedbed.runs import RunStore
from seedbed.web import static
from seedbed.web.static import VEGA, StaticFiles
from web.samples import app_of, ask


def test_what_draws_is_made_once_and_changes_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def make() -> str:
        made.append(1)
        return "drawing"

    monkeypatch.setattr(static, "vega_made_elsewhere", make)
    early, late = StaticFiles(), StaticFiles()
    before = early.stamp
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(late.find, [VEGA] * 8))
    assert {file.content for file in found if file} == {b"drawing"}
    assert len(made) == 1
    assert late.stamp == early.stamp == before
    assert late.find("no.js") is None


def test_addresses_change_with_the_version_of_what_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    before = StaticFiles().stamp
    monkeypatch.setattr(static, "vega_version", lambda: "0.0")
    assert StaticFiles().stamp != before


def imported(name: str) -> set[str]:
    """The modules that a script imports, and those that they import."""
    script = StaticFiles().find(name)
    assert script is not None
    direct = set(re.findall(r'^import .* from "\./(.+)";$', script.content.decode(), flags=re.MULTILINE))
    return direct.union(*map(imported, direct))


def test_every_page_fetches_at_once_what_its_script_imports(tmp_path: Path) -> None:
    page = ask(app_of(RunStore(tmp_path)), "/runs").text
    assert set(re.findall(r'rel="modulepreload" href="/static/([^"]+)"', page)) == imported("app.js")
